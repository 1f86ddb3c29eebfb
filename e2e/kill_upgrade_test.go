package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestKillsDuringAnUpgrade ends, at seeded moments of an upgrade and as hard as
// can be, the server, the SSH connection, and the sandbox with ARM, API server
// and helper VM. A person retries what failed. HUBWRIGHT_KILL_SEEDS says how
// many upgrades are disturbed; each has other moments.
func TestKillsDuringAnUpgrade(t *testing.T) {
	t.Parallel()
	for seed := range killSeeds(t) {
		t.Run(strconv.Itoa(seed), func(t *testing.T) { disturb(t, uint64(seed)) })
	}
}

func disturb(t *testing.T, seed uint64) {
	w := newWorld(t, "60")
	w.setUp()
	seattle := w.sites()["Seattle"]
	w.finish(w.begin(w.walk("helper-vm", seattle, nil)))
	w.finish(w.begin(w.walk("cluster", seattle, url.Values{"pools.0.count": {"2"}})))
	w.live("ratings-seattle").has("1.33.10", 3, 2, 0)

	run := w.begin(w.walk("upgrade", seattle, url.Values{"kubernetes": {"1.34.4"}}))
	eventually(t, time.Minute, "AKS Engine upgrades", func() bool { return w.printed(run, "Upgrading control plane") })
	rnd, struck := rand.New(rand.NewPCG(seed, 7)), []string{}
	blows := map[string]func(){
		"the server":         func() { w.server.end(os.Kill); w.startServer() },
		"the SSH connection": w.cutSSH,
		"the sandbox":        func() { w.sandbox.end(os.Kill); w.startSandbox() },
	}
	names := []string{"the server", "the SSH connection", "the sandbox"}
	rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	// Of the five nodes so many are done when a blow falls: control plane and workers both.
	done := []int{rnd.IntN(2), 1 + rnd.IntN(3), 3 + rnd.IntN(2)}
	for i, name := range names {
		over := false
		eventually(t, 4*time.Minute, fmt.Sprintf("%d nodes are done", done[i]), func() bool {
			over = w.ended(run) && !w.goOn(run)
			return over || len(w.nodesMade(run)) >= done[i]
		})
		if over {
			break
		}
		time.Sleep(time.Duration(rnd.IntN(1500)) * time.Millisecond) // the seeded moment itself
		blows[name]()
		struck = append(struck, fmt.Sprintf("%s with %d nodes done, at line %d", name, len(w.nodesMade(run)), len(w.logLines(run))))
	}
	t.Logf("seed %d: %s", seed, strings.Join(struck, ", "))
	if len(struck) < len(names) {
		t.Errorf("the upgrade was over after %v: the test proves little", struck)
	}
	for tries := 0; ; tries++ {
		eventually(t, 4*time.Minute, "the run ends", func() bool { return w.ended(run) })
		if !w.goOn(run) {
			break
		}
		if tries == 5 {
			t.Fatalf("it fails again and again: %s", text(w.parse(w.get("/runs/"+run))))
		}
	}
	w.finish(run)
	w.live("ratings-seattle").has("1.34.4", 3, 2, 0)
	w.checkNothingTwice(run)
	w.checkAllJobsLogged(run)
}

// goOn retries a run that failed, and says whether it had to.
func (w *world) goOn(run string) bool {
	w.t.Helper()
	if !strings.Contains(text(w.parse(w.get("/runs/"+run))), "Retry from") {
		return false
	}
	if a := w.post("/runs/"+run+"/retry", nil); a.status != http.StatusOK {
		w.t.Fatalf("retry answered %d: %s", a.status, text(w.parse(a)))
	}
	return true
}

var pageLine = regexp.MustCompile(`faults to switch: (http://\S+)`)

// cutSSH breaks all SSH connections to Seattle's machines, once.
func (w *world) cutSSH() {
	w.t.Helper()
	page := pageLine.FindStringSubmatch(w.sandbox.output())
	if page == nil {
		w.t.Fatal("the sandbox tells no page")
	}
	for _, form := range []url.Values{
		{"action": {"load"}, "rules": {`[{"id": "cut", "kind": "ssh-refused", "match": {"stamp": "seattle"}}]`}},
		{"action": {"lift"}, "id": {"cut"}},
	} {
		res, err := http.PostForm(page[1]+"faults", form)
		if err != nil {
			w.t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			w.t.Fatalf("switching faults answered %d", res.StatusCode)
		}
	}
}

var madeNode = regexp.MustCompile(`Finished ARM Deployment \(k8s-upgrade-(\w+-\d+)-[0-9-]+T\S+\)\. Succeeded`)

// nodesMade says how often the log tells of each node that it was made.
func (w *world) nodesMade(run string) map[string]int {
	w.t.Helper()
	made := map[string]int{}
	for _, l := range w.logLines(run) {
		if m := madeNode.FindStringSubmatch(fmt.Sprint(l[4])); m != nil {
			made[m[1]]++
		}
	}
	return made
}

// checkNothingTwice looks for nodes that were made anew more than once. When
// the engine died between a control plane node's end and its new beginning,
// there is no other way than to make all anew, and the log says so.
func (w *world) checkNothingTwice(run string) {
	w.t.Helper()
	if w.printed(run, "The engine is told to build the nodes anew") {
		w.t.Log("all nodes had to be made anew, as the log says")
		return
	}
	made := w.nodesMade(run)
	if len(made) == 0 {
		w.t.Error("the log names no node that was made")
	}
	for node, n := range made {
		if n > 1 {
			w.t.Errorf("%s was made %d times", node, n)
		}
	}
}

// checkAllJobsLogged compares the log with what all the engine's commands of
// the upgrade wrote, one after the other.
func (w *world) checkAllJobsLogged(run string) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "sandbox", "machines", "*", "home", "*", ".hubwright", "jobs", "upgrade-*", "output.log"))
	if err != nil || len(files) == 0 {
		w.t.Fatalf("upgrade jobs: %v, %v", files, err)
	}
	slices.Sort(files)
	var want, got []string
	printed := map[string]bool{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		for l := range strings.Lines(string(raw)) {
			l = strings.TrimRight(l, "\n")
			want, printed[l] = append(want, l), true
		}
	}
	for _, l := range w.logLines(run) {
		if printed[fmt.Sprint(l[4])] {
			got = append(got, fmt.Sprint(l[4]))
		}
	}
	if !slices.Equal(want, got) {
		w.t.Errorf("the log is not what %d commands printed:\n%s\n--- printed:\n%s", len(files), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
