package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hubwright/workflows"
)

func (w *world) report(run string) (r workflows.DrillReport) {
	w.t.Helper()
	a := w.get("/runs/" + run + "/drill.json")
	if err := json.Unmarshal([]byte(a.body), &r); err != nil {
		w.t.Fatalf("report: %v\n%s", err, a.body)
	}
	return r
}

// likely says whether k of n is no surprise when each has the probability p:
// fewer than one in a million is as far off.
func likely(k, n int, p float64) bool {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	tail := func(from, to int) (sum float64) {
		for i := from; i <= to; i++ {
			sum += math.Exp(lg(n) - lg(i) - lg(n-i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
		}
		return sum
	}
	return min(tail(0, k), tail(k, n)) > 0.5e-6
}

// The journey's profile: probes as Azure has them, at the sandbox's speed.
const (
	trafficSpeed     = 40
	trafficTolerated = 9
	trafficInterval  = 30 * time.Second / trafficSpeed
	trafficTimeout   = time.Second // the sandbox has no shorter one
)

// joined is a Deployment whose two Sites have one name, seen in a browser.
type joined struct {
	*world
	b, status, sandbox *tab
	all                site
	seattle, orlando   site
	at                 map[string]string // the Sites' addresses
}

// TestOneNameOverTheSites joins the applications of two Sites under one name
// from the guide board, breaks one for a drill, and compares what the pages say
// with independent clients: of the name server, and of the page.
func TestOneNameOverTheSites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strconv.Itoa(trafficSpeed), "--probe-every", "5s")
	w.setUp()
	sites := w.sites()
	j := &joined{world: w, seattle: sites["Seattle"], orlando: sites["Orlando"], all: site{deployment: sites["Seattle"].deployment}}
	j.onBoth("helper-vm", nil)
	j.onBoth("cluster", url.Values{"masters": {"1"}, "pools.0.count": {"1"}})
	j.onBoth("app", url.Values{"host": {ratingsName}})
	j.b = w.browser()
	j.b.logIn()
	j.status, j.sandbox = j.b.another(), j.b.another()
	j.sandbox.open(pageLine.FindStringSubmatch(w.sandbox.output())[1])

	scaled := j.begin(j.walk("autoscale", j.seattle, nil))
	j.join()
	j.follows(1, 20)
	j.watch()
	j.finish(scaled)
	j.tells("Autoscaler ratings-web", "% of 80 % CPU", "What ends next", "Support of Kubernetes 1.33", "API certificate", "Application", ratingsName)
	j.drillAnOutage()
	j.weigh("1", "3")
	j.follows(1, 3)
	j.rotate()
	j.drillAcrossAKill()
}

// onBoth runs a workflow on both Sites at the same time.
func (j *joined) onBoth(workflow string, answers url.Values) {
	j.t.Helper()
	one, two := j.begin(j.walk(workflow, j.seattle, answers)), j.begin(j.walk(workflow, j.orlando, answers))
	j.finish(one)
	j.finish(two)
}

// fromTheGuide begins a workflow for all Sites from the board.
func (j *joined) fromTheGuide(workflow string) {
	j.t.Helper()
	j.b.open(j.url("/"))
	j.b.click(`form[action="/drafts"]:has(input[name="workflow"][value="` + workflow + `"]):has(input[name="site"][value=""]) button`)
}

