package sandbox_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	tm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/trafficmanager/armtrafficmanager"
	"github.com/miekg/dns"
)

// A profile leads to another one and to a public IP address in Azure. The inner
// profile chooses among its own, and its health is that of the endpoint.
func TestProfilesBelowProfiles(t *testing.T) {
	const port = "8098"
	o := options(t)
	w := start(t, o)
	u := newAzureUser(t, w.Seed().Azure)
	one, two := newSite(t, o, 1, port), newSite(t, o, 2, port)
	base := fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/", u.seed.SubscriptionID, group)
	profileID := func(name string) string { return base + "trafficManagerProfiles/" + name }
	put := func(name string, change func(p *tm.ProfileProperties)) error {
		p := wish(name + "-tmep")
		p.Properties.MonitorConfig.Port = new(int64(8098))
		change(p.Properties)
		_, err := u.profiles.CreateOrUpdate(t.Context(), group, name, p, nil)
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	const named = `{"location":"eastus","properties":{"publicIPAllocationMethod":"Static","dnsSettings":{"domainNameLabel":"ratings-cloud"}}}`
	version := "?api-version=2023-09-01"
	for name, body := range map[string]string{"nameless": `{"location":"eastus","properties":{}}`, "cloud": named} {
		if status, _, text := u.raw(t, http.MethodPut, base+"publicIPAddresses/"+name+version, body); status != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, status, text)
		}
	}
	if status, code, _ := u.raw(t, http.MethodPut, base+"publicIPAddresses/other"+version, named); status != http.StatusBadRequest || code != "DnsRecordInUse" {
		t.Errorf("a label that is taken: %d %s", status, code)
	}
	_, _, text := u.raw(t, http.MethodGet, base+"publicIPAddresses/cloud"+version, "")
	found := regexp.MustCompile(`"ipAddress":"(25\.\d+\.9\.\d+)"`).FindStringSubmatch(text)
	if found == nil || !strings.Contains(text, `"fqdn":"ratings-cloud.eastus.cloudapp.azure.com"`) {
		t.Fatalf("the address is %s", text)
	}
	cloud := newSiteAt(t, found[1], port)
	if err := put("none", func(p *tm.ProfileProperties) {
		p.Endpoints = []*tm.Endpoint{leading("azureEndpoints", "a", base+"publicIPAddresses/nameless", 0)}
	}); err == nil || !strings.Contains(err.Error(), "no DNS name") {
		t.Errorf("an address without a name: %v", err)
	}

	must(put("inner", func(p *tm.ProfileProperties) {
		a, b := external("a", one.public), external("b", two.public)
		p.Endpoints = []*tm.Endpoint{a, b}
	}))
	must(put("outer", func(p *tm.ProfileProperties) {
		*p.TrafficRoutingMethod = "Priority"
		in, az := leading("nestedEndpoints", "sites", profileID("inner"), 2), leading("azureEndpoints", "cloud", base+"publicIPAddresses/cloud", 0)
		in.Properties.Priority, az.Properties.Priority = new(int64(1)), new(int64(2))
		p.Endpoints = []*tm.Endpoint{in, az}
	}))
	statuses := func(name string) (out []string) {
		got, err := u.profiles.Get(t.Context(), group, name, nil)
		must(err)
		out = []string{string(*got.Properties.MonitorConfig.ProfileMonitorStatus)}
		for _, e := range got.Properties.Endpoints {
			out = append(out, string(*e.Properties.EndpointMonitorStatus))
		}
		return out
	}
	becomes := func(name string, want ...string) {
		t.Helper()
		eventually(t, fmt.Sprintf("%s is %v", name, want), func() bool { return slices.Equal(statuses(name), want) })
	}
	answers := func() map[string]bool {
		seen := map[string]bool{}
		for range 60 {
			m := ask(t, u.seed.DNSServer, "outer-tmep.trafficmanager.net")
			for _, a := range addresses(m) {
				seen[a] = true
			}
			if c, ok := m.Answer[0].(*dns.CNAME); ok {
				seen[c.Target] = true
			}
		}
		return seen
	}
	becomes("outer", "Online", "Online", "Online")
	if got := answers(); len(got) != 2 || !got[one.public] || !got[two.public] {
		t.Errorf("the inner profile does not choose: %v", got)
	}
	if got, err := u.endpoints.Get(t.Context(), group, "outer", tm.EndpointTypeNestedEndpoints, "sites", nil); err != nil || *got.Properties.Target != "inner-tmep.trafficmanager.net" {
		t.Errorf("the nested endpoint: %+v, %v", got.Properties, err)
	}

	one.broken.Store(true)
	becomes("inner", "Degraded", "Degraded", "Online")
	becomes("outer", "Degraded", "Degraded", "Online")
	if got := answers(); len(got) != 2 || !got["ratings-cloud.eastus.cloudapp.azure.com."] || !got[cloud.public] {
		t.Errorf("with too few sites the name leads to %v", got)
	}
	_, err := u.endpoints.Update(t.Context(), group, "outer", tm.EndpointTypeNestedEndpoints, "sites", tm.Endpoint{Properties: &tm.EndpointProperties{MinChildEndpoints: new(int64(1))}}, nil)
	must(err)
	becomes("outer", "Online", "Online", "Online")
	if got := answers(); len(got) != 1 || !got[two.public] {
		t.Errorf("with one site, which is enough, the name leads to %v", got)
	}
	_, err = u.profiles.Update(t.Context(), group, "inner", tm.Profile{Properties: &tm.ProfileProperties{ProfileStatus: new(tm.ProfileStatusDisabled)}}, nil)
	must(err)
	becomes("outer", "Online", "Inactive", "Online")

	if status, code, _ := u.raw(t, http.MethodDelete, profileID("inner")+"?api-version=2022-04-01", ""); status != http.StatusBadRequest || code != "NotEmulated" {
		t.Errorf("deleting a profile that another one leads to: %d %s", status, code)
	}
	if _, err := u.endpoints.CreateOrUpdate(t.Context(), group, "inner", tm.EndpointTypeNestedEndpoints, "back", *leading("nestedEndpoints", "back", profileID("outer"), 1), nil); err == nil || !strings.Contains(err.Error(), "loop") {
		t.Errorf("a loop: %v", err)
	}
	below := "outer"
	for level := 3; level <= 11; level++ {
		name := fmt.Sprintf("level-%d", level)
		err := put(name, func(p *tm.ProfileProperties) {
			p.Endpoints = []*tm.Endpoint{leading("nestedEndpoints", "in", profileID(below), 1)}
		})
		if deep := level > 10; deep != (err != nil) || deep && !strings.Contains(err.Error(), "more than 10 levels") {
			t.Errorf("level %d: %v", level, err)
		}
		below = name
	}
	cloud.broken.Store(true)
	becomes("outer", "Degraded", "Inactive", "Degraded")
}
