// Package runs is the history of all runs.
package runs

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Row is one run with what it worked on in words.
type Row struct {
	Run workflows.Run
	On  string // "Ratings / Orlando"
}

// Filter is what the list is narrowed to. In brackets: the query's names.
type Filter struct {
	Workflow   string // [workflow]
	Status     string // [status]
	Deployment string // [deployment]
	Stack      string // [stack]
}

// Props is the list. It is sent with GET /runs.
type Props struct {
	Role        ui.Role
	Rows        []Row
	ForYou      []Row // runs that wait for what this person can give
	Filter      Filter
	Workflows   []ui.Choice
	Deployments []ui.Choice
	Stacks      []ui.Choice
	Before      int    // the runs before that number; 0 is the first page
	Older       int    // the last number on this page when there are older ones, else 0
	Version     string // of what is shown
	Now         time.Time
}
