package arm_test

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/faults"
)

func TestAClusterIsDeployed(t *testing.T) {
	s := raise(t, func(c *arm.Config) { c.Speed = 500 })
	s.group("rg")
	first := s.call("PUT", deploymentPath("d1"), s.template())
	if first.status != 201 || dig(first.body, "properties", "provisioningState") != "Accepted" {
		t.Fatalf("PUT: %d %s", first.status, first.raw)
	}
	// Progress is visible while it runs, and what depends on something ends later.
	partial := false
	ended := map[string]string{}
	s.until("the deployment", func() bool {
		running, done := 0, 0
		for _, o := range s.call("GET", subPath+"/resourcegroups/rg/deployments/d1/operations", nil).body["value"].([]any) {
			if dig(o, "properties", "provisioningState") == "Running" {
				running++
				continue
			}
			done++
			ended[fmt.Sprint(dig(o, "properties", "targetResource", "resourceName"))] = fmt.Sprint(dig(o, "properties", "timestamp"))
		}
		partial = partial || running > 0 && done > 0
		return dig(s.call("GET", deploymentPath("d1"), nil).body, "properties", "provisioningState") != "Running"
	})
	order := []string{"k8s-master-28578941-nsg", "k8s-vnet-28578941", "k8s-linuxpool-28578941-nic-0", "k8s-linuxpool-28578941-0", "k8s-linuxpool-28578941-0/cse-agent-0"}
	if !partial || !slices.IsSortedFunc(order, func(a, b string) int { return strings.Compare(ended[a], ended[b]) }) {
		t.Errorf("progress seen: %v; ends: %v", partial, ended)
	}
	doc := s.call("GET", deploymentPath("d1"), nil).body
	if got := dig(doc, "properties", "provisioningState"); got != "Succeeded" {
		t.Fatalf("state %v: %v", got, dig(doc, "properties", "error"))
	}
	if got := dig(doc, "properties", "outputs", "masterFQDN", "value"); got != "k111.seattle.cloudapp.azurestack.test" {
		t.Errorf("output masterFQDN: %v", got)
	}
	if dig(doc, "properties", "parameters", "caPrivateKey", "value") != nil || dig(doc, "properties", "parameters", "nameSuffix", "value") != "28578941" {
		t.Errorf("parameters shown: %v", dig(doc, "properties", "parameters"))
	}
	var joined []string
	for _, e := range s.happened() {
		if name, ok := strings.CutPrefix(e, "join "); ok {
			joined = append(joined, name)
		}
	}
	want := []string{"k8s-linuxpool-28578941-0", "k8s-linuxpool-28578941-1", "k8s-master-28578941-0", "k8s-master-28578941-1", "k8s-master-28578941-2"}
	if diff := cmp.Diff(want, joined); diff != "" {
		t.Errorf("nodes (-want +got)\n%s", diff)
	}
	s.checkMaster()
}

