package arm_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/identity"
)

func TestRefusals(t *testing.T) {
	s := raise(t, nil)
	s.group("rg")
	vnet := obj("location", "seattle", "properties", obj("addressSpace", obj("addressPrefixes", []string{"10.0.0.0/16"}), "subnets", []any{obj("name", "a", "properties", obj("addressPrefix", "10.0.0.0/24"))}))
	if r := s.settled("PUT", groupPath+"/providers/Microsoft.Network/virtualNetworks/v", vnet); r.body["status"] != "Succeeded" {
		t.Fatalf("vnet: %s", r.raw)
	}
	net := groupPath + "/providers/Microsoft.Network/"
	subnet := groupPath + "/providers/Microsoft.Network/virtualNetworks/v/subnets/a"
	nsg := func(kv ...any) map[string]any {
		p := obj("priority", 100, "direction", "Inbound", "access", "Allow", "protocol", "Tcp", "sourceAddressPrefix", "*", "sourcePortRange", "*", "destinationAddressPrefix", "*", "destinationPortRange", "22")
		for i := 0; i < len(kv); i += 2 {
			p[kv[i].(string)] = kv[i+1]
		}
		return obj("location", "seattle", "properties", obj("securityRules", []any{obj("name", "r", "properties", p)}))
	}
	subnets := func(prefixes ...string) map[string]any {
		var list []any
		for i, p := range prefixes {
			list = append(list, obj("name", fmt.Sprintf("s%d", i), "properties", obj("addressPrefix", p)))
		}
		return obj("location", "seattle", "properties", obj("addressSpace", obj("addressPrefixes", []string{"10.0.0.0/16"}), "subnets", list))
	}
	nic := func(ip, in string) map[string]any {
		return obj("location", "seattle", "properties", obj("ipConfigurations", []any{obj("name", "c", "properties", obj("privateIPAllocationMethod", "Static", "privateIPAddress", ip, "subnet", obj("id", in)))}))
	}
	cases := []struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		{"GET", subPath + "?api-version=", nil, 400, "MissingApiVersionParameter"},
		{"GET", subPath + "?api-version=2040-01-01", nil, 400, "InvalidApiVersionParameter"},
		{"GET", "/subscriptions/00000000-0000-4000-8000-000000000000", nil, 404, "SubscriptionNotFound"},
		{"GET", "/subscriptions/nonsense", nil, 400, "InvalidSubscriptionId"},
		{"GET", subPath + "/nonsense", nil, 404, "NotFound"},
		{"DELETE", subPath, nil, 405, "HttpMethodNotSupported"},
		{"GET", subPath + "/providers/Microsoft.Compute/virtualMachines?api-version=2022-01-01", nil, 400, "NoRegisteredProviderFound"},
		{"GET", subPath + "/providers/Microsoft.Compute/disks?api-version=2020-06-01", nil, 400, "NoRegisteredProviderFound"},
		{"GET", subPath + "/providers/Microsoft.Network/virtualNetworks?api-version=2015-06-15", nil, 400, "NoRegisteredProviderFound"},
		{"GET", subPath + "/providers/Microsoft.Nowhere/things", nil, 404, "InvalidResourceNamespace"},
		{"GET", subPath + "/providers/Microsoft.Nowhere", nil, 404, "InvalidResourceNamespace"},
		{"GET", subPath + "/providers/Microsoft.Compute/nonsense", nil, 404, "InvalidResourceType"},
		{"GET", subPath + "/providers/Microsoft.Compute/locations/elsewhere/vmSizes", nil, 400, "LocationNotAvailableForResourceType"},
		{"GET", subPath + "/resourcegroups/none", nil, 404, "ResourceGroupNotFound"},
		{"GET", subPath + "/resourceGroups/none/providers/Microsoft.Compute/virtualMachines", nil, 404, "ResourceGroupNotFound"},
		{"GET", groupPath + "/providers/Microsoft.Compute/virtualMachines/none", nil, 404, "ResourceNotFound"},
		{"GET", groupPath + "/providers/Microsoft.Network/virtualNetworks/v/subnets/none", nil, 404, "ResourceNotFound"},
		{"GET", subPath + "/resourcegroups/rg/deployments/none/operations", nil, 404, "DeploymentNotFound"},
		{"PUT", subPath + "/resourcegroups/bad.", obj("location", "seattle"), 400, "InvalidResourceGroup"},
		{"PUT", subPath + "/resourcegroups/x", obj("location", "westus"), 400, "LocationNotAvailableForResourceGroup"},
		{"PUT", subPath + "/resourcegroups/x", obj(), 400, "LocationRequired"},
		{"PUT", subPath + "/resourcegroups/x", nil, 400, "InvalidRequestContent"},
		{"PUT", subPath + "/resourcegroups/x", "text", 400, "InvalidRequestContent"},
		{"PUT", net + "routeTables/r", obj("location", "westus"), 400, "LocationNotAvailableForResourceType"},
		{"PUT", net + "routeTables/r", obj(), 400, "LocationRequired"},
		{"PUT", net + "natGateways/n", obj("location", "seattle"), 404, "InvalidResourceType"},
		{"PATCH", net + "virtualNetworks/v", obj("properties", obj()), 409, "OperationNotAllowed"},
		{"POST", net + "virtualNetworks/v/start", nil, 404, "NotFound"},
		{"PUT", net + "networkSecurityGroups/n", nsg("priority", 99), 400, "SecurityRuleInvalidPriority"},
		{"PUT", net + "networkSecurityGroups/n", nsg("protocol", "Icmp"), 400, "SecurityRuleInvalidProtocol"},
		{"PUT", net + "networkSecurityGroups/n", nsg("direction", "Up"), 400, "SecurityRuleInvalidDirection"},
		{"PUT", net + "networkSecurityGroups/n", nsg("access", "Maybe"), 400, "SecurityRuleInvalidAccess"},
		{"PUT", net + "networkSecurityGroups/n", nsg("sourceAddressPrefix", "10.0.0.0/33"), 400, "SecurityRuleInvalidAddressPrefix"},
		{"PUT", net + "virtualNetworks/w", subnets("10.0.0.0/24", "10.0.0.128/25"), 400, "NetcfgSubnetRangesOverlap"},
		{"PUT", net + "virtualNetworks/w", subnets("10.1.0.0/24"), 400, "NetcfgInvalidSubnet"},
		{"PUT", net + "virtualNetworks/w", subnets("10.0.0.1/24"), 400, "InvalidCIDRNotation"},
		{"PUT", net + "virtualNetworks/w", subnets("ten"), 400, "InvalidAddressPrefixFormat"},
		{"PUT", net + "publicIPAddresses/p", obj("location", "seattle", "properties", obj("dnsSettings", obj("domainNameLabel", "1x"))), 400, "InvalidDomainNameLabel"},
		{"PUT", net + "publicIPAddresses/p", obj("location", "seattle", "sku", obj("name", "Standard"), "properties", obj()), 400, "SkuNotSupported"},
		{"PUT", net + "publicIPAddresses/p", obj("location", "seattle", "properties", obj("publicIPAddressVersion", "IPv6")), 400, "IPv6NotSupported"},
		{"PUT", net + "networkInterfaces/n", obj("location", "seattle", "properties", obj()), 400, "NetworkInterfaceMustHaveAtLeastOneIpConfiguration"},
		{"PUT", net + "networkInterfaces/n", nic("10.0.0.9", subnet+"x"), 400, "InvalidResourceReference"},
		{"PUT", net + "networkInterfaces/n", nic("10.9.0.9", subnet), 400, "PrivateIPAddressNotInSubnet"},
		{"PUT", groupPath + "/providers/Microsoft.Compute/virtualMachines/vm", obj("location", "seattle", "properties", obj("hardwareProfile", obj("vmSize", "Standard_Nope"))), 400, "InvalidParameter"},
		{"PUT", groupPath + "/providers/Microsoft.Compute/availabilitySets/as", obj("location", "seattle", "properties", obj("platformFaultDomainCount", 4)), 400, "InvalidParameter"},
		{"PUT", groupPath + "/providers/Microsoft.Compute/virtualMachines/none/extensions/e", obj("properties", obj("publisher", "Microsoft.Azure.Extensions", "type", "CustomScript", "typeHandlerVersion", "2.0")), 404, "ParentResourceNotFound"},
		{"GET", subPath + "/providers/Microsoft.Compute/locations/seattle/operations/none", nil, 404, "OperationNotFound"},
		{"GET", subPath + "/providers/Microsoft.Compute/locations/seattle/publishers/Nobody/artifacttypes/vmimage/offers", nil, 404, "NotFound"},
		{"GET", subPath + "/providers/Microsoft.Network/locations/seattle/CheckDnsNameAvailability?domainNameLabel=A_b", nil, 400, "InvalidDomainNameLabel"},
		{"GET", "/metadata/endpoints?api-version=3000-01-01", nil, 400, "InvalidApiVersionParameter"},
	}
	for _, c := range cases {
		r := s.call(c.method, c.path, c.body)
		if r.status != c.status || r.code() != c.code || r.header.Get("x-ms-error-code") != c.code {
			t.Errorf("%s %s: %d %s, want %d %s\n%s", c.method, c.path, r.status, r.code(), c.status, c.code, r.raw)
		}
		if r.header.Get("x-ms-request-id") == "" || r.header.Get("x-ms-correlation-request-id") == "" {
			t.Errorf("%s %s: no correlation headers: %v", c.method, c.path, r.header)
		}
	}
	if left := s.hub.Resources("rg"); len(left) != 1 {
		t.Errorf("a refused resource was kept: %v", left)
	}
}

