package monitoring

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

const (
	modelWith    = `{"properties":{"orchestratorProfile":{"kubernetesConfig":{"addons":[{"name":"container-monitoring","enabled":true},{"name":"coredns","enabled":true}]}}}}`
	outputModel  = ".hubwright/clusters/ratings-sea/output/apimodel.json"
	kubeconfig   = "the-kubeconfig"
	chartValues  = `{"amalogs":{"secret":{"wsid":"<your_workspace_id>"}}}`
	stackValues  = `{"grafana":{"enabled":true}}`
	oldValues    = `{"omsagent":{"secret":{}}}`
	workspaceKey = "the-workspaces-primary-key"
)

// bed is a small world: records, public Azure with one workspace's service,
// and a cluster that Helm works on.
type bed struct {
	t   *testing.T
	now time.Time
	log *log

	stack    w.Stack
	cluster  w.Cluster
	releases []w.Release
	models   []w.APIModel
	files    map[string]string
	sealed   map[w.SecretRef]string

	azureErr   error
	workspaces []Workspace
	solutions  []string
	key        string
	puts       int
	arrives    time.Time // when data is there; zero: never
	rows       []map[string]string
	queryErr   error

	chartErr  error
	chart     w.Chart
	agents    func() []Workload
	nodes     []string
	installed *w.ReleaseSpec // what Helm has
	revision  int
	installs  int
	failOnce  error
	secrets   map[string]map[string]string
	kubeErr   error
	onPause   func()
	leaves    bool   // an installation that fails leaves its release
	calls     int    // of the world outside
	dieAt     int    // call at which the server dies
	hear      func() // at each call; may cancel
}

// died is what the server does at a call of the world outside.
type died struct{}

// tick counts a call. What was asked before it has happened, and nothing of it.
func (b *bed) tick(ctx context.Context) error {
	if b.calls++; b.calls == b.dieAt {
		panic(died{})
	}
	if b.hear != nil {
		b.hear()
	}
	return ctx.Err()
}

func newBed(t *testing.T) *bed {
	b := &bed{t: t, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), log: &log{}, key: workspaceKey,
		stack:   w.Stack{ID: "stk", Name: "Seattle", HTTPSProxy: "http://127.0.0.1:3128"},
		cluster: w.Cluster{ID: "clu", SiteID: "sit", Name: "ratings-sea", FQDN: "ratings-sea.seattle.test", Version: "1.33.10", MasterCount: 1, Pools: []w.NodePool{{Count: 2}}, Kubeconfig: "sec_kube"},
		sealed:  map[w.SecretRef]string{"sec_kube": kubeconfig}, files: map[string]string{}, secrets: map[string]map[string]string{},
		chart: w.Chart{Name: agentChart, Version: agentVersion, AppVersion: "7.0.0", Digest: strings.Repeat("a", 64), Values: chartValues, Archive: []byte("tgz")},
		nodes: []string{"m0", "w0", "w1"},
	}
	b.arrives = b.now.Add(3 * time.Minute)
	b.agents = func() []Workload {
		if b.installed == nil || !strings.Contains(b.installed.Values, b.key) && !strings.Contains(b.installed.Values, workspaceKey) {
			return nil
		}
		return []Workload{
			{Kind: "DaemonSet", Namespace: "kube-system", Name: "ama-logs", Ready: 3, Want: 3, Settled: true, Release: b.installed.Name},
			{Kind: "Deployment", Namespace: "kube-system", Name: "ama-logs-rs", Ready: 1, Want: 1, Settled: true, Release: b.installed.Name},
		}
	}
	return b
}