// join goes through the wizard: a name that somebody has is refused first.
func (j *joined) join() {
	t, b := j.t, j.b
	t.Helper()
	j.fromTheGuide("traffic-manager")
	b.toReview(map[string]map[string]string{
		"profile": {"relative": "contoso"}, "routing": {"ttl": "2"}, "probe": {"tolerated": strconv.Itoa(trafficTolerated)},
		"sites": {"sites.0.weight": "1", "sites.1.weight": "20"},
	})
	eventually(t, time.Minute, "the review says that the name is taken", func() bool { return strings.Contains(b.text(), "contoso.trafficmanager.net is taken") })
	if evaluate[bool](b, `!!document.querySelector('form[action$="/start"] button:not([disabled]):not([aria-disabled="true"])')`) {
		t.Error("a run with a name that is taken can be started")
	}
	b.click(`main a[href*="/pages/sites"]`)
	endpoints := j.endpoints()
	b.click(`button.primary[name="action"][value="next"]`)
	eventually(t, time.Minute, "the review", func() bool { return strings.HasSuffix(b.path(), "/review") })
	b.click(`main a[href*="/pages/profile"]`)
	eventually(t, time.Minute, "the page says at the field that the name is taken", func() bool { return strings.Contains(b.text(), "contoso.trafficmanager.net is taken: ") })
	b.types("relative", strings.TrimSuffix(ratingsName, ".trafficmanager.net"))
	eventually(t, time.Minute, "the page says while somebody types that the name is free", func() bool { return strings.Contains(b.text(), ratingsName+" is free") })
	b.goThrough(nil)
	b.succeeded()

	b.open(j.url("/"))
	eventually(t, time.Minute, "the guide shows the name", func() bool { return strings.Contains(b.text(), ratingsName) })
	j.at = map[string]string{}
	for _, e := range endpoints {
		addresses, err := j.resolver().LookupHost(t.Context(), e.Target+".")
		if net.ParseIP(e.Target) != nil {
			addresses, err = []string{e.Target}, nil
		}
		if err != nil || len(addresses) != 1 {
			t.Fatalf("%s leads to %v, %v", e.Target, addresses, err)
		}
		j.at[e.Name] = addresses[0]
	}
}

type wizardEndpoint struct{ Name, Target string }

// endpoints reads the endpoints where a person would: on the wizard's page.
func (j *joined) endpoints() (out []wizardEndpoint) {
	j.t.Helper()
	j.b.waitFor(`[name="sites.1.target"]`)
	for i := range 2 {
		q := func(name, of string) string {
			return evaluate[string](j.b, fmt.Sprintf(`(() => { const e = document.getElementsByName('sites.%d.%s')[0]; return %s })()`, i, name, of))
		}
		out = append(out, wizardEndpoint{q("site", "e.selectedOptions[0].text"), q("target", "e.value")})
	}
	return out
}

// follows asks the name server and compares the answers with the weights.
func (j *joined) follows(seattle, orlando int) {
	j.t.Helper()
	const n = 400
	eventually(j.t, time.Minute, "the name leads to both Sites", func() bool { return len(j.leads(ratingsName, 60)) == 2 })
	got := j.leads(ratingsName, n)
	s, o := got[j.at["Seattle"]], got[j.at["Orlando"]]
	if s+o != n || !likely(o, n, float64(orlando)/float64(seattle+orlando)) {
		j.t.Errorf("%d answers with the weights %d and %d: %v at %v", n, seattle, orlando, got, j.at)
	}
}

// watch opens the status page from the guide, and leaves it open.
func (j *joined) watch() {
	j.t.Helper()
	j.status.open(j.url("/"))
	j.status.pushes("Status")
	j.status.waitPath("/status/")
	evaluate[any](j.status, `window.neverLoadedAgain = true`)
	j.says("Orlando", "In rotation")
	j.says("Seattle", "In rotation")
}

// says waits until the open status page says something of a Site, by itself.
func (j *joined) says(site, words string) {
	j.t.Helper()
	var said string
	eventually(j.t, 90*time.Second, "the status page says of "+site+": "+words, func() bool {
		said = evaluate[string](j.status, `(() => { for (const c of document.querySelectorAll('main .card'))
			if (c.querySelector('h2')?.innerText.trim() === '`+site+`') return c.innerText; return '' })()`)
		return slices.Contains(strings.Split(said, "\n"), words)
	})
	if !evaluate[bool](j.status, `window.neverLoadedAgain === true`) {
		j.t.Error("the status page was loaded again")
	}
}

// tells waits until the open status page says all of this.
func (j *joined) tells(words ...string) {
	j.t.Helper()
	for _, want := range words {
		eventually(j.t, time.Minute, "the status page says "+want, func() bool { return strings.Contains(j.status.text(), want) })
	}
}

