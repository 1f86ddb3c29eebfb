package sandbox_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	tm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/trafficmanager/armtrafficmanager"
	"github.com/miekg/dns"

	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/loopback"
)

func TestTrafficManagerRefusesWhatAzureRefuses(t *testing.T) {
	u := newAzureUser(t, start(t, options(t)).Seed().Azure)
	if _, err := u.profiles.CreateOrUpdate(t.Context(), group, "first", wish("taken-tmep"), nil); err != nil {
		t.Fatal(err)
	}
	type spoil func(p *tm.ProfileProperties)
	with := func(e ...*tm.Endpoint) spoil { return func(p *tm.ProfileProperties) { p.Endpoints = e } }
	prioritized := external("b", "b.example.com")
	prioritized.Properties.Priority = new(int64(1))
	heavy := external("a", "a.example.com")
	heavy.Properties.Weight = new(int64(1001))
	light := external("a", "a.example.com")
	light.Properties.Weight = new(int64(0))
	last := external("a", "a.example.com")
	last.Properties.Priority = new(int64(1001))
	first := fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/trafficManagerProfiles/first", u.seed.SubscriptionID, group)
	inner := func(id string, least int64) *tm.Endpoint { return leading("nestedEndpoints", "in", id, least) }
	byFamily := inner(first, 1)
	byFamily.Properties.MinChildEndpointsIPv4 = new(int64(1))
	for name, c := range map[string]struct {
		spoil spoil
		code  string
		says  string
	}{
		"interval":         {func(p *tm.ProfileProperties) { p.MonitorConfig.IntervalInSeconds = new(int64(20)) }, "BadRequest", "intervalInSeconds"},
		"timeout too long": {func(p *tm.ProfileProperties) { p.MonitorConfig.TimeoutInSeconds = new(int64(11)) }, "BadRequest", "timeoutInSeconds"},
		"timeout with fast": {func(p *tm.ProfileProperties) {
			*p.MonitorConfig.IntervalInSeconds, *p.MonitorConfig.TimeoutInSeconds = 10, 10
		}, "BadRequest", "between 5 and 9"},
		"failures":              {func(p *tm.ProfileProperties) { p.MonitorConfig.ToleratedNumberOfFailures = new(int64(10)) }, "BadRequest", "toleratedNumberOfFailures"},
		"ttl":                   {func(p *tm.ProfileProperties) { p.DNSConfig.TTL = new(int64(-1)) }, "BadRequest", "ttl"},
		"port":                  {func(p *tm.ProfileProperties) { p.MonitorConfig.Port = new(int64(65536)) }, "BadRequest", "port"},
		"HTTP without path":     {func(p *tm.ProfileProperties) { p.MonitorConfig.Path = nil }, "BadRequest", "path"},
		"path without slash":    {func(p *tm.ProfileProperties) { p.MonitorConfig.Path = new("health") }, "BadRequest", "begin with"},
		"TCP with path":         {func(p *tm.ProfileProperties) { p.MonitorConfig.Protocol = new(tm.MonitorProtocolTCP) }, "BadRequest", "path"},
		"method":                {func(p *tm.ProfileProperties) { p.TrafficRoutingMethod = new(tm.TrafficRoutingMethod("Fair")) }, "BadRequest", "trafficRoutingMethod"},
		"ttl beyond the field":  {func(p *tm.ProfileProperties) { p.DNSConfig.TTL = new(int64(2147483648)) }, "BadRequest", "ttl"},
		"timeout too short":     {func(p *tm.ProfileProperties) { p.MonitorConfig.TimeoutInSeconds = new(int64(4)) }, "BadRequest", "timeoutInSeconds"},
		"no weight":             {with(light), "BadRequest", "weight"},
		"priority":              {with(last), "BadRequest", "priority"},
		"measurement address":   {with(external("a", "198.18.0.1")), "BadRequest", "private or reserved"},
		"multicast address":     {with(external("a", "233.252.0.1")), "BadRequest", "private or reserved"},
		"long relative name":    {func(p *tm.ProfileProperties) { p.DNSConfig.RelativeName = new(strings.Repeat("a", 64)) }, "BadRequest", "relative DNS name"},
		"relative name":         {func(p *tm.ProfileProperties) { p.DNSConfig.RelativeName = new("a_b") }, "BadRequest", "relative DNS name"},
		"name taken by others":  {func(p *tm.ProfileProperties) { p.DNSConfig.RelativeName = new("contoso") }, "Conflict", "already exists"},
		"name taken by us":      {func(p *tm.ProfileProperties) { p.DNSConfig.RelativeName = new("taken-tmep") }, "Conflict", "already exists"},
		"private address":       {with(external("a", "10.1.2.3")), "BadRequest", "private or reserved"},
		"loopback address":      {with(external("a", "127.40.1.7")), "BadRequest", "private or reserved"},
		"carrier's address":     {with(external("a", "100.64.0.1")), "BadRequest", "private or reserved"},
		"documentation address": {with(external("a", "203.0.113.9")), "BadRequest", "private or reserved"},
		"private IPv6 address":  {with(external("a", "fd00::1")), "BadRequest", "private or reserved"},
		"target with scheme":    {with(external("a", "http://a.example.com")), "BadRequest", "without scheme"},
		"no target":             {with(external("a", "")), "BadRequest", "target"},
		"duplicate target":      {with(external("a", "a.example.com"), external("b", "A.example.com")), "BadRequest", "more than once"},
		"duplicate name":        {with(external("a", "a.example.com"), external("A", "b.example.com")), "BadRequest", "more than once"},
		"names and addresses":   {with(external("a", "a.example.com"), external("b", "25.1.1.1")), "BadRequest", "cannot be in one profile"},
		"weight":                {with(heavy), "BadRequest", "weight"},
		"priority on some":      {with(external("a", "a.example.com"), prioritized), "BadRequest", "for all endpoints"},
		"performance, no region": {func(p *tm.ProfileProperties) {
			*p.TrafficRoutingMethod = "Performance"
			with(external("a", "a.example.com"))(p)
		}, "BadRequest", "endpointLocation"},
		"geographic, no mapping": {func(p *tm.ProfileProperties) {
			*p.TrafficRoutingMethod = "Geographic"
			with(external("a", "a.example.com"))(p)
		}, "BadRequest", "geoMapping"},
		"multivalue with names": {func(p *tm.ProfileProperties) {
			*p.TrafficRoutingMethod, p.MaxReturn = "MultiValue", new(int64(2))
			with(external("a", "a.example.com"))(p)
		}, "BadRequest", "not an IP address"},
		"nested, no minimum":   {with(inner(first, 0)), "BadRequest", "minChildEndpoints"},
		"nested in itself":     {with(inner(strings.Replace(first, "first", "wrong", 1), 1)), "BadRequest", "loop"},
		"nested in nothing":    {with(inner(strings.Replace(first, "first", "none", 1), 1)), "BadRequest", "was not found"},
		"nested without id":    {with(inner("", 1)), "BadRequest", "targetResourceId"},
		"nested twice":         {with(inner(first, 1), leading("nestedEndpoints", "again", first, 1)), "BadRequest", "more than once"},
		"nested, no profile":   {with(inner(strings.Replace(first, "trafficManagerProfiles", "publicIPAddresses", 1), 1)), "BadRequest", "is not a Traffic Manager profile"},
		"nested by IP family":  {with(byFamily), "NotEmulated", "minChildEndpointsIPv4"},
		"an unknown kind":      {with(leading("otherEndpoints", "a", first, 0)), "BadRequest", "type"},
		"an application's own": {with(leading("azureEndpoints", "a", strings.Replace(first, "Microsoft.Network/trafficManagerProfiles", "Microsoft.Web/sites", 1), 0)), "NotEmulated", "public IP address"},
		"an address not there": {with(leading("azureEndpoints", "a", strings.Replace(first, "trafficManagerProfiles", "publicIPAddresses", 1), 0)), "BadRequest", "was not found"},
		"minimum on external": {with(func() *tm.Endpoint {
			e := external("a", "a.example.com")
			e.Properties.MinChildEndpoints = new(int64(1))
			return e
		}()), "BadRequest", "only be set on nested"},
		"multivalue with a profile": {func(p *tm.ProfileProperties) {
			*p.TrafficRoutingMethod, p.MaxReturn = "MultiValue", new(int64(2))
			with(inner(first, 1))(p)
		}, "BadRequest", "not an IP address"},
		"performance, no region of a profile": {func(p *tm.ProfileProperties) {
			*p.TrafficRoutingMethod = "Performance"
			with(inner(first, 1))(p)
		}, "BadRequest", "endpointLocation"},
		"multivalue, no maximum": {func(p *tm.ProfileProperties) { *p.TrafficRoutingMethod = "MultiValue" }, "BadRequest", "maxReturn"},
	} {
		t.Run(name, func(t *testing.T) {
			p := wish("wrong-tmep")
			c.spoil(p.Properties)
			status := http.StatusBadRequest
			if c.code == "Conflict" {
				status = http.StatusConflict
			}
			var answer *azcore.ResponseError
			_, err := u.profiles.CreateOrUpdate(t.Context(), group, "wrong", p, nil)
			if !errors.As(err, &answer) || answer.StatusCode != status || answer.ErrorCode != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the SDK got %v, want %d %s with %q", err, status, c.code, c.says)
			}
			body, err := p.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			path := fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/trafficmanagerprofiles/wrong?api-version=2018-08-01", u.seed.SubscriptionID, group)
			if got, code, text := u.raw(t, http.MethodPut, path, string(body)); got != status || code != c.code || !strings.Contains(text, c.says) {
				t.Errorf("REST got %d %s", got, text)
			}
			if _, err := u.profiles.Get(t.Context(), group, "wrong", nil); !errors.As(err, &answer) || answer.StatusCode != http.StatusNotFound {
				t.Errorf("a refused profile is there: %v", err)
			}
		})
	}
	// An endpoint that comes by itself is looked at just as hard.
	kind := tm.EndpointTypeExternalEndpoints
	if _, err := u.endpoints.CreateOrUpdate(t.Context(), group, "first", kind, "a", *external("a", "a.example.com"), nil); err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]*tm.Endpoint{"private address": external("b", "10.1.2.3"), "duplicate target": external("b", "A.example.com"), "weight": heavy} {
		var answer *azcore.ResponseError
		if _, err := u.endpoints.CreateOrUpdate(t.Context(), group, "first", kind, "b", *e, nil); !errors.As(err, &answer) || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("an endpoint with a wrong %s: %v", name, err)
		}
	}
	if got, err := u.profiles.Get(t.Context(), group, "first", nil); err != nil || len(got.Properties.Endpoints) != 1 {
		t.Errorf("after wrong endpoints: %+v, %v", got.Properties, err)
	}
}

