// Package wizard asks the questions of a workflow, page by page, and shows the
// review before the start. It works without JavaScript.
package wizard

import (
	"strconv"
	"time"

	"hubwright/web/checks"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// RailState is where a page stands in the rail.
type RailState string

// The states of a page.
const (
	RailTodo  RailState = "todo"
	RailDone  RailState = "done"
	RailError RailState = "error"
)

// RailPage is one page in the rail. The review is added by the components.
type RailPage struct {
	ID, Title string
	State     RailState
}

// Head is what the pages of one draft have in common.
type Head struct {
	Role      ui.Role
	Draft     workflows.Draft
	Info      workflows.Info
	Crumbs    []ui.Crumb // Deployment, Site
	Rail      []RailPage
	Now       time.Time
	Heading   string // "Deploy a cluster on Orlando"; "" takes the workflow's title
	RetryNote string // why this draft exists, such as "Made from run 41"
}

// PageProps is one question page. The form posts the fields, version and
// action (next, back, add, remove:N, reload, save) to the page's own URL.
type PageProps struct {
	Head
	Page       workflows.PageView
	ShowErrors bool               // false on the first visit: nothing was answered yet
	Stale      *Stale             // somebody else saved in between
	Problem    *workflows.Problem // the target could not be observed
}

// Stale says who saved the draft in between.
type Stale struct {
	By string
	At time.Time
}

// ReviewProps is the review page.
type ReviewProps struct {
	Head
	Checks  checks.Props // URL /drafts/:id/checks
	Errors  []workflows.FieldError
	Plan    workflows.Plan
	PlanErr *workflows.Problem // why there is no plan; then nothing below is shown
	Locked  *workflows.Run     // the run that works on the same thing now
	Stale   *Stale
	Gate    workflows.Gate // what the run will wait for
	Zone    string         // in which StartAt is given
	StartAt string         // [start_at] as it was given
	// StartAtError is what is wrong with it.
	StartAtError string
}

// Blocked says in words why the run cannot start, "" when it can.
func (p ReviewProps) Blocked() string {
	c := p.Checks.Count()
	switch {
	case len(p.Errors) > 0:
		return "Some answers are missing or wrong."
	case p.PlanErr != nil:
		return "There is no plan yet."
	case p.Locked != nil:
		return "Run " + strconv.Itoa(p.Locked.Number) + " works on this now."
	case p.Checks.Running || c.Open > 0:
		return "The checks are still running."
	case c.Blocking == 1:
		return "One check failed. Fix what it says, or waive it where that is allowed."
	case c.Blocking > 1:
		return strconv.Itoa(c.Blocking) + " checks failed. Fix what they say, or waive them where that is allowed."
	}
	return ""
}

// DraftItem is one open draft in a list.
type DraftItem struct {
	Draft workflows.Draft
	Title string // the workflow's title
	On    string // "Orlando"
	Role  ui.Role
	Now   time.Time
}

func (h Head) url() string { return "/drafts/" + h.Draft.ID }

func (h Head) pageURL(id string) string { return h.url() + "/pages/" + id }

func (h Head) heading() string {
	if h.Heading != "" {
		return h.Heading
	}
	return h.Info.Title
}