func TestPathsAreNotCaseSensitive(t *testing.T) {
	s := raise(t, nil)
	s.group("rg")
	path := "/SUBSCRIPTIONS/" + strings.ToUpper(sub) + "/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.NETWORK/ROUTETABLES/Routes"
	if r := s.settled("PUT", path, obj("location", "Seattle")); r.body["status"] != "Succeeded" {
		t.Fatalf("PUT: %d %s", r.status, r.raw)
	}
	r := s.call("GET", strings.ToLower(path), nil)
	if r.status != 200 || r.body["type"] != "Microsoft.Network/routeTables" || r.body["name"] != "Routes" {
		t.Errorf("GET: %d %s", r.status, r.raw)
	}
}

func TestTokens(t *testing.T) {
	s := raise(t, nil)
	other := raise(t, nil)
	for name, c := range map[string]struct{ header, code string }{
		"none": {"", "AuthenticationFailed"}, "basic": {"Basic eA==", "AuthenticationFailed"},
		"fake": {"Bearer fake_token", "InvalidAuthenticationToken"}, "of another login": {"Bearer " + other.token, "InvalidAuthenticationToken"},
	} {
		r := httptest.NewRequest("GET", "https://management.seattle.azurestack.test"+subPath+"?api-version=2016-06-01", nil)
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		rec := httptest.NewRecorder()
		s.hub.ServeHTTP(rec, r)
		want := `authorization_uri="https://login.seattle.azurestack.test/` + tenant + `"`
		if rec.Code != 401 || rec.Header().Get("x-ms-error-code") != c.code || !strings.Contains(rec.Header().Get("WWW-Authenticate"), want) {
			t.Errorf("%s: %d %v", name, rec.Code, rec.Header())
		}
	}
}

