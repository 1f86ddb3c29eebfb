package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/standin"
)

// engine runs the stand-in as a helper VM would, for one stack.
type engine struct {
	t     testing.TB
	dir   string
	stack sandbox.SeedStack
	env   []string
	key   ssh.Signer // of the model that was written last
}

func newEngine(t testing.TB, w *sandbox.World, stack sandbox.SeedStack) *engine {
	t.Helper()
	return newEngineFor(t, w.Seed(), stack)
}

func newEngineFor(t testing.TB, seed sandbox.Seed, stack sandbox.SeedStack) *engine {
	t.Helper()
	dir := t.TempDir()
	bundle := filepath.Join(dir, "bundle.pem")
	if err := os.WriteFile(bundle, []byte(stack.CABundle+seed.PublicCA), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"cert.pem": stack.Certificate, "key.pem": stack.CertificateKey} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &engine{t: t, dir: dir, stack: stack, env: []string{
		"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH"), "HTTPS_PROXY=" + seed.Proxy, "SSL_CERT_FILE=" + bundle, standin.BitsVariable + "=2048",
	}}
}

// model writes an API model with one master and a pool of agents.
func (e *engine) model(prefix string, masters, agents int) string {
	e.t.Helper()
	public, private := rsaKey(e.t)
	var err error
	if e.key, err = ssh.ParsePrivateKey(private); err != nil {
		e.t.Fatal(err)
	}
	doc := obj("apiVersion", "vlabs", "location", e.stack.Region, "properties", obj(
		"orchestratorProfile", obj("orchestratorType", "Kubernetes", "orchestratorRelease", "1.33", "orchestratorVersion", "1.33.10",
			"kubernetesConfig", obj("useCloudControllerManager", true, "cloudProviderBackoff", true, "kubernetesImageBase", "mcr.microsoft.com/", "useInstanceMetadata", false, "networkPlugin", "kubenet")),
		"customCloudProfile", obj("portalURL", e.stack.PortalURL, "identitySystem", e.stack.IdentitySystem),
		"masterProfile", obj("dnsPrefix", prefix, "distro", "aks-ubuntu-22.04", "count", masters, "vmSize", "Standard_D2_v2"),
		"agentPoolProfiles", []any{obj("name", "linuxpool", "count", agents, "vmSize", "Standard_D2_v2", "distro", "aks-ubuntu-22.04", "availabilityProfile", "AvailabilitySet", "AcceleratedNetworkingEnabled", false)},
		"linuxProfile", obj("adminUsername", "azureuser", "ssh", obj("publicKeys", []any{obj("keyData", public)})),
		"servicePrincipalProfile", obj("clientId", "", "secret", "")))
	raw, err := json.Marshal(doc)
	if err != nil {
		e.t.Fatal(err)
	}
	file := filepath.Join(e.dir, prefix+".json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		e.t.Fatal(err)
	}
	return file
}

// deploy deploys a model and answers the kubeconfig.
func (e *engine) deploy(model, group, out string, more ...string) (kubeconfig []byte, log string, err error) {
	e.t.Helper()
	args := append([]string{standin.Command, "deploy", "--azure-env", "AzureStackCloud", "-l", e.stack.Region, "-g", group, "-s", e.stack.SubscriptionID, "--client-id", e.stack.ClientID,
		"-m", model, "-o", filepath.Join(e.dir, out), "--identity-system", e.stack.IdentitySystem}, more...)
	if e.stack.IdentitySystem == "adfs" {
		args = append(args, "--auth-method", "client_certificate", "--certificate-path", filepath.Join(e.dir, "cert.pem"), "--private-key-path", filepath.Join(e.dir, "key.pem"))
	} else {
		args = append(args, "--client-secret", e.stack.ClientSecret)
	}
	self, err := os.Executable()
	if err != nil {
		e.t.Fatal(err)
	}
	cmd := exec.CommandContext(e.t.Context(), self, args...)
	cmd.Dir, cmd.Env = e.dir, e.env
	raw, err := cmd.CombinedOutput()
	if err != nil {
		return nil, string(raw), fmt.Errorf("%w\n%s", err, raw)
	}
	kubeconfig, err = os.ReadFile(filepath.Join(e.dir, out, "kubeconfig", "kubeconfig."+e.stack.Region+".json"))
	return kubeconfig, string(raw), err
}

