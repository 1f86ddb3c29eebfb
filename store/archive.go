package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Archive is an engine archive that an admin gave, for Stacks without a way to
// the internet. Its bytes are the file at Path.
type Archive struct {
	ID       string
	Version  string // of the engine: v0.85.0
	FileName string // as it was given
	SHA256   string // hexadecimal
	Size     int64  // bytes
	Path     string
	AddedBy  string
	AddedAt  time.Time
}

const archiveColumns = `id, version, file_name, sha256, size, path, added_by, added_at`

func scanArchive(a *Archive) []any {
	return []any{&a.ID, &a.Version, &a.FileName, &a.SHA256, &a.Size, &a.Path, &a.AddedBy, timeColumn{&a.AddedAt}}
}

// SaveArchive records an archive. It takes the place, and the id, of a former
// one of its version.
func (d *DB) SaveArchive(ctx context.Context, a *Archive) error {
	added := d.orNow(a.AddedAt)
	err := d.write(ctx, func(tx *sql.Tx) error {
		saved, err := one(ctx, tx, "archive", scanArchive, `INSERT INTO archives (`+archiveColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (version) DO UPDATE SET (file_name, sha256, size, path, added_by, added_at) =
				(excluded.file_name, excluded.sha256, excluded.size, excluded.path, excluded.added_by, excluded.added_at)
			RETURNING `+archiveColumns,
			orNewID(a.ID, "arc"), a.Version, a.FileName, a.SHA256, a.Size, a.Path, a.AddedBy, nanos(added))
		if err == nil {
			*a = saved
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("saving archive %s: %w", a.Version, err)
	}
	return nil
}

// Archives are all archives, the newest first.
func (d *DB) Archives(ctx context.Context) ([]Archive, error) {
	return list(ctx, d.db, scanArchive, `SELECT `+archiveColumns+` FROM archives ORDER BY added_at DESC, version DESC`)
}

// Archive is the archive of an engine version.
func (d *DB) Archive(ctx context.Context, version string) (Archive, error) {
	return one(ctx, d.db, "archive "+version, scanArchive, `SELECT `+archiveColumns+` FROM archives WHERE version = $1`, version)
}

// DeleteArchive forgets the archive of an engine version; its file is the
// caller's. One that is not there is no error.
func (d *DB) DeleteArchive(ctx context.Context, version string) error {
	if _, err := d.exec(ctx, `DELETE FROM archives WHERE version = $1`, version); err != nil {
		return fmt.Errorf("deleting archive %s: %w", version, err)
	}
	return nil
}