func TestTokensThatWereRightOnce(t *testing.T) {
	now := time.Now()
	change := func(alter func(*identity.Config)) func(*stage) {
		return func(s *stage) {
			cfg := identity.Config{System: identity.Entra, Host: "login.seattle.azurestack.test", TenantID: tenant, Audiences: []string{audience}, Now: func() time.Time { return now }}
			alter(&cfg)
			s.relogin(cfg)
		}
	}
	for code, alter := range map[string]func(*stage){
		"ExpiredAuthenticationToken":         change(func(c *identity.Config) { now = now.Add(2 * time.Hour) }),
		"InvalidAuthenticationTokenTenant":   change(func(c *identity.Config) { c.TenantID = "99999999-0000-4000-8000-000000000001" }),
		"InvalidAuthenticationTokenAudience": change(func(c *identity.Config) { c.Audiences = []string{"https://other"} }),
	} {
		s := raise(t, nil)
		alter(s)
		if r := s.call("GET", subPath, nil); r.status != 401 || r.code() != code {
			t.Errorf("%s: %d %s", code, r.status, r.code())
		}
		now = time.Now()
	}
}

// relogin puts another token service behind the Hub, with the same key.
func (s *stage) relogin(cfg identity.Config) {
	s.t.Helper()
	cfg.Key = s.key
	s.cfg.Identity = identity.New(cfg)
	s.hub.Close()
	s.reopen()
}

