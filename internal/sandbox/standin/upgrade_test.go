package standin

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// versions are the nodes' names with their kubelets' versions.
func (w *world) versions() (list []string) {
	w.kube.Lock()
	defer w.kube.Unlock()
	for name, n := range w.nodes {
		list = append(list, strings.TrimPrefix(name, "k8s-")+" "+n.Status.NodeInfo.KubeletVersion)
	}
	slices.Sort(list)
	return list
}

var upgradeForm = regexp.MustCompile(`(k8s-upgrade-[a-z]+-\d+)-\d\d-\d\d-\d\dT\d\d\.\d\d\.\d\d-\d+`)

func TestUpgrade(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 1, nil)
	const old, heir, master = "k8s-linuxpool-28578941-0", "k8s-linuxpool-28578941-1", "k8s-master-28578941-0"
	w.late = 1
	w.nodes[old].Labels["owner"], w.nodes[old].Annotations = "ana", map[string]string{"note": "hers"}
	w.nodes[old].Spec.Taints = []corev1.Taint{{Key: "own", Effect: corev1.TaintEffectNoSchedule}}
	w.run("web", old)
	w.beats[old], w.beats[heir] = 1, 2
	r.hurry(w.hub, r.on("upgrade", "-k", "1.34.4")...)
	if r.code != 0 {
		t.Fatal(r.stderr)
	}
	disks := regexp.MustCompile(`_OsDisk_1_[0-9a-f]+`)
	same(t, "said", []string{
		"Evaluating VM: " + old + " in pool: linuxpool...", "Adding Agent VM: " + old + ", orchestrator: Kubernetes:1.33.10 to pool: linuxpool (AgentVMs)",
		"Master VM name: " + master + ", orchestrator: 1.33.10 (MasterVMs)", "Upgrading control plane and all nodes to Kubernetes version 1.34.4",
		"Master nodes StorageProfile: ManagedDisks", "Prepping master nodes for upgrade...", "Total expected master count: 1", "Master nodes that need to be upgraded: 1",
		"Master nodes that have been upgraded: 0", "Starting upgrade of master nodes...", "masterNodesInCluster: 1", "Expected master count: 1, Creating 0 more master VMs",
		"Upgrading Master VM: " + master, "deleting VM " + master + " in resource group rg1 ...", "deleting NIC k8s-master-28578941-nic-0 in resource group rg1 ...",
		"deleting managed disk " + master + "_OsDisk in resource group rg1 ...", "Master offset: 0", "Master pool set count to: 1 temporarily during upgrade...",
		"Master node: " + master + " not ready yet...", "Master node: " + master + " is ready",
		"Prepping agent pool 'linuxpool' for upgrade...", "Starting upgrade of 1 agent nodes (out of 1) in pool identifier: linuxpool, name: linuxpool...",
		"Creating new agent node " + heir + " (index 1)", "Agent pool: linuxpool, set count to: 2 temporarily during upgrade. Upgrading agent: 1",
		"Validating " + heir, "Agent node: " + heir + " not ready yet...", "Agent node: " + heir + " is ready",
		"Upgrading Agent VM: " + old + ", pool name: linuxpool", "Copying custom annotations, labels, taints from old node " + old + " to new node " + heir + "...",
		"Node " + heir + " has been marked unschedulable.", "Node " + heir + " has no scheduled pods",
		"Successfully copied custom annotations, labels, taints from old node " + old + " to new node " + heir + ".",
		"Node " + old + " has been marked unschedulable.", "1 pods will be deleted", "web pod successfully evicted",
		"deleting VM " + old + " in resource group rg1 ...", "deleting NIC k8s-linuxpool-28578941-nic-0 in resource group rg1 ...",
		"deleting managed disk " + old + "_OsDisk in resource group rg1 ...", "Skipping creation of VM " + old + " (index 0)",
		"Cluster upgraded successfully to Kubernetes version 1.34.4",
	}, r.messages(disks))
	same(t, "changes", []string{"PUT rg1", "DELETE " + master, "DELETE k8s-master-28578941-nic-0", "DELETE " + master + "_OsDisk", "PUT k8s-upgrade-master-0",
		"PUT k8s-upgrade-linuxpool-1", "DELETE " + old, "DELETE k8s-linuxpool-28578941-nic-0", "DELETE " + old + "_OsDisk"}, w.changes(r, disks))
	same(t, "nodes", []string{"linuxpool-28578941-1 v1.34.4", "master-28578941-0 v1.34.4"}, w.versions())
	n := w.nodes[heir]
	if n.Labels["owner"] != "ana" || n.Labels["kubernetes.io/hostname"] != heir || n.Annotations["note"] != "hers" || n.Spec.Unschedulable || len(n.Spec.Taints) != 1 {
		t.Errorf("the heir is %+v, %+v", n.ObjectMeta, n.Spec)
	}
	p := kept(t)
	if o := p.OrchestratorProfile; o.OrchestratorVersion != "1.34.4" || o.OrchestratorRelease != "1.34" || o.KubernetesConfig.APIServerConfig["--cloud-provider"] != "external" {
		t.Errorf("the model says %+v", o)
	}
	if p.AgentPoolProfiles[0].Count != 1 || w.machines()[0] != "linuxpool-28578941-1" {
		t.Errorf("machines: %v", w.machines())
	}
	// The same version again is for the image only, and needs --force. The free number is taken.
	r.hurry(w.hub, r.on("upgrade", "-k", "1.34.4", "--force")...)
	if r.code != 0 {
		t.Fatal(r.stderr)
	}
	same(t, "nodes", []string{"linuxpool-28578941-0 v1.34.4", "master-28578941-0 v1.34.4"}, w.versions())
}

