package monitoring

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	w "hubwright/workflows"
)

func TestAnswers(t *testing.T) {
	uploaded := w.Answers{"source": "uploaded", "archive": strings.Repeat("a", 64) + " a.tgz"}
	for _, tt := range []struct {
		more  w.Answers
		field string // "" for none
		says  string
	}{
		{nil, "", ""},
		{uploaded, "", ""},
		{w.Answers{"use": "existing", "existing": "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/ops"}, "", ""},
		{w.Answers{"source": "oci", "url": "oci://charts.contoso.test/monitoring/azuremonitor-containers"}, "", ""},
		{w.Answers{"method": MethodPrometheus}, "", ""},
		{w.Answers{"method": MethodArc, "proxy": "x"}, "", ""},
		{w.Answers{"cap": "0.5", "retention": "730"}, "", ""},

		{w.Answers{"method": MethodAddon}, "method", "refuses it"},
		{w.Answers{"method": "else"}, "method", "Choose one"},
		{w.Answers{"method": MethodRemove}, "method", "Choose one"}, // there is nothing to remove
		{w.Answers{"connection": ""}, "connection", "an admin adds one"},
		{w.Answers{"connection": "dev"}, "connection", "Connection to Azure"},
		{w.Answers{"use": "maybe", "existing": "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/ops"}, "use", "is to be made"},
		{w.Answers{"use": "existing", "existing": "ops"}, "existing", "Choose a workspace"},
		{w.Answers{"group": "a."}, "group", "does not end with a point"},
		{w.Answers{"location": ""}, "location", "Choose a location"},
		{w.Answers{"name": "-law"}, "name", "4 to 63"},
		{w.Answers{"name": "a"}, "name", "4 to 63"},
		{w.Answers{"retention": "29"}, "retention", "30 to 730"},
		{w.Answers{"retention": "soon"}, "retention", "30 to 730"},
		{w.Answers{"cap": "-1"}, "cap", "more than 0"},
		{w.Answers{"cluster": "<your_cluster_name>"}, "cluster", "letters"},
		{w.Answers{"cluster": `a" or 1`}, "cluster", "letters"},
		{w.Answers{"wait": "0"}, "wait", "from 1 to 240"},
		{w.Answers{"wait": "1.5"}, "wait", "from 1 to 240"},
		{w.Answers{"source": "disk"}, "source", "where the chart comes from"},
		{w.Answers{"url": "ftp://x"}, "url", "https://"},
		{w.Answers{"url": "https://u:p@charts.test"}, "url", "https://"},
		{w.Answers{"source": "oci", "url": "oci://host"}, "url", "oci://registry"},
		{w.Answers{"chart": "microsoft/agent"}, "chart", "without the repository's"},
		{w.Answers{"chart_version": "^3.1.0"}, "chart_version", "exactly one"},
		{w.Answers{"digest": "abc"}, "digest", "64 digits"},
		{w.Answers{"source": "uploaded"}, "archive", "Give the archive"},
		{w.Answers{"release_name": "Release!"}, "release_name", "small letters"},
		{w.Answers{"method": MethodPrometheus, "namespace": "Kube"}, "namespace", "small letters"},
		{w.Answers{"values": "{"}, "values", "not YAML"},
		{w.Answers{"values": `{"omsagent":{"secret":{"key":"x"}}}`}, "values", "amalogs, not omsagent"},
		{w.Answers{"values": `{"amalogs":{"secret":{"key":"x"}}}`}, "values", "amalogs.secret comes from"},
		{w.Answers{"values": `{"amalogs":{"env":{"clusterName":"x"}}}`}, "values", "amalogs.env.clusterName comes from"},
		{w.Answers{"method": MethodPrometheus, "values": `{"omsagent":1}`}, "", ""},
	} {
		t.Run(fmt.Sprint(tt.more), func(t *testing.T) {
			errs := newBed(t).session(answers(tt.more)).Errors()
			if tt.field == "" {
				if len(errs) > 0 {
					t.Errorf("good answers are refused: %+v", errs)
				}
				return
			}
			for _, e := range errs {
				if e.Field == tt.field && strings.Contains(e.Message, tt.says) {
					return
				}
			}
			t.Errorf("%+v", errs)
		})
	}
}