func TestRoles(t *testing.T) {
	cases := []struct {
		role          string
		scope         string
		read, write   int
		subscriptions int
		grant         int
	}{
		{"Owner", "", 200, 201, 1, 405},
		{"Contributor", "", 200, 201, 1, 403},
		{"Reader", "", 200, 403, 1, 403},
		{"Contributor", groupPath, 403, 403, 0, 403},
		{"none", "", 403, 403, 0, 403},
	}
	for _, c := range cases {
		s := raise(t, func(cfg *arm.Config) { cfg.Roles = []arm.Role{{ObjectID: who, Name: c.role, Scope: c.scope}} })
		if r := s.call("GET", subPath, nil); r.status != c.read {
			t.Errorf("%s at %q: read %d, want %d", c.role, c.scope, r.status, c.read)
		}
		r := s.call("PUT", subPath+"/resourcegroups/new", obj("location", "seattle"))
		if r.status != c.write {
			t.Errorf("%s at %q: write %d, want %d", c.role, c.scope, r.status, c.write)
		}
		if c.write == 403 && (r.code() != "AuthorizationFailed" || !strings.Contains(string(r.raw), "Microsoft.Resources/subscriptions/resourceGroups/write")) {
			t.Errorf("%s: %s", c.role, r.raw)
		}
		if n := len(s.call("GET", "/subscriptions", nil).body["value"].([]any)); n != c.subscriptions {
			t.Errorf("%s at %q: sees %d subscriptions, want %d", c.role, c.scope, n, c.subscriptions)
		}
		grant := s.call("PUT", subPath+"/providers/Microsoft.Authorization/roleAssignments/x", obj("properties", obj()))
		if grant.status != c.grant {
			t.Errorf("%s at %q: may assign roles %d, want %d", c.role, c.scope, grant.status, c.grant)
		}
	}
	s := raise(t, func(cfg *arm.Config) { cfg.Roles = []arm.Role{{ObjectID: who, Name: "Contributor", Scope: groupPath}} })
	if r := s.call("PUT", groupPath, obj("location", "seattle")); r.status != 201 {
		t.Errorf("Contributor of the group can't make it: %d %s", r.status, r.raw)
	}
	list := s.call("GET", groupPath+"/providers/Microsoft.Authorization/roleAssignments?$filter=principalId%20eq%20'"+who+"'", nil)
	if n := len(list.body["value"].([]any)); n != 1 {
		t.Errorf("%d role assignments: %s", n, list.raw)
	}
}

func TestMetadata(t *testing.T) {
	for _, adfs := range []bool{false, true} {
		s := raise(t, func(c *arm.Config) { c.ADFS = adfs })
		for _, v := range []string{"1.0", "2015-01-01"} {
			r := s.call("GET", "/metadata/endpoints?api-version="+v, nil)
			if r.status != 200 || dig(r.body, "authentication", "audiences", 0) != audience || r.body["portalEndpoint"] != "https://portal.seattle.azurestack.test/" || r.body["graphEndpoint"] == nil {
				t.Errorf("%s: %s", v, r.raw)
			}
		}
		if r := s.call("GET", "/metadata/endpoints?api-version=2022-09-01", nil); dig(r.body, "suffixes", "storage") != "seattle.azurestack.test" {
			t.Errorf("2022-09-01: %s", r.raw)
		}
		if r := s.call("GET", "/metadata/endpoints?api-version=2019-10-01", nil); !strings.HasPrefix(string(r.raw), "[{") {
			t.Errorf("2019-10-01 must be a list: %s", r.raw)
		}
	}
}

