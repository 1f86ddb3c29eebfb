package store

import (
	"context"
	"fmt"
)

// PutSecret stores a sealed secret under its reference, replacing a former one.
func (d *DB) PutSecret(ctx context.Context, ref, purpose string, sealed []byte) error {
	_, err := d.exec(ctx, `INSERT INTO secrets (ref, purpose, sealed, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (ref) DO UPDATE SET (purpose, sealed) = (excluded.purpose, excluded.sealed)`,
		ref, purpose, sealed, nanos(d.clock()))
	if err != nil {
		return fmt.Errorf("storing secret %s: %w", ref, err)
	}
	return nil
}

// GetSecret is the sealed secret of a reference.
func (d *DB) GetSecret(ctx context.Context, ref string) ([]byte, error) {
	return one(ctx, d.db, "secret "+ref, value[[]byte], `SELECT sealed FROM secrets WHERE ref = $1`, ref)
}

// DeleteSecret forgets a secret. One that is not there is no error.
func (d *DB) DeleteSecret(ctx context.Context, ref string) error {
	if _, err := d.exec(ctx, `DELETE FROM secrets WHERE ref = $1`, ref); err != nil {
		return fmt.Errorf("deleting secret %s: %w", ref, err)
	}
	return nil
}
