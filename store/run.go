package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hubwright/internal/engine"
	"hubwright/workflows"
)

const runColumns = `number, id, workflow_id, title, deployment_id, site_id, stack_id, draft_id, lock_key, status, attempt,
	problem, percent, doing, lines, created_by, created_at, started_at, ended_at`

const notEnded = `status NOT IN ('succeeded', 'failed', 'cancelled')`

func scanRun(r *workflows.Run) []any {
	return []any{&r.Number, &r.ID, &r.WorkflowID, &r.Title, &r.Target.DeploymentID, &r.Target.SiteID, &r.Target.StackID,
		&r.DraftID, &r.LockKey, &r.Status, &r.Attempt, jsonColumn{&r.Problem}, &r.Percent, &r.Doing, &r.Lines,
		&r.CreatedBy, timeColumn{&r.CreatedAt}, timeColumn{&r.StartedAt}, timeColumn{&r.EndedAt}}
}

// Run is the run with that id, with its Plan.
func (d *DB) Run(ctx context.Context, runID string) (workflows.Run, error) {
	return d.runWithPlan(ctx, "run "+runID, `id = $1`, runID)
}

// RunByNumber is the run with that number, with its Plan.
func (d *DB) RunByNumber(ctx context.Context, n int) (workflows.Run, error) {
	return d.runWithPlan(ctx, fmt.Sprintf("run %d", n), `number = $1`, n)
}

func (d *DB) runWithPlan(ctx context.Context, what, where string, arg any) (workflows.Run, error) {
	scan := func(r *workflows.Run) []any { return append(scanRun(r), jsonColumn{&r.Plan}) }
	return one(ctx, d.db, what, scan, `SELECT `+runColumns+`, plan FROM runs JOIN run_plans ON run_id = id WHERE `+where, arg)
}

// State is the run's state after the last finished step.
func (d *DB) State(ctx context.Context, runID string) ([]byte, error) {
	return one(ctx, d.db, "state of run "+runID, value[[]byte], `SELECT state FROM run_states WHERE run_id = $1`, runID)
}

// CreateRun inserts a run as engine.Journal says. It gives the run an id when
// it has none, and its Number. tx must come from InTx.
func (d *DB) CreateRun(ctx context.Context, tx engine.Tx, run *workflows.Run, steps []workflows.StepRun, state []byte) error {
	raw, err := reader(tx)
	if err != nil {
		return err
	}
	if err := refuseLocked(ctx, raw, `(lock_key = $1 AND lock_key <> '' AND `+notEnded+`) OR (draft_id = $2 AND draft_id <> '')`,
		run.LockKey, run.DraftID); err != nil {
		return err
	}
	r := *run
	r.ID, r.CreatedAt = orNewID(r.ID, "run"), d.orNow(r.CreatedAt)
	if err := insertRun(ctx, tx, r, steps, state); err != nil {
		return fmt.Errorf("creating run: %w", err)
	}
	if r.Number, err = one(ctx, raw, "run", value[int], `SELECT number FROM runs WHERE id = $1`, r.ID); err != nil {
		return err
	}
	*run = r
	return nil
}

func insertRun(ctx context.Context, tx engine.Tx, r workflows.Run, steps []workflows.StepRun, state []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO runs (id, workflow_id, title, deployment_id, site_id, stack_id, draft_id, lock_key,
		status, attempt, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		r.ID, r.WorkflowID, r.Title, r.Target.DeploymentID, r.Target.SiteID, r.Target.StackID, r.DraftID, r.LockKey,
		string(r.Status), r.Attempt, r.CreatedBy, nanos(r.CreatedAt))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO run_plans (run_id, plan) VALUES ($1, $2)`, r.ID, asJSON(r.Plan)); err != nil {
		return err
	}
	if state == nil {
		state = []byte{}
	}
	if _, err := tx.Exec(ctx, `INSERT INTO run_states (run_id, state) VALUES ($1, $2)`, r.ID, state); err != nil {
		return err
	}
	for _, s := range steps {
		if _, err := tx.Exec(ctx, `INSERT INTO run_steps (run_id, attempt, idx, step_id, title, status)
			VALUES ($1, $2, $3, $4, $5, $6)`, r.ID, r.Attempt, s.Index, s.StepID, s.Title, string(workflows.StepPending)); err != nil {
			return err
		}
	}
	if r.DraftID == "" {
		return nil
	}
	_, err = tx.Exec(ctx, `UPDATE drafts SET run_id = $1 WHERE id = $2`, r.ID, r.DraftID)
	return err
}

// AddAttempt makes a retry as engine.Journal says. The run's progress, end and
// problem start afresh; its log goes on. A run that has not ended holds its
// own lock: *workflows.LockedError. tx must come from InTx.
func (d *DB) AddAttempt(ctx context.Context, tx engine.Tx, runID string, attempt, from int) error {
	raw, err := reader(tx)
	if err != nil {
		return err
	}
	run, err := one(ctx, raw, "run "+runID, scanRun, `SELECT `+runColumns+` FROM runs WHERE id = $1`, runID)
	if err != nil {
		return err
	}
	if attempt != run.Attempt+1 {
		return fmt.Errorf("attempt %d of run %d cannot follow attempt %d: %w", attempt, run.Number, run.Attempt, workflows.ErrStale)
	}
	if err := refuseLocked(ctx, raw, notEnded+` AND (id = $2 OR (lock_key = $1 AND lock_key <> ''))`, run.LockKey, runID); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO run_steps
			(run_id, attempt, idx, step_id, title, status, percent, doing, first_line, problem, started_at, ended_at)
		SELECT run_id, $2, idx, step_id, title, status, percent, doing, first_line, problem, started_at, ended_at
			FROM run_steps WHERE run_id = $1 AND attempt = $2 - 1 AND idx < $3
		UNION ALL
		SELECT run_id, $2, idx, step_id, title, 'pending', -1, '', 0, '', 0, 0
			FROM run_steps WHERE run_id = $1 AND attempt = $2 - 1 AND idx >= $3`, runID, attempt, from)
	if err != nil {
		return fmt.Errorf("adding attempt %d to run %d: %w", attempt, run.Number, err)
	}
	_, err = tx.Exec(ctx, `UPDATE runs SET attempt = $2, status = 'queued', problem = '', percent = 0, doing = '',
		cancel_by = '', started_at = 0, ended_at = 0 WHERE id = $1`, runID, attempt)
	return err
}

