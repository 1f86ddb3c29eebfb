package workflows

import (
	"context"
	"time"
)

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
