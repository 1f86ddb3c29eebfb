package store

import (
	"context"
	"fmt"
)

// Setting is the value of a setting.
func (d *DB) Setting(ctx context.Context, key string) (string, error) {
	return one(ctx, d.db, "setting "+key, value[string], `SELECT value FROM settings WHERE key = $1`, key)
}

// SetSetting sets a setting.
func (d *DB) SetSetting(ctx context.Context, key, value string) error {
	_, err := d.exec(ctx, `INSERT INTO settings (key, value) VALUES ($1, $2)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	if err != nil {
		return fmt.Errorf("saving setting %s: %w", key, err)
	}
	return nil
}
