package autoscale

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	w "hubwright/workflows"
)

// world is a cluster whose Deployment follows the requests that are sent.
type world struct {
	mu      sync.Mutex
	now     time.Time
	metrics error
	unasked []string
	have    *w.Autoscaler
	other   *w.Autoscaler
	loading bool
	loaded  bool // it did
	stiff   bool // it never scales
	dark    bool // it has no numbers
}

func newWorld() *world { return &world{now: time.Unix(1_800_000_000, 0)} }

func (x *world) Site(context.Context, string) (w.Site, error) {
	return w.Site{ID: "s", Name: "Seattle"}, nil
}
func (x *world) Stack(context.Context, string) (w.Stack, error) { return w.Stack{}, nil }
func (x *world) ClusterOfSite(context.Context, string) (w.Cluster, error) {
	return w.Cluster{ID: "c"}, nil
}
func (x *world) Releases(context.Context, string) ([]w.Release, error) {
	return []w.Release{{Role: w.ReleaseApp, Name: "ratings", Namespace: "ratingsapp", Chart: "ratings"}}, nil
}
func (x *world) Endpoint(context.Context, string) (w.Endpoint, error) {
	return w.Endpoint{Address: "20.1.2.3"}, nil
}
func (x *world) Close() error                                  { return nil }
func (x *world) ServerVersion(context.Context) (string, error) { return "v1.33.10", nil }
func (x *world) Metrics(context.Context) (int, error)          { return 3, x.metrics }
func (x *world) Scalables(context.Context) ([]w.Scalable, error) {
	return []w.Scalable{{Namespace: "ratingsapp", Name: "ratings-web", Replicas: 2, Unasked: x.unasked}}, nil
}
func (x *world) EnsureAutoscaler(_ context.Context, a w.Autoscaler) (bool, error) {
	if x.have != nil && x.have.Max == a.Max && x.have.Percent == a.Percent {
		return false, nil
	}
	a.Replicas, a.Current = 1, -1
	x.have = &a
	return true, nil
}
func (x *world) DeleteAutoscaler(context.Context, string, string) error {
	x.have = nil
	return nil
}
func (x *world) Autoscalers(context.Context, string) ([]w.Autoscaler, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []w.Autoscaler
	if x.other != nil {
		out = append(out, *x.other)
	}
	if x.have != nil {
		a := x.have
		a.Namespace, a.Name = "ratingsapp", "ratings-web"
		a.Active, a.Current, a.Reason = !x.dark, 10, "FailedGetResourceMetric"
		if x.dark {
			a.Current = -1
		}
		switch {
		case x.stiff:
		case x.loading && a.Replicas < 3:
			a.Replicas++
			a.Events = append(a.Events, "SuccessfulRescale: New size")
		case !x.loading && a.Replicas > 1:
			a.Replicas--
		}
		out = append(out, *a)
	}
	return out, nil
}

func (x *world) needs() Needs {
	load := func(on bool) { x.mu.Lock(); x.loading, x.loaded = on, true; x.mu.Unlock() }
	return Needs{
		Records: x, Open: func(context.Context, w.Cluster) (Kube, error) { return x, nil },
		Clock: func() time.Time { x.mu.Lock(); defer x.mu.Unlock(); return x.now },
		Pause: func(ctx context.Context, d time.Duration) error {
			x.mu.Lock()
			defer x.mu.Unlock()
			// Time stands still until the goroutine that sends requests has begun.
			if x.dark || x.loaded {
				x.now = x.now.Add(d)
			}
			runtime.Gosched()
			return ctx.Err()
		},
		Load: func(ctx context.Context, _ w.Stack, _ w.Endpoint, _ int) (int64, int64) {
			load(true)
			<-ctx.Done()
			load(false)
			return 40, 1
		},
	}
}

type lines struct{ all []string }

func (l *lines) Info(f string, a ...any) { l.all = append(l.all, f) }
func (l *lines) Warn(string, ...any)     {}
func (l *lines) Error(string, ...any)    {}
func (l *lines) Good(f string, a ...any) { l.all = append(l.all, f) }
func (l *lines) Phase(string, ...any)    {}
func (l *lines) Command(string)          {}
func (l *lines) Progress(int, string)    {}
func (l *lines) Mask(string)             {}
func (l *lines) Cursor(context.Context, string) (w.Cursor, error) {
	return nil, errors.New("no cursor in this test")
}

func run(t *testing.T, x *world, a w.Answers) (w.Execution, *lines, error) {
	t.Helper()
	def := New(x.needs())
	s, err := def.Open(t.Context(), w.Target{SiteID: "s"}, a)
	if err != nil {
		t.Fatal(err)
	}
	if errs := s.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	state, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	e, err := def.Resume(state)
	if err != nil {
		t.Fatal(err)
	}
	log := &lines{}
	for _, step := range def.Info().Steps {
		if e.Applies(step.ID) {
			if err := e.Run(t.Context(), step.ID, log); err != nil {
				return e, log, err
			}
		}
	}
	return e, log, nil
}

