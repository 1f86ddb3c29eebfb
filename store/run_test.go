package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/engine"
	"hubwright/workflows"
)

// createRun creates a run with three steps.
func createRun(t testing.TB, d *DB, run *workflows.Run) workflows.Run {
	t.Helper()
	ok(t, tryRun(t, d, run))
	return *run
}

func tryRun(t testing.TB, d *DB, run *workflows.Run) error {
	t.Helper()
	if run.Status == "" {
		run.Status = workflows.RunQueued
	}
	run.Attempt = 1
	return d.InTx(t.Context(), func(tx engine.Tx) error {
		var steps []workflows.StepRun
		for i, id := range []string{"prepare", "deploy", "verify"} {
			steps = append(steps, workflows.StepRun{Attempt: 1, Index: i, StepID: id, Title: "T " + id, Status: workflows.StepPending, Percent: -1})
		}
		return d.CreateRun(t.Context(), tx, run, steps, []byte(`{"n":0}`))
	})
}

// execOnly is a transaction as DBOS gives it: it cannot be read.
type execOnly struct{ engine.Tx }

func (execOnly) Raw() any { return nil }

func inDBOSTx(t testing.TB, d *DB, fn func(engine.Tx) error) {
	t.Helper()
	ok(t, d.InTx(t.Context(), func(tx engine.Tx) error { return fn(execOnly{tx}) }))
}

func finish(t testing.TB, d *DB, runID string, status workflows.RunStatus) {
	t.Helper()
	inDBOSTx(t, d, func(tx engine.Tx) error {
		return d.FinishRun(t.Context(), tx, runID, status, nil, d.now())
	})
}

func TestRunFromStartToEnd(t *testing.T) {
	d, c := openWithClock(t)
	ctx := t.Context()
	run := createRun(t, d, &workflows.Run{WorkflowID: "cluster", Title: "Deploy", Target: workflows.Target{DeploymentID: "d", SiteID: "s", StackID: "k"},
		LockKey: "site:s", CreatedBy: "ana", Plan: workflows.Plan{Title: "Deploy", Duration: "33 min", Changes: []workflows.Change{{Verb: "create", What: "VM"}}}})
	if run.Number != 1 || !strings.HasPrefix(run.ID, "run_") {
		t.Fatalf("run %d %s", run.Number, run.ID)
	}
	got(t, run)(d.Run(ctx, run.ID))
	got(t, run)(d.RunByNumber(ctx, 1))
	got(t, []byte(`{"n":0}`))(d.State(ctx, run.ID))

	started := c.Now()
	ok(t, d.StartRun(ctx, run.ID, started))
	ok(t, d.StartStep(ctx, run.ID, 1, 0, started))
	c.Add(time.Minute)
	ok(t, d.StartRun(ctx, run.ID, c.Now())) // after a crash
	ok(t, d.StartStep(ctx, run.ID, 1, 0, c.Now()))
	ok(t, d.SetProgress(ctx, run.ID, 1, 0, 40, 13, "VM 2 of 3"))
	run.Status, run.StartedAt, run.Percent, run.Doing = workflows.RunRunning, started, 13, "VM 2 of 3"
	got(t, run)(d.Run(ctx, run.ID))

	step := workflows.StepRun{RunID: run.ID, Attempt: 1, Index: 0, Status: workflows.StepSucceeded, EndedAt: c.Now()}
	inDBOSTx(t, d, func(tx engine.Tx) error { return d.FinishStep(ctx, tx, step, []byte(`{"n":1}`)) })
	got(t, []byte(`{"n":1}`))(d.State(ctx, run.ID))
	step.StepID, step.Title, step.Percent, step.StartedAt = "prepare", "T prepare", 100, started
	pending := func(i int, id string) workflows.StepRun {
		return workflows.StepRun{RunID: run.ID, Attempt: 1, Index: i, StepID: id, Title: "T " + id, Status: workflows.StepPending, Percent: -1}
	}
	got(t, []workflows.StepRun{step, pending(1, "deploy"), pending(2, "verify")})(d.Steps(ctx, run.ID, 1))

	ok(t, d.SetProgress(ctx, run.ID, 1, 0, 50, 33, "late"))
	steps, err := d.Steps(ctx, run.ID, 1)
	ok(t, err)
	if steps[0].Percent != 100 || steps[0].Doing != "" {
		t.Errorf("progress that came late changed the step: %+v", steps[0])
	}

	problem := &workflows.Problem{Code: "arm.Quota", What: "No cores", Why: "all used", Fix: "ask"}
	inDBOSTx(t, d, func(tx engine.Tx) error {
		return d.FinishRun(ctx, tx, run.ID, workflows.RunFailed, problem, c.Now())
	})
	ok(t, d.SetProgress(ctx, run.ID, 1, 0, 50, 99, "later"))
	run.Status, run.Problem, run.Percent, run.Doing, run.EndedAt = workflows.RunFailed, problem, 33, "", c.Now()
	got(t, run)(d.Run(ctx, run.ID))
}