// messages are those of stderr alone.
func (r *run) messages(disks *regexp.Regexp) (list []string) {
	for _, line := range r.said() {
		_, text, _ := strings.Cut(line, `msg="`)
		text, _, _ = strings.Cut(text, `"`)
		list = append(list, disks.ReplaceAllString(text, "_OsDisk"))
	}
	return list
}

func (w *world) changes(r *run, disks *regexp.Regexp) (list []string) {
	for _, line := range w.seenARM(r) {
		line, _, _ = strings.Cut(line, "?")
		list = append(list, upgradeForm.ReplaceAllString(disks.ReplaceAllString(line, "_OsDisk"), "$1"))
	}
	return list
}

func TestUpgradeOfControlPlaneOnly(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 2, nil)
	r.hurry(w.hub, r.on("upgrade", "-k", "1.34.4", "--control-plane-only")...)
	if !strings.Contains(r.stderr, `msg="Control plane upgraded successfully to Kubernetes version 1.34.4"`) || r.code != 0 {
		t.Fatal(r.stderr)
	}
	same(t, "nodes", []string{"linuxpool-28578941-0 v1.33.10", "linuxpool-28578941-1 v1.33.10", "master-28578941-0 v1.34.4"}, w.versions())
	if v := kept(t).OrchestratorProfile.OrchestratorVersion; v != "1.34.4" {
		t.Errorf("the model says %s", v)
	}
}

// Every agent is replaced, and the pool has as many in the end.
func TestUpgradeOfPool(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 3, nil)
	w.run("never", "k8s-linuxpool-28578941-1")
	w.stuck["never"] = -1
	r.hurry(w.hub, r.on("upgrade", "-k", "1.34.4", "--cordon-drain-timeout", "1")...)
	if r.code != 0 {
		t.Fatal(r.stderr)
	}
	for _, want := range []string{`error msg="There are pending pods when an error occurred: Drain did not complete within 1m0s\n"`, `error msg="pod/never\n"`,
		`warning msg="Error draining agent VM k8s-linuxpool-28578941-1. Proceeding with deletion. Error: Drain did not complete within 1m0s"`} {
		if !slices.Contains(r.said(), want) {
			t.Errorf("stderr lacks %s:\n%s", want, r.stderr)
		}
	}
	nodes := w.versions()
	if len(nodes) != 4 || !slices.Contains(nodes, "linuxpool-28578941-3 v1.34.4") {
		t.Errorf("nodes: %v", nodes)
	}
	for _, n := range nodes {
		if !strings.HasSuffix(n, " v1.34.4") {
			t.Errorf("node %s", n)
		}
	}
}

