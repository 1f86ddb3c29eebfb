package e2e

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// TestKillsDuringADelivery cancels the application while Helm works, compares
// what the page says that it leaves with the cluster and takes that away. Then
// it ends the server as hard as can be at a seeded moment of each run of a
// delivery: application, autoscaler, and the removal of both.
// HUBWRIGHT_KILL_SEEDS says how many deliveries are disturbed.
func TestKillsDuringADelivery(t *testing.T) {
	t.Parallel()
	seeds, err := strconv.Atoi(cmp.Or(os.Getenv("HUBWRIGHT_KILL_SEEDS"), "1"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "200")
	w.setUp()
	seattle := w.sites()["Seattle"]
	w.finish(w.begin(w.walk("helper-vm", seattle, nil)))
	w.finish(w.begin(w.walk("cluster", seattle, url.Values{"masters": {"1"}, "pools.0.count": {"2"}})))
	cluster := w.live("ratings-seattle")
	before := w.objects("ratings-seattle")

	w.cancelDelivery(seattle, cluster)
	w.takeAway(w.walk("app-remove", seattle, url.Values{"ingress": {"yes"}}), cluster, before)
	for seed := range seeds {
		w.disturbDelivery(uint64(seed), seattle, cluster)
	}
}

// cancelDelivery cancels while Helm waits for images that nobody has.
func (w *world) cancelDelivery(s site, c liveCluster) {
	w.t.Helper()
	run := w.begin(w.walk("app", s, url.Values{"registry": {"registry.invalid"}}))
	eventually(w.t, patience, "Helm waits for the application", func() bool {
		return w.printed(run, "Deployment ratings-web: 0 of 2 ready; The image registry.invalid/")
	})
	w.post("/runs/"+run+"/cancel", nil)
	eventually(w.t, patience, "the run ends", func() bool { return w.ended(run) })
	if status := w.status(run); status != "cancelled" {
		w.t.Fatalf("the run is %s", status)
	}
	page := w.parse(w.get("/runs/" + run))
	said := page.Find(`section[aria-labelledby="left-title"]`)
	facts := map[string]string{}
	for _, d := range said.Find("dl.facts > div").EachIter() {
		facts[strings.TrimSpace(d.Find("dt").Text())] = strings.TrimSpace(d.Find("dd").Text())
	}
	// Each release is as it says, and there is none that it does not name.
	for _, r := range c.releases() {
		place, rest, _ := strings.Cut(r, " ")
		namespace, name, _ := strings.Cut(place, "/")
		fact := facts["Release "+name]
		words := strings.Fields(rest) // chart version revision N status
		if !strings.Contains(fact, "in namespace "+namespace+", "+words[4]) || !strings.Contains(fact, "revision "+words[3]) {
			w.t.Errorf("the page says of %s: %q; Helm has %s", name, fact, rest)
		}
		delete(facts, "Release "+name)
	}
	for label := range facts {
		if strings.HasPrefix(label, "Release ") {
			w.t.Errorf("the page names a %s that Helm does not have", label)
		}
	}
	_, names, _ := strings.Cut(said.Text(), "The cluster has of it: ")
	for _, kind := range []string{"Deployment", "StatefulSet", "Service"} {
		for _, name := range c.named(kind, "ratingsapp") {
			if !strings.Contains(names, kind+" "+name) {
				w.t.Errorf("the page does not name the %s %s: %s", kind, name, said.Text())
			}
		}
	}
	if n := len(c.named("Deployment", "ratingsapp")); n == 0 || !strings.Contains(names, "Deployment ratings-web") {
		w.t.Errorf("%d Deployments: it was cancelled too early to show much: %s", n, said.Text())
	}
	if said.Find(`form[action="/drafts"] input[name="workflow"][value="app-remove"]`).Length() != 1 {
		w.t.Errorf("the page does not offer to take that away: %s", said.Text())
	}
}

// takeAway runs a removal. What is new on the cluster after it has to be named
// on the review.
func (w *world) takeAway(draft string, c liveCluster, before map[string]bool) {
	w.t.Helper()
	w.settled(draft)
	review := text(w.parse(w.get("/drafts/" + draft + "/review")))
	w.finish(w.begin(draft))
	named := func(object string) bool {
		kind, place, _ := strings.Cut(object, " ")
		namespace, name, _ := strings.Cut(place, "/")
		switch {
		case kind == "Namespace":
			return strings.Contains(review, "Namespace "+name)
		case kind == "CustomResourceDefinition":
			return strings.Contains(review, "Definitions (CRDs)")
		case kind == "PersistentVolumeClaim" || kind == "PersistentVolume" || object == "Secret ratingsapp/ratings-mongodb":
			return strings.Contains(review, "Disks, and the Secret")
		case object == "ServiceAccount "+namespace+"/default" || object == "ConfigMap "+namespace+"/kube-root-ca.crt":
			return true // Kubernetes makes them in each namespace
		case strings.Contains(object, "azuredisk") || name == "disk.csi.azure.com":
			return strings.Contains(review, "The disk driver")
		}
		return false
	}
	var left []string
	defer func() {
		if len(left) > 0 {
			w.t.Logf("still there: %s", strings.Join(left, ", "))
		}
	}()
	eventually(w.t, patience, "nothing is left but what the review names", func() bool {
		left = nil
		for object := range w.objects("ratings-seattle") {
			if !before[object] && !named(object) {
				left = append(left, object)
			}
		}
		return len(left) == 0
	})
}

// disturbDelivery kills the server once in each run of a delivery.
func (w *world) disturbDelivery(seed uint64, s site, c liveCluster) {
	w.t.Helper()
	rnd, going, moments := rand.New(rand.NewPCG(seed, 11)), 0, []string{}
	// A moment is a number of lines of the run's log, so that a slow machine is
	// hit as far in as a fast one.
	killed := func(workflow string, lines int, with url.Values) {
		w.t.Helper()
		run, moment := w.begin(w.walk(workflow, s, with)), rnd.IntN(lines)
		eventually(w.t, patience, "the moment", func() bool { return len(w.logLines(run)) >= moment || w.ended(run) })
		if !w.ended(run) {
			going++
		}
		w.server.end(os.Kill)
		w.startServer()
		w.finish(run)
		moments = append(moments, fmt.Sprintf("line %d of %d of %s", moment, len(w.logLines(run)), workflow))
	}
	killed("app", 36, nil)
	c.runsRatings(2)
	want := []string{"ingress/ingress", "kube-system/azuredisk-csi-driver", "ratingsapp/ratings"}
	if has := c.releaseNames(); !slices.Equal(has, want) {
		w.t.Errorf("seed %d: the releases are %v", seed, has)
	}
	killed("autoscale", 5, nil)
	c.scales("ratings-web")
	if n := len(c.named("HorizontalPodAutoscaler", "")); n != 1 {
		w.t.Errorf("seed %d: %d autoscalers", seed, n)
	}
	killed("autoscale-remove", 2, nil)
	if n := len(c.named("HorizontalPodAutoscaler", "")); n != 0 {
		w.t.Errorf("seed %d: %d autoscalers after the removal", seed, n)
	}
	killed("app-remove", 12, url.Values{"ingress": {"yes"}})
	if has := c.releaseNames(); !slices.Equal(has, want[1:2]) {
		w.t.Errorf("seed %d: after the removal the releases are %v", seed, has)
	}
	for _, namespace := range []string{"ratingsapp", "ingress"} {
		for _, kind := range []string{"Deployment", "StatefulSet", "Service"} {
			if left := c.named(kind, namespace); len(left) > 0 {
				w.t.Errorf("seed %d: after the removal there are %s %v", seed, kind, left)
			}
		}
	}
	w.t.Logf("seed %d: %d of 4 kills came while the run went on, at %v", seed, going, moments)
	if going == 0 {
		w.t.Errorf("seed %d: no kill came while a run went on: the test proves little", seed)
	}
}

// releaseNames are the releases by namespace and name, each once.
func (c liveCluster) releaseNames() []string {
	c.t.Helper()
	var out []string
	for _, r := range c.releases() {
		name, _, _ := strings.Cut(r, " ")
		if !strings.HasSuffix(r, " deployed") {
			name = r
		}
		out = append(out, name)
	}
	return out
}

// named are the objects of a kind in a namespace, "" for all.
func (c liveCluster) named(kind, namespace string) []string {
	c.t.Helper()
	ctx, all := c.t.Context(), metav1.ListOptions{}
	var list runtime.Object
	var err error
	switch kind {
	case "Deployment":
		list, err = c.client.AppsV1().Deployments(namespace).List(ctx, all)
	case "StatefulSet":
		list, err = c.client.AppsV1().StatefulSets(namespace).List(ctx, all)
	case "Service":
		list, err = c.client.CoreV1().Services(namespace).List(ctx, all)
	case "HorizontalPodAutoscaler":
		list, err = c.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).List(ctx, all)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	var out []string
	if err := meta.EachListItem(list, func(o runtime.Object) error {
		out = append(out, o.(metav1.Object).GetName())
		return nil
	}); err != nil {
		c.t.Fatal(err)
	}
	return out
}

// passing are kinds that come and go by themselves.
var passing = []string{"Event", "Lease", "EndpointSlice", "Endpoints", "Pod", "ReplicaSet", "ControllerRevision", "NodeMetrics", "PodMetrics", "CSINode", "CSIStorageCapacity"}

// objects are all objects of a cluster, as "Kind namespace/name".
func (w *world) objects(cluster string) map[string]bool {
	w.t.Helper()
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(w.kubeconfig(cluster)))
	if err != nil {
		w.t.Fatal(err)
	}
	cfg.Timeout, cfg.QPS, cfg.WarningHandler = 20*time.Second, -1, rest.NoWarnings{}
	ask, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	kinds, err := ask.ServerPreferredResources()
	if err != nil && len(kinds) == 0 {
		w.t.Fatal(err)
	}
	all, err := dynamic.NewForConfig(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]bool{}
	for _, group := range kinds {
		gv, err := schema.ParseGroupVersion(group.GroupVersion)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range group.APIResources {
			if !slices.Contains(r.Verbs, "list") || slices.Contains(passing, r.Kind) {
				continue
			}
			list, err := all.Resource(gv.WithResource(r.Name)).List(context.WithoutCancel(w.t.Context()), metav1.ListOptions{})
			if err != nil {
				w.t.Fatalf("%s: %v", r.Name, err)
			}
			for _, o := range list.Items {
				out[fmt.Sprintf("%s %s/%s", r.Kind, o.GetNamespace(), o.GetName())] = true
			}
		}
	}
	return out
}
