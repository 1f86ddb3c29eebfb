package aksengine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/aksengine"
	"hubwright/workflows"
)

// said is a line of the engine's logger for upgrades, deployed one of the other.
func said(text string) string {
	return fmt.Sprintf("time=%q level=info msg=%q", "2026-11-23T07:46:08Z", text)
}
func deployed(name string) string {
	return "\x1b[36mINFO\x1b[0m[0012] Starting ARM Deployment " + name + " in resource group rg. This will take some time... "
}

// TestUpgradeProgress follows one control plane node and a pool of two, as the
// engine tells it: late, again, and with the new node cordoned for a moment.
func TestUpgradeProgress(t *testing.T) {
	steps := []struct{ line, current, doing string }{
		{"WARN[0000] something else", "", ""},
		{said("Adding Agent VM: k8s-p-12345678-0, orchestrator: Kubernetes:1.33.10 to pool: p (AgentVMs)"), "", "waiting"},
		{said("Adding Agent VM: k8s-p-12345678-1, orchestrator: Kubernetes:1.33.10 to pool: p (AgentVMs)"), "", "waiting"},
		{said("Master VM name: k8s-master-12345678-0, orchestrator: 1.33.10 (MasterVMs)"), "", "waiting"},
		{said("deleting VM k8s-master-12345678-0 in resource group rg ..."), "k8s-master-12345678-0", "deleting"},
		{said("deleting NIC k8s-master-12345678-nic-0 in resource group rg ..."), "k8s-master-12345678-0", "deleting"},
		{deployed("k8s-upgrade-master-0-26-11-23T07.46.09-1"), "k8s-master-12345678-0", "creating"},
		{said("Master node: k8s-master-12345678-0 not ready yet..."), "k8s-master-12345678-0", "joining"},
		{said("Master node: k8s-master-12345678-0 is ready"), "", ""},
		{said("Creating new agent node k8s-p-12345678-2 (index 2)"), "k8s-p-12345678-2", "creating"},
		{said("Master node: k8s-master-12345678-0 is ready"), "k8s-p-12345678-2", "creating"},
		{deployed("k8s-upgrade-p-2-26-11-23T07.46.09-1"), "k8s-p-12345678-2", "creating"},
		{said(`Agent node: k8s-p-12345678-2 status error: nodes "k8s-p-12345678-2" not found`), "k8s-p-12345678-2", "joining"},
		{said("Agent node: k8s-p-12345678-2 is ready"), "", ""},
		{said("Node k8s-p-12345678-2 has been marked unschedulable."), "", ""},
		{said("Node k8s-p-12345678-0 has been marked unschedulable."), "k8s-p-12345678-0", "draining"},
		{said("deleting VM k8s-p-12345678-0 in resource group rg ..."), "k8s-p-12345678-0", "deleting"},
		{deployed("k8s-upgrade-p-0-26-11-23T07.46.09-1"), "k8s-p-12345678-0", "creating"},
		{said("Agent node: k8s-p-12345678-2 is ready"), "k8s-p-12345678-0", "creating"},
		{said("Agent node: k8s-p-12345678-0 is ready"), "", ""},
		{said("Node k8s-p-12345678-1 has been marked unschedulable."), "k8s-p-12345678-1", "draining"},
		{said("deleting VM k8s-p-12345678-1 in resource group rg ..."), "k8s-p-12345678-1", "deleting"},
		{said("Skipping creation of VM k8s-p-12345678-1 (index 1)"), "", ""},
	}
	var p aksengine.UpgradeProgress
	for i, s := range steps {
		p.Read(s.line)
		doing := ""
		for _, n := range p.Nodes {
			if n.Name == p.Current {
				doing = n.Phase.Doing()
			}
		}
		if p.Current != s.current || p.Current != "" && doing != s.doing {
			t.Errorf("after line %d (%s): %q is %s, want %q %s", i, s.line, p.Current, doing, s.current, s.doing)
		}
	}
	if p.Done() != 4 || len(p.Nodes) != 4 || p.Finished {
		t.Errorf("%+v", p)
	}
	at := time.Date(2026, 11, 23, 7, 46, 8, 0, time.UTC)
	want := []aksengine.NodeProgress{
		{Name: "k8s-p-12345678-0", Began: at, Ended: at}, {Name: "k8s-p-12345678-1", Began: at, Ended: at, Gone: true},
		{Name: "k8s-master-12345678-0", Began: at, Ended: at}, {Name: "k8s-p-12345678-2", Began: at, Ended: at, New: true},
	}
	for i := range want {
		want[i].Phase = aksengine.NodeDone
	}
	if d := cmp.Diff(want, p.Nodes); d != "" {
		t.Error(d)
	}
	for _, last := range []string{"Cluster upgraded successfully to Kubernetes version 1.34.4", "Control plane upgraded successfully to Kubernetes version 1.34.4"} {
		q := aksengine.UpgradeProgress{Nodes: []aksengine.NodeProgress{{Name: "x"}}}
		if q.Percent() != 0 {
			t.Errorf("%d%% before anything was done", q.Percent())
		}
		q.Read(said(last))
		q.Read(said("Agent node: x is ready"))
		if !q.Finished || q.Percent() != 100 {
			t.Errorf("%+v after %s", q, last)
		}
	}
	if got := (&aksengine.UpgradeProgress{}).Percent(); got != 0 {
		t.Errorf("%d%% of nothing", got)
	}
}

