package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"hubwright/internal/engine"
	"hubwright/workflows"
)

const stepColumns = `run_id, attempt, idx, step_id, title, status, percent, doing, first_line, problem, started_at, ended_at`

func scanStep(s *workflows.StepRun) []any {
	return []any{&s.RunID, &s.Attempt, &s.Index, &s.StepID, &s.Title, &s.Status, &s.Percent, &s.Doing, &s.FirstLine,
		jsonColumn{&s.Problem}, timeColumn{&s.StartedAt}, timeColumn{&s.EndedAt}}
}

// Steps are the steps of an attempt in order.
func (d *DB) Steps(ctx context.Context, runID string, attempt int) ([]workflows.StepRun, error) {
	return list(ctx, d.db, scanStep,
		`SELECT `+stepColumns+` FROM run_steps WHERE run_id = $1 AND attempt = $2 ORDER BY idx`, runID, attempt)
}

func stepName(runID string, attempt, index int) string {
	return fmt.Sprintf("step %d of attempt %d of run %s", index, attempt, runID)
}

// StartStep marks a step as running. Called again after a crash, the first
// start counts.
func (d *DB) StartStep(ctx context.Context, runID string, attempt, index int, at time.Time) error {
	n, err := d.exec(ctx, `UPDATE run_steps SET status = 'running',
		started_at = CASE started_at WHEN 0 THEN $4 ELSE started_at END WHERE run_id = $1 AND attempt = $2 AND idx = $3`,
		runID, attempt, index, nanos(at))
	return mustChange(stepName(runID, attempt, index), n, err)
}

// FinishStep writes a step's Status, Problem and EndedAt and, unless it is
// nil, the state after it. A step that succeeded is at 100 percent, any other
// stays where it was.
func (d *DB) FinishStep(ctx context.Context, tx engine.Tx, s workflows.StepRun, state []byte) error {
	n, err := tx.Exec(ctx, `UPDATE run_steps SET status = $4, problem = $5, ended_at = $6, doing = '',
		percent = CASE $4 WHEN 'succeeded' THEN 100 ELSE percent END WHERE run_id = $1 AND attempt = $2 AND idx = $3`,
		s.RunID, s.Attempt, s.Index, string(s.Status), problemColumn(s.Problem), nanos(s.EndedAt))
	if err := mustChange(stepName(s.RunID, s.Attempt, s.Index), n, err); err != nil || state == nil {
		return err
	}
	n, err = tx.Exec(ctx, `UPDATE run_states SET state = $2 WHERE run_id = $1`, s.RunID, state)
	return mustChange("state of run "+s.RunID, n, err)
}

// SetProgress writes what a running step and its run are doing now. What comes
// too late, after the end of either, changes nothing.
func (d *DB) SetProgress(ctx context.Context, runID string, attempt, index, stepPercent, runPercent int, doing string) error {
	err := d.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE run_steps SET percent = $4, doing = $5
			WHERE run_id = $1 AND attempt = $2 AND idx = $3 AND status = 'running'`,
			runID, attempt, index, stepPercent, doing); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE runs SET percent = $3, doing = $4
			WHERE id = $1 AND attempt = $2 AND `+notEnded, runID, attempt, runPercent, doing)
		return err
	})
	if err != nil {
		return fmt.Errorf("saving progress of run %s: %w", runID, err)
	}
	return nil
}
