package azure

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/trafficmanager/armtrafficmanager"
	"github.com/google/go-cmp/cmp"

	"hubwright/internal/sandbox/identity"
	"hubwright/internal/sandbox/pki"
	"hubwright/internal/sandbox/proxy"
	"hubwright/internal/sandbox/publicazure"
	"hubwright/internal/sandbox/publicazure/trafficmanager"
	w "hubwright/workflows"
)

// fewRecords are a Deployment with two Sites.
type fewRecords struct {
	conn w.Connection

	mu      sync.Mutex
	profile w.TrafficProfile
}

func (r *fewRecords) Site(_ context.Context, id string) (w.Site, error) {
	return w.Site{ID: id, DeploymentID: "d", StackID: "k"}, nil
}

func (r *fewRecords) Sites(context.Context, string) ([]w.Site, error) {
	return []w.Site{{ID: "s1", DeploymentID: "d", StackID: "k"}, {ID: "s2", DeploymentID: "d", StackID: "k"}, {ID: "s3", DeploymentID: "d", StackID: "k"}}, nil
}

func (r *fewRecords) Stack(context.Context, string) (w.Stack, error)           { return w.Stack{}, nil }
func (r *fewRecords) Connection(context.Context, string) (w.Connection, error) { return r.conn, nil }

func (r *fewRecords) TrafficProfile(context.Context, string) (w.TrafficProfile, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.profile
	p.Endpoints = slices.Clone(p.Endpoints)
	return p, nil
}

func (r *fewRecords) SaveTrafficProfile(_ context.Context, p *w.TrafficProfile) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.profile = *p
	return nil
}

