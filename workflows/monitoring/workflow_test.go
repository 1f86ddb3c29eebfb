package monitoring

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	w "hubwright/workflows"
)

func TestMonitorsByHelm(t *testing.T) {
	b := newBed(t)
	ref, _ := b.Seal(nil, "", []byte("http://u:hunter22@proxy:8080"))
	a := answers(w.Answers{"proxy": string(ref), "values": `{"amalogs":{"env":{"x":"1"},"priority":20}}`})
	x := b.well(a)
	b.logged("good The workspace ratings-law is made, in westus2", "good The solution ContainerInsights(ratings-law) is made", "good DaemonSet ama-logs: 3 of 3 ready", "good Deployment ama-logs-rs: 1 of 1 ready",
		"info Nothing has ever arrived", "good Data of 3 nodes arrives")
	for _, want := range []string{`"wsid": "customer-1"`, `"key": "` + workspaceKey, `"clusterName": "ratings-sea.seattle.test"`, `"priority": 20`, `"x": "1"`, `"proxy": "http://u:hunter22@proxy:8080"`} {
		if !strings.Contains(b.installed.Values, want) {
			t.Errorf("no %s in\n%s", want, b.installed.Values)
		}
	}
	if b.installed.Name != agentRelease || b.installed.Namespace != "kube-system" {
		t.Errorf("%+v", b.installed)
	}
	for _, secret := range []string{workspaceKey, "http://u:hunter22@proxy:8080"} {
		if !slices.Contains(b.log.masked, secret) || strings.Contains(b.log.String(), secret) {
			t.Errorf("%q is not kept out of the log", secret)
		}
	}
	if len(b.releases) != 1 || b.releases[0].Role != w.ReleaseMonitoring || b.releases[0].ChartVersion != agentVersion || b.releases[0].Revision != 1 {
		t.Errorf("%+v", b.releases)
	}
	if r := x.Result(); !strings.Contains(r.Headline, "Data of 3 nodes of ratings-sea.seattle.test arrives in ratings-law") {
		t.Errorf("%+v", r)
	}

	// Again: nothing changes, and it says so.
	x = b.well(a)
	b.logged("good The workspace ratings-law is there as it should be: nothing to change", "good The solution ContainerInsights(ratings-law) is there: nothing to change")
	if b.puts != 1 || b.installs != 1 || len(b.solutions) != 1 || len(b.releases) != 1 {
		t.Errorf("%d workspaces, %d installs, %d solutions", b.puts, b.installs, len(b.solutions))
	}
	if r := x.Result(); !strings.HasPrefix(r.Headline, "Nothing had to be changed") {
		t.Errorf("%+v", r)
	}

	// The key was replaced: a rerun gives the new one to the agent.
	b.key = "another-key"
	b.well(a)
	if b.installs != 2 || !strings.Contains(b.installed.Values, "another-key") {
		t.Errorf("%d installs\n%s", b.installs, b.installed.Values)
	}

	// And away with it.
	x = b.well(w.Answers{"method": MethodRemove})
	if b.installed != nil || len(b.releases) != 0 || len(b.workspaces) != 1 || !strings.Contains(x.Result().Headline, "is not on ratings-sea any more") {
		t.Errorf("%+v, %+v, %+v", b.installed, b.releases, x.Result())
	}
}

func TestMonitorsByPrometheus(t *testing.T) {
	b := newBed(t)
	b.chart.Name, b.chart.Values = stackChart, stackValues
	b.stack.AirGapped = true
	a := w.Answers{"archive": strings.Repeat("a", 64) + " a.tgz", "values": `{"grafana":{"replicas":2}}`} // the defaults of a stamp that is cut off
	x := b.well(a)
	if b.installed.Name != "monitoring" || b.installed.Namespace != "monitoring" || b.releases[0].Source != "uploaded" {
		t.Errorf("%+v, %+v", b.installed, b.releases)
	}
	secret := b.secrets["monitoring/"+grafanaSecret]
	if len(secret["admin-password"]) < 20 || !slices.Contains(b.log.masked, secret["admin-password"]) || strings.Contains(b.installed.Values, secret["admin-password"]) {
		t.Errorf("password %q", secret["admin-password"])
	}
	if !strings.Contains(b.installed.Values, `"existingSecret": "hubwright-grafana"`) || !strings.Contains(b.installed.Values, `"replicas": 2`) {
		t.Error(b.installed.Values)
	}
	if b.puts != 0 || !strings.Contains(x.Result().Headline, "its 1 objects are ready") {
		t.Errorf("%d, %+v", b.puts, x.Result())
	}
	if x := b.well(a); b.installs != 1 || !strings.Contains(x.Result().Headline, "nothing changed") {
		t.Errorf("%d installs, %+v", b.installs, x.Result())
	}
}

