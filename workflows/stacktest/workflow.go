// Package stacktest is the workflow "Test the Hub": it looks whether a
// registered Stack can carry a cluster, and changes nothing.
package stacktest

import (
	"context"
	"fmt"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// ID is the workflow's id.
const ID = "stack-test"

// State is what the test works on.
type State struct {
	StackID   string
	StackName string
	Engine    string // the engine version whose needs are looked for
}

// New makes the workflow.
func New(n Needs) w.Workflow[State] {
	t := tester{n}
	return w.Workflow[State]{
		ID:     ID,
		Title:  "Test the Hub",
		Why:    "Finds out in a minute what would otherwise fail in the seventieth minute of a deployment.",
		Scope:  w.ScopeStack,
		Begin:  t.begin,
		Checks: t.checks(),
		Plan:   plan,
		Result: result,
	}
}

type tester struct{ Needs }

func (t tester) begin(ctx context.Context, target w.Target) (*State, error) {
	s, err := t.Records.Stack(ctx, target.StackID)
	if err != nil {
		return nil, err
	}
	return &State{StackID: s.ID, StackName: s.Name, Engine: aksengine.Default}, nil
}

func plan(_ context.Context, s *State) (w.Plan, error) {
	return w.Plan{
		Title:      "Test the Hub " + s.StackName,
		Summary:    []w.SummaryItem{{Label: "Stack", Value: s.StackName}, {Label: "AKS Engine", Value: s.Engine}},
		Duration:   "under a minute",
		Disruption: "Nothing is changed: every check only reads.",
	}, nil
}

func result(s *State) w.Result {
	return w.Result{Headline: fmt.Sprintf("The test of %s has ended.", s.StackName)}
}
