package store

import (
	"context"
	"fmt"

	"hubwright/workflows"
)

const draftColumns = `id, workflow_id, deployment_id, site_id, stack_id, answers, version, created_by, created_at,
	updated_by, updated_at, run_id`

func scanDraft(f *workflows.Draft) []any {
	return []any{&f.ID, &f.WorkflowID, &f.Target.DeploymentID, &f.Target.SiteID, &f.Target.StackID, jsonColumn{&f.Answers},
		&f.Version, &f.CreatedBy, timeColumn{&f.CreatedAt}, &f.UpdatedBy, timeColumn{&f.UpdatedAt}, &f.RunID}
}

// Draft is the Draft with that id, also when it became a run.
func (d *DB) Draft(ctx context.Context, id string) (workflows.Draft, error) {
	return one(ctx, d.db, "draft "+id, scanDraft, `SELECT `+draftColumns+` FROM drafts WHERE id = $1`, id)
}

// Drafts are the open Drafts whose target has the ids that t has, the last
// changed first. An empty id in t stands for any, so Target{} finds all.
func (d *DB) Drafts(ctx context.Context, t workflows.Target) ([]workflows.Draft, error) {
	return list(ctx, d.db, scanDraft, `SELECT `+draftColumns+` FROM drafts
		WHERE run_id = '' AND ($1 = '' OR deployment_id = $1) AND ($2 = '' OR site_id = $2) AND ($3 = '' OR stack_id = $3)
		ORDER BY updated_at DESC, id`, t.DeploymentID, t.SiteID, t.StackID)
}

// SaveDraft works as SaveStack does, and sets UpdatedAt to now. A Draft that
// became a run is never changed: workflows.ErrStale. Workflow, target and
// creator stay as they were inserted.
func (d *DB) SaveDraft(ctx context.Context, f *workflows.Draft) error {
	id, created, now := orNewID(f.ID, "drf"), d.orNow(f.CreatedAt), d.now()
	const insert = `INSERT INTO drafts (` + draftColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7 + 1, $8, $9, $10, $11, '') ON CONFLICT (id) DO NOTHING`
	const update = `UPDATE drafts SET answers = $6, version = version + 1, updated_by = $10, updated_at = $11
		WHERE id = $1 AND version = $7 AND run_id = ''`
	answers := f.Answers
	if answers == nil {
		answers = workflows.Answers{}
	}
	args := []any{id, f.WorkflowID, f.Target.DeploymentID, f.Target.SiteID, f.Target.StackID, asJSON(answers), f.Version,
		f.CreatedBy, nanos(created), f.UpdatedBy, nanos(now)}
	if err := d.saveVersion(ctx, "drafts", id, f.Version, insert, update, args); err != nil {
		return err
	}
	f.ID, f.CreatedAt, f.UpdatedAt, f.Version = id, created, now, f.Version+1
	return nil
}

// DeleteDraft deletes an open Draft and its check results. A Draft that became
// a run belongs to the record: workflows.ErrStale.
func (d *DB) DeleteDraft(ctx context.Context, id string) error {
	n, err := d.exec(ctx, `DELETE FROM drafts WHERE id = $1 AND run_id = ''`, id)
	if err != nil {
		return fmt.Errorf("deleting draft %s: %w", id, err)
	}
	if n > 0 {
		return nil
	}
	if _, err := d.Draft(ctx, id); err != nil {
		return err
	}
	return fmt.Errorf("draft %s became a run: %w", id, workflows.ErrStale)
}
