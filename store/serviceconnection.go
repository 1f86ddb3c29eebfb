package store

import (
	"context"
	"fmt"

	"hubwright/workflows"
)

const serviceConnectionColumns = `site_id, connection_id, endpoint_id, name, project_id, project, shared, method, namespace, account,
	server, expires_at, pool, pool_id, agent, agent_host, run_id, updated_at`

func scanServiceConnection(s *workflows.ServiceConnection) []any {
	return []any{&s.SiteID, &s.ConnectionID, &s.EndpointID, &s.Name, &s.ProjectID, &s.Project, jsonColumn{&s.Shared}, &s.Method, &s.Namespace,
		&s.Account, &s.Server, timeColumn{&s.ExpiresAt}, &s.Pool, &s.PoolID, &s.Agent, jsonColumn{placeOf(s)}, &s.RunID, timeColumn{&s.UpdatedAt}}
}

// agentPlace is where agents are, as the column agent_host has it.
type agentPlace struct {
	*workflows.HostLogin
	Pods *workflows.AgentPods
}

func placeOf(s *workflows.ServiceConnection) *agentPlace {
	return &agentPlace{&s.AgentHost, &s.AgentPods}
}

// ServiceConnection is how pipelines reach a Site's cluster.
func (d *DB) ServiceConnection(ctx context.Context, siteID string) (workflows.ServiceConnection, error) {
	return one(ctx, d.db, "service connection of "+siteID, scanServiceConnection,
		`SELECT `+serviceConnectionColumns+` FROM service_connections WHERE site_id = $1`, siteID)
}

// SaveServiceConnection stores it, replacing the Site's former one, and sets
// UpdatedAt.
func (d *DB) SaveServiceConnection(ctx context.Context, s *workflows.ServiceConnection) error {
	at := d.clock()
	_, err := d.exec(ctx, `INSERT OR REPLACE INTO service_connections (`+serviceConnectionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		s.SiteID, s.ConnectionID, s.EndpointID, s.Name, s.ProjectID, s.Project, asJSON(s.Shared), s.Method, s.Namespace,
		s.Account, s.Server, nanos(s.ExpiresAt), s.Pool, s.PoolID, s.Agent, asJSON(placeOf(s)), s.RunID, nanos(at))
	if err != nil {
		return fmt.Errorf("saving the service connection of %s: %w", s.SiteID, err)
	}
	s.UpdatedAt = at
	return nil
}

// DeleteServiceConnection forgets it. One that is not there is no error.
func (d *DB) DeleteServiceConnection(ctx context.Context, siteID string) error {
	if _, err := d.exec(ctx, `DELETE FROM service_connections WHERE site_id = $1`, siteID); err != nil {
		return fmt.Errorf("forgetting the service connection of %s: %w", siteID, err)
	}
	return nil
}
