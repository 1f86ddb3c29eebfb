package store

import (
	"context"

	"hubwright/workflows"
)

const deploymentColumns = `id, name, created_at, created_by, version`

func scanDeployment(p *workflows.Deployment) []any {
	return []any{&p.ID, &p.Name, timeColumn{&p.CreatedAt}, &p.CreatedBy, &p.Version}
}

// Deployment is the Deployment with that id.
func (d *DB) Deployment(ctx context.Context, id string) (workflows.Deployment, error) {
	return one(ctx, d.db, "deployment "+id, scanDeployment, `SELECT `+deploymentColumns+` FROM deployments WHERE id = $1`, id)
}

// Deployments are all Deployments by name.
func (d *DB) Deployments(ctx context.Context) ([]workflows.Deployment, error) {
	return list(ctx, d.db, scanDeployment, `SELECT `+deploymentColumns+` FROM deployments ORDER BY name`)
}

// SaveDeployment works as SaveStack does.
func (d *DB) SaveDeployment(ctx context.Context, p *workflows.Deployment) error {
	id, created := orNewID(p.ID, "dep"), d.orNow(p.CreatedAt)
	const insert = `INSERT INTO deployments (` + deploymentColumns + `) VALUES ($1, $2, $3, $4, $5 + 1) ON CONFLICT (id) DO NOTHING`
	const update = `UPDATE deployments SET name = $2, version = version + 1 WHERE id = $1 AND version = $5`
	args := []any{id, p.Name, nanos(created), p.CreatedBy, p.Version}
	if err := d.saveVersion(ctx, "deployments", id, p.Version, insert, update, args); err != nil {
		return nameTaken(err, "Deployment", p.Name)
	}
	p.ID, p.CreatedAt, p.Version = id, created, p.Version+1
	return nil
}