func TestMonitorsByArc(t *testing.T) {
	b := newBed(t)
	turns := 0
	b.onPause = func() { turns++ }
	brought := []Workload{{Kind: "DaemonSet", Namespace: "kube-system", Name: "ama-logs", Ready: 3, Want: 3, Settled: true}, {Kind: "Deployment", Namespace: "kube-system", Name: "ama-logs-rs", Ready: 1, Want: 1, Settled: true}}
	b.agents = func() []Workload {
		if turns < 4 {
			return nil
		}
		return brought
	}
	b.well(answers(w.Answers{"method": MethodArc}))
	b.logged("phase Type these", "command az connectedk8s connect --name ratings-sea --resource-group ratings-monitoring --location westus2 --kube-config ratings-sea.kubeconfig --proxy-https http://127.0.0.1:3128",
		"logAnalyticsWorkspaceResourceID=/subscriptions/sub/resourceGroups/ratings-monitoring/providers/Microsoft.OperationalInsights/workspaces/ratings-law", "good The agent is on the cluster", "good Data of 3 nodes")
	if b.installs != 0 || len(b.solutions) != 0 || len(b.releases) != 0 {
		t.Errorf("%d installs, %v, %v", b.installs, b.solutions, b.releases)
	}
}

func TestCleansTheModel(t *testing.T) {
	b := newBed(t)
	b.withAddon()
	if f := b.session(answers(nil)).RunCheck(t.Context(), "addon"); f.Status != w.CheckWarning {
		t.Errorf("%+v", f)
	}
	b.well(answers(nil))
	b.logged("warn container-monitoring is taken out", "in custody as version 2")
	if len(b.models) != 2 || strings.Contains(b.sealed[b.models[0].Document], "container-monitoring") || strings.Contains(b.files[outputModel], "container-monitoring") || !strings.Contains(b.files[outputModel], "coredns") {
		t.Errorf("%+v\n%s", b.models, b.files[outputModel])
	}
	x := b.start(answers(nil))
	if x.Applies("model") {
		t.Error("it is to be cleaned again")
	}
	if err := x.Run(t.Context(), "model", b.log); err != nil || len(b.models) != 2 {
		t.Errorf("a second time: %v, %d versions", err, len(b.models))
	}
}

