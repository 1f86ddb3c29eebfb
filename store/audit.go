package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"hubwright/internal/audit"
	"hubwright/internal/engine"
	"hubwright/workflows"
)

var _ audit.Repo = (*DB)(nil)

// AuditFilter says which events AuditEvents lists.
type AuditFilter = audit.Filter

// A NULL hash scans as "": the event is not sealed yet.
const auditColumns = `seq, at, actor, action, object, run_id, deployment_id, site_id, stack_id, detail,
	coalesce(prev_hash, ''), coalesce(hash, ''), workflow_id, address, token, version`

func scanAudit(e *workflows.AuditEvent) []any {
	return []any{&e.Seq, timeColumn{&e.At}, &e.Actor, &e.Action, &e.Object, &e.RunID, &e.Target.DeploymentID,
		&e.Target.SiteID, &e.Target.StackID, jsonColumn{&e.Detail}, &e.PrevHash, &e.Hash, &e.WorkflowID, &e.Address, &e.Token, &e.Version}
}

// Audit inserts the event in the given transaction, which need not be readable.
// Its link of the chain is added by whoever next reads, appends or verifies.
// Seq, hashes and workflow of e are ignored; a zero At is now, and without an
// address it is that of the context's client.
func (d *DB) Audit(ctx context.Context, tx engine.Tx, e workflows.AuditEvent) error {
	detail := ""
	if len(e.Detail) > 0 {
		detail = asJSON(e.Detail)
	}
	if e.Address == "" {
		client := workflows.ClientOf(ctx)
		e.Address, e.Token = client.Address, client.Token
	}
	_, err := tx.Exec(ctx, `INSERT INTO audit_events (at, actor, action, object, run_id, deployment_id, site_id, stack_id, detail, address, token, version, workflow_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, coalesce((SELECT workflow_id FROM runs WHERE id = $5), ''))`, nanos(d.orNow(e.At)), e.Actor, e.Action, e.Object, e.RunID,
		e.Target.DeploymentID, e.Target.SiteID, e.Target.StackID, detail, e.Address, e.Token, audit.HashVersion)
	if err != nil {
		return fmt.Errorf("writing the audit: %w", err)
	}
	return nil
}

// AppendAudit inserts and seals the event in a transaction of its own.
func (d *DB) AppendAudit(ctx context.Context, e workflows.AuditEvent) error {
	return d.write(ctx, func(tx *sql.Tx) error {
		if err := d.Audit(ctx, sqlTx{tx}, e); err != nil {
			return err
		}
		return sealIn(ctx, tx)
	})
}

// seal links the events that a foreign transaction inserted to the chain.
func (d *DB) seal(ctx context.Context) error {
	open, err := list(ctx, d.db, value[int64], `SELECT seq FROM audit_events WHERE hash IS NULL LIMIT 1`)
	if err != nil || len(open) == 0 {
		return err
	}
	return d.write(ctx, func(tx *sql.Tx) error { return sealIn(ctx, tx) })
}

// sealIn seals in the order of seq, which is the order of the commits, because
// SQLite has one writer at a time.
func sealIn(ctx context.Context, tx *sql.Tx) error {
	open, err := list(ctx, tx, scanAudit, `SELECT `+auditColumns+` FROM audit_events WHERE hash IS NULL ORDER BY seq`)
	if err != nil || len(open) == 0 {
		return err
	}
	last, err := list(ctx, tx, scanAudit, `SELECT `+auditColumns+` FROM audit_events WHERE hash IS NOT NULL ORDER BY seq DESC LIMIT 1`)
	if err != nil {
		return err
	}
	var chain audit.Chain
	if len(last) > 0 {
		chain = audit.ChainBehind(last[0])
	}
	for _, e := range open {
		chain.Seal(&e)
		if _, err := tx.ExecContext(ctx, `UPDATE audit_events SET prev_hash = $2, hash = $3 WHERE seq = $1`,
			e.Seq, e.PrevHash, e.Hash); err != nil {
			return fmt.Errorf("sealing audit event %d: %w", e.Seq, err)
		}
	}
	return nil
}

// AuditEvents are the events that the filter lets through, in its order.
func (d *DB) AuditEvents(ctx context.Context, f AuditFilter) ([]workflows.AuditEvent, error) {
	if err := d.seal(ctx); err != nil {
		return nil, err
	}
	query, args := auditQuery(f)
	return list(ctx, d.db, scanAudit, query, args...)
}

