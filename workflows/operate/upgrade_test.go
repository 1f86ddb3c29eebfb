package operate_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// upgrading is an engine that makes all nodes anew, a turn for each: masters
// that exist and, told to, those that don't.
func (b *bed) upgrading(j *job) []func() {
	version := j.flag("--upgrade-version")
	force, poolsToo := slices.Contains(j.Argv, "--force"), !slices.Contains(j.Argv, "--control-plane-only")
	turns := []func(){func() {
		for _, vm := range b.vms {
			j.say(line("Master VM name: " + vm.Name + ", orchestrator: 1.33.10 (MasterVMs)"))
		}
	}}
	for i := range 3 {
		turns = append(turns, func() {
			name := aksengine.MasterName(suffix, i)
			if !force && !slices.ContainsFunc(b.vms, func(vm w.VM) bool { return vm.Name == name }) {
				return
			}
			j.say(line("deleting VM " + name + " in resource group ratings-rg ..."))
			b.make(name, version)
			j.say(line("Master node: " + name + " is ready"))
		})
	}
	for i := range 3 {
		turns = append(turns, func() {
			if poolsToo {
				j.say(line("deleting VM " + worker("linuxpool", i) + " in resource group ratings-rg ..."))
				b.make(worker("linuxpool", i), version)
				j.say(line("Agent node: " + worker("linuxpool", i) + " is ready"))
			}
		})
	}
	return append(turns, func() {
		b.put(model(version, b.cluster.Pools...))
		j.say(line("Cluster upgraded successfully to Kubernetes version " + version))
		j.end(0)
	})
}

