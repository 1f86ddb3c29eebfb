package e2e

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// TestDayTwo is a cluster's life after its deploy: scaled out and in, a pool
// more, upgraded with the server killed in the middle, renewed. After each the
// cluster itself is asked.
func TestDayTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "200")
	w.setUp()
	seattle := w.sites()["Seattle"]
	w.finish(w.begin(w.walk("helper-vm", seattle, nil)))
	w.finish(w.begin(w.walk("cluster", seattle, url.Values{"masters": {"1"}, "pools.0.count": {"2"}})))
	cluster := w.live("ratings-seattle")
	cluster.has("1.33.10", 1, 2, 0)

	w.finish(w.begin(w.walk("scale", seattle, url.Values{"count": {"3"}})))
	cluster.has("1.33.10", 1, 3, 0)
	w.finish(w.begin(w.walk("scale", seattle, url.Values{"count": {"2"}})))
	cluster.has("1.33.10", 1, 2, 0)
	w.finish(w.begin(w.walk("addpool", seattle, url.Values{"name": {"bigpool"}, "count": {"1"}})))
	before := cluster.has("1.33.10", 1, 2, 1)

	run := w.begin(w.walk("upgrade", seattle, url.Values{"kubernetes": {"1.34.4"}}))
	eventually(t, time.Minute, "a worker is deleted", func() bool { return w.printed(run, "deleting VM k8s-linuxpool-") })
	w.shows(run, "Upgrade with AKS Engine", "1.33.10 → 1.34.4", "waiting", " done") // of 5 or 6: the engine takes the pools in any order
	w.server.end(os.Kill)
	w.startServer()
	w.finish(run)
	if !w.printed(run, "The command was started before") {
		t.Error("the upgrade was over before the server was killed: the test proves little")
	}
	w.shows(run, "6 of 6 done", "1.34.4, new", "not made again") // a node more for each pool, and one less
	w.checkEveryLineOnce(run, "upgrade-*")                       // one job alone: the engine was started once
	upgraded := cluster.has("1.34.4", 1, 2, 1)
	if kept := inBoth(before, upgraded); len(kept) > 0 {
		t.Errorf("nodes that were not made anew: %v", kept)
	}

	w.finish(w.begin(w.walk("upgrade", seattle, url.Values{"what": {"image"}})))
	if kept := inBoth(upgraded, cluster.has("1.34.4", 1, 2, 1)); len(kept) > 0 {
		t.Errorf("nodes that were not made anew: %v", kept)
	}
	page := text(w.parse(w.get(w.clusterPath("ratings-seattle"))))
	for _, want := range []string{"1.34.4", "bigpool", "4 of 4 nodes Ready"} {
		if !strings.Contains(page, want) {
			t.Errorf("the cluster's page has no %q:\n%s", want, page)
		}
	}
}

// inBoth are the workers that were not made anew. The only control plane node
// keeps its Node: nobody deletes that while the API is away.
func inBoth(a, b map[string]string) []string {
	uids := slices.Collect(maps.Values(b))
	return slices.DeleteFunc(slices.Collect(maps.Keys(a)), func(name string) bool { return strings.Contains(name, "-master-") || !slices.Contains(uids, a[name]) })
}

func (w *world) printed(run, part string) bool {
	w.t.Helper()
	return slices.ContainsFunc(w.logLines(run), func(l []any) bool { return strings.Contains(fmt.Sprint(l[4]), part) })
}

// times counts the lines of the log that say something.
func (w *world) times(run, part string) (n int) {
	w.t.Helper()
	for _, l := range w.logLines(run) {
		if strings.Contains(fmt.Sprint(l[4]), part) {
			n++
		}
	}
	return n
}

func (w *world) shows(run string, parts ...string) {
	w.t.Helper()
	page := text(w.parse(w.get("/runs/" + run)))
	for _, part := range parts {
		if !strings.Contains(page, part) {
			w.t.Errorf("the run's page has no %q:\n%s", part, page)
		}
	}
}

// liveCluster is a cluster as its administrator sees it.
type liveCluster struct {
	t      *testing.T
	client *kubernetes.Clientset
}

func (w *world) live(name string) liveCluster {
	w.t.Helper()
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(w.kubeconfig(name)))
	if err != nil {
		w.t.Fatal(err)
	}
	cfg.Timeout = 20 * time.Second
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return liveCluster{w.t, client}
}

// has compares the nodes with what there should be, and tells their UIDs.
func (c liveCluster) has(version string, masters, linuxpool, others int) map[string]string {
	c.t.Helper()
	list, err := c.client.CoreV1().Nodes().List(c.t.Context(), metav1.ListOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	found, uids := map[string]int{}, map[string]string{}
	for _, n := range list.Items {
		uids[n.Name] = string(n.UID)
		found[strings.Split(n.Name, "-")[1]]++
		ready := slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		})
		if !ready || n.Spec.Unschedulable || n.Status.NodeInfo.KubeletVersion != "v"+version {
			c.t.Errorf("%s: Ready %v, cordoned %v, %s, want %s", n.Name, ready, n.Spec.Unschedulable, n.Status.NodeInfo.KubeletVersion, version)
		}
	}
	if found["master"] != masters || found["linuxpool"] != linuxpool || len(list.Items) != masters+linuxpool+others {
		c.t.Errorf("nodes: %v, want %d of the control plane, %d of linuxpool, %d others", found, masters, linuxpool, others)
	}
	return uids
}

// jobOutput is what the one job of that name printed on the helper VM.
func (w *world) jobOutput(pattern string) string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "sandbox", "machines", "*", "home", "*", ".hubwright", "jobs", pattern, "output.log"))
	if err != nil || len(files) != 1 {
		w.t.Fatalf("jobs like %s: %v, %v", pattern, files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return string(raw)
}
