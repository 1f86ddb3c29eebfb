package store

import (
	"context"
	"fmt"

	"hubwright/workflows"
)

const trafficColumns = `deployment_id, kind, connection_id, resource_group, name, fqdn, method, ttl, max_return, probe, endpoints, run_id, updated_at`

func scanTraffic(p *workflows.TrafficProfile) []any {
	return []any{&p.DeploymentID, &p.Kind, &p.ConnectionID, &p.ResourceGroup, &p.Name, &p.FQDN, &p.Method, &p.TTL, &p.MaxReturn,
		jsonColumn{&p.Probe}, jsonColumn{&p.Endpoints}, &p.RunID, timeColumn{&p.UpdatedAt}}
}

// TrafficProfile is the one name of the Deployment.
func (d *DB) TrafficProfile(ctx context.Context, deploymentID string) (workflows.TrafficProfile, error) {
	return one(ctx, d.db, "traffic profile of "+deploymentID, scanTraffic, `SELECT `+trafficColumns+` FROM traffic_profiles WHERE deployment_id = $1`, deploymentID)
}

// TrafficProfiles are the names of all Deployments that have one.
func (d *DB) TrafficProfiles(ctx context.Context) ([]workflows.TrafficProfile, error) {
	return list(ctx, d.db, scanTraffic, `SELECT `+trafficColumns+` FROM traffic_profiles ORDER BY deployment_id`)
}

// SaveTrafficProfile makes this the Deployment's one name. UpdatedAt is set to
// now.
func (d *DB) SaveTrafficProfile(ctx context.Context, p *workflows.TrafficProfile) error {
	p.UpdatedAt = d.now()
	_, err := d.exec(ctx, `INSERT INTO traffic_profiles (`+trafficColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (deployment_id) DO UPDATE SET (kind, connection_id, resource_group, name, fqdn, method, ttl, max_return, probe, endpoints,
			run_id, updated_at) = (excluded.kind, excluded.connection_id, excluded.resource_group, excluded.name, excluded.fqdn, excluded.method,
			excluded.ttl, excluded.max_return, excluded.probe, excluded.endpoints, excluded.run_id, excluded.updated_at)`,
		p.DeploymentID, p.Kind, p.ConnectionID, p.ResourceGroup, p.Name, p.FQDN, p.Method, p.TTL, p.MaxReturn, asJSON(p.Probe), asJSON(p.Endpoints),
		p.RunID, nanos(p.UpdatedAt))
	if err != nil {
		return fmt.Errorf("saving traffic profile of %s: %w", p.DeploymentID, err)
	}
	return nil
}
