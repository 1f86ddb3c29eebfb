package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/sandbox/faults"
)

// TestFaults plays every scenario on one sandbox and one server: the fault is
// told on the page in words, and when it is lifted the run goes on from where
// it stopped and makes nothing twice.
func TestFaults(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/scenarios/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	all, lanes, kinds := []scenario{}, map[string][]scenario{}, map[string]bool{}
	for _, file := range files {
		sc := readScenario(t, file)
		for _, ph := range sc.phases {
			for _, r := range ph.faults {
				kinds[r.Kind] = true
			}
		}
		if sc.everywhere() {
			all = append(all, sc)
		} else {
			lanes[sc.on] = append(lanes[sc.on], sc)
		}
	}
	for _, r := range faults.Kinds() {
		if !kinds[r.Kind] {
			t.Errorf("no scenario plays the fault %s", r.Kind)
		}
	}
	s := newStage(t, 400)
	stacks, known := s.sites(), map[string]site{}
	for _, sc := range all {
		t.Run(sc.name, func(t *testing.T) { s.perform(t, sc, stacks[sc.on], known) })
	}
	// Faults of one Hub leave the other alone.
	t.Run("on", func(t *testing.T) {
		for lane, list := range lanes {
			known := maps.Clone(known)
			t.Run(lane, func(t *testing.T) {
				t.Parallel()
				for _, sc := range list {
					t.Run(sc.name, func(t *testing.T) { s.perform(t, sc, stacks[lane], known) })
				}
			})
		}
	})
}

// scene is a scenario being played.
type scene struct {
	*stage
	scenario
	stack site
	site  site
	ids   []string // of the faults in force
}

func (s *stage) perform(t *testing.T, sc scenario, stack site, known map[string]site) {
	begun := time.Now()
	w := *s.world
	w.t = t
	p := &scene{stage: &stage{&w, s.play}, scenario: sc, stack: stack}
	defer func() {
		p.lift()
		t.Logf("%.1f s", time.Since(begun).Seconds())
	}()
	if sc.run == "stack-test" {
		p.testTheHub()
		return
	}
	if p.site = known[sc.site]; p.site == (site{}) {
		p.site = p.newSite(sc.site, p.stack)
		known[sc.site] = p.site
		switch sc.run {
		case "helper-vm":
		case "traffic-manager": // works on the whole Deployment
			p.site.site, p.site.stack = "", ""
			known[sc.site] = p.site
		default:
			p.finish(p.begin(p.walk("helper-vm", p.site, nil)))
		}
	}
	p.playRun()
}

func (p *scene) playRun() {
	before := p.resources(strings.ToLower(p.on))
	draft := p.walk(p.run, p.site, p.answers())
	if p.when == "checks" {
		p.strike(p.phases[0])
		p.post("/drafts/"+draft+"/checks", nil)
	}
	p.until("the checks end", func() bool { return !strings.Contains(p.get("/drafts/"+draft+"/checks").body, "Checking") })
	if p.waive != "" {
		form := fields(p.parse(p.get("/drafts/" + draft + "/review")).Find(`form[action$="/` + p.waive + `/waive"]`).First())
		form.Set("reason", "It does not matter here.")
		p.post("/drafts/"+draft+"/checks/"+p.waive+"/waive", form)
	}
	if p.phases[0].ends == "refused" {
		p.refused(draft)
		return
	}
	if p.when == "start" {
		p.strike(p.phases[0])
	}
	run := p.begin(draft)
	for i, ph := range p.phases {
		p.outcome(run, ph)
		p.lift()
		if i+1 < len(p.phases) {
			p.strike(p.phases[i+1])
		}
		if ph.ends == "failed" {
			if a := p.post("/runs/"+run+"/retry", nil); a.status != http.StatusOK {
				p.t.Fatalf("retry answered %d: %s", a.status, p.onPage(run))
			}
		}
	}
	p.until("the run ends", func() bool { return p.ended(run) })
	if page := p.onPage(run); !strings.Contains(page, "Succeeded") {
		p.t.Fatalf("after the fault was lifted: %s\n%s", page, p.logText(run))
	}
	p.nothingTwice(before)
}

