package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is for what takes seconds, on a busy machine.
const patience = 2 * time.Minute

// person is the same world, seen by somebody else in a browser of their own.
func (w *world) person(name, role string) *world {
	w.t.Helper()
	password := "long enough for " + name
	if a := w.post("/team", url.Values{"action": {"add"}, "name": {name}, "role": {role}, "password": {password}}); a.status != http.StatusOK {
		w.t.Fatalf("adding %s answered %d: %s", name, a.status, text(w.parse(a)))
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	other := *w
	other.client = &http.Client{Jar: jar, Timeout: time.Minute}
	if a := other.post("/login", url.Values{"name": {name}, "password": {password}, "next": {"/"}}); a.status != http.StatusOK {
		w.t.Fatalf("%s's login answered %d", name, a.status)
	}
	return &other
}

// startTogether presses the start of two reviews at the same moment.
func startTogether(people [2]*world, drafts [2]string) [2]answer {
	var out [2]answer
	var forms [2]url.Values
	for i, w := range people {
		w.settled(drafts[i])
		forms[i] = fields(w.parse(w.get("/drafts/" + drafts[i] + "/review")).Find(`form[action$="/start"]`).First())
	}
	gate := make(chan struct{})
	var done sync.WaitGroup
	for i, w := range people {
		done.Go(func() {
			<-gate
			out[i] = w.post("/drafts/"+drafts[i]+"/start", forms[i])
		})
	}
	close(gate)
	done.Wait()
	return out
}

// checkTogether has two people press the same button: on two drafts for one
// Site, and on one draft that both have open. Each time there is one run, and
// who came second is told so, with the way to it.
func (w *world) checkTogether(t *testing.T) {
	s := w.sites()["Seattle"]
	ben := w.person("ben", "operator")
	people := [2]*world{w, ben}

	answers := startTogether(people, [2]string{w.walk("cluster", s, url.Values{"dnsPrefix": {"together"}}), ben.walk("helper-vm", s, nil)})
	won, lost := answers[0], answers[1]
	if won.status != http.StatusOK || !strings.HasPrefix(won.path, "/runs/") {
		won, lost = lost, won
	}
	if !strings.HasPrefix(won.path, "/runs/") || lost.status != http.StatusConflict {
		t.Fatalf("two drafts at once: %d at %s and %d at %s", won.status, won.path, lost.status, lost.path)
	}
	page := w.parse(lost)
	if page.Find(`main a[href="`+won.path+`"]`).Length() == 0 || !strings.Contains(text(page), "works on this now") {
		t.Errorf("who came second reads: %.400s", text(page))
	}
	w.stop(strings.TrimPrefix(won.path, "/runs/"))

	draft := w.walk("cluster", s, nil)
	before := w.runCount()
	answers = startTogether(people, [2]string{draft, draft})
	if answers[0].path != answers[1].path || !strings.HasPrefix(answers[0].path, "/runs/") {
		t.Fatalf("one draft twice at once: %d at %s and %d at %s", answers[0].status, answers[0].path, answers[1].status, answers[1].path)
	}
	told := text(w.parse(answers[0])) + text(w.parse(answers[1]))
	if !strings.Contains(told, "This is the run.") && !strings.Contains(told, "became this run") {
		t.Errorf("nobody is told that the other one was first: %.600s", told)
	}
	if n := w.runCount() - before; n != 1 {
		t.Errorf("%d runs began", n)
	}
	w.checkCancel(t, strings.TrimPrefix(answers[0].path, "/runs/"))
}

func (w *world) runCount() int {
	return w.parse(w.get("/runs")).Find(`main a[href^="/runs/run_"]`).Length()
}

// stop cancels a run and waits for its end.
func (w *world) stop(run string) {
	w.t.Helper()
	w.post("/runs/"+run+"/cancel", nil)
	eventually(w.t, patience, "run "+run+" ends", func() bool { return w.ended(run) })
	if log := w.get("/runs/" + run + "/log.txt").body; strings.Contains(log, "SIGKILL") {
		w.t.Errorf("SIGTERM went to nobody:\n%s", log)
	}
}

// checkCancel cancels while AKS Engine works on the helper VM and does not
// listen. The page must not say cancelled before the process is gone.
func (w *world) checkCancel(t *testing.T, run string) {
	var pids []int
	eventually(t, patience, "AKS Engine runs on the helper VM", func() bool {
		pids = w.onMachines("deploy", "--api-model")
		return len(pids) > 0
	})
	signal := func(s syscall.Signal) {
		for _, pid := range pids {
			if err := syscall.Kill(pid, s); err != nil {
				t.Errorf("signal %v to %d: %v", s, pid, err)
			}
		}
	}
	signal(syscall.SIGSTOP)
	if a := w.post("/runs/"+run+"/cancel", nil); !strings.Contains(text(w.parse(a)), "Cancelling") {
		t.Errorf("after the cancel the page says: %.300s", text(w.parse(a)))
	}
	logged := func(words string) bool { return strings.Contains(w.get("/runs/"+run+"/log.txt").body, words) }
	eventually(t, patience, "the command is signalled", func() bool { return logged("Sending SIGTERM") })
	for range 10 { // it hears nothing, and so it is not cancelled
		if s := w.status(run); s != "cancelling" || w.ended(run) {
			t.Fatalf("the page says %s while AKS Engine is alive", s)
		}
	}
	signal(syscall.SIGCONT)
	eventually(t, patience, "the run is cancelled", func() bool {
		s := w.status(run)
		if s == "cancelled" {
			if alive := w.onMachines("deploy", "--api-model"); len(alive) > 0 {
				t.Fatalf("the page says cancelled, and %v are alive", alive)
			}
		}
		return s == "cancelled"
	})
	if !logged("has ended") {
		t.Errorf("the log does not say how it ended:\n%s", w.get("/runs/"+run+"/log.txt").body)
	}
}

// status is the run's status as its page carries it.
func (w *world) status(run string) string {
	return w.parse(w.get("/runs/"+run)).Find("#run-panel").AttrOr("data-status", "")
}

// onMachines are the processes of the sandbox's machines whose arguments hold
// all the words.
func (w *world) onMachines(words ...string) []int {
	home := filepath.Join(w.dir, "sandbox", "machines")
	var out []int
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		cwd, err := os.Readlink(filepath.Join(d, "cwd"))
		if err != nil || !strings.HasPrefix(cwd, home) {
			continue
		}
		raw, _ := os.ReadFile(filepath.Join(d, "cmdline"))
		args := strings.ReplaceAll(string(raw), "\x00", " ")
		all := args != ""
		for _, word := range words {
			all = all && strings.Contains(args, word)
		}
		if pid, err := strconv.Atoi(filepath.Base(d)); err == nil && all {
			out = append(out, pid)
		}
	}
	return out
}
