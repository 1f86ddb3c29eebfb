package store

import (
	"context"
	"errors"

	"hubwright/workflows"
)

const policyColumns = `stack_id, approval, windowed, windows, zone, updated_by, updated_at, version`

func scanPolicy(p *workflows.Policy) []any {
	return []any{&p.StackID, jsonColumn{&p.Approval}, jsonColumn{&p.Windowed}, jsonColumn{&p.Windows}, &p.Zone,
		&p.UpdatedBy, timeColumn{&p.UpdatedAt}, &p.Version}
}

// Policy is what guards the changes on a Stack. Until somebody saves one it is
// that of version 0, which asks for nothing.
func (d *DB) Policy(ctx context.Context, stackID string) (workflows.Policy, error) {
	p, err := one(ctx, d.db, "policy of "+stackID, scanPolicy, `SELECT `+policyColumns+` FROM policies WHERE stack_id = $1`, stackID)
	if errors.Is(err, workflows.ErrNotFound) {
		return workflows.Policy{StackID: stackID, Zone: "UTC"}, nil
	}
	return p, err
}

// SavePolicy inserts the policy when its Version is 0 or replaces the one of
// that Version, and counts Version up.
func (d *DB) SavePolicy(ctx context.Context, p *workflows.Policy) error {
	at := d.orNow(p.UpdatedAt)
	args := []any{p.StackID, asJSON(p.Approval), asJSON(p.Windowed), asJSON(p.Windows), p.Zone, p.UpdatedBy, nanos(at), p.Version}
	const insert = `INSERT INTO policies (` + policyColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8 + 1) ON CONFLICT (stack_id) DO NOTHING`
	const update = `UPDATE policies SET (approval, windowed, windows, zone, updated_by, updated_at, version) =
		($2, $3, $4, $5, $6, $7, version + 1) WHERE stack_id = $1 AND version = $8`
	stmt := insert
	if p.Version > 0 {
		stmt = update
	}
	n, err := d.exec(ctx, stmt, args...)
	if err == nil && n == 0 {
		err = workflows.ErrStale
	}
	if err := mustChange("policy of "+p.StackID, n, err); err != nil {
		return err
	}
	p.UpdatedAt, p.Version = at, p.Version+1
	return nil
}
