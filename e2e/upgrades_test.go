package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hubwright/workflows"
)

// TestUpgradesBehindOneName upgrades Seattle twice by clicking, while a user
// outside asks for the application by the name that both Sites have: no request
// fails. What the dossiers say of the nodes is what the Kubernetes API says.
func TestUpgradesBehindOneName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "200")
	w.setUp()
	sites := w.sites()
	w.onBoth("helper-vm", nil)
	w.onBoth("cluster", url.Values{"masters": {"1"}, "pools.0.count": {"2"}})
	w.onBoth("app", url.Values{"host": {ratingsName}})
	w.finish(w.begin(w.walk("traffic-manager", site{deployment: sites["Seattle"].deployment}, url.Values{"ttl": {"2"}})))
	bothAnswer := func() bool { return len(w.leads(ratingsName, 20)) == 2 }
	eventually(t, time.Minute, "the name leads to both Sites", bothAnswer)

	b := w.browser()
	b.logIn()
	cluster := w.live("ratings-seattle")
	before := cluster.has("1.33.10", 1, 2, 0)
	u := w.visitor("http://" + ratingsName + "/")
	from := "1.33.10"
	for _, version := range []string{"1.34.4", "1.35.0"} {
		cluster.roomy()
		b.operate("upgrade", map[string]map[string]string{"target": {"kubernetes": version}, "clients": {"clients": "out"}})
		run := strings.TrimPrefix(b.path(), "/runs/")
		seen := b.watchNodes()
		b.succeeded()
		for _, want := range []string{"Waiting", "Creating", "Ready"} {
			if !strings.Contains(seen(), want) {
				t.Errorf("no row of the run's page said %q while it went on:\n%s", want, seen())
			}
		}
		if !w.printed(run, "Seattle is out of rotation.") {
			t.Error("the Site was not taken out")
		}
		after := cluster.has(version, 1, 2, 0)
		if kept := inBoth(before, after); len(kept) > 0 {
			t.Errorf("nodes that were not made anew: %v", kept)
		}
		before = after
		d := b.dossier(run)
		cluster.agrees(d.Nodes)
		if d.Tools["Kubernetes of the Cluster before"] != from || d.Tools["AKS Engine on the helper VM"] == "" || d.Tools["Hubwright"] == "" {
			t.Errorf("tools at the start: %v", d.Tools)
		}
		from = version
		eventually(t, time.Minute, "the name leads to both Sites again", bothAnswer)
	}
	u.end()
	if u.failed > 0 || u.requests < 100 {
		t.Errorf("%d of %d requests failed while a Site was upgraded, from %s to %s", u.failed, u.requests, u.firstBad, u.lastBad)
	}
}

// onBoth has a workflow run at both Sites at once.
func (w *world) onBoth(workflow string, answers url.Values) {
	w.t.Helper()
	var runs []string
	for _, s := range w.sites() {
		runs = append(runs, w.begin(w.walk(workflow, s, answers)))
	}
	for _, run := range runs {
		w.finish(run)
	}
}

// logIn fills in the login's form.
func (b *tab) logIn() {
	b.t.Helper()
	b.open(b.w.url("/login"))
	b.answer(map[string]string{"name": adminName, "password": adminPassword})
	b.click(`form[action="/login"] button`)
	eventually(b.t, time.Minute, "the start page", func() bool { return b.path() != "/login" })
}

// starts is the button on a cluster's page that begins a workflow.
func starts(workflow string) string {
	return `form[action="/drafts"]:has(input[name="workflow"][value="` + workflow + `"]) button`
}

// operate starts a workflow from the cluster's own page.
func (b *tab) operate(workflow string, answers map[string]map[string]string) {
	b.t.Helper()
	b.open(b.w.url(b.w.clusterPath("ratings-seattle")))
	b.click(starts(workflow))
	b.goThrough(answers)
}