func (p *scene) onPage(run string) string { return text(p.parse(p.get("/runs/" + run))) }

// outcome sees what the person is told in a phase.
func (p *scene) outcome(run string, ph phase) {
	switch ph.ends {
	case "waits":
		told := func() string { return p.onPage(run) + "\n" + p.logText(run) }
		want := slices.Concat(ph.page, ph.log)
		p.until("it waits and says so", func() bool { return p.ended(run) || p.struck() && holdsAll(told(), want) })
		if p.ended(run) {
			p.t.Fatalf("it did not wait, or does not say %q: %s", want, told())
		}
		return
	case "failed":
		p.until("the run fails", func() bool { return p.ended(run) })
		if !strings.Contains(p.onPage(run), "Failed") {
			p.t.Fatalf("the run did not fail: %s", p.onPage(run))
		}
	case "succeeded":
		p.until("the run ends", func() bool { return p.ended(run) })
	default:
		p.t.Fatalf("unknown end %q", ph.ends)
	}
	p.saw("the run's page", p.onPage(run), ph.page)
	p.saw("the log", p.logText(run), ph.log)
}

// refused looks at checks that forbid to start, and sees them pass afterwards.
func (p *scene) refused(draft string) {
	checks := func() string {
		p.until("the checks end", func() bool { return !strings.Contains(p.get("/drafts/"+draft+"/checks").body, "Checking") })
		return text(p.parse(p.get("/drafts/" + draft + "/review")))
	}
	p.saw("the review", checks(), p.phases[0].page)
	form := fields(p.parse(p.get("/drafts/" + draft + "/review")).Find(`form[action$="/start"]`).First())
	if a := p.post("/drafts/"+draft+"/start", form); strings.HasPrefix(a.path, "/runs/") {
		p.t.Fatal("a run started over a failed check")
	}
	p.lift()
	p.post("/drafts/"+draft+"/checks", nil)
	if after := checks(); holdsAny(after, p.phases[0].page) {
		p.t.Errorf("the fault is lifted, and the checks still say: %s", after)
	}
	p.post("/drafts/"+draft+"/delete", nil) // the next scenario of this Site answers anew
}

func (p *scene) testTheHub() {
	look := func() string {
		p.post("/stacks/"+p.stack.stack+"/test", nil)
		var body answer
		p.until("the test ends", func() bool {
			body = p.get("/stacks/" + p.stack.stack + "/checks")
			return !strings.Contains(body.body, "Checking")
		})
		return strings.Join(strings.Fields(p.parse(body).Text()), " ")
	}
	p.strike(p.phases[0])
	told := look()
	p.saw("the Hub's test", told, p.phases[0].page)
	p.lift()
	if after := look(); holdsAny(after, p.phases[0].page) {
		p.t.Errorf("the fault is lifted, and the test still says: %s", after)
	}
}

func (p *scene) strike(ph phase) {
	for _, r := range ph.faults {
		if r.Match.Stamp == "" && r.Match.Host == "" {
			r.Match.Stamp = strings.ToLower(p.on)
		}
		id, err := p.play.Faults().Add(r)
		if err != nil {
			p.t.Fatal(err)
		}
		p.ids = append(p.ids, id)
	}
}

// struck says whether each of the faults in force has struck.
func (p *scene) struck() bool {
	return !slices.ContainsFunc(p.play.Faults().List(), func(f faults.Status) bool { return f.Struck == 0 && slices.Contains(p.ids, f.ID) })
}

// lift takes the scenario's faults away. Each of them must have struck.
func (p *scene) lift() {
	for _, f := range p.play.Faults().List() {
		if !slices.Contains(p.ids, f.ID) {
			continue
		}
		if f.Struck == 0 && !p.t.Failed() {
			p.t.Errorf("the fault %s %+v never struck", f.Kind, f.Match)
		}
		p.play.Faults().Lift(f.ID)
	}
	p.ids = nil
}

