package store

import (
	"context"
	"fmt"

	"hubwright/workflows"
)

const siteColumns = `id, deployment_id, stack_id, name, position`

func scanSite(s *workflows.Site) []any {
	return []any{&s.ID, &s.DeploymentID, &s.StackID, &s.Name, &s.Position}
}

// Site is the Site with that id.
func (d *DB) Site(ctx context.Context, id string) (workflows.Site, error) {
	return one(ctx, d.db, "site "+id, scanSite, `SELECT `+siteColumns+` FROM sites WHERE id = $1`, id)
}

// Sites are a Deployment's Sites in the order of the guide board.
func (d *DB) Sites(ctx context.Context, deploymentID string) ([]workflows.Site, error) {
	return list(ctx, d.db, scanSite,
		`SELECT `+siteColumns+` FROM sites WHERE deployment_id = $1 ORDER BY position, name`, deploymentID)
}

// SaveSite inserts the Site or replaces the one with its id. A name that the
// Deployment has already is a workflows.FieldError of the field name.
func (d *DB) SaveSite(ctx context.Context, s *workflows.Site) error {
	id := orNewID(s.ID, "site")
	_, err := d.exec(ctx, `INSERT INTO sites (`+siteColumns+`) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET (deployment_id, stack_id, name, position) =
			(excluded.deployment_id, excluded.stack_id, excluded.name, excluded.position)`,
		id, s.DeploymentID, s.StackID, s.Name, s.Position)
	if err != nil {
		return nameTaken(fmt.Errorf("saving site: %w", err), "Site", s.Name)
	}
	s.ID = id
	return nil
}

// AllSites are the Sites of all Deployments, in the order of their boards.
func (d *DB) AllSites(ctx context.Context) ([]workflows.Site, error) {
	return list(ctx, d.db, scanSite, `SELECT `+siteColumns+` FROM sites ORDER BY deployment_id, position, name`)
}