func TestTheFrontDoorOfAzure(t *testing.T) {
	u := newAzureUser(t, start(t, options(t)).Seed().Azure)
	base := "/subscriptions/" + u.seed.SubscriptionID
	profile := base + "/resourceGroups/" + group + "/providers/Microsoft.Network/trafficManagerProfiles"
	for _, c := range []struct {
		method, path string
		status       int
		code         string
	}{
		{http.MethodGet, profile, 400, "MissingApiVersionParameter"},
		{http.MethodGet, profile + "?api-version=1999-01-01", 400, "NoRegisteredProviderFound"},
		{http.MethodGet, profile + "/none?api-version=2022-04-01", 404, "ResourceNotFound"},
		{http.MethodDelete, profile + "/none?api-version=2022-04-01", 204, ""},
		{http.MethodGet, base + "/resourceGroups/none/providers/Microsoft.Network/trafficManagerProfiles?api-version=2022-04-01", 404, "ResourceGroupNotFound"},
		{http.MethodGet, "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups?api-version=2021-04-01", 404, "SubscriptionNotFound"},
		{http.MethodGet, base + "/providers/Microsoft.Nothing/things?api-version=2021-04-01", 404, "InvalidResourceNamespace"},
		{http.MethodPut, base + "/resourcegroups/other?api-version=2021-04-01", 400, "LocationRequired"},
		{http.MethodGet, base + "/resourcegroups/" + group + "?api-version=2021-04-01", 200, ""},
	} {
		if status, code, text := u.raw(t, c.method, c.path, "{}"); status != c.status || code != c.code {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, text)
		}
	}
	resp, err := u.http.Get(u.seed.ARMEndpoint + profile + "?api-version=2022-04-01")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(resp.Header.Get("WWW-Authenticate"), u.seed.TenantID) {
		t.Errorf("without a token: %s %q", resp.Status, resp.Header.Get("WWW-Authenticate"))
	}
}

