package store

import (
	"errors"
	"testing"
	"time"

	"hubwright/workflows"
)

func TestConnectionRoundTrip(t *testing.T) {
	d, c := openWithClock(t)
	con := workflows.Connection{
		Name: "Contoso", Kind: workflows.ConnectionAzure, Endpoint: "https://management.azure.com", LoginEndpoint: "https://login.microsoftonline.com",
		TenantID: "t", SubscriptionID: "s", Credential: workflows.Credential{Method: workflows.AuthSecret, ClientID: "c", Secret: "sec_1"},
		ExpiresAt: c.Now().Add(time.Hour), CABundle: "PEM", HTTPSProxy: "http://127.0.0.1:1", DNSServer: "127.0.0.1:53", CreatedBy: "ana",
	}
	ok(t, d.SaveConnection(t.Context(), &con))
	got(t, con)(d.Connection(t.Context(), con.ID))
	old := con
	con.Name, con.DNSServer = "Contoso 2", ""
	ok(t, d.SaveConnection(t.Context(), &con))
	got(t, []workflows.Connection{con})(d.Connections(t.Context()))
	if err := d.SaveConnection(t.Context(), &old); !errors.Is(err, workflows.ErrStale) {
		t.Errorf("an old version: %v", err)
	}
	taken := workflows.FieldError{Field: "name", Message: "There is a Connection named CONTOSO 2 already. Choose another name."}
	if err := d.SaveConnection(t.Context(), &workflows.Connection{Name: "CONTOSO 2"}); !errors.Is(err, taken) {
		t.Errorf("a name that is taken: %v", err)
	}
}

func TestReleaseRoundTrip(t *testing.T) {
	d, c := openWithClock(t)
	at := site(t, d).ID
	r := workflows.Release{SiteID: at, Role: workflows.ReleaseApp, Name: "ratings", Namespace: "ratings", Chart: "ratings",
		ChartVersion: "1.0.0", AppVersion: "1", Source: "built in", Digest: "ab", Revision: 1, RunID: "run_1"}
	ok(t, d.SaveRelease(t.Context(), &r))
	id := r.ID
	again := r
	again.ID, again.Revision, again.RunID = "", 2, "run_2"
	ok(t, d.SaveRelease(t.Context(), &again))
	if again.ID != id || again.Revision != 2 || !again.UpdatedAt.Equal(c.Now()) {
		t.Errorf("saved again as %+v", again)
	}
	got(t, []workflows.Release{again})(d.Releases(t.Context(), at))
	ok(t, d.DeleteRelease(t.Context(), at, "ratings", "ratings"))
	ok(t, d.DeleteRelease(t.Context(), at, "ratings", "ratings"))
	got(t, []workflows.Release(nil))(d.Releases(t.Context(), at))
}

func TestEndpointRoundTrip(t *testing.T) {
	d, _ := openWithClock(t)
	e := workflows.Endpoint{SiteID: site(t, d).ID, Address: "10.0.0.1", DNSName: "n", Host: "h", TLS: true, Port: 443, Path: "/", RunID: "run_1"}
	ok(t, d.SaveEndpoint(t.Context(), &e))
	got(t, e)(d.Endpoint(t.Context(), e.SiteID))
	e.Address, e.TLS, e.Port = "10.0.0.2", false, 80
	ok(t, d.SaveEndpoint(t.Context(), &e))
	got(t, e)(d.Endpoint(t.Context(), e.SiteID))
	ok(t, d.DeleteEndpoint(t.Context(), e.SiteID))
	if _, err := d.Endpoint(t.Context(), e.SiteID); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("after it was forgotten: %v", err)
	}
}

func TestTrafficProfileRoundTrip(t *testing.T) {
	d := open(t)
	dep := workflows.Deployment{Name: "Ratings"}
	ok(t, d.SaveDeployment(t.Context(), &dep))
	p := workflows.TrafficProfile{
		DeploymentID: dep.ID, Kind: workflows.TrafficAzure, ConnectionID: "con_1", ResourceGroup: "rg", Name: "ratings", FQDN: "ratings.trafficmanager.net",
		Method: workflows.RouteWeighted, TTL: 100, Probe: workflows.TrafficProbe{Protocol: "HTTP", Port: 80, Path: "/", IntervalSeconds: 30, TimeoutSeconds: 9},
		Endpoints: []workflows.TrafficEndpoint{{SiteID: "sit_1", Name: "akse-seattle", Target: "a.example.org", Enabled: true, Weight: 1}}, RunID: "run_1",
	}
	ok(t, d.SaveTrafficProfile(t.Context(), &p))
	got(t, p)(d.TrafficProfile(t.Context(), dep.ID))
	p.Endpoints[0].Enabled = false
	ok(t, d.SaveTrafficProfile(t.Context(), &p))
	got(t, p)(d.TrafficProfile(t.Context(), dep.ID))
}

func TestServiceConnectionRoundTrip(t *testing.T) {
	d, c := openWithClock(t)
	con := workflows.Connection{Name: "Contoso"}
	ok(t, d.SaveConnection(t.Context(), &con))
	s := workflows.ServiceConnection{SiteID: site(t, d).ID, ConnectionID: con.ID, EndpointID: "e", Name: "k8s", ProjectID: "p", Project: "Ratings", Shared: []string{"Platform"},
		Method: "service-account", Namespace: "ratings", Account: "azure-pipelines", Server: "https://x", ExpiresAt: c.Now().Add(time.Hour), Pool: "Default", PoolID: 1, Agent: "a", AgentHost: workflows.HostLogin{Address: "h", Port: 22, User: "u", PrivateKey: "sec_1", HostKey: "k", ViaProxy: true, VM: &workflows.OwnVM{ResourceGroup: "g", OwnGroup: true, Name: "vm", Image: workflows.ImageRef{Publisher: "p"}}},
		AgentPods: workflows.AgentPods{Namespace: "agents", Image: "r.test/a:1", Replicas: 2, PullSecret: "pull", Token: "sec_2"}, RunID: "run_1"}
	ok(t, d.SaveServiceConnection(t.Context(), &s))
	got(t, s)(d.ServiceConnection(t.Context(), s.SiteID))
	s.Name, s.Shared, s.ExpiresAt, s.RunID = "k8s-2", nil, time.Time{}, "run_2"
	ok(t, d.SaveServiceConnection(t.Context(), &s))
	got(t, s)(d.ServiceConnection(t.Context(), s.SiteID))
	ok(t, d.DeleteServiceConnection(t.Context(), s.SiteID))
	ok(t, d.DeleteServiceConnection(t.Context(), s.SiteID))
	fails[workflows.ServiceConnection](t, workflows.ErrNotFound)(d.ServiceConnection(t.Context(), s.SiteID))
}
