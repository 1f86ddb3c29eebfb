// Package app is the workflow that puts an ingress controller and an
// application on a cluster, each by a Helm chart.
package app

import (
	w "hubwright/workflows"
)

// ID is the workflow's id.
const ID = "app"

type flow struct{ Needs }

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{n}
	return w.Workflow[State]{
		ID: ID, Title: "Deploy the application", Why: "Ingress controller, disks and the application, each by a pinned chart, verified from pod to public answer.",
		Scope: w.ScopeSite, Row: 7, Begin: f.begin, Pages: f.pages(), Checks: f.checks(), Plan: f.plan, Steps: f.steps(),
		LockKey: func(s *State) string { return "site:" + s.SiteID }, Result: result,
	}.Erase()
}
