package sandbox_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"hubwright/internal/sandbox"
)

const (
	vmsPath   = "/resourceGroups/k8s/providers/Microsoft.Compute/virtualMachines/"
	nicsPath  = "/resourceGroups/k8s/providers/Microsoft.Network/networkInterfaces/"
	disksPath = "/resourceGroups/k8s/providers/Microsoft.Compute/disks/"
)

func (u *user) get(path, version string) map[string]any {
	u.t.Helper()
	code, out := u.call("GET", path, version, nil)
	if code != 200 {
		u.t.Fatalf("GET %s: %d %v", path, code, out)
	}
	return out
}

func (u *user) remove(path, version string) {
	u.t.Helper()
	if code, out := u.call("DELETE", path, version, nil); code != 202 {
		u.t.Fatalf("DELETE %s: %d %v", path, code, out)
	}
	until(u.t, "DELETE "+path, func() bool { code, _ := u.call("GET", path, version, nil); return code == 404 })
}

func member(v any, names ...string) map[string]any {
	for _, n := range names {
		m, _ := v.(map[string]any)
		v = m[n]
	}
	m, _ := v.(map[string]any)
	return m
}

func lastOf(id any) string { s, _ := id.(string); return s[strings.LastIndexByte(s, '/')+1:] }

// node is a cluster's machine as ARM has it, good for making it again.
type node struct {
	vm, nic, script map[string]any
	osDisk          string
}

func (u *user) node(name, script string) node {
	u.t.Helper()
	n := node{vm: u.get(vmsPath+name, "2020-06-01"), script: u.get(vmsPath+name+"/extensions/"+script, "2020-06-01")}
	nic := member(n.vm, "properties", "networkProfile")["networkInterfaces"].([]any)[0]
	n.nic = u.get(nicsPath+lastOf(member(nic)["id"]), "2018-11-01")
	n.osDisk = member(n.vm, "properties", "storageProfile", "osDisk")["name"].(string)
	return n
}

// away deletes the machine with its interface and the disk of its system.
func (u *user) away(n node) {
	u.t.Helper()
	u.remove(vmsPath+n.vm["name"].(string), "2020-06-01")
	u.remove(nicsPath+n.nic["name"].(string), "2018-11-01")
	u.remove(disksPath+n.osDisk, "2019-07-01")
}

// again deploys the machine with another version of Kubernetes, as an upgrade
// does.
func (u *user) again(n node, version string, pki map[string]string) {
	u.t.Helper()
	member(n.vm, "tags")["orchestrator"] = "Kubernetes:" + version
	storage := member(n.vm, "properties", "storageProfile")
	storage["osDisk"] = obj("createOption", "FromImage", "caching", "ReadWrite")
	delete(member(storage, "imageReference"), "exactVersion")
	for _, d := range storage["dataDisks"].([]any) {
		member(d)["createOption"] = "Attach"
	}
	name, resource := n.vm["name"].(string), func(from map[string]any, kind, name, version string, needs ...string) map[string]any {
		return obj("type", kind, "apiVersion", version, "name", name, "location", u.stack.Region, "tags", from["tags"], "properties", from["properties"], "dependsOn", needs)
	}
	parameters := obj("nameSuffix", obj("type", "string", "defaultValue", member(n.vm, "tags")["resourceNameSuffix"]))
	for k, v := range pki {
		parameters[k] = obj("type", "string", "defaultValue", base64.StdEncoding.EncodeToString([]byte(v)))
	}
	nic := n.nic["name"].(string)
	path := "/resourcegroups/k8s/providers/Microsoft.Resources/deployments/again-" + name
	u.put(path, "2019-10-01", obj("properties", obj("mode", "Incremental", "template", obj(
		"$schema", "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#", "contentVersion", "1.0.0.0",
		"parameters", parameters, "variables", obj("orchestratorNameVersionTag", "Kubernetes:"+version),
		"resources", []any{
			resource(n.nic, "Microsoft.Network/networkInterfaces", nic, "2018-11-01"),
			resource(n.vm, "Microsoft.Compute/virtualMachines", name, "2020-06-01", "Microsoft.Network/networkInterfaces/"+nic),
			resource(n.script, "Microsoft.Compute/virtualMachines/extensions", name+"/"+lastOf(n.script["name"]), "2020-06-01", "Microsoft.Compute/virtualMachines/"+name),
		}))))
}

