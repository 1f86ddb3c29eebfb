package engine_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"hubwright/workflows"
)

// NodeRows makes the test's state one that tells of nodes.
func (s *state) NodeRows() []workflows.NodeRow {
	var out []workflows.NodeRow
	for _, name := range s.Done {
		out = append(out, workflows.NodeRow{Name: name})
	}
	return out
}

func TestNodeRowsWhileARunGoesOn(t *testing.T) {
	shown, goOn := make(chan struct{}), make(chan struct{})
	r := newRig(t, t.TempDir(), workflow(step("a", nil), step("b", func(_ context.Context, s *state, log workflows.Log) error {
		log.Progress(10, "the first")
		s.Done = append(s.Done, "half of b")
		log.Progress(20, "the second")
		close(shown)
		<-goOn
		return nil
	})))
	run := r.mustStart()
	<-shown
	if rows := r.eng.NodeRows(run.ID); len(rows) != 2 || rows[0].Name != "a" || rows[1].Name != "half of b" {
		t.Errorf("%+v", rows)
	}
	close(goOn)
	r.ended(run.ID)
	for deadline := time.Now().Add(10 * time.Second); r.eng.NodeRows(run.ID) != nil; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the rows of an ended run are kept")
		}
	}
}
