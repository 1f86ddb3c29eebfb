package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"hubwright/workflows"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one numbered step of the schema. Once released it never changes.
type migration struct {
	number int
	name   string // 0001_sites.sql
	sql    string
}

// migrations are all that this build knows, numbered 1, 2, 3 ...
func migrations() ([]migration, error) {
	entries, err := fs.ReadDir(migrationFiles, "migrations") // sorted by name
	if err != nil {
		return nil, err
	}
	var out []migration
	for i, e := range entries {
		num, _, _ := strings.Cut(e.Name(), "_")
		n, err := strconv.Atoi(num)
		if err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s should have number %d", e.Name(), i+1)
		}
		body, err := fs.ReadFile(migrationFiles, "migrations/"+e.Name())
		if err != nil {
			return nil, err
		}
		out = append(out, migration{n, e.Name(), string(body)})
	}
	return out, nil
}

// migrate brings the schema up to this build's. Each migration is a
// transaction of its own, so a crash between two leaves a valid older schema.
func (d *DB) migrate(ctx context.Context) error {
	all, err := migrations()
	if err != nil {
		return err
	}
	return d.migrateTo(ctx, all)
}

func (d *DB) migrateTo(ctx context.Context, all []migration) error {
	at, err := d.schemaVersion(ctx)
	if err != nil {
		return err
	}
	if at > len(all) {
		return &workflows.Problem{
			Code: "store.newer",
			What: "This database was made by a newer Hubwright",
			Why:  fmt.Sprintf("its schema has number %d and this build knows %d", at, len(all)),
			Fix:  "Start the newer build, or restore the backup that was made before the upgrade.",
		}
	}
	for _, m := range all[at:] {
		if err := d.write(ctx, func(tx *sql.Tx) error { return apply(ctx, tx, m, nanos(d.clock())) }); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return nil
}

func (d *DB) schemaVersion(ctx context.Context) (int, error) {
	const table = `CREATE TABLE IF NOT EXISTS schema_migrations (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT`
	if _, err := d.exec(ctx, table); err != nil {
		return 0, err
	}
	return one(ctx, d.db, "schema version", value[int], `SELECT coalesce(max(number), 0) FROM schema_migrations`)
}

// apply does nothing when another process came first.
func apply(ctx context.Context, tx *sql.Tx, m migration, now int64) error {
	res, err := tx.ExecContext(ctx,
		`INSERT INTO schema_migrations (number, name, applied_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, m.number, m.name, now)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, m.sql)
	return err
}
