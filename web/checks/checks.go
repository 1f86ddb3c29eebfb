// Package checks shows a list of checks with what was found, why it matters
// and what to do. The review page and the Stack page share it.
package checks

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Item is one check with its newest result. A zero Result is pending.
type Item struct {
	Info      workflows.CheckInfo
	Result    workflows.CheckResult
	ChangeURL string // the wizard page whose answers it looks at; "" for none
	WaiveURL  string // POST with "reason"; "" when this person cannot waive it
}

// Blocks says whether the item keeps a run from starting.
func (i Item) Blocks() bool {
	switch i.Result.Status {
	case workflows.CheckPassed, workflows.CheckWaived, workflows.CheckSkipped, workflows.CheckWarning:
		return false
	case workflows.CheckFailed:
		return i.Info.Severity != workflows.SeverityWarn
	}
	return true // pending or running
}

// Count is how many checks stand where.
type Count struct {
	Total, Passed, Warnings, Failed, Blocking, Open, Waived, Skipped int
	Newest                                                           time.Time // of the results
}

// Props is a list of checks that refreshes itself while it runs.
type Props struct {
	ID      string // of the element: "checks"
	URL     string // GET gives the fragment, POST runs all checks again
	RunURL  string // POST here instead of URL; "" is URL
	Items   []Item
	Running bool
	CanRun  bool
	Beside  string // id of a further element of the answer that is refreshed too
	Version int    // sent as "version" with each POST, when not zero
	Now     time.Time
	Empty   string // what to say without checks; "" has a default
}

// Count counts the items.
func (p Props) Count() Count {
	var c Count
	for _, i := range p.Items {
		c.Total++
		if i.Result.EndedAt.After(c.Newest) {
			c.Newest = i.Result.EndedAt
		}
		switch i.Result.Status {
		case workflows.CheckPassed:
			c.Passed++
		case workflows.CheckWarning:
			c.Warnings++
		case workflows.CheckFailed:
			c.Failed++
		case workflows.CheckWaived:
			c.Waived++
		case workflows.CheckSkipped:
			c.Skipped++
		default:
			c.Open++
		}
		if i.Blocks() && i.Result.Status == workflows.CheckFailed {
			c.Blocking++
		}
	}
	return c
}

// Status is the list in one status.
func (p Props) Status() ui.Status { return p.Count().status(p.Running) }
