package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// logLines reads the whole log: number, time, level, step, text.
func (w *world) logLines(run string) [][]any {
	w.t.Helper()
	var page struct {
		Lines [][]any `json:"lines"`
	}
	if err := json.Unmarshal([]byte(w.get("/runs/"+run+"/log?after=0&limit=20000").body), &page); err != nil {
		w.t.Fatal(err)
	}
	return page.Lines
}

// ended polls without failing while the server is down.
func (w *world) ended(run string) bool {
	req, _ := http.NewRequest(http.MethodGet, w.url("/runs/"+run+"/log?after=999999"), nil)
	a, err := w.do(req)
	return err == nil && strings.Contains(a.body, `"ended":true`)
}

func (w *world) finish(run string) {
	w.t.Helper()
	eventually(w.t, 5*time.Minute, "the run ends", func() bool { return w.ended(run) })
	page := w.get("/runs/" + run)
	if !strings.Contains(page.body, "Succeeded") {
		w.t.Fatalf("run %s: %s\n%v", run, text(w.parse(page)), w.logLines(run))
	}
}

// TestKillNineDuringADeploy kills the server at ten seeded random moments
// while AKS Engine deploys a cluster, and cuts the helper VM's work never.
func TestKillNineDuringADeploy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "30")
	w.setUp()
	seattle := w.sites()["Seattle"]
	w.finish(w.begin(w.walk("helper-vm", seattle, nil)))
	run := w.begin(w.walk("cluster", seattle, nil))

	rnd := rand.New(rand.NewPCG(3, 5))
	kills := 0
	for ; kills < 10 && !w.ended(run); kills++ {
		time.Sleep(time.Duration(300+rnd.IntN(1500)) * time.Millisecond) // the seeded moment itself
		w.server.end(os.Kill)
		w.startServer()
	}
	if kills < 5 {
		t.Errorf("the deploy was over after %d kills: the test proves little", kills)
	}
	w.finish(run)
	w.checkStartedOnce(run)
	w.checkEveryLineOnce(run, "*deploy*")
}

// checkStartedOnce counts the engine's starts by what it left on the helper
// VM: one job folder and one ARM deployment.
func (w *world) checkStartedOnce(run string) {
	w.t.Helper()
	jobs, err := filepath.Glob(filepath.Join(w.dir, "sandbox", "machines", "*", "home", "*", ".hubwright", "jobs", "*deploy*"))
	if err != nil || len(jobs) != 1 {
		w.t.Errorf("deploy jobs on the helper VM: %v, %v", jobs, err)
	}
	starts := 0
	for _, l := range w.logLines(run) {
		if strings.Contains(fmt.Sprint(l[4]), "Starting ARM Deployment") {
			starts++
		}
	}
	if starts != 1 {
		w.t.Errorf("AKS Engine started %d ARM deployments", starts)
	}
}

// checkEveryLineOnce compares the log with the file that the one command of
// that name wrote.
func (w *world) checkEveryLineOnce(run, job string) {
	w.t.Helper()
	var got []string
	want := strings.Split(strings.TrimRight(w.jobOutput(job), "\n"), "\n")
	printed := map[string]bool{}
	for _, l := range want {
		printed[l] = true
	}
	for _, l := range w.logLines(run) {
		if printed[fmt.Sprint(l[4])] {
			got = append(got, fmt.Sprint(l[4]))
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.t.Errorf("the log is not what the command printed:\n%s\n--- printed:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