// standIn is a site's application on a stamp's address.
type standIn struct {
	public string
	broken atomic.Bool
	served atomic.Int64
}

func newSite(t *testing.T, o sandbox.Options, stamp int, port string) *standIn {
	t.Helper()
	return newSiteAt(t, fmt.Sprintf("25.%d.%d.200", o.Block, stamp), port)
}

// newSiteAt answers at a public address.
func newSiteAt(t *testing.T, public, port string) *standIn {
	t.Helper()
	s := &standIn{public: public}
	ln, err := loopback.Listen("127" + strings.TrimPrefix(public, "25") + ":" + port)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.broken.Load() {
			http.Error(w, "broken", http.StatusServiceUnavailable)
			return
		}
		if !strings.HasPrefix(r.UserAgent(), "Azure Traffic Manager") {
			s.served.Add(1)
		}
		fmt.Fprint(w, s.public)
	})}
	go srv.Serve(ln)
	t.Cleanup(func() { srv.Close() })
	return s
}

func ask(t *testing.T, server, name string) *dns.Msg {
	t.Helper()
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), dns.TypeA)
	c := dns.Client{Timeout: 10 * time.Second}
	m, _, err := c.Exchange(q, server)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func addresses(m *dns.Msg) (out []string) {
	for _, r := range m.Answer {
		if a, ok := r.(*dns.A); ok {
			out = append(out, a.A.String())
		}
	}
	return out
}

