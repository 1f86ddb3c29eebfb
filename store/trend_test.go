package store

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"hubwright/internal/engine"
	"hubwright/workflows"
)

// trendRun is a run of a workflow that was asked for at a time and took so long.
func trendRun(t *testing.T, d *DB, workflow string, at time.Time, took time.Duration, status workflows.RunStatus, nodes ...time.Duration) {
	t.Helper()
	run := &workflows.Run{WorkflowID: workflow, Status: workflows.RunQueued, Attempt: 1, CreatedAt: at, Target: workflows.Target{SiteID: "s1"}}
	ok(t, d.InTx(t.Context(), func(tx engine.Tx) error { return d.CreateRun(t.Context(), tx, run, nil, nil) }))
	ok(t, d.StartRun(t.Context(), run.ID, at))
	if status.Ended() {
		ok(t, d.InTx(t.Context(), func(tx engine.Tx) error { return d.FinishRun(t.Context(), tx, run.ID, status, nil, at.Add(took)) }))
	}
	var rows []workflows.NodeRow
	for i, n := range nodes {
		rows = append(rows, workflows.NodeRow{Name: fmt.Sprint("node-", i), Status: workflows.StepSucceeded, StartedAt: at, EndedAt: at.Add(n)})
	}
	rows = append(rows, workflows.NodeRow{Name: "unknown"}, workflows.NodeRow{Name: "going", Status: workflows.StepRunning, StartedAt: at})
	ok(t, d.KeepNodes(t.Context(), *run, rows))
	ok(t, d.KeepNodes(t.Context(), *run, rows)) // a step that runs twice
}

func TestTrends(t *testing.T) {
	d := open(t)
	monday := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	const m = time.Minute
	trendRun(t, d, "upgrade", monday.Add(-time.Hour), 50*m, workflows.RunSucceeded, 4*m)
	trendRun(t, d, "upgrade", monday, 10*m, workflows.RunSucceeded, 2*m, 4*m)
	trendRun(t, d, "upgrade", monday.Add(24*time.Hour), 20*m, workflows.RunSucceeded, 6*m)
	trendRun(t, d, "upgrade", monday.Add(48*time.Hour), 99*m, workflows.RunFailed)
	trendRun(t, d, "upgrade", monday.Add(49*time.Hour), 0, workflows.RunRunning)
	trendRun(t, d, "scale", monday.Add(6*24*time.Hour), 5*m, workflows.RunCancelled)
	want := []Week{
		{Begin: monday.AddDate(0, 0, -7), Runs: 1, Mean: 50 * m, Nodes: 1, NodeMean: 4 * m},
		{Begin: monday, Runs: 3, Failed: 1, Mean: 15 * m, Nodes: 3, NodeMean: 4 * m},
	}
	got(t, want)(d.Trends(t.Context(), "upgrade", monday.AddDate(0, 0, -7)))
	got(t, []Week{{Begin: monday, Runs: 1}})(d.Trends(t.Context(), "scale", monday.AddDate(0, 0, -7)))
	got(t, want[1:])(d.Trends(t.Context(), "upgrade", monday.Add(3*24*time.Hour)))
	got(t, []time.Duration{6 * m, 4 * m, 2 * m, 4 * m})(d.NodeTimes(t.Context(), "upgrade", "s1"))
	got(t, []time.Duration(nil))(d.NodeTimes(t.Context(), "upgrade", "s2"))
}

// Both questions of the trends are answered from an index alone.
func TestTrendsReadNoRuns(t *testing.T) {
	d := open(t)
	for query, index := range map[string]string{
		`SELECT workflow_id, created_at, status, started_at, ended_at FROM runs WHERE workflow_id = 'upgrade' AND created_at >= 5`: "COVERING INDEX runs_trend (workflow_id=? AND created_at>?)",
		`SELECT workflow_id, ended_at, started_at FROM node_work WHERE workflow_id = 'upgrade' AND ended_at >= 5 AND status = 'x'`: "COVERING INDEX node_work_time (workflow_id=? AND ended_at>?)",
	} {
		if plan := explain(t, d, query); !strings.Contains(plan, index) {
			t.Errorf("%s: %s", query, plan)
		}
	}
}

// BenchmarkTrendsOf100000 reports the trends of one workflow among twelve with
// 100,000 runs and 400,000 nodes in half a year.
func BenchmarkTrendsOf100000(b *testing.B) {
	d := open(b)
	const runs = 100_000
	begin := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	ok(b, d.write(b.Context(), func(tx *sql.Tx) error {
		run, err := tx.Prepare(`INSERT INTO runs (id, workflow_id, title, deployment_id, site_id, stack_id, draft_id, lock_key, status, attempt, created_by, created_at, started_at, ended_at)
			VALUES ($1, $2, 'Upgrade', 'd', 's', 'k', '', '', $3, 1, 'ana', $4, $4, $5)`)
		if err != nil {
			return err
		}
		node, err := tx.Prepare(`INSERT INTO node_work VALUES ($1, $2, $3, 's', 'succeeded', $4, $5)`)
		if err != nil {
			return err
		}
		for i := range runs {
			id, workflow := fmt.Sprint("run_", i), fmt.Sprint("w", i%12)
			at := nanos(begin.Add(time.Duration(i) * (25 * week / runs)))
			if _, err := run.Exec(id, workflow, []string{"succeeded", "succeeded", "failed"}[i%3], at, at+int64(time.Hour)); err != nil {
				return err
			}
			for n := range 4 {
				if _, err := node.Exec(id, fmt.Sprint("node-", n), workflow, at, at+int64(time.Minute)); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	for b.Loop() {
		weeks, err := d.Trends(b.Context(), "w3", begin)
		if err != nil || len(weeks) < 25 || weeks[3].Nodes == 0 {
			b.Fatalf("%d weeks, %v", len(weeks), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/page")
}