// checkMaster looks at one VM as AKS Engine's scale and upgrade read it.
func (s *stage) checkMaster() {
	s.t.Helper()
	vm := s.call("GET", groupPath+"/providers/Microsoft.Compute/virtualMachines/K8S-master-28578941-1", nil).body
	os := dig(vm, "properties", "storageProfile", "osDisk")
	for what, ok := range map[string]bool{
		"name":             vm["name"] == "k8s-master-28578941-1",
		"orchestrator tag": dig(vm, "tags", "orchestrator") == "Kubernetes:1.33.10",
		"osType":           dig(os, "osType") == "Linux",
		"os disk's name":   strings.HasPrefix(fmt.Sprint(dig(os, "name")), "k8s-master-28578941-1_OsDisk_1_"),
		"managed disk":     strings.HasSuffix(fmt.Sprint(dig(os, "managedDisk", "id")), fmt.Sprint(dig(os, "name"))),
		"etcd disk":        dig(vm, "properties", "storageProfile", "dataDisks", 0, "name") == "k8s-master-28578941-1-etcddisk",
		"NIC":              strings.HasSuffix(fmt.Sprint(dig(vm, "properties", "networkProfile", "networkInterfaces", 0, "id")), "k8s-master-28578941-nic-1"),
		"state":            dig(vm, "properties", "provisioningState") == "Succeeded",
		"no custom data":   dig(vm, "properties", "osProfile", "customData") == nil,
	} {
		if !ok {
			s.t.Errorf("%s: %v", what, vm)
		}
	}
	nic := s.call("GET", groupPath+"/providers/Microsoft.Network/networkInterfaces/k8s-master-28578941-nic-1", nil).body
	if dig(nic, "properties", "ipConfigurations", 0, "properties", "privateIPAddress") != "10.240.255.6" || dig(nic, "properties", "virtualMachine", "id") != vm["id"] {
		s.t.Errorf("NIC: %v", nic)
	}
	ext := s.call("GET", groupPath+"/providers/Microsoft.Compute/virtualMachines/k8s-master-28578941-1/extensions/cse-master-1", nil)
	if strings.Contains(string(ext.raw), "commandToExecute") {
		s.t.Errorf("the extension shows its protected settings: %s", ext.raw)
	}
}

