package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

const (
	folder   = ".hubwright/clusters/ratings-seattle/"
	input    = folder + "input.json"
	output   = folder + "output/"
	outModel = output + "apimodel.json"
)

// start makes an execution of the answers, as the engine of runs does.
func (b *bed) start(a w.Answers) w.Execution {
	b.t.Helper()
	if a == nil {
		a = w.Answers{}
	}
	s, err := b.definition().Open(context.Background(), w.Target{SiteID: "site_1"}, a)
	if err != nil {
		b.t.Fatal(err)
	}
	if errs := s.Errors(); len(errs) > 0 {
		b.t.Fatalf("the answers are wrong: %+v", errs)
	}
	state, err := s.State()
	if err != nil {
		b.t.Fatal(err)
	}
	return b.resume(state)
}

func (b *bed) resume(state []byte) w.Execution {
	b.t.Helper()
	x, err := b.definition().Resume(state)
	if err != nil {
		b.t.Fatal(err)
	}
	return x
}

func (b *bed) state(x w.Execution) []byte {
	b.t.Helper()
	state, err := x.State()
	if err != nil {
		b.t.Fatal(err)
	}
	return state
}

func (b *bed) must(x w.Execution, steps ...string) {
	b.t.Helper()
	for _, id := range steps {
		if err := x.Run(w.WithOrigin(context.Background(), w.Origin{RunID: "run_7", Actor: "ana"}), id, b.log); err != nil {
			b.t.Fatalf("%s: %v\n%s", id, err, b.log.text())
		}
	}
}

func wantProblem(t *testing.T, err error, code string, parts ...string) *w.Problem {
	t.Helper()
	var p *w.Problem
	if !errors.As(err, &p) || p.Code != code {
		t.Fatalf("error %v (%T), want the problem %s", err, err, code)
	}
	if p.What == "" || p.Fix == "" {
		t.Errorf("incomplete: %+v", p)
	}
	for _, part := range parts {
		if all := p.What + "\n" + p.Why + "\n" + p.Fix; !strings.Contains(all, part) {
			t.Errorf("no %q in %s", part, all)
		}
	}
	return p
}

func (b *bed) logged(parts ...string) {
	b.t.Helper()
	text := b.log.text()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			b.t.Errorf("the log has no %q:\n%s", part, text)
		}
	}
}

func op(id, typ, name, state, message string) w.DeploymentOperation {
	return w.DeploymentOperation{ID: id, ResourceType: typ, ResourceName: name, State: state, Message: message}
}

// goodEngine does what deploy does, in five turns.
func (b *bed) goodEngine(j *job) []func() {
	h := b.host
	return []func(){
		func() {
			h.say(j, "\x1b[36mINFO\x1b[0m[0000] Writing cloud profile to: /tmp/x ", `WARN[0000] apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBase forced to "mcr.microsoft.com/"`)
		},
		func() {
			h.put(outModel, outputOf(h.files[strings.TrimPrefix(flag(j.Argv, "--api-model"), "~/")]))
			h.put(output+"kubeconfig/kubeconfig.seattle.json", `{"users":[{"user":{"client-key-data":"c2VjcmV0"}}]}`)
			b.hub.mu.Lock()
			b.hub.group = true
			b.hub.deployments = []w.ARMDeployment{{Name: "ratings-seattle-7", State: "Running"}}
			b.hub.ops = []w.DeploymentOperation{
				op("1", "Microsoft.Network/virtualNetworks", "k8s-vnet-1", "Succeeded", ""),
				op("2", "Microsoft.Compute/virtualMachines", "k8s-master-1-0", "Running", ""),
				op("3", "Microsoft.Resources/deployments", "pid-1", "Succeeded", ""),
			}
			b.hub.mu.Unlock()
			h.say(j, "INFO[0006] Starting ARM Deployment ratings-seattle-7 in resource group ratings-seattle. This will take some time... ")
		},
		func() { b.untilPolled() },
		func() {
			b.hub.mu.Lock()
			b.hub.ops[1].State = "Succeeded"
			b.hub.mu.Unlock()
			model, err := aksengine.ReadOutput([]byte(h.files[outModel]))
			if err != nil {
				b.t.Error(err)
			}
			b.hub.build(model)
			h.say(j, "INFO[0060] Finished ARM Deployment (ratings-seattle-7). Succeeded ")
		},
		func() { h.end(j, 0) },
	}
}

// untilPolled waits until the Hub was asked how far it is.
func (b *bed) untilPolled() {
	for range 5000 {
		b.log.mu.Lock()
		seen := slices.ContainsFunc(b.log.doing, func(s string) bool { return strings.Contains(s, " of 26 resources") })
		b.log.mu.Unlock()
		if seen {
			return
		}
		time.Sleep(time.Millisecond)
	}
	b.t.Error("the Hub was never asked")
}

