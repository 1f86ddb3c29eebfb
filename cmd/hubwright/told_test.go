package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hubwright/internal/redact"
	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/faults"
	"hubwright/workflows"
	"hubwright/workflows/monitoring"
	"hubwright/workflows/pipelines"
)

const (
	wrongLogin = "Make a new personal access token in Azure DevOps (User settings, Personal access tokens), then edit the Connection and give it."
	taken      = "kubernetes-taken"
	missing    = "/subscriptions/%s/resourceGroups/gone/providers/Microsoft.OperationalInsights/workspaces/gone-law"
)

// What a person is told when Azure DevOps or Log Analytics does not do as it
// should: real adapters, the sandbox's services, and a clock of the test's own.
// Each is told within the soft time-out of its step.
func TestWhatAPersonIsTold(t *testing.T) {
	g := newGround(t)
	for _, tt := range []struct {
		name, workflow string
		answers        workflows.Answers
		before         func(*ground)
		meanwhile      func(*ground) // at the first pause
		at             string        // step, or check of the review
		what, why, fix string
	}{
		{"the token is wrong", "pipelines", nil, func(g *ground) { g.token("nonsense") }, nil, "observe",
			"Azure DevOps did not accept the credential", "it knows no such token: TF400813: Resource not available for anonymous access. Client authentication required", wrongLogin},
		{"the token has expired: 203 with a login page", "pipelines", nil, func(g *ground) { g.strike(`[{"kind": "pat-expired"}]`) }, nil, "observe",
			"Azure DevOps did not accept the credential", "dev.azure.com answered with its login page, as it does when a token has expired or was revoked", wrongLogin},
		{"the project is missing", "pipelines", workflows.Answers{"project": "Nowhere"}, nil, nil, "observe",
			"The project is not there", "VS800075: The project with the name 'Nowhere' does not exist, or you do not have permission to access it", "Check its name. If it exists, give the credential's owner access to the project."},
		{"Azure DevOps throttles", "pipelines", nil, func(g *ground) {
			g.strike(`[{"kind": "devops-throttled", "match": {"times": 0}, "effect": {"retryAfter": 60}}]`)
		}, nil, "observe",
			"Azure DevOps is throttling", "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource in namespace 'User'", "Wait some minutes, then try again: other users of the organization or this token have asked too often."},
		{"the name is taken by one that we see", "pipelines", workflows.Answers{"name": taken}, func(g *ground) { g.takeTheName() }, nil, "observe",
			"Another service connection is called kubernetes-taken", "it is of the kind kubernetes and leads to https://other.test", "Choose another name, or delete that connection in Azure DevOps if nobody needs it."},
		{"the name is taken by one that we don't see: 500", "pipelines", workflows.Answers{"name": taken}, func(g *ground) {
			g.strike(`[{"match": {"at": "request", "host": "dev.azure.com", "method": "GET", "path": "/serviceendpoint/endpoints$"}, "effect": {"status": 200, "header": {"Content-Type": "application/json"}, "body": {"count": 0, "value": []}}}]`)
		}, nil, "connection",
			"Another service connection has this name already", "Service connection with name kubernetes-taken already exists. Only a user having Administrator/User role permissions on service connection kubernetes-taken can see it",
			"Choose another name, or have an administrator of that connection give this credential the role User on it: without it the connection cannot be seen from here."},
		{"the agent stays offline", "pipelines", workflows.Answers{"where": "helper-vm"}, nil, nil, "online",
			"The agent does not come online", "Azure DevOps has not heard from seattle-agent for four minutes",
			"Look at its log on the helper VM (azure-agent/seattle-agent/_diag), and whether that reaches https://dev.azure.com/contoso on port 443. Then retry from this step."},

		{"the workspace is missing", "monitoring", workflows.Answers{"use": "existing", "existing": missing}, nil, nil, "workspace",
			"The workspace gone-law is not there any more", "Somebody deleted it, or the Connection does not see it.", "Choose another one, then start again."},
		{"the key is rotated", "monitoring", nil, nil, func(g *ground) { g.must(g.world.Analytics().RotateKeys()) }, "data",
			"The workspace's key was replaced while this ran", "The agent logs in with the old one, and Azure does not take its data.", "Start this workflow again with the same answers: it reads the new key and gives it to the agent."},
		{"no data arrives", "monitoring", workflows.Answers{"wait": "5"}, nil, nil, "data",
			"No data arrives in the workspace ratings-law", "After 5 minutes nothing has ever arrived in the workspace, though the agent runs and its key is the workspace's.",
			"Look what the agent says: kubectl -n kube-system logs daemonset/ama-logs."},
		{"the workspace is in another region", "monitoring", workflows.Answers{"location": "eastus"}, nil, nil, "workspace",
			"The workspace ratings-law is in another location", "It is in westus2, and workspaces do not move.", "Choose that location, or another name."},
		{"another region, in the review", "monitoring", workflows.Answers{"location": "eastus"}, nil, nil, "azure",
			"", "The workspace ratings-law is there already, in westus2.", "Choose that location, or another name."},
		{"the addon is in the API model", "monitoring", nil, func(g *ground) { g.modelWithAddon() }, nil, "addon",
			"", "container-monitoring is switched on in the API model in custody.", "This run takes it out: in custody as a new version, and on the helper VM."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.t = t
			g.fresh()
			if tt.before != nil {
				tt.before(g)
			}
			defer g.world.Faults().LiftAll()
			g.meanwhile = tt.meanwhile
			what, why, fix := g.told(tt.workflow, tt.answers, tt.at)
			if what != tt.what || why != tt.why || !strings.HasPrefix(fix, tt.fix) {
				t.Errorf("told:\n%s\n%s\n%s\n--- instead of:\n%s\n%s\n%s", what, why, fix, tt.what, tt.why, tt.fix)
			}
		})
	}
}