// auditQuery walks one index in the order of seq. The plus before a column
// keeps SQLite from choosing that column's index: it is compared row by row.
func auditQuery(f AuditFilter) (string, []any) {
	var w where
	equal := func(column, v string, walked bool) {
		if !walked {
			column = "+" + column
		}
		w.equal(column, v)
	}
	facets := 0
	for _, v := range []string{f.Actor, f.SiteID, f.WorkflowID} {
		if v != "" {
			facets++
		}
	}
	byRun := f.RunID != "" // a run has few events
	equal("run_id", f.RunID, true)
	equal("actor", f.Actor, !byRun)
	equal("site_id", f.SiteID, !byRun)
	equal("workflow_id", f.WorkflowID, !byRun)
	if stem, ok := strings.CutSuffix(f.Action, "."); ok {
		w.add("+action >= ", f.Action)
		w.add("+action < ", stem+"/") // "/" follows "."
	} else {
		equal("action", f.Action, !byRun && facets <= 1)
	}
	equal("deployment_id", f.DeploymentID, !byRun && facets == 0 && f.Action == "")
	w.between(f.From, f.To)
	if f.Before > 0 {
		w.add("seq < ", f.Before)
	}
	order := " ORDER BY seq DESC"
	if f.Oldest {
		order = " ORDER BY seq"
		w.add("seq > ", f.After)
	}
	return `SELECT ` + auditColumns + ` FROM audit_events` + w.String() + order + w.limit(f.Limit), w.args
}

// between makes a span of time one of seq as well, by whole days, so that the
// walk begins and ends near it.
func (w *where) between(from, to time.Time) {
	const day = int64(24 * time.Hour)
	if !from.IsZero() {
		w.add("at >= ", nanos(from))
		w.addIn("seq >= (SELECT min(first_seq) FROM audit_days WHERE day >= ", nanos(from)/day, ")")
	}
	if !to.IsZero() {
		w.add("at < ", nanos(to))
		w.addIn("seq <= (SELECT max(last_seq) FROM audit_days WHERE day <= ", nanos(to)/day, ")")
	}
}

// AuditHash is the hash of the event with that Seq, "" when there is none.
func (d *DB) AuditHash(ctx context.Context, seq int64) (string, error) {
	found, err := list(ctx, d.db, value[string], `SELECT coalesce(hash, '') FROM audit_events WHERE seq = $1`, seq)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// VerifyAudit walks the whole chain. It tells how many events there are and
// the Seq of the first that was changed, removed or added past the chain; 0
// when there is none.
func (d *DB) VerifyAudit(ctx context.Context) (rows, firstBroken int64, err error) {
	fail := func(err error) (int64, int64, error) { return 0, 0, fmt.Errorf("verifying the audit: %w", err) }
	// The last number that was given out tells of events missing at the end.
	// It is read before sealing, so that all events up to it are sealed.
	given, err := list(ctx, d.db, value[int64], `SELECT seq FROM sqlite_sequence WHERE name = 'audit_events'`)
	if err != nil {
		return fail(err)
	}
	if err := d.seal(ctx); err != nil {
		return fail(err)
	}
	last, err := list(ctx, d.db, value[int64], `SELECT coalesce(max(seq), 0) FROM audit_events WHERE hash IS NOT NULL`)
	if err != nil {
		return fail(err)
	}
	parts := make([]auditPart, runtime.GOMAXPROCS(0))
	var done sync.WaitGroup
	for i := range parts {
		p := &parts[i]
		p.after, p.upTo = last[0]*int64(i)/int64(len(parts)), last[0]*int64(i+1)/int64(len(parts))
		done.Go(func() { p.err = d.verifyPart(ctx, p) })
	}
	done.Wait()
	for _, p := range slices.Backward(parts) {
		if p.err != nil {
			return fail(p.err)
		}
		if rows += p.rows; p.broken != 0 {
			firstBroken = p.broken
		}
	}
	if firstBroken == 0 && len(given) > 0 && last[0] < given[0] {
		firstBroken = last[0] + 1
	}
	return rows, firstBroken, nil
}

// auditPart is a part of the chain: the events after one up to another. Each
// begins with the hash of the event before it, which the part before verifies.
type auditPart struct {
	after, upTo  int64
	rows, broken int64
	err          error
}

func (d *DB) verifyPart(ctx context.Context, p *auditPart) error {
	var chain audit.Chain
	from := int64(math.MinInt64) // whatever was put before the first is found as well
	if p.after > 0 {
		before, err := list(ctx, d.db, scanAudit, `SELECT `+auditColumns+` FROM audit_events WHERE seq = $1`, p.after)
		if err != nil {
			return err
		}
		if from = p.after + 1; len(before) > 0 {
			chain = audit.ChainBehind(before[0])
		}
	}
	found, err := d.db.QueryContext(ctx, `SELECT `+auditColumns+` FROM audit_events WHERE hash IS NOT NULL AND seq BETWEEN $1 AND $2 ORDER BY seq`, from, p.upTo)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var e workflows.AuditEvent
		if err := found.Scan(scanAudit(&e)...); err != nil {
			return err
		}
		p.rows++
		if p.broken == 0 && !chain.Next(e) {
			p.broken = chain.Seq() + 1
		}
	}
	if p.broken == 0 && chain.Seq() < p.upTo {
		p.broken = chain.Seq() + 1
	}
	return found.Err()
}