func flag(argv []string, name string) string {
	if i := slices.Index(argv, name); i >= 0 && i+1 < len(argv) {
		return argv[i+1]
	}
	return ""
}

func TestDeploysACluster(t *testing.T) {
	b := newBed(t)
	b.host.engine = b.goodEngine
	b.kube.nodes = func(asked int) ([]w.Node, error) {
		switch asked {
		case 1:
			return nil, errors.New("dial tcp: connection refused")
		case 2:
			return b.kube.all(false)[:2], nil
		}
		return b.kube.all(true), nil
	}
	b.kube.via = true
	x := b.start(nil)
	b.must(x, "prepare", "deploy", "custody", "nodes", "verify")

	if len(b.host.order) != 1 {
		t.Errorf("jobs: %v", b.host.order)
	}
	j := b.host.jobs[b.host.order[0]]
	if flag(j.Argv, "--client-secret") != "the-principals-secret" || flag(j.Argv, "--identity-system") != "azure_ad" || flag(j.Argv, "--api-model") != "~/"+input {
		t.Errorf("%q", j.Argv)
	}
	if j.Env["HTTPS_PROXY"] != "http://127.0.0.1:18080" || j.Env["SSL_CERT_FILE"] != "~/.hubwright/ca-bundle.pem" || j.Env["NO_PROXY"] != "" {
		t.Errorf("%v", j.Env)
	}
	for _, m := range b.host.modes {
		if !strings.HasSuffix(m, " 0600") {
			t.Errorf("written with other rights: %s", m)
		}
	}
	b.logged("good Virtual machine k8s-master-1-0 is made.", "info Virtual machine k8s-master-1-0 is being made.", "good All 6 nodes are Ready.", "connection to the other side was refused", "has joined; it is not Ready yet", "custody as version 1")
	doing := strings.Join(b.log.doing, "\n")
	for _, want := range []string{"making certificates", "1 of 26 resources: k8s-master-1-0 creating", "6 of 6 nodes Ready"} {
		if !strings.Contains(doing, want) {
			t.Errorf("no %q in\n%s", want, doing)
		}
	}
	c := b.cluster
	if c == nil || c.Name != "ratings-seattle" || c.NameSuffix != aksengine.NameSuffix("ratings-seattle") || c.FQDN != "ratings-seattle.seattle.cloudapp.azurestack.test" ||
		c.Nodes() != 6 || !c.ViaHelper || c.Version != "1.33.10" || b.sealed[c.SSHKey] == "" || b.sealed[c.Kubeconfig] == "" {
		t.Errorf("%+v", c)
	}
	if c.CreatedBy != "ana" {
		t.Errorf("the cluster was made by %q", c.CreatedBy)
	}
	if len(b.models) != 1 || b.sealed[b.models[0].Document] != b.host.files[outModel] || b.models[0].RunID != "run_7" {
		t.Errorf("%+v", b.models)
	}
	r := x.Result()
	if !strings.Contains(r.Headline, "6 nodes are Ready") || r.Next == nil || r.Next.WorkflowID != "connect" {
		t.Errorf("%+v", r)
	}
	b.noSecrets(x)

	// Each step may run twice and changes nothing then.
	b.must(x, "deploy", "custody", "nodes", "verify")
	if len(b.host.order) != 1 || len(b.models) != 1 || b.keys != 1 {
		t.Errorf("done twice: %v, %d models, %d keys", b.host.order, len(b.models), b.keys)
	}
}

// noSecrets looks for secrets where none may be.
func (b *bed) noSecrets(x w.Execution) {
	b.t.Helper()
	places := map[string]string{"state": string(b.state(x)), "log": b.log.text()}
	for _, script := range b.host.runs {
		places["script"] += script
	}
	for where, text := range places {
		for _, secret := range []string{"the-principals-secret", "the-ca-private-key", "the-admins-private-key", "PRIVATE azureuser"} {
			if strings.Contains(text, secret) {
				b.t.Errorf("%s is in the %s", secret, where)
			}
		}
	}
	for _, secret := range []string{"the-principals-secret", "the-ca-private-key"} {
		if !slices.Contains(b.log.masked, secret) {
			b.t.Errorf("%s is not masked", secret)
		}
	}
}

