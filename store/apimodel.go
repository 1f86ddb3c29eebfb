package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hubwright/workflows"
)

const apiModelColumns = `id, cluster_id, version, sha256, size, document, run_id, at`

func scanAPIModel(m *workflows.APIModel) []any {
	return []any{&m.ID, &m.ClusterID, &m.Version, &m.SHA256, &m.Size, &m.Document, &m.RunID, timeColumn{&m.At}}
}

// SaveAPIModel takes a Cluster's API model into custody as the next version.
// When its SHA-256 is the last one's, nothing is stored and *m becomes the
// last one: the caller then forgets the document that it sealed.
func (d *DB) SaveAPIModel(ctx context.Context, m *workflows.APIModel) error {
	err := d.write(ctx, func(tx *sql.Tx) error {
		last, err := one(ctx, tx, "API model", scanAPIModel,
			`SELECT `+apiModelColumns+` FROM api_models WHERE cluster_id = $1 ORDER BY version DESC LIMIT 1`, m.ClusterID)
		switch {
		case err == nil && last.SHA256 == m.SHA256:
			*m = last
			return nil
		case err != nil && !errors.Is(err, workflows.ErrNotFound):
			return err
		}
		n := *m
		n.ID, n.Version, n.At = orNewID(m.ID, "apm"), last.Version+1, d.orNow(m.At)
		if _, err := tx.ExecContext(ctx, `INSERT INTO api_models (`+apiModelColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			n.ID, n.ClusterID, n.Version, n.SHA256, n.Size, string(n.Document), n.RunID, nanos(n.At)); err != nil {
			return err
		}
		*m = n
		return nil
	})
	if err != nil {
		return fmt.Errorf("saving API model: %w", err)
	}
	return nil
}

// APIModels are a Cluster's API models, the newest first.
func (d *DB) APIModels(ctx context.Context, clusterID string) ([]workflows.APIModel, error) {
	return list(ctx, d.db, scanAPIModel,
		`SELECT `+apiModelColumns+` FROM api_models WHERE cluster_id = $1 ORDER BY version DESC`, clusterID)
}

// APIModel is one version of a Cluster's API model.
func (d *DB) APIModel(ctx context.Context, clusterID string, version int) (workflows.APIModel, error) {
	return one(ctx, d.db, fmt.Sprintf("API model %d of cluster %s", version, clusterID), scanAPIModel,
		`SELECT `+apiModelColumns+` FROM api_models WHERE cluster_id = $1 AND version = $2`, clusterID, version)
}
