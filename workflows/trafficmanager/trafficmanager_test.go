package trafficmanager_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	w "hubwright/workflows"
)

// TestThePageSaysWhatToChange: each wrong input that Azure would refuse is told
// at its field before anything is sent.
func TestThePageSaysWhatToChange(t *testing.T) {
	for name, c := range map[string]struct {
		answers w.Answers
		field   string
		says    string
	}{
		"interval":                {w.Answers{"interval": "20"}, "interval", "30 or each 10"},
		"timeout":                 {w.Answers{"timeout": "11"}, "timeout", "from 5 to 10"},
		"timeout with fast":       {w.Answers{"interval": "10", "timeout": "10"}, "timeout", "from 5 to 9"},
		"failures":                {w.Answers{"tolerated": "10"}, "tolerated", "from 0 to 9"},
		"ttl":                     {w.Answers{"ttl": "-1"}, "ttl", "from 0 to 2147483647"},
		"port":                    {w.Answers{"port": "0"}, "port", "from 1 to 65535"},
		"HTTP without path":       {w.Answers{"path": ""}, "path", "begins with a slash"},
		"path without slash":      {w.Answers{"path": "health"}, "path", "begins with a slash"},
		"host":                    {w.Answers{"host": "a b"}, "host", "full host name"},
		"protocol":                {w.Answers{"protocol": "UDP"}, "protocol", "HTTP, HTTPS or TCP"},
		"method":                  {w.Answers{"method": "Fair"}, "method", "how a Site is chosen"},
		"relative name":           {w.Answers{"relative": "a_b"}, "relative", "1 to 63"},
		"resource group":          {w.Answers{"group": "ends with."}, "group", "does not end with a point"},
		"addresses in the answer": {w.Answers{"method": "MultiValue", "max_return": "9"}, "max_return", "from 1 to 8"},
		"connection":              {w.Answers{"connection": "o"}, "connection", "Choose a Connection"},
		"weight":                  {w.Answers{"sites.0.site": "s1", "sites.0.target": "a.example.com", "sites.0.weight": "1001"}, "sites.0.weight", "from 1 to 1000"},
		"weight of nothing":       {w.Answers{"sites.0.site": "s1", "sites.0.target": "a.example.com", "sites.0.weight": "0"}, "sites.0.weight", "from 1 to 1000"},
		"priority":                {w.Answers{"method": "Priority", "sites.0.site": "s1", "sites.0.target": "a.example.com", "sites.0.priority": "1001"}, "sites.0.priority", "from 1 to 1000"},
		"TTL beyond the field":    {w.Answers{"ttl": "2147483648"}, "ttl", "from 0 to 2147483647"},
		"port too high":           {w.Answers{"port": "65536"}, "port", "from 1 to 65535"},
		"timeout too short":       {w.Answers{"timeout": "4"}, "timeout", "from 5 to 10"},
		"long relative name":      {w.Answers{"relative": strings.Repeat("a", 64)}, "relative", "1 to 63"},
		"documentation address":   {w.Answers{"sites.0.site": "s1", "sites.0.target": "203.0.113.9"}, "sites.0.target", "an address for documentation"},
		"measurement address":     {w.Answers{"sites.0.site": "s1", "sites.0.target": "198.18.0.1"}, "sites.0.target", "an address for measurements"},
		"multicast address":       {w.Answers{"sites.0.site": "s1", "sites.0.target": "233.252.0.1"}, "sites.0.target", "a multicast address"},
		"carrier's address":       {w.Answers{"sites.0.site": "s1", "sites.0.target": "100.64.0.1"}, "sites.0.target", "a carrier's own network"},
		"target with port":        {w.Answers{"sites.0.site": "s1", "sites.0.target": "a.example.com:80"}, "sites.0.target", "without scheme"},
		"private address":         {w.Answers{"sites.0.site": "s1", "sites.0.target": "192.168.3.4"}, "sites.0.target", "choose your own load balancer"},
		"loopback address":        {w.Answers{"sites.0.site": "s1", "sites.0.target": "127.0.0.1"}, "sites.0.target", "a loopback address"},
		"private IPv6 address":    {w.Answers{"sites.0.site": "s1", "sites.0.target": "fd00::1"}, "sites.0.target", "a private address"},
		"target with scheme":      {w.Answers{"sites.0.site": "s1", "sites.0.target": "http://a.example.com"}, "sites.0.target", "without scheme"},
		"no target":               {w.Answers{"sites.0.site": "s1", "sites.0.target": ""}, "sites.0.target", "Deploy the application first"},
		"own kind of name":        {w.Answers{"sites.0.site": "s1", "sites.0.target": "x.trafficmanager.net"}, "sites.0.target", "Traffic Manager name"},
		"duplicate target":        {w.Answers{"sites.0.site": "s1", "sites.0.target": "a.example.com", "sites.1.site": "s2", "sites.1.target": "A.example.com"}, "sites.1.target", "refuses one target twice"},
		"duplicate Site":          {w.Answers{"sites.0.site": "s1", "sites.0.target": "a.example.com", "sites.1.site": "s1", "sites.1.target": "b.example.com"}, "sites.1.site", "one endpoint"},
		"names and addresses":     {w.Answers{"sites.0.site": "s1", "sites.0.target": "a.example.com", "sites.1.site": "s2", "sites.1.target": "20.1.1.1"}, "sites.0.target", "refuses a mixture"},
		"duplicate priority":      {w.Answers{"method": "Priority", "sites.0.site": "s1", "sites.0.target": "a.example.com", "sites.0.priority": "1", "sites.1.site": "s2", "sites.1.target": "b.example.com", "sites.1.priority": "1"}, "sites.1.priority", "its own"},
		"no region of users":      {w.Answers{"method": "Geographic", "sites.0.site": "s1", "sites.0.target": "a.example.com", "sites.0.geo": ""}, "sites.0.geo", "at least one region"},
		"region twice":            {w.Answers{"method": "Geographic", "sites.0.site": "s1", "sites.0.target": "a.example.com", "sites.0.geo": "WORLD", "sites.1.site": "s2", "sites.1.target": "b.example.com", "sites.1.geo": "DE world"}, "sites.1.geo", "has one of these regions"},
		"network":                 {w.Answers{"method": "Subnet", "sites.0.site": "s1", "sites.0.target": "a.example.com", "sites.0.subnets": "10.0.0.0"}, "sites.0.subnets", "not a network"},
		"multivalue with names":   {w.Answers{"method": "MultiValue", "sites.0.site": "s1", "sites.0.target": "a.example.com"}, "sites.0.target", "must be an IP address"},
		"performance, no region":  {w.Answers{"method": "Performance", "sites.0.site": "s1", "sites.0.target": "a.example.com", "sites.0.location": ""}, "sites.0.location", "nearest"},
		"own without a name":      {w.Answers{"kind": "own", "own_name": "x", "own_ttl": "5"}, "own_name", "full name"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, e := range newBed().open(t, c.answers).Errors() {
				if e.Field == c.field && strings.Contains(e.Message, c.says) {
					return
				}
			}
			t.Errorf("no error at %s that says %q: %v", c.field, c.says, newBed().open(t, c.answers).Errors())
		})
	}
	if errs := newBed().open(t, nil).Errors(); len(errs) > 0 {
		t.Errorf("what the wizard proposes is refused: %v", errs)
	}
}

