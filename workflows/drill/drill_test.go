package drill_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/drill"
)

// world is two Sites behind a name, with a clock that only waiting moves.
type world struct {
	now      time.Time
	in       []bool // Sites in rotation
	sick     []bool
	lastOut  time.Time
	ttl      time.Duration
	turn     int
	outs     int
	backs    int
	kept     []byte
	after    func(w *world) // called at each pause
	dead     bool           // the server is killed: its step's pauses return an error
	away     time.Duration  // until it is started again
	measured w.DrillReport
}

func newWorld() *world {
	return &world{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), in: []bool{true, true}, sick: []bool{false, false}, ttl: 20 * time.Second}
}

func (x *world) Deployment(context.Context, string) (w.Deployment, error) {
	return w.Deployment{ID: "d", Name: "Ratings"}, nil
}

func (x *world) Sites(context.Context, string) ([]w.Site, error) {
	return []w.Site{{ID: "a", Name: "Seattle"}, {ID: "b", Name: "Orlando"}}, nil
}

func (x *world) TrafficProfile(context.Context, string) (w.TrafficProfile, error) {
	return w.TrafficProfile{Kind: w.TrafficAzure, FQDN: "r.trafficmanager.net", TTL: int(x.ttl.Seconds()), Probe: w.TrafficProbe{IntervalSeconds: 10, TimeoutSeconds: 5},
		Endpoints: []w.TrafficEndpoint{{SiteID: "a", Enabled: true}, {SiteID: "b", Enabled: true}}}, nil
}

func (x *world) State(context.Context, string) ([]w.SiteRotation, error) {
	health := func(i int) string {
		if x.sick[i] {
			return w.SiteDegraded
		}
		return w.SiteOnline
	}
	return []w.SiteRotation{{SiteID: "a", InRotation: x.in[0], Health: health(0)}, {SiteID: "b", InRotation: x.in[1], Health: health(1)}}, nil
}

func (x *world) TakeOut(_ context.Context, id string) (time.Duration, error) {
	x.outs++
	x.in[slices.Index([]string{"a", "b"}, id)] = false
	x.lastOut = x.now
	return x.ttl, nil
}

func (x *world) PutBack(_ context.Context, id string) error {
	x.backs++
	x.in[slices.Index([]string{"a", "b"}, id)] = true
	return nil
}

// Where answers the Sites by turns, those that are out or sick left out.
func (x *world) Where(context.Context) ([]string, error) {
	for range 2 {
		x.turn++
		if i := x.turn % 2; x.in[i] && !x.sick[i] {
			return []string{[]string{"a", "b"}[i]}, nil
		}
	}
	return nil, errors.New("nobody")
}

func (x *world) Visit(context.Context) (int, error) { return 200, nil }

func (x *world) definition(front drill.Front) w.Definition {
	return drill.New(drill.Needs{
		Records: x, Rotation: x, Clock: func() time.Time { return x.now },
		OpenFront: func(context.Context, string) (drill.Front, error) { return front, nil },
		Pause: func(ctx context.Context, d time.Duration) error {
			x.now = x.now.Add(d)
			if x.after != nil {
				x.after(x)
			}
			if x.dead {
				return w.ErrStopping
			}
			return ctx.Err()
		},
		Keep: func(_ context.Context, runID, name string, fill func(io.Writer) error) (string, int64, error) {
			var b bytes.Buffer
			err := fill(&b)
			x.kept = b.Bytes()
			return runID + "/" + name, int64(b.Len()), err
		},
		Kept: func(string, string) (io.ReadCloser, error) {
			if x.kept == nil {
				return nil, w.ErrNotFound
			}
			return io.NopCloser(bytes.NewReader(x.kept)), nil
		},
	})
}

func (x *world) run(t *testing.T, front drill.Front, a w.Answers) error {
	t.Helper()
	return x.runUntil(t.Context(), t, front, a)
}

