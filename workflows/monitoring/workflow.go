// Package monitoring is the workflow that lets a team see a cluster from
// outside: with Azure Monitor through Arc or by Helm, or with Prometheus and
// Grafana on the cluster itself.
package monitoring

import (
	"fmt"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// ID is the workflow's id.
const ID = "monitoring"

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{n, operate.New(n.Engine)}
	return w.Workflow[State]{
		ID: ID, Title: "Monitor the cluster", Why: "See the cluster's nodes, pods and logs from outside, and know that the data really arrives.",
		Scope: w.ScopeSite, Row: 6, Begin: f.begin, Pages: f.pages(), Checks: f.checks(), Plan: f.plan, Steps: f.steps(),
		LockKey: func(s *State) string { return "site:" + s.Target.SiteID }, Result: result,
	}.Erase()
}

func result(s *State) w.Result {
	fact := func(label, format string, args ...any) w.SummaryItem {
		return w.SummaryItem{Label: label, Value: fmt.Sprintf(format, args...)}
	}
	r := w.Result{Next: &w.NextStep{Title: "Open the cluster's page", Why: "Nodes, releases and history.", Link: "/clusters/" + s.Cluster.ID}}
	switch s.Method {
	case MethodRemove:
		r.Headline = fmt.Sprintf("%s is not on %s any more.", s.Remove.Name, s.Cluster.Name)
		r.Facts = []w.SummaryItem{fact("What stays", "The workspace in Azure, when there was one, with what it has collected. Definitions (CRDs) that the chart brought, claims of stateful sets, and Grafana's password in the Secret hubwright-grafana.")}
		return r
	case MethodPrometheus:
		r.Headline = fmt.Sprintf("%s %s is on %s, and its %d objects are ready.", s.Found.Chart.Name, s.Found.Chart.Version, s.Cluster.Name, s.Found.Objects)
		if !s.Found.Changed {
			r.Headline = fmt.Sprintf("%s %s was on %s already, and its %d objects are ready: nothing changed.", s.Found.Chart.Name, s.Found.Chart.Version, s.Cluster.Name, s.Found.Objects)
		}
		r.Facts = []w.SummaryItem{fact("Release", "%s in %s, revision %d", s.Release.Name, s.Release.Namespace, s.Found.Revision)}
		if !s.Found.Grafana {
			return r
		}
		r.Facts = append(r.Facts,
			fact("Grafana", "kubectl -n %s port-forward service/%s-grafana 3000:80", s.Release.Namespace, s.Release.Name),
			fact("Its password", "kubectl -n %s get secret %s -o jsonpath='{.data.admin-password}' | base64 -d", s.Release.Namespace, grafanaSecret))
		return r
	}
	r.Headline = fmt.Sprintf("Data of %s nodes of %s arrives in %s.", s.Found.Nodes, s.Agent.ClusterName, s.Found.Workspace.Name)
	if s.Method == MethodHelm && !s.Found.Changed && !s.Found.Solution && s.Found.Made == Same {
		r.Headline = fmt.Sprintf("Nothing had to be changed: data of %s nodes of %s arrives in %s.", s.Found.Nodes, s.Agent.ClusterName, s.Found.Workspace.Name)
	}
	r.Facts = []w.SummaryItem{
		fact("Workspace", "%s in %s, %s", s.Found.Workspace.Name, s.Found.Workspace.Group, s.Found.Workspace.Location),
		fact("Workspace ID", "%s", s.Found.Workspace.CustomerID), fact("Newest data", "%s", s.Found.Last.UTC().Format("2 January 2006 15:04 UTC")),
		fact("In the portal", "Azure Monitor, Insights, Containers, Monitored clusters: %s", s.Agent.ClusterName),
	}
	for _, a := range s.Found.Workloads {
		r.Facts = append(r.Facts, fact(a.Kind+" "+a.Name, "%d of %d ready", a.Ready, a.Want))
	}
	if s.Method == MethodHelm {
		r.Facts = append(r.Facts, fact("Release", "%s in %s, revision %d, chart %s", s.Release.Name, s.Release.Namespace, s.Found.Revision, s.Found.Chart.Version),
			fact("Retired", "Microsoft ended this way on %s. Plan to move to Azure Arc: take this away, then choose the way through Arc with the same workspace.", retired))
	}
	return r
}
