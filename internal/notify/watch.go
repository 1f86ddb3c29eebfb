package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"hubwright/internal/expiry"
	"hubwright/workflows"
)

// Records is where the Watcher looks and what it remembers.
type Records interface {
	Post(ctx context.Context, events ...Event) (int64, error)
	// Setting of a key that was never set is workflows.ErrNotFound.
	Setting(ctx context.Context, key string) (string, error)
	SetSetting(ctx context.Context, key, value string) error
	LastRunEnd(ctx context.Context) (int64, error)
	RunEnds(ctx context.Context, after int64) ([]workflows.AuditEvent, error)
	Run(ctx context.Context, id string) (workflows.Run, error)
	UnfinishedRuns(ctx context.Context) ([]workflows.Run, error)
	// Gate of a run that waits for nothing is empty.
	Gate(ctx context.Context, runID string) (workflows.Gate, error)
}

// Health is how a Deployment is.
type Health struct {
	DeploymentID, Name string
	State              string // as the status page has it: up, degraded, down, stale, maintenance, unknown
	Words, Lead        string // "Degraded", and a sentence
}

// WatcherConfig is what a Watcher is made of. All fields are required.
type WatcherConfig struct {
	Records  Records
	Healths  func(ctx context.Context) ([]Health, error)
	Expiries func(ctx context.Context) ([]expiry.Item, error)
	Posted   func()        // called when the outbox got something new
	Settle   time.Duration // how long a health has to last before it is told
	BaseURL  string        // of this server, without a slash at its end
	Clock    func() time.Time
	Log      *slog.Logger
}

// Watcher looks for events. It reads what is stored anyway, so that no run
// waits for it, and what happened while it was away is found afterwards.
type Watcher struct {
	WatcherConfig
	seen     map[string]sighting // a health that is not told yet, by Deployment
	expiries time.Time           // looked at last
}

type sighting struct {
	state string
	since time.Time
}

// NewWatcher makes a Watcher.
func NewWatcher(c WatcherConfig) *Watcher {
	return &Watcher{WatcherConfig: c, seen: map[string]sighting{}}
}

const looking = 3 * time.Second