func TestTrafficFollowsWeightsAndHealth(t *testing.T) {
	const port = "8099"
	o := options(t)
	w := start(t, o)
	u := newAzureUser(t, w.Seed().Azure)
	one, two := newSite(t, o, 1, port), newSite(t, o, 2, port)
	p := wish("ratings-tmep")
	p.Properties.MonitorConfig.Port = new(int64(8099))
	a, b := external("akse-seattle", one.public), external("akse-orlando", two.public)
	b.Properties.Weight = new(int64(2))
	p.Properties.Endpoints = []*tm.Endpoint{a, b}
	if _, err := u.profiles.CreateOrUpdate(t.Context(), group, "ratings", p, nil); err != nil {
		t.Fatal(err)
	}
	status := func(want ...string) func() bool {
		return func() bool {
			got, err := u.profiles.Get(t.Context(), group, "ratings", nil)
			if err != nil {
				t.Fatal(err)
			}
			e := got.Properties.Endpoints
			return string(*got.Properties.MonitorConfig.ProfileMonitorStatus) == want[0] &&
				string(*e[0].Properties.EndpointMonitorStatus) == want[1] && string(*e[1].Properties.EndpointMonitorStatus) == want[2]
		}
	}
	eventually(t, "both are online", status("Online", "Online", "Online"))

	name, n, first := "ratings-tmep.trafficmanager.net", 600, 0
	for range n {
		m := ask(t, u.seed.DNSServer, name)
		got := addresses(m)
		if len(got) != 1 || m.Answer[0].Header().Ttl != 100 {
			t.Fatalf("answer %v", m)
		}
		if got[0] == one.public {
			first++
		}
	}
	// Five standard deviations: one run in two million is wrong by chance.
	if mean, dev := float64(n)/3, math.Sqrt(float64(n)*2/9); math.Abs(float64(first)-mean) > 5*dev {
		t.Errorf("%d of %d answers lead to the site of weight 1, want about %.0f", first, n, mean)
	}

	begun := time.Now()
	one.broken.Store(true)
	eventually(t, "the broken site is degraded", status("Degraded", "Degraded", "Online"))
	// Four failed probes at 30 s, at the sandbox's speed with 50 ms as the
	// least interval, and patience for a busy machine.
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("it took %s to notice", took)
	}
	for range 40 {
		if got := addresses(ask(t, u.seed.DNSServer, name)); len(got) != 1 || got[0] != two.public {
			t.Fatalf("with a broken site the answer is %v", got)
		}
	}
	fault, err := w.Faults().Add(faults.Rule{Match: faults.Match{At: faults.AtConnect, Stamp: "orlando", Name: `^25\.`}, Effect: faults.Effect{Unreachable: true}})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are degraded", status("Degraded", "Degraded", "Degraded"))
	both := map[string]bool{}
	for range 80 {
		both[addresses(ask(t, u.seed.DNSServer, name))[0]] = true
	}
	if len(both) != 2 {
		t.Errorf("with all sites broken only %v is answered", both)
	}
	one.broken.Store(false)
	w.Faults().Lift(fault)
	eventually(t, "both are online again", status("Online", "Online", "Online"))

	if _, err := u.endpoints.Update(t.Context(), group, "ratings", tm.EndpointTypeExternalEndpoints, "akse-orlando",
		tm.Endpoint{Properties: &tm.EndpointProperties{EndpointStatus: new(tm.EndpointStatusDisabled)}}, nil); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if got := addresses(ask(t, u.seed.DNSServer, name)); len(got) != 1 || got[0] != one.public {
			t.Fatalf("with orlando disabled the answer is %v", got)
		}
	}
	eventually(t, "the door leads to the one site that is left", func() bool {
		resp, err := u.http.Get("http://" + name + ":" + port + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return string(body) == one.public
	})
	if _, err := u.profiles.Update(t.Context(), group, "ratings", tm.Profile{Properties: &tm.ProfileProperties{ProfileStatus: new(tm.ProfileStatusDisabled)}}, nil); err != nil {
		t.Fatal(err)
	}
	if m := ask(t, u.seed.DNSServer, name); m.Rcode != dns.RcodeNameError {
		t.Errorf("the name of a disabled profile: %v", m)
	}
}

