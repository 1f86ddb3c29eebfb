package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hubwright/internal/engine"
	"hubwright/workflows"
)

// ErrCursor says that a stream is not where CursorMove.From says: its lines
// are in the log already.
var ErrCursor = errors.New("the stream's position has moved")

// AppendLog stores lines as engine.Journal says: numbered without gaps, and in
// one transaction with the cursor. A large batch becomes several chunks, which
// readers don't see. The lines' own N is ignored.
func (d *DB) AppendLog(ctx context.Context, runID string, lines []workflows.LogLine, cursor *engine.CursorMove) (int64, error) {
	var first int64
	err := d.write(ctx, func(tx *sql.Tx) error {
		end, err := one(ctx, tx, "run "+runID, value[int64],
			`UPDATE runs SET lines = lines + $2 WHERE id = $1 RETURNING lines`, runID, len(lines))
		if err != nil {
			return err
		}
		first = end - int64(len(lines)) + 1
		if err := d.insertChunks(ctx, tx, runID, first, lines); err != nil {
			return err
		}
		if err := markFirstLines(ctx, tx, runID, first, lines); err != nil {
			return err
		}
		return moveCursor(ctx, tx, runID, cursor)
	})
	if err != nil {
		return 0, fmt.Errorf("appending to the log: %w", err)
	}
	return first, nil
}

func (d *DB) insertChunks(ctx context.Context, tx *sql.Tx, runID string, first int64, lines []workflows.LogLine) error {
	for len(lines) > 0 {
		n := cut(lines)
		attempt, firstError := 0, int64(0)
		for i, l := range lines[:n] {
			attempt = max(attempt, l.Attempt)
			if l.Level == workflows.LevelError && firstError == 0 {
				firstError = first + int64(i)
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO log_chunks (run_id, first_n, count, attempt, first_error, body)
			VALUES ($1, $2, $3, $4, $5, $6)`, runID, first, n, attempt, firstError, d.chunks.pack(lines[:n]))
		if err != nil {
			return err
		}
		first, lines = first+int64(n), lines[n:]
	}
	return nil
}

// markFirstLines tells each step that has no line yet which one is its first.
func markFirstLines(ctx context.Context, tx *sql.Tx, runID string, first int64, lines []workflows.LogLine) error {
	for i, l := range lines {
		if i > 0 && l.StepID == lines[i-1].StepID && l.Attempt == lines[i-1].Attempt {
			continue
		}
		if _, err := tx.ExecContext(ctx, `UPDATE run_steps SET first_line = $4
			WHERE run_id = $1 AND attempt = $2 AND step_id = $3 AND first_line = 0`,
			runID, l.Attempt, l.StepID, first+int64(i)); err != nil {
			return err
		}
	}
	return nil
}

func moveCursor(ctx context.Context, tx *sql.Tx, runID string, c *engine.CursorMove) error {
	if c == nil {
		return nil
	}
	at, err := streamOffset(ctx, tx, runID, c.Stream)
	if err != nil {
		return err
	}
	if at != c.From {
		return fmt.Errorf("%w: %s is at %d, not at %d", ErrCursor, c.Stream, at, c.From)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO log_cursors (run_id, stream, position) VALUES ($1, $2, $3)
		ON CONFLICT (run_id, stream) DO UPDATE SET position = excluded.position`, runID, c.Stream, c.To)
	return err
}

// StreamOffset is the position of a stream, 0 when it is new.
func (d *DB) StreamOffset(ctx context.Context, runID, stream string) (int64, error) {
	return streamOffset(ctx, d.db, runID, stream)
}

func streamOffset(ctx context.Context, q querier, runID, stream string) (int64, error) {
	at, err := one(ctx, q, "position of "+stream, value[int64],
		`SELECT position FROM log_cursors WHERE run_id = $1 AND stream = $2`, runID, stream)
	if errors.Is(err, workflows.ErrNotFound) {
		return 0, nil
	}
	return at, err
}

// ReadLog gives up to limit lines with N > after, in order; none when there
// are none yet. limit 0 is 100.
func (d *DB) ReadLog(ctx context.Context, runID string, after int64, limit int) ([]workflows.LogLine, error) {
	if limit <= 0 {
		limit = defaultLimit
	}
	after = max(after, 0)
	var out []workflows.LogLine
	err := d.eachChunk(ctx, func(lines []workflows.LogLine) bool {
		skip := min(max(after+1-lines[0].N, 0), int64(len(lines)))
		lines = lines[skip:]
		out = append(out, lines[:min(len(lines), limit-len(out))]...)
		return len(out) < limit
	}, `SELECT first_n, count, body FROM log_chunks WHERE run_id = $1 AND first_n >= coalesce(
			(SELECT max(first_n) FROM log_chunks WHERE run_id = $1 AND first_n <= $2), 1)
		ORDER BY first_n`, runID, after+1)
	if err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	return out, nil
}

// FirstError is the first error line of the run's newest attempt, and whether
// there is one.
func (d *DB) FirstError(ctx context.Context, runID string) (workflows.LogLine, bool, error) {
	attempt, err := one(ctx, d.db, "run "+runID, value[int], `SELECT attempt FROM runs WHERE id = $1`, runID)
	if err != nil {
		return workflows.LogLine{}, false, err
	}
	var found *workflows.LogLine
	err = d.eachChunk(ctx, func(lines []workflows.LogLine) bool {
		for _, l := range lines {
			if l.Level == workflows.LevelError && l.Attempt >= attempt {
				found = &l
				return false
			}
		}
		return true
	}, `SELECT first_n, count, body FROM log_chunks
		WHERE run_id = $1 AND first_error > 0 AND attempt >= $2 ORDER BY first_error`, runID, attempt)
	if err != nil || found == nil {
		return workflows.LogLine{}, false, err
	}
	return *found, true, nil
}

// eachChunk calls fn with the lines of each chunk until it says no. A chunk
// has at least one line.
func (d *DB) eachChunk(ctx context.Context, fn func([]workflows.LogLine) bool, query string, args ...any) error {
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var first int64
		var count int
		var body sql.RawBytes
		if err := rows.Scan(&first, &count, &body); err != nil {
			return err
		}
		lines, err := d.chunks.unpack(body, first, count)
		if err != nil {
			return fmt.Errorf("line %d: %w", first, err)
		}
		if len(lines) > 0 && !fn(lines) {
			return nil
		}
	}
	return rows.Err()
}
