package store

import (
	"context"
	"errors"
	"fmt"

	"hubwright/internal/engine"
	"hubwright/workflows"
)

// Gate is what a run waits for, with what was said of its plan. That of a run
// which waits for nothing is empty.
func (d *DB) Gate(ctx context.Context, runID string) (workflows.Gate, error) {
	scan := func(g *workflows.Gate) []any {
		return []any{&g.Approval, jsonColumn{&g.Windows}, timeColumn{&g.StartAt}, jsonColumn{&g.Askers}}
	}
	g, err := one(ctx, d.db, "gate of run "+runID, scan, `SELECT approval, windows, start_at, askers FROM run_gates WHERE run_id = $1`, runID)
	if errors.Is(err, workflows.ErrNotFound) {
		return workflows.Gate{}, nil
	}
	if err != nil {
		return g, err
	}
	g.Verdicts, err = list(ctx, d.db, func(v *workflows.Verdict) []any {
		return []any{&v.By, timeColumn{&v.At}, &v.Approved, &v.Reason, &v.Attempt}
	}, `SELECT by, at, approved, reason, attempt FROM run_verdicts WHERE run_id = $1 ORDER BY attempt`, runID)
	return g, err
}

// HoldRun keeps a run that was just created, or given a new attempt, waiting
// for the gate, which it stores without its verdicts.
func (d *DB) HoldRun(ctx context.Context, tx engine.Tx, runID string, g workflows.Gate) error {
	_, err := tx.Exec(ctx, `INSERT INTO run_gates (run_id, approval, windows, start_at, askers) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (run_id) DO UPDATE SET (approval, windows, start_at, askers) = ($2, $3, $4, $5)`,
		runID, g.Approval, asJSON(g.Windows), nanos(g.StartAt), asJSON(g.Askers))
	if err != nil {
		return fmt.Errorf("holding run %s: %w", runID, err)
	}
	n, err := tx.Exec(ctx, `UPDATE runs SET status = 'waiting' WHERE id = $1 AND status = 'queued'`, runID)
	return mustChange("run "+runID, n, err)
}

// AddVerdict notes what somebody said of a waiting run's plan, and says
// whether it did: not when the run does not wait, or somebody was quicker.
func (d *DB) AddVerdict(ctx context.Context, tx engine.Tx, runID string, v workflows.Verdict) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO run_verdicts (run_id, attempt, by, at, approved, reason)
		SELECT id, attempt, $2, $3, $4, $5 FROM runs WHERE id = $1 AND status = 'waiting'
			AND NOT EXISTS (SELECT 1 FROM run_verdicts WHERE run_id = id AND (approved OR attempt = runs.attempt))`,
		runID, v.By, nanos(v.At), v.Approved, v.Reason)
	if err != nil {
		return false, fmt.Errorf("keeping what %s said of run %s: %w", v.By, runID, err)
	}
	return n > 0, nil
}