// TestRoutingMethods asks as clients of several networks.
func TestRoutingMethods(t *testing.T) {
	o := options(t)
	w := start(t, o)
	u := newAzureUser(t, w.Seed().Azure)
	one, two := fmt.Sprintf("25.%d.1.9", o.Block), fmt.Sprintf("25.%d.2.9", o.Block)
	from := func(name, client string) []string {
		q := new(dns.Msg)
		q.SetQuestion(dns.Fqdn(name+".trafficmanager.net"), dns.TypeA)
		q.Extra = append(q.Extra, &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}, Option: []dns.EDNS0{
			&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 32, Address: net.ParseIP(client).To4()}}})
		m, err := dns.ExchangeContext(t.Context(), q, u.seed.DNSServer)
		if err != nil {
			t.Fatal(err)
		}
		return addresses(m)
	}
	make := func(name string, method tm.TrafficRoutingMethod, change func(p *tm.ProfileProperties, a, b *tm.EndpointProperties)) {
		p := wish(name)
		p.Properties.TrafficRoutingMethod = &method
		a, b := external("a", one), external("b", two)
		a.Properties.AlwaysServe, b.Properties.AlwaysServe = new(tm.AlwaysServeEnabled), new(tm.AlwaysServeEnabled)
		p.Properties.Endpoints = []*tm.Endpoint{a, b}
		change(p.Properties, a.Properties, b.Properties)
		if _, err := u.profiles.CreateOrUpdate(t.Context(), group, name, p, nil); err != nil {
			t.Fatal(err)
		}
	}
	make("prio", tm.TrafficRoutingMethodPriority, func(_ *tm.ProfileProperties, a, b *tm.EndpointProperties) {
		a.Priority, b.Priority = new(int64(2)), new(int64(1))
	})
	make("near", tm.TrafficRoutingMethodPerformance, func(_ *tm.ProfileProperties, a, b *tm.EndpointProperties) {
		a.EndpointLocation, b.EndpointLocation = new("westus2"), new("East US")
	})
	make("geo", tm.TrafficRoutingMethodGeographic, func(_ *tm.ProfileProperties, a, b *tm.EndpointProperties) {
		a.GeoMapping, b.GeoMapping = []*string{new("WORLD")}, []*string{new("GEO-EU")}
	})
	make("many", tm.TrafficRoutingMethodMultiValue, func(p *tm.ProfileProperties, _, _ *tm.EndpointProperties) { p.MaxReturn = new(int64(5)) })
	make("nets", tm.TrafficRoutingMethodSubnet, func(_ *tm.ProfileProperties, a, _ *tm.EndpointProperties) {
		a.Subnets = []*tm.EndpointPropertiesSubnetsItem{{First: new("17.4.0.0"), Scope: new(int32(16))}}
	})
	for _, c := range []struct{ name, client, want string }{
		{"prio", "5.1.1.1", two}, {"near", "127.0.0.1", one}, {"near", "17.1.1.1", two},
		{"geo", "5.1.1.1", two}, {"geo", "43.1.1.1", one}, {"nets", "17.4.200.1", one}, {"nets", "17.5.0.1", two},
	} {
		if got := from(c.name, c.client); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s for %s: %v, want %s", c.name, c.client, got, c.want)
		}
	}
	if got := from("many", "5.1.1.1"); len(got) != 2 {
		t.Errorf("MultiValue answers %v", got)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("in half a minute it did not come true that %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