func TestRunWithLoad(t *testing.T) {
	x := newWorld()
	e, log, err := run(t, x, w.Answers{"test": "yes"})
	if err != nil {
		t.Fatal(err)
	}
	r := e.Result()
	if !strings.Contains(r.Headline, "ratingsapp/ratings-web on Seattle scales from 1 to 10") || !strings.Contains(r.Facts[2].Value, "1 to 2 replicas and back; 40 requests answered, 1 failed") {
		t.Errorf("result %+v", r)
	}
	if !strings.Contains(strings.Join(log.all, "\n"), "event %s") {
		t.Error("events are not told")
	}
	again, _, err := run(t, x, nil)
	if err != nil || !strings.Contains(again.Result().Facts[2].Value, "nothing to change") {
		t.Errorf("the second run: %+v, %v", again.Result(), err)
	}
}

func TestRunFails(t *testing.T) {
	for name, c := range map[string]struct {
		change func(x *world)
		code   string
	}{
		"no numbers":      {func(x *world) { x.dark = true }, "autoscale.metrics"},
		"it stays as big": {func(x *world) { x.stiff = true }, "autoscale.slow"},
	} {
		x := newWorld()
		c.change(x)
		_, _, err := run(t, x, w.Answers{"test": "yes"})
		var p *w.Problem
		if !errors.As(err, &p) || p.Code != c.code || p.Fix == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChecks(t *testing.T) {
	for name, c := range map[string]struct {
		change func(x *world)
		check  string
		want   w.CheckStatus
	}{
		"metrics":      {func(*world) {}, "metrics", w.CheckPassed},
		"no metrics":   {func(x *world) { x.metrics = &w.Problem{What: "There are no metrics", Why: "none", Fix: "Look."} }, "metrics", w.CheckFailed},
		"requests":     {func(*world) {}, "requests", w.CheckPassed},
		"no requests":  {func(x *world) { x.unasked = []string{"web"} }, "requests", w.CheckFailed},
		"alone":        {func(*world) {}, "alone", w.CheckPassed},
		"a second one": {func(x *world) { x.other = &w.Autoscaler{Name: "mine", Kind: "Deployment", Target: "ratings-web"} }, "alone", w.CheckFailed},
		"our own": {func(x *world) {
			x.other = &w.Autoscaler{Name: "ratings-web", Kind: "Deployment", Target: "ratings-web"}
		}, "alone", w.CheckPassed},
	} {
		x := newWorld()
		c.change(x)
		s, err := New(x.needs()).Open(t.Context(), w.Target{SiteID: "s"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if f := s.RunCheck(t.Context(), c.check); f.Status != c.want {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestWrongAnswers(t *testing.T) {
	for field, a := range map[string]w.Answers{
		"deployment": {"deployment": "web"}, "least": {"least": "0"}, "most": {"least": "5", "most": "3"}, "percent": {"percent": "much"}, "rate": {"test": "yes", "rate": "0"},
	} {
		s, err := New(newWorld().needs()).Open(t.Context(), w.Target{SiteID: "s"}, a)
		if err != nil {
			t.Fatal(err)
		}
		if errs := s.Errors(); len(errs) == 0 || errs[0].Field != field {
			t.Errorf("%s: %+v", field, errs)
		}
	}
}

// TestRemoval: it goes, a second time nothing changes, and a run that was
// stopped says what it leaves and offers this.
func TestRemoval(t *testing.T) {
	x := newWorld()
	x.stiff = true
	e, _, err := run(t, x, w.Answers{"test": "yes"})
	if left := e.Left(); err == nil || len(left.Items) != 1 || !strings.Contains(left.Items[0].Value, "1 to 10 at 80 %") || left.Undo.WorkflowID != RemoveID {
		t.Fatalf("%+v, %v", left, err)
	}
	def := NewRemoval(x.needs())
	for _, want := range []string{"stay at 1", "nothing to change"} {
		s, err := def.Open(t.Context(), w.Target{SiteID: "s"}, nil)
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
		if err := e.Run(t.Context(), "remove", &lines{}); err != nil {
			t.Fatal(err)
		}
		facts := e.Result().Facts
		if last := facts[len(facts)-1].Value; x.have != nil || !strings.Contains(last, want) {
			t.Errorf("%q, not %q", last, want)
		}
	}
	s, err := def.Open(t.Context(), w.Target{SiteID: "s"}, w.Answers{"autoscaler": "web"})
	if err != nil || len(s.Errors()) != 1 {
		t.Errorf("a name without namespace: %v, %v", s.Errors(), err)
	}
}
