package rotation_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/rotation"
)

// world is two Sites behind a name that old answers outlive.
type world struct {
	in     map[string]bool
	paused time.Duration
	stale  int // answers that still have Orlando after it is out
}

func (x *world) Deployment(context.Context, string) (w.Deployment, error) {
	return w.Deployment{ID: "d", Name: "Ratings"}, nil
}

func (x *world) Sites(context.Context, string) ([]w.Site, error) {
	return []w.Site{{ID: "a", Name: "Seattle"}, {ID: "b", Name: "Orlando"}}, nil
}

func (x *world) TrafficProfile(context.Context, string) (w.TrafficProfile, error) {
	return w.TrafficProfile{FQDN: "r.trafficmanager.net", TTL: 7, Endpoints: []w.TrafficEndpoint{{SiteID: "a", Enabled: x.in["a"]}, {SiteID: "b", Enabled: x.in["b"]}}}, nil
}

func (x *world) State(context.Context, string) ([]w.SiteRotation, error) {
	return []w.SiteRotation{{SiteID: "a", InRotation: x.in["a"], Health: w.SiteOnline}, {SiteID: "b", InRotation: x.in["b"], Health: w.SiteOnline}}, nil
}

func (x *world) TakeOut(_ context.Context, id string) (time.Duration, error) {
	x.in[id] = false
	return 7 * time.Second, nil
}

func (x *world) PutBack(_ context.Context, id string) error {
	x.in[id] = true
	return nil
}

func (x *world) Where(context.Context) ([]string, error) {
	if x.in["b"] {
		return []string{"b"}, nil
	}
	if x.stale > 0 {
		x.stale--
		return []string{"b"}, nil
	}
	return []string{"a"}, nil
}

func (x *world) definition() w.Definition {
	return rotation.New(rotation.Needs{
		Records: x, Rotation: x, OpenFront: func(context.Context, string) (rotation.Front, error) { return x, nil },
		Pause: func(ctx context.Context, d time.Duration) error { x.paused += d; return ctx.Err() },
	})
}

// execute plays the steps from one on, on a state; "" begins anew.
func (x *world) execute(t *testing.T, a w.Answers, from string) (w.Result, error) {
	t.Helper()
	s, err := x.definition().Open(t.Context(), w.Target{DeploymentID: "d"}, a)
	if err != nil || len(s.Errors()) > 0 {
		t.Fatal(err, s.Errors())
	}
	state, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	e, err := x.definition().Resume(state)
	if err != nil {
		t.Fatal(err)
	}
	if from == "after a crash" { // the endpoint was changed, and the state not saved
		if err := e.Run(t.Context(), "change", silent{}); err != nil {
			t.Fatal(err)
		}
		if e, err = x.definition().Resume(state); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range x.definition().Info().Steps {
		if e.Applies(step.ID) {
			if err := e.Run(t.Context(), step.ID, silent{}); err != nil {
				return w.Result{}, err
			}
		}
	}
	return e.Result(), nil
}

func TestOutAndBack(t *testing.T) {
	x := &world{in: map[string]bool{"a": true, "b": true}, stale: 5}
	if _, err := x.execute(t, w.Answers{"site": "b", "do": rotation.Out}, ""); err != nil {
		t.Fatal(err)
	}
	if x.in["b"] || x.paused < 7*time.Second || x.stale > 0 {
		t.Errorf("in rotation %v, waited %s, %d old answers left", x.in, x.paused, x.stale)
	}
	x.paused = 0
	r, err := x.execute(t, w.Answers{"site": "b", "do": rotation.Out}, "")
	if err != nil || x.paused > 0 || !strings.HasPrefix(r.Headline, "Nothing had to be changed") {
		t.Errorf("out again: %v, waited %s, %q", err, x.paused, r.Headline)
	}
	// The wizard proposes to put back what is out.
	if _, err := x.execute(t, nil, ""); err != nil || !x.in["b"] {
		t.Errorf("back: %v %v", err, x.in)
	}
}

// TestACrashDoesNotShortenTheWait: the endpoint is out already when the step is
// run again, but clients know it still.
func TestACrashDoesNotShortenTheWait(t *testing.T) {
	x := &world{in: map[string]bool{"a": true, "b": true}}
	if _, err := x.execute(t, w.Answers{"site": "b", "do": rotation.Out}, "after a crash"); err != nil || x.paused < 7*time.Second {
		t.Errorf("%v, waited %s", err, x.paused)
	}
}

func TestOldAnswersAreNotIgnored(t *testing.T) {
	x := &world{in: map[string]bool{"a": true, "b": true}, stale: 100000}
	var p *w.Problem
	if _, err := x.execute(t, w.Answers{"site": "b", "do": rotation.Out}, ""); !errors.As(err, &p) || p.Code != "rotation.remembered" {
		t.Errorf("error %v", err)
	}
}

func TestTheLastSiteIsRefused(t *testing.T) {
	x := &world{in: map[string]bool{"a": false, "b": true}}
	s, err := x.definition().Open(t.Context(), w.Target{DeploymentID: "d"}, w.Answers{"site": "b", "do": rotation.Out})
	if err != nil {
		t.Fatal(err)
	}
	if f := s.RunCheck(t.Context(), "others"); f.Status != w.CheckFailed {
		t.Errorf("found %+v", f)
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
