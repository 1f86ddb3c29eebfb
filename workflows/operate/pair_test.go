package operate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
	"hubwright/workflows/scale"
)

// road is the Deployment's one name and the Site beside ours.
type road struct {
	b       *bed
	in      map[string]bool
	health  string // of the other Site's endpoint
	noName  bool
	down    int // how many times PutBack does not get through
	moves   []string
	next    operate.Neighbour
	alone   bool
	waived  []string
	took    time.Time
	outLong time.Duration // from the take-out to the work
}

func newRoad(b *bed) *road {
	return &road{b: b, in: map[string]bool{"site_1": true, "site_2": true}, health: w.SiteOnline,
		next: operate.Neighbour{SiteID: "site_2", Name: "Orlando", Health: operate.HealthUp, At: b.now}}
}

func (r *road) State(context.Context, string) ([]w.SiteRotation, error) {
	if r.noName {
		return nil, fmt.Errorf("profile: %w", w.ErrNotFound)
	}
	return []w.SiteRotation{{SiteID: "site_1", InRotation: r.in["site_1"], Health: w.SiteOnline}, {SiteID: "site_2", InRotation: r.in["site_2"], Health: r.health}}, nil
}

func (r *road) TakeOut(_ context.Context, site string) (time.Duration, error) {
	if !r.in["site_2"] {
		return 0, &w.Problem{Code: "rotation.last", What: "It is the last site"}
	}
	r.in[site], r.took = false, r.b.now
	r.moves = append(r.moves, "out")
	return 300 * time.Second, nil
}

func (r *road) PutBack(_ context.Context, site string) error {
	if r.down > 0 {
		r.down--
		return errors.New("management.azure.com does not answer")
	}
	r.in[site] = true
	r.moves = append(r.moves, "back")
	return nil
}

func (r *road) pairing() operate.Pairing {
	return operate.Pairing{
		Neighbours: func(context.Context, string) ([]operate.Neighbour, error) {
			if r.alone {
				return nil, nil
			}
			return []operate.Neighbour{r.next}, nil
		},
		Waived:   func(context.Context, string) ([]string, error) { return r.waived, nil },
		Rotation: r,
	}
}

type disturbance struct {
	operate.Change
	operate.Pair
}

// disturbing is a workflow of two steps that goes through Careful.
func (r *road) disturbing(work func(ctx context.Context) error) w.Definition {
	n := r.b.needs()
	n.Pairing = r.pairing()
	e := operate.New(n)
	always := func(*disturbance) bool { return true }
	return operate.Careful(e, w.Workflow[disturbance]{
		ID: "upgrade", Scope: w.ScopeSite,
		Begin: func(ctx context.Context, t w.Target) (*disturbance, error) {
			c, err := e.BeginChange(ctx, t)
			return &disturbance{Change: c}, err
		},
		Plan: func(context.Context, *disturbance) (w.Plan, error) { return w.Plan{Title: "Disturb"}, nil },
		Steps: []w.Step[disturbance]{
			{ID: "prepare", Run: func(context.Context, *disturbance, w.Log) error { return nil }},
			{ID: "work", Run: func(ctx context.Context, _ *disturbance, _ w.Log) error {
				r.outLong = r.b.now.Sub(r.took)
				r.moves = append(r.moves, fmt.Sprintf("work, in rotation: %v", r.in["site_1"]))
				return work(ctx)
			}},
		},
	}, func(s *disturbance) *operate.Change { return &s.Change }, func(s *disturbance) *operate.Pair { return &s.Pair }, always).Erase()
}

// attempt does what the engine of runs does: steps in their order from one on,
// after a failure only those that always run, the state stored after each.
// killed is the step in which the server dies once: what it did is done, and
// what it knew is lost.
func (r *road) attempt(def w.Definition, state []byte, from, killed string) (after []byte, failed string, err error) {
	begun := from == ""
	for _, st := range def.Info().Steps {
		if begun = begun || st.ID == from; !begun || err != nil && !st.Always {
			continue
		}
		x, rerr := def.Resume(state)
		if rerr != nil {
			r.b.t.Fatal(rerr)
		}
		if !x.Applies(st.ID) {
			continue
		}
		if st.ID == killed {
			ctx, cancel := context.WithCancelCause(context.Background())
			cancel(w.ErrStopping)
			_ = x.Run(ctx, st.ID, r.b.log)
			x, _ = def.Resume(state)
		}
		serr := x.Run(context.Background(), st.ID, r.b.log)
		if state, rerr = x.State(); rerr != nil {
			r.b.t.Fatal(rerr)
		}
		if serr != nil && err == nil {
			failed, err = st.ID, serr
		}
	}
	return state, failed, err
}

func (r *road) opened(def w.Definition, clients string) w.Session {
	r.b.t.Helper()
	s, err := def.Open(context.Background(), w.Target{SiteID: "site_1"}, w.Answers{"clients": clients})
	if err != nil || len(s.Errors()) > 0 {
		r.b.t.Fatal(err, s.Errors())
	}
	return s
}

