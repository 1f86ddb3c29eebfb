package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hubwright/internal/audit"
	"hubwright/internal/secrets"
	"hubwright/store"
	"hubwright/workflows"
)

// auditHouse is a data folder with events, and checkpoints in between.
func auditHouse(t *testing.T, events int) string {
	t.Helper()
	dir := t.TempDir()
	ctx := t.Context()
	db, err := store.Open(ctx, filepath.Join(dir, databaseName), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	key, err := secrets.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	signing, err := audit.SigningKey(key)
	if err != nil {
		t.Fatal(err)
	}
	book, err := audit.OpenBook(filepath.Join(dir, checkpointName), signing)
	if err != nil {
		t.Fatal(err)
	}
	for i := range events {
		e := workflows.AuditEvent{At: time.Unix(int64(i), 0), Actor: "ana", Action: audit.RunStart, Object: fmt.Sprintf("run %d", i)}
		if err := db.AppendAudit(ctx, e); err != nil {
			t.Fatal(err)
		}
		if i%4 == 3 {
			if _, wrote, err := book.Write(ctx, db, time.Unix(int64(i), 0)); err != nil || !wrote {
				t.Fatalf("checkpoint: %v, %v", wrote, err)
			}
			if _, wrote, err := book.Write(ctx, db, time.Unix(int64(i), 1)); err != nil || wrote {
				t.Fatalf("nothing new, and a checkpoint: %v, %v", wrote, err)
			}
		}
	}
	return dir
}

func verifyIn(t *testing.T, dir string, more ...string) (string, error) {
	t.Helper()
	var out, errOut bytes.Buffer
	c := console{getenv: func(string) string { return "" }, stdin: strings.NewReader(""), stdout: &out, stderr: &errOut}
	err := runAudit(t.Context(), c, append([]string{"verify", "--data", dir}, more...))
	return out.String() + errOut.String(), err
}

// tamper works on the database as somebody would who has the file: without the
// triggers that keep the events.
func tamper(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, databaseName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, trigger := range []string{"audit_keep_sealed", "audit_keep_content", "audit_keep_rows"} {
		statements = append([]string{"DROP TRIGGER " + trigger}, statements...)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// recompute changes an event and seals everything after it anew, as somebody
// would who knows how the chain is made.
func recompute(t *testing.T, dir string, statements ...string) {
	t.Helper()
	tamper(t, dir, statements...)
	db, err := sql.Open("sqlite", filepath.Join(dir, databaseName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE audit_events SET prev_hash = NULL, hash = NULL`); err != nil {
		t.Fatal(err)
	}
}

func TestAuditVerifyFindsTampering(t *testing.T) {
	tests := []struct {
		name   string
		tamper func(t *testing.T, dir string)
		want   string // "" when it is whole
	}{
		{"untouched", func(*testing.T, string) {}, ""},
		{"a row edited", func(t *testing.T, dir string) {
			tamper(t, dir, `UPDATE audit_events SET actor = 'eve' WHERE seq = 5`)
		}, "broken at row 5"},
		{"a row deleted", func(t *testing.T, dir string) { tamper(t, dir, `DELETE FROM audit_events WHERE seq = 5`) }, "broken at row 5"},
		{"the tail cut", func(t *testing.T, dir string) { tamper(t, dir, `DELETE FROM audit_events WHERE seq > 6`) }, "broken at row 7"},
		{"the tail cut and the counter set back", func(t *testing.T, dir string) {
			tamper(t, dir, `DELETE FROM audit_events WHERE seq > 6`, `UPDATE sqlite_sequence SET seq = 6 WHERE name = 'audit_events'`)
		}, "the end of the record was cut off"},
		{"where somebody came from edited", func(t *testing.T, dir string) {
			tamper(t, dir, `UPDATE audit_events SET address = '192.0.2.9' WHERE seq = 5`)
		}, "broken at row 5"},
		{"the whole chain computed anew", func(t *testing.T, dir string) {
			recompute(t, dir, `UPDATE audit_events SET actor = 'eve' WHERE seq = 2`)
		}, "the chain was computed anew"},
		{"the whole chain computed anew in its old form, which knew of no addresses", func(t *testing.T, dir string) {
			recompute(t, dir, `UPDATE audit_events SET version = 1, address = 'elsewhere'`)
		}, "the chain was computed anew"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			dir := auditHouse(t, 10)
			tc.tamper(t, dir)
			out, err := verifyIn(t, dir)
			if tc.want == "" {
				if err != nil || !strings.Contains(out, "10 rows") || !strings.Contains(out, "2 signed checkpoints agree") {
					t.Errorf("%v: %s", err, out)
				}
				return
			}
			if err != exitCode(1) || !strings.Contains(out, tc.want) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

func TestAuditVerifyNeedsTheRightKey(t *testing.T) {
	dir, other := auditHouse(t, 4), auditHouse(t, 4)
	out, err := verifyIn(t, dir, "--key-file", filepath.Join(other, "key"))
	if err != exitCode(1) || !strings.Contains(out, "no valid signature") {
		t.Errorf("another installation's key: %v: %s", err, out)
	}
	if _, err := verifyIn(t, dir, "--public-key", "nonsense"); err == nil {
		t.Error("nonsense is a public key")
	}
}

func TestCheckpointsAreWrittenAtTheEnd(t *testing.T) {
	dir := auditHouse(t, 5)
	db, err := store.Open(t.Context(), filepath.Join(dir, databaseName), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	key, err := secrets.LoadKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	signing, err := audit.SigningKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, checkpointName)
	book, err := audit.OpenBook(path, signing)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	writeCheckpoints(ctx, book, nil, db, newLogger(console{stderr: &bytes.Buffer{}}, config{}))
	all, err := audit.ReadBook(path)
	if err != nil || len(all) != 2 || all[1].Seq != 5 {
		t.Errorf("checkpoints %+v, %v", all, err)
	}
}