func (p *scene) until(what string, ok func() bool) {
	p.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			p.t.Fatalf("never: %s", what)
		}
		time.Sleep(25 * time.Millisecond)
	}
}

func (p *scene) logText(run string) string {
	var b strings.Builder
	for _, l := range p.logLines(run) {
		fmt.Fprintln(&b, l[4])
	}
	return b.String()
}

func (p *scene) saw(where, text string, want []string) {
	p.t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			p.t.Errorf("%s does not say %q:\n%s", where, w, text)
		}
	}
}

func holdsAll(text string, all []string) bool {
	return !slices.ContainsFunc(all, func(s string) bool { return !strings.Contains(text, s) })
}

func holdsAny(text string, all []string) bool {
	return slices.ContainsFunc(all, func(s string) bool { return strings.Contains(text, s) })
}

// What a workflow leaves on a Hub, however often it was retried.
var leaves = map[string]map[string]int{
	"helper-vm": {"disks": 1, "networkInterfaces": 1, "networkSecurityGroups": 1, "publicIPAddresses": 1, "virtualMachines": 1, "virtualNetworks": 1},
	"cluster": {"availabilitySets": 2, "disks": 3, "extensions": 2, "loadBalancers": 1, "networkInterfaces": 2, "networkSecurityGroups": 1,
		"publicIPAddresses": 1, "routeTables": 1, "virtualMachines": 2, "virtualNetworks": 1},
	"scale 2": {"disks": 1, "extensions": 1, "networkInterfaces": 1, "virtualMachines": 1},
	"scale 1": {"disks": -1, "extensions": -1, "networkInterfaces": -1, "virtualMachines": -1},
}

// nothingTwice counts what the run has made.
func (p *scene) nothingTwice(before map[string]int) {
	made := p.resources(strings.ToLower(p.on))
	for kind, n := range before {
		if made[kind] -= n; made[kind] == 0 {
			delete(made, kind)
		}
	}
	if p.run == "pipelines" {
		held, agents := p.play.DevOps().Held(), p.play.DevOps().Agents()
		if len(held) != 1 || len(agents) > 1 {
			p.t.Errorf("Azure DevOps holds %+v and the agents %v", held, agents)
		}
	}
	want := leaves[strings.TrimSpace(p.run+" "+p.with.Get("count"))]
	if want == nil || p.with.Get("kind") == "existing" {
		want = map[string]int{}
	}
	if diff := cmp.Diff(want, made); diff != "" {
		p.t.Errorf("what the run left on the Hub (-want +is):\n%s", diff)
	}
	created := map[string]int{}
	for _, c := range p.play.Calls() {
		if c.Method != http.MethodPut || c.Status != http.StatusCreated {
			continue
		}
		if created[c.Host+c.Path]++; created[c.Host+c.Path] > 1 {
			p.t.Errorf("%s was created again", c.Path)
		}
	}
	if len(want) > 0 && len(created) == 0 {
		p.t.Error("no call created anything")
	}
}

// answers are the scenario's, with what only the stage knows.
func (p *scene) answers() url.Values {
	out := url.Values{}
	for k, v := range p.with {
		out[k] = v
	}
	if p.run == "traffic-manager" {
		out.Set("port", publishedPort)
		out.Set("sites.0.target", p.publish(1).public)
	}
	if p.with.Get("kind") != "existing" {
		return out
	}
	for _, st := range p.play.Seed().Stacks {
		for _, h := range st.Hosts {
			if !h.Windows {
				out.Set("address", h.Address)
				out.Set("port", fmt.Sprint(h.Port))
				out.Set("user", h.User)
				out.Set("reach", "direct")
				out.Set("key", h.PrivateKey)
			}
		}
	}
	return out
}