func TestBegin(t *testing.T) {
	b := newBed(t)
	b.cluster = w.Cluster{}
	_, err := b.definition().Open(t.Context(), w.Target{SiteID: "sit"}, nil)
	var p *w.Problem
	if !errors.As(err, &p) || p.Code != "cluster.none" {
		t.Errorf("%v", err)
	}
	b = newBed(t)
	if v, _ := b.session(nil).Page(t.Context(), "method"); v.Fields[0].Value != MethodArc || len(v.Fields[0].Options) != 4 || !v.Fields[0].Options[3].Disabled {
		t.Errorf("%+v", v)
	}
	b.stack.AirGapped = true
	b.releases = []w.Release{{Name: "x", Namespace: "y", Role: w.ReleaseMonitoring}, {Name: "web", Role: w.ReleaseApp}}
	if v, _ := b.session(nil).Page(t.Context(), "method"); v.Fields[0].Value != MethodPrometheus || v.Fields[0].Options[4].Value != MethodRemove {
		t.Errorf("%+v", v)
	}
	if v, _ := b.session(w.Answers{"method": MethodRemove}).Page(t.Context(), "remove"); len(v.Fields[0].Options) != 1 || v.Fields[0].Value != "y/x" {
		t.Errorf("%+v", v)
	}
}

