// Package preflight runs the checks of a draft in the background and stores
// what they find, so that every page and every person sees the same results
// and a slow check never holds up a page.
package preflight

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"hubwright/workflows"
)

// parallel is how many checks of a draft run side by side: enough to hide slow
// ones, few enough not to look like an attack to a Hub.
const parallel = 4

// Records is what the runner reads and writes.
type Records interface {
	Draft(ctx context.Context, id string) (workflows.Draft, error)
	CheckResults(ctx context.Context, draftID string) ([]workflows.CheckResult, error)
	SaveCheckResult(ctx context.Context, draftID string, r workflows.CheckResult) error
}

// Notifier tells readers that there is news about a topic.
type Notifier interface{ Notify(topic string) }

// Runner runs checks. Its zero value does not work; use New.
type Runner struct {
	records   Records
	catalogue workflows.Catalogue
	news      Notifier
	log       *slog.Logger
	clock     func() time.Time
	ctx       context.Context
	stop      context.CancelFunc
	wg        sync.WaitGroup

	mu      sync.Mutex
	running map[string]context.CancelFunc // by draft id
}

// New makes a Runner. Close ends the checks that are under way.
func New(ctx context.Context, records Records, catalogue workflows.Catalogue, news Notifier, log *slog.Logger, clock func() time.Time) *Runner {
	r := &Runner{records: records, catalogue: catalogue, news: news, log: log, clock: clock, running: map[string]context.CancelFunc{}}
	r.ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	return r
}

// Close stops all checks and waits for their ends to be stored.
func (r *Runner) Close() {
	r.stop()
	r.wg.Wait()
}

// Topic is the live topic of a draft.
func Topic(draftID string) string { return "draft:" + draftID }

// Start runs all checks of the draft as it is saved now. Checks of an earlier
// version that are still under way are abandoned.
func (r *Runner) Start(ctx context.Context, draft workflows.Draft) error {
	def, ok := r.catalogue.Find(draft.WorkflowID)
	if !ok {
		return workflows.ErrNotFound
	}
	session, err := def.Open(ctx, draft.Target, draft.Answers)
	if err != nil {
		return err
	}
	for _, c := range session.Checks() {
		pending := workflows.CheckResult{CheckID: c.ID, Finding: workflows.Finding{Status: workflows.CheckPending}, DraftVersion: draft.Version}
		if err := r.records.SaveCheckResult(ctx, draft.ID, pending); err != nil {
			return err
		}
	}
	run, cancel := context.WithCancel(r.ctx)
	r.mu.Lock()
	if old := r.running[draft.ID]; old != nil {
		old()
	}
	r.running[draft.ID] = cancel
	r.mu.Unlock()
	r.wg.Add(1)
	go func() {
		defer r.wg.Done()
		defer cancel()
		r.all(run, draft, session)
	}()
	return nil
}

// Running says whether checks of the draft are under way in this process. A
// result that is pending or running while this is false was cut off by a
// restart.
func (r *Runner) Running(draftID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[draftID] != nil
}

func (r *Runner) all(ctx context.Context, draft workflows.Draft, session workflows.Session) {
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for _, c := range session.Checks() {
		slots <- struct{}{}
		wg.Add(1)
		go func() {
			defer func() { <-slots; wg.Done() }()
			r.one(ctx, draft, session, c.ID)
		}()
	}
	wg.Wait()
	r.mu.Lock()
	if ctx.Err() == nil { // else a newer start owns the entry
		delete(r.running, draft.ID)
	}
	r.mu.Unlock()
	r.news.Notify(Topic(draft.ID))
}

func (r *Runner) one(ctx context.Context, draft workflows.Draft, session workflows.Session, checkID string) {
	if ctx.Err() != nil {
		return
	}
	res := workflows.CheckResult{CheckID: checkID, DraftVersion: draft.Version, StartedAt: r.clock()}
	res.Status = workflows.CheckRunning
	r.save(ctx, draft.ID, res)
	res.Finding = safely(ctx, session, checkID)
	res.EndedAt = r.clock()
	if ctx.Err() != nil {
		return
	}
	r.save(ctx, draft.ID, res)
}

func (r *Runner) save(ctx context.Context, draftID string, res workflows.CheckResult) {
	if err := r.records.SaveCheckResult(context.WithoutCancel(ctx), draftID, res); err != nil {
		r.log.Error("storing a check's result", "check", res.CheckID, "err", err)
	}
	r.news.Notify(Topic(draftID))
}

func safely(ctx context.Context, s workflows.Session, id string) (f workflows.Finding) {
	defer func() {
		if p := recover(); p != nil {
			f = workflows.Fail("The check stopped on a fault in Hubwright itself.", "Run it again; report it if it happens twice.")
		}
	}()
	return s.RunCheck(ctx, id)
}

// Verdict is what a draft's results allow.
type Verdict struct {
	Waiting  int // pending or running
	Passed   int
	Warnings int
	Blocking []string // ids of checks that forbid the start
	Stale    bool     // some result is missing or of an earlier version
}

// Ready says whether a run may start.
func (v Verdict) Ready() bool { return v.Waiting == 0 && !v.Stale && len(v.Blocking) == 0 }

// Judge weighs the results of the checks that apply to one version of a draft.
func Judge(checks []workflows.CheckInfo, results []workflows.CheckResult, version int) Verdict {
	byID := map[string]workflows.CheckResult{}
	for _, r := range results {
		byID[r.CheckID] = r
	}
	var v Verdict
	for _, c := range checks {
		r, ok := byID[c.ID]
		if !ok || r.DraftVersion != version {
			v.Stale = true
			continue
		}
		switch r.Status {
		case workflows.CheckPending, workflows.CheckRunning:
			v.Waiting++
		case workflows.CheckPassed, workflows.CheckSkipped:
			v.Passed++
		case workflows.CheckWarning, workflows.CheckWaived:
			v.Warnings++
		case workflows.CheckFailed:
			if c.Severity == workflows.SeverityWarn {
				v.Warnings++
			} else {
				v.Blocking = append(v.Blocking, c.ID)
			}
		}
	}
	return v
}
