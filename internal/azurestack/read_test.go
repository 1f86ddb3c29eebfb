package azurestack

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
)

const (
	compute = "/subscriptions/" + subID + "/providers/microsoft.compute/locations/seattle"
	images  = compute + "/publishers/microsoft-aks/artifacttypes/vmimage/offers/aks/skus"
	perms   = "/subscriptions/" + subID + "/providers/microsoft.authorization/permissions"
)

func names(list ...string) []any {
	var out []any
	for _, n := range list {
		out = append(out, map[string]any{"id": "/" + n, "name": n, "location": "seattle"})
	}
	return out
}

func values(list ...any) map[string]any { return map[string]any{"value": list} }

func TestHasImage(t *testing.T) {
	f := newFakeHub(t)
	f.lists[images] = names("ubuntu-2004", "ubuntu-2204")
	f.lists[images+"/ubuntu-2204/versions"] = names("2026.139.1", "2025.79.2")
	f.lists[images+"/ubuntu-2204/versions/2026.139.1"] = map[string]any{"name": "2026.139.1"}
	f.lists[images+"/ubuntu-2004/versions"] = names("2024.311.1")
	h := f.hub(t, f.stack(w.IdentityEntra))
	for name, tt := range map[string]struct {
		sku, version string
		found        bool
		available    []string
	}{
		"exact":           {"ubuntu-2204", "2026.139.1", true, []string{"2025.79.2", "2026.139.1"}},
		"another version": {"ubuntu-2204", "2025.337.1", false, []string{"2025.79.2", "2026.139.1"}},
		"latest":          {"ubuntu-2204", "latest", true, []string{"2025.79.2", "2026.139.1"}},
		"any":             {"ubuntu-2204", "", true, []string{"2025.79.2", "2026.139.1"}},
		"another SKU":     {"ubuntu-2404", "2026.139.1", false, []string{"ubuntu-2004:2024.311.1", "ubuntu-2204:2025.79.2", "ubuntu-2204:2026.139.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			found, available, err := h.HasImage(t.Context(), w.ImageRef{Publisher: "microsoft-aks", Offer: "aks", SKU: tt.sku, Version: tt.version})
			if err != nil || found != tt.found {
				t.Errorf("found %v, %v", found, err)
			}
			if d := cmp.Diff(tt.available, available); d != "" {
				t.Error(d)
			}
		})
	}
	found, available, err := h.HasImage(t.Context(), w.ImageRef{Publisher: "nobody", Offer: "o", SKU: "s", Version: "latest"})
	if found || available != nil || err != nil {
		t.Errorf("a publisher that is not there: %v %v %v", found, available, err)
	}
}