// refuseLocked returns a *workflows.LockedError with the oldest run that the
// condition finds.
func refuseLocked(ctx context.Context, q querier, where string, args ...any) error {
	holder, err := one(ctx, q, "lock", scanRun, `SELECT `+runColumns+` FROM runs WHERE `+where+` ORDER BY number LIMIT 1`, args...)
	switch {
	case err == nil:
		return &workflows.LockedError{Run: holder}
	case errors.Is(err, workflows.ErrNotFound):
		return nil
	}
	return err
}

// reader is the transaction to read in, which only InTx gives.
func reader(tx engine.Tx) (*sql.Tx, error) {
	raw, ok := tx.Raw().(*sql.Tx)
	if !ok || raw == nil {
		return nil, errors.New("this needs a transaction of InTx")
	}
	return raw, nil
}

// StartRun marks the run as running. It may be called again after a crash: the
// first start counts. A run that is cancelling stays so, an ended one too.
func (d *DB) StartRun(ctx context.Context, runID string, at time.Time) error {
	n, err := d.exec(ctx, `UPDATE runs SET status = CASE status WHEN 'cancelling' THEN status ELSE 'running' END,
		started_at = CASE started_at WHEN 0 THEN $2 ELSE started_at END WHERE id = $1 AND `+notEnded, runID, nanos(at))
	if err != nil {
		return fmt.Errorf("starting run %s: %w", runID, err)
	}
	if n == 0 {
		_, err = d.Run(ctx, runID)
	}
	return err
}

// FinishRun writes the end of an attempt. The status must be an end.
func (d *DB) FinishRun(ctx context.Context, tx engine.Tx, runID string, status workflows.RunStatus, problem *workflows.Problem, at time.Time) error {
	if !status.Ended() {
		return fmt.Errorf("%q is not the end of a run", status)
	}
	n, err := tx.Exec(ctx, `UPDATE runs SET status = $2, problem = $3, ended_at = $4, doing = '',
		percent = CASE $2 WHEN 'succeeded' THEN 100 ELSE percent END WHERE id = $1`,
		runID, string(status), problemColumn(problem), nanos(at))
	return mustChange("run "+runID, n, err)
}

// RequestCancel marks a run that has not ended as cancelling and says whether
// it has not ended. Asked again it says true again; the first asker is kept.
func (d *DB) RequestCancel(ctx context.Context, tx engine.Tx, runID, by string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE runs SET status = 'cancelling', cancel_by = CASE cancel_by WHEN '' THEN $2 ELSE cancel_by END
		WHERE id = $1 AND `+notEnded, runID, by)
	if err != nil {
		return false, fmt.Errorf("cancelling run %s: %w", runID, err)
	}
	return n > 0, nil
}

// problemColumn is a Problem as it is stored; nil is the empty text.
func problemColumn(p *workflows.Problem) string {
	if p == nil {
		return ""
	}
	return asJSON(p)
}

// mustChange makes an update that changed nothing a workflows.ErrNotFound.
func mustChange(what string, n int64, err error) error {
	if err != nil {
		return fmt.Errorf("saving %s: %w", what, err)
	}
	if n == 0 {
		return fmt.Errorf("%s: %w", what, workflows.ErrNotFound)
	}
	return nil
}
