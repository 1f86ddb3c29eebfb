// Package driftcheck is the workflow "Check for drift": it compares the Hub,
// the cluster and the helper VM with the API model in custody, and changes
// nothing.
package driftcheck

import (
	"context"
	"fmt"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// ID is the workflow's id.
const ID = "drift-check"

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	operate.Change
	Found []w.Difference
}

// Differences are what the run found.
func (s *State) Differences() []w.Difference { return s.Found }

// New makes the workflow.
func New(n operate.Needs) w.Definition {
	e := operate.New(n)
	return w.Workflow[State]{
		ID:    ID,
		Title: "Check for drift",
		Why:   "What was changed by hand on the Hub is lost in the next upgrade, or makes it fail: better to know before.",
		Scope: w.ScopeSite,
		Begin: func(ctx context.Context, t w.Target) (*State, error) {
			c, err := e.BeginChange(ctx, t)
			return &State{Change: c}, err
		},
		Plan: plan,
		Steps: []w.Step[State]{{
			ID: "compare", Title: "Compare with the API model", Why: "VMs with sizes, tags, names and extensions; nodes; the API model on the helper VM.", Timeout: 5 * time.Minute,
			Run: func(ctx context.Context, s *State, log w.Log) (err error) {
				if s.Cluster, err = e.Records.ClusterOfSite(ctx, s.SiteID); err != nil {
					return err
				}
				if s.Found, err = e.Differences(ctx, &s.Change); err != nil {
					return err
				}
				for _, d := range s.Found {
					log.Warn("%s", d.What)
				}
				if len(s.Found) == 0 {
					log.Good("Everything is as version %d of the API model says.", s.ModelKept)
				}
				return nil
			},
		}},
		LockKey: func(s *State) string { return "site:" + s.SiteID },
		Result:  result,
	}.Erase()
}

func plan(_ context.Context, s *State) (w.Plan, error) {
	return w.Plan{
		Title:      "Check " + s.Cluster.Name + " for drift",
		Summary:    []w.SummaryItem{{Label: "Cluster", Value: s.Cluster.Name}, {Label: "Kubernetes", Value: s.Cluster.Version}},
		Changes:    []w.Change{{Verb: "none", What: "Everything", Note: "it only looks"}},
		Duration:   "under a minute",
		Disruption: "None.",
	}, nil
}

func result(s *State) w.Result {
	r := w.Result{
		Headline: fmt.Sprintf("%s is as its API model says.", s.Cluster.Name),
		Facts:    []w.SummaryItem{{Label: "API model in custody", Value: fmt.Sprintf("version %d", s.ModelKept)}},
		Next:     &w.NextStep{Title: "Look at the cluster", Why: "What was found stands there until the next look.", Link: "/clusters/" + s.Cluster.ID},
	}
	if len(s.Found) > 0 {
		r.Headline = fmt.Sprintf("%s has drifted: %s.", s.Cluster.Name, operate.Plural(len(s.Found), "difference"))
	}
	for _, d := range s.Found {
		r.Facts = append(r.Facts, w.SummaryItem{Label: d.What, Value: d.Fix})
	}
	return r
}