// pkiOf reads a cluster's certificates from the engine's output.
func pkiOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, "apimodel.json"))
	if err != nil {
		t.Fatal(err)
	}
	var model struct {
		Properties struct{ CertificateProfile map[string]any }
	}
	if err := json.Unmarshal(raw, &model); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for k, v := range model.Properties.CertificateProfile {
		if text, ok := v.(string); ok {
			out[k] = text
		}
	}
	return out
}

// kubelets are the versions of the Ready nodes, by name.
func kubelets(t *testing.T, client *kubernetes.Clientset) map[string]string {
	t.Helper()
	list, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, n := range list.Items {
		out[n.Name] = "not Ready"
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				out[n.Name] = n.Status.NodeInfo.KubeletVersion
			}
		}
	}
	return out
}

func apiVersion(client *kubernetes.Clientset) string {
	v, err := client.Discovery().ServerVersion()
	if err != nil {
		return ""
	}
	return v.GitVersion
}

func TestNodesFollowTheirMachines(t *testing.T) {
	const master, agent, group = "k8s-master-28578941-0", "k8s-linuxpool-28578941-0", "k8s"
	o := options(t)
	w := start(t, o)
	stack := w.Seed().Stacks[0]
	e, u := newEngine(t, w, stack), newUser(t, w.Seed(), stack, false)
	config, _, err := e.deploy(e.model("k111", 1, 1), group, "out")
	if err != nil {
		t.Fatal(err)
	}
	client, pki := kube(t, w, config), pkiOf(t, filepath.Join(e.dir, "out"))
	if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	agentsInPods(t, w, client)

	// The machines are reached through the first master, and only by each other.
	api := "k111.seattle.cloudapp.azurestack.test"
	for _, host := range []string{master, agent} {
		out, err := jump(t, w, api, e.key, host, `hostname && bash -c "sudo systemctl restart kubelet && logname" && head -n 1 /etc/kubernetes/certs/client.key`)
		if err != nil || out != host+"\nazureuser\n-----BEGIN RSA PRIVATE KEY-----\n" {
			t.Errorf("on %s: %q %v", host, out, err)
		}
	}
	if _, err := jump(t, w, api, e.key, "k8s-linuxpool-28578941-7", "hostname"); err == nil {
		t.Error("a machine that does not exist was reached")
	}
	if _, err := jump(t, w, api, newKey(t), master, "hostname"); err == nil {
		t.Error("a foreign key opened a machine")
	}

	// A budget keeps pods where they are, until it is lifted.
	lift := force(t, w, "budget-blocks", "seattle", nil)
	var pinned string
	until(t, "a pod that may not go", func() bool { pinned = podOn(t, client, agent, "unmovable"); return pinned != "" })
	until(t, "the budget", func() bool {
		err := client.PolicyV1().Evictions("default").Evict(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pinned, Namespace: "default"}})
		if err == nil {
			t.Fatal("the pod was evicted")
		}
		return apierrors.IsTooManyRequests(err) && strings.Contains(err.Error(), "disruption budget")
	})

	// An agent that is gone takes its Node along; made anew it is another kubelet.
	// Nobody had drained it.
	a := u.node(agent, "cse-agent-0")
	u.away(a)
	if what := w.Misuse(); len(what) != 1 || !strings.Contains(what[0], agent) || !strings.Contains(what[0], pinned) {
		t.Errorf("misuse: %q", what)
	}
	lift()
	until(t, "the end of the unmovable", func() bool {
		_, err := client.PolicyV1().PodDisruptionBudgets("default").Get(t.Context(), "unmovable", metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
	until(t, "the end of the agent's Node", func() bool { return len(kubelets(t, client)) == 1 })
	u.again(a, "1.34.4", pki)
	if got := kubelets(t, client); got[agent] != "v1.34.4" || got[master] != "v1.33.10" {
		t.Errorf("after the agent came back: %v", got)
	}
	if v := apiVersion(client); v != "v1.33.10" {
		t.Errorf("an agent made the API server %q", v)
	}

	// Without its only master a cluster does not answer. A new one brings its
	// version and finds what the disk of etcd has.
	m := u.node(master, "cse-master-0")
	u.away(m)
	if v := apiVersion(kube(t, w, config)); v != "" {
		t.Errorf("%s answers without a master", v)
	}
	u.again(m, "1.34.4", pki)
	client = kube(t, w, config)
	if got := kubelets(t, client); got[agent] != "v1.34.4" || got[master] != "v1.34.4" {
		t.Errorf("after the master came back: %v", got)
	}
	if v := apiVersion(client); v != "v1.34.4" {
		t.Errorf("the API server is %q", v)
	}
	if _, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}

	// Nothing runs once the world is closed, and all is there in the next.
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if left := processesAbout(t, o.Dir); len(left) > 0 {
		t.Errorf("left running: %q", left)
	}
	w = start(t, o)
	client = kube(t, w, config)
	until(t, "the cluster's next life", func() bool { return apiVersion(client) == "v1.34.4" })
	until(t, "the nodes", func() bool { return len(ready(client)) == 2 })

	// A restarted machine has its disk, its shell and its place in the cluster.
	if _, err := jump(t, w, api, e.key, master, "sudo touch /etc/kept"); err != nil {
		t.Fatal(err)
	}
	u = newUser(t, w.Seed(), w.Seed().Stacks[0], false)
	boot := func() string {
		n, err := client.CoreV1().Nodes().Get(t.Context(), master, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return n.Status.NodeInfo.BootID
	}
	before := boot()
	if code, out := u.call("POST", vmsPath+master+"/restart", "2020-06-01", obj()); code != 202 {
		t.Fatalf("restarting the master: %d %v", code, out)
	}
	until(t, "the master's return", func() bool { now := boot(); return now != before && now != "off" && len(ready(client)) == 2 })
	until(t, "the master's shell", func() bool {
		out, err := jump(t, w, api, e.key, master, "ls /etc/kept")
		return err == nil && strings.HasSuffix(out, "/etc/kept\n")
	})
}

// podOn is a Running pod of an app on a node, "" when there is none.
func podOn(t *testing.T, client *kubernetes.Clientset, node, app string) string {
	t.Helper()
	list, err := client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + app, FieldSelector: "spec.nodeName=" + node + ",status.phase=Running"})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) == 0 {
		return ""
	}
	return list.Items[0].Name
}

// processesAbout lists the programs whose command line names a folder.
func processesAbout(t *testing.T, dir string) (out []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		line, err := os.ReadFile(f)
		if err == nil && bytes.Contains(line, []byte(dir)) {
			out = append(out, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return out
}

// jump runs a command on a machine of a cluster, which is reached through the
// master that the load balancer's SSH port leads to.
func jump(t *testing.T, w *sandbox.World, api string, key ssh.Signer, host, command string) (string, error) {
	t.Helper()
	c, err := through(t, w, net.JoinHostPort(api, "22"))
	if err != nil {
		return "", err
	}
	defer c.Close()
	config := &ssh.ClientConfig{User: "azureuser", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}
	conn, chans, reqs, err := ssh.NewClientConn(c, api, config)
	if err != nil {
		return "", err
	}
	first := ssh.NewClient(conn, chans, reqs)
	defer first.Close()
	inner, err := first.Dial("tcp", net.JoinHostPort(host, "22"))
	if err != nil {
		return "", err
	}
	return run(t, inner, key, command), nil
}
