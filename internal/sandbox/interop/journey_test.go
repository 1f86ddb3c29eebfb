//go:build interop

package interop

import (
	"archive/zip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// journey is a cluster's life on one Hub, signed in one way.
type journey struct {
	name   string
	stack  int
	byCert bool
	prefix string
}

func journeys(prefix string) []journey {
	return []journey{
		{"Entra ID with a secret", 0, false, prefix + "es"},
		{"Entra ID with a certificate", 0, true, prefix + "ec"},
		{"AD FS with a secret", 1, false, prefix + "as"},
		{"AD FS with a certificate", 1, true, prefix + "ac"},
	}
}

// each runs do for both Hubs and both ways to sign in, each in its own world
// and, as the engine waits a lot, at the same time.
func each(t *testing.T, prefix string, do func(t *testing.T, e *engine)) {
	for _, j := range journeys(prefix) {
		t.Run(strings.ReplaceAll(j.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			w := start(t)
			s := login(t, w)
			s.install()
			do(t, newEngine(s, w, w.Seed().Stacks[j.stack], j.byCert, j.prefix))
		})
	}
}

// step is a subtest; when it fails the rest of the life makes no sense.
func step(t *testing.T, e *engine, name string, do func(e *engine)) {
	t.Helper()
	if !t.Run(name, func(t *testing.T) { do(e.on(t)) }) {
		t.FailNow()
	}
}

func TestThreeMasters(t *testing.T) {
	each(t, "big", func(t *testing.T, e *engine) {
		model := e.writeModel("1.33.10", 3, pool("linuxpool", 3))
		step(t, e, "deploy", func(e *engine) {
			e.do("deploy", "-m", model, "-o", e.dir())
			e.look(state{"1.33.10", map[string]nodes{"master": {3, "1.33.10"}, "linuxpool": {3, "1.33.10"}}})
			e.workload()
		})
		api := e.prefix + "." + e.stack.Region + ".cloudapp.azurestack.test"
		step(t, e, "scale out to 5", func(e *engine) {
			e.do("scale", "-m", e.model(), "--node-pool", "linuxpool", "--new-node-count", "5", "--apiserver", api)
			e.look(state{"1.33.10", map[string]nodes{"master": {3, "1.33.10"}, "linuxpool": {5, "1.33.10"}}})
		})
		step(t, e, "scale in to 2", func(e *engine) {
			fewest := e.watchBudget()
			log := e.do("scale", "-m", e.model(), "--node-pool", "linuxpool", "--new-node-count", "2", "--apiserver", api)
			for _, name := range e.vms() {
				if strings.Contains(log, name+" will be cordoned and drained") {
					e.t.Errorf("%s was drained and is still there", name)
				}
			}
			if n := strings.Count(log, "will be cordoned and drained"); n != 3 {
				e.t.Errorf("%d nodes were drained:\n%s", n, log)
			}
			if n := fewest(); n < 2 {
				e.t.Errorf("the budget asks for 2 pods, and at a time there were %d", n)
			}
			e.look(state{"1.33.10", map[string]nodes{"master": {3, "1.33.10"}, "linuxpool": {2, "1.33.10"}}})
			e.serving()
		})
		for _, version := range []string{"1.34.4", "1.35.0"} {
			step(t, e, "upgrade to "+version, func(e *engine) {
				fewest := e.watchBudget()
				e.do("upgrade", "-m", e.model(), "--upgrade-version", version)
				if n := fewest(); n < 2 {
					e.t.Errorf("the budget asks for 2 pods, and at a time there were %d", n)
				}
				e.look(state{version, map[string]nodes{"master": {3, version}, "linuxpool": {2, version}}})
				e.serving()
			})
		}
		step(t, e, "same version by force", func(e *engine) {
			e.do("upgrade", "-m", e.model(), "--upgrade-version", "1.35.0", "--force")
			e.look(state{"1.35.0", map[string]nodes{"master": {3, "1.35.0"}, "linuxpool": {2, "1.35.0"}}})
			e.serving()
		})
		if left := e.leftovers(); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
	})
}

func TestOneMasterAndTwoPools(t *testing.T) {
	each(t, "one", func(t *testing.T, e *engine) {
		model := e.writeModel("1.33.10", 1, pool("linuxpool", 1), pool("second", 1))
		step(t, e, "deploy", func(e *engine) {
			e.do("deploy", "-m", model, "-o", e.dir())
			e.look(state{"1.33.10", map[string]nodes{"master": {1, "1.33.10"}, "linuxpool": {1, "1.33.10"}, "second": {1, "1.33.10"}}})
		})
		step(t, e, "add a pool", func(e *engine) {
			e.write("work/pool.json", []byte(`{"name":"third","count":2,"vmSize":"Standard_D2_v2","distro":"aks-ubuntu-22.04","availabilityProfile":"AvailabilitySet","AcceleratedNetworkingEnabled":false}`))
			e.do("addpool", "-m", e.model(), "--node-pool", "work/pool.json")
			e.look(state{"1.33.10", map[string]nodes{"master": {1, "1.33.10"}, "linuxpool": {1, "1.33.10"}, "second": {1, "1.33.10"}, "third": {2, "1.33.10"}}})
		})
		step(t, e, "upgrade the control plane alone", func(e *engine) {
			e.do("upgrade", "-m", e.model(), "--upgrade-version", "1.34.4", "--control-plane-only")
			e.look(state{"1.34.4", map[string]nodes{"master": {1, "1.34.4"}, "linuxpool": {1, "1.33.10"}, "second": {1, "1.33.10"}, "third": {2, "1.33.10"}}})
		})
		step(t, e, "upgrade the agents by force", func(e *engine) {
			e.do("upgrade", "-m", e.model(), "--upgrade-version", "1.34.4", "--force")
			e.look(state{"1.34.4", map[string]nodes{"master": {1, "1.34.4"}, "linuxpool": {1, "1.34.4"}, "second": {1, "1.34.4"}, "third": {2, "1.34.4"}}})
		})
		if left := e.leftovers(); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
	})
}

// The engine's own SSH goes to port 22 of an address and from there to the
// nodes by name; no proxy is asked.
func TestDayTwoOverSSH(t *testing.T) {
	each(t, "ssh", func(t *testing.T, e *engine) {
		model := e.writeModel("1.33.10", 3, pool("linuxpool", 2))
		want := state{"1.33.10", map[string]nodes{"master": {3, "1.33.10"}, "linuxpool": {2, "1.33.10"}}}
		step(t, e, "deploy", func(e *engine) {
			e.do("deploy", "-m", model, "-o", e.dir())
			e.look(want)
			e.workload()
		})
		jump := []string{"--ssh-host", e.jumpAddress(), "--linux-ssh-private-key", "work/" + e.prefix + "-ssh.pem"}
		step(t, e, "get-logs", func(e *engine) {
			out, err := e.raw(append([]string{"get-logs", "-l", e.stack.Region, "-m", e.model()}, jump...)...)
			if err != nil {
				e.t.Fatalf("%v\n%s", err, out)
			}
			var got []string
			for _, file := range strings.Fields(e.must("ls " + e.dir() + "/_logs")) {
				text := e.must("cat " + e.dir() + "/_logs/" + file)
				if _, err := zip.NewReader(strings.NewReader(text), int64(len(text))); err != nil {
					e.t.Errorf("%s: %v", file, err)
				}
				got = append(got, strings.TrimSuffix(file, ".zip"))
			}
			if diff := cmp.Diff(e.vms(), got); diff != "" {
				e.t.Errorf("logs of: %s", diff)
			}
		})
		// The engine waits for five minutes here, whatever the Hub's speed.
		step(t, e, "rotate-certs", func(e *engine) {
			before := e.kube()
			e.do("rotate-certs", append([]string{"-m", e.model()}, jump...)...)
			e.look(want)
			e.serving()
			if _, err := before.Discovery().ServerVersion(); err == nil {
				e.t.Error("the old certificates still open the cluster")
			}
		})
		step(t, e, "scale out with the new certificates", func(e *engine) {
			e.do("scale", "-m", e.model(), "--node-pool", "linuxpool", "--new-node-count", "3")
			e.look(state{"1.33.10", map[string]nodes{"master": {3, "1.33.10"}, "linuxpool": {3, "1.33.10"}}})
		})
	})
}