// drillAnOutage breaks Orlando with a fault of the sandbox when the drill says
// so.
func (j *joined) drillAnOutage() {
	t, b := j.t, j.b
	t.Helper()
	j.fromTheGuide("drill")
	b.goThrough(map[string]map[string]string{"drill": {"site": j.orlando.site, "how": "outage", "interval": "1", "minutes": "4"}})
	run := strings.TrimPrefix(b.path(), "/runs/")
	eventually(t, time.Minute, "the run's page asks for the outage", func() bool { return strings.Contains(b.text(), "Break Orlando now") })
	u := j.visitor("http://" + ratingsName + "/")
	j.sandbox.answer(map[string]string{"kind": "app-unreachable", "stamp": "orlando"})
	begun := time.Now()
	j.sandbox.pushes("Switch on")
	took := j.leaves(begun)
	// Ten probes in a row have to fail. A probe may be late on a busy machine,
	// and then the next one comes at once.
	const soonest = (trafficTolerated - 1) * trafficInterval
	const latest = (trafficTolerated+1)*trafficInterval + trafficTimeout + 4*time.Second
	if took < soonest || took > latest {
		t.Errorf("Orlando left the answers %s after it broke, want %s to %s", took, soonest, latest)
	}
	j.says("Orlando", "In rotation, but degraded")
	j.says("Orlando", "Does not answer")
	j.tells("The application does not answer as it should on Orlando.")
	j.refusesUpgrade("Orlando is in rotation, but its endpoint does not answer")
	eventually(t, 2*time.Minute, "the run's page says that users have left", func() bool { return strings.Contains(b.text(), "Users have left Orlando") })
	u.end()
	j.sandbox.pushes("Lift")
	b.succeeded()
	j.says("Orlando", "In rotation")
	b.pushes("Open the report")
	b.waitPath("/runs/" + run + "/drill")
	j.agrees(j.report(run), u)
}

// leaves waits until Orlando is in no answer of the name server.
func (j *joined) leaves(since time.Time) time.Duration {
	j.t.Helper()
	var took time.Duration
	eventually(j.t, time.Minute, "Orlando leaves the answers", func() bool {
		took = time.Since(since)
		return j.leads(ratingsName, 15)[j.at["Orlando"]] == 0 // 3 in 4 would have it
	})
	return took
}

// agrees compares a report with what a user had meanwhile.
func (j *joined) agrees(r workflows.DrillReport, u *user) {
	t := j.t
	t.Helper()
	broken := u.lastBad.Sub(u.firstBad)
	looks, rate := 0, float64(u.failed)/float64(max(u.between(), 1))
	for _, s := range r.Samples {
		if at := r.StartedAt.Add(s.At); at.After(u.firstBad) && at.Before(u.lastBad) {
			looks++
		}
	}
	t.Logf("the report has %d of %d failed over %s, the user %d of %d over %s, with %d looks meanwhile", r.Failed, r.Requests, r.Broken, u.failed, u.requests, broken, looks)
	if r.Failed == 0 || u.failed == 0 {
		t.Fatal("an outage that nobody noticed")
	}
	// A look each second: the first and the last failed one are each up to a
	// look away from the user's, and a look takes its time on a busy machine.
	if diff := (r.Broken - broken).Abs(); diff > 4*time.Second {
		t.Errorf("the report says that requests failed over %s, a user had %s", r.Broken, broken)
	}
	// As many failed as the user's share of failures says, give or take a look
	// at each end.
	if rate = min(max(rate, 0.01), 0.99); !likely(min(max(r.Failed-1, 0), looks), looks, rate) && !likely(min(r.Failed+1, looks), looks, rate) || r.Failed > looks+2 {
		t.Errorf("%d of %d looks failed, while %.2f of a user's requests did", r.Failed, looks, rate)
	}
	page := j.b.text()
	for _, want := range []string{fmt.Sprintf("%d of %d requests failed", r.Failed, r.Requests), "Orlando is found degraded", "Break Orlando now", "Repair Orlando now"} {
		if !strings.Contains(page, want) {
			t.Errorf("the report's page does not say %q:\n%s", want, page)
		}
	}
	if n := evaluate[int](j.b, `document.querySelectorAll('main svg rect.bad').length`); n == 0 {
		t.Error("the timeline shows no failure")
	}
}

