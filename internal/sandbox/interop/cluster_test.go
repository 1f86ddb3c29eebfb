//go:build interop

package interop

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// loginKey makes a key: a line of authorized_keys and a private key.
func loginKey(t *testing.T) (public string, private []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "test")
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub))), pem.EncodeToMemory(block)
}

// kube opens the cluster with the kubeconfig that the engine wrote, through
// the door.
func (e *engine) kube() *kubernetes.Clientset {
	e.t.Helper()
	cfg, err := clientcmd.RESTConfigFromKubeConfig(e.kubeconfig())
	if err != nil {
		e.t.Fatal(err)
	}
	proxy, err := url.Parse(e.world.ProxyURL())
	if err != nil {
		e.t.Fatal(err)
	}
	cfg.Proxy = http.ProxyURL(proxy)
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	return client
}

// within polls until done has nothing to complain about.
func within(t *testing.T, limit time.Duration, what string, done func() string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		complaint := done()
		if complaint == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s", what, complaint)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// state is what a cluster should be: the API's version, and how many nodes of
// which version each pool has.
type state struct {
	api   string
	pools map[string]nodes
}

type nodes struct {
	count   int
	version string
}

// look compares the cluster with what it should be. Each VM of the Hub must be
// a Ready node, and each node a VM.
func (e *engine) look(want state) {
	e.t.Helper()
	client := e.kube()
	within(e.t, 30*time.Second, "the cluster", func() string {
		version, err := client.Discovery().ServerVersion()
		if err != nil {
			return err.Error()
		}
		list, err := client.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		got := state{api: strings.TrimPrefix(version.GitVersion, "v"), pools: map[string]nodes{}}
		var names []string
		for _, n := range list.Items {
			names = append(names, n.Name)
			if !ready(n) || n.Spec.Unschedulable {
				text, _ := json.Marshal([]any{n.Annotations, n.Spec, n.Status.Conditions})
				return n.Name + " is not Ready, or cordoned: " + string(text)
			}
			p := poolOf(n.Name)
			has := got.pools[p]
			if v := strings.TrimPrefix(n.Status.NodeInfo.KubeletVersion, "v"); has.count > 0 && has.version != v {
				return p + " has versions " + has.version + " and " + v
			} else {
				got.pools[p] = nodes{has.count + 1, v}
			}
		}
		slices.Sort(names)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(state{}, nodes{})); diff != "" {
			return "want -, got +\n" + diff
		}
		return cmp.Diff(e.vms(), names)
	})
}

func ready(n corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// poolOf reads the pool from k8s-POOL-SUFFIX-INDEX.
func poolOf(name string) string {
	parts := strings.Split(name, "-")
	return strings.Join(parts[1:len(parts)-2], "-")
}

// vms are the machines that the Hub has for the cluster.
func (e *engine) vms() []string {
	var out []string
	for _, r := range e.world.Resources(e.stack.Region, e.group) {
		if name, ok := strings.CutPrefix(r, "Microsoft.Compute/virtualMachines "); ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// leftovers are network interfaces and OS disks that belong to no machine.
func (e *engine) leftovers() []string {
	var out []string
	vms := e.vms()
	for _, r := range e.world.Resources(e.stack.Region, e.group) {
		kind, name, _ := strings.Cut(r, " ")
		owner := ""
		switch kind {
		case "Microsoft.Network/networkInterfaces":
			i := strings.LastIndex(name, "-nic-")
			owner = name[:i] + "-" + name[i+len("-nic-"):]
		case "Microsoft.Compute/disks":
			owner, _, _ = strings.Cut(name, "_OsDisk_")
			owner = strings.TrimSuffix(owner, "-etcddisk")
		default:
			continue
		}
		if !slices.Contains(vms, owner) {
			out = append(out, r)
		}
	}
	return out
}

// workload runs three pods of which the budget lets one at a time be away.
func (e *engine) workload() {
	e.t.Helper()
	client, replicas := e.kube(), int32(3)
	app := map[string]string{"app": "web"}
	least := intstr.FromInt32(replicas - 1)
	_, err := client.AppsV1().Deployments("default").Create(e.t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: app}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: app},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx:1.27"}}},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		e.t.Fatal(err)
	}
	_, err = client.PolicyV1().PodDisruptionBudgets("default").Create(e.t.Context(), &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &least, Selector: &metav1.LabelSelector{MatchLabels: app}},
	}, metav1.CreateOptions{})
	if err != nil {
		e.t.Fatal(err)
	}
	e.serving()
}

// serving waits until the workload is whole, on nodes that exist.
func (e *engine) serving() {
	e.t.Helper()
	client := e.kube()
	within(e.t, time.Minute, "the workload", func() string {
		d, err := client.AppsV1().Deployments("default").Get(context.Background(), "web", metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		if d.Status.ReadyReplicas != 3 || d.Status.Replicas != 3 {
			text, _ := json.Marshal(d.Status)
			return string(text)
		}
		pods, err := client.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{LabelSelector: "app=web"})
		if err != nil {
			return err.Error()
		}
		for _, p := range pods.Items {
			if !slices.Contains(e.vms(), p.Spec.NodeName) {
				return p.Name + " is on " + p.Spec.NodeName + ", which is gone"
			}
		}
		return ""
	})
}

// watchBudget follows the workload until the returned function is called,
// which answers the fewest pods that were Ready at any time.
func (e *engine) watchBudget() (fewest func() int32) {
	e.t.Helper()
	client := e.kube()
	ctx, cancel := context.WithCancel(context.Background())
	e.t.Cleanup(cancel)
	least, done := int32(3), make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if b, err := client.PolicyV1().PodDisruptionBudgets("default").Get(ctx, "web", metav1.GetOptions{}); err == nil {
				least = min(least, b.Status.CurrentHealthy)
			}
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	return func() int32 { cancel(); <-done; return least }
}

// jumpAddress is where the load balancer leads port 22 to a master.
func (e *engine) jumpAddress() string {
	e.t.Helper()
	for _, m := range e.world.Hub(e.stack.Region).Machines() {
		if host, port, err := net.SplitHostPort(m.SSH); err == nil && port == "22" {
			return host
		}
	}
	e.t.Fatal("no machine has a port 22 on the load balancer")
	return ""
}
