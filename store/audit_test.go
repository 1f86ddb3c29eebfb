package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/audit"
	"hubwright/internal/engine"
	"hubwright/workflows"
)

func event(i int) workflows.AuditEvent {
	return workflows.AuditEvent{
		At: newClock().Now().Add(time.Duration(i) * time.Minute), Actor: []string{"ana", "bob"}[i%2],
		Action: []string{audit.RunStart, audit.RunEnd, audit.Login}[i%3], Object: fmt.Sprint("cluster ", i), RunID: fmt.Sprint("run_", i%4),
		Target: workflows.Target{DeploymentID: fmt.Sprint("dep_", i%2), SiteID: "s", StackID: "k"}, Detail: map[string]string{"b": "2", "a": `"1"`},
	}
}

func verify(t *testing.T, d *DB, rows, broken int64) {
	t.Helper()
	n, b, err := d.VerifyAudit(t.Context())
	if err != nil || n != rows || b != broken {
		t.Fatalf("VerifyAudit = %d, %d, %v; want %d, %d", n, b, err, rows, broken)
	}
}

func TestAuditChain(t *testing.T) {
	d := open(t)
	verify(t, d, 0, 0)
	ok(t, d.AppendAudit(t.Context(), event(1)))
	inDBOSTx(t, d, func(tx engine.Tx) error { return d.Audit(t.Context(), tx, event(2)) })
	inDBOSTx(t, d, func(tx engine.Tx) error { return d.Audit(t.Context(), tx, event(3)) })
	ok(t, d.AppendAudit(t.Context(), event(4))) // seals 2 and 3 before 4
	inDBOSTx(t, d, func(tx engine.Tx) error { return d.Audit(t.Context(), tx, event(5)) })
	events, err := d.AuditEvents(t.Context(), AuditFilter{})
	ok(t, err)
	prev := ""
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		want := event(int(e.Seq))
		want.Seq, want.PrevHash, want.Version = e.Seq, prev, audit.HashVersion
		want.Hash = audit.Hash(want)
		if diff := cmp.Diff(want, e); diff != "" {
			t.Fatal(diff)
		}
		prev = e.Hash
	}
	verify(t, d, 5, 0)
}

