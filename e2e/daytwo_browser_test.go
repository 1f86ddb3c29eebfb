package e2e

import (
	"archive/zip"
	"encoding/json"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hubwright/workflows"
)

// TestDayTwoFromTheBrowser is a cluster's life by clicking, from its own page:
// scaled out and in, upgraded while its nodes are watched, a pool more. The
// dossier of the upgrade agrees with what the Kubernetes API says of the nodes.
func TestDayTwoFromTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "200")
	w.setUp()
	seattle := w.sites()["Seattle"]
	w.finish(w.begin(w.walk("helper-vm", seattle, nil)))
	w.finish(w.begin(w.walk("cluster", seattle, url.Values{"masters": {"1"}, "pools.0.count": {"3"}})))
	cluster := w.live("ratings-seattle")
	b := w.browser()
	b.logIn()

	b.operate("scale", map[string]map[string]string{"pool": {"count": "5"}})
	b.succeeded()
	cluster.has("1.33.10", 1, 5, 0)
	b.operate("scale", map[string]map[string]string{"pool": {"count": "2"}})
	b.succeeded()
	before := cluster.has("1.33.10", 1, 2, 0)

	b.operate("upgrade", map[string]map[string]string{"target": {"kubernetes": "1.34.4"}})
	run := strings.TrimPrefix(b.path(), "/runs/")
	seen := b.watchNodes()
	b.succeeded()
	for _, want := range []string{"waiting", "draining", "Ready"} {
		if !strings.Contains(seen(), want) {
			t.Errorf("no row of the run's page said %q while it went on:\n%s", want, seen())
		}
	}
	after := cluster.has("1.34.4", 1, 2, 0)
	if kept := inBoth(before, after); len(kept) > 0 {
		t.Errorf("nodes that were not made anew: %v", kept)
	}
	cluster.agrees(b.dossier(run))

	b.operate("addpool", map[string]map[string]string{"pool": {"name": "bigpool", "count": "1"}})
	b.succeeded()
	cluster.has("1.34.4", 1, 2, 1)
}

// logIn fills in the login's form.
func (b *tab) logIn() {
	b.t.Helper()
	b.open(b.w.url("/login"))
	b.answer(map[string]string{"name": adminName, "password": adminPassword})
	b.click(`form[action="/login"] button`)
	eventually(b.t, time.Minute, "the start page", func() bool { return b.path() != "/login" })
}

// operate starts a workflow from the cluster's own page.
func (b *tab) operate(workflow string, answers map[string]map[string]string) {
	b.t.Helper()
	b.open(b.w.url(b.w.clusterPath("ratings-seattle")))
	b.click(`form[action="/drafts"]:has(input[name="workflow"][value="` + workflow + `"]) button`)
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

// dossier opens the dossier from the run's page, downloads the archive that it
// offers and reads the nodes' timeline in it.
func (b *tab) dossier(run string) []workflows.NodeRow {
	b.t.Helper()
	b.click(`a[href="/runs/` + run + `/dossier"]`)
	b.waitPath("/runs/" + run + "/dossier")
	link := evaluate[string](b, `document.querySelector('a[href$="/dossier.zip"]')?.getAttribute('href') ?? ''`)
	a := b.w.get(link)
	z, err := zip.NewReader(strings.NewReader(a.body), int64(len(a.body)))
	if err != nil {
		b.t.Fatalf("%s answered %d: %v", link, a.status, err)
	}
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, "/run.json") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			b.t.Fatal(err)
		}
		defer r.Close()
		raw, err := io.ReadAll(r)
		var doc struct{ Nodes []workflows.NodeRow }
		if err != nil || json.Unmarshal(raw, &doc) != nil {
			b.t.Fatalf("run.json: %v: %s", err, raw)
		}
		return doc.Nodes
	}
	b.t.Fatal("the archive has no run.json")
	return nil
}

// rounding is how exact the engine's lines and Kubernetes' times are, both in
// whole seconds, with a node's way to its object.
const rounding = 5 * time.Second

// agrees compares a timeline with what the Kubernetes API says: each node that
// was made came into being while its row says that it was worked on, and none is
// left whose row says that it is gone.
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
		switch {
		case there != (row.To != ""):
			c.t.Errorf("%s is there: %v; the dossier has %+v", row.Name, there, row)
		case !there || strings.Contains(row.Name, "-master-"):
			// The only master keeps its Node object: nobody deletes that while the API is away.
		case at.Before(row.StartedAt.Add(-rounding)) || at.After(row.EndedAt.Add(rounding)):
			c.t.Errorf("%s: Kubernetes says created at %s, the dossier has %s to %s", row.Name, at.Format(time.RFC3339), row.StartedAt.Format(time.RFC3339), row.EndedAt.Format(time.RFC3339))
		default:
			compared++
		}
	}
	if compared < 2 || len(rows) < 4 {
		c.t.Errorf("%d times of %d rows agreed: %+v, made %v", compared, len(rows), rows, made)
	}
}
