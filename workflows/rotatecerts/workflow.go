// Package rotatecerts is the workflow "Rotate certificates": AKS Engine gives
// a cluster a new certificate authority and everything that it signs.
package rotatecerts

import (
	"context"
	"fmt"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// ID is the workflow's id.
const ID = "rotate-certs"

// How the rotation begins.
const (
	HowChecked = "checked" // the engine looks at the control plane first
	HowForced  = "forced"
)

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	operate.Change
	operate.Shells
	operate.Pair

	How string

	OldCA, NewCA   string // fingerprints
	OldEnd, NewEnd string // when the first certificate ends
	Again          bool   // an interrupted rotation was found
	Kept           bool   // the new certificates are in custody
	Progress       aksengine.RotationProgress
}

// Needs is what the workflow needs of the world.
type Needs struct {
	Engine operate.Needs
	// SystemPods are the pods of kube-system with their health.
	SystemPods func(ctx context.Context, kubeconfig []byte, s w.Stack, helper w.HelperVM) ([]w.Component, error)
}

type flow struct {
	operate.Engine
	systemPods func(ctx context.Context, kubeconfig []byte, s w.Stack, helper w.HelperVM) ([]w.Component, error)
}

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{operate.New(n.Engine), n.SystemPods}
	last := operate.Steps(f.Engine, change, func(*State) bool { return false })
	last[0] = w.Step[State]{ID: "custody", Title: "Keep API model and kubeconfig", Why: "The old ones open nothing any more.", Weight: 3, Timeout: 5 * time.Minute, Run: f.custody}
	always := func(*State) bool { return true }
	return operate.Careful(f.Engine, w.Workflow[State]{
		ID:     ID,
		Title:  "Rotate certificates",
		Why:    "AKS Engine gives the cluster a new certificate authority, before the old certificates end or after one got into wrong hands.",
		Scope:  w.ScopeSite,
		Begin:  f.begin,
		Pages:  []w.Page[State]{howPage(), operate.ShellsPage(shells)},
		Checks: f.checks(),
		Plan:   plan,
		Steps: append(append([]w.Step[State]{
			{ID: "prepare", Title: "Make sure of the API model", Why: "The certificates that the nodes have now are in it.", Weight: 2, Timeout: 5 * time.Minute, Run: f.prepare},
			{ID: "rotate", Title: "Rotate with AKS Engine", Why: "New certificates go to every node; the control plane restarts.", Weight: 70, Timeout: time.Hour, Run: f.rotate},
		}, last...), w.Step[State]{
			ID: "sweep", Title: "Remove private keys from the helper VM", Why: "The nodes' SSH key and copies of the old certificates have no business there.", Weight: 1, Timeout: 5 * time.Minute, Always: true, Run: f.sweep,
		}),
		LockKey: func(s *State) string { return "site:" + s.SiteID },
		Result:  result,
	}, change, pair, always).Erase()
}

func change(s *State) *operate.Change                    { return &s.Change }
func pair(s *State) *operate.Pair                        { return &s.Pair }
func shells(s *State) (*operate.Change, *operate.Shells) { return &s.Change, &s.Shells }

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	c, err := f.BeginChange(ctx, t)
	if err != nil {
		return nil, err
	}
	return &State{Change: c, How: HowChecked}, nil
}

func howPage() w.Page[State] {
	return w.Page[State]{
		ID: "how", Title: "What is interrupted", Why: "The API server is away for some minutes, while the control plane's VMs restart. Then the workloads' pods restart, to get tokens that the new keys signed. " +
			"Afterwards no kubeconfig works that was handed out before, scoped accounts and those of pipelines included.",
		Fields: []w.Field[State]{{
			Name: "how", Label: "How to begin", Kind: w.FieldRadio, Default: func(s *State) string { return s.How },
			Options: func(context.Context, *State) ([]w.Option, error) {
				return []w.Option{
					{Value: HowChecked, Label: "Only when the control plane is well", Note: "The engine waits until nodes and components are in order, then begins. It needs an API server that answers."},
					{Value: HowForced, Label: "In any case (--force)", Note: "For a dead API server, such as after the certificates' end, and after an interrupted rotation. A control plane that is ill for another reason may be lost."},
				}, nil
			},
		}},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			s.How = a.Get("how")
			if s.How != HowChecked && s.How != HowForced {
				return []w.FieldError{{Field: "how", Message: "Choose one of the two."}}
			}
			return nil
		},
	}
}

func (s *State) forced() bool { return s.How == HowForced || s.Again }

func (s *State) command(call aksengine.Deploy) aksengine.Command {
	return call.RotateCertificates(s.Via(s.Shells), s.forced())
}

func plan(_ context.Context, s *State) (w.Plan, error) {
	how := "when the control plane is well"
	if s.forced() {
		how = "in any case (--force)"
	}
	return w.Plan{
		Title: "Rotate the certificates of " + s.Cluster.Name,
		Summary: []w.SummaryItem{
			{Label: "Cluster", Value: s.Cluster.Name}, {Label: "Begin", Value: how, Page: "how"}, {Label: "SSH host", Value: s.SSHHost, Page: "ssh"},
		},
		Changes: []w.Change{
			{Verb: "change", What: fmt.Sprintf("Certificates and keys on %s", operate.Plural(s.Cluster.Nodes(), "node")), Note: "certificate authority, API server, etcd, kubelets, front proxy, cluster-admin"},
			{Verb: "change", What: "API model and kubeconfig in custody", Note: "the former versions stay in the list, but open nothing any more"},
			{Verb: "create", What: "~/" + s.NodeKey() + " on the helper VM", Note: "the nodes' SSH key, removed when the run ends"},
		},
		Commands: []w.Command{{Title: "On the helper VM", Text: s.command(s.Call()).Display()}},
		Duration: "about 15 min on a real stamp",
		Disruption: "The API server is away for some minutes; what runs goes on meanwhile. Then the workloads' pods restart, each workload in its own way of updating. " +
			"Every kubeconfig that was handed out stops working.",
	}, nil
}

func result(s *State) w.Result {
	return w.Result{
		Headline: fmt.Sprintf("Cluster %s has new certificates: %d nodes are Ready.", s.Cluster.Name, s.Change.Ready),
		Facts: []w.SummaryItem{
			{Label: "First certificate ends", Value: s.NewEnd}, {Label: "Before", Value: s.OldEnd},
			{Label: "CA (SHA-256)", Value: s.NewCA},
			{Label: "API model in custody", Value: fmt.Sprintf("version %d", s.ModelKept)},
			{Label: "Kubeconfigs from before", Value: "They don't work any more. Download the new one; make scoped accounts anew with \"Connect\"; renew the service connections of pipelines."},
		},
		Next: &w.NextStep{Title: "Look at the cluster", Why: "Its new kubeconfig is there.", Link: "/clusters/" + s.Cluster.ID},
	}
}
