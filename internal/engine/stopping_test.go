package engine_test

import (
	"context"
	"testing"

	"hubwright/workflows"
)

// TestStoppingIsNoCancel: a step whose server stops is told so, and nothing
// else. It would take another cause for a cancel and end its remote command.
func TestStoppingIsNoCancel(t *testing.T) {
	const runs = 40
	begun, causes := make(chan struct{}, runs), make(chan error, runs)
	r := newRig(t, t.TempDir(), workflow(workflows.Step[state]{ID: "a", Title: "Wait", Run: func(ctx context.Context, _ *state, _ workflows.Log) error {
		begun <- struct{}{}
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}}))
	for range runs {
		r.mustStart()
	}
	for range runs {
		<-begun
	}
	r.eng.Close()
	for range runs {
		if err := <-causes; err != workflows.ErrStopping {
			t.Fatalf("a step ended with %v", err)
		}
	}
}