func TestRunErrors(t *testing.T) {
	d, c := openWithClock(t)
	ctx := t.Context()
	fails[workflows.Run](t, workflows.ErrNotFound)(d.Run(ctx, "run_none"))
	fails[workflows.Run](t, workflows.ErrNotFound)(d.RunByNumber(ctx, 9))
	fails[[]byte](t, workflows.ErrNotFound)(d.State(ctx, "run_none"))
	for what, err := range map[string]error{
		"StartRun":  d.StartRun(ctx, "run_none", c.Now()),
		"StartStep": d.StartStep(ctx, "run_none", 1, 0, c.Now()),
		"FinishRun": d.InTx(ctx, func(tx engine.Tx) error {
			return d.FinishRun(ctx, tx, "run_none", workflows.RunFailed, nil, c.Now())
		}),
		"FinishStep": d.InTx(ctx, func(tx engine.Tx) error {
			return d.FinishStep(ctx, tx, workflows.StepRun{RunID: "run_none"}, nil)
		}),
		"AddAttempt": d.InTx(ctx, func(tx engine.Tx) error { return d.AddAttempt(ctx, tx, "run_none", 2, 0) }),
	} {
		if !errors.Is(err, workflows.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	run := createRun(t, d, &workflows.Run{})
	if err := d.InTx(ctx, func(tx engine.Tx) error {
		return d.FinishRun(ctx, tx, run.ID, workflows.RunRunning, nil, c.Now())
	}); err == nil {
		t.Error("running was taken for an end")
	}
	if err := d.InTx(ctx, func(tx engine.Tx) error { return d.CreateRun(ctx, execOnly{tx}, &workflows.Run{}, nil, nil) }); err == nil {
		t.Error("CreateRun in a transaction that cannot be read said nothing")
	}
}

func TestOneRunALockAndADraft(t *testing.T) {
	d := open(t)
	f := workflows.Draft{WorkflowID: "cluster"}
	ok(t, d.SaveDraft(t.Context(), &f))
	holder := createRun(t, d, &workflows.Run{Title: "Deploy", LockKey: "site:1", DraftID: f.ID, CreatedBy: "ana"})
	draft, err := d.Draft(t.Context(), f.ID)
	ok(t, err)
	if draft.RunID != holder.ID {
		t.Errorf("the draft's run is %q", draft.RunID)
	}
	refused := func(what string, run *workflows.Run) {
		t.Helper()
		var locked *workflows.LockedError
		if err := tryRun(t, d, run); !errors.As(err, &locked) || locked.Run.ID != holder.ID || locked.Run.Number != holder.Number {
			t.Errorf("%s: %v", what, err)
		}
		if run.ID != "" {
			t.Errorf("%s: the refused run got id %s", what, run.ID)
		}
	}
	refused("same lock", &workflows.Run{LockKey: "site:1"})
	createRun(t, d, &workflows.Run{LockKey: "site:2"})
	createRun(t, d, &workflows.Run{})
	createRun(t, d, &workflows.Run{}) // no lock, no draft: no conflict
	finish(t, d, holder.ID, workflows.RunFailed)
	refused("same draft, after the end", &workflows.Run{DraftID: f.ID})
	next := createRun(t, d, &workflows.Run{LockKey: "site:1"})

	err = d.InTx(t.Context(), func(tx engine.Tx) error { return d.AddAttempt(t.Context(), tx, holder.ID, 2, 0) })
	var locked *workflows.LockedError
	if !errors.As(err, &locked) || locked.Run.ID != next.ID {
		t.Errorf("a retry while the next run holds the lock: %v", err)
	}
}

// The index is the last word, should the look before the insert ever be wrong.
func TestTheDatabaseItselfKeepsTheLock(t *testing.T) {
	d := open(t)
	createRun(t, d, &workflows.Run{LockKey: "site:1"})
	err := d.InTx(t.Context(), func(tx engine.Tx) error {
		return insertRun(t.Context(), tx, workflows.Run{ID: "run_x", LockKey: "site:1", Status: workflows.RunQueued, Attempt: 1}, nil, nil)
	})
	if !isDuplicate(err) {
		t.Fatalf("error %v", err)
	}
}

func TestOfTwentyPeopleOneGetsTheLock(t *testing.T) {
	d := open(t)
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() { errs[i] = tryRun(t, d, &workflows.Run{LockKey: "site:1", CreatedBy: fmt.Sprint("p", i)}) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		var locked *workflows.LockedError
		switch {
		case err == nil:
			won++
		case !errors.As(err, &locked) || locked.Run.Number != 1:
			t.Errorf("a loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d got the lock", won)
	}
}

func TestAddAttempt(t *testing.T) {
	d, c := openWithClock(t)
	ctx := t.Context()
	run := createRun(t, d, &workflows.Run{LockKey: "site:1"})
	retry := func(attempt, from int) error {
		return d.InTx(ctx, func(tx engine.Tx) error { return d.AddAttempt(ctx, tx, run.ID, attempt, from) })
	}
	var locked *workflows.LockedError
	if err := retry(2, 1); !errors.As(err, &locked) || locked.Run.ID != run.ID {
		t.Errorf("a retry of a run that goes: %v", err)
	}
	ok(t, d.StartRun(ctx, run.ID, c.Now()))
	ok(t, d.StartStep(ctx, run.ID, 1, 0, c.Now()))
	_, err := d.AppendLog(ctx, run.ID, []workflows.LogLine{{StepID: "prepare", Attempt: 1, Text: "a"}, {StepID: "deploy", Attempt: 1, Text: "b"}}, nil)
	ok(t, err)
	inDBOSTx(t, d, func(tx engine.Tx) error {
		ok(t, d.FinishStep(ctx, tx, workflows.StepRun{RunID: run.ID, Attempt: 1, Index: 0, Status: workflows.StepSucceeded, EndedAt: c.Now()}, []byte("s1")))
		ok(t, d.FinishStep(ctx, tx, workflows.StepRun{RunID: run.ID, Attempt: 1, Index: 1, Status: workflows.StepFailed, Problem: &workflows.Problem{What: "x"}, EndedAt: c.Now()}, nil))
		return d.FinishRun(ctx, tx, run.ID, workflows.RunFailed, &workflows.Problem{What: "x"}, c.Now())
	})
	before, err := d.Steps(ctx, run.ID, 1)
	ok(t, err)
	if err := retry(3, 1); !errors.Is(err, workflows.ErrStale) {
		t.Errorf("attempt 3 after 1: %v", err)
	}
	ok(t, retry(2, 1))

	want := make([]workflows.StepRun, 3)
	copy(want, before)
	want[1] = workflows.StepRun{RunID: run.ID, Index: 1, StepID: "deploy", Title: "T deploy", Status: workflows.StepPending, Percent: -1}
	for i := range want {
		want[i].Attempt = 2
	}
	got(t, want)(d.Steps(ctx, run.ID, 2))
	got(t, before)(d.Steps(ctx, run.ID, 1))
	run, err = d.Run(ctx, run.ID)
	ok(t, err)
	if run.Attempt != 2 || run.Status != workflows.RunQueued || run.Problem != nil || !run.EndedAt.IsZero() || run.Lines != 2 {
		t.Errorf("after the retry: %+v", run)
	}
	got(t, []byte("s1"))(d.State(ctx, run.ID))
	if err := retry(2, 1); !errors.Is(err, workflows.ErrStale) {
		t.Errorf("the same retry again: %v", err)
	}
}

func TestRequestCancel(t *testing.T) {
	d, c := openWithClock(t)
	run := createRun(t, d, &workflows.Run{LockKey: "l"})
	cancel := func() (did bool) {
		ok(t, d.InTx(t.Context(), func(tx engine.Tx) (err error) {
			did, err = d.RequestCancel(t.Context(), tx, run.ID, "ana")
			return err
		}))
		return did
	}
	if !cancel() || !cancel() {
		t.Error("a queued run was not cancelled")
	}
	ok(t, d.StartRun(t.Context(), run.ID, c.Now()))
	run, err := d.Run(t.Context(), run.ID)
	ok(t, err)
	if run.Status != workflows.RunCancelling {
		t.Errorf("StartRun made a cancelling run %s", run.Status)
	}
	finish(t, d, run.ID, workflows.RunCancelled)
	if cancel() {
		t.Error("an ended run was cancelled")
	}
}

func TestRunLists(t *testing.T) {
	d := open(t)
	var all []workflows.Run
	for i := range 12 {
		all = append(all, createRun(t, d, &workflows.Run{
			WorkflowID: []string{"helpervm", "cluster"}[i%2], Plan: workflows.Plan{Title: "p"},
			Target: workflows.Target{DeploymentID: "d1", SiteID: []string{"s1", "s2", "s3"}[i%3], StackID: "k"}}))
	}
	finish(t, d, all[5].ID, workflows.RunSucceeded)
	numbers := func(runs []workflows.Run, err error) []int {
		ok(t, err)
		var out []int
		for _, r := range runs {
			out = append(out, r.Number)
			if r.Plan.Title != "" {
				t.Error("a list came with plans")
			}
		}
		return out
	}
	for _, tc := range []struct {
		f    RunFilter
		want []int
	}{
		{RunFilter{Limit: 3}, []int{12, 11, 10}},
		{RunFilter{Limit: 3, Before: 10}, []int{9, 8, 7}},
		{RunFilter{WorkflowID: "cluster", Before: 7}, []int{6, 4, 2}},
		{RunFilter{SiteID: "s1", WorkflowID: "helpervm"}, []int{7, 1}},
		{RunFilter{Status: "succeeded"}, []int{6}},
		{RunFilter{DeploymentID: "d2"}, nil},
		{RunFilter{StackID: "k", Limit: 1}, []int{12}},
		{RunFilter{DeploymentID: "' OR 1=1 --"}, nil},
	} {
		if diff := cmp.Diff(tc.want, numbers(d.Runs(t.Context(), tc.f))); diff != "" {
			t.Errorf("%+v:\n%s", tc.f, diff)
		}
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12}, numbers(d.UnfinishedRuns(t.Context()))); diff != "" {
		t.Errorf("unfinished:\n%s", diff)
	}
	latest, err := d.LatestRuns(t.Context(), "d1")
	ok(t, err)
	have := map[SiteRow]int{}
	for k, r := range latest {
		have[k] = r.Number
	}
	want := map[SiteRow]int{{"s1", "helpervm"}: 7, {"s1", "cluster"}: 10, {"s2", "cluster"}: 8, {"s2", "helpervm"}: 11, {"s3", "helpervm"}: 9, {"s3", "cluster"}: 12}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("latest:\n%s", diff)
	}
}

// fillRuns puts n ended runs over 5 sites and 10 workflows into the database.
func fillRuns(t testing.TB, d *DB, n int) {
	t.Helper()
	_, err := d.exec(t.Context(), `WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < $1)
		INSERT INTO runs (id, workflow_id, title, deployment_id, site_id, stack_id, draft_id, lock_key, status, attempt, created_by, created_at)
		SELECT 'run_' || i, 'w' || (i % 10), 'Title', 'd' || (i % 4), 's' || (i % 5), 'k' || (i % 3), '', '', 'succeeded', 1, 'ana', i FROM c`, n)
	ok(t, err)
}

// No list of runs reads more rows than it shows: each walks an index and none
// sorts.
func TestRunListsUseAnIndex(t *testing.T) {
	d := open(t)
	fillRuns(t, d, 1000) // the plan is the same at any size: nothing runs ANALYZE
	for name, f := range map[string]RunFilter{
		"all":           {},
		"next page":     {Before: 500},
		"of deployment": {DeploymentID: "d1", Before: 500},
		"of workflow":   {WorkflowID: "w1"},
		"of site":       {SiteID: "s1"},
		"of stack":      {StackID: "k1"},
		"by status":     {Status: "running"},
	} {
		query, args := f.query()
		plan := explain(t, d, query, args...)
		if strings.Contains(plan, "TEMP B-TREE") || (f != RunFilter{} && !strings.Contains(plan, "SEARCH runs")) {
			t.Errorf("%s: %s", name, plan)
		}
	}
	for bits := 1; bits < 16; bits++ {
		var f RunFilter
		for i, set := range []func(){func() { f.WorkflowID = "w1" }, func() { f.DeploymentID = "d1" }, func() { f.StackID = "k1" }, func() { f.Status = "failed" }} {
			if bits&(1<<i) != 0 {
				set()
			}
		}
		query, args := f.query()
		plan := explain(t, d, query, args...)
		wants := map[int]string{3: "runs_workflow_deployment", 5: "runs_workflow_stack", 6: "runs_deployment_stack", 7: "runs_workflow_deployment_stack", 9: "(workflow_id=? AND status=?)", 10: "(deployment_id=? AND status=?)", 12: "(stack_id=? AND status=?)"}
		if strings.Contains(plan, "TEMP B-TREE") || !strings.Contains(plan, "SEARCH runs USING INDEX") || !strings.Contains(plan, wants[bits&7]) && bits&7 != bits || !strings.Contains(plan, wants[bits]) {
			t.Errorf("%+v: %s", f, plan)
		}
	}
	plan := explain(t, d, `SELECT max(number) FROM runs WHERE deployment_id = $1 GROUP BY site_id, workflow_id`, "d1")
	if !strings.Contains(plan, "COVERING INDEX runs_board") {
		t.Errorf("board: %s", plan)
	}
	plan = explain(t, d, `SELECT number FROM runs WHERE status IN ('queued', 'waiting', 'running', 'cancelling')`)
	if !strings.Contains(plan, "runs_status") {
		t.Errorf("unfinished: %s", plan)
	}
}

func explain(t testing.TB, d *DB, query string, args ...any) string {
	t.Helper()
	type row struct {
		id, parent, unused int
		detail             string
	}
	rows, err := list(t.Context(), d.db, func(r *row) []any { return []any{&r.id, &r.parent, &r.unused, &r.detail} },
		"EXPLAIN QUERY PLAN "+query, args...)
	ok(t, err)
	var out []string
	for _, r := range rows {
		out = append(out, r.detail)
	}
	return strings.Join(out, "; ")
}

// BenchmarkRunsOf100000 reports pages of a long history; the slowest must stay
// below 50 ms, whatever is combined.
func BenchmarkRunsOf100000(b *testing.B) {
	d := open(b)
	fillRuns(b, d, 100_000)
	for name, f := range map[string]RunFilter{
		"newest": {Limit: 50}, "middle": {Before: 50_000, Limit: 50}, "deployment": {DeploymentID: "d1", Limit: 50},
		"site-and-workflow": {SiteID: "s1", WorkflowID: "w1", Limit: 50}, "none-running": {Status: "running", Limit: 50},
		"workflow-none-failed": {WorkflowID: "w1", Status: "failed", Limit: 50}, "stack-none-failed": {StackID: "k1", Status: "failed", Limit: 50},
		"deployment-and-no-such-site": {DeploymentID: "d1", SiteID: "s9", Limit: 50}, "never-together": {WorkflowID: "w1", DeploymentID: "d2", SiteID: "s1", Limit: 50},
		"stack-and-no-such-deployment": {StackID: "k1", DeploymentID: "d9", Limit: 50}, "never-together-all": {WorkflowID: "w1", DeploymentID: "d2", StackID: "k1", Status: "succeeded", Limit: 50},
		"no-such-workflow-succeeded": {WorkflowID: "w99", Status: "succeeded", Limit: 50}, "deployment-stack-none-failed": {DeploymentID: "d1", StackID: "k1", Status: "failed", Limit: 50},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, err := d.Runs(b.Context(), f)
				ok(b, err)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/page")
		})
	}
	b.Run("board", func(b *testing.B) {
		for b.Loop() {
			_, err := d.LatestRuns(b.Context(), "d1")
			ok(b, err)
		}
	})
}
