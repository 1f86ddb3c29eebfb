package store

import (
	"context"
	"fmt"

	"hubwright/workflows"
)

const checkColumns = `check_id, status, found, remedy, link, waived_by, waiver_reason, started_at, ended_at, draft_version`

func scanCheck(r *workflows.CheckResult) []any {
	return []any{&r.CheckID, &r.Status, &r.Found, &r.Remedy, &r.Link, &r.WaivedBy, &r.WaiverReason,
		timeColumn{&r.StartedAt}, timeColumn{&r.EndedAt}, &r.DraftVersion}
}

// CheckResults are what the checks of a Draft found, by check id.
func (d *DB) CheckResults(ctx context.Context, draftID string) ([]workflows.CheckResult, error) {
	return list(ctx, d.db, scanCheck, `SELECT `+checkColumns+` FROM check_results WHERE draft_id = $1 ORDER BY check_id`, draftID)
}

// SaveCheckResult replaces what the check found before, a waiver too: who
// waived one finding did not waive the next.
func (d *DB) SaveCheckResult(ctx context.Context, draftID string, r workflows.CheckResult) error {
	_, err := d.exec(ctx, `INSERT OR REPLACE INTO check_results (draft_id, `+checkColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		draftID, r.CheckID, string(r.Status), r.Found, r.Remedy, r.Link, r.WaivedBy, r.WaiverReason,
		nanos(r.StartedAt), nanos(r.EndedAt), r.DraftVersion)
	if err != nil {
		return fmt.Errorf("saving check %s of draft %s: %w", r.CheckID, draftID, err)
	}
	return nil
}

// WaiveCheck marks a finding as waived. Only one that failed or warns can be:
// else workflows.ErrStale, and workflows.ErrNotFound when the check never ran.
func (d *DB) WaiveCheck(ctx context.Context, draftID, checkID, by, reason string) error {
	n, err := d.exec(ctx, `UPDATE check_results SET status = $3, waived_by = $4, waiver_reason = $5
		WHERE draft_id = $1 AND check_id = $2 AND status IN ('failed', 'warning', 'waived')`,
		draftID, checkID, string(workflows.CheckWaived), by, reason)
	if err != nil {
		return fmt.Errorf("waiving check %s of draft %s: %w", checkID, draftID, err)
	}
	if n > 0 {
		return nil
	}
	what := "check " + checkID + " of draft " + draftID
	if _, err := one(ctx, d.db, what, value[string],
		`SELECT check_id FROM check_results WHERE draft_id = $1 AND check_id = $2`, draftID, checkID); err != nil {
		return err
	}
	return fmt.Errorf("%s has nothing to waive: %w", what, workflows.ErrStale)
}