// watchNodes has the page itself write down what its node rows say. The answer
// tells all of it so far.
func (b *tab) watchNodes() func() string {
	b.t.Helper()
	evaluate[any](b, `(() => {
		window.seenRows = new Set()
		const look = () => { for (const row of document.querySelectorAll('main table tbody tr')) window.seenRows.add(row.innerText.replace(/\s+/g, ' ')) }
		look()
		new MutationObserver(look).observe(document.querySelector('main'), {childList: true, subtree: true, characterData: true})
	})()`)
	return func() string { return evaluate[string](b, `[...window.seenRows].join('\n')`) }
}

// dossier is what the test reads of one.
type dossier struct {
	Nodes []workflows.NodeRow
	Tools map[string]string
}

// dossier opens the dossier from the run's page, downloads the archive that it
// offers and reads it.
func (b *tab) dossier(run string) (doc dossier) {
	b.t.Helper()
	b.click(`a[href="/runs/` + run + `/dossier"]`)
	b.waitPath("/runs/" + run + "/dossier")
	for name, raw := range unzip(b.t, b.download(`a[href$="/dossier.zip"]`)) {
		if !strings.HasSuffix(name, "/run.json") {
			continue
		}
		if err := json.Unmarshal(raw, &doc); err != nil {
			b.t.Fatalf("run.json: %v: %s", err, raw)
		}
		return doc
	}
	b.t.Fatal("the archive has no run.json")
	return doc
}

// download clicks what downloads a file, and reads the file.
func (b *tab) download(selector string) (raw []byte) {
	b.t.Helper()
	dir := b.t.TempDir()
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir})
		return err
	}))
	b.click(selector)
	eventually(b.t, time.Minute, "the file is there", func() bool {
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 1 || strings.HasSuffix(files[0].Name(), ".crdownload") || strings.HasPrefix(files[0].Name(), ".") {
			return false
		}
		raw, err = os.ReadFile(filepath.Join(dir, files[0].Name()))
		return err == nil
	})
	return raw
}

// rounding is how exact the engine's lines and Kubernetes' times are, both in
// whole seconds, with a node's way to its object.
const rounding = 5 * time.Second

// agrees compares a timeline with what the Kubernetes API says: with the nodes
// that are there, and with its own events of nodes that came and went.
func (c liveCluster) agrees(rows []workflows.NodeRow) {
	c.t.Helper()
	nodes, err := c.client.CoreV1().Nodes().List(c.t.Context(), metav1.ListOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	made := map[string]time.Time{}
	for _, n := range nodes.Items {
		made[n.Name] = n.CreationTimestamp.Time
	}
	compared := 0
	for _, row := range rows {
		at, there := made[row.Name]
		switch { // of a node that is away for a moment only, the cluster's controller need not know
		case row.From == "":
			c.told(row, "RegisteredNode")
		case row.To == "":
			c.told(row, "RemovingNode")
		}
		switch {
		case there != (row.To != ""):
			c.t.Errorf("%s is there: %v; the dossier has %+v", row.Name, there, row)
		case strings.Contains(row.Name, "-master-"):
			// The only master keeps its Node object: nobody deletes that while the API is away.
		case there && (at.Before(row.StartedAt.Add(-rounding)) || at.After(row.EndedAt.Add(rounding))):
			c.t.Errorf("%s: Kubernetes says created at %s, the dossier has %s to %s", row.Name, at.Format(time.RFC3339), row.StartedAt.Format(time.RFC3339), row.EndedAt.Format(time.RFC3339))
		case there:
			compared++
		}
	}
	if compared < 2 || len(rows) < 4 {
		c.t.Errorf("%d times of %d rows agreed: %+v, made %v", compared, len(rows), rows, made)
	}
}

// told waits for the event of a node that came or went: the cluster's
// controller looks every few seconds.
func (c liveCluster) told(row workflows.NodeRow, reason string) {
	c.t.Helper()
	eventually(c.t, time.Minute, fmt.Sprintf("an event %s for %+v", reason, row), func() bool {
		events, err := c.client.CoreV1().Events("").List(c.t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.kind=Node,involvedObject.name=" + row.Name})
		return err == nil && slices.ContainsFunc(events.Items, func(e corev1.Event) bool {
			return e.Reason == reason && !e.LastTimestamp.Time.Before(row.StartedAt.Add(-rounding))
		})
	})
}
