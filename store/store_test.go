package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/engine"
	"hubwright/workflows"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 11, 23, 9, 0, 0, 123456789, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t testing.TB) *DB {
	t.Helper()
	d, _ := openWithClock(t)
	return d
}

func openWithClock(t testing.TB) (*DB, *clock) {
	t.Helper()
	c := newClock()
	d, err := Open(t.Context(), filepath.Join(t.TempDir(), "hubwright.db"), Options{Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, c
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got fails on an error and compares otherwise. It is called as
// got(t, want)(d.Stack(ctx, id)).
func got[T any](t testing.TB, want T) func(T, error) {
	t.Helper()
	return func(have T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	}
}

func fails[T any](t testing.TB, want error) func(T, error) {
	t.Helper()
	return func(_ T, err error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Fatalf("error %v, want %v", err, want)
		}
	}
}

func TestOpenMakesAPrivateFileWithOurPragmas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd name#1?%41")
	ok(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "hub wright.db")
	d, err := Open(t.Context(), path, Options{})
	ok(t, err)
	defer d.Close()
	ok(t, d.SetSetting(t.Context(), "a", "b"))
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		ok(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "busy_timeout": "5000", "synchronous": "1", "foreign_keys": "1"} {
		got(t, want)(one(t.Context(), d.db, pragma, value[string], "PRAGMA "+pragma))
	}
}

func TestDataSurvivesReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	d, err := Open(t.Context(), path, Options{})
	ok(t, err)
	ok(t, d.SetSetting(t.Context(), "a", "b"))
	ok(t, d.Close())
	d, err = Open(t.Context(), path, Options{})
	ok(t, err)
	defer d.Close()
	got(t, "b")(d.Setting(t.Context(), "a"))
}

func TestInTxRollsBackAsAWhole(t *testing.T) {
	d := open(t)
	boom := errors.New("boom")
	err := d.InTx(t.Context(), func(tx engine.Tx) error {
		run := &workflows.Run{WorkflowID: "w", Status: workflows.RunQueued, Attempt: 1}
		ok(t, d.CreateRun(t.Context(), tx, run, nil, nil))
		ok(t, d.Audit(t.Context(), tx, workflows.AuditEvent{Action: "run.start"}))
		if _, isTx := tx.Raw().(*sql.Tx); !isTx {
			t.Errorf("Raw is %T", tx.Raw())
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("error %v", err)
	}
	got(t, []workflows.Run(nil))(d.Runs(t.Context(), RunFilter{}))
	got(t, []workflows.AuditEvent(nil))(d.AuditEvents(t.Context(), AuditFilter{}))
}

// A transaction that holds the lock elsewhere (DBOS's) is waited for.
func TestWritersFromOutsideAreWaitedFor(t *testing.T) {
	d := open(t)
	foreign, err := d.SQL().BeginTx(t.Context(), nil)
	ok(t, err)
	_, err = foreign.Exec(`INSERT INTO settings (key, value) VALUES ('foreign', '1')`)
	ok(t, err)
	done := make(chan error)
	go func() { done <- d.SetSetting(t.Context(), "ours", "1") }()
	// Reading goes on in the meantime and doesn't see what is not committed.
	fails[string](t, workflows.ErrNotFound)(d.Setting(t.Context(), "foreign"))
	ok(t, foreign.Commit())
	ok(t, <-done)
	got(t, "1")(d.Setting(t.Context(), "foreign"))
}

func TestAWriteWaitsNoLongerThanItsContext(t *testing.T) {
	d := open(t)
	err := d.InTx(t.Context(), func(engine.Tx) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return d.SetSetting(ctx, "a", "b")
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	ok(t, d.SetSetting(t.Context(), "a", "b"))
}

func TestPing(t *testing.T) {
	d := open(t)
	ok(t, d.Ping(t.Context()))
	ok(t, d.Close())
	if d.Ping(t.Context()) == nil {
		t.Error("a closed database answers")
	}
}

// Who reads when the database is closed reads to the end; who comes later is
// refused; then the files are free.
func TestCloseWaitsForReaders(t *testing.T) {
	d := open(t)
	run := createRun(t, d, &workflows.Run{})
	for range 3 {
		appendLog(t, d, run.ID, outputLines(10, func(int) string { return "text" })...)
	}
	reading, goOn, read, closed := make(chan bool), make(chan bool), make(chan int), make(chan error, 1)
	go func() {
		n := 0
		err := d.eachChunk(context.Background(), func(lines []workflows.LogLine) bool {
			if n == 0 {
				reading <- true
				<-goOn
			}
			n += len(lines)
			return true
		}, `SELECT first_n, count, body FROM log_chunks WHERE run_id = $1 ORDER BY first_n`, run.ID)
		if err != nil {
			t.Error(err)
		}
		read <- n
	}()
	<-reading
	go func() { closed <- d.Close() }()
	for d.Ping(t.Context()) == nil { // Close has begun when the database refuses
		runtime.Gosched()
	}
	if _, err := d.ReadLog(t.Context(), run.ID, 0, 10); err == nil {
		t.Error("a closed database is read")
	}
	if _, err := d.AppendLog(t.Context(), run.ID, outputLines(1, func(int) string { return "" }), nil); err == nil {
		t.Error("a closed database is written")
	}
	select {
	case <-closed:
		t.Error("Close did not wait for the reader")
	default:
	}
	close(goOn)
	if n := <-read; n != 30 {
		t.Errorf("the reader got %d lines of 30", n)
	}
	ok(t, <-closed)
	ok(t, d.Close())
}