// ground is a Site with the sandbox's Azure DevOps and Azure, a cluster that
// does all that it is asked, and a helper VM that registers agents.
type ground struct {
	t         *testing.T
	world     *sandbox.World
	product   *product
	site      workflows.Site
	cluster   workflows.Cluster
	devops    workflows.Connection
	azure     workflows.Connection
	now       time.Time
	meanwhile func(*ground)
	agentID   string
}

func newGround(t *testing.T) *ground {
	t.Helper()
	world, err := sandbox.Start(t.Context(), sandbox.Options{Dir: t.TempDir(), ProxyAddr: "127.0.0.1:0", Speed: 1000, Block: 252,
		ControlPlane: func(context.Context) (string, error) { return "", errors.New("no cluster is made here") }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { world.Close() })
	g := &ground{t: t, world: world}
	dir := t.TempDir()
	g.product, err = assemble(t.Context(), config{Data: dir, KeyFile: filepath.Join(dir, "key"), PublicURL: "http://127.0.0.1"}, slog.New(slog.DiscardHandler))
	g.must(err)
	t.Cleanup(g.product.close)
	return g
}

func (g *ground) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// fresh makes a Deployment with a Site, and Connections, of which no run knows.
func (g *ground) fresh() {
	g.t.Helper()
	ctx, seed, db, name := g.t.Context(), g.world.Seed(), g.product.db, g.t.Name()
	stack := workflows.Stack{Name: name}
	g.must(db.SaveStack(ctx, &stack))
	d := workflows.Deployment{Name: name, CreatedBy: "ana"}
	g.must(db.SaveDeployment(ctx, &d))
	g.site = workflows.Site{DeploymentID: d.ID, StackID: stack.ID, Name: "Seattle"}
	g.must(db.SaveSite(ctx, &g.site))
	g.must(db.SaveHelperVM(ctx, &workflows.HelperVM{SiteID: g.site.ID, HostKey: "known"}))
	g.cluster = workflows.Cluster{SiteID: g.site.ID, Name: "ratings-sea", FQDN: "ratings-sea.seattle.test", Version: "1.33.10", Kubeconfig: g.seal("kubeconfig"), CreatedBy: "ben"}
	g.must(db.SaveCluster(ctx, &g.cluster))
	g.devops = workflows.Connection{Name: "DevOps " + name, Kind: workflows.ConnectionDevOps, Endpoint: seed.DevOps.Organization, CABundle: seed.PublicCA, HTTPSProxy: seed.Proxy,
		Credential: workflows.Credential{Method: workflows.AuthToken, Secret: g.seal(seed.DevOps.Token)}}
	g.must(db.SaveConnection(ctx, &g.devops))
	g.azure = workflows.Connection{Name: "Azure " + name, Kind: workflows.ConnectionAzure, Endpoint: seed.Azure.ARMEndpoint, LoginEndpoint: seed.Azure.LoginEndpoint, TenantID: seed.Azure.TenantID,
		SubscriptionID: seed.Azure.SubscriptionID, CABundle: seed.Azure.CABundle, HTTPSProxy: seed.Azure.Proxy,
		Credential: workflows.Credential{Method: workflows.AuthSecret, ClientID: seed.Azure.ClientID, Secret: g.seal(seed.Azure.ClientSecret)}}
	g.must(db.SaveConnection(ctx, &g.azure))
	g.now, g.agentID = time.Now(), ""
}

func (g *ground) seal(plain string) workflows.SecretRef {
	g.t.Helper()
	ref, err := g.product.vault.Seal(g.t.Context(), "test", []byte(plain))
	g.must(err)
	return ref
}

func (g *ground) token(plain string) {
	g.devops.Credential.Secret = g.seal(plain)
	g.must(g.product.db.SaveConnection(g.t.Context(), &g.devops))
}

func (g *ground) strike(rules string) {
	g.t.Helper()
	all, err := faults.Read(strings.NewReader(rules))
	g.must(err)
	for _, r := range all {
		_, err := g.world.Faults().Add(r)
		g.must(err)
	}
}

func (g *ground) modelWithAddon() {
	ref := g.seal(`{"properties":{"orchestratorProfile":{"kubernetesConfig":{"addons":[{"name":"container-monitoring","enabled":true}]}}}}`)
	g.must(g.product.db.SaveAPIModel(g.t.Context(), &workflows.APIModel{ClusterID: g.cluster.ID, SHA256: "ab", Size: 2, Document: ref, RunID: "run_first"}))
}

// ask sends a request to Azure DevOps as somebody else would.
func (g *ground) ask(method, path, body string) string {
	g.t.Helper()
	r := httptest.NewRequest(method, "https://dev.azure.com/contoso/"+path, strings.NewReader(body))
	r.SetBasicAuth("", g.world.Seed().DevOps.Token)
	out := httptest.NewRecorder()
	g.world.DevOps().ServeHTTP(out, r)
	if out.Code != http.StatusOK {
		g.t.Fatalf("%s %s answered %d: %s", method, path, out.Code, out.Body)
	}
	return out.Body.String()
}

func (g *ground) takeTheName() {
	g.ask(http.MethodPost, "_apis/serviceendpoint/endpoints", fmt.Sprintf(`{"name": %q, "type": "kubernetes", "url": "https://other.test", "authorization": {"scheme": "Kubernetes", "parameters": {"kubeconfig": "x"}},
		"serviceEndpointProjectReferences": [{"name": %q, "projectReference": {"id": "0de70b50-aaaa-4000-8000-000000000001"}}]}`, taken, taken))
}

// told runs a check or the steps up to the one that fails, and answers what it
// says. More time than the soft time-out of a step fails the test.
func (g *ground) told(workflow string, more workflows.Answers, at string) (what, why, fix string) {
	g.t.Helper()
	ctx := g.t.Context()
	def, answers := g.pipelines(), workflows.Answers{"connection": g.devops.ID, "project": "Ratings", "where": "pool", "pool": "Default", "name": "kubernetes-" + strings.ToLower(filepath.Base(g.t.Name())[:4])}
	if workflow == "monitoring" {
		def, answers = g.monitoring(), workflows.Answers{"method": "helm", "connection": g.azure.ID, "group": "ratings-monitoring", "name": "ratings-law"}
	}
	for k, v := range more {
		if v == missing {
			v = fmt.Sprintf(missing, g.azure.SubscriptionID)
		}
		answers[k] = v
	}
	s, err := def.Open(ctx, workflows.Target{SiteID: g.site.ID}, answers)
	g.must(err)
	if errs := s.Errors(); len(errs) > 0 {
		g.t.Fatalf("%v", errs)
	}
	for _, c := range s.Checks() {
		if c.ID == at {
			found := s.RunCheck(ctx, at)
			return "", found.Found, found.Remedy
		}
	}
	state, err := s.State()
	g.must(err)
	x, err := def.Resume(state)
	g.must(err)
	for _, step := range def.Info().Steps {
		if !x.Applies(step.ID) {
			continue
		}
		began, real := g.now, time.Now()
		err := x.Run(ctx, step.ID, quietLog{})
		if took, soft := g.now.Sub(began)+time.Since(real), time.Duration(step.TimeoutSeconds)*time.Second; soft > 0 && took > soft {
			g.t.Errorf("the step %s took %s, and its soft time-out is %s", step.ID, took, soft)
		}
		var p *workflows.Problem
		switch {
		case err == nil:
			continue
		case !errors.As(err, &p) || step.ID != at:
			g.t.Fatalf("%s: %v", step.ID, err)
		}
		return p.What, p.Why, p.Fix
	}
	g.t.Fatal("the run ended well")
	return "", "", ""
}

func (g *ground) adapters() adapters {
	return newAdapters(g.product.db, g.product.vault, redact.New(), nil)
}

func (g *ground) pause(ctx context.Context, d time.Duration) error {
	g.now = g.now.Add(d)
	if meanwhile := g.meanwhile; meanwhile != nil {
		g.meanwhile = nil
		meanwhile(g)
	}
	return ctx.Err()
}

func (g *ground) pipelines() workflows.Definition {
	n := g.adapters().pipelines()
	n.Clock, n.Pause = func() time.Time { return g.now }, g.pause
	n.Credential = func(kubeconfig []byte) (pipelines.Credential, error) {
		return pipelines.Credential{Server: "https://ratings-sea.seattle.test", CA: []byte("CA"), Token: string(kubeconfig), Context: "c"}, nil
	}
	n.OpenKube = func(context.Context, []byte, workflows.Stack, string) (pipelines.Kube, error) { return willing{}, nil }
	n.OpenHelper = func(context.Context, string) (pipelines.Host, error) { return helperOf{g: g}, nil }
	return pipelines.New(n)
}

func (g *ground) monitoring() workflows.Definition {
	n := g.adapters().monitoring()
	n.Clock, n.Pause = func() time.Time { return g.now }, g.pause
	n.OpenCluster = func(context.Context, workflows.Cluster) (monitoring.Cluster, error) { return willingly{}, nil }
	n.Chart = func(context.Context, workflows.ChartSource, workflows.Stack) (workflows.Chart, error) {
		return workflows.Chart{Name: "azuremonitor-containers", Version: "3.1.28", Digest: "ab", Values: "amalogs: {}"}, nil
	}
	return monitoring.New(n)
}

// willing is a cluster that does what pipelines ask of it.
type willing struct{ pipelines.Kube }

func (willing) ServerVersion(context.Context) (string, error) { return "v1.33.10", nil }
func (willing) EnsureAccount(_ context.Context, a pipelines.Account) (pipelines.Access, error) {
	return pipelines.Access{Kubeconfig: []byte("token"), Expires: time.Now().Add(a.TTL)}, nil
}
func (willing) Can(_ context.Context, namespace, _, _, _ string) (bool, error) {
	return namespace != "", nil
}
func (willing) Close() error { return nil }

// willingly is one that does what monitoring asks of it.
type willingly struct{ monitoring.Cluster }

func (willingly) Install(_ context.Context, spec workflows.ReleaseSpec, _ workflows.Log) (workflows.ReleaseState, error) {
	return workflows.ReleaseState{Name: spec.Name, Revision: 1, Objects: []workflows.ReleaseObject{{Kind: "DaemonSet", Name: "ama-logs", Ready: true}}}, nil
}
func (willingly) Agents(context.Context) ([]monitoring.Workload, error) {
	a := monitoring.Workload{Kind: "DaemonSet", Namespace: "kube-system", Name: "ama-logs", Ready: 1, Want: 1, Settled: true}
	b := a
	b.Kind, b.Name = "Deployment", "ama-logs-rs"
	return []monitoring.Workload{a, b}, nil
}
func (willingly) Close() error { return nil }

// helperOf is a helper VM whose agents register and never ask for work.
type helperOf struct {
	pipelines.Host
	g *ground
}

func (h helperOf) Run(_ context.Context, script string, stdin io.Reader) (pipelines.Output, error) {
	switch {
	case strings.Contains(script, "register.sh"):
		answer := h.g.ask(http.MethodPost, "_apis/distributedtask/pools/1/agents", `{"name": "seattle-agent", "version": "4.261.0"}`)
		_, h.g.agentID, _ = strings.Cut(answer, `"id":`)
		h.g.agentID, _, _ = strings.Cut(h.g.agentID, ",")
	case strings.Contains(script, "service.sh"):
		return pipelines.Output{ExitCode: 91}, nil
	case strings.Contains(script, "/.agent"):
		return pipelines.Output{Stdout: h.g.agentID}, nil
	}
	return pipelines.Output{}, nil
}
func (helperOf) StartJob(context.Context, pipelines.Job) (bool, error) { return true, nil }
func (helperOf) JobState(context.Context, string) (string, int, int64, error) {
	return "running", 0, 0, nil
}
func (helperOf) Close() error { return nil }

// quietLog hears nothing.
type quietLog struct{ workflows.Log }

func (quietLog) Info(string, ...any)  {}
func (quietLog) Warn(string, ...any)  {}
func (quietLog) Error(string, ...any) {}
func (quietLog) Good(string, ...any)  {}
func (quietLog) Phase(string, ...any) {}
func (quietLog) Command(string)       {}
func (quietLog) Progress(int, string) {}
func (quietLog) Mask(string)          {}
