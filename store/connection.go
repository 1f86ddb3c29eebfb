package store

import (
	"context"

	"hubwright/workflows"
)

const connectionColumns = `id, name, kind, endpoint, login_endpoint, tenant_id, subscription_id, credential, expires_at,
	ca_bundle, https_proxy, dns_server, created_at, created_by, version`

func scanConnection(c *workflows.Connection) []any {
	return []any{&c.ID, &c.Name, &c.Kind, &c.Endpoint, &c.LoginEndpoint, &c.TenantID, &c.SubscriptionID,
		jsonColumn{&c.Credential}, timeColumn{&c.ExpiresAt}, &c.CABundle, &c.HTTPSProxy, &c.DNSServer,
		timeColumn{&c.CreatedAt}, &c.CreatedBy, &c.Version}
}

// Connection is the Connection with that id.
func (d *DB) Connection(ctx context.Context, id string) (workflows.Connection, error) {
	return one(ctx, d.db, "connection "+id, scanConnection, `SELECT `+connectionColumns+` FROM connections WHERE id = $1`, id)
}

// Connections are all Connections by name.
func (d *DB) Connections(ctx context.Context) ([]workflows.Connection, error) {
	return list(ctx, d.db, scanConnection, `SELECT `+connectionColumns+` FROM connections ORDER BY name`)
}

// SaveConnection inserts the Connection when its Version is 0 or replaces the
// one of that Version, and counts Version up. A name that is taken is a
// workflows.FieldError of the field name.
func (d *DB) SaveConnection(ctx context.Context, c *workflows.Connection) error {
	id, created := orNewID(c.ID, "con"), d.orNow(c.CreatedAt)
	args := []any{id, c.Name, c.Kind, c.Endpoint, c.LoginEndpoint, c.TenantID, c.SubscriptionID, asJSON(c.Credential),
		nanos(c.ExpiresAt), c.CABundle, c.HTTPSProxy, c.DNSServer, nanos(created), c.CreatedBy, c.Version}
	const insert = `INSERT INTO connections (` + connectionColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 + 1) ON CONFLICT (id) DO NOTHING`
	const update = `UPDATE connections SET (name, kind, endpoint, login_endpoint, tenant_id, subscription_id, credential,
		expires_at, ca_bundle, https_proxy, dns_server, version) =
		($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, version + 1)
		WHERE id = $1 AND version = $15`
	if err := d.saveVersion(ctx, "connections", id, c.Version, insert, update, args); err != nil {
		return nameTaken(err, "Connection", c.Name)
	}
	c.ID, c.CreatedAt, c.Version = id, created, c.Version+1
	return nil
}
