package azurestack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
)

func helperSpec() VMSpec {
	return VMSpec{
		ResourceGroup: "helper", SecurityGroup: "h-nsg", SSHFrom: "192.0.2.0/24", Network: "h-vnet", NetworkCIDR: "10.100.0.0/16",
		Subnet: "default", SubnetCIDR: "10.100.1.0/24", PublicIP: "h-ip", DNSLabel: "h", Interface: "h-nic", VM: "h", Disk: "h-osdisk",
		Size: "Standard_F2", Image: w.ImageRef{Publisher: "Canonical", Offer: "o", SKU: "s", Version: "latest"},
		User: "azureuser", AuthorizedKey: "ssh-rsa AAAA comment", Tags: map[string]string{"product": "hubwright"},
	}
}

const (
	helperGroup = "/subscriptions/" + subID + "/resourcegroups/helper"
	helperNet   = helperGroup + "/providers/microsoft.network"
	helperVMID  = helperGroup + "/providers/microsoft.compute/virtualmachines/h"
)

type said struct {
	What    string
	Changed bool
}

func ensureAll(t *testing.T, h *Hub, s VMSpec) ([]said, string, error) {
	t.Helper()
	var log []said
	last := -1
	err := h.EnsureVMNetwork(t.Context(), s, func(percent int, what string, done, changed bool) {
		if percent < last {
			t.Errorf("progress went back from %d to %d", last, percent)
		}
		last = percent
		if done {
			log = append(log, said{what, changed})
		}
	})
	if err != nil {
		return log, "", err
	}
	did, err := h.EnsureVM(t.Context(), s)
	return log, did, err
}

func TestEnsureVM(t *testing.T) {
	f := newFakeHub(t)
	h := f.hub(t, f.stack(w.IdentityEntra))
	log, did, err := ensureAll(t, h, helperSpec())
	if err != nil {
		t.Fatal(err)
	}
	want := []said{
		{"resource group helper", true}, {"network security group h-nsg", true}, {"virtual network h-vnet", true},
		{"public IP h-ip", true}, {"network interface h-nic", true},
	}
	if d := cmp.Diff(want, log); d != "" || did != "created" {
		t.Errorf("did %q\n%s", did, d)
	}
	calls := []string{
		"PUT " + helperGroup, "PUT " + helperNet + "/networksecuritygroups/h-nsg", "PUT " + helperNet + "/virtualnetworks/h-vnet",
		"PUT " + helperNet + "/publicipaddresses/h-ip", "PUT " + helperNet + "/networkinterfaces/h-nic", "PUT " + helperVMID,
	}
	if d := cmp.Diff(calls, f.changes()); d != "" {
		t.Error(d)
	}
	checkBodies(t, f)

	f.forget()
	log, did, err = ensureAll(t, h, helperSpec())
	if err != nil || did != "" {
		t.Errorf("second time: %q %v", did, err)
	}
	for _, l := range log {
		if l.Changed {
			t.Errorf("second time: %s was changed", l.What)
		}
	}
	if got := f.changes(); len(got) != 0 {
		t.Errorf("second time: %v", got)
	}
}

