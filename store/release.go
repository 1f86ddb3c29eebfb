package store

import (
	"context"
	"fmt"

	"hubwright/workflows"
)

const releaseColumns = `id, site_id, role, name, namespace, chart, chart_version, app_version, source, digest, revision,
	run_id, updated_at`

func scanRelease(r *workflows.Release) []any {
	return []any{&r.ID, &r.SiteID, &r.Role, &r.Name, &r.Namespace, &r.Chart, &r.ChartVersion, &r.AppVersion, &r.Source,
		&r.Digest, &r.Revision, &r.RunID, timeColumn{&r.UpdatedAt}}
}

// Releases are the Releases of a Site by name.
func (d *DB) Releases(ctx context.Context, siteID string) ([]workflows.Release, error) {
	return list(ctx, d.db, scanRelease, `SELECT `+releaseColumns+` FROM releases WHERE site_id = $1 ORDER BY name, namespace`, siteID)
}

// SaveRelease inserts the Release or replaces the Site's one of that name and
// namespace. UpdatedAt is set to now.
func (d *DB) SaveRelease(ctx context.Context, r *workflows.Release) error {
	now := d.now()
	_, err := d.exec(ctx, `INSERT INTO releases (`+releaseColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (site_id, namespace, name) DO UPDATE SET (role, chart, chart_version, app_version, source, digest,
			revision, run_id, updated_at) = (excluded.role, excluded.chart, excluded.chart_version, excluded.app_version,
			excluded.source, excluded.digest, excluded.revision, excluded.run_id, excluded.updated_at)`,
		orNewID(r.ID, "rel"), r.SiteID, r.Role, r.Name, r.Namespace, r.Chart, r.ChartVersion, r.AppVersion, r.Source,
		r.Digest, r.Revision, r.RunID, nanos(now))
	if err != nil {
		return fmt.Errorf("saving release %s of site %s: %w", r.Name, r.SiteID, err)
	}
	stored, err := one(ctx, d.db, "release "+r.Name, scanRelease,
		`SELECT `+releaseColumns+` FROM releases WHERE site_id = $1 AND namespace = $2 AND name = $3`, r.SiteID, r.Namespace, r.Name)
	if err == nil {
		*r = stored
	}
	return err
}

// DeleteRelease forgets a Site's Release. One that is not there is no error.
func (d *DB) DeleteRelease(ctx context.Context, siteID, namespace, name string) error {
	_, err := d.exec(ctx, `DELETE FROM releases WHERE site_id = $1 AND namespace = $2 AND name = $3`, siteID, namespace, name)
	return err
}