func TestUpgrades(t *testing.T) {
	run := append([]string{"prepare", "upgrade"}, all...)
	noWay := &w.Problem{Code: "kube.way", What: "No way to the API server", Fix: "Look at the way."}
	tests := []struct {
		name string
		do   func(t *testing.T, b *bed)
	}{
		{"the version, all nodes", func(t *testing.T, b *bed) {
			b.engine = b.upgrading
			x := b.start("upgrade", nil)
			b.must(x, run...)
			b.started("--upgrade-version 1.34.4")
			if slices.Contains(b.jobs[b.order[0]].Argv, "--force") {
				t.Error("forced without need")
			}
			if b.cluster.Version != "1.34.4" || b.kept().Version != "1.34.4" {
				t.Errorf("%+v", b.cluster)
			}
			if r := x.Result(); !strings.Contains(r.Headline, "runs Kubernetes 1.34.4: 6 nodes are Ready") {
				t.Errorf("%+v", r)
			}
			at := time.Date(2026, 11, 23, 7, 46, 8, 0, time.UTC)
			if rows := x.NodeRows(); len(rows) != 6 || rows[0] != (w.NodeRow{Name: aksengine.MasterName(suffix, 0), From: "1.33.10", To: "1.34.4", Doing: "Ready", Status: w.StepSucceeded, StartedAt: at, EndedAt: at}) {
				t.Errorf("%+v", rows)
			}
			doing := strings.Join(b.log.doing, "\n")
			for _, want := range []string{"0 of 6 nodes: deleting " + aksengine.MasterName(suffix, 0), "3 of 6 nodes: deleting " + worker("linuxpool", 0), "6 of 6 nodes"} {
				if !strings.Contains(doing, want) {
					t.Errorf("no %q in\n%s", want, doing)
				}
			}
			b.must(x, run...)
			b.started("upgrade")
		}},
		{"the API server is away at first", func(t *testing.T, b *bed) {
			b.engine, b.kubeErr = b.upgrading, noWay
			x := b.start("upgrade", nil)
			looks := 0
			b.nodes = func() []w.Node {
				if looks++; looks == 3 {
					b.kubeErr = nil
				}
				return b.all()
			}
			b.must(x, run...)
			b.logged("The API server does not answer yet: No way to the API server. The command waits for it.")
		}},
		{"the API server stays away", func(t *testing.T, b *bed) {
			b.kubeErr = noWay
			x := b.start("upgrade", nil)
			b.must(x, "prepare")
			b.fails(x, "upgrade", "kube.way", "The cluster's API server does not answer", "Look at the way")
			if len(b.order) > 0 {
				t.Errorf("started: %v", b.order)
			}
		}},
		{"only the OS image", func(t *testing.T, b *bed) {
			b.engine = b.upgrading
			x := b.start("upgrade", w.Answers{"what": "image"})
			b.must(x, run...)
			b.started("--upgrade-version 1.33.10")
			b.started("--force")
			if r := x.Result(); !strings.Contains(r.Headline, "are made anew") {
				t.Errorf("%+v", r)
			}
		}},
		{"the control plane only: pools keep their version", func(t *testing.T, b *bed) {
			b.engine = b.upgrading
			x := b.start("upgrade", w.Answers{"reach": "masters"})
			b.must(x, run...)
			b.started("--control-plane-only")
			b.logged("warn Nodes of pools have another version", "custody as version 2")
			if r := x.Result(); !strings.Contains(r.Headline, "The control plane of ratings-seattle runs Kubernetes 1.34.4, the pools what they had: 6 nodes") {
				t.Errorf("%+v", r)
			}
			// The pools can be scaled all the same, and brought along.
			b.engine = b.scaling
			b.must(b.start("scale", w.Answers{"count": "5"}), append([]string{"prepare", "scale"}, all...)...)
			b.engine = b.upgrading
			b.now = b.now.Add(time.Hour)
			b.must(b.start("upgrade", w.Answers{"what": "image"}), run...)
			if lines := b.log.lines; strings.HasPrefix(lines[len(lines)-1], "warn") {
				t.Errorf("at last %s", lines[len(lines)-1])
			}
		}},
		{"pools that keep their version after an upgrade of all are found", func(t *testing.T, b *bed) {
			b.engine = func(j *job) []func() {
				return append(b.upgrading(j)[:4], func() { b.put(model("1.34.4", b.cluster.Pools...)); j.end(0) })
			}
			x := b.start("upgrade", nil)
			b.must(x, "prepare", "upgrade", "custody", "nodes")
			b.fails(x, "verify", "cluster.drift", "has Kubernetes v1.33.10")
		}},
		{"a hole in the control plane: everything is built anew", func(t *testing.T, b *bed) {
			b.drop(aksengine.MasterName(suffix, 1))
			b.engine = b.upgrading
			x := b.start("upgrade", nil)
			b.must(x, run...)
			b.started("--force")
			b.logged("warn The control plane lacks " + aksengine.MasterName(suffix, 1))
		}},
		{"the engine reports success with two of three masters", func(t *testing.T, b *bed) {
			hole := aksengine.MasterName(suffix, 1)
			b.engine = func(j *job) []func() {
				turns := b.upgrading(j)
				turns[2] = func() { b.drop(hole) }
				return turns
			}
			x := b.start("upgrade", nil)
			b.must(x, "prepare")
			b.fails(x, "upgrade", "upgrade.hole", hole, "Retry from this step")
			b.engine = b.upgrading
			x = b.resume("upgrade", b.state(x))
			b.must(x, append([]string{"upgrade"}, all...)...)
			b.started("upgrade", "--force")
		}},
		{"killed twice by a stop of the server: one command, each line once, the progress goes on", func(t *testing.T, b *bed) {
			x := b.start("upgrade", nil)
			b.must(x, "prepare")
			state := b.state(x)
			var stop context.CancelCauseFunc
			b.engine = func(j *job) []func() {
				turns := b.upgrading(j)
				for _, at := range []int{6, 3} {
					turns = slices.Insert(turns, at, func() { stop(w.ErrStopping) })
				}
				return turns
			}
			for range 2 {
				ctx, cancel := context.WithCancelCause(context.Background())
				stop = cancel
				if err := b.resume("upgrade", state).Run(ctx, "upgrade", b.log); !errors.Is(err, context.Canceled) {
					t.Fatalf("error %v", err)
				}
			}
			b.log.doing = nil
			b.must(b.resume("upgrade", state), run[1:]...)
			b.started("upgrade")
			b.logged("deleting VM "+aksengine.MasterName(suffix, 0)+" in", "deleting VM "+worker("linuxpool", 2)+" in", "Cluster upgraded successfully")
			percents(t, b.log.doing)
			if !strings.Contains(strings.Join(b.log.doing, "\n"), "5 of 6 nodes: deleting "+worker("linuxpool", 2)) {
				t.Errorf("%v", b.log.doing)
			}
		}},
		{"a pool's extra node never makes the progress go back", func(t *testing.T, b *bed) {
			b.engine = func(j *job) []func() {
				turns := b.upgrading(j)
				return slices.Insert(turns, 6, func() {
					j.say(line("Creating new agent node "+worker("linuxpool", 3)+" (index 3)"), line("Agent node: "+worker("linuxpool", 3)+" is ready"))
				})
			}
			x := b.start("upgrade", nil)
			b.must(x, "prepare", "upgrade")
			percents(t, b.log.doing)
			if last := b.log.doing[len(b.log.doing)-1]; last != "100 7 of 7 nodes" {
				t.Errorf("at last %q", last)
			}
		}},
		{"nodes that the engine left cordoned take pods again", func(t *testing.T, b *bed) {
			b.engine = b.upgrading
			b.nodes = func() []w.Node {
				nodes := b.all()
				if len(b.uncordoned) == 0 {
					nodes[4].Status = "Ready,SchedulingDisabled"
				}
				return nodes
			}
			b.must(b.start("upgrade", nil), run...)
			if len(b.uncordoned) != 1 || !strings.HasPrefix(b.uncordoned[0], "k8s-") {
				t.Errorf("%v", b.uncordoned)
			}
			b.logged("warn The engine left " + b.uncordoned[0] + " cordoned")
		}},
		{"a scaling leaves alone what a person cordoned", func(t *testing.T, b *bed) {
			b.engine = b.scaling
			b.nodes = func() []w.Node {
				nodes := b.all()
				nodes[0].Status = "Ready,SchedulingDisabled"
				return nodes
			}
			b.must(b.start("scale", w.Answers{"count": "5"}), append([]string{"prepare", "scale"}, all...)...)
			if len(b.uncordoned) > 0 {
				t.Errorf("%v", b.uncordoned)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.do(t, newBed(t)) })
	}
}

// percents fails when the progress goes back.
func percents(t *testing.T, doing []string) {
	t.Helper()
	last := -1
	for _, d := range doing {
		if n := atoi(d); n < last {
			t.Errorf("from %d%% back to %q", last, d)
		} else {
			last = n
		}
	}
}

func atoi(text string) int {
	n := 0
	for _, r := range text {
		if r < '0' || r > '9' {
			break
		}
		n = 10*n + int(r-'0')
	}
	return n
}

// adding is an engine that adds a pool.
func (b *bed) adding(j *job) []func() {
	return []func(){
		func() { j.say("INFO[0000] Writing cloud profile to: /tmp/x ") },
		func() {
			if !strings.Contains(b.files[folder+"newpool.json"], `"bigpool"`) {
				b.t.Errorf("the engine reads %s", b.files[folder+"newpool.json"])
			}
			for i := range 2 {
				b.make(worker("bigpool", i), b.cluster.Version)
			}
			b.put(model("1.33.10", append(slices.Clone(b.cluster.Pools), w.NodePool{Name: "bigpool", Count: 2, Size: "Standard_F8"})...))
			j.say("INFO[0009] Finished")
			j.end(0)
		},
	}
}

func TestAddsAPool(t *testing.T) {
	answers := w.Answers{"name": "bigpool", "count": "2", "size": "Standard_F8"}
	run := append([]string{"prepare", "addpool"}, all...)
	b := newBed(t)
	b.engine = b.adding
	x := b.start("addpool", answers)
	b.must(x, run...)
	b.must(x, run...)
	b.started("addpool --azure-env AzureStackCloud --api-model ~/" + outModel + " --node-pool ~/" + folder + "newpool.json")
	if len(b.cluster.Pools) != 2 || b.cluster.Pools[1].Count != 2 || len(b.models) != 2 {
		t.Errorf("%+v", b.cluster)
	}

	// The server dies while the engine ends: the pool is in the model already,
	// and the log is whole all the same.
	b = newBed(t)
	stopped, stop := context.WithCancelCause(context.Background())
	b.engine = func(j *job) []func() {
		turns := b.adding(j)
		return []func(){turns[0], func() { turns[1](); stop(w.ErrStopping) }}
	}
	x = b.start("addpool", answers)
	b.must(x, "prepare")
	state := b.state(x)
	if err := b.resume("addpool", state).Run(stopped, "addpool", b.log); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	b.must(b.resume("addpool", state), run[1:]...)
	b.started("addpool")
	b.logged("Writing cloud profile", "INFO[0009] Finished")

	// A command that failed after it had written the model is not repeated.
	b = newBed(t)
	b.engine = func(j *job) []func() {
		turns := b.adding(j)
		return []func(){func() { turns[1](); j.end(1) }}
	}
	x = b.start("addpool", answers)
	b.must(x, "prepare")
	b.fails(x, "addpool", "engine.exit.1")
	b.must(x, run[1:]...)
	b.started("addpool")
	b.logged("info The API model has the pool already.")

	// Too few VMs: found at the end, by name.
	b = newBed(t)
	b.engine = func(j *job) []func() {
		turns := b.adding(j)
		return []func(){func() { turns[1](); b.drop(worker("bigpool", 1)) }}
	}
	x = b.start("addpool", answers)
	b.must(x, "prepare", "addpool", "custody", "nodes")
	b.fails(x, "verify", "cluster.drift", "The pool bigpool has 1 VM on the Hub, but 2 in the API model.")
	if have := operate.Members(b.vms, suffix, "linuxpool"); len(have) != 3 {
		t.Errorf("%v", have)
	}
}