func TestAuditOfManyWritersIsOneChain(t *testing.T) {
	d := open(t)
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := range 20 {
				var err error
				switch (w + i) % 3 {
				case 0:
					err = d.AppendAudit(t.Context(), event(i))
				case 1:
					err = d.InTx(t.Context(), func(tx engine.Tx) error { return d.Audit(t.Context(), execOnly{tx}, event(i)) })
				case 2:
					if err = d.InTx(t.Context(), func(tx engine.Tx) error { return d.Audit(t.Context(), tx, event(i)) }); err == nil {
						_, err = d.AuditEvents(t.Context(), AuditFilter{Limit: 1})
					}
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	verify(t, d, 120, 0)
}

func TestAuditRowsAreNeverChanged(t *testing.T) {
	d := open(t)
	ok(t, d.AppendAudit(t.Context(), event(1)))
	inDBOSTx(t, d, func(tx engine.Tx) error { return d.Audit(t.Context(), tx, event(2)) }) // not sealed
	for _, stmt := range []string{
		`UPDATE audit_events SET actor = 'eve' WHERE seq = 1`,
		`UPDATE audit_events SET hash = NULL WHERE seq = 1`,
		`UPDATE audit_events SET hash = 'x' WHERE seq = 1`,
		`UPDATE audit_events SET object = 'other' WHERE seq = 2`,
		`DELETE FROM audit_events WHERE seq = 1`,
		`DELETE FROM audit_events WHERE seq = 2`,
	} {
		if _, err := d.exec(t.Context(), stmt); err == nil || !strings.Contains(err.Error(), "audit events are never") {
			t.Errorf("%s: %v", stmt, err)
		}
	}
	verify(t, d, 2, 0)
}

// Who takes the triggers away can change rows, and is found out.
func TestVerifyAuditFindsTampering(t *testing.T) {
	for stmt, broken := range map[string]int64{
		`UPDATE audit_events SET actor = 'eve' WHERE seq = 3`:                          3,
		`UPDATE audit_events SET at = at + 1 WHERE seq = 1`:                            1,
		`UPDATE audit_events SET detail = '{"a":"\"1\"","b":"3"}' WHERE seq = 5`:       5,
		`UPDATE audit_events SET stack_id = site_id, site_id = stack_id WHERE seq = 2`: 2,
		`UPDATE audit_events SET hash = 'x' WHERE seq = 4`:                             4,
		`DELETE FROM audit_events WHERE seq = 3`:                                       3,
		`DELETE FROM audit_events WHERE seq = 1`:                                       1,
		`DELETE FROM audit_events WHERE seq > 3`:                                       4,
		`DELETE FROM audit_events`:                                                     1,
		`UPDATE audit_events SET seq = 10 WHERE seq = 5`:                               5,
		`INSERT OR REPLACE INTO audit_events SELECT 2, at, actor, action, 'forged', run_id, deployment_id, site_id, stack_id, detail, prev_hash, hash, workflow_id, address, token, version FROM audit_events WHERE seq = 2`: 2,
		`UPDATE audit_events SET workflow_id = 'scale' WHERE seq = 3`: 3,
		`UPDATE audit_events SET address = '10.0.0.9' WHERE seq = 2`:  2,
		`UPDATE audit_events SET token = 'x' WHERE seq = 4`:           4,
		`UPDATE audit_events SET version = 1 WHERE seq = 5`:           5,
	} {
		t.Run(stmt[:20], func(t *testing.T) {
			d := open(t)
			for i := range 5 {
				ok(t, d.AppendAudit(t.Context(), event(i)))
			}
			ok(t, d.write(t.Context(), func(tx *sql.Tx) error {
				for _, s := range []string{`DROP TRIGGER audit_keep_sealed`, `DROP TRIGGER audit_keep_content`, `DROP TRIGGER audit_keep_rows`, stmt} {
					if _, err := tx.Exec(s); err != nil {
						return err
					}
				}
				return nil
			}))
			if _, b, err := d.VerifyAudit(t.Context()); err != nil || b != broken {
				t.Errorf("first broken is %d, %v; want %d", b, err, broken)
			}
		})
	}
}

// Events of before are whole after what came later was added to the hash, and
// what comes after them continues their chain.
func TestAuditOfAnOlderBuildGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	d, err := openWith(t, path, 8)
	ok(t, err)
	lines, err := os.ReadFile("../internal/audit/testdata/chain-1.jsonl")
	ok(t, err)
	for line := range strings.Lines(string(lines)) {
		var e struct {
			At                                                                  time.Time
			Actor, Action, Object, Run, Deployment, Site, Stack, PrevHash, Hash string
			Detail                                                              map[string]string
		}
		ok(t, json.Unmarshal([]byte(line), &e))
		detail := ""
		if e.Detail != nil {
			detail = asJSON(e.Detail)
		}
		_, err := d.exec(t.Context(), `INSERT INTO audit_events (at, actor, action, object, run_id, deployment_id, site_id, stack_id, detail, prev_hash, hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, nanos(e.At), e.Actor, e.Action, e.Object, e.Run, e.Deployment, e.Site, e.Stack, detail, e.PrevHash, e.Hash)
		ok(t, err)
	}
	ok(t, d.Close())
	d, err = Open(t.Context(), path, Options{})
	ok(t, err)
	defer d.Close()
	ctx := workflows.WithClient(t.Context(), workflows.Client{Address: "192.0.2.7", Token: "collector"})
	ok(t, d.AppendAudit(ctx, workflows.AuditEvent{Actor: "ana", Action: audit.AuditExport, Object: "audit"}))
	verify(t, d, 5, 0)
	events, err := d.AuditEvents(t.Context(), AuditFilter{Limit: 2})
	ok(t, err)
	if new, old := events[0], events[1]; new.Version != 2 || new.Address != "192.0.2.7" || new.Token != "collector" || old.Version != 1 || new.PrevHash != old.Hash {
		t.Errorf("%+v after %+v", new, old)
	}
}

func TestAuditFilter(t *testing.T) {
	d := open(t)
	for i := range 12 {
		ok(t, d.AppendAudit(t.Context(), event(i))) // Seq is i+1
	}
	at := func(i int) time.Time { return event(i).At }
	for _, tc := range []struct {
		f    AuditFilter
		want []int64
	}{
		{AuditFilter{Limit: 2}, []int64{12, 11}},
		{AuditFilter{Limit: 2, Before: 11}, []int64{10, 9}},
		{AuditFilter{Actor: "ana", Limit: 3}, []int64{11, 9, 7}},
		{AuditFilter{Action: audit.RunStart}, []int64{10, 7, 4, 1}},
		{AuditFilter{Action: "run.", Before: 6}, []int64{5, 4, 2, 1}},
		{AuditFilter{RunID: "run_3"}, []int64{12, 8, 4}},
		{AuditFilter{DeploymentID: "dep_0", Action: audit.Login}, []int64{9, 3}},
		{AuditFilter{From: at(2), To: at(5)}, []int64{5, 4, 3}},
		{AuditFilter{From: at(0).AddDate(0, 0, -3), To: at(0).AddDate(0, 0, -2)}, nil},
		{AuditFilter{Oldest: true, After: 3, Limit: 2}, []int64{4, 5}},
		{AuditFilter{Oldest: true, Actor: "bob", Before: 7}, []int64{2, 4, 6}},
		{AuditFilter{Actor: "eve"}, nil},
	} {
		if diff := cmp.Diff(tc.want, auditSeqs(t, d, tc.f)); diff != "" {
			t.Errorf("%+v:\n%s", tc.f, diff)
		}
	}
}

func auditSeqs(t *testing.T, d *DB, f AuditFilter) []int64 {
	t.Helper()
	events, err := d.AuditEvents(t.Context(), f)
	ok(t, err)
	var out []int64
	for _, e := range events {
		out = append(out, e.Seq)
	}
	return out
}