func TestImagesOfPublisher(t *testing.T) {
	f := newFakeHub(t)
	offers := compute + "/publishers/canonical/artifacttypes/vmimage/offers"
	f.lists[offers] = names("jammy")
	f.lists[offers+"/jammy/skus"] = names("22_04-lts")
	f.lists[offers+"/jammy/skus/22_04-lts/versions"] = names("22.04.10", "22.04.9")
	h := f.hub(t, f.stack(w.IdentityEntra))
	got, err := h.Images(t.Context(), "Canonical")
	if err != nil {
		t.Fatal(err)
	}
	want := []w.ImageRef{
		{Publisher: "Canonical", Offer: "jammy", SKU: "22_04-lts", Version: "22.04.9"},
		{Publisher: "Canonical", Offer: "jammy", SKU: "22_04-lts", Version: "22.04.10"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got, err := h.Images(t.Context(), "nobody"); got != nil || err != nil {
		t.Errorf("nobody has %v, %v", got, err)
	}
}

func TestHasExtension(t *testing.T) {
	f := newFakeHub(t)
	f.lists[compute+"/publishers/microsoft.azure.extensions/artifacttypes/vmextension/types/customscript/versions"] = names("2.0.10", "2.0.6")
	h := f.hub(t, f.stack(w.IdentityEntra))
	for min, want := range map[string]bool{"2.0.6": true, "2.0.10": true, "2.0.11": false, "2.1": false} {
		found, available, err := h.HasExtension(t.Context(), "Microsoft.Azure.Extensions", "CustomScript", min)
		if err != nil || found != want || !cmp.Equal(available, []string{"2.0.6", "2.0.10"}) {
			t.Errorf("%s: %v %v %v", min, found, available, err)
		}
	}
	if found, _, err := h.HasExtension(t.Context(), "Nobody", "Nothing", "1"); found || err != nil {
		t.Errorf("nothing: %v %v", found, err)
	}
}

func TestSizesAndUsages(t *testing.T) {
	f := newFakeHub(t)
	f.lists[compute+"/vmsizes"] = values(map[string]any{"name": "Standard_F2", "numberOfCores": 2, "memoryInMB": 4096, "maxDataDiskCount": 8})
	row := func(name, title string, current, limit int) map[string]any {
		return map[string]any{"unit": "Count", "currentValue": current, "limit": limit, "name": map[string]any{"value": name, "localizedValue": title}}
	}
	f.lists[compute+"/usages"] = values(row("cores", "Total Regional vCPUs", 12, 100))
	network := strings.Replace(compute, "compute", "network", 1)
	f.lists[network+"/usages"] = values(row("PublicIPAddresses", "", 2, 50))
	h := f.hub(t, f.stack(w.IdentityEntra))
	sizes, err := h.Sizes(t.Context())
	if d := cmp.Diff([]w.VMSize{{Name: "Standard_F2", Cores: 2, MemoryMB: 4096, MaxDisks: 8}}, sizes); d != "" || err != nil {
		t.Error(d, err)
	}
	usages, err := h.Usages(t.Context())
	want := []w.Usage{
		{Name: "cores", Title: "Total Regional vCPUs", Current: 12, Limit: 100},
		{Name: "PublicIPAddresses", Title: "PublicIPAddresses", Current: 2, Limit: 50},
	}
	if d := cmp.Diff(want, usages); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestCanContribute(t *testing.T) {
	right := func(actions, not []string) map[string]any {
		return map[string]any{"actions": actions, "notActions": not}
	}
	for name, tt := range map[string]struct {
		rights []any
		ok     bool
		detail string
	}{
		"Contributor":      {[]any{right([]string{"*"}, []string{"Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete"})}, true, "Contributor"},
		"Owner":            {[]any{right([]string{"*"}, nil)}, true, "Owner"},
		"Reader":           {[]any{right([]string{"*/read"}, nil)}, false, "Microsoft.Compute/virtualMachines/write"},
		"several roles":    {[]any{right([]string{"Microsoft.Compute/*"}, nil), right([]string{"Microsoft.Network/*", "Microsoft.Storage/*", "microsoft.resources/*"}, nil)}, true, "Contributor"},
		"one is lacking":   {[]any{right([]string{"Microsoft.Compute/*", "Microsoft.Resources/*", "Microsoft.Network/*"}, nil)}, false, "Microsoft.Storage/storageAccounts/write"},
		"taken away again": {[]any{right([]string{"*"}, []string{"Microsoft.Network/loadBalancers/*"})}, false, "Microsoft.Network/loadBalancers/write"},
		"none":             {nil, false, "Microsoft.Compute/virtualMachines/write"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeHub(t)
			f.lists[perms] = values(tt.rights...)
			ok, detail, err := f.hub(t, f.stack(w.IdentityEntra)).CanContribute(t.Context())
			if err != nil || ok != tt.ok || !strings.Contains(detail, tt.detail) {
				t.Errorf("%v %q %v", ok, detail, err)
			}
		})
	}
}

func TestCanContributeByRole(t *testing.T) {
	for role, want := range map[string]bool{
		"b24988ac-6180-42a0-ab88-20f7382dd24c": true,
		"8E3AF657-A8FF-443C-A75C-2FE8C4BCB635": true,
		"acdd72a7-3385-48ef-bd42-f606fba81ae7": false,
	} {
		f := newFakeHub(t) // it tells no permissions
		path := "/subscriptions/" + subID + "/providers/microsoft.authorization/roleassignments"
		f.lists[path] = values(map[string]any{"properties": map[string]any{
			"roleDefinitionId": "/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/" + role,
		}})
		ok, detail, err := f.hub(t, f.stack(w.IdentityEntra)).CanContribute(t.Context())
		if err != nil || ok != want || detail == "" {
			t.Errorf("%s: %v %q %v", role, ok, detail, err)
		}
	}
}

func TestProviders(t *testing.T) {
	f := newFakeHub(t)
	base := "/subscriptions/" + subID + "/providers"
	f.lists[base+"/microsoft.compute"] = map[string]any{"namespace": "Microsoft.Compute", "registrationState": "Registered"}
	f.lists[base+"/microsoft.storage"] = map[string]any{"namespace": "Microsoft.Storage", "registrationState": "NotRegistered"}
	f.lists[base] = values(f.lists[base+"/microsoft.compute"], f.lists[base+"/microsoft.storage"])
	h := f.hub(t, f.stack(w.IdentityEntra))
	want := []w.Provider{
		{Namespace: "Microsoft.Compute", Registered: true, State: "Registered"},
		{Namespace: "Microsoft.Storage", State: "NotRegistered"},
	}
	for _, ask := range [][]string{{"Microsoft.Compute", "Microsoft.Storage"}, nil} {
		got, err := h.Providers(t.Context(), ask...)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Error(ask, d, err)
		}
	}
	for _, ns := range []string{"Microsoft.Compute", "Microsoft.Storage", "Microsoft.Storage"} {
		if err := h.RegisterProvider(t.Context(), ns); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]string{"POST " + base + "/microsoft.storage/register"}, f.changes()); d != "" {
		t.Error(d)
	}
}

