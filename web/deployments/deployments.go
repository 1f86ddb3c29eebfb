// Package deployments lists the Deployments and makes new ones. The form posts
// name and any number of stack (Stack ids, in the order of the columns) to
// /deployments.
package deployments

import (
	"time"

	"hubwright/web/runs"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// Item is one Deployment of the list.
type Item struct {
	Deployment workflows.Deployment
	Sites      []string // names, in order
	Done       int      // cells of the guide that are done
	Total      int      // cells of the guide up to the one name
	Status     ui.Status
	LastChange time.Time
	LastWords  string // "Deploy cluster on Orlando, by ana"
}

// StackChoice is a Stack that can get a Site.
type StackChoice struct {
	ID, Name, Note string
	Chosen         bool
}

// Props is the list with the form for a new one.
type Props struct {
	Role   ui.Role
	Items  []Item
	ForYou []runs.Row // runs that wait for the person's decision
	Stacks []StackChoice
	Name   string // as typed, kept after an error
	Errors []workflows.FieldError
	Now    time.Time
}
