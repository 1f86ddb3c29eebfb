package store

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/audit"
	"hubwright/internal/engine"
	"hubwright/workflows"
)

// every combination of what can be filtered for, as bits.
func combinations() []AuditFilter {
	var out []AuditFilter
	for bits := range 1 << 7 {
		var f AuditFilter
		for i, set := range []func(){
			func() { f.Actor = "person-3" }, func() { f.SiteID = "site-5" }, func() { f.WorkflowID = "workflow-2" },
			func() { f.Action = audit.RunStart }, func() { f.DeploymentID = "dep-1" },
			func() { f.From, f.To = firstEvent.AddDate(0, 2, 0), firstEvent.AddDate(0, 2, 20) }, func() { f.Before = 90_000 },
		} {
			if bits&(1<<i) != 0 {
				set()
			}
		}
		out = append(out, f)
	}
	return out
}

// A list walks one index in the order of seq, whatever is combined.
func TestAuditListsNeverScanOrSort(t *testing.T) {
	d := open(t)
	for _, f := range combinations() {
		for _, oldest := range []bool{false, true} {
			for _, run := range []string{"", "run_1"} {
				f.Oldest, f.RunID = oldest, run
				query, args := auditQuery(f)
				plan := explain(t, d, query, args...)
				everything := f == AuditFilter{Oldest: oldest} && !oldest
				if strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN") && !everything {
					t.Errorf("%+v: %s", f, plan)
				}
			}
		}
	}
	for index, f := range map[string]AuditFilter{
		"audit_actor_site_workflow (actor=? AND site_id=? AND workflow_id=? AND rowid>? AND rowid<?)": combinations()[7+32],
		"audit_actor_site (actor=? AND site_id=?)":                                                    combinations()[3],
		"audit_actor_action (actor=? AND action=?)":                                                   combinations()[9],
		"audit_site_workflow (site_id=? AND workflow_id=? AND rowid<?)":                               combinations()[6+8+64],
		"INTEGER PRIMARY KEY (rowid>? AND rowid<?)":                                                   combinations()[32],
	} {
		query, args := auditQuery(f)
		if plan := explain(t, d, query, args...); !strings.Contains(plan, index) {
			t.Errorf("%+v: want %s in %s", f, index, plan)
		}
	}
}

// The lists agree with a filter that looks at each event, page by page.
func TestAuditFiltersCombine(t *testing.T) {
	d := open(t)
	all := fillAudit(t, d, 1000, 180*time.Hour)
	for i, f := range combinations()[:64] {
		var want []int64
		for _, e := range slices.Backward(all) {
			if fits(f, e) {
				want = append(want, e.Seq)
			}
		}
		var have []int64
		for page := f; ; {
			page.Limit = 50 + i
			seqs := auditSeqs(t, d, page)
			have = append(have, seqs...)
			if len(seqs) < page.Limit {
				break
			}
			page.Before = seqs[len(seqs)-1]
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%+v:\n%s", f, diff)
		}
	}
}

func fits(f AuditFilter, e workflows.AuditEvent) bool {
	same := func(want, have string) bool { return want == "" || want == have }
	return same(f.Actor, e.Actor) && same(f.SiteID, e.Target.SiteID) && same(f.WorkflowID, workflowOf(e.RunID)) && same(f.Action, e.Action) &&
		same(f.DeploymentID, e.Target.DeploymentID) && (f.From.IsZero() || !e.At.Before(f.From) && e.At.Before(f.To))
}

// A clock that was set back hides no event.
func TestAuditTimeNeedsNoOrder(t *testing.T) {
	d := open(t)
	for _, hour := range []int{0, 30, 100, 2, 31, 99} {
		ok(t, d.AppendAudit(t.Context(), workflows.AuditEvent{At: firstEvent.Add(time.Duration(hour) * time.Hour), Actor: "ana", Action: audit.Login}))
	}
	got(t, []int64{5, 4, 2, 1})(auditSeqs(t, d, AuditFilter{Actor: "ana", From: firstEvent, To: firstEvent.Add(48 * time.Hour)}), nil)
	got(t, []int64{6, 3})(auditSeqs(t, d, AuditFilter{From: firstEvent.Add(48 * time.Hour)}), nil)
}

// An event of a run is found by the run's workflow, also in the transaction
// that makes the run.
func TestAuditKnowsTheWorkflow(t *testing.T) {
	d := open(t)
	run := &workflows.Run{ID: "run_w", WorkflowID: "upgrade", Status: workflows.RunQueued, Attempt: 1}
	ok(t, d.InTx(t.Context(), func(tx engine.Tx) error {
		if err := d.CreateRun(t.Context(), tx, run, nil, nil); err != nil {
			return err
		}
		return d.Audit(t.Context(), tx, workflows.AuditEvent{Actor: "ana", Action: audit.RunStart, RunID: run.ID})
	}))
	ok(t, d.AppendAudit(t.Context(), workflows.AuditEvent{Actor: "ana", Action: audit.Login}))
	got(t, []int64{1})(auditSeqs(t, d, AuditFilter{WorkflowID: "upgrade"}), nil)
	if _, err := d.exec(t.Context(), `UPDATE audit_events SET workflow_id = 'scale' WHERE seq = 1`); err == nil {
		t.Error("the workflow of an event was changed")
	}
	verify(t, d, 2, 0)
}

