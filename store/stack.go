package store

import (
	"context"
	"fmt"

	"hubwright/workflows"
)

const stackColumns = `id, name, arm_endpoint, portal_url, region, metadata, tenant_id, subscription_id, credential,
	ca_bundle, https_proxy, air_gapped, created_at, created_by, version, hub_build`

func scanStack(s *workflows.Stack) []any {
	return []any{&s.ID, &s.Name, &s.ARMEndpoint, &s.PortalURL, &s.Region, jsonColumn{&s.Metadata}, &s.TenantID,
		&s.SubscriptionID, jsonColumn{&s.Credential}, &s.CABundle, &s.HTTPSProxy, &s.AirGapped,
		timeColumn{&s.CreatedAt}, &s.CreatedBy, &s.Version, &s.HubBuild}
}

// Stack is the Stack with that id.
func (d *DB) Stack(ctx context.Context, id string) (workflows.Stack, error) {
	return one(ctx, d.db, "stack "+id, scanStack, `SELECT `+stackColumns+` FROM stacks WHERE id = $1`, id)
}

// Stacks are all Stacks by name.
func (d *DB) Stacks(ctx context.Context) ([]workflows.Stack, error) {
	return list(ctx, d.db, scanStack, `SELECT `+stackColumns+` FROM stacks ORDER BY name`)
}

// SaveStack inserts the Stack when its Version is 0 (and gives it an id, if it
// has none) or replaces the one of that Version, and counts Version up. A
// name that is taken is a workflows.FieldError of the field name.
func (d *DB) SaveStack(ctx context.Context, s *workflows.Stack) error {
	id, created := orNewID(s.ID, "stk"), d.orNow(s.CreatedAt)
	args := []any{id, s.Name, s.ARMEndpoint, s.PortalURL, s.Region, asJSON(s.Metadata), s.TenantID, s.SubscriptionID,
		asJSON(s.Credential), s.CABundle, s.HTTPSProxy, s.AirGapped, nanos(created), s.CreatedBy, s.Version, s.HubBuild}
	const insert = `INSERT INTO stacks (` + stackColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 + 1, $16) ON CONFLICT (id) DO NOTHING`
	const update = `UPDATE stacks SET (name, arm_endpoint, portal_url, region, metadata, tenant_id, subscription_id,
		credential, ca_bundle, https_proxy, air_gapped, hub_build, version) =
		($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $16, version + 1)
		WHERE id = $1 AND version = $15`
	if err := d.saveVersion(ctx, "stacks", id, s.Version, insert, update, args); err != nil {
		return nameTaken(err, "Stack", s.Name)
	}
	s.ID, s.CreatedAt, s.Version = id, created, s.Version+1
	return nil
}

// saveVersion runs the insert for version 0 and else the update, which changes
// no row when the version is not the stored one.
func (d *DB) saveVersion(ctx context.Context, table, id string, version int, insert, update string, args []any) error {
	stmt := insert
	if version > 0 {
		stmt = update
	}
	n, err := d.exec(ctx, stmt, args...)
	if err != nil {
		return fmt.Errorf("saving %s: %w", id, err)
	}
	if n > 0 {
		return nil
	}
	if _, err := one(ctx, d.db, id, value[string], `SELECT id FROM `+table+` WHERE id = $1`, id); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", id, workflows.ErrStale)
}

// nameTaken puts a duplicate into words for the field name.
func nameTaken(err error, noun, name string) error {
	if !isDuplicate(err) {
		return err
	}
	return workflows.FieldError{Field: "name", Message: fmt.Sprintf("There is a %s named %s already. Choose another name.", noun, name)}
}