// runUntil plays the steps as the engine does: after a failure only those that
// are always run, and those with a context that goes on.
func (x *world) runUntil(ctx context.Context, t *testing.T, front drill.Front, a w.Answers) error {
	t.Helper()
	def := x.definition(front)
	s, err := def.Open(t.Context(), w.Target{DeploymentID: "d"}, a)
	if err != nil || len(s.Errors()) > 0 {
		t.Fatal(err, s.Errors())
	}
	state, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	e, err := def.Resume(state)
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	for _, step := range def.Info().Steps {
		if failed != nil && !step.Always {
			continue
		}
		use := ctx
		if step.Always {
			use = t.Context()
		}
		use = w.WithOrigin(use, w.Origin{RunID: "run_1"})
		err := e.Run(use, step.ID, silent{})
		if x.dead { // what the step knew is lost with the server
			x.dead, x.now = false, x.now.Add(x.away)
			if e, err = def.Resume(state); err != nil {
				t.Fatal(err)
			}
			err = e.Run(use, step.ID, silent{})
		}
		if state, _ = e.State(); err != nil && failed == nil {
			failed = err
		}
	}
	if x.kept != nil {
		if err := json.Unmarshal(x.kept, &x.measured); err != nil {
			t.Fatal(err)
		}
	}
	return failed
}

func TestASiteIsTakenOutAndPutBack(t *testing.T) {
	x := newWorld()
	if err := x.run(t, x, w.Answers{"site": "b", "how": drill.TakeOut, "interval": "2"}); err != nil {
		t.Fatal(err)
	}
	r := x.measured
	if x.outs != 1 || x.backs != 1 || !x.in[1] {
		t.Errorf("out %d times, back %d times, in rotation %v", x.outs, x.backs, x.in)
	}
	// 8 looks before, then the time to live and 5 looks: 15, then those until
	// Orlando's turn comes.
	if r.Failed != 0 || r.Requests < 24 || r.LeftAfter != 0 || r.BackAfter < 0 || r.BackAfter > 4*time.Second {
		t.Errorf("numbers %+v", r.DrillNumbers)
	}
}

// failing is a name whose second Site is broken from a time on.
type failing struct {
	*world
	last   string
	broken bool
	wrong  bool // the newest answer
}

func (f *failing) Where(ctx context.Context) ([]string, error) {
	sites, err := f.world.Where(ctx)
	if err == nil {
		f.last = sites[0]
	}
	return sites, err
}

func (f *failing) Visit(context.Context) (int, error) {
	if f.wrong = f.broken && f.last == "b"; f.wrong {
		return 503, nil
	}
	return 200, nil
}

func TestAnOutageIsMeasured(t *testing.T) {
	x := newWorld()
	f := &failing{world: x}
	begun := x.now
	x.after = func(x *world) {
		at := x.now.Sub(begun)
		f.broken = at > 20*time.Second && at < 120*time.Second
		x.sick[1] = at > 40*time.Second && at < 120*time.Second // noticed after twenty seconds
	}
	if err := x.run(t, f, w.Answers{"site": "b", "how": drill.Outage, "interval": "2", "minutes": "10"}); err != nil {
		t.Fatal(err)
	}
	r := x.measured
	// Looks at 22 s to 40 s: ten, every second one leads to the broken Site.
	if r.Failed != 5 || r.Longest > 4*time.Second || r.Broken < 14*time.Second || r.Broken > 20*time.Second {
		t.Errorf("numbers %+v", r.DrillNumbers)
	}
	if x.outs != 0 || x.backs != 0 {
		t.Error("the drill touched the rotation")
	}
	if len(r.Events) < 4 || r.Events[1].Text != "Orlando is found degraded" {
		t.Errorf("events %+v", r.Events)
	}
	if r.LeftAfter < 0 || r.BackAfter < 0 {
		t.Errorf("left after %s, back after %s", r.LeftAfter, r.BackAfter)
	}
}