// openTraffic is a public Azure with Traffic Manager behind a proxy, whose
// endpoints accept every connection.
func openTraffic(t *testing.T) (*Cloud, *Rotation, *fewRecords) {
	t.Helper()
	dir := t.TempDir()
	ca, err := pki.Open(dir, "public", "Public")
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.OpenKey(dir, "tokens")
	if err != nil {
		t.Fatal(err)
	}
	login := identity.New(identity.Config{
		System: identity.Entra, Host: publicazure.LoginHost, TenantID: tenant, Key: key, Audiences: []string{publicazure.Audience},
		Principals: []identity.Principal{{ClientID: "writer", ObjectID: "o1", Secret: "s1"}},
	})
	front, err := publicazure.New(t.Context(), publicazure.Config{SubscriptionID: subscription, TenantID: tenant, Identity: login, Speed: 1000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { front.Close() })
	balance := trafficmanager.New(t.Context(), trafficmanager.Config{Azure: front, Taken: []string{"contoso"}, Dial: func(context.Context, string, int) (net.Conn, error) {
		here, there := net.Pipe()
		there.Close()
		return here, nil
	}})
	t.Cleanup(func() { balance.Close() })
	door, err := proxy.Listen(proxy.Config{Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	door.Terminate(publicazure.Host, ca.Server, front)
	door.Terminate(publicazure.LoginHost, ca.Server, login)
	go func() { _ = door.Serve() }()
	t.Cleanup(func() { door.Close() })
	r := &fewRecords{conn: w.Connection{
		Kind: w.ConnectionAzure, Endpoint: publicazure.Audience, LoginEndpoint: "https://" + publicazure.LoginHost, TenantID: tenant, SubscriptionID: subscription,
		Credential: w.Credential{Method: w.AuthSecret, ClientID: "writer", Secret: "s1"}, CABundle: string(ca.PEM()), HTTPSProxy: door.URL(),
	}}
	clouds := New(plainSecrets{})
	c, err := clouds.Open(t.Context(), r.conn)
	if err != nil {
		t.Fatal(err)
	}
	return c, NewRotation(r, clouds), r
}

func joined() w.TrafficProfile {
	return w.TrafficProfile{
		DeploymentID: "d", Kind: w.TrafficAzure, ConnectionID: "c", ResourceGroup: "rg", Name: "ratings", FQDN: "ratings-tmep.trafficmanager.net",
		Method: w.RouteWeighted, TTL: 30, Probe: w.TrafficProbe{Protocol: "TCP", Port: 80, IntervalSeconds: 10, TimeoutSeconds: 5, ToleratedFailures: 1},
		Endpoints: []w.TrafficEndpoint{
			{SiteID: "s1", Name: "akse-seattle", Target: "a.example.com", Enabled: true, Weight: 1},
			{SiteID: "s2", Name: "akse-orlando", Target: "b.example.com", Enabled: true, Weight: 2},
		},
	}
}

func TestProfilesComeBackAsTheyWereSent(t *testing.T) {
	c, _, _ := openTraffic(t)
	if _, err := c.EnsureResourceGroup(t.Context(), "rg", "eastus"); err != nil {
		t.Fatal(err)
	}
	made, err := c.EnsureResourceGroup(t.Context(), "rg", "eastus")
	if err != nil || made {
		t.Errorf("made again: %v %v", made, err)
	}
	for name, change := range map[string]func(p *w.TrafficProfile){
		"weighted": func(*w.TrafficProfile) {},
		"priority": func(p *w.TrafficProfile) {
			p.Method, p.Endpoints[0].Priority, p.Endpoints[1].Priority = w.RoutePriority, 2, 1
		},
		"geographic": func(p *w.TrafficProfile) {
			p.Method, p.Endpoints[0].Geo, p.Endpoints[1].Geo = w.RouteGeographic, "WORLD", "GEO-EU, US-FL"
		},
		"subnets": func(p *w.TrafficProfile) {
			p.Method, p.Endpoints[1].Subnets = w.RouteSubnet, "17.4.0.0/16, 5.0.0.0/8"
		},
		"HTTP with host": func(p *w.TrafficProfile) {
			p.Probe = w.TrafficProbe{Protocol: "HTTP", Port: 80, Path: "/health", Host: "ratings.example.com", IntervalSeconds: 30, TimeoutSeconds: 9, ToleratedFailures: 3}
		},
		"one is out": func(p *w.TrafficProfile) { p.Endpoints[0].Enabled = false },
	} {
		want := joined()
		change(&want)
		if err := c.SaveTrafficProfile(t.Context(), want); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, _, err := c.TrafficProfile(t.Context(), "rg", "ratings")
		if err != nil {
			t.Fatal(err)
		}
		got.DeploymentID, got.ConnectionID = "d", "c"
		for i := range got.Endpoints {
			e := &got.Endpoints[i]
			e.SiteID = want.Endpoints[i].SiteID
			if want.Endpoints[i].Priority == 0 {
				e.Priority = 0 // Azure gives one to each
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// What others have in a profile stays when the Sites' part of it is changed.
func TestEndpointsOfOthersStay(t *testing.T) {
	c, _, _ := openTraffic(t)
	ctx := t.Context()
	if _, err := c.EnsureResourceGroup(ctx, "rg", "eastus"); err != nil {
		t.Fatal(err)
	}
	inner, ours := joined(), joined()
	inner.Name, inner.FQDN = "inner", "inner-tmep.trafficmanager.net"
	inner.Endpoints[0].Target, inner.Endpoints[1].Target = "c.example.com", "d.example.com"
	ours.Endpoints = ours.Endpoints[:1]
	for _, p := range []w.TrafficProfile{inner, ours} {
		if err := c.SaveTrafficProfile(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	profiles, err := c.profiles()
	if err != nil {
		t.Fatal(err)
	}
	portal, err := profiles.Get(ctx, "rg", "ratings", nil)
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Replace(*portal.ID, "ratings", "inner", 1)
	portal.Tags = map[string]*string{"owner": new("somebody")}
	portal.Properties.MonitorConfig.ExpectedStatusCodeRanges = []*tm.MonitorConfigExpectedStatusCodeRangesItem{{Min: new(int32(200)), Max: new(int32(204))}}
	portal.Properties.Endpoints[0].Properties.CustomHeaders = []*tm.EndpointPropertiesCustomHeadersItem{{Name: new("x-probe"), Value: new("yes")}}
	nested := &tm.Endpoint{Name: new("elsewhere"), Type: new(profileType + "/nestedEndpoints"), Properties: &tm.EndpointProperties{
		TargetResourceID: &id, MinChildEndpoints: new(int64(2)), Weight: new(int64(7)), EndpointLocation: new("westus2"), Priority: new(int64(9))}}
	portal.Properties.Endpoints = append(portal.Properties.Endpoints, nested)
	if _, err := profiles.CreateOrUpdate(ctx, "rg", "ratings", portal.Profile, nil); err != nil {
		t.Fatal(err)
	}

	changed := joined() // a Site more
	changed.Endpoints[0].Weight = 5
	if err := c.SaveTrafficProfile(ctx, changed); err != nil {
		t.Fatal(err)
	}
	got, h, err := c.TrafficProfile(ctx, "rg", "ratings")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Endpoints) != 2 || got.Endpoints[0].Weight != 5 || got.Endpoints[1].Name != "akse-orlando" {
		t.Errorf("the Sites' endpoints are %+v", got.Endpoints)
	}
	others := []w.TrafficEndpoint{{Name: "elsewhere", Target: "the profile inner in rg", Enabled: true, Weight: 7, Priority: 9, Location: "westus2"}}
	if diff := cmp.Diff(others, got.Others); diff != "" {
		t.Errorf("what leads elsewhere:\n%s", diff)
	}
	if h.Endpoints["elsewhere"] == "" {
		t.Errorf("its health is not told: %+v", h)
	}
	now, err := profiles.Get(ctx, "rg", "ratings", nil)
	if err != nil {
		t.Fatal(err)
	}
	d := now.Properties
	if *now.Tags["owner"] != "somebody" || len(d.MonitorConfig.ExpectedStatusCodeRanges) != 1 || len(d.Endpoints[0].Properties.CustomHeaders) != 1 {
		t.Errorf("tags, codes or headers are lost: %+v", d)
	}
	if e := d.Endpoints[2].Properties; *e.MinChildEndpoints != 2 || *e.TargetResourceID != id {
		t.Errorf("the nested endpoint is %+v", e)
	}
}

func TestAzureRefusesInWords(t *testing.T) {
	c, _, _ := openTraffic(t)
	if free, says, err := c.NameAvailable(t.Context(), "contoso"); err != nil || free || !strings.Contains(says, "already exists") {
		t.Errorf("contoso: %v %q %v", free, says, err)
	}
	if _, err := c.EnsureResourceGroup(t.Context(), "rg", "eastus"); err != nil {
		t.Fatal(err)
	}
	p := joined()
	p.Endpoints[0].Target = "10.1.2.3"
	var problem *w.Problem
	if err := c.SaveTrafficProfile(t.Context(), p); !errors.As(err, &problem) || !strings.Contains(problem.Why, "10.1.2.3") || strings.Contains(problem.Error(), "Hub") {
		t.Errorf("a private target: %v", err)
	}
	if _, _, err := c.TrafficProfile(t.Context(), "rg", "ratings"); !errors.Is(err, w.ErrNotFound) {
		t.Errorf("a profile that is not there: %v", err)
	}
}

func TestTheLastSiteStaysInRotation(t *testing.T) {
	c, r, records := openTraffic(t)
	ctx := t.Context()
	if _, err := c.EnsureResourceGroup(ctx, "rg", "eastus"); err != nil {
		t.Fatal(err)
	}
	records.profile = joined()
	if err := c.SaveTrafficProfile(ctx, joined()); err != nil {
		t.Fatal(err)
	}
	stands := func() (out []string) {
		t.Helper()
		all, err := r.State(ctx, "d")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			how := "out"
			if s.InRotation {
				how = s.Health
			}
			out = append(out, how)
		}
		return out
	}
	deadline := time.Now().Add(20 * time.Second)
	for want := []string{w.SiteOnline, w.SiteOnline, "out"}; !slices.Equal(stands(), want); { // s3 has no endpoint
		if time.Now().After(deadline) {
			t.Fatalf("the Sites stand %v", stands())
		}
		time.Sleep(10 * time.Millisecond)
	}
	for range 2 { // the second time it is out already
		wait, err := r.TakeOut(ctx, "s1")
		if err != nil || wait != 30*time.Second {
			t.Fatalf("taking out: %v %v", wait, err)
		}
	}
	if got := stands(); got[0] != "out" || records.profile.Endpoints[0].Enabled {
		t.Errorf("after taking out: %v, record %+v", got, records.profile.Endpoints[0])
	}
	var problem *w.Problem
	if _, err := r.TakeOut(ctx, "s2"); !errors.As(err, &problem) || problem.Code != "rotation.last" {
		t.Errorf("taking the last one out: %v", err)
	}
	if _, err := r.TakeOut(ctx, "s3"); !errors.Is(err, w.ErrNotFound) {
		t.Errorf("taking out a Site without an endpoint: %v", err)
	}
	for range 2 {
		if err := r.PutBack(ctx, "s1"); err != nil {
			t.Fatal(err)
		}
	}
	if got := stands(); got[0] == "out" || !records.profile.Endpoints[0].Enabled {
		t.Errorf("after putting back: %v", got)
	}
	// Two runs at once take out one Site each: only one may.
	deadline = time.Now().Add(20 * time.Second)
	for !slices.Equal(stands()[:2], []string{w.SiteOnline, w.SiteOnline}) {
		if time.Now().After(deadline) {
			t.Fatalf("the Sites stand %v", stands())
		}
		time.Sleep(10 * time.Millisecond)
	}
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, site := range []string{"s1", "s2"} {
		wg.Go(func() { _, errs[i] = r.TakeOut(ctx, site) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("both at once: %v", errs)
	}
}

func TestAnOwnLoadBalancerIsNotTouched(t *testing.T) {
	_, r, records := openTraffic(t)
	records.profile = joined()
	records.profile.Kind = w.TrafficOwn
	var problem *w.Problem
	if _, err := r.TakeOut(t.Context(), "s1"); !errors.As(err, &problem) || problem.Code != "rotation.own" {
		t.Errorf("error %v", err)
	}
}
