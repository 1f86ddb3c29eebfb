package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// TestTwoClustersFromTheBrowser is the product's promise, guide steps 1 to 4 on
// two stamps: a helper VM that we make on Seattle, an existing host on
// Orlando, a cluster on each, connected.
func TestTwoClustersFromTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "40")
	arguments := w.watchArguments()
	b := w.browser()
	b.open(w.setupLink())
	for field, value := range map[string]string{"name": adminName, "password": adminPassword, "confirm": adminPassword} {
		b.do(chromedp.SendKeys(chromedp.CSS(`input[name="`+field+`"]`), value))
	}
	b.click(`form[action="/setup"] button`)
	b.waitPath("/deployments/")
	if s := b.text(); !strings.Contains(s, "Next: prepare AKS Engine on Seattle") {
		t.Fatalf("the guide does not say what is next:\n%s", s)
	}
	w.logIn()
	sites := w.sites()
	seattle, orlando := sites["Seattle"], sites["Orlando"]

	b.wizard("helper-vm", seattle, nil)
	b.succeeded()
	key, err := os.ReadFile(filepath.Join(w.dir, "sandbox", "jump01.key"))
	if err != nil {
		t.Fatal(err)
	}
	host, port := w.jumpHost()
	b.wizard("helper-vm", orlando, map[string]map[string]string{
		"kind": {"kind": "existing"}, "host": {"address": host, "port": port, "user": "azureuser", "reach": "direct", "key": string(key)},
	})
	b.succeeded()
	b.wizard("cluster", seattle, nil)
	b.boardFollows(seattle, 3)
	b.wizard("cluster", orlando, map[string]map[string]string{"version": {"kubernetes": "1.34.4"}, "controlplane": {"masters": "1"}, "pools": {"pools.0.count": "2"}})
	b.succeeded()
	b.wizard("connect", seattle, nil)
	b.succeeded()
	b.wizard("connect", orlando, nil)
	b.succeeded()

	secrets := w.stampSecrets()
	secrets["the existing host's key"] = string(key)
	for name, want := range map[string]struct {
		nodes   int
		version string
	}{"ratings-seattle": {6, "v1.33.10"}, "ratings-orlando": {3, "v1.34.4"}} {
		file := w.kubeconfig(name)
		secrets[name+"'s client key"] = w.clientKey(file)
		w.serves(name, file, want.nodes, want.version)
		if l := leaks(file, secrets); len(l) == 0 {
			t.Errorf("%s: the kubeconfig that was asked for lacks its key, or leaks are not found", name)
		}
	}
	w.checkStatus(t, seattle.deployment)
	w.post("/drafts", url.Values{"workflow": {"cluster"}, "deployment": {seattle.deployment}, "site": {seattle.site}, "stack": {seattle.stack}})
	pages := w.crawl()
	models := 0
	for path := range pages {
		if strings.Contains(path, "/models/") {
			models++
		}
	}
	if models < 2 {
		t.Errorf("%d API models were downloaded", models)
	}
	w.checkNoLeaks(secrets, pages, arguments())
	b.checkQuiet(t, pages)
}

var jumpLine = regexp.MustCompile(`jump01: an existing Linux host, (\S+) port (\d+),`)

// jumpHost is where the existing host listens: port 22 where that may be bound.
func (w *world) jumpHost() (address, port string) {
	m := jumpLine.FindStringSubmatch(w.sandbox.output())
	if m == nil {
		w.t.Fatalf("the sandbox names no host:\n%s", w.sandbox.output())
	}
	return m[1], m[2]
}

var nodeName = regexp.MustCompile(`^k8s-(master|linuxpool)-\d{8}-\d$`)

func (w *world) clusterPath(name string) string {
	w.t.Helper()
	page := w.parse(w.get("/clusters"))
	link, ok := page.Find(`a[href^="/clusters/"]:contains("` + name + `")`).First().Attr("href")
	if !ok {
		w.t.Fatalf("no cluster %s in:\n%s", name, text(page))
	}
	return link
}

// kubeconfig downloads a cluster's kubeconfig as a person does.
func (w *world) kubeconfig(name string) string {
	w.t.Helper()
	return w.post(w.clusterPath(name)+"/kubeconfig", url.Values{"confirm": {"yes"}}).body
}

// serves reads the cluster's nodes with client-go.
func (w *world) serves(name, kubeconfig string, nodes int, version string) {
	w.t.Helper()
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		w.t.Fatalf("%s: kubeconfig: %v", name, err)
	}
	cfg.Timeout = 20 * time.Second
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	list, err := client.CoreV1().Nodes().List(w.t.Context(), metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(list.Items) != nodes {
		w.t.Errorf("%s has %d nodes, not %d", name, len(list.Items), nodes)
	}
	for _, n := range list.Items {
		ready := false
		for _, c := range n.Status.Conditions {
			ready = ready || c.Type == "Ready" && c.Status == "True"
		}
		if !ready || !nodeName.MatchString(n.Name) || n.Status.NodeInfo.KubeletVersion != version {
			w.t.Errorf("%s: node %s, Ready %v, %s", name, n.Name, ready, n.Status.NodeInfo.KubeletVersion)
		}
	}
}