// kube opens a cluster with the kubeconfig that the engine wrote, through the
// door.
func kube(t testing.TB, w *sandbox.World, kubeconfig []byte) *kubernetes.Clientset {
	t.Helper()
	return kubeBehind(t, w.ProxyURL(), kubeconfig)
}

func kubeBehind(t testing.TB, proxyURL string, kubeconfig []byte) *kubernetes.Clientset {
	t.Helper()
	cfg, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := url.Parse(proxyURL)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Proxy = http.ProxyURL(proxy)
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// ready lists the names of the Ready nodes; nil when the API does not answer.
func ready(client *kubernetes.Clientset) []string {
	nodes, err := client.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return nil
	}
	var out []string
	for _, n := range nodes.Items {
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				out = append(out, n.Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestClustersOnBothHubsLiveAndDie(t *testing.T) {
	o := options(t)
	w := start(t, o)
	seed := w.Seed()
	seattle, orlando := newEngine(t, w, seed.Stacks[0]), newEngine(t, w, seed.Stacks[1])
	one, log, err := seattle.deploy(seattle.model("k111", 3, 2), "k8s", "out")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log, "Succeeded") {
		t.Errorf("log: %s", log)
	}
	two, _, err := orlando.deploy(orlando.model("k111", 1, 1), "k8s", "out")
	if err != nil {
		t.Fatal(err)
	}
	client, other := kube(t, w, one), kube(t, w, two)
	if got := ready(client); len(got) != 5 || got[0] != "k8s-linuxpool-28578941-0" || got[4] != "k8s-master-28578941-2" {
		t.Fatalf("nodes in Seattle: %v", got)
	}
	if got := ready(other); len(got) != 2 {
		t.Errorf("nodes in Orlando: %v", got)
	}
	if v, err := client.Discovery().ServerVersion(); err != nil || v.GitVersion != "v1.33.10" {
		t.Errorf("version %v %v", v, err)
	}
	// The same template again changes nothing.
	if _, _, err := seattle.deploy(filepath.Join(seattle.dir, "out", "apimodel.json"), "k8s", "out", "--force-overwrite"); err != nil {
		t.Errorf("deploying the output model: %v", err)
	}

	// A deleted agent falls silent and its Node goes; the others stay.
	u := newUser(t, seed, seed.Stacks[0], false)
	if code, out := u.call("DELETE", "/resourceGroups/k8s/providers/Microsoft.Compute/virtualMachines/k8s-linuxpool-28578941-1", "2020-06-01", nil); code != 202 {
		t.Fatalf("deleting an agent: %d %v", code, out)
	}
	until(t, "the node's end", func() bool {
		nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
		return err == nil && len(nodes.Items) == 4
	})

	// Both clusters come back with the sandbox.
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = start(t, o)
	client, other = kube(t, w, one), kube(t, w, two)
	until(t, "the clusters' next life", func() bool { return len(ready(client)) == 4 && len(ready(other)) == 2 })

	// A group that is deleted takes its cluster along; the other stays.
	u = newUser(t, w.Seed(), w.Seed().Stacks[0], false)
	if code, _ := u.call("DELETE", "/resourcegroups/k8s", "2019-10-01", nil); code != 202 {
		t.Fatalf("deleting the group: %d", code)
	}
	until(t, "the end of the cluster in Seattle", func() bool {
		c, err := through(t, w, "k111.seattle.cloudapp.azurestack.test:443")
		if err == nil {
			c.Close()
		}
		folders, _ := filepath.Glob(filepath.Join(o.Dir, "clusters", "seattle-*"))
		return err != nil && len(folders) == 0 && len(w.Resources("seattle", "")) == 0
	})
	if got := ready(other); len(got) != 2 {
		t.Errorf("nodes in Orlando after all: %v", got)
	}
}
