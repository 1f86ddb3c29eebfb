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

var all = []string{"custody", "nodes", "verify"}

// scaling is an engine that scales a pool as it should.
func (b *bed) scaling(j *job) []func() {
	return []func(){
		func() { j.say("INFO[0000] Writing cloud profile to: /tmp/x ") },
		func() { b.resize(j) },
		func() {
			o, err := aksengine.ReadOutput([]byte(b.files[outModel]))
			if err != nil {
				b.t.Error(err)
			}
			for i := range o.Pools {
				if o.Pools[i].Name == j.flag("--node-pool") {
					o.Pools[i].Count = len(operate.Members(b.vms, suffix, o.Pools[i].Name))
				}
			}
			b.put(model(o.Version, o.Pools...))
			j.end(0)
		},
	}
}

// resize makes or takes VMs and tells as the engine does.
func (b *bed) resize(j *job) {
	pool := j.flag("--node-pool")
	have := operate.Members(b.vms, suffix, pool)
	want := map[string]int{"1": 1, "2": 2, "3": 3, "5": 5}[j.flag("--new-node-count")]
	if len(have) == want {
		j.say("INFO[0001] Node pool " + pool + " is already at the desired count")
	}
	if len(have) < want {
		j.say("INFO[0002] Starting ARM Deployment k8s-scale-1 in resource group ratings-rg. This will take some time... ")
	}
	for i := len(have); i < want; i++ {
		b.make(worker(pool, i), b.cluster.Version)
	}
	for _, vm := range have[min(want, len(have)):] {
		j.say(line("Node "+vm+" has been marked unschedulable."), line("deleting VM "+vm+" in resource group ratings-rg ..."))
		b.drop(vm)
		j.say(line("deleting managed disk " + vm + "_OsDisk_1_ab in resource group ratings-rg ..."))
	}
}

func line(text string) string { return `time="2026-11-23T07:46:08Z" level=info msg="` + text + `"` }

func TestScalesOutAndIn(t *testing.T) {
	b := newBed(t)
	b.engine = b.scaling
	x := b.start("scale", w.Answers{"pool": "linuxpool", "count": "5"})
	b.must(x, append([]string{"prepare", "scale"}, all...)...)
	b.started("--node-pool linuxpool --new-node-count 5 --apiserver ratings-seattle.api.test")
	if j := b.jobs[b.order[0]]; j.flag("--client-secret") != secret || j.flag("--api-model") != "~/"+outModel || j.Env["TMPDIR"] != "~/"+folder+"tmp" {
		t.Errorf("%q %v", j.Argv, j.Env)
	}
	if b.cluster.Pools[0].Count != 5 || len(b.models) != 2 || b.kept().Pools[0].Count != 5 {
		t.Errorf("%+v, %d models", b.cluster, len(b.models))
	}
	if r := x.Result(); r.Headline != "The pool linuxpool has 5 nodes." || !slices.Contains(r.Facts, w.SummaryItem{Label: "Ready nodes of the cluster", Value: "8"}) {
		t.Errorf("%+v", r)
	}
	b.logged("version 1 in custody", "command ~/.hubwright/engine/v0.85.0/aks-engine-azurestack scale", "good The pool linuxpool has 5 VMs", "custody as version 2", "8 VMs and 8 nodes are as")
	if strings.Contains(b.log.text(), secret) || !slices.Contains(b.log.masked, secret) || !slices.Contains(b.log.masked, "the-ca-private-key") {
		t.Error("a secret is in the log, or not masked")
	}

	// Each step may run twice.
	b.must(x, append([]string{"prepare", "scale"}, all...)...)
	b.started("scale")
	if len(b.models) != 2 {
		t.Errorf("%d models", len(b.models))
	}
	b.logged("Writing cloud profile")

	b.now = b.now.Add(time.Minute)
	in := b.start("scale", w.Answers{"pool": "linuxpool", "count": "2"})
	b.must(in, append([]string{"prepare", "scale"}, all...)...)
	if b.cluster.Pools[0].Count != 2 || strings.Contains(b.log.text(), "perhaps not the network interface") {
		t.Errorf("%+v\n%s", b.cluster, b.log.text())
	}
	if doing := strings.Join(b.log.doing, "\n"); !strings.Contains(doing, "-1 the Hub makes the new VMs") || !strings.Contains(doing, "-1 draining "+worker("linuxpool", 4)) {
		t.Error(doing)
	}
}

