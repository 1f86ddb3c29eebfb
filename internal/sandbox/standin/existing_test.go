package standin

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kept is the model that the last command left.
func kept(t *testing.T) *Properties {
	t.Helper()
	text, err := os.ReadFile("out/apimodel.json")
	if err != nil {
		t.Fatal(err)
	}
	var m Model
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m.Properties
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

const table = "NODE                        STATUS    VERSION     OS                    KERNEL\n"

func TestScaleOut(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 2, nil)
	r.hurry(w.hub, r.on("scale", "-c", "3", "--apiserver", apiHost)...)
	if r.code != 0 {
		t.Fatal(r.stderr)
	}
	same(t, "said", []string{`info msg="Nodes in pool 'linuxpool' before scaling:\n"`, `info msg="Nodes in pool 'linuxpool' after scaling:\n"`}, r.said())
	row := "    Ready     v1.33.10    Ubuntu 22.04.5 LTS    5.15.0-1084-azure\n"
	if want := table + "k8s-linuxpool-28578941-0" + row + "k8s-linuxpool-28578941-1" + row + "k8s-linuxpool-28578941-2" + row; !strings.HasSuffix(r.stdout, want) {
		t.Errorf("stdout:\n%s", r.stdout)
	}
	same(t, "machines", []string{"linuxpool-28578941-0", "linuxpool-28578941-1", "linuxpool-28578941-2", "master-28578941-0"}, w.machines())
	same(t, "changes", []string{"PUT rg1?api-version=2019-10-01", "PUT rg1-N?api-version=2019-10-01"}, w.seenARM(r))
	if n := kept(t).AgentPoolProfiles[0].Count; n != 3 {
		t.Errorf("the model says %d", n)
	}
	// Twice the same is nothing, with nodes to show or without.
	r.hurry(w.hub, r.on("scale", "-c", "3")...)
	if !strings.Contains(r.stdout, "Node pool linuxpool is already at the desired count 3. \n") || r.code != 0 {
		t.Errorf("exit %d: %s", r.code, r.stdout)
	}
	r.hurry(w.hub, r.on("scale", "-c", "3", "--apiserver", apiHost)...)
	if !strings.Contains(r.stdout, "Node pool linuxpool is already at the desired count 3: \n"+table) || r.code != 0 {
		t.Errorf("exit %d: %s", r.code, r.stdout)
	}
}

func TestScaleIn(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 3, nil)
	const first, last = "k8s-linuxpool-28578941-0", "k8s-linuxpool-28578941-2"
	w.run("stays", first)
	w.run("web", last)
	w.run("daemon", last).OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "d", Controller: new(true)}}
	w.run("mirror", last).Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"}
	w.stuck["web"] = 2
	r.hurry(w.hub, r.on("scale", "-c", "2", "--apiserver", "https://"+apiHost)...)
	if r.code != 0 {
		t.Fatal(r.stderr)
	}
	disk := ""
	got := r.said()
	for i, line := range got {
		if at := strings.Index(line, "_OsDisk_1_"); at > 0 {
			disk, _, _ = strings.Cut(line[at:], " ")
			got[i] = strings.Replace(line, disk, "_OsDisk", 1)
		}
	}
	same(t, "said", []string{
		`info msg="There are 3 nodes in pool linuxpool before scaling down to 2:\n"`, `info msg="1 node will be deleted\n"`,
		`info msg="Node ` + last + ` will be cordoned and drained\n"`, `info msg="Node ` + last + ` has been marked unschedulable."`,
		`info msg="1 pods will be deleted" node=` + last + ` prefix=drain`, `info msg="web pod successfully evicted"`,
		`info msg="Node ` + last + `'s VM will be deleted\n"`, `info msg="deleting VM ` + last + ` in resource group rg1 ..."`,
		`info msg="deleting NIC k8s-linuxpool-28578941-nic-2 in resource group rg1 ..."`,
		`info msg="deleting managed disk ` + last + `_OsDisk in resource group rg1 ..."`, `info msg="Nodes in pool linuxpool after scaling:\n"`,
	}, got)
	same(t, "changes", []string{"PUT rg1?api-version=2019-10-01", "DELETE " + last + "?api-version=2020-06-01",
		"DELETE k8s-linuxpool-28578941-nic-2?api-version=2018-11-01", "DELETE " + last + disk + "?api-version=2019-07-01"}, w.seenARM(r))
	asked := slices.DeleteFunc(w.asked, func(s string) bool { return s == "GET nodes" })
	same(t, "Kubernetes", []string{"GET nodes/" + last, "PUT nodes/" + last, "GET pods", "GET /api", "GET /apis", "GET /api/v1",
		"POST namespaces/default/pods/web/eviction", "POST namespaces/default/pods/web/eviction", "POST namespaces/default/pods/web/eviction",
		"GET namespaces/default/pods/web"}, asked)
	if n := kept(t).AgentPoolProfiles[0].Count; n != 2 {
		t.Errorf("the model says %d", n)
	}
	// A pod that never goes stops it before anything is deleted.
	w.run("stuck", "k8s-linuxpool-28578941-1")
	w.stuck["stuck"] = -1
	r.hurryBy(3600, w.hub, r.on("scale", "-c", "1", "--apiserver", apiHost)...)
	if r.code != 1 || r.failed() != "Drain did not complete within 1h0m0s" || len(w.machines()) != 3 || !w.nodes["k8s-linuxpool-28578941-1"].Spec.Unschedulable {
		t.Errorf("exit %d, %s, %v", r.code, r.failed(), w.machines())
	}
	if n := kept(t).AgentPoolProfiles[0].Count; n != 2 {
		t.Errorf("the model says %d", n)
	}
}