func TestDeploymentsAndVMs(t *testing.T) {
	f := newFakeHub(t)
	group := "/subscriptions/" + subID + "/resourcegroups/rg"
	at := "2026-11-23T10:00:00Z"
	f.lists[group+"/providers/microsoft.resources/deployments"] = values(map[string]any{
		"name": "rg-1", "properties": map[string]any{"provisioningState": "Failed", "timestamp": at,
			"error": map[string]any{"code": "DeploymentFailed", "message": "see details"}},
	}, map[string]any{"name": "rg-0", "properties": map[string]any{"provisioningState": "Running", "timestamp": at}})
	f.lists[group+"/deployments/rg-1/operations"] = values(
		map[string]any{"operationId": "A", "properties": map[string]any{
			"provisioningState": "Failed", "statusCode": "Conflict", "timestamp": at,
			"targetResource": map[string]any{"resourceType": "Microsoft.Compute/virtualMachines", "resourceName": "k8s-master-1-0"},
			"statusMessage":  map[string]any{"error": map[string]any{"code": "QuotaExceeded", "message": "m"}},
		}},
		map[string]any{"operationId": "B", "properties": map[string]any{"provisioningState": "Running", "timestamp": at}},
		map[string]any{"operationId": "C"},
	)
	f.lists[group+"/providers/microsoft.compute/virtualmachines"] = values(map[string]any{
		"name": "vm0", "tags": map[string]any{"orchestrator": "Kubernetes:1.33.10"},
		"properties": map[string]any{"provisioningState": "Succeeded", "hardwareProfile": map[string]any{"vmSize": "Standard_D2_v2"}},
	})
	h := f.hub(t, f.stack(w.IdentityEntra))
	when := must(time.Parse(time.RFC3339, at))
	deployments, err := h.Deployments(t.Context(), "rg")
	want := []w.ARMDeployment{
		{Name: "rg-1", State: "Failed", At: when, Error: `{"error":{"code":"DeploymentFailed","message":"see details"}}`},
		{Name: "rg-0", State: "Running", At: when},
	}
	if d := cmp.Diff(want, deployments); d != "" || err != nil {
		t.Error(d, err)
	}
	ops, err := h.DeploymentOperations(t.Context(), "rg", "rg-1")
	wantOps := []w.DeploymentOperation{
		{ID: "A", ResourceType: "Microsoft.Compute/virtualMachines", ResourceName: "k8s-master-1-0", State: "Failed",
			StatusCode: "Conflict", Message: `{"error":{"code":"QuotaExceeded","message":"m"}}`, At: when},
		{ID: "B", State: "Running", At: when},
	}
	if d := cmp.Diff(wantOps, ops); d != "" || err != nil {
		t.Error(d, err)
	}
	vms, err := h.VMs(t.Context(), "rg")
	wantVMs := []w.VM{{Name: "vm0", Size: "Standard_D2_v2", ProvisioningState: "Succeeded", Tags: map[string]string{"orchestrator": "Kubernetes:1.33.10"}}}
	if d := cmp.Diff(wantVMs, vms); d != "" || err != nil {
		t.Error(d, err)
	}
	if got, err := h.Deployments(t.Context(), "nothing"); got != nil || err != nil {
		t.Errorf("no group: %v %v", got, err)
	}
	if got, err := h.VMs(t.Context(), "nothing"); got != nil || err != nil {
		t.Errorf("no group: %v %v", got, err)
	}
}

