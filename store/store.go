// Package store keeps everything in one SQLite file.
//
// There is one file a noun. Reads go straight to the database; all writes of
// this package take turns, so that they queue fairly instead of polling for
// SQLite's write lock. Times come back in UTC. A record that is not there is
// an error for which errors.Is(err, workflows.ErrNotFound).
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"hubwright/internal/engine"
	"hubwright/workflows"
)

var _ engine.Journal = (*DB)(nil)

// turnTimeout is how long a write waits for those before it. Much less than
// this is normal; reaching it means that a transaction waits for itself.
const turnTimeout = 15 * time.Second

// closeTimeout is how long Close waits for readers.
const closeTimeout = 5 * time.Second

// Options of Open. A nil Clock is time.Now.
type Options struct {
	Clock func() time.Time
}

// DB is the open database. It is safe for concurrent use.
type DB struct {
	db     *sql.DB
	clock  func() time.Time
	chunks *chunkCodec
	turn   chan struct{} // holds one token: the right to write
}

// Open opens the database file, makes it (mode 0600) when it is missing, and
// brings its schema up to date. A database of a newer build is refused with a
// *workflows.Problem.
func Open(ctx context.Context, path string, opts Options) (*DB, error) {
	d, err := prepare(path, opts)
	if err != nil {
		return nil, fmt.Errorf("opening database %s: %w", path, err)
	}
	if err := d.migrate(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("opening database %s: %w", path, err)
	}
	return d, nil
}

// prepare opens the file as it is.
func prepare(path string, opts Options) (*DB, error) {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if err := ensureFile(path); err != nil {
		return nil, err
	}
	chunks, err := newChunkCodec()
	if err != nil {
		return nil, fmt.Errorf("preparing compression: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, err
	}
	// A connection costs a page cache and the schema's parse: keep them.
	db.SetMaxIdleConns(8)
	d := &DB{db: db, clock: opts.Clock, chunks: chunks, turn: make(chan struct{}, 1)}
	d.turn <- struct{}{}
	return d, nil
}

// Close refuses what is asked from now on and waits, at most closeTimeout, for
// what is under way. It may be called more than once.
func (d *DB) Close() error {
	err := d.db.Close()
	// database/sql leaves alone what somebody still reads, and does not tell
	// when it is done.
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(closeTimeout); d.db.Stats().OpenConnections > 0; <-tick.C {
		if time.Now().After(late) {
			return errors.Join(err, fmt.Errorf("the database is still read %s after it was closed", closeTimeout))
		}
	}
	return err
}

// Ping says whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return d.db.PingContext(ctx) }

// SQL is the handle itself, for DBOS, which keeps its tables beside ours.
func (d *DB) SQL() *sql.DB { return d.db }

// ensureFile makes an empty file that only we can read. SQLite gives its WAL
// the same mode.
func ensureFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func dsn(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"journal_mode(WAL)", "busy_timeout(5000)", "synchronous(NORMAL)", "foreign_keys(1)",
	}}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// InTx runs fn in one write transaction. fn must write through the Tx: a write
// of its own would wait for this transaction.
func (d *DB) InTx(ctx context.Context, fn func(engine.Tx) error) error {
	return d.write(ctx, func(tx *sql.Tx) error { return fn(sqlTx{tx}) })
}

// write runs fn in a write transaction when its turn has come.
func (d *DB) write(ctx context.Context, fn func(*sql.Tx) error) error {
	if err := d.takeTurn(ctx); err != nil {
		return err
	}
	defer func() { d.turn <- struct{}{} }()
	tx, err := d.begin(ctx)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it says that there is nothing to do
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// begin begins a write transaction. While another process makes the file's WAL,
// or takes it away as the last to close, SQLite answers that it is busy at once
// and does not wait as it does for a write: so we ask again.
func (d *DB) begin(ctx context.Context) (*sql.Tx, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(turnTimeout); ; {
		tx, err := d.db.BeginTx(ctx, nil)
		if !isBusy(err) || time.Now().After(late) {
			return tx, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (d *DB) takeTurn(ctx context.Context) error {
	select {
	case <-d.turn:
		return nil
	default:
	}
	late := time.NewTimer(turnTimeout)
	defer late.Stop()
	select {
	case <-d.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		return errors.New("the database is busy: another write has not ended for " + turnTimeout.String())
	}
}

// exec runs one statement as a transaction of its own and tells the rows
// affected.
func (d *DB) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = d.write(ctx, func(tx *sql.Tx) error {
		n, err = sqlTx{tx}.Exec(ctx, query, args...)
		return err
	})
	return n, err
}

type sqlTx struct{ tx *sql.Tx }

func (t sqlTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := t.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t sqlTx) Raw() any { return t.tx }

// querier is *sql.DB or *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// list reads all rows of a query.
func list[T any](ctx context.Context, q querier, scan func(*T) []any, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var v T
		if err := rows.Scan(scan(&v)...); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// one reads the first row of a query, or says that what is not there.
func one[T any](ctx context.Context, q querier, what string, scan func(*T) []any, query string, args ...any) (T, error) {
	rows, err := list(ctx, q, scan, query, args...)
	if err != nil || len(rows) > 0 {
		if err != nil {
			var zero T
			return zero, fmt.Errorf("reading %s: %w", what, err)
		}
		return rows[0], nil
	}
	var zero T
	return zero, fmt.Errorf("%s: %w", what, workflows.ErrNotFound)
}

// value is the scan function of a single column.
func value[T any](v *T) []any { return []any{v} }