func (b *bed) definition() w.Definition {
	return New(Needs{
		Records: b, Vault: b,
		Engine: operate.Needs{Records: engineRecords{b}, Vault: b, Quote: func(a ...string) string { return strings.Join(a, " ") }, Clock: func() time.Time { return b.now },
			OpenHost: func(context.Context, string) (operate.Host, error) { return helper{b: b}, nil }},
		OpenAzure: func(_ context.Context, c w.Connection) (Azure, error) {
			if c.ID != "con" {
				b.t.Errorf("opened the Connection %q", c.ID)
			}
			return b, b.azureErr
		},
		OpenCluster: func(_ context.Context, c w.Cluster) (Cluster, error) {
			if c.ID != "clu" {
				b.t.Errorf("opened %q", c.ID)
			}
			return cluster{b}, b.kubeErr
		},
		Chart: func(_ context.Context, src w.ChartSource, _ w.Stack) (w.Chart, error) {
			c := b.chart
			c.Source = src.Place()
			return c, b.chartErr
		},
		Hide: func(values string) string { return values }, ReadYAML: readJSON,
		Clock: func() time.Time { return b.now },
		Pause: func(ctx context.Context, d time.Duration) error {
			b.now = b.now.Add(d)
			if b.onPause != nil {
				b.onPause()
			}
			return ctx.Err()
		},
	})
}

func readJSON(text string) (map[string]any, error) {
	if text == "" {
		return nil, nil
	}
	var out map[string]any
	return out, json.Unmarshal([]byte(text), &out)
}

func answers(more w.Answers) w.Answers {
	a := w.Answers{"method": MethodHelm, "connection": "con", "use": "new"}
	maps.Copy(a, more)
	return a
}

