package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hubwright/workflows"
)

const clusterColumns = `id, site_id, name, name_suffix, resource_group, fqdn, version, engine_version, master_count,
	master_size, pools, admin_user, ssh_key, output_dir, kubeconfig, via_helper, created_at, created_by`

func scanCluster(c *workflows.Cluster) []any {
	return []any{&c.ID, &c.SiteID, &c.Name, &c.NameSuffix, &c.ResourceGroup, &c.FQDN, &c.Version, &c.EngineVersion,
		&c.MasterCount, &c.MasterSize, jsonColumn{&c.Pools}, &c.AdminUser, &c.SSHKey, &c.OutputDir, &c.Kubeconfig,
		&c.ViaHelper, timeColumn{&c.CreatedAt}, &c.CreatedBy}
}

// Cluster is the Cluster with that id.
func (d *DB) Cluster(ctx context.Context, id string) (workflows.Cluster, error) {
	return one(ctx, d.db, "cluster "+id, scanCluster, `SELECT `+clusterColumns+` FROM clusters WHERE id = $1`, id)
}

// ClusterOfSite is the newest Cluster of a Site.
func (d *DB) ClusterOfSite(ctx context.Context, siteID string) (workflows.Cluster, error) {
	return one(ctx, d.db, "cluster of site "+siteID, scanCluster,
		`SELECT `+clusterColumns+` FROM clusters WHERE site_id = $1 ORDER BY created_at DESC, rowid DESC LIMIT 1`, siteID)
}

// Clusters are all Clusters by name.
func (d *DB) Clusters(ctx context.Context) ([]workflows.Cluster, error) {
	return list(ctx, d.db, scanCluster, `SELECT `+clusterColumns+` FROM clusters ORDER BY name, id`)
}

// SaveCluster inserts the Cluster or replaces the one with its id. Without an
// id it is the Site's Cluster of that name, if there is one: a step that saves
// and is run again saves the same record. CreatedAt and CreatedBy stay.
func (d *DB) SaveCluster(ctx context.Context, c *workflows.Cluster) error {
	created := d.orNow(c.CreatedAt)
	err := d.write(ctx, func(tx *sql.Tx) error {
		saved := *c
		if saved.ID == "" {
			id, err := one(ctx, tx, "cluster", value[string],
				`SELECT id FROM clusters WHERE site_id = $1 AND name = $2`, c.SiteID, c.Name)
			if err != nil && !errors.Is(err, workflows.ErrNotFound) {
				return err
			}
			saved.ID = orNewID(id, "clu")
		}
		stored, err := one(ctx, tx, "cluster", scanCluster, `INSERT INTO clusters (`+clusterColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
			ON CONFLICT (id) DO UPDATE SET (site_id, name, name_suffix, resource_group, fqdn, version, engine_version,
				master_count, master_size, pools, admin_user, ssh_key, output_dir, kubeconfig, via_helper) =
				(excluded.site_id, excluded.name, excluded.name_suffix, excluded.resource_group, excluded.fqdn,
				excluded.version, excluded.engine_version, excluded.master_count, excluded.master_size, excluded.pools,
				excluded.admin_user, excluded.ssh_key, excluded.output_dir, excluded.kubeconfig, excluded.via_helper)
			RETURNING `+clusterColumns,
			saved.ID, c.SiteID, c.Name, c.NameSuffix, c.ResourceGroup, c.FQDN, c.Version, c.EngineVersion, c.MasterCount,
			c.MasterSize, asJSON(c.Pools), c.AdminUser, string(c.SSHKey), c.OutputDir, string(c.Kubeconfig), c.ViaHelper,
			nanos(created), c.CreatedBy)
		if err == nil {
			*c = stored
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("saving cluster %s: %w", c.Name, err)
	}
	return nil
}