// TestASecondRunChangesNothing, and says so.
func TestASecondRunChangesNothing(t *testing.T) {
	b := newBed()
	first, err := b.run(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := b.records.profile
	if p == nil || p.FQDN != "ratings-tmep.trafficmanager.net" || len(p.Endpoints) != 2 || p.Endpoints[1].Target != "shop.orlando.cloudapp.example.com" || p.RunID != "run_1" {
		t.Fatalf("recorded %+v", p)
	}
	if p.Probe.Path != "/health" {
		t.Errorf("the probe does not ask what the application said: %+v", p.Probe)
	}
	again, err := b.run(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b.cloud.saved != 1 || b.records.saved != 1 {
		t.Errorf("Azure was written %d times, our records %d times", b.cloud.saved, b.records.saved)
	}
	if !strings.HasPrefix(again.Headline, "Nothing had to be changed") || strings.HasPrefix(first.Headline, "Nothing") {
		t.Errorf("headlines %q and %q", first.Headline, again.Headline)
	}
	b.cloud.profile.TTL = 7 // somebody in the portal
	third, err := b.run(t, nil)
	if err != nil || b.cloud.profile.TTL != 100 || !strings.Contains(third.Facts[1].Value, "time to live 100 instead of 7") {
		t.Errorf("drift: %v, %+v, TTL %d", err, third.Facts, b.cloud.profile.TTL)
	}
}

// TestOthersInTheProfileAreToldOf: they are kept, counted, and no error.
func TestOthersInTheProfileAreToldOf(t *testing.T) {
	b := newBed()
	if _, err := b.run(t, nil); err != nil {
		t.Fatal(err)
	}
	b.cloud.profile.Others = []w.TrafficEndpoint{{Name: "elsewhere", Target: "the profile inner in rg", Enabled: true, Weight: 2}}
	s := b.open(t, nil)
	if f := s.RunCheck(t.Context(), "strangers"); f.Status != w.CheckWarning || !strings.Contains(f.Found, "elsewhere (the profile inner in rg)") || strings.Contains(f.Remedy, "removed") {
		t.Errorf("the check finds %+v", f)
	}
	p, err := s.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if last := p.Changes[len(p.Changes)-1]; last.Verb != "none" || !strings.Contains(last.Note, "the profile inner in rg and stays") {
		t.Errorf("the plan says %+v", p.Changes)
	}
	if text := fmt.Sprint(p.Summary); !strings.Contains(text, "Seattle 25 %, Orlando 25 %, elsewhere 50 %") {
		t.Errorf("the shares are %s", text)
	}
	b.visitor.elsewhere = "25.9.9.9"
	r, err := b.run(t, nil)
	if err != nil || !strings.HasPrefix(r.Headline, "Nothing had to be changed") {
		t.Errorf("%q, %v", r.Headline, err)
	}
	b.cloud.profile.Others = nil
	if _, err := b.run(t, nil); err == nil {
		t.Error("a name that leads to somebody unknown is good")
	}
}

// TestASiteThatIsOutStaysOut: running the step again is not a way to end a
// drill or a repair.
func TestASiteThatIsOutStaysOut(t *testing.T) {
	b := newBed()
	if _, err := b.run(t, nil); err != nil {
		t.Fatal(err)
	}
	b.records.profile.Endpoints[0].Enabled = false
	b.cloud.profile.Endpoints[0].Enabled = false
	if _, err := b.run(t, nil); err != nil || b.cloud.profile.Endpoints[0].Enabled {
		t.Errorf("%v, enabled %v", err, b.cloud.profile.Endpoints[0].Enabled)
	}
}

func TestSitesThatAreNotOnline(t *testing.T) {
	b := newBed()
	b.cloud.degraded = true
	_, err := b.run(t, nil)
	var p *w.Problem
	if !errors.As(err, &p) || p.Code != "traffic.degraded" || !strings.Contains(p.Why, "akse-seattle Degraded") {
		t.Errorf("error %v", err)
	}
	if b.records.profile == nil {
		t.Error("the profile is in Azure, and we don't know it")
	}
}

func TestChecks(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(b *bed)
		answers w.Answers
		check   string
		status  w.CheckStatus
		says    string
	}{
		"all is well":       {func(*bed) {}, nil, "targets", w.CheckPassed, "is 20.1.1.1"},
		"the name is taken": {func(*bed) {}, w.Answers{"relative": "contoso"}, "name", w.CheckFailed, "contoso already exists"},
		"a name that is private": {func(b *bed) { b.visitor.names["shop.orlando.cloudapp.example.com"] = "10.0.0.9" }, nil, "targets", w.CheckFailed,
			"leads to 10.0.0.9, which is a private address"},
		"a name that is not public": {func(b *bed) { delete(b.visitor.names, "shop.orlando.cloudapp.example.com") }, nil, "targets", w.CheckFailed, "not a name that public"},
		"a redirect":                {func(b *bed) { b.visitor.status = 308 }, nil, "answers", w.CheckWarning, "redirects (308)"},
		"a Site without endpoint":   {func(*bed) {}, w.Answers{"sites.0.site": "s1", "sites.0.target": "a.example.com"}, "sites", w.CheckWarning, "No endpoint for Orlando"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed()
			c.change(b)
			f := b.open(t, c.answers).RunCheck(t.Context(), c.check)
			if f.Status != c.status || !strings.Contains(f.Found, c.says) {
				t.Errorf("found %+v", f)
			}
		})
	}
}

