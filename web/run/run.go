// Package run is the page of one run: header, steps, cause or result, log.
package run

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Props is the page. Panel shows everything but the log.
type Props struct {
	Role       ui.Role
	Run        workflows.Run
	Steps      []workflows.StepRun // of the shown attempt
	Crumbs     []ui.Crumb
	Result     *workflows.Result   // when it succeeded
	NextAction *ui.Action          // the button of Result.Next
	Left       *workflows.Left     // when it did not succeed and leaves something
	UndoAction *ui.Action          // the button of Left.Undo
	Downloads  []ui.Action         // further buttons of the result: its files
	Nodes      []workflows.NodeRow // that the run works on, if it says so
	LastLines  []workflows.LogLine // the last 20 before the failure
	FirstError int64               // first error line, 0 for none
	Tail       []workflows.LogLine // last 200 lines, for browsers without JavaScript
	CanCancel  bool                // the engine would take a cancel now
	CanRetry   bool                // the engine would take a retry now
	Lost       string              // e.g. "The connection to the helper VM is lost; the command goes on."
	Gate       workflows.Gate      // what it waits for, or waited for
	OpensAt    time.Time           // when time lets a waiting run begin, zero for never
	Decides    bool                // the person may approve or reject it now
	Waived     []Waiver            // for who decides
	Reason     string              // [reason] that did not do
	// ReasonError is what is wrong with it.
	ReasonError string
	Now         time.Time
}

func (p Props) url() string { return "/runs/" + p.Run.ID }