// Run looks until the context ends.
func (w *Watcher) Run(ctx context.Context) {
	beat := time.NewTicker(looking)
	defer beat.Stop()
	for {
		if err := w.Look(ctx); err != nil && ctx.Err() == nil {
			w.Log.Error("looking for events to tell of", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
	}
}

// Look looks once.
func (w *Watcher) Look(ctx context.Context) error {
	return errors.Join(w.runs(ctx), w.approvals(ctx), w.healths(ctx), w.ends(ctx))
}

func (w *Watcher) post(ctx context.Context, events ...Event) error {
	n, err := w.Records.Post(ctx, events...)
	if n > 0 {
		w.Posted()
	}
	return err
}

const (
	runsTold    = "notify.runs"    // number of the last event that was told
	healthsTold = "notify.healths" // JSON, by Deployment
)

// runs tells of runs that ended. It begins with the first one that ends after
// it was made: nobody wants the past as mail.
func (w *Watcher) runs(ctx context.Context) error {
	text, err := w.Records.Setting(ctx, runsTold)
	if errors.Is(err, workflows.ErrNotFound) {
		last, err := w.Records.LastRunEnd(ctx)
		if err != nil {
			return err
		}
		return w.Records.SetSetting(ctx, runsTold, strconv.FormatInt(last, 10))
	}
	if err != nil {
		return err
	}
	told, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return err
	}
	ends, err := w.Records.RunEnds(ctx, told)
	if err != nil || len(ends) == 0 {
		return err
	}
	var events []Event
	for _, e := range ends {
		told = e.Seq
		run, err := w.Records.Run(ctx, e.RunID)
		if errors.Is(err, workflows.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		events = append(events, w.runEnded(run, e))
	}
	if err := w.post(ctx, events...); err != nil {
		return err
	}
	return w.Records.SetSetting(ctx, runsTold, strconv.FormatInt(told, 10))
}

// runEnded takes the status from the record: the run may have been tried again
// since.
func (w *Watcher) runEnded(run workflows.Run, e workflows.AuditEvent) Event {
	status := e.Detail["status"]
	if status == "" {
		status = string(run.Status)
	}
	ev := Event{Key: "run:" + run.ID + ":" + strconv.FormatInt(e.Seq, 10), Kind: RunEnded, At: e.At, Title: run.Title + " " + status,
		DeploymentID: run.Target.DeploymentID, URL: w.BaseURL + "/runs/" + run.ID, Tone: Info,
		Facts: []Fact{{"Run", strconv.Itoa(run.Number)}, {"Started by", run.CreatedBy}}}
	switch workflows.RunStatus(status) {
	case workflows.RunSucceeded:
		ev.Tone = Good
	case workflows.RunFailed:
		ev.Tone = Bad
	case workflows.RunCancelled:
		ev.Title, ev.Tone = run.Title+" was cancelled", Warn
	}
	if run.Problem != nil && ev.Tone == Bad {
		ev.Text = run.Problem.Error() + "."
		if run.Problem.Fix != "" {
			ev.Facts = append(ev.Facts, Fact{"What to do", run.Problem.Fix})
		}
	}
	return ev
}

// approvals tells of runs that wait for a second person.
func (w *Watcher) approvals(ctx context.Context) error {
	going, err := w.Records.UnfinishedRuns(ctx)
	if err != nil {
		return err
	}
	var events []Event
	for _, r := range going {
		if r.Status != workflows.RunWaiting {
			continue
		}
		gate, err := w.Records.Gate(ctx, r.ID)
		if err != nil {
			return err
		}
		if gate.Approved() {
			continue // it waits for its time
		}
		events = append(events, Event{Key: fmt.Sprintf("approval:%s:%d", r.ID, r.Attempt), Kind: ApprovalWanted, At: w.Clock(), Title: r.Title + " needs an approval", Text: "Somebody who did not ask for it may approve or reject it.",
			DeploymentID: r.Target.DeploymentID, URL: w.BaseURL + "/runs/" + r.ID, Tone: Warn,
			Facts: []Fact{{"Run", strconv.Itoa(r.Number)}, {"Started by", r.CreatedBy}}})
	}
	return w.post(ctx, events...)
}

// healths tells of a Deployment's new health when that has lasted.
func (w *Watcher) healths(ctx context.Context) error {
	told := map[string]string{}
	text, err := w.Records.Setting(ctx, healthsTold)
	if err == nil {
		err = json.Unmarshal([]byte(text), &told)
	}
	if err != nil && !errors.Is(err, workflows.ErrNotFound) {
		return err
	}
	all, err := w.Healths(ctx)
	if err != nil {
		return err
	}
	changed := false
	now := w.Clock()
	for _, h := range all {
		old := told[h.DeploymentID]
		if h.State == old || h.State == "unknown" || h.State == "maintenance" {
			delete(w.seen, h.DeploymentID)
			continue
		}
		s, ok := w.seen[h.DeploymentID]
		if !ok || s.state != h.State {
			s = sighting{h.State, now}
			w.seen[h.DeploymentID] = s
		}
		if old != "" && now.Sub(s.since) < w.Settle {
			continue
		}
		if old != "" {
			if err := w.post(ctx, w.healthChanged(h, s.since)); err != nil {
				return err
			}
		}
		told[h.DeploymentID], changed = h.State, true
		delete(w.seen, h.DeploymentID)
	}
	if !changed {
		return nil
	}
	b, err := json.Marshal(told)
	if err != nil {
		return err
	}
	return w.Records.SetSetting(ctx, healthsTold, string(b))
}

func (w *Watcher) healthChanged(h Health, since time.Time) Event {
	tone, ok := map[string]Tone{"up": Good, "down": Bad}[h.State]
	if !ok {
		tone = Warn
	}
	return Event{Key: fmt.Sprintf("health:%s:%d", h.DeploymentID, since.UnixNano()), Kind: HealthChanged, At: since, Title: h.Name + ": " + h.Words, Text: h.Lead,
		DeploymentID: h.DeploymentID, URL: w.BaseURL + "/status/" + h.DeploymentID, Tone: tone}
}

const expiryEvery = 10 * time.Minute

// ends tells of what ends soon, once for each threshold.
func (w *Watcher) ends(ctx context.Context) error {
	now := w.Clock()
	if now.Sub(w.expiries) < expiryEvery {
		return nil
	}
	items, err := w.Expiries(ctx)
	if err != nil {
		return err
	}
	var events []Event
	for _, i := range items {
		t, near := i.Threshold(now)
		if !near || i.Support && i.Ends.Before(now) {
			continue
		}
		tone := Warn
		if t <= 1 {
			tone = Bad
		}
		events = append(events, Event{Key: fmt.Sprintf("expiry:%s:%s:%d", i.ID, i.Ends.UTC().Format(time.DateOnly), t), Kind: ExpiryNear, At: now,
			Title: i.What + " of " + i.Of + ": " + i.Left(now), Text: i.Fix, DeploymentID: i.DeploymentID, URL: w.BaseURL + i.URL, Tone: tone,
			Facts: []Fact{{"Ends", i.Ends.UTC().Format("2 Jan 2006, 15:04 UTC")}}})
	}
	if err := w.post(ctx, events...); err != nil {
		return err
	}
	w.expiries = now
	return nil
}