func TestSteps(t *testing.T) {
	five := w.Answers{"pool": "linuxpool", "count": "5"}
	tests := []struct {
		name string
		do   func(t *testing.T, b *bed)
	}{
		{"a crash in the middle: the command is followed, each line is in the log once", func(t *testing.T, b *bed) {
			crashed, crash := context.WithCancelCause(context.Background())
			b.engine = func(j *job) []func() { return slices.Insert(b.scaling(j), 1, func() { crash(w.ErrStopping) }) }
			x := b.start("scale", five)
			b.must(x, "prepare")
			state := b.state(x)
			if err := b.resume("scale", state).Run(crashed, "scale", b.log); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v", err)
			}
			j := b.jobs[b.order[0]] // goes on while nobody looks
			j.turns[0]()
			j.turns = j.turns[1:]
			x = b.resume("scale", state)
			b.must(x, append([]string{"scale"}, all...)...)
			b.started("scale")
			if doing := strings.Join(b.log.doing, "\n"); strings.Count(doing, "the Hub makes") != 1 {
				t.Errorf("lines were read twice:\n%s", doing)
			}
			b.logged("Writing cloud profile", "Starting ARM Deployment", "The command was started before", "command ~/")
			if len(b.signals) > 0 {
				t.Errorf("a stop of the server signalled %v", b.signals)
			}
		}},
		{"a lost command: the rest of its lines, then another one", func(t *testing.T, b *bed) {
			x := b.start("scale", five)
			crashed, crash := context.WithCancelCause(context.Background())
			b.engine = func(j *job) []func() {
				return []func(){func() { j.say("first line"); crash(w.ErrStopping) }}
			}
			b.must(x, "prepare")
			state := b.state(x)
			_ = x.Run(crashed, "scale", b.log)
			b.jobs[b.order[0]].say("last line")
			b.jobs[b.order[0]].state = operate.JobLost
			b.engine = b.scaling
			b.must(b.resume("scale", state), append([]string{"scale"}, all...)...)
			b.started("scale", "scale")
			b.logged("first line", "last line", "is gone and left no exit code")
			// Had the server died again before it stored that, the second one is found.
			b.must(b.resume("scale", state), "scale")
			b.started("scale", "scale")
			b.logged("Writing cloud profile", "last line")
		}},
		{"a command that is lost while it is followed fails the step; a retry starts another one", func(t *testing.T, b *bed) {
			b.engine = func(j *job) []func() { return []func(){func() { j.state = operate.JobLost }} }
			x := b.start("scale", five)
			b.must(x, "prepare")
			b.fails(x, "scale", "job.lost")
			b.engine = b.scaling
			b.must(b.resume("scale", b.state(x)), "scale")
			b.started("scale", "scale")
		}},
		{"a missing model is put back from custody", func(t *testing.T, b *bed) {
			kept := b.files[outModel]
			delete(b.files, outModel)
			b.must(b.start("scale", five), "prepare")
			if b.files[outModel] != kept {
				t.Errorf("put back: %s", b.files[outModel])
			}
			b.logged("warn The API model was missing")
		}},
		{"a changed model is refused", func(t *testing.T, b *bed) {
			b.put(model("1.33.10", w.NodePool{Name: "linuxpool", Count: 9}))
			b.fails(b.start("scale", five), "prepare", "cluster.othermodel", "retry that run", outModel)
		}},
		{"another cluster's model is refused", func(t *testing.T, b *bed) {
			b.put(strings.Replace(b.files[outModel], "ratings-seattle", "other", 1))
			b.fails(b.start("scale", five), "prepare", "cluster.othermodel", "another cluster", suffix)
		}},
		{"an unreadable model is refused", func(t *testing.T, b *bed) {
			b.put("{")
			b.fails(b.start("scale", five), "prepare", "cluster.othermodel", "cannot be read")
		}},
		{"no model in custody", func(t *testing.T, b *bed) {
			b.models = nil
			b.fails(b.start("scale", five), "prepare", "cluster.modellost", "Retry the deploy run")
		}},
		{"a model that the engine swapped for another cluster's is not kept", func(t *testing.T, b *bed) {
			b.engine = func(j *job) []func() {
				return append(b.scaling(j)[:2], func() {
					b.put(strings.Replace(b.files[outModel], "ratings-seattle", "other", 1))
					j.end(0)
				})
			}
			x := b.start("scale", five)
			b.must(x, "prepare", "scale")
			b.fails(x, "custody", "cluster.othermodel", "another cluster")
			if len(b.models) != 1 {
				t.Errorf("%d models", len(b.models))
			}
		}},
		{"the monitoring addon is taken out of the model once", func(t *testing.T, b *bed) {
			b.put(strings.Replace(b.files[outModel], `"enabled":false`, `"enabled":true`, 1))
			b.models = nil
			b.keep(b.files[outModel])
			b.engine = b.scaling
			x := b.start("scale", five)
			b.must(x, "prepare", "prepare")
			if aksengine.HasAddon([]byte(b.files[outModel]), "container-monitoring") {
				t.Error("it is still there")
			}
			b.logged("warn container-monitoring is taken out", "good The API model on the helper VM is version 1")
			b.must(x, append([]string{"scale"}, all...)...)
		}},
		{"another run's command works on the cluster", func(t *testing.T, b *bed) {
			b.files[folder+"jobs"] = "deploy-x-1\nupgrade-y-1\n"
			b.jobs["upgrade-y-1"] = &job{state: operate.JobRunning}
			b.fails(b.start("scale", five), "prepare", "cluster.busy", "upgrade-y-1")
		}},
		{"a certificate is written for the engine, and is no word of the command", func(t *testing.T, b *bed) {
			b.stack.Credential = w.Credential{Method: w.AuthCertificate, ClientID: "client-1", Certificate: "sec_cert"}
			b.sealed["sec_cert"] = certificate(t)
			b.engine = b.scaling
			x := b.start("scale", five)
			b.must(x, "prepare", "scale")
			if j := b.jobs[b.order[0]]; j.flag("--certificate-path") != "~/"+folder+"principal.crt" || j.flag("--private-key-path") != "~/"+folder+"principal.key" || strings.Contains(strings.Join(j.Argv, " "), "PRIVATE") {
				t.Errorf("%q", j.Argv)
			}
			if !strings.Contains(b.files[folder+"principal.key"], "PRIVATE KEY") || !strings.Contains(b.files[folder+"principal.crt"], "BEGIN CERTIFICATE") {
				t.Errorf("%v", b.files)
			}
		}},
		{"a failed ARM operation: cause and remedy; a retry explains its own failure", func(t *testing.T, b *bed) {
			b.ops = []w.DeploymentOperation{
				{ID: "k8s-scale-1", ResourceName: "nic", State: "Succeeded"},
				{ID: "k8s-scale-1", ResourceType: "Microsoft.Compute/virtualMachines/extensions", ResourceName: worker("linuxpool", 3) + "/cse-agent-3", State: "Failed",
					Message: `{"status":"Failed","error":{"code":"VMExtensionProvisioningError","message":"Enable failed: command terminated with exit status=52"}}`},
			}
			armError := []string{"Error: x", strings.Repeat("-", 80), "RESPONSE 400: 400 Bad Request", "ERROR CODE: DeploymentFailed", strings.Repeat("-", 80), `{"error":{"code":"DeploymentFailed","message":"At least one failed."}}`, strings.Repeat("-", 80)}
			b.engine = func(j *job) []func() {
				return []func(){func() {
					j.say("INFO[0002] Starting ARM Deployment k8s-scale-1 in resource group ratings-rg. This will take some time... ")
					j.say(armError...)
					j.end(1)
				}}
			}
			x := b.start("scale", five)
			b.must(x, "prepare")
			b.fails(x, "scale", "cse.52", worker("linuxpool", 3))
			b.engine = func(j *job) []func() { return []func(){func() { j.say(armError...); j.end(1) }} }
			b.fails(x, "scale", "arm.DeploymentFailed")
			b.started("scale", "scale")
		}},
		{"the login fails: the token service's own words", func(t *testing.T, b *bed) {
			b.engine = func(j *job) []func() {
				return []func(){func() {
					b.loginErr = &w.Problem{Code: "token.AADSTS7000222", What: "The client secret has expired", Fix: "Make a new one."}
					j.say("Error: loading API model: failed to get client: Error listing registered providers for subscription s")
					j.end(1)
				}}
			}
			x := b.start("scale", five)
			b.must(x, "prepare")
			b.fails(x, "scale", "token.AADSTS7000222", "could not log in", "Make a new one")
		}},
		{"the command says nothing and fails", func(t *testing.T, b *bed) {
			b.engine = func(j *job) []func() { return []func(){func() { j.end(1) }} }
			x := b.start("scale", five)
			b.must(x, "prepare")
			b.fails(x, "scale", "engine.exit.1")
		}},
		{"cancel stops the command and says what stays", func(t *testing.T, b *bed) {
			cancelled, cancel := context.WithCancel(context.Background())
			b.engine = func(j *job) []func() {
				return []func(){func() { b.drop(aksengine.MasterName(suffix, 1)); cancel() }}
			}
			x := b.start("scale", five)
			b.must(x, "prepare")
			if err := x.Run(cancelled, "scale", b.log); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v", err)
			}
			b.logged("good The command on the helper VM has ended.", "warn What was done so far stays", "lacks "+aksengine.MasterName(suffix, 1)+" now")
			if !slices.Equal(b.signals, []string{"TERM"}) {
				t.Errorf("%v", b.signals)
			}
			b.engine = b.scaling
			b.must(x, "scale")
			b.started("scale", "scale")
		}},
		{"scaled out, but killed before the count was written", func(t *testing.T, b *bed) {
			b.engine = func(j *job) []func() { return []func(){func() { b.resize(j); j.end(143) }} }
			x := b.start("scale", five)
			b.must(x, "prepare")
			b.fails(x, "scale", "engine.exit.143")
			b.engine = func(j *job) []func() { return []func(){func() { b.resize(j); j.end(0) }} }
			b.must(b.resume("scale", b.state(x)), append([]string{"scale"}, all...)...)
			b.logged("already at the desired count", "corrected to 5", "custody as version 2")
			if b.kept().Pools[0].Count != 5 || b.cluster.Pools[0].Count != 5 {
				t.Errorf("%+v", b.kept())
			}
		}},
		{"scaled in, but killed between a VM and its disk", func(t *testing.T, b *bed) {
			b.engine = func(j *job) []func() {
				return []func(){func() {
					j.say(line("deleting VM " + worker("linuxpool", 2) + " in resource group ratings-rg ..."))
					b.drop(worker("linuxpool", 2))
					j.end(137)
				}}
			}
			x := b.start("scale", w.Answers{"pool": "linuxpool", "count": "1"})
			b.must(x, "prepare")
			b.fails(x, "scale", "engine.exit.137")
			b.engine = b.scaling
			x = b.resume("scale", b.state(x))
			b.must(x, append([]string{"scale"}, all...)...)
			b.logged("deleted "+worker("linuxpool", 2)+" and perhaps not the network interface", "delete in the resource group ratings-rg: the network interface k8s-linuxpool-33518585-nic-2 and the disk "+worker("linuxpool", 2)+"_OsDisk_")
			if facts := x.Result().Facts; !strings.Contains(facts[len(facts)-1].Value, worker("linuxpool", 2)) {
				t.Errorf("%+v", facts)
			}
		}},
		{"the pool has another count than asked for", func(t *testing.T, b *bed) {
			b.engine = func(j *job) []func() { return []func(){func() { b.make(worker("linuxpool", 3), "1.33.10"); j.end(0) }} }
			x := b.start("scale", five)
			b.must(x, "prepare")
			b.fails(x, "scale", "scale.count", "4 VMs exist", worker("linuxpool", 3))
			b.engine = b.scaling
			b.must(x, append([]string{"scale"}, all...)...)
			b.started("scale", "scale")
		}},
		{"retried when the cluster has become another one", func(t *testing.T, b *bed) {
			for id, answers := range map[string]w.Answers{"scale": five, "addpool": {"name": "bigpool", "count": "2", "size": "Standard_F8"}, "upgrade": {"what": "image"}} {
				b := newBed(t)
				x := b.start(id, answers)
				b.must(x, "prepare")
				b.cluster.Version, b.cluster.Pools = "1.34.4", []w.NodePool{{Name: "linuxpool", Count: 7}}
				if id == "addpool" {
					b.cluster.ID = "clu_2"
				}
				b.fails(x, id, "cluster.moved", "Begin a new run")
				b.started()
			}
		}},
		{"a node outlives its VM for a while", func(t *testing.T, b *bed) {
			b.engine = b.scaling
			asked := 0
			b.nodes = func() []w.Node {
				nodes := b.all()
				if asked++; asked < 5 {
					nodes = append(nodes, w.Node{Name: worker("linuxpool", 2), Version: "v1.33.10"})
				}
				return nodes
			}
			x := b.start("scale", w.Answers{"pool": "linuxpool", "count": "2"})
			b.must(x, append([]string{"prepare", "scale"}, all...)...)
			if doing := strings.Join(b.log.doing, "\n"); !strings.Contains(doing, "waiting, since the node "+worker("linuxpool", 2)+" should not be there") {
				t.Error(doing)
			}
		}},
		{"a node that should not be there stays", func(t *testing.T, b *bed) {
			b.nodes = func() []w.Node {
				return append(b.all(), w.Node{Name: "stranger", Ready: true, Version: "v1.33.10"})
			}
			x := b.start("scale", five)
			b.fails(x, "verify", "cluster.drift", "The node stranger should not be there.")
		}},
		{"the API server never answers", func(t *testing.T, b *bed) {
			b.kubeErr = &w.Problem{Code: "net.refused", What: "The API server does not answer", Fix: "Look."}
			x := b.start("scale", five)
			b.fails(x, "nodes", "net.refused", "does not answer")
			b.fails(x, "verify", "net.refused")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.do(t, newBed(t)) })
	}
}
