// Package connect is the workflow that connects to a cluster: it verifies what
// the deploy left, shows what kubectl would, and hands out scoped accounts.
package connect

import (
	"context"
	"fmt"
	"strings"

	w "hubwright/workflows"
)

// ID is the workflow's id.
const ID = "connect"

type flow struct{ Needs }

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{n}
	return w.Workflow[State]{
		ID: ID, Title: "Connect to the cluster", Why: "Verify the cluster, see it as kubectl would, and give others access that fits them.",
		Scope: w.ScopeSite, Row: 4, Begin: f.begin, Pages: pages(), Checks: f.checks(), Plan: f.plan, Steps: f.steps(),
		LockKey: func(s *State) string { return "site:" + s.SiteID }, Result: result,
	}.Erase()
}

func fixed(o ...w.Option) func(context.Context, *State) ([]w.Option, error) {
	return func(context.Context, *State) ([]w.Option, error) { return o, nil }
}

func (f flow) plan(_ context.Context, s *State) (w.Plan, error) {
	way := wayWords(s.Way)
	if s.Proxy != "" && s.Way != WayHelper {
		way += "; directly is through the proxy " + s.Proxy
	}
	p := w.Plan{
		Title: "Connect to the cluster on " + s.SiteName, Duration: "less than a minute", Disruption: "Nothing that runs on the cluster is touched.",
		Summary: []w.SummaryItem{
			{Label: "Cluster", Value: fmt.Sprintf("%s, Kubernetes %s, %d nodes", s.Cluster.Name, s.Cluster.Version, s.Cluster.Nodes)},
			{Label: "API server", Value: "https://" + s.Cluster.FQDN}, {Label: "Way", Value: strings.ToUpper(way[:1]) + way[1:], Page: "way"},
			{Label: "Scoped account", Value: "None", Page: "access"},
		},
		Changes:  []w.Change{{Verb: "none", What: "The cluster", Note: "is only read"}},
		Commands: []w.Command{{Title: "What you would have typed", Text: "kubectl --kubeconfig " + s.Cluster.Name + ".kubeconfig get nodes\nkubectl --kubeconfig " + s.Cluster.Name + ".kubeconfig cluster-info"}},
	}
	if s.wantsAccount() {
		p.Summary[3].Value = fmt.Sprintf("%s in %s, role %s, %d hours", s.Name, s.Namespace, s.Role, s.Hours)
		p.Changes = []w.Change{
			{Verb: "create", What: "Namespace " + s.Namespace, Note: "if it is not there"},
			{Verb: "create", What: "Service account " + s.Name, Note: "with role " + s.Role + " in this namespace alone"},
		}
		if err := f.planAccount(s, &p); err != nil {
			return w.Plan{}, err
		}
	}
	return p, nil
}

func (f flow) planAccount(s *State, p *w.Plan) error {
	lines := []string{"kubectl create namespace " + s.Namespace, "kubectl -n " + s.Namespace + " create serviceaccount " + s.Name}
	role := "--clusterrole=" + s.Role
	if s.Role == "deployer" {
		const name = "hubwright-deployer"
		doc, err := f.DeployerRole(s.Namespace)
		if err != nil {
			return err
		}
		p.Documents = append(p.Documents, w.Document{Name: name + ".json", MIME: "application/json", Body: string(doc)})
		lines, role = append(lines, "kubectl apply -f "+name+".json"), "--role="+name
	}
	lines = append(lines,
		fmt.Sprintf("kubectl -n %s create rolebinding %s-%s %s --serviceaccount=%s:%s", s.Namespace, s.Name, s.Role, role, s.Namespace, s.Name),
		fmt.Sprintf("kubectl -n %s create token %s --duration=%dh", s.Namespace, s.Name, s.Hours))
	p.Commands = append(p.Commands, w.Command{Title: "For the account", Text: strings.Join(lines, "\n")})
	return nil
}

func wayWords(way string) string {
	switch way {
	case WayHelper:
		return "through the helper VM's SSH"
	case WayDirect:
		return "directly"
	}
	return "directly if that leads there, else through the helper VM's SSH"
}

func result(s *State) w.Result {
	r := w.Result{
		Headline: fmt.Sprintf("%s answers, and all %d nodes are Ready.", s.Cluster.Name, s.Found.Ready),
		Facts: []w.SummaryItem{
			{Label: "API server", Value: s.Found.Server + ", reached " + wayWords(s.Found.Way)}, {Label: "Kubernetes", Value: s.Found.Version},
			{Label: "kubectl", Value: "Download the kubeconfig on the cluster's page: it is cluster-admin, so each download is in the audit."},
		},
		Next: &w.NextStep{Title: "Open the cluster's page", Why: "Nodes, kubeconfig, API models and history.", Link: "/clusters/" + s.Cluster.ID},
	}
	masters := s.Cluster.Masters
	if s.Cluster.AdminUser == "" {
		masters = 0 // adopted by its kubeconfig: nobody said how its nodes are reached
	}
	for i := range masters {
		port := 22
		if i > 0 {
			port = 2200 + i
		}
		r.Facts = append(r.Facts, w.SummaryItem{Label: fmt.Sprintf("SSH to control plane node %d", i), Value: fmt.Sprintf("ssh -p %d %s@%s", port, s.Cluster.AdminUser, s.Cluster.FQDN)})
	}
	if masters > 0 {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "Jump box", Value: "Don't use a control plane node as one: whoever is on it holds the cluster's keys, and what runs there competes with etcd. Use the helper VM."})
	}
	if s.Found.AccountRef != "" {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "Scoped account", Value: fmt.Sprintf("%s in %s, role %s, until %s. Download it below.", s.Name, s.Namespace, s.Role, until(s.Found.Expires))})
	}
	return r
}
