package engine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/engine"
	"hubwright/store"
	"hubwright/workflows"
)

// hand is a clock that the test sets.
type hand struct{ now atomic.Int64 }

func (h *hand) set(t *testing.T, text string) {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	h.now.Store(at.UnixNano())
}

func (h *hand) Now() time.Time { return time.Unix(0, h.now.Load()).UTC() }

type gateRig struct {
	*rig
	clock *hand
}

func newGateRig(t *testing.T, dir, now string, def workflows.Definition) gateRig {
	t.Helper()
	clock := &hand{}
	clock.set(t, now)
	db, err := store.Open(t.Context(), filepath.Join(dir, "test.db"), store.Options{Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	eng, err := engine.New(t.Context(), engine.Config{DB: db.SQL(), Journal: db, Catalogue: workflows.Catalogue{def}, Masker: plainMasker{}, Notifier: silent{}, Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.Launch(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eng.Close(); db.Close() })
	return gateRig{&rig{t: t, db: db, eng: eng, def: def}, clock}
}

func (r gateRig) ask(g workflows.Gate) workflows.Run {
	r.t.Helper()
	g.Askers = []string{"ana"}
	run, err := r.eng.Start(r.t.Context(), engine.Start{Workflow: r.def, LockKey: "site:1", Plan: workflows.Plan{Title: "Do it"}, State: []byte(`{}`), Actor: "ana", Gate: g})
	if err != nil {
		r.t.Fatal(err)
	}
	if run.Status != workflows.RunWaiting {
		r.t.Fatalf("run is %s", run.Status)
	}
	return run
}

func (r gateRig) decide(run workflows.Run, by string, approved bool) error {
	return r.eng.Decide(r.t.Context(), run.ID, workflows.Verdict{By: by, Approved: approved, Reason: "as agreed"})
}

func (r gateRig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// stillWaits makes the run look at its gate and sees it wait. The first look
// may have begun before the clock was set; the third comes only when the
// second has not let the run through.
func (r gateRig) stillWaits(run workflows.Run, why string) {
	r.t.Helper()
	for range 3 {
		r.look(run)
	}
	now, err := r.db.Run(r.t.Context(), run.ID)
	r.must(err)
	if now.Status != workflows.RunWaiting {
		r.t.Fatalf("%s: run is %s", why, now.Status)
	}
}

func (r gateRig) look(run workflows.Run) {
	r.t.Helper()
	before := r.looks()
	r.must(r.eng.Look(run.ID, run.Attempt))
	deadline := time.Now().Add(20 * time.Second)
	for r.looks() == before {
		if time.Now().After(deadline) {
			r.t.Fatal("the run never looks at its gate")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// looks counts the looks at gates that are on record, each with what followed.
func (r gateRig) looks() (n int) {
	r.t.Helper()
	err := r.db.SQL().QueryRowContext(r.t.Context(), `SELECT count(*) FROM operation_outputs WHERE function_name IN ('gate', 'begin', 'end')`).Scan(&n)
	r.must(err)
	return n
}

func (r gateRig) actions(run workflows.Run) (out []string) {
	r.t.Helper()
	events, err := r.db.AuditEvents(r.t.Context(), store.AuditFilter{RunID: run.ID, Oldest: true})
	r.must(err)
	for _, e := range events {
		out = append(out, strings.TrimSpace(e.Actor+" "+e.Action+" "+e.Detail["reason"]))
	}
	return out
}

var nights = []workflows.Window{{Days: []time.Weekday{time.Saturday}, From: 22 * 60, To: 4 * 60, Zone: "Europe/Berlin"}}

func TestASecondPersonApproves(t *testing.T) {
	t.Parallel()
	r := newGateRig(t, t.TempDir(), "2026-11-23 12:00", workflow(step("a", nil)))
	run := r.ask(workflows.Gate{Approval: true})
	r.stillWaits(run, "nobody has approved")
	if err := r.decide(run, "ana", true); !errors.Is(err, engine.ErrOwnRun) {
		t.Errorf("ana approves her own run: %v", err)
	}
	var locked *workflows.LockedError
	if _, err := r.start("site:1"); !errors.As(err, &locked) || locked.Run.ID != run.ID {
		t.Errorf("another run while one waits: %v", err)
	}
	r.must(r.decide(run, "bob", true))
	if got := r.ended(run.ID); got.Status != workflows.RunSucceeded {
		t.Errorf("run is %s", got.Status)
	}
	if err := r.decide(run, "carl", false); !errors.Is(err, engine.ErrNotNow) {
		t.Errorf("a rejection after the end: %v", err)
	}
	if diff := cmp.Diff([]string{"ana run.start", "bob run.approve as agreed", "hubwright run.end"}, r.actions(run)); diff != "" {
		t.Error(diff)
	}
}

func TestARejectedRunNeverBegins(t *testing.T) {
	t.Parallel()
	last := step("z", nil)
	last.Always = true
	r := newGateRig(t, t.TempDir(), "2026-11-23 12:00", workflow(step("a", nil), last))
	run := r.ask(workflows.Gate{Approval: true})
	r.must(r.decide(run, "bob", false))
	got := r.ended(run.ID)
	if got.Status != workflows.RunCancelled || got.Problem == nil || got.Problem.What != "bob has rejected this run" || got.Problem.Why != "as agreed" {
		t.Errorf("run is %s with %+v", got.Status, got.Problem)
	}
	if diff := cmp.Diff([]string{"a cancelled", "z skipped"}, r.steps(got)); diff != "" {
		t.Error(diff)
	}
	// A retry asks once more, and who retries has become somebody who asks.
	run, err := r.eng.Retry(t.Context(), run.ID, "bob")
	r.must(err)
	r.stillWaits(run, "the retry is not approved")
	if err := r.decide(run, "bob", true); !errors.Is(err, engine.ErrOwnRun) {
		t.Errorf("bob approves his own retry: %v", err)
	}
	r.must(r.decide(run, "carl", true))
	if got := r.wait(run.ID, "succeeded", func(x workflows.Run) bool { return x.Status == workflows.RunSucceeded }); got.Attempt != 2 {
		t.Errorf("attempt %d", got.Attempt)
	}
}

func TestARunWaitsForItsWindow(t *testing.T) {
	t.Parallel()
	r := newGateRig(t, t.TempDir(), "2026-11-23 12:00", workflow(step("a", nil)))
	run := r.ask(workflows.Gate{Windows: nights})
	r.clock.set(t, "2026-11-28 20:59")
	r.stillWaits(run, "a minute too early")
	r.clock.set(t, "2026-11-28 21:00")
	r.must(r.eng.Look(run.ID, 1))
	if got := r.ended(run.ID); got.Status != workflows.RunSucceeded || !got.StartedAt.Equal(r.clock.Now()) {
		t.Errorf("run is %s, started %v", got.Status, got.StartedAt)
	}
}

// Approval comes when the window is over; the run waits for the next, which in
// that week is an hour earlier in UTC, since clocks jumped in between.
func TestAMissedWindowWaitsForTheNext(t *testing.T) {
	t.Parallel()
	r := newGateRig(t, t.TempDir(), "2026-03-28 20:00", workflow(step("a", nil)))
	run := r.ask(workflows.Gate{Approval: true, Windows: nights})
	r.clock.set(t, "2026-03-28 21:30")
	r.stillWaits(run, "in the window, without approval")
	r.clock.set(t, "2026-03-29 02:00") // 04:00 in Berlin, after a night of five hours
	r.must(r.decide(run, "bob", true))
	r.stillWaits(run, "approved after the window")
	r.clock.set(t, "2026-04-04 19:59")
	r.stillWaits(run, "a minute before the next")
	r.clock.set(t, "2026-04-04 20:00")
	r.must(r.eng.Look(run.ID, 1))
	if got := r.ended(run.ID); got.Status != workflows.RunSucceeded {
		t.Errorf("run is %s", got.Status)
	}
}

func TestStartAt(t *testing.T) {
	t.Parallel()
	r := newGateRig(t, t.TempDir(), "2026-11-23 12:00", workflow(step("a", nil)))
	at := r.clock.Now().Add(3 * time.Hour)
	run := r.ask(workflows.Gate{Approval: true, StartAt: at})
	r.must(r.decide(run, "bob", true))
	r.stillWaits(run, "approved, too early")
	r.clock.set(t, "2026-11-23 16:01")
	r.must(r.eng.Look(run.ID, 1))
	got := r.ended(run.ID)
	if got.Status != workflows.RunFailed || got.Problem.Code != "run.missed" {
		t.Errorf("an hour late: run is %s with %+v", got.Status, got.Problem)
	}
	// A retry by hand is for now, and the approval stands.
	again, err := r.eng.Retry(t.Context(), run.ID, "ana")
	r.must(err)
	if again.Status == workflows.RunWaiting && !again.StartedAt.IsZero() {
		t.Errorf("%+v", again)
	}
	r.wait(run.ID, "succeeded", func(x workflows.Run) bool { return x.Status == workflows.RunSucceeded })
}

func TestCancelOfAWaitingRun(t *testing.T) {
	t.Parallel()
	last := step("z", nil)
	last.Always = true
	r := newGateRig(t, t.TempDir(), "2026-11-23 12:00", workflow(step("a", nil), last))
	run := r.ask(workflows.Gate{Approval: true, Windows: nights})
	r.must(r.eng.Cancel(t.Context(), run.ID, "carl"))
	got := r.ended(run.ID)
	if got.Status != workflows.RunCancelled || got.Problem != nil || !got.StartedAt.IsZero() {
		t.Errorf("run is %s with %+v, started %v", got.Status, got.Problem, got.StartedAt)
	}
	if diff := cmp.Diff([]string{"a cancelled", "z skipped"}, r.steps(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ana run.start", "carl run.cancel", "hubwright run.end"}, r.actions(run)); diff != "" {
		t.Error(diff)
	}
}

// A retry of a run that had begun goes on at once: half of a change is worse
// than one outside of its window.
func TestARetryOfABegunRunDoesNotWait(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	broken.Store(true)
	r := newGateRig(t, t.TempDir(), "2026-11-28 22:00", workflow(step("a", func(context.Context, *state, workflows.Log) error {
		if broken.Load() {
			return errors.New("not yet")
		}
		return nil
	})))
	run := r.ask(workflows.Gate{Approval: true, Windows: nights})
	r.must(r.decide(run, "bob", true))
	r.ended(run.ID)
	broken.Store(false)
	r.clock.set(t, "2026-11-29 12:00")
	_, err := r.eng.Retry(t.Context(), run.ID, "ana")
	r.must(err)
	r.wait(run.ID, "succeeded", func(x workflows.Run) bool { return x.Status == workflows.RunSucceeded })
}

func TestOfTwoApproversOneCounts(t *testing.T) {
	t.Parallel()
	r := newGateRig(t, t.TempDir(), "2026-11-23 12:00", workflow(step("a", nil)))
	run := r.ask(workflows.Gate{Approval: true, Windows: nights})
	answers := make(chan error, 8)
	for i := range cap(answers) {
		go func() { answers <- r.decide(run, fmt.Sprint("p", i), i%2 == 0) }()
	}
	did := 0
	for range cap(answers) {
		if err := <-answers; err == nil {
			did++
		} else if !errors.Is(err, engine.ErrNotNow) {
			t.Error(err)
		}
	}
	gate, err := r.db.Gate(t.Context(), run.ID)
	r.must(err)
	if did != 1 || len(gate.Verdicts) != 1 {
		t.Errorf("%d decided, %d verdicts", did, len(gate.Verdicts))
	}
}

const gateDir = "HUBWRIGHT_TEST_GATE_DIR"

// TestGateChild is the server that dies with a run at its gate.
func TestGateChild(t *testing.T) {
	dir := os.Getenv(gateDir)
	if dir == "" {
		return // only a body for the child process
	}
	r := newGateRig(t, dir, "2026-11-23 12:00", workflow(step("a", nil)))
	run := r.ask(workflows.Gate{Approval: true, Windows: nights})
	r.stillWaits(run, "it was just made")
	fmt.Println("waiting", run.ID)
	<-t.Context().Done()
}

func TestAWaitingRunSurvivesKillNine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestGateChild$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), gateDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	id := ""
	for lines := bufio.NewScanner(out); id == "" && lines.Scan(); {
		id, _ = strings.CutPrefix(lines.Text(), "waiting ")
		if id == lines.Text() {
			id = ""
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if id == "" {
		t.Fatal("the child never had a waiting run")
	}
	r := newGateRig(t, dir, "2026-11-29 03:00", workflow(step("a", nil))) // the window is just over
	run, err := r.db.Run(t.Context(), id)
	r.must(err)
	r.must(r.decide(run, "bob", true))
	r.stillWaits(run, "after the restart, outside of the window")
	r.clock.set(t, "2026-12-05 21:00")
	r.must(r.eng.Look(id, 1))
	if got := r.ended(id); got.Status != workflows.RunSucceeded {
		t.Errorf("run is %s", got.Status)
	}
	raw, err := r.db.State(t.Context(), id)
	if err != nil || string(raw) != `{"Done":["a"]}` {
		t.Errorf("state is %s, %v", raw, err)
	}
}