// checkBodies looks at what a Hub is strict about.
func checkBodies(t *testing.T, f *fakeHub) {
	t.Helper()
	at := func(id, path string) any {
		var v any = f.resources[id]
		for part := range strings.SplitSeq(path, ".") {
			if list, ok := v.([]any); ok {
				v = list[0]
			}
			m, _ := v.(map[string]any)
			v = m[part]
		}
		return v
	}
	for _, tt := range []struct {
		id, path string
		want     any
	}{
		{helperGroup, "location", "seattle"},
		{helperGroup, "tags.product", "hubwright"},
		{helperNet + "/networksecuritygroups/h-nsg", "properties.securityRules.properties.sourceAddressPrefix", "192.0.2.0/24"},
		{helperNet + "/networksecuritygroups/h-nsg", "properties.securityRules.properties.destinationPortRange", "22"},
		{helperNet + "/virtualnetworks/h-vnet", "properties.subnets.properties.addressPrefix", "10.100.1.0/24"},
		{helperNet + "/publicipaddresses/h-ip", "sku.name", "Basic"},
		{helperNet + "/publicipaddresses/h-ip", "properties.publicIPAllocationMethod", "Static"},
		{helperNet + "/networkinterfaces/h-nic", "tags.product", "hubwright"},
		{helperVMID, "properties.osProfile.linuxConfiguration.disablePasswordAuthentication", true},
		{helperVMID, "properties.osProfile.adminPassword", nil},
		{helperVMID, "properties.osProfile.linuxConfiguration.ssh.publicKeys.path", "/home/azureuser/.ssh/authorized_keys"},
		{helperVMID, "properties.storageProfile.osDisk.managedDisk.storageAccountType", "Standard_LRS"},
		{helperVMID, "properties.storageProfile.osDisk.createOption", "FromImage"},
		{helperVMID, "properties.hardwareProfile.vmSize", "Standard_F2"},
	} {
		if got := at(tt.id, tt.path); got != tt.want {
			t.Errorf("%s %s = %v, want %v", tt.id, tt.path, got, tt.want)
		}
	}
}

func TestEnsureHealsWhatDiffers(t *testing.T) {
	props := func(f *fakeHub, id string) map[string]any { return f.resources[id]["properties"].(map[string]any) }
	for name, tt := range map[string]struct {
		spoil func(f *fakeHub, s *VMSpec)
		calls []string
		did   string
		code  string
	}{
		"group lost its tags": {
			func(f *fakeHub, _ *VMSpec) { f.resources[helperGroup]["tags"] = map[string]any{"owner": "ana"} },
			[]string{"PATCH " + helperGroup}, "", "",
		},
		"SSH from elsewhere": {
			func(_ *fakeHub, s *VMSpec) { s.SSHFrom = "198.51.100.7/32" },
			[]string{"PUT " + helperNet + "/networksecuritygroups/h-nsg"}, "", "",
		},
		"SSH was closed by hand": {
			func(f *fakeHub, _ *VMSpec) {
				props(f, helperNet+"/networksecuritygroups/h-nsg")["securityRules"] = []any{}
			},
			[]string{"PUT " + helperNet + "/networksecuritygroups/h-nsg"}, "", "",
		},
		"subnet deleted": {
			func(f *fakeHub, _ *VMSpec) { delete(props(f, helperNet+"/virtualnetworks/h-vnet"), "subnets") },
			[]string{"PUT " + helperNet + "/virtualnetworks/h-vnet"}, "", "",
		},
		"subnet with other addresses": {
			func(_ *fakeHub, s *VMSpec) { s.SubnetCIDR = "10.100.2.0/24" }, nil, "", "helper.subnet",
		},
		"label changed": {
			func(_ *fakeHub, s *VMSpec) { s.DNSLabel = "other" },
			[]string{"PUT " + helperNet + "/publicipaddresses/h-ip"}, "", "",
		},
		"interface lost its firewall": {
			func(f *fakeHub, _ *VMSpec) {
				delete(props(f, helperNet+"/networkinterfaces/h-nic"), "networkSecurityGroup")
			},
			[]string{"PUT " + helperNet + "/networkinterfaces/h-nic"}, "", "",
		},
		"VM deleted": {
			func(f *fakeHub, _ *VMSpec) { delete(f.resources, helperVMID) }, []string{"PUT " + helperVMID}, "created", "",
		},
		"VM failed": {
			func(f *fakeHub, _ *VMSpec) { props(f, helperVMID)["provisioningState"] = "Failed" },
			[]string{"PUT " + helperVMID}, "created", "",
		},
		"VM is deallocated": {
			func(f *fakeHub, _ *VMSpec) {
				props(f, helperVMID)["instanceView"] = map[string]any{"statuses": []any{
					map[string]any{"code": "ProvisioningState/succeeded"}, map[string]any{"code": "PowerState/deallocated"}}}
			},
			[]string{"POST " + helperVMID + "/start"}, "started", "",
		},
		"VM is being made by a former attempt": {
			func(f *fakeHub, _ *VMSpec) {
				props(f, helperVMID)["provisioningState"] = "Creating"
				f.onRead[helperVMID] = func() { props(f, helperVMID)["provisioningState"] = "Succeeded" }
			}, nil, "created", "",
		},
		"VM of another size":      {func(_ *fakeHub, s *VMSpec) { s.Size = "Standard_F4" }, nil, "", ""},
		"same key, other comment": {func(_ *fakeHub, s *VMSpec) { s.AuthorizedKey = "ssh-rsa AAAA elsewhere" }, nil, "", ""},
		"another key":             {func(_ *fakeHub, s *VMSpec) { s.AuthorizedKey = "ssh-rsa BBBB" }, nil, "", "helper.key"},
		"another user":            {func(_ *fakeHub, s *VMSpec) { s.User = "ana" }, nil, "", "helper.key"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeHub(t)
			h := f.hub(t, f.stack(w.IdentityEntra))
			s := helperSpec()
			if _, _, err := ensureAll(t, h, s); err != nil {
				t.Fatal(err)
			}
			f.forget()
			tt.spoil(f, &s)
			_, did, err := ensureAll(t, h, s)
			if tt.code != "" {
				if p := asProblem(t, err); p.Code != tt.code {
					t.Errorf("code %s, want %s", p.Code, tt.code)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.calls, append([]string(nil), f.changes()...)); d != "" || did != tt.did {
				t.Errorf("did %q\n%s", did, d)
			}
		})
	}
}

