// Package adopt is the workflow that takes a cluster into Hubwright that
// somebody else deployed: by the API model that AKS Engine left, or by a
// kubeconfig alone.
package adopt

import (
	"context"
	"fmt"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// ID is the workflow's id.
const ID = "adopt"

// Needs is what the workflow needs of the world.
type Needs struct {
	Engine operate.Needs
	// Portable writes a kubeconfig as JSON. It returns a *workflows.Problem for
	// one that starts programs, refers to files or trusts anybody.
	Portable func(kubeconfig []byte) ([]byte, error)
}

type flow struct {
	operate.Engine
	portable func([]byte) ([]byte, error)
}

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{operate.New(n.Engine), n.Portable}
	return w.Workflow[State]{
		ID: ID, Title: "Adopt a cluster that exists", Why: "A cluster that was deployed by hand gets the same care as one from here, and nothing of it is changed.",
		Scope: w.ScopeSite, Begin: f.begin, Pages: pages(), Checks: f.checks(), Plan: f.plan, Steps: f.steps(),
		LockKey: func(s *State) string { return "site:" + s.SiteID }, Result: result,
	}.Erase()
}

func (f flow) steps() []w.Step[State] {
	byModel := func(s *State) bool { return s.byModel() }
	return []w.Step[State]{
		{ID: "look", Title: "Look at the cluster", Why: "What is written down is what the cluster says itself.", Weight: 2, Timeout: 2 * time.Minute, Run: f.look},
		{ID: "record", Title: "Make the record", Why: "From now on the cluster exists for Hubwright.", Weight: 1, Run: f.record},
		{ID: "custody", Title: "Keep the API model", Why: "AKS Engine can change the cluster only with it.", When: byModel, Weight: 1, Run: f.custody},
	}
}

func (f flow) plan(_ context.Context, s *State) (w.Plan, error) {
	p := w.Plan{
		Title: "Adopt the cluster on " + s.SiteName, Duration: "less than a minute", Disruption: "The cluster is only read.",
		Summary: []w.SummaryItem{{Label: "By", Value: "a kubeconfig alone", Page: "what"}, {Label: "Name", Value: s.Name, Page: "key"}},
		Changes: []w.Change{
			{Verb: "none", What: "The cluster", Note: "is only read"},
			{Verb: "create", What: "The cluster's record in Hubwright"},
			{Verb: "create", What: "The kubeconfig in custody", Note: "sealed"},
		},
	}
	if s.byModel() {
		p.Summary = []w.SummaryItem{{Label: "By", Value: aksengine.OutputModel + ", which AKS Engine left", Page: "what"}, {Label: "Resource group", Value: s.groupInWords(), Page: "key"}}
		p.Changes = append(p.Changes, w.Change{Verb: "create", What: "The API model in custody", Note: "sealed, as version 1"})
	}
	return p, nil
}

func result(s *State) w.Result {
	r := w.Result{
		Headline: fmt.Sprintf("%s on %s is in Hubwright's care.", s.Cluster.Name, s.SiteName),
		Facts: []w.SummaryItem{
			{Label: "Kubernetes", Value: s.Cluster.Version}, {Label: "Nodes", Value: fmt.Sprintf("%d, of which %d control plane", s.Cluster.Nodes(), s.Cluster.MasterCount)},
			{Label: "API server", Value: "https://" + s.Cluster.FQDN},
		},
		Next: &w.NextStep{Title: "Connect to the cluster", Why: "Verify it, and give others access that fits them.", WorkflowID: "connect"},
	}
	if s.byModel() {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "API model", Value: fmt.Sprintf("version %d in custody. Upgrade, scale and the rest need a helper VM with AKS Engine: step 1 of the guide.", s.Kept)})
	} else {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "API model", Value: "none: Hubwright cannot upgrade, scale or rotate this cluster."})
	}
	return r
}
