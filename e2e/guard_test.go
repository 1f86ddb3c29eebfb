package e2e

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestGuardedUpgrade upgrades a Site that a name leads to: a second person has
// to approve, the Site is taken out first, and the server is killed while the
// run waits and once more while the Site is out. The next upgrade is cancelled
// midway, and fails midway when it goes on: each time the Site is put back.
func TestGuardedUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "200")
	w.setUp()
	bob := w.person("bob", "operator")
	sites := w.sites()
	seattle := sites["Seattle"]
	w.finish(w.begin(w.walk("helper-vm", seattle, nil)))
	w.finish(w.begin(w.walk("cluster", seattle, url.Values{"masters": {"1"}, "pools.0.count": {"1"}})))
	west, east := w.publish(1), w.publish(2)
	w.finish(w.begin(w.walk("traffic-manager", site{deployment: seattle.deployment}, url.Values{
		"ttl": {"2"}, "port": {publishedPort}, "sites.0.target": {west.public}, "sites.1.target": {east.public},
	})))
	const name = "ratings-tmep.trafficmanager.net"
	eventually(t, time.Minute, "the name leads to both Sites", func() bool { return len(w.leads(name, 20)) == 2 })

	if a := bob.post("/stacks/"+seattle.stack+"/policy", url.Values{"approval": {"upgrade"}, "zone": {"UTC"}}); a.status != http.StatusForbidden {
		t.Errorf("an operator changes the policy: %d", a.status)
	}
	if a := w.post("/stacks/"+seattle.stack+"/policy", url.Values{"version": {"0"}, "approval": {"upgrade"}, "zone": {"UTC"}}); a.status != http.StatusOK {
		t.Fatalf("the policy answered %d: %s", a.status, text(w.parse(a)))
	}
	run := w.begin(w.walk("upgrade", seattle, url.Values{"kubernetes": {"1.34.4"}, "clients": {"out"}}))
	decide := func(by *world) answer {
		return by.post("/runs/"+run+"/decide", url.Values{"verdict": {"approve"}, "reason": {"as planned"}})
	}
	if a := decide(w); a.status != http.StatusForbidden || w.status(run) != "waiting" {
		t.Errorf("who asked approves: %d, run is %s", a.status, w.status(run))
	}
	w.server.end(os.Kill)
	w.startServer()
	if page := text(bob.parse(bob.get("/runs"))); !strings.Contains(page, "Waiting for you") || w.status(run) != "waiting" {
		t.Errorf("after the restart the run is %s, and bob reads: %.300s", w.status(run), page)
	}
	if a := decide(bob); a.status != http.StatusOK {
		t.Fatalf("bob's approval answered %d: %s", a.status, text(bob.parse(a)))
	}
	eventually(t, time.Minute, "a node is worked on", func() bool { return w.printed(run, "upgrade-version") })
	w.server.end(os.Kill)
	if got := w.leads(name, 20); got[west.public] > 0 {
		t.Errorf("while the server is dead and the Site is disturbed, the name leads there: %v", got)
	}
	w.startServer()
	w.finish(run)
	w.putBack(run, "succeeded", 1)
	eventually(t, time.Minute, "the name leads to both Sites again", func() bool { return len(w.leads(name, 20)) == 2 })
	dossier := text(w.parse(w.get("/runs/" + run + "/dossier")))
	for _, want := range []string{"approval by a second person, not ana", "approved by bob", "as planned"} {
		if !strings.Contains(dossier, want) {
			t.Errorf("the dossier has no %q: %.1500s", want, dossier)
		}
	}

	run = w.begin(w.walk("upgrade", seattle, url.Values{"kubernetes": {"1.35.0"}, "clients": {"out"}}))
	if a := decide(bob); a.status != http.StatusOK {
		t.Fatalf("bob's approval answered %d: %s", a.status, text(bob.parse(a)))
	}
	w.upgrading()
	if got := w.leads(name, 20); got[west.public] > 0 {
		t.Errorf("while the Site is disturbed, the name leads there: %v", got)
	}
	w.post("/runs/"+run+"/cancel", nil)
	w.putBack(run, "cancelled", 1)
	eventually(t, time.Minute, "after a cancel the name leads to both Sites", func() bool { return len(w.leads(name, 20)) == 2 })
	if !w.goOn(run) {
		t.Fatal("a cancelled upgrade cannot be gone on with")
	}
	for _, pid := range w.upgrading() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // if it has not ended by itself: the only control plane node may be gone
	}
	w.putBack(run, "failed", 2)
	eventually(t, time.Minute, "after a failure the name leads to both Sites", func() bool { return len(w.leads(name, 20)) == 2 })
}

// putBack waits for a run's end and looks how often its Site was taken out and
// put back until then.
func (w *world) putBack(run, status string, times int) {
	w.t.Helper()
	eventually(w.t, patience, "the run ends", func() bool { return w.ended(run) })
	if s := w.status(run); s != status {
		w.t.Fatalf("the run is %s, not %s: %s", s, status, text(w.parse(w.get("/runs/"+run))))
	}
	if out, in := w.times(run, "Seattle is out of rotation."), w.times(run, "Seattle is in rotation again."); out != times || in != times {
		w.t.Errorf("when it %s the Site was taken out %d times and put back %d times, not %d", status, out, in, times)
	}
}

// upgrading waits until AKS Engine upgrades on the helper VM.
func (w *world) upgrading() (pids []int) {
	w.t.Helper()
	eventually(w.t, patience, "AKS Engine works", func() bool { pids = w.onMachines("upgrade", "--api-model"); return len(pids) > 0 })
	return pids
}
