package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hubwright/internal/sandbox/faults"
)

// TestTraps kills AKS Engine at the moments after which its own word is not to
// be trusted any more: a retry then finds what it left behind and heals it, or
// says exactly what to do.
func TestTraps(t *testing.T) {
	t.Parallel()
	s := newStage(t, 400)
	seattle := s.sites()["Seattle"]
	s.finish(s.begin(s.walk("helper-vm", seattle, nil)))
	s.finish(s.begin(s.walk("cluster", seattle, url.Values{"pools.0.count": {"2"}})))
	cluster := s.live("base-seattle")
	cluster.has("1.33.10", 3, 2, 0)

	// The Hub goes on with the VMs, and the engine's model keeps the old count.
	run := s.begin(s.walk("scale", seattle, url.Values{"count": {"3"}}))
	s.killEngine(run, "scale", faults.Rule{
		Match: faults.Match{At: faults.AtOperation, Method: http.MethodPut, Type: "Microsoft.Compute/virtualMachines", Name: "linuxpool"}, Effect: faults.Effect{Stuck: true},
	})
	s.retry(run, "left another count in the API model")
	cluster.has("1.33.10", 3, 3, 0)

	// What belongs to a VM that is gone is nobody's any more.
	run = s.begin(s.walk("scale", seattle, url.Values{"count": {"1"}}))
	s.killEngine(run, "scale", unavailable(http.MethodDelete, "/networkInterfaces/"))
	s.retry(run, "delete in the resource group")
	cluster.has("1.33.10", 3, 1, 0)
	left := s.orphans()
	if len(left) != 4 {
		t.Errorf("an interface and a disk of two VMs should be left over: %v", left)
	}
	for _, name := range left {
		name, _, _ = strings.Cut(name, "_OsDisk_")
		if !s.printed(run, name) {
			t.Errorf("nobody is told that %s is left over", name)
		}
	}

	// It crashes where the Hub does not answer it.
	id := s.fault(faults.Rule{Match: faults.Match{At: faults.AtRequest, Method: http.MethodGet, Path: "^/subscriptions/[^/]+/?$"}, Effect: faults.Effect{Unreachable: true}})
	run = s.begin(s.walk("scale", seattle, url.Values{"count": {"2"}}))
	s.failed(run, "The engine could not reach the Hub", "It crashed (exit code 2)", "tests the way to the Hub")
	s.play.Faults().Lift(id)
	s.retry(run)
	cluster.has("1.33.10", 3, 2, 0)

	// Started again it would rebuild the first control plane node, never the
	// missing second one, and report success.
	run = s.begin(s.walk("upgrade", seattle, url.Values{"kubernetes": {"1.34.4"}}))
	s.killEngine(run, "upgrade", unavailable(http.MethodPut, "/deployments/k8s-upgrade-master-1-"))
	s.retry(run, "The control plane lacks k8s-master-", "build the nodes anew (--force)")
	cluster.has("1.34.4", 3, 2, 0)
	for _, name := range s.orphans() { // a new VM may have taken an interface over
		if !slices.Contains(left, name) {
			t.Errorf("the upgrade left %s over", name)
		}
	}
}

// unavailable answers some requests so that the engine waits for better times.
func unavailable(method, path string) faults.Rule {
	return faults.Rule{
		Match: faults.Match{At: faults.AtRequest, Method: method, Path: path}, Effect: faults.Effect{Status: http.StatusServiceUnavailable, RetryAfter: 60, Code: "ServiceUnavailable", Message: "Please retry later."},
	}
}

func (s *stage) fault(r faults.Rule) (id string) {
	s.t.Helper()
	r.Match.Stamp = "seattle"
	id, err := s.play.Faults().Add(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// killEngine kills the engine when the fault has struck, and lifts the fault.
func (s *stage) killEngine(run, command string, r faults.Rule) {
	s.t.Helper()
	id := s.fault(r)
	eventually(s.t, 3*time.Minute, "the moment to kill the engine", func() bool {
		return slices.ContainsFunc(s.play.Faults().List(), func(f faults.Status) bool { return f.ID == id && f.Struck > 0 }) || s.ended(run)
	})
	pids := s.onMachines(command, "--api-model")
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			s.t.Error(err)
		}
	}
	s.play.Faults().Lift(id)
	if len(pids) == 0 {
		s.t.Fatalf("no engine runs: %s", text(s.parse(s.get("/runs/"+run))))
	}
	s.failed(run, "The engine was stopped on the helper VM", "It got a signal", "Retry from")
}

// failed waits for a run's end, and sees what the person is told.
func (s *stage) failed(run string, want ...string) {
	s.t.Helper()
	eventually(s.t, 2*time.Minute, "the run fails", func() bool { return s.ended(run) })
	s.shows(run, append(want, "Failed")...)
}

// retry goes on with a run to its good end, and sees what the log then says.
func (s *stage) retry(run string, want ...string) {
	s.t.Helper()
	if a := s.post("/runs/"+run+"/retry", nil); a.status != http.StatusOK {
		s.t.Fatalf("retry answered %d: %s", a.status, text(s.parse(a)))
	}
	s.finish(run)
	for _, part := range want {
		if !s.printed(run, part) {
			s.t.Errorf("the log does not say %q", part)
		}
	}
}

// orphans are the interfaces and disks of the cluster in Seattle that belong
// to no VM.
func (s *stage) orphans() []string {
	var vms, out []string
	all := s.play.Resources("seattle", "")
	for _, r := range all {
		if name, ok := strings.CutPrefix(r, "Microsoft.Compute/virtualMachines "); ok {
			vms = append(vms, name)
		}
	}
	for _, r := range all {
		kind, name, _ := strings.Cut(r, " ")
		owner, isDisk := strings.CutSuffix(name, "-etcddisk")
		owner, _, _ = strings.Cut(strings.Replace(owner, "-nic-", "-", 1), "_OsDisk_")
		if !strings.HasPrefix(name, "k8s-") || kind != "Microsoft.Network/networkInterfaces" && kind != "Microsoft.Compute/disks" || isDisk || slices.Contains(vms, owner) {
			continue
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