// TestUpgradeProgressOfARetry counts what an earlier command has done.
func TestUpgradeProgressOfARetry(t *testing.T) {
	var p aksengine.UpgradeProgress
	for _, text := range []string{
		"Adding Agent VM: k8s-p-1-0, orchestrator: Kubernetes:1.33.10 to pool: p (AgentVMs)",
		"Adding Agent VM: k8s-p-1-3, orchestrator: Kubernetes:1.34.4 to pool: p (UpgradedAgentVMs)",
		"Master VM name: k8s-master-1-0, orchestrator: 1.34.4 (UpgradedMasterVMs)",
		"Master VM name: k8s-master-1-1, orchestrator: 1.33.10 (MasterVMs)",
	} {
		p.Read(said(text))
	}
	if p.Done() != 2 || p.Percent() != 50 || p.Current != "" || !p.Nodes[1].Before || p.Nodes[0].Before || p.Nodes[1].New {
		t.Errorf("%+v, %d%%", p, p.Percent())
	}
	only := aksengine.UpgradeProgress{ControlPlaneOnly: true}
	only.Read(said("Adding Agent VM: k8s-p-1-0, orchestrator: Kubernetes:1.33.10 to pool: p (AgentVMs)"))
	if len(only.Nodes) != 0 {
		t.Errorf("%+v", only)
	}
}

func TestOneStepAndNext(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		want     bool
	}{
		{"1.33.10", "1.34.4", true}, {"1.33.5", "1.33.10", true}, {"v1.33.10", "1.34.0", true},
		{"1.33.10", "1.35.0", false}, {"1.33.10", "1.33.10", false}, {"1.33.10", "1.33.5", false}, {"1.34.4", "1.33.10", false},
		{"1.34.4", "2.35.0", false}, {"1.34", "1.35.0", false}, {"1.34.4", "1.35.x", false}, {"", "", false},
	} {
		if got := aksengine.OneStep(tt.from, tt.to); got != tt.want {
			t.Errorf("%s to %s: %v", tt.from, tt.to, got)
		}
	}
}

const pools = `{"properties":{"masterProfile":{"dnsPrefix":"k111","count":3},"orchestratorProfile":{"kubernetesConfig":{"addons":[{"name":"coredns","enabled":true},{"name":"container-monitoring","enabled":%s}]}},"agentPoolProfiles":[{"name":"linuxpool","count":3,"big":12345678901234567890},{"name":"other","count":1}]}}`

// same compares documents, numbers exactly.
func same(t *testing.T, want string, got []byte) {
	t.Helper()
	var both [2]any
	for i, doc := range []string{want, string(got)} {
		d := json.NewDecoder(strings.NewReader(doc))
		d.UseNumber()
		if err := d.Decode(&both[i]); err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
	}
	if d := cmp.Diff(both[0], both[1]); d != "" {
		t.Error(d)
	}
}

func TestWithPoolCount(t *testing.T) {
	doc := fmt.Sprintf(pools, "false")
	out, changed, err := aksengine.WithPoolCount([]byte(doc), "linuxpool", 5)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	same(t, strings.Replace(doc, `"linuxpool","count":3`, `"linuxpool","count":5`, 1), out)
	if out, changed, err := aksengine.WithPoolCount([]byte(doc), "linuxpool", 3); err != nil || changed || string(out) != doc {
		t.Errorf("the same count changes it: %v, %v", changed, err)
	}
	if _, _, err := aksengine.WithPoolCount([]byte(doc), "nopool", 3); err == nil || !strings.Contains(err.Error(), "no pool nopool") {
		t.Errorf("another pool: %v", err)
	}
	if _, _, err := aksengine.WithPoolCount([]byte("{"), "linuxpool", 3); err == nil {
		t.Error("half a document is fine")
	}
}

func TestWithoutAddon(t *testing.T) {
	off := fmt.Sprintf(pools, "false")
	if out, changed, err := aksengine.WithoutAddon([]byte(off), "container-monitoring"); err != nil || changed || string(out) != off || aksengine.HasAddon([]byte(off), "container-monitoring") {
		t.Errorf("one that is off is taken out: %v, %v", changed, err)
	}
	on := fmt.Sprintf(pools, "true")
	if !aksengine.HasAddon([]byte(on), "container-monitoring") {
		t.Error("not found")
	}
	out, changed, err := aksengine.WithoutAddon([]byte(on), "container-monitoring")
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	same(t, strings.Replace(on, `,{"name":"container-monitoring","enabled":true}`, "", 1), out)
	if _, _, err := aksengine.WithoutAddon([]byte("no"), "x"); err == nil {
		t.Error("no document is fine")
	}
}