func TestUpgradeWithoutReadyNode(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 1, nil)
	w.late = -1
	r.hurry(w.hub, r.on("upgrade", "-k", "1.34.4", "--vm-timeout", "1")...)
	if r.code != 1 || r.failed() != "upgrading cluster: Node was not ready within 1m0s" || !slices.Contains(r.said(), `info msg="Error validating upgraded master VM: k8s-master-28578941-0"`) {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if v := kept(t).OrchestratorProfile.OrchestratorVersion; v != "1.33.10" {
		t.Errorf("the model says %s", v)
	}
	// The new master counts as upgraded, and the agent that doesn't come is deleted again.
	w.kube.Lock()
	w.wait["k8s-master-28578941-0"] = 0
	w.kube.Unlock()
	r.hurry(w.hub, r.on("upgrade", "-k", "1.34.4", "--vm-timeout", "1")...)
	if r.code != 1 || r.failed() != "upgrading cluster: Node was not ready within 1m0s. Succeeded to delete node k8s-linuxpool-28578941-1." {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	same(t, "machines", []string{"linuxpool-28578941-0", "master-28578941-0"}, w.machines())
	// A third run ends it.
	w.late = 0
	r.hurry(w.hub, r.on("upgrade", "-k", "1.34.4")...)
	if said := r.said(); r.code != 0 || !slices.Contains(said, `info msg="Checking status of upgraded control plane nodes"`) ||
		!slices.Contains(said, `info msg="Master VM: k8s-master-28578941-0 is upgraded to expected orchestrator version"`) {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	same(t, "nodes", []string{"linuxpool-28578941-1 v1.34.4", "master-28578941-0 v1.34.4"}, w.versions())
}

// Where a master is missing that had its turn, the real engine makes the first one again and says that all is well.
func TestUpgradeWithMissingMaster(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 1, put(master, "count", 3))
	w.late = -1
	r.hurry(w.hub, r.on("upgrade", "-k", "1.34.4", "--vm-timeout", "1")...)
	if r.code != 1 {
		t.Fatal(r.stdout)
	}
	w.late = 0
	w.kube.Lock()
	w.wait["k8s-master-28578941-0"] = 0
	w.kube.Unlock()
	w.deleteVM(t, r, "k8s-master-28578941-1")
	r.hurry(w.hub, r.on("upgrade", "-k", "1.34.4", "--control-plane-only")...)
	if said := r.said(); r.code != 0 || !slices.Contains(said, `info msg="Creating upgraded master VM with index: 0"`) ||
		!slices.Contains(said, `warning msg="VM name was empty. Skipping node condition check"`) || !slices.Contains(said, `info msg="Control plane upgraded successfully to Kubernetes version 1.34.4"`) {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	same(t, "machines", []string{"linuxpool-28578941-0", "master-28578941-0", "master-28578941-2"}, w.machines())
	// --force finds the right one.
	r.hurry(w.hub, r.on("upgrade", "-k", "1.34.4", "--control-plane-only", "--force")...)
	same(t, "machines", []string{"linuxpool-28578941-0", "master-28578941-0", "master-28578941-1", "master-28578941-2"}, w.machines())
}

// deleteVM does what a run that was killed right after had done.
func (w *world) deleteVM(t *testing.T, r *run, name string) {
	t.Helper()
	p := newProcess(w.env(r.dir), io.Discard, io.Discard)
	j := &job{deployFlags: deployFlags{file: "out/apimodel.json", group: "rg1", location: region, loginFlags: loginFlags{azureEnv: "AzureStackCloud",
		authMethod: "client_secret", identity: "azure_ad", clientID: clientUUID, clientSecret: goodSecret, subscription: subscriptionID}}}
	for _, step := range []func() error{
		func() error { return p.open(t.Context(), j, nil) },
		func() error { return p.enter(t.Context(), j) },
		func() error { return p.deleteMachine(t.Context(), j, name) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}
