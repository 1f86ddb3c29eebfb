package store

import (
	"context"
	"database/sql"
	"fmt"

	"hubwright/workflows"
)

const helperVMColumns = `id, site_id, existing, address, port, user, private_key, host_key, via_proxy, os,
	engine_version, kubernetes, resource_group, vm_name, updated_at`

func scanHelperVM(h *workflows.HelperVM) []any {
	return []any{&h.ID, &h.SiteID, &h.Existing, &h.Address, &h.Port, &h.User, &h.PrivateKey, &h.HostKey, &h.ViaProxy,
		&h.OS, &h.EngineVersion, jsonColumn{&h.Kubernetes}, &h.ResourceGroup, &h.VMName, timeColumn{&h.UpdatedAt}}
}

// HelperVM is the Helper VM of a Site.
func (d *DB) HelperVM(ctx context.Context, siteID string) (workflows.HelperVM, error) {
	return one(ctx, d.db, "helper VM of site "+siteID, scanHelperVM,
		`SELECT `+helperVMColumns+` FROM helper_vms WHERE site_id = $1`, siteID)
}

// SaveHelperVM makes this the Helper VM of its Site. The Site's former one
// gives its id to it. UpdatedAt is set to now.
func (d *DB) SaveHelperVM(ctx context.Context, h *workflows.HelperVM) error {
	now := d.now()
	err := d.write(ctx, func(tx *sql.Tx) error {
		id, err := one(ctx, tx, "id", value[string], `INSERT INTO helper_vms (`+helperVMColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
			ON CONFLICT (site_id) DO UPDATE SET (existing, address, port, user, private_key, host_key, via_proxy, os,
				engine_version, kubernetes, resource_group, vm_name, updated_at) =
				(excluded.existing, excluded.address, excluded.port, excluded.user, excluded.private_key,
				excluded.host_key, excluded.via_proxy, excluded.os, excluded.engine_version, excluded.kubernetes,
				excluded.resource_group, excluded.vm_name, excluded.updated_at)
			RETURNING id`,
			orNewID(h.ID, "hvm"), h.SiteID, h.Existing, h.Address, h.Port, h.User, string(h.PrivateKey), h.HostKey, h.ViaProxy,
			h.OS, h.EngineVersion, asJSON(h.Kubernetes), h.ResourceGroup, h.VMName, nanos(now))
		if err == nil {
			h.ID = id
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("saving helper VM of site %s: %w", h.SiteID, err)
	}
	h.UpdatedAt = now
	return nil
}