// TestOperationsEndByThemselves never polls what it follows.
func TestOperationsEndByThemselves(t *testing.T) {
	s := raise(t, nil)
	s.group("rg")
	path := groupPath + "/providers/Microsoft.Network/routeTables/r"
	first := s.call("PUT", path, obj("location", "seattle"))
	if first.status != 201 || dig(first.body, "properties", "provisioningState") != "Creating" || first.header.Get("Retry-After") == "" || first.header.Get("Retry-After-Ms") == "" {
		t.Fatalf("PUT: %d %s %v", first.status, first.raw, first.header)
	}
	s.until("the route table", func() bool {
		return dig(s.call("GET", path, nil).body, "properties", "provisioningState") == "Succeeded"
	})
	link := strings.TrimPrefix(first.header.Get("Azure-AsyncOperation"), "https://management.seattle.azurestack.test")
	if r := s.call("GET", link, nil); r.status != 200 || r.body["status"] != "Succeeded" || r.body["endTime"] == nil {
		t.Errorf("operation: %d %s", r.status, r.raw)
	}
	location := strings.TrimPrefix(first.header.Get("Location"), "https://management.seattle.azurestack.test")
	if r := s.call("GET", location, nil); r.status != 200 || r.body["name"] != "r" {
		t.Errorf("Location: %d %s", r.status, r.raw)
	}
	again := s.call("PUT", path, obj("location", "seattle"))
	if again.status != 200 || dig(again.body, "properties", "provisioningState") != "Updating" {
		t.Errorf("second PUT: %d %s", again.status, again.raw)
	}
}

func TestWorkOnTheSameResource(t *testing.T) {
	s := raise(t, func(c *arm.Config) { c.Speed = 20 })
	s.group("rg")
	path := groupPath + "/providers/Microsoft.Network/routeTables/r"
	first := s.call("PUT", path, obj("location", "seattle"))
	same := s.call("PUT", path, obj("location", "seattle"))
	if same.header.Get("Azure-AsyncOperation") != first.header.Get("Azure-AsyncOperation") {
		t.Errorf("the same PUT twice makes two operations")
	}
	if r := s.call("PUT", path, obj("location", "seattle", "tags", obj("a", "b"))); r.status != 409 || r.code() != "AnotherOperationInProgress" {
		t.Errorf("another PUT meanwhile: %d %s", r.status, r.code())
	}
	r := s.call("DELETE", path, nil)
	if r.status != 202 {
		t.Fatalf("DELETE meanwhile: %d %s", r.status, r.raw)
	}
	s.until("the deletion", func() bool { return s.call("GET", path, nil).status == 404 })
	link := strings.TrimPrefix(first.header.Get("Azure-AsyncOperation"), "https://management.seattle.azurestack.test")
	if r := s.call("GET", link, nil); dig(r.body, "error", "code") != "OperationPreempted" {
		t.Errorf("the preempted operation: %s", r.raw)
	}
}

func TestTheWorldSurvivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seattle.json")
	s := raise(t, func(c *arm.Config) { c.StateFile = file })
	s.helperVM(t)
	before := s.hub.Resources("")
	ip := s.hub.Machines()[0].PublicIP
	slow := groupPath + "/providers/Microsoft.Network/routeTables/r"
	s.group("rg")
	s.cfg.Speed = 20
	s.hub.Close()
	s.reopen()
	first := s.call("PUT", slow, obj("location", "seattle"))
	if err := s.hub.Close(); err != nil {
		t.Fatal(err)
	}
	s.reopen()
	if got := s.hub.Resources("helper"); !slices.Equal(got, before) {
		t.Errorf("resources: %v, want %v", got, before)
	}
	if m := s.hub.Machines()[0]; m.PublicIP != ip || !m.On || m.User != "azureuser" {
		t.Errorf("machine: %+v", m)
	}
	link := strings.TrimPrefix(first.header.Get("Azure-AsyncOperation"), "https://management.seattle.azurestack.test")
	s.until("the operation of the earlier life", func() bool { return s.call("GET", link, nil).body["status"] == "Succeeded" })
	if got := dig(s.call("GET", slow, nil).body, "properties", "provisioningState"); got != "Succeeded" {
		t.Errorf("route table: %v", got)
	}
	if _, err := arm.New(t.Context(), arm.Config{StateFile: "/dev/null/x", Identity: s.login}); err == nil {
		t.Error("an unreadable state was accepted")
	}
}