func (r *road) answered(def w.Definition, clients string) []byte {
	r.b.t.Helper()
	state, err := r.opened(def, clients).State()
	if err != nil {
		r.b.t.Fatal(err)
	}
	return state
}

func fine(context.Context) error { return nil }

func TestWhatTheOtherSiteForbids(t *testing.T) {
	passed, warn, fail, skip := w.CheckPassed, w.CheckWarning, w.CheckFailed, w.CheckSkipped
	run := func(id string, status w.RunStatus) []w.Run {
		return []w.Run{{Number: 7, Title: "Upgrade it", WorkflowID: id, Status: status}}
	}
	for _, tt := range []struct {
		name, check string
		set         func(*road)
		status      w.CheckStatus
		found       string
		refused     string // code with which a run that begins now is refused
	}{
		{"healthy", "pair-health", func(*road) {}, passed, "Orlando is healthy.", ""},
		{"degraded", "pair-health", func(r *road) { r.next.Health, r.next.Why = operate.HealthDegraded, "5 of 6 nodes Ready" }, fail, "Orlando is degraded (5 of 6 nodes Ready).", "pair.health"},
		{"down", "pair-health", func(r *road) { r.next.Health = operate.HealthDown }, fail, "Orlando is down.", "pair.health"},
		{"stale", "pair-health", func(r *road) { r.next.Health = operate.HealthUnknown }, warn, "Orlando (asked last at 10:00:00 UTC on 23 Nov)", ""},
		{"never asked", "pair-health", func(r *road) { r.next.Health, r.next.At = operate.HealthUnknown, time.Time{} }, warn, "Orlando (never asked)", ""},
		{"no other cluster", "pair-health", func(r *road) { r.alone = true }, skip, "No other site", ""},
		{"in rotation", "pair-rotation", func(*road) {}, passed, "leads to every other site", ""},
		{"out of rotation", "pair-rotation", func(r *road) { r.in["site_2"] = false }, fail, "Orlando is out of rotation.", "pair.rotation"},
		{"endpoint is silent", "pair-rotation", func(r *road) { r.health = w.SiteDegraded }, fail, "its endpoint does not answer", "pair.rotation"},
		{"no name", "pair-rotation", func(r *road) { r.noName = true }, skip, "no name", ""},
		{"nothing goes on", "pair-idle", func(*road) {}, passed, "No run disturbs another site.", ""},
		{"an upgrade goes on", "pair-idle", func(r *road) { r.next.Runs = run("upgrade", w.RunRunning) }, fail, "Run 7 (Upgrade it) goes on at Orlando.", "pair.idle"},
		{"an upgrade is being cancelled", "pair-idle", func(r *road) { r.next.Runs = run("upgrade", w.RunCancelling) }, fail, "goes on at Orlando", "pair.idle"},
		{"an upgrade waits", "pair-idle", func(r *road) { r.next.Runs = run("upgrade", w.RunWaiting) }, passed, "No run disturbs another site.", ""},
		{"logs are collected", "pair-idle", func(r *road) { r.next.Runs = run("collect-logs", w.RunRunning) }, passed, "No run disturbs another site.", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRoad(newBed(t))
			tt.set(r)
			def := r.disturbing(fine)
			f := r.opened(def, "stay").RunCheck(context.Background(), tt.check)
			if f.Status != tt.status || !strings.Contains(f.Found, tt.found) {
				t.Errorf("%+v", f)
			}
			if (f.Status == warn || f.Status == fail) && f.Remedy == "" {
				t.Error("no remedy")
			}
			_, step, err := r.attempt(def, r.answered(def, "stay"), "", "")
			var p *w.Problem
			if errors.As(err, &p); tt.refused == "" && err != nil || tt.refused != "" && (p == nil || p.Code != tt.refused || step != "neighbours") {
				t.Errorf("the run: %s, %v", step, err)
			}
			if worked := slices.Contains(r.moves, "work, in rotation: true"); worked != (tt.refused == "") {
				t.Errorf("moves: %v", r.moves)
			}
			r.waived = []string{tt.check}
			if _, _, err := r.attempt(def, r.answered(def, "stay"), "", ""); err != nil {
				t.Errorf("waived: %v", err)
			}
		})
	}
}

