package notify

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/expiry"
	"hubwright/workflows"
)

// records is what a Watcher sees.
type records struct {
	settings map[string]string
	ends     []workflows.AuditEvent
	runs     map[string]workflows.Run
	going    []workflows.Run
	gates    map[string]workflows.Gate
	posted   map[string]Event
	healths  []Health
	items    []expiry.Item
	now      time.Time
	fail     bool
}

func (r *records) Post(_ context.Context, events ...Event) (n int64, err error) {
	if r.fail {
		return 0, context.DeadlineExceeded
	}
	for _, e := range events {
		if _, ok := r.posted[e.Key]; !ok {
			r.posted[e.Key] = e
			n++
		}
	}
	return n, nil
}

func (r *records) Setting(_ context.Context, key string) (string, error) {
	if v, ok := r.settings[key]; ok {
		return v, nil
	}
	return "", workflows.ErrNotFound
}

func (r *records) SetSetting(_ context.Context, key, value string) error {
	r.settings[key] = value
	return nil
}

func (r *records) LastRunEnd(context.Context) (int64, error) {
	if len(r.ends) == 0 {
		return 0, nil
	}
	return r.ends[len(r.ends)-1].Seq, nil
}

func (r *records) RunEnds(_ context.Context, after int64) (out []workflows.AuditEvent, _ error) {
	for _, e := range r.ends {
		if e.Seq > after {
			out = append(out, e)
		}
	}
	return out, nil
}

func (r *records) Run(_ context.Context, id string) (workflows.Run, error) {
	if run, ok := r.runs[id]; ok {
		return run, nil
	}
	return workflows.Run{}, workflows.ErrNotFound
}

func (r *records) UnfinishedRuns(context.Context) ([]workflows.Run, error) { return r.going, nil }

func (r *records) Gate(_ context.Context, id string) (workflows.Gate, error) { return r.gates[id], nil }

func (r *records) titles() []string {
	var out []string
	for _, e := range r.posted {
		out = append(out, e.Title)
	}
	slices.Sort(out)
	return out
}

func (r *records) take() []string {
	out := r.titles()
	clear(r.posted)
	return out
}

func newRecords() *records {
	return &records{settings: map[string]string{}, runs: map[string]workflows.Run{}, posted: map[string]Event{}, now: noon}
}

func (r *records) watcher() *Watcher {
	return NewWatcher(WatcherConfig{Records: r, Posted: func() {}, Settle: 2 * time.Minute, BaseURL: "https://hub.example.com", Clock: func() time.Time { return r.now }, Log: slog.New(slog.DiscardHandler),
		Healths:  func(context.Context) ([]Health, error) { return r.healths, nil },
		Expiries: func(context.Context) ([]expiry.Item, error) { return r.items, nil }})
}

func (r *records) look(t *testing.T, w *Watcher, want ...string) {
	t.Helper()
	if err := w.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, r.take()); diff != "" {
		t.Error(diff)
	}
}

func (r *records) end(seq int64, id, title string, status workflows.RunStatus) {
	r.runs[id] = workflows.Run{ID: id, Title: title, Status: status, Problem: &workflows.Problem{What: "No quota", Fix: "Ask for more."}}
	r.ends = append(r.ends, workflows.AuditEvent{Seq: seq, RunID: id, Detail: map[string]string{"status": string(status)}})
}

// The past is not told; each run that ends is told once, also after a restart
// and when the outbox could not be written.
func TestRunsAreToldOnce(t *testing.T) {
	r := newRecords()
	r.end(7, "run_old", "Old", workflows.RunSucceeded)
	w := r.watcher()
	r.look(t, w)
	r.end(9, "run_1", "Scale", workflows.RunFailed)
	r.end(12, "run_2", "Upgrade", workflows.RunSucceeded)
	r.fail = true
	if w.Look(t.Context()) == nil {
		t.Error("a full disk is no error")
	}
	r.fail = false
	w = r.watcher() // another process
	if err := w.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	var scale Event
	for _, e := range r.posted {
		if strings.HasPrefix(e.Title, "Scale") {
			scale = e
		}
	}
	if scale.Tone != Bad || scale.Text != "No quota." || scale.URL != "https://hub.example.com/runs/run_1" || !slices.Contains(scale.Facts, Fact{"What to do", "Ask for more."}) {
		t.Errorf("%+v", scale)
	}
	if diff := cmp.Diff([]string{"Scale failed", "Upgrade succeeded"}, r.take()); diff != "" {
		t.Error(diff)
	}
	r.end(15, "run_1", "Scale", workflows.RunCancelled)
	r.look(t, w, "Scale was cancelled")
	r.look(t, w)
}

