package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// answers are what a person says on a wizard's pages.
type answers map[string]map[string]string

// order starts a workflow from the guide board. It returns the run's id.
func (b *tab) order(workflow string, s site, said answers) string {
	b.t.Helper()
	b.open(b.w.url("/"))
	b.click(`form[action="/drafts"]:has(input[name="workflow"][value="` + workflow + `"]):has(input[name="site"][value="` + s.site + `"]) button`)
	b.goThrough(said)
	return strings.TrimPrefix(b.path(), "/runs/")
}

// onBoth starts a workflow on both Sites, one after the other, so that both go
// on at a time.
func (b *tab) onBoth(sites map[string]site, workflow string, said map[string]answers) map[string]string {
	b.t.Helper()
	runs := map[string]string{}
	for _, name := range []string{"Seattle", "Orlando"} {
		runs[name] = b.order(workflow, sites[name], said[name])
	}
	return runs
}

// follow goes to a run by its link on the board, and waits for its end.
func (b *tab) follow(run string) {
	b.t.Helper()
	b.open(b.w.url("/"))
	b.click(`#board a[href="/runs/` + run + `"]`)
	b.waitPath("/runs/" + run)
	b.succeeded()
}

// says wants these words on the page.
func (b *tab) says(words ...string) {
	b.t.Helper()
	page := strings.Join(strings.Fields(b.text()), " ")
	for _, w := range words {
		if !strings.Contains(page, w) {
			b.t.Errorf("%s has no %q:\n%s", b.path(), w, page)
		}
	}
}

// facts are the labelled values that the page shows.
func (b *tab) facts() map[string]string {
	b.t.Helper()
	return evaluate[map[string]string](b, `Object.fromEntries([...document.querySelectorAll('main dl.facts > div')].map(d => [d.querySelector('dt').innerText.trim(), d.querySelector('dd').innerText.trim()]))`)
}

// rows are the cells of the table of that name.
func (b *tab) rows(label string) [][]string {
	b.t.Helper()
	return evaluate[[][]string](b, `[...document.querySelectorAll('`+label+` tbody tr')].map(r => [...r.cells].map(c => c.innerText.replace(/\s+/g, ' ').trim()))`)
}

// cluster goes to a Site's cluster by the head of its column on the board.
func (b *tab) cluster(name string) {
	b.t.Helper()
	b.open(b.w.url("/"))
	evaluate[any](b, `[...document.querySelectorAll('#board a.site')].find(a => a.innerText.trim() === '`+name+`').click()`)
	b.waitPath("/clusters/")
	b.do(chromedp.WaitVisible(chromedp.CSS("#live")))
}

// replicas is what a run's page told of the number of replicas while the run
// went on.
type replicas struct{ counts, events func() []string }

// watchReplicas has the page itself write down each number of replicas that it
// shows, and the autoscaler's events, while the run goes on.
func (b *tab) watchReplicas() replicas {
	b.t.Helper()
	evaluate[any](b, `(() => {
		window.counts = []; window.events = new Set()
		const look = () => {
			const panel = document.getElementById('run-panel')
			if (panel?.dataset.status !== 'running') return
			const n = panel.textContent.match(/(\d+) replicas/)
			if (n && window.counts.at(-1) !== n[1]) window.counts.push(n[1])
			for (const e of document.getElementById('log-view').textContent.matchAll(/event (\w+): (New size: \d+)/g)) window.events.add(e[1] + ' ' + e[2])
		}
		look()
		new MutationObserver(look).observe(document.querySelector('main'), {childList: true, subtree: true, characterData: true})
	})()`)
	read := func(script string) func() []string {
		return func() []string { return evaluate[[]string](b, script) }
	}
	return replicas{read("window.counts"), read("[...window.events]")}
}

// went wants one replica, more, and one again, each with its event.
func (r replicas) went(t *testing.T) {
	t.Helper()
	counts, most, events := r.counts(), 0, strings.Join(r.events(), "; ")
	for _, c := range counts {
		n, _ := strconv.Atoi(c)
		most = max(most, n)
	}
	if len(counts) < 3 || counts[0] != "1" || most < 2 || counts[len(counts)-1] != "1" {
		t.Errorf("while it scaled the page showed %v replicas", counts)
	}
	if !strings.Contains(events, "SuccessfulRescale New size: "+strconv.Itoa(most)) || !strings.Contains(events, "SuccessfulRescale New size: 1") {
		t.Errorf("while it scaled from 1 to %d and back the page told the events %q", most, events)
	}
}

// showsReleases compares the cluster's page with what Helm has.
func (b *tab) showsReleases(c liveCluster) {
	b.t.Helper()
	var shown []string
	for _, row := range b.rows(`section[aria-labelledby="releases-title"]`) {
		chart, _, _ := strings.Cut(row[2], " sha256:")
		shown = append(shown, fmt.Sprintf("%s %s revision %s deployed", row[0], chart, row[3]))
	}
	slices.Sort(shown)
	if has := c.releases(); !slices.Equal(shown, has) {
		b.t.Errorf("the page has the releases\n%s\nHelm has\n%s", strings.Join(shown, "\n"), strings.Join(has, "\n"))
	}
}

// showsAutoscaler compares the cluster's page with the autoscaler. Both move:
// there has to be a moment at which they agree.
func (b *tab) showsAutoscaler(c liveCluster, name string) {
	b.t.Helper()
	var shown []string
	has := ""
	defer func() {
		if b.t.Failed() {
			b.t.Logf("the page shows %v, the cluster has %s", shown, has)
		}
	}()
	real := regexp.MustCompile(`cpu: \d+%/80%`)
	eventually(b.t, time.Minute, "page and autoscaler agree", func() bool {
		b.open(b.w.url(b.path()))
		has = c.autoscaler(name)
		for _, row := range b.rows(`table[aria-label="Autoscalers"]`) {
			if shown = row; strings.Join(row[:6], " ") == has {
				return real.MatchString(has)
			}
		}
		return false
	})
}

// runsOf are the ids of a workflow's runs, by the list of runs.
func (w *world) runsOf(workflow string) []string {
	w.t.Helper()
	a := w.get("/runs?workflow=" + workflow)
	if a.status != http.StatusOK {
		w.t.Fatalf("the runs of %s: %d", workflow, a.status)
	}
	var out []string
	for _, m := range regexp.MustCompile(`/runs/(run_[A-Za-z0-9]+)"`).FindAllStringSubmatch(a.body, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}