func TestPartsOfNetworks(t *testing.T) {
	s := raise(t, nil)
	s.group("rg")
	base := groupPath + "/providers/Microsoft.Network/"
	vnet := obj("location", "seattle", "properties", obj("addressSpace", obj("addressPrefixes", []string{"10.0.0.0/16"})))
	if r := s.settled("PUT", base+"virtualNetworks/v", vnet); r.body["status"] != "Succeeded" {
		t.Fatalf("vnet: %s", r.raw)
	}
	sub := obj("properties", obj("addressPrefix", "10.0.1.0/24"))
	if r := s.call("PUT", base+"virtualNetworks/v/subnets/one", sub); r.status != 201 || !strings.HasSuffix(fmt.Sprint(r.body["id"]), "/virtualNetworks/v/subnets/one") {
		t.Fatalf("subnet: %d %s", r.status, r.raw)
	}
	s.until("the network", func() bool {
		return dig(s.call("GET", base+"virtualNetworks/v", nil).body, "properties", "provisioningState") == "Succeeded"
	})
	if r := s.settled("PUT", base+"virtualNetworks/v/subnets/two", obj("properties", obj("addressPrefix", "10.0.1.128/25"))); r.code() != "NetcfgSubnetRangesOverlap" {
		t.Errorf("overlap: %d %s", r.status, r.raw)
	}
	if r := s.call("GET", base+"virtualNetworks/v/subnets", nil); len(r.body["value"].([]any)) != 1 {
		t.Errorf("subnets: %s", r.raw)
	}
	if r := s.call("GET", base+"virtualNetworks/v/CheckIPAddressAvailability?ipAddress=10.0.1.9", nil); r.body["available"] != true {
		t.Errorf("address: %s", r.raw)
	}
	if r := s.settled("DELETE", base+"virtualNetworks/v/subnets/one", nil); r.body["status"] != "Succeeded" {
		t.Errorf("delete: %d %s", r.status, r.raw)
	}
	if r := s.call("GET", base+"virtualNetworks/v/subnets/one", nil); r.status != 404 {
		t.Errorf("after the deletion: %d", r.status)
	}
	if r := s.call("PATCH", base+"virtualNetworks/v", obj("tags", obj("owner", "ana"))); r.status != 200 || dig(r.body, "tags", "owner") != "ana" {
		t.Errorf("tags: %d %s", r.status, r.raw)
	}
}

func TestQuotasCount(t *testing.T) {
	s := raise(t, func(c *arm.Config) { c.Quotas = map[string]int64{"PublicIPAddresses": 1} })
	s.group("rg")
	ip := func(name string) result {
		return s.settled("PUT", groupPath+"/providers/Microsoft.Network/publicIPAddresses/"+name, obj("location", "seattle", "properties", obj("publicIPAllocationMethod", "Static")))
	}
	if r := ip("one"); r.body["status"] != "Succeeded" {
		t.Fatalf("%s", r.raw)
	}
	if r := ip("one"); r.body["status"] != "Succeeded" {
		t.Errorf("the same again: %s", r.raw)
	}
	if r := ip("two"); r.status != http.StatusConflict || r.code() != "OperationNotAllowed" || !strings.Contains(string(r.raw), "Maximum allowed: 1, Current in use: 1, Additional requested: 1") {
		t.Errorf("over the quota: %d %s", r.status, r.raw)
	}
	usages := s.call("GET", subPath+"/providers/Microsoft.Network/locations/seattle/usages", nil)
	for _, u := range usages.body["value"].([]any) {
		if dig(u, "name", "value") == "PublicIPAddresses" && (dig(u, "currentValue") != 1.0 || dig(u, "limit") != 1.0) {
			t.Errorf("usage: %v", u)
		}
	}
	if addr, err := s.hub.ServiceAddress("rg", "c", "default", "web", ""); err == nil {
		t.Errorf("a service got %s over the quota", addr)
	}
}

func TestServiceAddresses(t *testing.T) {
	s := raise(t, nil)
	s.group("rg")
	one, err := s.hub.ServiceAddress("rg", "c", "default", "web", "")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := s.hub.ServiceAddress("rg", "c", "default", "web", "")
	other, _ := s.hub.ServiceAddress("rg", "c", "default", "api", "shop")
	if one == "" || one != again || one == other {
		t.Errorf("addresses %q %q %q", one, again, other)
	}
	if name := s.hub.PublicName(other); name != "shop.seattle.cloudapp.azurestack.test" || s.hub.PublicAddress(name) != other {
		t.Errorf("the Service that asked for a label has the name %q", name)
	}
	if _, err := s.hub.ServiceAddress("none", "c", "default", "web", ""); err == nil {
		t.Error("an address in a group that does not exist")
	}
}