// A health is told when it has lasted, not when it flaps, and not while
// somebody works there.
func TestHealthIsToldWhenItLasts(t *testing.T) {
	r := newRecords()
	w := r.watcher()
	is := func(state, words string) {
		r.healths = []Health{{DeploymentID: "dep_1", Name: "Ratings", State: state, Words: words}}
	}
	is("up", "Operational")
	r.look(t, w) // the first one is no news
	is("down", "Down")
	r.look(t, w)
	r.now = r.now.Add(time.Minute)
	is("up", "Operational")
	r.look(t, w)
	is("down", "Down")
	r.look(t, w)
	r.now = r.now.Add(time.Minute)
	r.look(t, w)
	r.now = r.now.Add(time.Minute)
	r.look(t, w, "Ratings: Down")
	r.now = r.now.Add(time.Hour)
	r.look(t, w)
	is("maintenance", "Maintenance")
	r.now = r.now.Add(time.Hour)
	r.look(t, w)
	is("up", "Operational")
	w = r.watcher() // another process
	r.look(t, w)
	r.now = r.now.Add(2 * time.Minute)
	r.look(t, w, "Ratings: Operational")
}

func TestApprovalsAreTold(t *testing.T) {
	r := newRecords()
	w := r.watcher()
	r.going = []workflows.Run{{ID: "run_1", Title: "Upgrade", Status: workflows.RunWaiting, Attempt: 1}, {ID: "run_2", Title: "Scale", Status: workflows.RunRunning},
		{ID: "run_3", Title: "Rotate", Status: workflows.RunWaiting}, {ID: "run_4", Title: "Add", Status: workflows.RunWaiting}}
	r.gates = map[string]workflows.Gate{"run_1": {Approval: true}, "run_3": {Windows: []workflows.Window{{}}}, "run_4": {Approval: true, Verdicts: []workflows.Verdict{{Approved: true}}}}
	if err := w.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if keys := slices.Collect(maps.Keys(r.posted)); len(keys) != 1 || keys[0] != "approval:run_1:1" || r.posted[keys[0]].Kind != ApprovalWanted {
		t.Errorf("%v", keys)
	}
}

// Each threshold of an end is told once; a new end begins again.
func TestEndsAreToldInTime(t *testing.T) {
	r := newRecords()
	w := r.watcher()
	item := expiry.Item{ID: "credential-stk_1", What: "Client secret", Of: "Stack Seattle", Ends: noon.AddDate(0, 0, 40)}
	support := expiry.Item{ID: "kubernetes-1", What: "Support", Of: "x", Ends: noon.AddDate(0, -1, 0), Support: true}
	r.items = []expiry.Item{item, support}
	var told []string
	seen := map[string]bool{}
	for range 45 * 24 {
		if err := w.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		for key, e := range r.posted {
			if !seen[key] {
				seen[key] = true
				told = append(told, e.Title)
			}
		}
		r.now = r.now.Add(time.Hour)
	}
	want := []string{"Client secret of Stack Seattle: 30 days left", "Client secret of Stack Seattle: 14 days left", "Client secret of Stack Seattle: 7 days left",
		"Client secret of Stack Seattle: 1 day left", "Client secret of Stack Seattle: ends within a day"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	r.items[0].Ends = r.now.AddDate(0, 0, 5)
	r.now = r.now.Add(time.Hour)
	r.posted = map[string]Event{}
	r.look(t, w, "Client secret of Stack Seattle: 4 days left")
}