func TestTheSiteIsPutBackWhateverHappens(t *testing.T) {
	x := newWorld()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	x.after = func(x *world) {
		if x.outs > 0 && x.now.Sub(x.lastOut) > 6*time.Second {
			cancel()
		}
	}
	err := x.runUntil(ctx, t, x, w.Answers{"site": "b", "how": drill.TakeOut})
	if !errors.Is(err, context.Canceled) || !x.in[1] || x.backs != 1 || x.kept == nil {
		t.Errorf("%v, in rotation %v, back %d times, report of %d bytes", err, x.in, x.backs, len(x.kept))
	}
}

// A server that is killed while the Site is lost loses nothing of what it
// measured, goes on, and says how long it did not measure.
func TestADrillOutlivesItsServer(t *testing.T) {
	const away = 30 * time.Second
	for _, how := range []string{drill.TakeOut, drill.Outage} {
		t.Run(how, func(t *testing.T) {
			x := newWorld()
			x.away = away
			f := &failing{world: x}
			begun, failed, asked, killed := x.now, 0, 0, false
			x.after = func(x *world) {
				at := x.now.Sub(begun)
				if f.wrong {
					failed++
				}
				asked++
				f.broken = how == drill.Outage && at > 20*time.Second && at < 150*time.Second
				x.sick[1] = f.broken && at > 80*time.Second
				if at > 30*time.Second && !killed {
					x.dead, killed = true, true
				}
			}
			if err := x.run(t, f, w.Answers{"site": "b", "how": how, "interval": "2", "minutes": "10"}); err != nil {
				t.Fatal(err)
			}
			r := x.measured
			if r.Failed != failed || r.Requests != asked || failed == 0 && how == drill.Outage {
				t.Errorf("the report has %d of %d failed, a user %d of %d", r.Failed, r.Requests, failed, asked)
			}
			if len(r.Gaps) != 1 || r.Gaps[0].To-r.Gaps[0].From < away || r.Gaps[0].To-r.Gaps[0].From > away+3*time.Second || r.Going {
				t.Errorf("gaps %v, goes on %v", r.Gaps, r.Going)
			}
			if r.Longest > 10*time.Second {
				t.Errorf("%s without an answer: the time in which nobody asked is counted", r.Longest)
			}
			var told []string
			for _, e := range r.Events {
				told = append(told, e.Text)
			}
			if !x.in[1] || how == drill.TakeOut && (x.backs != 1 || r.LeftAfter < 0) || how == drill.Outage && !slices.Contains(told, "Users have left Orlando") {
				t.Errorf("in rotation %v, back %d times, left after %s, events %q", x.in, x.backs, r.LeftAfter, told)
			}
			if n := slices.Index(told, "Measured again, after 32 s in which nothing was"); n != 1 {
				t.Errorf("events %q", told)
			}
		})
	}
}

func TestADrillThatWouldBeAnOutageIsRefused(t *testing.T) {
	for name, hurt := range map[string]func(x *world){
		"the other Site is out":  func(x *world) { x.in[0] = false },
		"the other Site is sick": func(x *world) { x.sick[0] = true },
	} {
		x := newWorld()
		hurt(x)
		var p *w.Problem
		if err := x.run(t, x, w.Answers{"site": "b", "how": drill.TakeOut}); !errors.As(err, &p) || p.Code != "drill.pair" || x.outs > 0 {
			t.Errorf("%s: %v, out %d times", name, err, x.outs)
		}
	}
}

type silent struct{}

func (silent) Info(string, ...any)                              {}
func (silent) Warn(string, ...any)                              {}
func (silent) Error(string, ...any)                             {}
func (silent) Good(string, ...any)                              {}
func (silent) Phase(string, ...any)                             {}
func (silent) Command(string)                                   {}
func (silent) Progress(int, string)                             {}
func (silent) Mask(string)                                      {}
func (silent) Cursor(context.Context, string) (w.Cursor, error) { return nil, nil }
