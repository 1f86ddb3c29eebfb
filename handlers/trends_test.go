package handlers

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"hubwright/internal/engine"
	"hubwright/workflows"
)

// ended is a run of a workflow that ended as it did, weeks ago.
func (r *logRig) ended(workflow string, weeksAgo int, status workflows.RunStatus) {
	r.t.Helper()
	ctx, at := context.Background(), time.Now().AddDate(0, 0, -7*weeksAgo)
	run := &workflows.Run{WorkflowID: workflow, Title: "Upgrade", Status: workflows.RunQueued, Attempt: 1, CreatedBy: "ana", CreatedAt: at}
	err := r.db.InTx(ctx, func(tx engine.Tx) error { return r.db.CreateRun(ctx, tx, run, nil, []byte("{}")) })
	if err == nil {
		err = r.db.StartRun(ctx, run.ID, at)
	}
	if err == nil {
		err = r.db.InTx(ctx, func(tx engine.Tx) error {
			return r.db.FinishRun(ctx, tx, run.ID, status, nil, at.Add(90*time.Minute))
		})
	}
	if err == nil {
		err = r.db.KeepNodes(ctx, *run, []workflows.NodeRow{{Name: "k8s-master-1", Status: workflows.StepSucceeded, StartedAt: at, EndedAt: at.Add(7 * time.Minute)}})
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func TestTrendsPage(t *testing.T) {
	r := newLogRig(t, nil)
	if status, page := r.read("/runs/trends?workflow=upgrade", nil); status != http.StatusOK || !strings.Contains(page, "Nothing to show yet") {
		t.Errorf("no runs: %d", status)
	}
	r.ended("upgrade", 3, workflows.RunSucceeded)
	r.ended("upgrade", 3, workflows.RunFailed)
	r.ended("upgrade", 40, workflows.RunFailed) // too long ago
	status, page := r.read("/runs/trends?workflow=upgrade", nil)
	week := time.Now().AddDate(0, 0, -21).UTC().Truncate(7 * 24 * time.Hour).Format("2 Jan 2006")
	for _, want := range []string{"Week of " + week + ": 1 of 2 runs failed", "Week of " + week + ": 1:30:00", "Week of " + week + ": 7:00", "26 weeks have a value"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page (%d) does not say %q", status, want)
		}
	}
	if strings.Count(page, "<title>Week of") != 3 {
		t.Errorf("%d columns", strings.Count(page, "<title>Week of"))
	}
}