// TestScaleUp deploys AKS Engine's reduced parameters: only what is new is made.
func TestScaleUpMakesOnlyWhatIsNew(t *testing.T) {
	s := raise(t, nil)
	s.group("rg")
	if r := s.settled("PUT", deploymentPath("d1"), s.template()); r.body["status"] != "Succeeded" {
		t.Fatalf("deploy: %s", r.raw)
	}
	before := len(s.happened())
	if r := s.settled("PUT", deploymentPath("d2"), s.template("linuxpoolCount", 3, "linuxpoolOffset", 2)); r.body["status"] != "Succeeded" {
		t.Fatalf("scale: %s", r.raw)
	}
	s.mu.Lock()
	news := slices.Clone(s.events[before:])
	s.mu.Unlock()
	if diff := cmp.Diff([]string{"join k8s-linuxpool-28578941-2"}, news); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestARetryWithAnotherCAFailsOnNewNodes(t *testing.T) {
	s := raise(t, nil)
	s.group("rg")
	if r := s.settled("PUT", deploymentPath("d1"), s.template()); r.body["status"] != "Succeeded" {
		t.Fatalf("deploy: %s", r.raw)
	}
	other := base64.StdEncoding.EncodeToString([]byte("ca two"))
	r := s.settled("PUT", deploymentPath("d2"), s.template("linuxpoolCount", 3, "caCertificate", other))
	if r.body["status"] != "Failed" || !strings.Contains(string(r.raw), "exit status=51") {
		t.Errorf("new CA: %s", r.raw)
	}
	if got := len(s.happened()); got != 5 {
		t.Errorf("%d nodes joined, want 5: %v", got, s.happened())
	}
	s.hub.Rotated("rg", "28578941", []byte("ca two"))
	if r := s.settled("PUT", deploymentPath("d3"), s.template("linuxpoolCount", 3, "caCertificate", other)); r.body["status"] != "Succeeded" {
		t.Errorf("after the rotation: %s", r.raw)
	}
}

func TestFailuresOfDeployments(t *testing.T) {
	preset := func(kind string) func(*stage) {
		return func(s *stage) {
			rule, ok := faults.Preset(kind, "seattle")
			if !ok {
				s.t.Fatalf("no preset %s", kind)
			}
			if _, err := s.faults.Add(rule); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	cases := []struct {
		name   string
		before func(*stage)
		body   func(*stage) map[string]any
		status int    // of the PUT; 0 for a failure later
		code   string // of the PUT's answer, or of the deepest error
		text   string
	}{
		{"script", preset("script-failed"), nil, 0, "VMExtensionProvisioningError", "command terminated with exit status=50"},
		{"allocation", preset("allocation-failed"), nil, 0, "AllocationFailed", "sufficient capacity"},
		{"image", preset("image-missing"), nil, 0, "PlatformImageNotFound", "microsoft-aks:aks:aks-engine-azurestack-ubuntu-2204:2026.139.1"},
		{"extension", preset("script-extension-missing"), nil, 0, "VMExtensionHandlerNotFound", "CustomScript"},
		{"quota", preset("quota-exceeded"), nil, 400, "InvalidTemplateDeployment", "QuotaExceeded"},
		{"label", func(s *stage) {
			s.settled("PUT", groupPath+"/providers/Microsoft.Network/publicIPAddresses/other", obj("location", "seattle", "properties", obj("dnsSettings", obj("domainNameLabel", "k111"))))
		}, nil, 0, "DnsRecordInUse", "k111.seattle.cloudapp.azurestack.test"},
		{"size", nil, func(s *stage) map[string]any { return s.template("vmSize", "Standard_Nope") }, 0, "InvalidParameter", "Standard_Nope"},
		{"template", nil, func(s *stage) map[string]any { return s.template("masterOffset", 9) }, 400, "InvalidTemplate", "allowed value(s)"},
		{"no template", nil, func(*stage) map[string]any { return obj("properties", obj("mode", "Incremental")) }, 400, "InvalidRequestContent", "template"},
		{"mode", nil, func(s *stage) map[string]any {
			b := s.template()
			b["properties"].(map[string]any)["mode"] = "Complete"
			return b
		}, 400, "InvalidDeploymentMode", "Incremental"},
		{"unregistered", func(s *stage) { s.hub.SetRegistered("Microsoft.Network", false) }, nil, 409, "MissingSubscriptionRegistration", "Microsoft.Network"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := raise(t, nil)
			s.group("rg")
			if c.before != nil {
				c.before(s)
			}
			body := s.template()
			if c.body != nil {
				body = c.body(s)
			}
			r := s.settled("PUT", deploymentPath("d"), body)
			if !strings.Contains(string(r.raw), c.code) || !strings.Contains(string(r.raw), c.text) {
				t.Errorf("want %s with %q, got %d %s", c.code, c.text, r.status, r.raw)
			}
			if c.status != 0 {
				if r.status != c.status || r.code() != c.code {
					t.Errorf("status %d code %s, want %d %s", r.status, r.code(), c.status, c.code)
				}
				return
			}
			if r.status != 200 || r.body["status"] != "Failed" || dig(r.body, "error", "code") != "DeploymentFailed" {
				t.Errorf("poll: %d %s", r.status, r.raw)
			}
			ops := s.call("GET", deploymentPath("d")+"/operations", nil)
			if !strings.Contains(string(ops.raw), `"statusMessage"`) || !strings.Contains(string(ops.raw), c.code) {
				t.Errorf("operations don't tell: %s", ops.raw)
			}
		})
	}
}

func TestAStuckMachineWaitsForTheLift(t *testing.T) {
	s := raise(t, nil)
	s.group("rg")
	rule, _ := faults.Preset("stuck-creating", "seattle")
	id, err := s.faults.Add(rule)
	if err != nil {
		t.Fatal(err)
	}
	s.call("PUT", deploymentPath("d"), s.template())
	// All but the stuck machine, its script, and nothing else get done.
	s.until("all the rest", func() bool { return len(s.happened()) == 4 })
	if got := dig(s.call("GET", deploymentPath("d"), nil).body, "properties", "provisioningState"); got != "Running" {
		t.Fatalf("state %v, want Running", got)
	}
	s.faults.Lift(id)
	s.until("the end", func() bool {
		return dig(s.call("GET", deploymentPath("d"), nil).body, "properties", "provisioningState") == "Succeeded"
	})
}

func TestCancelStopsWhatHasNotBegun(t *testing.T) {
	s := raise(t, func(c *arm.Config) { c.Speed = 400 })
	s.group("rg")
	s.call("PUT", deploymentPath("d"), s.template())
	if r := s.call("PUT", deploymentPath("d"), s.template()); r.status != 409 || r.code() != "DeploymentActive" {
		t.Errorf("second PUT: %d %s", r.status, r.code())
	}
	if r := s.call("POST", deploymentPath("d")+"/cancel", nil); r.status != 204 {
		t.Fatalf("cancel: %d %s", r.status, r.raw)
	}
	s.until("the end", func() bool {
		return dig(s.call("GET", deploymentPath("d"), nil).body, "properties", "error", "code") == "DeploymentCanceled"
	})
	if r := s.call("POST", deploymentPath("d")+"/cancel", nil); r.status != 409 {
		t.Errorf("cancel again: %d", r.status)
	}
	if len(s.happened()) != 0 {
		t.Errorf("machines came up: %v", s.happened())
	}
	if r := s.call("DELETE", deploymentPath("d"), nil); r.status != 204 {
		t.Errorf("delete: %d", r.status)
	}
	if r := s.call("GET", deploymentPath("d"), nil); r.status != 404 || r.code() != "DeploymentNotFound" {
		t.Errorf("after delete: %d %s", r.status, r.code())
	}
}

func TestADeploymentGoesOnAfterARestart(t *testing.T) {
	s := raise(t, func(c *arm.Config) {
		c.StateFile, c.Speed = filepath.Join(t.TempDir(), "seattle.json"), 400
	})
	s.group("rg")
	s.call("PUT", deploymentPath("d"), s.template())
	for i := range 4 { // end it at four moments
		s.until("some progress", func() bool {
			n := 0
			for _, o := range s.call("GET", deploymentPath("d")+"/operations", nil).body["value"].([]any) {
				if dig(o, "properties", "provisioningState") == "Succeeded" {
					n++
				}
			}
			return n >= 5*(i+1)
		})
		if err := s.hub.Close(); err != nil {
			t.Fatal(err)
		}
		s.reopen()
	}
	s.until("the end", func() bool {
		state := dig(s.call("GET", deploymentPath("d"), nil).body, "properties", "provisioningState")
		if state == "Failed" {
			t.Fatalf("failed: %s", s.call("GET", deploymentPath("d"), nil).raw)
		}
		return state == "Succeeded"
	})
	seen := map[string]int{}
	for _, e := range s.happened() {
		seen[e]++
	}
	if len(seen) != 5 {
		t.Errorf("hooks: %v", seen)
	}
	vms := s.call("GET", groupPath+"/providers/Microsoft.Compute/virtualMachines", nil)
	disks := s.call("GET", groupPath+"/providers/Microsoft.Compute/disks", nil)
	if n, d := len(vms.body["value"].([]any)), len(disks.body["value"].([]any)); n != 5 || d != 8 {
		t.Errorf("%d VMs and %d disks, want 5 and 8: nothing may be made twice", n, d)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := raise(t, func(c *arm.Config) {
		c.Quotas = map[string]int64{"cores": 1000, "virtualMachines": 100, "availabilitySets": 40}
	})
	s.group("rg")
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			name := fmt.Sprintf("grp%d", i)
			s.call("PUT", subPath+"/resourcegroups/"+name, obj("location", "seattle"))
			path := subPath + "/resourcegroups/" + name + "/providers/Microsoft.Resources/deployments/d"
			if r := s.settled("PUT", path, s.template("dnsPrefix", name, "nameSuffix", fmt.Sprintf("1000000%d", i))); r.body["status"] != "Succeeded" {
				t.Errorf("%s: %s", name, r.raw)
			}
		})
	}
	for range 4 {
		wg.Go(func() {
			for range 50 {
				s.call("GET", subPath+"/resources", nil)
				s.call("GET", subPath+"/providers/Microsoft.Compute/locations/seattle/usages", nil)
				s.hub.Machines()
			}
		})
	}
	wg.Wait()
	ips := map[string]bool{}
	for _, m := range s.hub.Machines() {
		ips[m.Group+m.PrivateIP] = true
	}
	if len(ips) != 30 {
		t.Errorf("%d private addresses for 30 machines", len(ips))
	}
}