func TestSSHRuleKeepsOthers(t *testing.T) {
	f := newFakeHub(t)
	h := f.hub(t, f.stack(w.IdentityEntra))
	f.resources[helperGroup] = map[string]any{"tags": map[string]any{"product": "hubwright"}}
	nsg := helperNet + "/networksecuritygroups/h-nsg"
	f.resources[nsg] = map[string]any{"location": "seattle", "properties": map[string]any{"securityRules": []any{
		map[string]any{"name": "Monitoring", "properties": map[string]any{
			"priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "destinationPortRange": "9100"}},
	}}}
	if _, _, err := ensureAll(t, h, helperSpec()); err != nil {
		t.Fatal(err)
	}
	rules := f.resources[nsg]["properties"].(map[string]any)["securityRules"].([]any)
	got := map[string]float64{}
	for _, r := range rules {
		m := r.(map[string]any)
		got[m["name"].(string)] = m["properties"].(map[string]any)["priority"].(float64)
	}
	if d := cmp.Diff(map[string]float64{"Monitoring": 100, "AllowInboundSSH": 101}, got); d != "" {
		t.Error(d)
	}
}

// A VM in a network and a group that were there leaves both as they are.
func TestEnsureVMAmongOthers(t *testing.T) {
	f := newFakeHub(t)
	h := f.hub(t, f.stack(w.IdentityEntra))
	f.resources[helperGroup] = map[string]any{"tags": map[string]any{"owner": "ana"}}
	s := helperSpec()
	s.KeepGroup, s.SubnetID = true, helperGroup+"/providers/microsoft.network/virtualnetworks/other/subnets/a"
	for n, want := range [][]string{{
		"PUT " + helperNet + "/networksecuritygroups/h-nsg", "PUT " + helperNet + "/publicipaddresses/h-ip",
		"PUT " + helperNet + "/networkinterfaces/h-nic", "PUT " + helperVMID,
	}, {}} {
		f.forget()
		if _, _, err := ensureAll(t, h, s); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, f.changes()); d != "" {
			t.Errorf("time %d: %s", n+1, d)
		}
	}
	card := f.resources[helperNet+"/networkinterfaces/h-nic"]["properties"].(map[string]any)["ipConfigurations"].([]any)[0].(map[string]any)
	if at := card["properties"].(map[string]any)["subnet"].(map[string]any)["id"]; at != s.SubnetID {
		t.Errorf("the interface is in %v", at)
	}
}