func TestNetworkReads(t *testing.T) {
	f := newFakeHub(t)
	sub := "/subscriptions/" + subID
	ip := map[string]any{
		"id": sub + "/resourceGroups/rg/providers/Microsoft.Network/publicIPAddresses/ip",
		"properties": map[string]any{"ipAddress": "127.0.10.1", "dnsSettings": map[string]any{
			"domainNameLabel": "taken", "fqdn": "taken.seattle.cloudapp.azurestack.test"}},
	}
	f.lists[sub+"/providers/microsoft.network/publicipaddresses"] = values(ip, map[string]any{"id": "/x"})
	f.lists[sub+"/resourcegroups/rg/providers/microsoft.network/publicipaddresses/ip"] = ip
	check := sub + "/providers/microsoft.network/locations/seattle/checkdnsnameavailability"
	h := f.hub(t, f.stack(w.IdentityEntra))
	taken, by, err := h.DNSLabelTaken(t.Context(), "Taken")
	if !taken || by != ip["id"] || err != nil {
		t.Errorf("taken: %v %q %v", taken, by, err)
	}
	if taken, _, err := h.DNSLabelTaken(t.Context(), "free"); taken || err != nil {
		t.Errorf("a stamp without the question: %v %v", taken, err)
	}
	f.lists[check] = map[string]any{"available": false}
	if taken, by, err := h.DNSLabelTaken(t.Context(), "elsewhere"); !taken || by != "" || err != nil {
		t.Errorf("elsewhere: %v %q %v", taken, by, err)
	}
	address, fqdn, err := h.PublicIP(t.Context(), "rg", "ip")
	if address != "127.0.10.1" || fqdn != "taken.seattle.cloudapp.azurestack.test" || err != nil {
		t.Errorf("PublicIP = %s %s %v", address, fqdn, err)
	}
	id := sub + "/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
	if ok, _, err := h.SubnetExists(t.Context(), id); ok || err != nil {
		t.Errorf("no subnet: %v %v", ok, err)
	}
	f.lists[strings.ToLower(id)] = map[string]any{"properties": map[string]any{"addressPrefix": "10.1.0.0/24"}}
	if ok, prefix, err := h.SubnetExists(t.Context(), id); !ok || prefix != "10.1.0.0/24" || err != nil {
		t.Errorf("subnet: %v %s %v", ok, prefix, err)
	}
	for _, bad := range []string{"", "s", id + "/x", strings.Replace(id, "subnets", "nets", 1), strings.Replace(id, "/rg/", "//", 1)} {
		_, _, err := h.SubnetExists(t.Context(), bad)
		if p := asProblem(t, err); p.Code != "subnet.id" {
			t.Errorf("%q: %s", bad, p.Code)
		}
	}
}

func TestCompareVersions(t *testing.T) {
	for _, tt := range []struct {
		less, more string
	}{{"2.0.6", "2.0.10"}, {"2.0", "2.0.1"}, {"2025.079.2", "2026.1.1"}, {"22.04.9", "22.04.10"}, {"18.04-LTS", "20.04-LTS"}} {
		if compareVersions(tt.less, tt.more) >= 0 || compareVersions(tt.more, tt.less) <= 0 || compareVersions(tt.less, tt.less) != 0 {
			t.Errorf("%s and %s", tt.less, tt.more)
		}
	}
}
