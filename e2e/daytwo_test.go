package e2e

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// TestDayTwo is a cluster's life after its deploy by clicking, from its own
// page: scaled out and in, a pool more, renewed while its nodes are watched, its
// logs collected, its certificates rotated. After each the cluster itself is
// asked.
func TestDayTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "200")
	w.setUp()
	seattle := w.sites()["Seattle"]
	w.finish(w.begin(w.walk("helper-vm", seattle, nil)))
	w.finish(w.begin(w.walk("cluster", seattle, url.Values{"masters": {"1"}, "pools.0.count": {"3"}})))
	cluster := w.live("ratings-seattle")
	b := w.browser()
	b.logIn()

	for _, nodes := range []int{5, 2} {
		b.operate("scale", map[string]map[string]string{"pool": {"count": strconv.Itoa(nodes)}})
		b.succeeded()
		cluster.has("1.33.10", 1, nodes, 0)
	}
	b.operate("addpool", map[string]map[string]string{"pool": {"name": "bigpool", "count": "1"}})
	b.succeeded()
	before := cluster.has("1.33.10", 1, 2, 1)

	b.operate("upgrade", map[string]map[string]string{"target": {"what": "image"}})
	run := strings.TrimPrefix(b.path(), "/runs/")
	seen := b.watchNodes()
	b.succeeded()
	for _, want := range []string{"Waiting", "Creating", "Ready", "not made again"} {
		if !strings.Contains(seen(), want) {
			t.Errorf("no row of the run's page said %q:\n%s", want, seen())
		}
	}
	if !strings.Contains(b.text(), "6 of 6 done") { // a node more for each pool, and one less
		t.Errorf("not all nodes are done:\n%s", b.text())
	}
	renewed := cluster.has("1.33.10", 1, 2, 1)
	if kept := inBoth(before, renewed); len(kept) > 0 {
		t.Errorf("nodes that were not made anew: %v", kept)
	}
	w.checkEveryLineOnce(run, "upgrade-*") // one job alone: the engine was started once
	cluster.agrees(b.dossier(run).Nodes)

	b.overSSH(cluster)
	if now := w.live("ratings-seattle").has("1.33.10", 1, 2, 1); !maps.Equal(now, renewed) {
		t.Errorf("certificates and logs made other nodes: %v, before %v", now, renewed)
	}
	b.open(w.url(w.clusterPath("ratings-seattle")))
	for _, want := range []string{"1.33.10", "bigpool", "4 of 4 nodes Ready"} {
		if !strings.Contains(b.text(), want) {
			t.Errorf("the cluster's page has no %q:\n%s", want, b.text())
		}
	}
}

// overSSH are the two operations for which the engine goes to port 22 of the
// load balancer's address. Where this machine does not give that port away, the
// check says so and nothing begins.
func (b *tab) overSSH(cluster liveCluster) {
	b.t.Helper()
	host := b.w.nodesHost("ratings-seattle")
	way := map[string]map[string]string{"ssh": {"host": host}}
	c, err := net.Dial("tcp", net.JoinHostPort(host, "22"))
	if err != nil {
		b.open(b.w.url(b.w.clusterPath("ratings-seattle")))
		b.click(starts("collect-logs"))
		b.toReview(way)
		eventually(b.t, time.Minute, "the check finds no port 22", func() bool {
			return strings.Contains(b.text(), "Port 22 of "+host+" does not answer the helper VM as an SSH server.")
		})
		return
	}
	c.Close()

	b.operate("collect-logs", way)
	b.succeeded()
	cluster.wrote(b.download(`form[action*="/downloads/"] button`))

	b.operate("rotate-certs", way)
	b.succeeded()
	if _, err := cluster.client.Discovery().ServerVersion(); err == nil {
		b.t.Error("the old certificates still open the cluster")
	}
}

// nodesHost is the address of a cluster's load balancer, as the machines of its
// Hub know it: the Internet has another one for it.
func (w *world) nodesHost(name string) string {
	w.t.Helper()
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(w.kubeconfig(name)))
	if err != nil {
		w.t.Fatal(err)
	}
	server, err := url.Parse(cfg.Host)
	if err != nil {
		w.t.Fatal(err)
	}
	for address := range w.leads(server.Hostname(), 1) {
		_, rest, _ := strings.Cut(address, ".")
		return "127." + rest
	}
	return ""
}

// wrote looks into an archive of logs: it has one of each node, with what that
// node wrote when it was made.
func (c liveCluster) wrote(archive []byte) {
	c.t.Helper()
	nodes, err := c.client.CoreV1().Nodes().List(c.t.Context(), metav1.ListOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	all := unzip(c.t, archive)
	if len(all) != len(nodes.Items) {
		c.t.Errorf("archives of %d nodes, and there are %d", len(all), len(nodes.Items))
	}
	for _, n := range nodes.Items {
		wrote := ""
		for name, text := range unpack(c.t, all, n.Name) {
			if strings.HasSuffix(name, "/var/log/azure/cluster-provision.log") {
				wrote = string(text)
			}
		}
		if !strings.Contains(wrote, "Provisioned "+n.Name) {
			c.t.Errorf("the archive of %s has no log of its own making: %q", n.Name, wrote)
		}
	}
}

// unpack reads a node's own archive, in either of the forms that nodes make.
func unpack(t *testing.T, all map[string][]byte, node string) map[string][]byte {
	t.Helper()
	packed, ok := all[node+".tar.gz"]
	if !ok {
		return unzip(t, all[node+".zip"])
	}
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for r := tar.NewReader(plain); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err == nil {
			out[h.Name], err = io.ReadAll(r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func unzip(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatalf("%d bytes are no archive: %v", len(raw), err)
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name], err = io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return out
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
	any    dynamic.Interface // kinds that client-go does not know
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
	anyKind, err := dynamic.NewForConfig(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return liveCluster{w.t, client, anyKind}
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

// roomy waits until every disruption budget lets a pod go, as it does when all
// pods that moved are ready again.
func (c liveCluster) roomy() {
	c.t.Helper()
	eventually(c.t, time.Minute, "all disruption budgets have room", func() bool {
		list, err := c.client.PolicyV1().PodDisruptionBudgets("").List(c.t.Context(), metav1.ListOptions{})
		return err == nil && !slices.ContainsFunc(list.Items, func(b policyv1.PodDisruptionBudget) bool { return b.Status.DisruptionsAllowed == 0 })
	})
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
