//go:build interop

package e2e

import (
	"maps"
	"net"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// TestLifeWithTheRealEngine is the whole life of two clusters at the same time,
// run by run through Hubwright: in Seattle with Entra ID and a secret, in
// Orlando with AD FS and a certificate. After each run the cluster itself is
// asked, with the kubeconfig of that time.
func TestLifeWithTheRealEngine(t *testing.T) {
	t.Parallel() // the engine waits a lot
	if realEngine() == "" {
		t.Fatal("HUBWRIGHT_AKS_ENGINE must name a real aks-engine-azurestack")
	}
	if out, err := exec.Command(realEngine(), "version").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := newStage(t, 400)
	sites := s.sites()
	t.Run("at once", func(t *testing.T) {
		t.Run("Seattle", func(t *testing.T) {
			t.Parallel()
			s.life(t, sites["Seattle"], "one", "seattle").threeAndThree()
		})
		t.Run("Orlando", func(t *testing.T) {
			t.Parallel()
			s.life(t, sites["Orlando"], "two", "orlando").twoPools()
		})
	})
}

// life is one cluster's.
type life struct {
	*stage
	site            site
	cluster, region string
}

// life begins one in a Deployment of its own: in the same, no Site may be
// disturbed while another one is.
func (s *stage) life(t *testing.T, on site, deployment, region string) life {
	w := *s.world
	w.t = t
	mine := &stage{&w, s.play}
	return life{mine, mine.newSite(deployment, on), deployment + "-" + region, region}
}

func (l life) run(workflow string, answers url.Values) {
	l.t.Helper()
	begun := time.Now()
	run := l.begin(l.walk(workflow, l.site, answers))
	eventually(l.t, 15*time.Minute, workflow+" ends", func() bool { return l.ended(run) })
	l.finish(run)
	l.t.Logf("%s %v: %.0f s", workflow, answers, time.Since(begun).Seconds())
}

func (l life) has(version string, masters, linuxpool, second int) map[string]string {
	l.t.Helper()
	return l.live(l.cluster).has(version, masters, linuxpool, second)
}

func (l life) threeAndThree() {
	l.run("helper-vm", nil)
	l.run("cluster", nil)
	l.has("1.33.10", 3, 3, 0)
	l.workload()
	l.run("scale", url.Values{"count": {"5"}})
	l.has("1.33.10", 3, 5, 0)
	l.run("scale", url.Values{"count": {"2"}})
	before := l.has("1.33.10", 3, 2, 0)
	for _, version := range []string{"1.34.4", "1.35.0"} {
		l.run("upgrade", url.Values{"kubernetes": {version}})
		after := l.has(version, 3, 2, 0)
		l.serving()
		if kept := inBoth(before, after); len(kept) > 0 {
			l.t.Errorf("%s: nodes that were not made anew: %v", version, kept)
		}
		before = after
	}
	l.run("upgrade", url.Values{"what": {"image"}})
	if kept := inBoth(before, l.has("1.35.0", 3, 2, 0)); len(kept) > 0 {
		l.t.Errorf("the same version: nodes that were not made anew: %v", kept)
	}
	l.serving()
	l.overSSH()
	l.has("1.35.0", 3, 2, 0)
}

func (l life) twoPools() {
	l.run("helper-vm", nil)
	l.run("cluster", url.Values{"masters": {"1"}, "pools.0.count": {"1"}, "pools.1.name": {"bigpool"}, "pools.1.count": {"1"}})
	l.has("1.33.10", 1, 1, 1)
	l.run("addpool", url.Values{"name": {"third"}, "count": {"1"}})
	before := l.has("1.33.10", 1, 1, 2)
	l.run("upgrade", url.Values{"kubernetes": {"1.34.4"}})
	if kept := inBoth(before, l.has("1.34.4", 1, 1, 2)); len(kept) > 0 {
		l.t.Errorf("nodes that were not made anew: %v", kept)
	}
	l.overSSH()
	l.run("scale", url.Values{"pool": {"bigpool"}, "count": {"2"}})
	l.has("1.34.4", 1, 1, 3)
}

// overSSH are the two commands that go to port 22 of the cluster's address.
func (l life) overSSH() {
	host := url.Values{"host": {l.jumpAddress()}, "forget": {"on"}}
	l.run("collect-logs", host)
	old := l.live(l.cluster)
	l.run("rotate-certs", host)
	if _, err := old.client.Discovery().ServerVersion(); err == nil {
		l.t.Error("the old certificates still open the cluster")
	}
}

// jumpAddress is where the load balancer leads port 22 to a master.
func (l life) jumpAddress() string {
	l.t.Helper()
	for _, m := range l.play.Hub(l.region).Machines() {
		if host, port, err := net.SplitHostPort(m.SSH); err == nil && port == "22" && strings.HasPrefix(m.Name, "k8s-") {
			return host
		}
	}
	l.t.Fatal("no machine has a port 22 on the load balancer")
	return ""
}

// workload runs three pods of which the budget lets one at a time be away.
func (l life) workload() {
	l.t.Helper()
	client, replicas := l.live(l.cluster).client, int32(3)
	app, least := map[string]string{"app": "web"}, intstr.FromInt32(2)
	_, err := client.AppsV1().Deployments("default").Create(l.t.Context(), &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: app},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: maps.Clone(app)}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx:1.27"}}}},
	}}, metav1.CreateOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: &least, Selector: &metav1.LabelSelector{MatchLabels: app}}}
	if _, err := client.PolicyV1().PodDisruptionBudgets("default").Create(l.t.Context(), budget, metav1.CreateOptions{}); err != nil {
		l.t.Fatal(err)
	}
	l.serving()
}

// serving waits until the workload is whole, on nodes that exist.
func (l life) serving() {
	l.t.Helper()
	client := l.live(l.cluster).client
	eventually(l.t, time.Minute, "the workload is whole", func() bool {
		nodes, err := client.CoreV1().Nodes().List(l.t.Context(), metav1.ListOptions{})
		if err != nil {
			return false
		}
		pods, err := client.CoreV1().Pods("default").List(l.t.Context(), metav1.ListOptions{LabelSelector: "app=web"})
		if err != nil || len(pods.Items) != 3 {
			return false
		}
		return !slices.ContainsFunc(pods.Items, func(p corev1.Pod) bool {
			return p.Status.Phase != corev1.PodRunning || !slices.ContainsFunc(nodes.Items, func(n corev1.Node) bool { return n.Name == p.Spec.NodeName })
		})
	})
}
