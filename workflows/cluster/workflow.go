// Package cluster is the workflow "Deploy a cluster": AKS Engine on the helper
// VM makes a Kubernetes cluster on the Hub, and we follow both.
package cluster

import (
	"fmt"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// ID is the workflow's id.
const ID = "cluster"

type flow struct {
	operate.Engine
	NewKeyPair         func(comment string) (privatePEM []byte, authorizedKey string, err error)
	ParseAuthorizedKey func(text string) (KeyInfo, error)
}

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{operate.New(n.Engine), n.NewKeyPair, n.ParseAuthorizedKey}
	return w.Workflow[State]{
		ID:       ID,
		Title:    "Deploy a cluster",
		Why:      "AKS Engine makes the virtual machines, network and load balancer of a Kubernetes cluster on the Hub.",
		Scope:    w.ScopeSite,
		Row:      3,
		Begin:    f.begin,
		Pages:    f.pages(),
		Validate: validate,
		Checks:   f.checks(),
		Plan:     f.plan,
		Steps:    f.steps(),
		LockKey:  func(s *State) string { return "site:" + s.SiteID },
		Result:   result,
	}.Erase()
}

func (f flow) steps() []w.Step[State] {
	return []w.Step[State]{
		{ID: "prepare", Title: "Write the API model to the helper VM", Why: "AKS Engine reads there what it shall make.",
			Weight: 2, Timeout: 5 * time.Minute, Run: f.prepare},
		{ID: "deploy", Title: "Deploy with AKS Engine", Why: "The engine makes certificates and a template, and the Hub makes every resource of it.",
			Weight: 80, Timeout: 90 * time.Minute, Run: f.deploy},
		{ID: "custody", Title: "Keep API model and kubeconfig", Why: "Without the API model, the cluster could never be upgraded or scaled again.",
			Weight: 3, Timeout: 5 * time.Minute, Run: f.custody},
		{ID: "nodes", Title: "Wait for the nodes", Why: "A VM that runs is not yet a node that takes work.",
			Weight: 10, Timeout: 20 * time.Minute, Run: f.waitForNodes},
		{ID: "verify", Title: "Compare the cluster with the API model", Why: "The engine's own word is not enough: later upgrades trust names, tags and counts.",
			Weight: 5, Timeout: 5 * time.Minute, Run: f.verify},
	}
}

func result(s *State) w.Result {
	facts := []w.SummaryItem{
		{Label: "API server", Value: "https://" + s.FQDN},
		{Label: "Kubernetes", Value: s.Version},
		{Label: "Nodes", Value: fmt.Sprintf("%d control plane, %d workers, all Ready", s.MasterCount, s.nodes()-s.MasterCount)},
		{Label: "Resource group", Value: s.ResourceGroup},
		{Label: "Cluster CA (SHA-256)", Value: s.CA},
		{Label: "API model in custody", Value: fmt.Sprintf("version %d", s.ModelKept)},
	}
	if s.ViaHelper {
		facts = append(facts, w.SummaryItem{Label: "Way to the API server", Value: "through the helper VM: it cannot be reached directly from here"})
	}
	return w.Result{
		Headline: fmt.Sprintf("Cluster %s is deployed: %d nodes are Ready.", s.DNSPrefix, s.Ready),
		Facts:    facts,
		Next: &w.NextStep{
			Title: "Connect to the cluster", Why: "Look at it, get a kubeconfig, and make a scoped one for pipelines.", WorkflowID: "connect",
		},
	}
}