// TestAnOwnLoadBalancer is recorded and looked at; Azure is not asked.
func TestAnOwnLoadBalancer(t *testing.T) {
	b := newBed()
	b.visitor.names["ratings.example.com"] = "10.9.9.9"
	r, err := b.run(t, w.Answers{"kind": "own", "own_name": "Ratings.example.com", "own_ttl": "5", "sites.0.site": "s1", "sites.0.target": "10.1.1.1", "sites.1.site": "s2", "sites.1.target": "10.2.2.2"})
	if err != nil {
		t.Fatal(err)
	}
	p := b.records.profile
	if p == nil || p.Kind != w.TrafficOwn || p.FQDN != "ratings.example.com" || p.TTL != 5 || len(p.Endpoints) != 2 || b.cloud.saved > 0 {
		t.Errorf("recorded %+v; Azure was written %d times", p, b.cloud.saved)
	}
	if !strings.Contains(r.Headline, "http://ratings.example.com/health") {
		t.Errorf("headline %q", r.Headline)
	}
}

// The question of the check is asked while the name is typed.
func TestTheNameIsLookedUp(t *testing.T) {
	b := newBed()
	for name, want := range map[string]w.Finding{
		"contoso": w.Fail("contoso.trafficmanager.net is taken: Domain name contoso already exists.", "Choose another name."),
		"shop":    w.Passed("shop.trafficmanager.net is free."), "": w.Fail("The name has 1 to 63 small letters, digits and hyphens, and begins and ends with a letter or digit.", ""),
	} {
		if f, ok := b.open(t, w.Answers{"relative": name}).Lookup(t.Context(), "profile", "relative"); !ok || f != want {
			t.Errorf("%q: %+v", name, f)
		}
	}
}