// A crash in the middle: a new process has the state of the last finished
// step, and finds the job running.
func TestDeployFollowsTheJobThatRuns(t *testing.T) {
	b := newBed(t)
	crashed, crash := context.WithCancelCause(context.Background())
	b.host.engine = func(j *job) []func() {
		return slices.Insert(b.goodEngine(j), 2, func() { crash(w.ErrStopping) })
	}
	x := b.start(nil)
	b.must(x, "prepare")
	state := b.state(x)
	err := b.resume(state).Run(crashed, "deploy", b.log)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if len(b.host.sent) > 0 {
		t.Errorf("a stop of the server signalled %v", b.host.sent)
	}
	b.must(b.resume(state), "deploy")
	if len(b.host.order) != 1 {
		t.Errorf("the engine was started %d times", len(b.host.order))
	}
	b.logged("was started before")
	for _, line := range []string{"Writing cloud profile", "Starting ARM Deployment", "Finished ARM Deployment"} {
		if n := strings.Count(b.log.text(), line); n != 1 {
			t.Errorf("%q is %d times in the log", line, n)
		}
	}
}

// failing is an engine that ends with an error after it has sent the
// deployment, or before.
func (b *bed) failing(code int, sent bool, lines ...string) func(j *job) []func() {
	return func(j *job) []func() {
		return []func(){func() {
			if sent {
				b.host.put(outModel, outputOf(b.host.files[input]))
				b.hub.mu.Lock()
				b.hub.group = true
				b.hub.deployments = append(b.hub.deployments, w.ARMDeployment{Name: "ratings-seattle-7", State: "Failed"})
				b.hub.mu.Unlock()
				b.host.say(j, "INFO[0006] Starting ARM Deployment ratings-seattle-7 in resource group ratings-seattle. This will take some time... ")
			}
			b.host.say(j, lines...)
			b.host.end(j, code)
		}}
	}
}

const extensionFailure = `{"status":"Failed","error":{"code":"VMExtensionProvisioningError","message":"VM has reported a failure when processing extension 'cse-agent-1'. Error message: Enable failed: command terminated with exit status=52"}}`

func TestDeployFailuresInWords(t *testing.T) {
	armLines := func(code, message string) []string {
		return []string{"Error: PUT https://management/x", strings.Repeat("-", 80), "RESPONSE 400: 400 Bad Request", "ERROR CODE: " + code, strings.Repeat("-", 80),
			fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message), strings.Repeat("-", 80), "", "Usage:", "  aks-engine-azurestack deploy [flags]"}
	}
	tests := []struct {
		name  string
		exit  int
		sent  bool
		lines []string
		ops   []w.DeploymentOperation
		setup func(*bed)
		code  string
		parts []string
	}{
		{"quota", 1, true, armLines("QuotaExceeded", "Operation results in exceeding quota limits of Core. Maximum allowed: 10, Current in use: 6, Additional requested: 12."), nil, nil, "arm.QuotaExceeded", []string{"Core: 10 allowed"}},
		{"set-up script on a node", 1, true, armLines("DeploymentFailed", "At least one failed."), []w.DeploymentOperation{
			op("1", "Microsoft.Compute/virtualMachines", "k8s-linuxpool-1-1", "Succeeded", ""),
			op("2", "Microsoft.Compute/virtualMachines/extensions", "k8s-linuxpool-1-1/cse-agent-1", "Failed", extensionFailure),
		}, nil, "cse.52", []string{"k8s-linuxpool-1-1", "resolve"}},
		{"a VM, with its name", 1, true, armLines("DeploymentFailed", "At least one failed."), []w.DeploymentOperation{
			op("0", "Microsoft.Network/loadBalancers", "lb", "Failed", `{"error":{"code":"Conflict","message":"x"}}`),
			op("1", "Microsoft.Compute/virtualMachines", "k8s-master-1-2", "Failed", `{"error":{"code":"AllocationFailed","message":"no room"}}`),
		}, nil, "arm.AllocationFailed", []string{"k8s-master-1-2", "no room"}},
		{"the deployment's own error", 1, true, armLines("DeploymentFailed", "At least one failed."), nil, func(b *bed) {
			b.hub.deployments = []w.ARMDeployment{{Name: "ratings-seattle-7", Error: `{"error":{"code":"SkuNotAvailable","message":"x"}}`}}
		}, "arm.SkuNotAvailable", []string{"VM size"}},
		{"the engine's rule", 1, false, []string{"Error: validating API model after populating values: MasterProfile count needs to be 1, 3, or 5"}, nil, nil, "engine.rule", []string{"1, 3, or 5"}},
		{"login, with the true reason", 1, false, []string{"Error: loading API model: failed to get client: Error listing registered providers for subscription s"}, nil, func(b *bed) {
			b.host.engine = func(j *job) []func() {
				b.hub.loginErr = &w.Problem{Code: "token.AADSTS7000222", What: "The client secret has expired", Fix: "Make a new one."}
				return b.failing(1, false, "Error: loading API model: failed to get client: Error listing registered providers for subscription s")(j)
			}
		}, "token.AADSTS7000222", []string{"could not log in", "expired"}},
		{"panic", 2, false, []string{"panic: runtime error: invalid memory address or nil pointer dereference"}, nil, nil, "engine.exit.2", []string{"could not reach the Hub"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			b.host.engine = b.failing(tt.exit, tt.sent, tt.lines...)
			b.hub.ops = tt.ops
			if tt.setup != nil {
				tt.setup(b)
			}
			x := b.start(nil)
			b.must(x, "prepare")
			wantProblem(t, x.Run(context.Background(), "deploy", b.log), tt.code, tt.parts...)
		})
	}
}