// refusesUpgrade: Seattle is not disturbed while Orlando carries nothing.
func (j *joined) refusesUpgrade(why string) {
	j.t.Helper()
	draft := j.walk("upgrade", j.seattle, url.Values{"kubernetes": {"1.34.4"}, "clients": {"out"}})
	j.settled(draft)
	if page := text(j.parse(j.get("/drafts/" + draft + "/review"))); !strings.Contains(page, why) {
		j.t.Errorf("the review of an upgrade does not say %q:\n%s", why, page)
	}
	if a := j.post("/drafts/"+draft+"/start", url.Values{}); strings.HasPrefix(a.path, "/runs/") {
		j.t.Errorf("an upgrade of Seattle begins although %s", why)
	}
	j.post("/drafts/"+draft+"/delete", url.Values{})
}

// weigh changes the weights in the form.
func (j *joined) weigh(seattle, orlando string) {
	j.t.Helper()
	j.fromTheGuide("traffic-manager")
	j.b.goThrough(map[string]map[string]string{"sites": {"sites.0.weight": seattle, "sites.1.weight": orlando}})
	j.b.succeeded()
}

// rotate takes Orlando out and puts it back.
func (j *joined) rotate() {
	t := j.t
	t.Helper()
	turn := func(do string) {
		j.fromTheGuide("rotation")
		j.b.goThrough(map[string]map[string]string{"site": {"site": j.orlando.site, "do": do}})
		j.b.succeeded()
	}
	turn("out")
	if got := j.leads(ratingsName, 60); got[j.at["Orlando"]] > 0 {
		t.Errorf("out of rotation, the name still leads there: %v", got)
	}
	j.says("Orlando", "Out of rotation")
	j.refusesUpgrade("Orlando is out of rotation")
	turn("back")
	j.follows(1, 3)
	j.says("Orlando", "In rotation")
}

// drillAcrossAKill kills the server while a drill has taken Orlando out: the
// drill goes on, puts it back, and its report loses nothing.
func (j *joined) drillAcrossAKill() {
	t := j.t
	t.Helper()
	draft := j.walk("drill", j.all, url.Values{"site": {j.orlando.site}, "how": {"take-out"}, "interval": {"1"}})
	j.settled(draft)
	u := j.visitor("http://" + ratingsName + "/")
	run := j.begin(draft)
	var before workflows.DrillReport
	eventually(t, time.Minute, "the drill has measured while the Site is out", func() bool {
		if !j.printed(run, "Orlando was taken out of rotation") {
			return false
		}
		before = j.report(run)
		return before.Going && before.Requests > 9
	})
	j.server.end(os.Kill)
	if got := j.leads(ratingsName, 60); got[j.at["Orlando"]] > 0 {
		t.Errorf("out of rotation, the name still leads there: %v", got)
	}
	j.startServer()
	j.finish(run)
	u.end()
	r := j.report(run)
	if u.failed > 0 || r.Failed > 0 {
		t.Errorf("%d of %d requests failed while a Site was only taken out; the report has %d of %d", u.failed, u.requests, r.Failed, r.Requests)
	}
	if r.Going || len(r.Gaps) != 1 || r.NotMeasured() <= 0 || r.Requests <= before.Requests || r.Requests != len(r.Samples) || r.LeftAfter < 0 || r.BackAfter < 0 {
		t.Errorf("%d requests before the kill; the report: goes on %v, gaps %v, %+v", before.Requests, r.Going, r.Gaps, r.DrillNumbers)
	}
	if page := text(j.parse(j.get("/runs/" + run + "/drill"))); !strings.Contains(page, "while Hubwright was not running") {
		t.Errorf("the report does not say that nothing was measured for a while:\n%s", page)
	}
	j.follows(1, 3)
}