func TestFailures(t *testing.T) {
	refused := &w.Problem{Code: "arm.AuthorizationFailed", What: "Azure refuses", Why: "no right", Fix: "Give it."}
	existing := w.Answers{"use": "existing", "existing": "/subscriptions/sub/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/ops"}
	for _, tt := range []struct {
		name        string
		more        w.Answers
		setup       func(*bed)
		step, code  string
		part, after string // of the reason or fix; what a retry after the cause is gone must log
		mend        func(*bed)
	}{
		{"403", nil, func(b *bed) { b.azureErr = refused }, "workspace", "arm.AuthorizationFailed", "no right", "good Data of 3 nodes", func(b *bed) { b.azureErr = nil }},
		{"the workspace went", existing, nil, "workspace", "monitoring.workspace", "Somebody deleted it", "", nil},
		{"keys are off", existing, func(b *bed) {
			b.workspaces = []Workspace{{ID: existing["existing"], Group: "g", Name: "ops", CustomerID: "customer-1", KeysOff: true}}
		}, "key", "monitoring.keysoff", "Arc", "", nil},
		{"chart missing", nil, func(b *bed) { b.chartErr = &w.Problem{Code: "chart.missing", What: "none", Fix: "Look."} }, "install", "chart.missing", "", "good Data of 3 nodes", func(b *bed) { b.chartErr = nil }},
		{"an old chart", nil, func(b *bed) { b.chart.Values = oldValues }, "install", "monitoring.chart", "older than 3.0", "", nil},
		{"Helm fails", nil, func(b *bed) { b.failOnce = refused }, "install", "arm.AuthorizationFailed", "", "good Data of 3 nodes", nil},
		{"success without an agent", nil, func(b *bed) { b.agents = func() []Workload { return nil } }, "verify", "monitoring.noagent", "rendered no ama-logs and no ama-logs-rs", "", nil},
		{"never ready", nil, func(b *bed) {
			b.agents = func() []Workload {
				return []Workload{{Name: "ama-logs", Namespace: "kube-system", Ready: 2, Want: 3, Settled: true}, {Name: "ama-logs-rs", Namespace: "kube-system", Want: 1, Ready: 1, Settled: true}}
			}
		}, "verify", "monitoring.notready", "ama-logs 2 of 3", "", nil},
		{"no data", w.Answers{"wait": "5"}, func(b *bed) { b.arrives = time.Time{} }, "data", "monitoring.nodata", "After 5 minutes nothing has ever arrived", "good Data of 3 nodes", func(b *bed) { b.arrives = b.now }},
		{"data of others only", w.Answers{"wait": "5"}, func(b *bed) { b.rows = []map[string]string{} }, "data", "monitoring.nodata", "no data of this cluster", "", nil},
		{"key replaced meanwhile", nil, func(b *bed) { b.onPause = func() { b.key = "another-key" } }, "data", "monitoring.rotated", "Start this workflow again", "", nil},
		{"may not query", nil, func(b *bed) { b.queryErr = refused }, "data", "arm.AuthorizationFailed", "", "", nil},
		{"nobody connects it to Arc", w.Answers{"method": MethodArc, "wait": "3"}, func(b *bed) { b.agents = func() []Workload { return nil } }, "arc", "monitoring.arc", "For 3 minutes", "", nil},
		{"a bad proxy", w.Answers{"proxy": "sec_bad"}, func(b *bed) { b.sealed["sec_bad"] = "not a proxy" }, "install", "monitoring.proxy", "http://user:password@host:port", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			if tt.setup != nil {
				tt.setup(b)
			}
			x, step, err := b.all(b.start(answers(tt.more)))
			var p *w.Problem
			if step != tt.step || !errors.As(err, &p) || p.Code != tt.code || p.Fix == "" || !strings.Contains(p.Why+p.Fix, tt.part) {
				t.Fatalf("step %q: %+v, %v", step, p, err)
			}
			if tt.after == "" {
				return
			}
			if tt.mend != nil {
				tt.mend(b)
			}
			if _, step, err := b.all(b.resume(b.state(x))); err != nil {
				t.Fatalf("retried: %s: %v", step, err)
			}
			b.logged(tt.after)
			if b.puts != 1 || b.installs != 1 {
				t.Errorf("%d workspaces, %d installs", b.puts, b.installs)
			}
		})
	}
}

// TestFailedReleaseCanBeTakenAway: a release that never got ready is known.
func TestFailedReleaseCanBeTakenAway(t *testing.T) {
	b := newBed(t)
	b.failOnce, b.leaves = errors.New("not everything got ready"), true
	if _, step, err := b.all(b.start(answers(nil))); step != "install" || err == nil {
		t.Fatal(step, err)
	}
	b.well(w.Answers{"method": MethodRemove})
	if b.installed != nil || len(b.releases) != 0 {
		t.Errorf("%+v, %+v", b.installed, b.releases)
	}
}

func TestChartThatMovesIsRefused(t *testing.T) {
	b := newBed(t)
	b.failOnce = errors.New("the server was killed")
	x, step, _ := b.all(b.start(answers(nil)))
	if step != "install" {
		t.Fatal(step)
	}
	b.chart.Digest = strings.Repeat("b", 64)
	var p *w.Problem
	if err := b.resume(b.state(x)).Run(t.Context(), "install", b.log); !errors.As(err, &p) || p.Code != "monitoring.chartmoved" {
		t.Errorf("%v", err)
	}
}
