package workflows

import (
	"context"
	"time"
)

// Left is what a run that was cancelled, or failed, has made and not taken away
// again.
type Left struct {
	Things []SummaryItem // what it is, and its name and place
	Undo   *Undo         // nil when no workflow takes it away
}

// Undo is the workflow that takes away what is left, with answers that say so.
type Undo struct {
	Title, Why string
	WorkflowID string
	Answers    Answers
}

// settles is how long a change may take after the cancel.
const settles = time.Minute

// Settled is a context for one change that is asked of somebody else: it
// outlives a cancel for up to a minute, so that the run knows whether the
// change was made and can say what is left.
func Settled(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(settles, cancel) })
	return out, func() { stop(); cancel() }
}
