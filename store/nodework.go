package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"hubwright/workflows"
)

// nodeSample is how many nodes an estimate looks at.
const nodeSample = 100

// KeepNodes writes down the nodes that a run worked on, with their times.
// Nodes of which that is not known are left out.
func (d *DB) KeepNodes(ctx context.Context, run workflows.Run, rows []workflows.NodeRow) error {
	return d.write(ctx, func(tx *sql.Tx) error {
		for _, n := range rows {
			if n.StartedAt.IsZero() {
				continue
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO node_work (run_id, node, workflow_id, site_id, status, started_at, ended_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7)
				ON CONFLICT (run_id, node) DO UPDATE SET (status, started_at, ended_at) = (excluded.status, excluded.started_at, excluded.ended_at)`,
				run.ID, n.Name, run.WorkflowID, run.Target.SiteID, string(n.Status), nanos(n.StartedAt), nanos(n.EndedAt))
			if err != nil {
				return fmt.Errorf("keeping the nodes of %s: %w", run.ID, err)
			}
		}
		return nil
	})
}

// NodeTimes are how long the newest nodes took that runs of the workflow made
// anew; siteID "" is every Site.
func (d *DB) NodeTimes(ctx context.Context, workflowID, siteID string) ([]time.Duration, error) {
	var w where
	w.equal("workflow_id", workflowID)
	w.equal("site_id", siteID)
	w.equal("status", string(workflows.StepSucceeded))
	w.add("ended_at > ", 0)
	return list(ctx, d.db, func(t *time.Duration) []any { return []any{(*int64)(t)} },
		`SELECT ended_at - started_at FROM node_work`+w.String()+` ORDER BY ended_at DESC`+w.limit(nodeSample), w.args...)
}
