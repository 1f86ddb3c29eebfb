package engine_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/engine"
	"hubwright/store"
	"hubwright/workflows"
)

// state is the state of the test's workflows.
type state struct {
	Done []string
}

type plainMasker struct{}

func (plainMasker) Add(string)           {}
func (plainMasker) Mask(s string) string { return strings.ReplaceAll(s, "hunter2hunter2", "***") }

type silent struct{}

func (silent) Notify(string) {}

// step makes a step that notes that it ran.
func step(id string, run func(ctx context.Context, s *state, log workflows.Log) error) workflows.Step[state] {
	return workflows.Step[state]{ID: id, Title: "Step " + id, Run: func(ctx context.Context, s *state, log workflows.Log) error {
		if run != nil {
			if err := run(ctx, s, log); err != nil {
				return err
			}
		}
		s.Done = append(s.Done, id)
		return nil
	}}
}

func workflow(steps ...workflows.Step[state]) workflows.Definition {
	return workflows.Workflow[state]{ID: "tiny", Title: "Tiny", Scope: workflows.ScopeSite, Steps: steps}.Erase()
}

type rig struct {
	t   *testing.T
	db  *store.DB
	eng *engine.Engine
	def workflows.Definition
}

func newRig(t *testing.T, dir string, def workflows.Definition) *rig {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, filepath.Join(dir, "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	eng, err := engine.New(ctx, engine.Config{DB: db.SQL(), Journal: db, Catalogue: workflows.Catalogue{def}, Masker: plainMasker{}, Notifier: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.Launch(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eng.Close(); db.Close() })
	return &rig{t: t, db: db, eng: eng, def: def}
}

func (r *rig) start(lock string) (workflows.Run, error) {
	return r.eng.Start(r.t.Context(), engine.Start{
		Workflow: r.def, LockKey: lock, Plan: workflows.Plan{Title: "Do it"}, State: []byte(`{}`), Actor: "ana",
	})
}

func (r *rig) mustStart() workflows.Run {
	r.t.Helper()
	run, err := r.start("")
	if err != nil {
		r.t.Fatal(err)
	}
	return run
}

// wait polls until the run satisfies ok.
func (r *rig) wait(id string, what string, ok func(workflows.Run) bool) workflows.Run {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		run, err := r.db.Run(r.t.Context(), id)
		if err != nil {
			r.t.Fatal(err)
		}
		if ok(run) {
			return run
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("run is %s, never %s", run.Status, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (r *rig) ended(id string) workflows.Run {
	return r.wait(id, "ended", func(x workflows.Run) bool { return x.Status.Ended() })
}

func (r *rig) steps(run workflows.Run) []string {
	r.t.Helper()
	steps, err := r.db.Steps(r.t.Context(), run.ID, run.Attempt)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, s := range steps {
		out = append(out, s.StepID+" "+string(s.Status))
	}
	return out
}

func (r *rig) log(run workflows.Run) string {
	r.t.Helper()
	lines, err := r.db.ReadLog(r.t.Context(), run.ID, 0, 10000)
	if err != nil {
		r.t.Fatal(err)
	}
	var b strings.Builder
	for i, l := range lines {
		if l.N != int64(i+1) {
			r.t.Fatalf("line %d has number %d", i+1, l.N)
		}
		fmt.Fprintf(&b, "%s %s\n", l.Level, l.Text)
	}
	return b.String()
}

// Each attempt's steps know the run and who started it, also those that outlive
// a cancel.
func TestStepsKnowTheirOrigin(t *testing.T) {
	var fail atomic.Bool
	fail.Store(true)
	tell := func(ctx context.Context, _ *state, log workflows.Log) error {
		log.Info("%+v", workflows.OriginOf(ctx))
		if fail.Load() {
			return errors.New("not yet")
		}
		return nil
	}
	last := step("last", func(ctx context.Context, _ *state, log workflows.Log) error {
		log.Info("%+v", workflows.OriginOf(ctx))
		return nil
	})
	last.Always = true
	r := newRig(t, t.TempDir(), workflow(step("tell", tell), last))
	run := r.ended(r.mustStart().ID)
	fail.Store(false)
	if _, err := r.eng.Retry(t.Context(), run.ID, "ben"); err != nil {
		t.Fatal(err)
	}
	run = r.wait(run.ID, "succeeded", func(x workflows.Run) bool { return x.Status == workflows.RunSucceeded })
	if got := strings.Count(r.log(run), fmt.Sprintf("info {RunID:%s Actor:ana}", run.ID)); got != 4 {
		t.Errorf("%d of 4 steps knew their origin:\n%s", got, r.log(run))
	}
}

func TestRunSucceeds(t *testing.T) {
	skipped := step("b", nil)
	skipped.When = func(*state) bool { return false }
	r := newRig(t, t.TempDir(), workflow(
		step("a", func(_ context.Context, _ *state, log workflows.Log) error {
			log.Info("the password is %s", "hunter2hunter2")
			log.Progress(50, "half")
			return nil
		}), skipped, step("c", nil)))
	run := r.ended(r.mustStart().ID)
	if run.Status != workflows.RunSucceeded || run.Percent != 100 {
		t.Errorf("run is %s at %d %%", run.Status, run.Percent)
	}
	if diff := cmp.Diff([]string{"a succeeded", "b skipped", "c succeeded"}, r.steps(run)); diff != "" {
		t.Error(diff)
	}
	if got := r.log(run); got != "info the password is ***\n" {
		t.Errorf("log is %q", got)
	}
	raw, err := r.db.State(t.Context(), run.ID)
	if err != nil || string(raw) != `{"Done":["a","c"]}` {
		t.Errorf("state is %s, %v", raw, err)
	}
	events, err := r.db.AuditEvents(t.Context(), store.AuditFilter{RunID: run.ID, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range events {
		actions = append(actions, e.Actor+" "+e.Action)
	}
	if diff := cmp.Diff([]string{"hubwright run.end", "ana run.start"}, actions); diff != "" {
		t.Error(diff)
	}
}

func TestFailureSkipsTheRestButAlwaysAndRetryGoesOn(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	always := step("z", nil)
	always.Always = true
	r := newRig(t, t.TempDir(), workflow(step("a", nil),
		step("b", func(context.Context, *state, workflows.Log) error {
			if broken.Load() {
				return &workflows.Problem{Code: "x.y", What: "It broke", Why: "the key hunter2hunter2 is wrong", Fix: "Mend it."}
			}
			return nil
		}), step("c", nil), always))
	run := r.ended(r.mustStart().ID)
	if run.Status != workflows.RunFailed || run.Problem == nil || run.Problem.Why != "the key *** is wrong" {
		t.Fatalf("run is %s with %+v", run.Status, run.Problem)
	}
	if diff := cmp.Diff([]string{"a succeeded", "b failed", "c skipped", "z succeeded"}, r.steps(run)); diff != "" {
		t.Error(diff)
	}
	broken.Store(false)
	again, err := r.eng.Retry(t.Context(), run.ID, "ben")
	if err != nil {
		t.Fatal(err)
	}
	if again.Attempt != 2 {
		t.Errorf("attempt is %d", again.Attempt)
	}
	run = r.wait(run.ID, "succeeded", func(x workflows.Run) bool { return x.Status == workflows.RunSucceeded })
	if diff := cmp.Diff([]string{"a succeeded", "b succeeded", "c succeeded", "z succeeded"}, r.steps(run)); diff != "" {
		t.Error(diff)
	}
	raw, _ := r.db.State(t.Context(), run.ID)
	if string(raw) != `{"Done":["a","z","b","c","z"]}` {
		t.Errorf("state is %s: a finished step must not run again", raw)
	}
	if _, err := r.eng.Retry(t.Context(), run.ID, "ben"); !errors.Is(err, engine.ErrNotNow) {
		t.Errorf("retry of a run that succeeded: %v", err)
	}
}

func TestPanicIsAFailureInWords(t *testing.T) {
	r := newRig(t, t.TempDir(), workflow(step("a", func(context.Context, *state, workflows.Log) error { panic("boom") })))
	run := r.ended(r.mustStart().ID)
	if run.Status != workflows.RunFailed || run.Problem.Code != "engine.panic" {
		t.Errorf("run is %s with %+v", run.Status, run.Problem)
	}
}

func TestCancelIsConfirmedByTheStep(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	always := step("z", func(ctx context.Context, _ *state, _ workflows.Log) error { return ctx.Err() })
	always.Always = true
	r := newRig(t, t.TempDir(), workflow(
		step("a", func(ctx context.Context, _ *state, _ workflows.Log) error {
			close(begun)
			<-ctx.Done()
			<-release // the remote command takes its time to stop
			return ctx.Err()
		}), step("b", nil), always))
	run := r.mustStart()
	<-begun
	if err := r.eng.Cancel(t.Context(), run.ID, "ben"); err != nil {
		t.Fatal(err)
	}
	if now, _ := r.db.Run(t.Context(), run.ID); now.Status != workflows.RunCancelling {
		t.Errorf("run is %s before the step came back", now.Status)
	}
	close(release)
	run = r.ended(run.ID)
	if run.Status != workflows.RunCancelled {
		t.Errorf("run is %s", run.Status)
	}
	if diff := cmp.Diff([]string{"a cancelled", "b skipped", "z succeeded"}, r.steps(run)); diff != "" {
		t.Error(diff)
	}
	if err := r.eng.Cancel(t.Context(), run.ID, "ben"); !errors.Is(err, engine.ErrNotNow) {
		t.Errorf("cancel of an ended run: %v", err)
	}
}

func TestOneRunPerLock(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, t.TempDir(), workflow(step("a", func(context.Context, *state, workflows.Log) error { <-release; return nil })))
	type answer struct {
		run workflows.Run
		err error
	}
	answers := make(chan answer, 2)
	for range 2 {
		go func() { run, err := r.start("site:1"); answers <- answer{run, err} }()
	}
	var started, refused int
	var first workflows.Run
	var locked *workflows.LockedError
	for range 2 {
		a := <-answers
		switch {
		case a.err == nil:
			started, first = started+1, a.run
		case errors.As(a.err, &locked):
			refused++
		default:
			t.Fatal(a.err)
		}
	}
	if started != 1 || refused != 1 || locked.Run.ID != first.ID {
		t.Errorf("%d started, %d refused with %+v", started, refused, locked)
	}
	close(release)
	r.ended(first.ID)
	if _, err := r.start("site:1"); err != nil {
		t.Errorf("after the end: %v", err)
	}
}
