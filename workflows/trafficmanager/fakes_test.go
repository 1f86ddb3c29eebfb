package trafficmanager_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/trafficmanager"
)

// bed is a Deployment with two Sites, and the world around it.
type bed struct {
	records
	cloud
	visitor
	paused time.Duration
}

func newBed() *bed {
	b := &bed{}
	b.endpoints = map[string]w.Endpoint{
		"s1": {SiteID: "s1", Address: "20.1.1.1", DNSName: "shop.seattle.cloudapp.example.com", Port: 80, Path: "/health"},
		"s2": {SiteID: "s2", Address: "20.2.2.2", DNSName: "shop.orlando.cloudapp.example.com", Port: 80, Path: "/health"},
	}
	b.cloud.taken = []string{"contoso"}
	b.visitor.names = map[string]string{"shop.seattle.cloudapp.example.com": "20.1.1.1", "shop.orlando.cloudapp.example.com": "20.2.2.2"}
	b.visitor.cloud = &b.cloud
	return b
}

func (b *bed) workflow() w.Definition {
	return trafficmanager.New(trafficmanager.Needs{
		Records:     &b.records,
		OpenCloud:   func(context.Context, w.Connection) (trafficmanager.Cloud, error) { return &b.cloud, nil },
		OpenVisitor: func(w.Connection) (trafficmanager.Visitor, error) { return &b.visitor, nil },
		Pause: func(ctx context.Context, d time.Duration) error {
			b.paused += d
			return ctx.Err()
		},
	})
}

func (b *bed) open(t *testing.T, a w.Answers) w.Session {
	t.Helper()
	s, err := b.workflow().Open(t.Context(), w.Target{DeploymentID: "d"}, a)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run plays all steps and answers the result.
func (b *bed) run(t *testing.T, a w.Answers) (w.Result, error) {
	t.Helper()
	s := b.open(t, a)
	if errs := s.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	state, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	x, err := b.workflow().Resume(state)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range b.workflow().Info().Steps {
		if x.Applies(step.ID) {
			if err := x.Run(w.WithOrigin(t.Context(), w.Origin{RunID: "run_1"}), step.ID, quiet{t}); err != nil {
				return w.Result{}, err
			}
		}
	}
	return x.Result(), nil
}

type records struct {
	endpoints map[string]w.Endpoint
	profile   *w.TrafficProfile
	saved     int
}

func (r *records) Deployment(context.Context, string) (w.Deployment, error) {
	return w.Deployment{ID: "d", Name: "Ratings"}, nil
}

func (r *records) Sites(context.Context, string) ([]w.Site, error) {
	return []w.Site{{ID: "s1", DeploymentID: "d", StackID: "k1", Name: "Seattle"}, {ID: "s2", DeploymentID: "d", StackID: "k2", Name: "Orlando", Position: 1}}, nil
}

func (r *records) Stack(context.Context, string) (w.Stack, error) { return w.Stack{}, nil }

func (r *records) Endpoint(_ context.Context, siteID string) (w.Endpoint, error) {
	e, ok := r.endpoints[siteID]
	if !ok {
		return e, w.ErrNotFound
	}
	return e, nil
}

func (r *records) Connection(context.Context, string) (w.Connection, error) {
	return w.Connection{ID: "c", Name: "Contoso Azure", Kind: w.ConnectionAzure}, nil
}

func (r *records) Connections(ctx context.Context) ([]w.Connection, error) {
	c, _ := r.Connection(ctx, "c")
	return []w.Connection{c, {ID: "o", Name: "Organization", Kind: w.ConnectionDevOps}}, nil
}

func (r *records) TrafficProfile(context.Context, string) (w.TrafficProfile, error) {
	if r.profile == nil {
		return w.TrafficProfile{}, w.ErrNotFound
	}
	return *r.profile, nil
}

func (r *records) SaveTrafficProfile(_ context.Context, p *w.TrafficProfile) error {
	r.saved++
	kept := *p
	kept.Endpoints = slices.Clone(p.Endpoints)
	r.profile = &kept
	return nil
}

// cloud keeps one profile.
type cloud struct {
	taken    []string
	profile  *w.TrafficProfile
	saved    int
	degraded bool
}

func (c *cloud) Login(context.Context) error                      { return nil }
func (c *cloud) ResourceGroups(context.Context) ([]string, error) { return []string{"rg"}, nil }
func (c *cloud) Locations(context.Context) ([]w.Option, error) {
	return []w.Option{{Value: "eastus"}}, nil
}
func (c *cloud) EnsureResourceGroup(context.Context, string, string) (bool, error) { return false, nil }

func (c *cloud) NameAvailable(_ context.Context, relative string) (bool, string, error) {
	if slices.Contains(c.taken, relative) {
		return false, "Domain name " + relative + " already exists.", nil
	}
	return true, "", nil
}

func (c *cloud) TrafficProfiles(context.Context) ([]w.TrafficProfile, error) {
	if c.profile == nil {
		return nil, nil
	}
	return []w.TrafficProfile{*c.profile}, nil
}

func (c *cloud) TrafficProfile(context.Context, string, string) (w.TrafficProfile, w.TrafficHealth, error) {
	h := w.TrafficHealth{Profile: "Online", Endpoints: map[string]string{}}
	if c.profile == nil {
		return w.TrafficProfile{}, h, w.ErrNotFound
	}
	for _, e := range c.profile.Endpoints {
		h.Endpoints[e.Name] = "Online"
		if c.degraded {
			h.Endpoints[e.Name] = "Degraded"
		}
	}
	p := *c.profile
	p.Endpoints = slices.Clone(p.Endpoints)
	return p, h, nil
}

func (c *cloud) SaveTrafficProfile(_ context.Context, p w.TrafficProfile) error {
	c.saved++
	c.profile = &p
	return nil
}

type visitor struct {
	cloud  *cloud
	names  map[string]string
	turn   int
	status int // 0 is 200
	// elsewhere is a place to which the name leads beside the Sites.
	elsewhere string
}

func (v *visitor) Lookup(_ context.Context, name string) ([]string, string, error) {
	if a, ok := v.names[name]; ok {
		return []string{a}, "", nil
	}
	if p := v.cloud.profile; p != nil && p.FQDN == name {
		v.turn++
		if v.elsewhere != "" && v.turn%3 == 0 {
			return []string{v.elsewhere}, "", nil
		}
		e := p.Endpoints[v.turn%len(p.Endpoints)]
		return []string{v.names[e.Target]}, e.Target, nil
	}
	return nil, "", &w.Problem{Code: "net.name", What: name + " is not known"}
}

func (v *visitor) Get(context.Context, string, string) (int, error) {
	if v.status != 0 {
		return v.status, nil
	}
	return 200, nil
}

// quiet is a log that a failing test shows.
type quiet struct{ t *testing.T }

func (q quiet) say(f string, a ...any)                           { q.t.Log(strings.TrimSpace(fmt.Sprintf(f, a...))) }
func (q quiet) Info(f string, a ...any)                          { q.say(f, a...) }
func (q quiet) Warn(f string, a ...any)                          { q.say(f, a...) }
func (q quiet) Error(f string, a ...any)                         { q.say(f, a...) }
func (q quiet) Good(f string, a ...any)                          { q.say(f, a...) }
func (q quiet) Phase(f string, a ...any)                         { q.say(f, a...) }
func (q quiet) Command(text string)                              { q.say("%s", text) }
func (q quiet) Progress(int, string)                             {}
func (q quiet) Mask(string)                                      {}
func (q quiet) Cursor(context.Context, string) (w.Cursor, error) { return nil, nil }