func TestScaleDoingAndDeletions(t *testing.T) {
	var d aksengine.Deletions
	for _, s := range []struct{ line, doing, half string }{
		{deployed("k8s-scale-1"), "the Hub makes the new VMs", ""},
		{said("There are 5 nodes in pool p before scaling down to 3:\n"), "", ""},
		{said("Node k8s-p-1-4 will be cordoned and drained\n"), "draining k8s-p-1-4", ""},
		{said("Node k8s-p-1-4 has been marked unschedulable."), "draining k8s-p-1-4", ""},
		{said("deleting VM k8s-p-1-3 in resource group rg ..."), "deleting the VM k8s-p-1-3", "k8s-p-1-3"},
		{said("deleting VM k8s-p-1-4 in resource group rg ..."), "deleting the VM k8s-p-1-4", "k8s-p-1-3 k8s-p-1-4"},
		{said("deleting NIC k8s-p-1-nic-4 in resource group rg ..."), "deleting the NIC k8s-p-1-nic-4", "k8s-p-1-3 k8s-p-1-4"},
		{said("deleting managed disk k8s-p-1-4_OsDisk_1_ab in resource group rg ..."), "deleting the managed disk k8s-p-1-4_OsDisk_1_ab", "k8s-p-1-3"},
		{said("deleting VM k8s-p-1-3 in resource group rg ..."), "deleting the VM k8s-p-1-3", "k8s-p-1-3"},
		{said("deleting managed disk k8s-p-1-3_OsDisk_1_cd in resource group rg ..."), "deleting the managed disk k8s-p-1-3_OsDisk_1_cd", ""},
	} {
		d.Read(s.line)
		if got := aksengine.ScaleDoing(s.line); got != s.doing {
			t.Errorf("%s: %q, want %q", s.line, got, s.doing)
		}
		if got := strings.Join(d.Half(), " "); got != s.half {
			t.Errorf("after %s: half deleted are %q, want %q", s.line, got, s.half)
		}
	}
}

func TestOperationCommands(t *testing.T) {
	call := aksengine.Deploy{
		Binary: "~/engine", OutputDir: "~/out", ResourceGroup: "rg", Location: "seattle", Subscription: "sub", Identity: workflows.IdentityEntra,
		Method: workflows.AuthSecret, ClientID: "client", ClientSecret: "the secret", Certificate: "~/c.crt", PrivateKey: "~/c.key",
	}
	cert := call
	cert.Method, cert.Identity = workflows.AuthCertificate, workflows.IdentityADFS
	const (
		front   = "~/engine %s --azure-env AzureStackCloud --api-model ~/out/apimodel.json "
		group   = "--resource-group rg --location seattle --subscription-id sub "
		bySec   = group + "--identity-system azure_ad --auth-method client_secret --client-id client --client-secret the secret"
		byCert  = group + "--identity-system adfs --auth-method client_certificate --client-id client --certificate-path ~/c.crt --private-key-path ~/c.key"
		upgrade = "--upgrade-version 1.34.4 --cordon-drain-timeout 60 --vm-timeout 20 "
	)
	u := aksengine.Upgrade{Version: "1.34.4", Drain: time.Hour, Ready: 20 * time.Minute}
	whole := u
	whole.Force, whole.ControlPlaneOnly = true, true
	for _, tt := range []struct {
		got        aksengine.Command
		verb, want string
	}{
		{call.Scale("linuxpool", 5, "api.test"), "scale", "--node-pool linuxpool --new-node-count 5 --apiserver api.test " + bySec},
		{cert.Scale("linuxpool", 5, "api.test"), "scale", "--node-pool linuxpool --new-node-count 5 --apiserver api.test " + byCert},
		{call.AddPool("~/pool.json"), "addpool", "--node-pool ~/pool.json " + bySec},
		{cert.AddPool("~/pool.json"), "addpool", "--node-pool ~/pool.json " + byCert},
		{call.Upgrade(u), "upgrade", upgrade + bySec},
		{cert.Upgrade(whole), "upgrade", upgrade + "--control-plane-only --force " + byCert},
	} {
		if d := cmp.Diff(fmt.Sprintf(front, tt.verb)+tt.want, strings.Join(tt.got, " ")); d != "" {
			t.Error(d)
		}
		if shown := tt.got.Display(); strings.Contains(shown, "the secret") || strings.Contains(shown, "client_secret") && !strings.Contains(shown, aksengine.Mask) {
			t.Errorf("the secret is not masked:\n%s", shown)
		}
	}
}