func TestASiteIsTakenOutAndPutBack(t *testing.T) {
	broken := errors.New("the engine failed")
	for _, tt := range []struct {
		name, killed string
		set          func(*road)
		work         func(context.Context) error
		want         []string
		failed       string
	}{
		{name: "all goes well", work: fine, want: []string{"out", "work, in rotation: false", "back"}},
		{name: "fails midway", work: func(context.Context) error { return broken }, want: []string{"out", "work, in rotation: false", "back"}, failed: "work"},
		{name: "cancelled midway", work: func(context.Context) error { return context.Canceled }, want: []string{"out", "work, in rotation: false", "back"}, failed: "work"},
		{name: "server killed while it is taken out", killed: "take-out", work: fine, want: []string{"out", "out", "work, in rotation: false", "back"}},
		{name: "server killed while it is out", killed: "work", work: fine, want: []string{"out", "work, in rotation: false", "work, in rotation: false", "back"}},
		{name: "server killed while it is put back", killed: "put-back", work: fine, want: []string{"out", "work, in rotation: false", "back", "back"}},
		{name: "traffic manager is away for a while", set: func(r *road) { r.down = 3 }, work: fine, want: []string{"out", "work, in rotation: false", "back"}},
		{name: "traffic manager stays away", set: func(r *road) { r.down = 99 }, work: fine, want: []string{"out", "work, in rotation: false"}, failed: "put-back"},
		{name: "somebody took it out before", set: func(r *road) { r.in["site_1"] = false }, work: fine, want: []string{"work, in rotation: false"}},
		{name: "the name is gone", set: func(r *road) { r.noName = true }, work: fine, failed: "neighbours"},
		{name: "the other is ill", set: func(r *road) { r.next.Health = operate.HealthDown }, work: fine, failed: "neighbours"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRoad(newBed(t))
			def := r.disturbing(tt.work)
			state := r.answered(def, "out")
			if tt.set != nil {
				tt.set(r)
			}
			_, failed, err := r.attempt(def, state, "", tt.killed)
			if failed != tt.failed {
				t.Errorf("failed at %q: %v", failed, err)
			}
			if diff := cmp.Diff(tt.want, r.moves); diff != "" {
				t.Error(diff)
			}
			if slices.Contains(r.moves, "out") && r.outLong < 300*time.Second {
				t.Errorf("clients knew the site when it was disturbed %s after", r.outLong)
			}
		})
	}
}

// A retry goes on at the step that failed, after clients were led back: they
// are led away once more first.
func TestARetryTakesTheSiteOutAgain(t *testing.T) {
	r := newRoad(newBed(t))
	tries := 0
	def := r.disturbing(func(context.Context) error {
		if tries++; tries == 1 {
			return errors.New("not yet")
		}
		return nil
	})
	state, failed, _ := r.attempt(def, r.answered(def, "out"), "", "")
	if failed != "work" || !r.in["site_1"] {
		t.Fatalf("failed at %q, in rotation %v", failed, r.in)
	}
	r.next.Health = operate.HealthDown
	if _, failed, err := r.attempt(def, state, "work", ""); failed != "work" || !strings.Contains(err.Error(), "Orlando is down") {
		t.Errorf("a retry while the other is down: %q, %v", failed, err)
	}
	r.next.Health, r.moves = operate.HealthUp, nil
	if _, failed, err := r.attempt(def, state, "work", ""); failed != "" {
		t.Errorf("the retry failed at %q: %v", failed, err)
	}
	if diff := cmp.Diff([]string{"out", "work, in rotation: false", "back"}, r.moves); diff != "" {
		t.Error(diff)
	}
}

func TestThePlanTellsOfClients(t *testing.T) {
	r := newRoad(newBed(t))
	def := r.disturbing(fine)
	for clients, want := range map[string]string{"stay": "stay as they are", "out": "are led to the other sites first, and back at the end"} {
		p, err := r.opened(def, clients).Plan(context.Background())
		if err != nil || len(p.Summary) != 1 || p.Summary[0].Value != want || len(p.Changes) != map[string]int{"out": 1}[clients] {
			t.Errorf("%s: %+v, %v", clients, p, err)
		}
	}
	r.noName = true
	page, _ := r.opened(def, "stay").Page(context.Background(), "clients")
	if o := page.Fields[0].Options; len(o) != 2 || !o[1].Disabled || !strings.Contains(o[1].Note, "no name") {
		t.Errorf("without a name: %+v", page.Fields)
	}
}

// Scaling out disturbs nobody.
func TestOnlyDisturbingRunsMindOthers(t *testing.T) {
	b := newBed(t)
	r := newRoad(b)
	n := b.needs()
	n.Pairing = r.pairing()
	for count, want := range map[string]bool{"5": false, "2": true} {
		s, err := scale.New(n).Open(context.Background(), w.Target{SiteID: "site_1"}, w.Answers{"count": count})
		if err != nil {
			t.Fatal(err)
		}
		has := slices.ContainsFunc(s.Checks(), func(c w.CheckInfo) bool { return c.ID == "pair-health" })
		pages := slices.ContainsFunc(s.Pages(), func(p w.PageView) bool { return p.ID == "clients" })
		state, _ := s.State()
		x, _ := scale.New(n).Resume(state)
		if has != want || pages != want || x.Applies("neighbours") != want {
			t.Errorf("to %s nodes: check %v, page %v, step %v", count, has, pages, x.Applies("neighbours"))
		}
	}
}
