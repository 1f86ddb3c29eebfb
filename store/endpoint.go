package store

import (
	"context"
	"fmt"

	"hubwright/workflows"
)

const endpointColumns = `site_id, address, dns_name, host, tls, port, path, run_id, updated_at`

func scanEndpoint(e *workflows.Endpoint) []any {
	return []any{&e.SiteID, &e.Address, &e.DNSName, &e.Host, &e.TLS, &e.Port, &e.Path, &e.RunID, timeColumn{&e.UpdatedAt}}
}

// Endpoint is where the Site's application answers.
func (d *DB) Endpoint(ctx context.Context, siteID string) (workflows.Endpoint, error) {
	return one(ctx, d.db, "endpoint of site "+siteID, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE site_id = $1`, siteID)
}

// Endpoints are where all Sites' applications answer.
func (d *DB) Endpoints(ctx context.Context) ([]workflows.Endpoint, error) {
	return list(ctx, d.db, scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints ORDER BY site_id`)
}

// SaveEndpoint makes this the Site's Endpoint. UpdatedAt is set to now.
func (d *DB) SaveEndpoint(ctx context.Context, e *workflows.Endpoint) error {
	e.UpdatedAt = d.now()
	_, err := d.exec(ctx, `INSERT INTO endpoints (`+endpointColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (site_id) DO UPDATE SET (address, dns_name, host, tls, port, path, run_id, updated_at) =
			(excluded.address, excluded.dns_name, excluded.host, excluded.tls, excluded.port, excluded.path,
			excluded.run_id, excluded.updated_at)`,
		e.SiteID, e.Address, e.DNSName, e.Host, e.TLS, e.Port, e.Path, e.RunID, nanos(e.UpdatedAt))
	if err != nil {
		return fmt.Errorf("saving endpoint of site %s: %w", e.SiteID, err)
	}
	return nil
}

// DeleteEndpoint forgets a Site's Endpoint. One that is not there is no error.
func (d *DB) DeleteEndpoint(ctx context.Context, siteID string) error {
	_, err := d.exec(ctx, `DELETE FROM endpoints WHERE site_id = $1`, siteID)
	return err
}