func TestDeployLostJob(t *testing.T) {
	b := newBed(t)
	b.host.engine = func(j *job) []func() {
		return []func(){func() { b.host.mu.Lock(); j.state = "lost"; b.host.mu.Unlock() }}
	}
	x := b.start(nil)
	b.must(x, "prepare")
	wantProblemCode(t, x.Run(context.Background(), "deploy", b.log), "job.lost")
	b.host.engine = b.goodEngine
	b.must(b.resume(b.state(x)), "deploy")
	if len(b.host.order) != 2 {
		t.Errorf("jobs: %v", b.host.order)
	}
}

func wantProblemCode(t *testing.T, err error, code string) {
	t.Helper()
	var p *w.Problem
	if !errors.As(err, &p) || p.Code != code {
		t.Fatalf("error %v, want %s", err, code)
	}
}

func TestPrepareRefuses(t *testing.T) {
	tests := []struct {
		name  string
		setup func(*bed)
		code  string
	}{
		{"another cluster", func(b *bed) { b.cluster = &w.Cluster{ID: "clu_9", Name: "other"} }, "cluster.exists"},
		{"label taken", func(b *bed) { b.hub.labelTaken, b.hub.labelBy = true, "/subscriptions/s/resourceGroups/x/y" }, "cluster.label"},
		{"engine gone", func(b *bed) { b.host.exit[aksengine.BinaryName] = outputWith(127, "not found") }, "cluster.engine"},
		{"login refused", func(b *bed) { b.hub.loginErr = &w.Problem{Code: "token.x", What: "no", Fix: "yes"} }, "token.x"},
		{"disk full", func(b *bed) { b.host.exit["mkdir -p"] = outputWith(1, "No space left") }, "cluster.helper"},
		{"former deploy runs", func(b *bed) {
			b.host.put(folder+"jobs", "deploy-old-1\n")
			b.host.jobs["deploy-old-1"] = &job{state: "running"}
		}, "cluster.busy"},
		{"certificate without key", func(b *bed) {
			b.stack.Credential = w.Credential{Method: w.AuthCertificate, ClientID: "c", Certificate: "sec_1"}
		}, "cluster.certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			x := b.start(nil)
			tt.setup(b)
			wantProblem(t, x.Run(context.Background(), "prepare", b.log), tt.code)
		})
	}
}

func TestPrepareTakesItsOwnLabelAndKeyAgain(t *testing.T) {
	b := newBed(t)
	b.must(b.start(nil), "prepare")
	first := b.host.files[input]
	b.hub.labelTaken = true
	b.hub.labelBy = "/subscriptions/s/resourceGroups/Ratings-Seattle/providers/Microsoft.Network/publicIPAddresses/" + aksengine.PublicIPName("ratings-seattle")
	b.must(b.start(nil), "prepare")
	if b.keys != 1 || b.host.files[input] != first {
		t.Errorf("%d key pairs; the model changed: %v", b.keys, b.host.files[input] != first)
	}
	// A pair whose private half cannot be opened any more is no good.
	for ref, plain := range b.sealed {
		if strings.HasPrefix(plain, "PRIVATE") {
			delete(b.sealed, ref)
		}
	}
	b.must(b.start(nil), "prepare")
	if b.keys != 2 {
		t.Errorf("%d key pairs", b.keys)
	}
}

func TestCustodyMakesTheKubeconfigWhenTheEngineDidNot(t *testing.T) {
	b := newBed(t)
	b.host.engine = b.goodEngine
	x := b.start(nil)
	b.must(x, "prepare", "deploy")
	delete(b.host.files, output+"kubeconfig/kubeconfig.seattle.json")
	b.must(x, "custody")
	if doc := b.sealed[b.cluster.Kubeconfig]; !strings.Contains(doc, "https://ratings-seattle.seattle.cloudapp.azurestack.test") {
		t.Error(doc)
	}
}