var firstEvent = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func workflowOf(runID string) string {
	var n int
	if _, err := fmt.Sscanf(runID, "run-%d", &n); err != nil {
		return ""
	}
	return fmt.Sprint("workflow-", n%8)
}

// fillAudit inserts sealed events over a span of time: 40 people and Hubwright,
// 40 Sites of 10 Deployments, 8 workflows; a third belongs to no run.
func fillAudit(t testing.TB, d *DB, n int, every time.Duration) []workflows.AuditEvent {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	actions := audit.Actions()
	var chain audit.Chain
	var all []workflows.AuditEvent
	ok(t, d.write(t.Context(), func(tx *sql.Tx) error {
		indexes, err := list(t.Context(), tx, func(v *[2]string) []any { return []any{&v[0], &v[1]} },
			`SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'audit_events' AND sql IS NOT NULL`)
		if err != nil {
			return err
		}
		for _, ix := range indexes {
			if _, err := tx.Exec(`DROP INDEX ` + ix[0]); err != nil {
				return err
			}
		}
		stmt, err := tx.Prepare(`INSERT INTO audit_events (at, actor, action, object, run_id, deployment_id, site_id, stack_id, detail, workflow_id, prev_hash, hash, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for i := range n {
			site := r.IntN(40)
			e := workflows.AuditEvent{
				Seq: int64(i + 1), At: firstEvent.Add(time.Duration(i) * every / 10).UTC(), Actor: fmt.Sprint("person-", r.IntN(40)), Action: actions[r.IntN(len(actions))].ID,
				Object: "Upgrade the cluster on Seattle to 1.34.4", Target: workflows.Target{DeploymentID: fmt.Sprint("dep-", site%10), SiteID: fmt.Sprint("site-", site), StackID: "stk"},
				Detail: map[string]string{"workflow": "upgrade", "waived.peer": "ben: the sixth node is being replaced"},
			}
			if i%3 > 0 {
				e.RunID = fmt.Sprint("run-", i/12)
			}
			if i%5 == 0 {
				e.Actor = audit.ActorHubwright
			}
			e.WorkflowID, e.Version = workflowOf(e.RunID), audit.HashVersion
			chain.Seal(&e)
			if n <= 10_000 {
				all = append(all, e)
			}
			if _, err := stmt.Exec(nanos(e.At), e.Actor, e.Action, e.Object, e.RunID, e.Target.DeploymentID, e.Target.SiteID, e.Target.StackID, asJSON(e.Detail), workflowOf(e.RunID), e.PrevHash, e.Hash, e.Version); err != nil {
				return err
			}
		}
		for _, ix := range indexes {
			if _, err := tx.Exec(ix[1]); err != nil {
				return err
			}
		}
		return nil
	}))
	return all
}

// BenchmarkAuditOfAMillion reports the slowest of a hundred pages for each
// combination of filters, and how long it takes to verify everything.
func BenchmarkAuditOfAMillion(b *testing.B) {
	const events = 1_000_000
	d := open(b)
	fillAudit(b, d, events, 5*time.Minute)
	b.Run("filter", func(b *testing.B) {
		var took, worked []time.Duration
		for b.Loop() {
			for i, f := range combinations()[:64] {
				f.Limit = 101
				f.Actor = strings.Replace(f.Actor, "person-3", []string{"person-3", audit.ActorHubwright, "nobody"}[i%3], 1)
				for f.Before = events; f.Before > 0; f.Before -= events / 5 {
					begun, before := time.Now(), used(b)
					_, err := d.AuditEvents(b.Context(), f)
					ok(b, err)
					took, worked = append(took, time.Since(begun)), append(worked, used(b)-before)
				}
			}
		}
		slices.Sort(took)
		slices.Sort(worked)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
		b.ReportMetric(float64(worked[len(worked)*99/100].Microseconds())/1000, "p99-cpu-ms") // the same on a busy machine
		b.ReportMetric(0, "ns/op")
	})
	b.Run("verify", func(b *testing.B) {
		begun := used(b)
		for b.Loop() {
			rows, broken, err := d.VerifyAudit(b.Context())
			if err != nil || rows != events || broken != 0 {
				b.Fatalf("%d rows, broken at %d: %v", rows, broken, err)
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/verify")
		b.ReportMetric((used(b)-begun).Seconds()/float64(b.N), "cpu-s/verify") // the same on a busy machine
	})
}

// used is the processor time of this process.
func used(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	ok(b, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
