package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
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
	b.waitFor("#live")
}

// objectWaited is an object that Helm waits for, as a step's second line has it.
var objectWaited = regexp.MustCompile(`(Deployment|StatefulSet|DaemonSet|Job|Service|PersistentVolumeClaim) \S+: (\d+ of \d+|waits for|pending)`)

// watchDoing has the page itself write down what the steps of a run that goes
// on say that they are doing. The answer tells all of it so far.
func (b *tab) watchDoing() func() string {
	b.t.Helper()
	evaluate[any](b, `(() => {
		window.seenDoing = new Set()
		const look = () => { for (const s of document.querySelectorAll('#run-panel[data-status="running"] .steps small')) window.seenDoing.add(s.innerText) }
		look()
		new MutationObserver(look).observe(document.querySelector('main'), {childList: true, subtree: true, characterData: true})
	})()`)
	return func() string { return evaluate[string](b, `[...window.seenDoing].join('\n')`) }
}

// replicas is what a run's page told of the number of replicas: in the order of
// its log, and of these how many it showed while the run went on; the largest in
// its headline; and the autoscaler's events.
type replicas struct{ read func() replicasSeen }

type replicasSeen struct {
	Counts   []int
	Live     int
	Headline int
	Events   []string
}

// watchReplicas has the page itself write down what it shows.
func (b *tab) watchReplicas() replicas {
	b.t.Helper()
	evaluate[any](b, `(() => {
		const seen = window.seenReplicas = {Counts: [], Live: 0, Headline: 0, Events: []}
		const look = () => {
			const panel = document.getElementById('run-panel')
			const lines = [...document.querySelectorAll('#log-view .chunk')].flatMap(c => c.classList.contains('plain') ? c.textContent.split('\n') : [...c.children].map(l => l.textContent))
			const found = {Counts: [], Events: []}
			for (const line of lines) {
				const n = line.match(/cpu: \d+%\S+\s+\d+\s+\d+\s+(\d+)$/), e = line.match(/event (\w+: New size: \d+)/)
				if (n && found.Counts.at(-1) !== +n[1]) found.Counts.push(+n[1])
				if (e) found.Events.push(e[1])
			}
			Object.assign(seen, found)
			if (panel?.dataset.status !== 'running') return
			seen.Live = seen.Counts.length
			seen.Headline = Math.max(seen.Headline, +(panel.textContent.match(/(\d+) replicas/)?.[1] ?? 0))
		}
		look()
		new MutationObserver(look).observe(document.querySelector('main'), {childList: true, subtree: true, characterData: true})
	})()`)
	return replicas{func() replicasSeen { return evaluate[replicasSeen](b, "window.seenReplicas") }}
}

// went wants one replica, more, and one again, each shown live but perhaps the
// last, with the events.
func (r replicas) went(t *testing.T) {
	t.Helper()
	s := r.read()
	n := len(s.Counts)
	if n < 3 || s.Counts[0] != 1 || s.Counts[n-1] != 1 || s.Live < n-1 {
		t.Errorf("the page showed these numbers of replicas, of which %d live: %v", s.Live, s.Counts)
		return
	}
	most, events := slices.Max(s.Counts), strings.Join(s.Events, ", ")
	if s.Headline < 2 || s.Headline > most {
		t.Errorf("it was %d replicas at most; the steps told of %d", most, s.Headline)
	}
	for _, want := range []int{most, 1} {
		if !strings.Contains(events, fmt.Sprintf("SuccessfulRescale: New size: %d", want)) {
			t.Errorf("no event tells of %d replicas: %s", want, events)
		}
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