func TestAddPool(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 1, nil)
	write := func(text string) {
		if err := os.WriteFile("pool.json", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"name": "two", "count": 2, "vmSize": "Standard_D2_v2", "availabilityProfile": "AvailabilitySet", "customNodeLabels": {"disk": "fast"}}`)
	r.hurry(w.hub, r.on("addpool", "-p", "pool.json")...)
	if r.code != 0 || r.stderr != "" {
		t.Fatal(r.stderr)
	}
	same(t, "machines", []string{"linuxpool-28578941-0", "master-28578941-0", "two-28578941-0", "two-28578941-1"}, w.machines())
	same(t, "changes", []string{"PUT rg1?api-version=2019-10-01", "PUT rg1-N?api-version=2019-10-01"}, w.seenARM(r))
	if a := kept(t).AgentPoolProfiles; len(a) != 2 || a[1].Name != "two" || a[1].CustomNodeLabels["disk"] != "fast" || a[1].Distro != usualDistro {
		t.Errorf("the model has %+v", a[1])
	}
	for _, tc := range []struct{ spec, message string }{
		{`{"name": "two"}`, "node pool two already exists"},
		{`{"name": `, "error parsing the agent pool: unexpected end of JSON input"},
		{`{"bogus": 1}`, "error parsing the agent pool: Unknown JSON tag bogus"},
		{`{"name": "three", "availabilityProfile": "VirtualMachineScaleSets"}`, "mixed mode availability profiles are not allowed, all node pools should have the same availabilityProfile"},
	} {
		write(tc.spec)
		if r.hurry(w.hub, r.on("addpool", "-p", "pool.json")...); r.code != 1 || r.failed() != "failed to load existing container service: "+tc.message {
			t.Errorf("%s: exit %d, %s", tc.spec, r.code, r.failed())
		}
	}
	// Nobody looks at a pool's name before it is too late.
	write(`{"name": "Three", "count": 1, "vmSize": "Standard_D2_v2", "availabilityProfile": "AvailabilitySet"}`)
	r.hurry(w.hub, r.on("addpool", "-p", "pool.json")...)
	if r.code != 0 {
		t.Fatal(r.stderr)
	}
	r.hurry(w.hub, r.on("scale", "-c", "3", "--node-pool", "two")...)
	if want := "failed to load existing container service: error parsing the api model: pool name 'Three' is invalid. A pool name must start with a lowercase letter, have max length of 12, and only have characters a-z0-9"; r.code != 1 || r.failed() != want {
		t.Errorf("exit %d: %s", r.code, r.failed())
	}
}

// What is refused before the Hub changes, or at it.
func TestWrongInput(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 1, func(m node) {
		a := pool(m)
		two := node{}
		for k, v := range a {
			two[k] = v
		}
		two["name"] = "two"
		props(m)["agentPoolProfiles"] = []any{a, two}
	})
	const scale, upgrade = "failed to load existing container service: ", "loading existing cluster: "
	refused := func(to string) string {
		return upgrade + "error validating the api model: Invalid upgrade target version. Consider using --force if you really want to proceed: upgrading from Kubernetes version 1.33.10 to version " +
			to + " is not supported. To see a list of available upgrades, use 'aks-engine-azurestack get-versions --version 1.33.10'"
	}
	for _, tc := range []struct {
		args    []string
		message string
		usages  int
		asks    bool // the Hub is asked
	}{
		{[]string{"scale"}, "failed to validate scale command: --resource-group must be specified", 2, false},
		{[]string{"scale", "-g", "rg1"}, "failed to validate scale command: --location must be specified", 2, false},
		{[]string{"scale", "-g", "rg1", "-l", "x"}, "failed to validate scale command: --new-node-count must be specified", 2, false},
		{[]string{"scale", "-g", "rg1", "-l", "x", "-c", "2"}, "failed to validate scale command: --api-model must be specified", 2, false},
		{[]string{"scale", "-g", "rg1", "-l", "x", "-c", "2", "-m", "no"}, scale + "specified api model does not exist (no)", 1, false},
		{[]string{"addpool", "-g", "rg1", "-l", "x", "-m", "no"}, "failed to validate addpool command: --node-pool must be specified", 2, false},
		{[]string{"addpool", "-g", "rg1", "-l", "x", "-m", "no", "-p", "no"}, scale + "specified agent pool spec does not exist (no)", 1, false},
		{[]string{"upgrade", "-g", "rg1", "-l", "x"}, "validating upgrade command: --upgrade-version must be specified", 2, false},
		{r.on("scale", "-c", "2", "--client-id", ""), scale + "parsing --client-id: invalid UUID length: 0", 1, false},
		{r.on("scale", "-c", "2"), scale + "--node-pool is required if more than one agent pool is defined in the container service", 1, true},
		{r.on("scale", "-c", "2", "--node-pool", "three"), scale + "node pool three was not found in the deployed api model", 1, true},
		{r.on("scale", "-c", "-1", "--node-pool", "two"), "--apiserver is required to scale down a kubernetes cluster's agent pool", 2, true},
		{r.on("scale", "-c", "2", "--node-pool", "two", "-g", "rg2"), "The provided resource group does not contain any VMs", 1, true},
		{r.on("upgrade", "-k", "1.35.0"), refused("1.35.0"), 1, true},
		{r.on("upgrade", "-k", "1.33.10"), refused("1.33.10"), 1, true},
		{r.on("upgrade", "-k", "new"), upgrade + "error validating the api model: Invalid --upgrade-version value 'new', not a semver string: No Major.Minor.Patch elements found", 1, true},
		{r.on("upgrade", "-k", "1.34.4", "-b", r.dir+"/no"), "reading --kubeconfig: open " + r.dir + "/no: no such file or directory", 1, true},
	} {
		before := len(w.seen())
		r.hurry(w.hub, tc.args...)
		if n := strings.Count(r.stderr, "Usage:\n"); r.code != 1 || r.failed() != tc.message || n != tc.usages || (len(w.seen()) > before) != tc.asks {
			t.Errorf("%v: exit %d, %d usages, %d requests\n%s\nwant\n%s", tc.args, r.code, n, len(w.seen())-before, r.failed(), tc.message)
		}
	}
	if got := w.machines(); len(got) != 3 {
		t.Errorf("machines: %v", got)
	}
	// An addon that is gone stops whatever is done to the cluster.
	m := kept(t)
	on := true
	m.OrchestratorProfile.KubernetesConfig.Addons = append(m.OrchestratorProfile.KubernetesConfig.Addons, Addon{Name: "container-monitoring", Enabled: &on})
	if err := (&job{deployFlags: deployFlags{file: "out/apimodel.json"}, model: &Model{APIVersion: modelVersion, Location: region, Properties: m}}).keepModel(); err != nil {
		t.Fatal(err)
	}
	r.hurry(w.hub, r.on("upgrade", "-k", "1.34.4")...)
	if want := upgrade + "error parsing the api model: The container monitoring addon has been deprecated and disabled, please remove it from your cluster configuration before creating a new cluster"; r.failed() != want {
		t.Error(r.failed())
	}
}

// A Hub that can't be reached makes the real engine panic.
func TestExistingClusterOnUnreachableHub(t *testing.T) {
	w, r := newWorld(t), newRun(t)
	w.cluster(t, r, 1, nil)
	w.proxy = "http://127.0.0.1:1"
	for _, args := range [][]string{r.on("scale", "-c", "2"), r.on("upgrade", "-k", "1.34.4")} {
		start := time.Now()
		if r.hurry(w.hub, args...); r.code != 2 || !strings.HasPrefix(r.stderr, "panic: ") {
			t.Errorf("exit %d after %s: %s", r.code, time.Since(start), r.stderr)
		}
	}
}

// Keys that the stand-in doesn't look at come out as they went in.
func TestKeysAreKept(t *testing.T) {
	h, r := newHub(t), newRun(t)
	r.main(h, r.deployArgs(model(t, r.dir, func(m node) {
		master(m)["sysctldConfig"] = node{"net.core.somaxconn": "5"}
		pool(m)["imageRef"] = node{"name": "own", "resourceGroup": "images"}
		pool(m)["kubernetesConfig"] = node{"kubeletConfig": node{"--v": "4"}}
		kubernetes(m)["schedulerConfig"] = node{"--v": "3"}
	}))...)
	if r.code != 0 {
		t.Fatal(r.stderr)
	}
	p := kept(t)
	var got []string
	for _, raw := range []json.RawMessage{p.MasterProfile.SysctldConfig, p.AgentPoolProfiles[0].ImageRef, p.AgentPoolProfiles[0].KubernetesConfig} {
		got = append(got, strings.Join(strings.Fields(string(raw)), ""))
	}
	same(t, "kept", []string{`{"net.core.somaxconn":"5"}`, `{"name":"own","resourceGroup":"images"}`, `{"kubeletConfig":{"--v":"4"}}`}, got)
	if p.OrchestratorProfile.KubernetesConfig.SchedulerConfig["--v"] != "3" {
		t.Error("the scheduler's flags are lost")
	}
}