func TestChecks(t *testing.T) {
	refused := &w.Problem{Code: "arm.AuthorizationFailed", What: "Azure refuses", Why: "no right", Fix: "Give it."}
	law := Workspace{Group: "ratings-monitoring", Name: "ratings-law", Location: "westus2", CustomerID: "customer-1"}
	has := func(ws Workspace) func(*bed) { return func(b *bed) { b.workspaces = []Workspace{ws} } }
	runs := func(name, release string) func(*bed) {
		return func(b *bed) {
			b.agents = func() []Workload {
				return []Workload{{Kind: "DaemonSet", Namespace: "kube-system", Name: name, Ready: 3, Want: 3, Release: release}}
			}
		}
	}
	far, off := law, law
	far.Location, off.KeysOff = "eastus", true
	for _, tt := range []struct {
		check  string
		more   w.Answers
		setup  func(*bed)
		status w.CheckStatus
		says   string
	}{
		{"reachable", nil, nil, w.CheckPassed, "answers"},
		{"reachable", nil, func(b *bed) { b.kubeErr = refused }, w.CheckFailed, "no right"},
		{"connected", nil, nil, w.CheckPassed, "port 443"},
		{"connected", nil, func(b *bed) { b.stack.AirGapped = true }, w.CheckFailed, "cut off"},
		{"agents", nil, nil, w.CheckPassed, "none"},
		{"agents", nil, runs("omsagent", ""), w.CheckFailed, "An old one runs: DaemonSet omsagent"},
		{"agents", nil, runs("ama-logs", "other"), w.CheckFailed, "of the Helm release other"},
		{"agents", nil, runs("ama-logs", agentRelease), w.CheckPassed, "belongs here"},
		{"agents", w.Answers{"method": MethodArc}, runs("ama-logs", "azuremonitor-containers"), w.CheckPassed, "belongs here"},
		{"agents", w.Answers{"method": MethodArc}, func(b *bed) {
			runs("ama-logs", agentRelease)(b)
			b.releases = []w.Release{{Name: agentRelease, Role: w.ReleaseMonitoring}}
		}, w.CheckFailed, "installed one by Helm"},
		{"addon", nil, nil, w.CheckPassed, "not"},
		{"azure", nil, nil, w.CheckPassed, "is not there yet"},
		{"azure", nil, func(b *bed) { b.azureErr = refused }, w.CheckFailed, "Code AuthorizationFailed"},
		{"azure", nil, has(law), w.CheckPassed, "is there, in westus2"},
		{"azure", nil, has(far), w.CheckFailed, "in eastus"},
		{"azure", nil, has(off), w.CheckFailed, "disableLocalAuth"},
		{"azure", w.Answers{"method": MethodArc}, has(off), w.CheckPassed, "is there"},
		{"azure", w.Answers{"use": "existing", "existing": "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/ops"}, nil, w.CheckFailed, "not there any more"},
		{"name", nil, nil, w.CheckPassed, "new"},
		{"name", nil, has(law), w.CheckPassed, "no data of a cluster"},
		{"name", nil, func(b *bed) { has(law)(b); b.rows = []map[string]string{{"Computer": "M0"}} }, w.CheckPassed, "None"},
		{"name", nil, func(b *bed) {
			has(law)(b)
			b.rows = []map[string]string{{"Computer": "w0"}, {"Computer": "k8s-other-0"}}
		}, w.CheckFailed, "k8s-other-0"},
		{"name", nil, func(b *bed) { has(law)(b); b.queryErr = refused }, w.CheckFailed, "no right"},
		{"chart", nil, nil, w.CheckPassed, "azuremonitor-containers 3.1.28, SHA-256 aaaa"},
		{"chart", nil, func(b *bed) { b.chartErr = refused }, w.CheckFailed, "no right"},
		{"chart", nil, func(b *bed) { b.chart.Values = oldValues }, w.CheckFailed, "older than 3.0"},
		{"chart", nil, func(b *bed) { b.chart.Values = `{}` }, w.CheckFailed, "not the chart of Azure Monitor"},
		{"chart", w.Answers{"method": MethodPrometheus}, func(b *bed) { b.chart.Values = `{}` }, w.CheckPassed, "SHA-256"},
	} {
		t.Run(tt.check+" "+tt.says, func(t *testing.T) {
			b := newBed(t)
			if tt.setup != nil {
				tt.setup(b)
			}
			f := b.session(answers(tt.more)).RunCheck(t.Context(), tt.check)
			if f.Status != tt.status || !strings.Contains(f.Found, tt.says) || f.Status == w.CheckFailed && f.Remedy == "" {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestPlans(t *testing.T) {
	for _, tt := range []struct {
		more  w.Answers
		setup func(*bed)
		want  []string
	}{
		{nil, nil, []string{"retired by Microsoft on 1 October 2025", "Workspace ratings-law", "--retention-time 30", "ContainerInsights(ratings-law)", "--set amalogs.secret.key=***", "azure.json", "helm upgrade --install azmon-containers-release-1 azuremonitor-containers --repo https://microsoft.github.io/charts/repo --version 3.1.28", "KubeNodeInventory | where ClusterName"}},
		{w.Answers{"cap": "2", "values": `{"a":1}`}, nil, []string{"at most 2 GB a day", "--quota 2", "--values values.yaml"}},
		{w.Answers{"method": MethodArc}, nil, []string{"az connectedk8s connect --name ratings-sea", "Microsoft.AzureMonitor.Containers", "you make them with your own login"}},
		{w.Answers{"method": MethodPrometheus}, nil, []string{"kube-prometheus-stack", "--namespace monitoring", "hubwright-grafana"}},
		{nil, (*bed).withAddon, []string{"API model of ratings-sea"}},
		{w.Answers{"method": MethodRemove}, func(b *bed) { b.releases = []w.Release{{Name: "x", Namespace: "y", Role: w.ReleaseMonitoring}} }, []string{"helm uninstall x --namespace y"}},
	} {
		b := newBed(t)
		if tt.setup != nil {
			tt.setup(b)
		}
		s := b.session(answers(tt.more))
		if errs := s.Errors(); len(errs) > 0 {
			t.Fatalf("%+v", errs)
		}
		p, err := s.Plan(t.Context())
		text := fmt.Sprintf("%+v", p)
		for _, want := range tt.want {
			if err != nil || !strings.Contains(text, want) {
				t.Errorf("%v: no %q in %s, %v", tt.more, want, text, err)
			}
		}
	}
}

// TestPagesOpen: every page that applies can be shown, with its options.
func TestPagesOpen(t *testing.T) {
	for _, method := range []string{MethodArc, MethodHelm, MethodPrometheus} {
		b := newBed(t)
		b.workspaces = []Workspace{{ID: "/subscriptions/s/resourceGroups/g/providers/x/workspaces/ops", Name: "ops", KeysOff: true}}
		s := b.session(w.Answers{"method": method, "use": "existing"})
		for _, p := range s.Pages() {
			v, ok := s.Page(t.Context(), p.ID)
			if !ok || len(v.Fields) == 0 {
				t.Errorf("%s %s: %+v", method, p.ID, v)
			}
			for _, f := range v.Fields {
				if f.OptionsErr != "" {
					t.Errorf("%s %s: %s", method, f.Name, f.OptionsErr)
				}
				if f.Name == "existing" && f.Options[0].Disabled != (method == MethodHelm) {
					t.Errorf("%s: %+v", method, f.Options)
				}
			}
		}
	}
}