func (b *bed) session(a w.Answers) w.Session {
	b.t.Helper()
	s, err := b.definition().Open(b.t.Context(), w.Target{SiteID: "sit"}, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// start is a run with the answers.
func (b *bed) start(a w.Answers) w.Execution {
	b.t.Helper()
	s := b.session(a)
	if errs := s.Errors(); len(errs) > 0 {
		b.t.Fatalf("%v", errs)
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
	raw, err := x.State()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, secret := range []string{workspaceKey, kubeconfig, "hunter22"} {
		if strings.Contains(string(raw), secret) {
			b.t.Errorf("%q is in the state", secret)
		}
	}
	return raw
}

// all runs every step that applies, up to the first that fails. Between two
// steps the process dies: only the stored state goes on.
func (b *bed) all(x w.Execution) (w.Execution, string, error) {
	b.t.Helper()
	for _, step := range b.definition().Info().Steps {
		if !x.Applies(step.ID) {
			continue
		}
		if err := x.Run(b.t.Context(), step.ID, b.log); err != nil {
			return x, step.ID, err
		}
		x = b.resume(b.state(x))
	}
	return x, "", nil
}

func (b *bed) well(a w.Answers) w.Execution {
	b.t.Helper()
	x, step, err := b.all(b.start(a))
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", step, err, b.log)
	}
	return x
}

func (b *bed) logged(parts ...string) {
	b.t.Helper()
	for _, p := range parts {
		if !strings.Contains(b.log.String(), p) {
			b.t.Errorf("no %q in\n%s", p, b.log)
		}
	}
}

// Records and vault.

func (b *bed) Deployment(context.Context, string) (w.Deployment, error) {
	return w.Deployment{ID: "dep", Name: "Ratings"}, nil
}

func (b *bed) Site(context.Context, string) (w.Site, error) {
	return w.Site{ID: "sit", DeploymentID: "dep", StackID: "stk", Name: "Seattle"}, nil
}

func (b *bed) Stack(context.Context, string) (w.Stack, error) { return b.stack, nil }

func (b *bed) ClusterOfSite(context.Context, string) (w.Cluster, error) {
	if b.cluster.ID == "" {
		return b.cluster, w.ErrNotFound
	}
	return b.cluster, nil
}

func (b *bed) Connections(context.Context) ([]w.Connection, error) {
	one, _ := b.Connection(nil, "con")
	return []w.Connection{{ID: "dev", Kind: w.ConnectionDevOps}, one}, nil
}

func (b *bed) Connection(_ context.Context, id string) (w.Connection, error) {
	if id != "con" {
		return w.Connection{}, w.ErrNotFound
	}
	return w.Connection{ID: "con", Name: "Contoso", Kind: w.ConnectionAzure, SubscriptionID: "sub"}, nil
}

func (b *bed) Releases(context.Context, string) ([]w.Release, error) { return b.releases, nil }

func (b *bed) SaveRelease(ctx context.Context, r *w.Release) error {
	if err := b.tick(ctx); err != nil {
		return err
	}
	b.releases = slices.DeleteFunc(b.releases, func(o w.Release) bool { return o.Name == r.Name })
	b.releases = append(b.releases, *r)
	return nil
}

func (b *bed) DeleteRelease(ctx context.Context, _, namespace, name string) error {
	if err := b.tick(ctx); err != nil {
		return err
	}
	b.releases = slices.DeleteFunc(b.releases, func(o w.Release) bool { return o.Name == name && o.Namespace == namespace })
	return nil
}

func (b *bed) Seal(_ context.Context, _ string, plain []byte) (w.SecretRef, error) {
	ref := w.SecretRef(fmt.Sprint("sec_", len(b.sealed)))
	b.sealed[ref] = string(plain)
	return ref, nil
}

func (b *bed) Open(_ context.Context, ref w.SecretRef) ([]byte, error) {
	plain, ok := b.sealed[ref]
	if !ok {
		return nil, w.ErrNotFound
	}
	return []byte(plain), nil
}

// APIModels is for Begin, through the engine.
func (b *bed) withAddon() {
	ref, _ := b.Seal(nil, "", []byte(modelWith))
	b.models, b.files[outputModel] = []w.APIModel{{ClusterID: "clu", Version: 1, Document: ref}}, modelWith
}

func (b *bed) Locations(context.Context) ([]w.Option, error) {
	return []w.Option{{Value: "westus2", Label: "West US 2"}}, b.azureErr
}

func (b *bed) Workspaces(context.Context) ([]Workspace, error) { return b.workspaces, b.azureErr }

func (b *bed) EnsureWorkspace(ctx context.Context, spec Workspace) (Workspace, Outcome, error) {
	if err := b.tick(ctx); err != nil {
		return Workspace{}, "", err
	}
	if ws, there := find(b.workspaces, spec); there {
		return ws, Same, nil
	}
	b.puts++
	spec.ID = "/subscriptions/sub/resourceGroups/" + spec.Group + "/providers/Microsoft.OperationalInsights/workspaces/" + spec.Name
	spec.CustomerID = "customer-1"
	b.workspaces = append(b.workspaces, spec)
	return spec, Made, nil
}

func (b *bed) EnsureSolution(ctx context.Context, ws Workspace) (bool, error) {
	if err := b.tick(ctx); err != nil {
		return false, err
	}
	if slices.Contains(b.solutions, ws.Name) {
		return false, nil
	}
	b.solutions = append(b.solutions, ws.Name)
	return true, nil
}

func (b *bed) WorkspaceKey(ctx context.Context, _ Workspace) (string, error) {
	if err := b.tick(ctx); err != nil {
		return "", err
	}
	return b.key, b.azureErr
}

func (b *bed) Query(ctx context.Context, id, query string) ([]map[string]string, error) {
	if err := b.tick(ctx); err != nil {
		return nil, err
	}
	if b.queryErr != nil {
		return nil, b.queryErr
	}
	if id != "customer-1" {
		b.t.Errorf("asked %q", id)
	}
	if b.rows != nil {
		return b.rows, nil
	}
	if b.arrives.IsZero() || b.now.Before(b.arrives) {
		return nil, w.ErrNotFound
	}
	if b.installed != nil && !strings.Contains(b.installed.Values, b.key) {
		return nil, nil
	}
	return []map[string]string{{"Nodes": "3", "Last": b.now.Format(time.RFC3339Nano)}}, nil
}
