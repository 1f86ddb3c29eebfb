package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"hubwright/internal/sandbox/faults"
)

// scenario is a file of testdata/scenarios: what goes wrong, where, and what
// the person is told.
//
// The head has a title and lines "key: value":
//
//	on:     Seattle or Orlando
//	run:    stack-test or a workflow
//	site:   name of the Site; the same name is the same Site. Default: one of its own
//	with:   an answer, as name=value; may come again
//	when:   checks (the faults are there before the checks) or start (they come after them; default)
//	ends:   failed (a retry goes on; default), refused (the checks forbid to start),
//	        waits (it goes on by itself when the faults are lifted) or succeeded (the faults are outlived)
//	starts: how many ARM deployments the run sends in all, when it deploys
type scenario struct {
	name, title               string
	on, run, site, when, ends string
	with                      url.Values
	starts                    string
	faults                    []faults.Rule
	page, log                 []string // what must be seen
}

func readScenario(t *testing.T, file string) scenario {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sc := scenario{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), when: "start", ends: "failed", with: url.Values{}}
	keys := map[string]*string{"on": &sc.on, "run": &sc.run, "site": &sc.site, "when": &sc.when, "ends": &sc.ends, "starts": &sc.starts}
	title, head, _ := strings.Cut(strings.TrimSpace(string(ar.Comment)), "\n")
	sc.title = title
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if key == "with" {
			name, answer, _ := strings.Cut(value, "=")
			sc.with.Set(name, answer)
			continue
		}
		to, ok := keys[key]
		if !ok {
			t.Fatalf("%s: unknown key %q", file, key)
		}
		*to = value
	}
	if sc.site == "" {
		sc.site = sc.name
	}
	for _, f := range ar.Files {
		switch f.Name {
		case "faults.json":
			if sc.faults, err = faults.Read(bytes.NewReader(f.Data)); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		case "page":
			sc.page = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
		case "log":
			sc.log = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
		default:
			t.Fatalf("%s: unknown part %q", file, f.Name)
		}
	}
	if len(sc.faults) == 0 || len(sc.page)+len(sc.log) == 0 {
		t.Fatalf("%s: no faults, or nothing to see", file)
	}
	return sc
}

// TestFaults plays every scenario on one sandbox and one server: the fault is
// told on the page in words, and when it is lifted the run goes on from where
// it stopped and makes nothing twice.
func TestFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	s := newStage(t, 400)
	stacks, known := s.sites(), map[string]site{}
	seen := map[string]bool{}
	for _, file := range files {
		sc := readScenario(t, file)
		for _, r := range sc.faults {
			seen[r.Kind] = true
		}
		t.Run(sc.name, func(t *testing.T) {
			begun := time.Now()
			defer func() { t.Logf("%.1f s", time.Since(begun).Seconds()) }()
			w := *s.world
			w.t = t
			p := &scene{stage: &stage{&w, s.play}, scenario: sc, stack: stacks[sc.on]}
			if p.site = known[sc.site]; p.site == (site{}) && sc.run != "stack-test" {
				p.site = p.newSite(sc.site, p.stack)
				known[sc.site] = p.site
			}
			defer s.play.Faults().LiftAll()
			p.perform()
		})
	}
	if len(seen) < 20 {
		t.Errorf("only %d kinds of faults are played: %v", len(seen), seen)
	}
}

// scene is a scenario being played.
type scene struct {
	*stage
	scenario
	stack site
	site  site
	ids   []string // of the faults in force
}

func (p *scene) perform() {
	if p.run == "stack-test" {
		p.testTheHub()
		return
	}
	before := p.resources(strings.ToLower(p.on))
	draft := p.walk(p.run, p.site, p.answers())
	if p.when == "checks" {
		p.strike()
		p.post("/drafts/"+draft+"/checks", url.Values{"version": {"0"}})
	}
	p.until("the checks end", func() bool { return !strings.Contains(p.get("/drafts/"+draft+"/checks").body, "Checking") })
	if p.ends == "refused" {
		p.refused(draft)
	}
	if p.when == "start" {
		p.strike()
	}
	run := p.begin(draft)
	p.outcome(run)
	p.until("the run succeeds", func() bool { return p.ended(run) })
	page := text(p.parse(p.get("/runs/" + run)))
	if !strings.Contains(page, "Succeeded") {
		p.t.Fatalf("after the fault was lifted: %s\n%v", page, p.logLines(run))
	}
	p.nothingTwice(run, before)
}

// outcome sees what the person is told and does what the person would do.
func (p *scene) outcome(run string) {
	page := func() string { return text(p.parse(p.get("/runs/"+run))) + "\n" + p.logText(run) }
	switch p.ends {
	case "failed":
		p.until("the run fails", func() bool { return p.ended(run) })
		p.saw("the run's page", text(p.parse(p.get("/runs/"+run))), p.page)
		p.saw("the log", p.logText(run), p.log)
		p.lift()
		if a := p.post("/runs/"+run+"/retry", nil); a.status != http.StatusOK {
			p.t.Fatalf("retry answered %d: %s", a.status, text(p.parse(a)))
		}
	case "waits":
		p.until("the page tells what it waits for: "+strings.Join(p.page, "; "), func() bool { return holdsAll(page(), p.page) })
		if p.ended(run) {
			p.t.Fatalf("it did not wait: %s", page())
		}
		p.lift()
	case "succeeded":
		p.until("the run ends", func() bool { return p.ended(run) })
		p.saw("the log", p.logText(run), p.log)
		p.lift()
	case "refused":
	default:
		p.t.Fatalf("unknown end %q", p.ends)
	}
}

// refused looks at checks that forbid to start, and sees them pass afterwards.
func (p *scene) refused(draft string) {
	p.saw("the review", text(p.parse(p.get("/drafts/"+draft+"/review"))), p.page)
	form := fields(p.parse(p.get("/drafts/" + draft + "/review")).Find(`form[action$="/start"]`).First())
	if a := p.post("/drafts/"+draft+"/start", form); strings.HasPrefix(a.path, "/runs/") {
		p.t.Fatal("a run started over a failed check")
	}
	p.lift()
	p.post("/drafts/"+draft+"/checks", nil)
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
	p.strike()
	told := look()
	p.saw("the Hub's test", told, p.page)
	p.lift()
	if after := look(); holdsAny(after, p.page) {
		p.t.Errorf("the fault is lifted, and the test still says: %s", after)
	}
}

func (p *scene) strike() {
	for _, r := range p.faults {
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

// lift takes the faults away. Each of them must have struck.
func (p *scene) lift() {
	for _, f := range p.play.Faults().List() {
		if slices.Contains(p.ids, f.ID) && f.Struck == 0 {
			p.t.Errorf("the fault %s %+v never struck", f.Kind, f.Match)
		}
		p.play.Faults().Lift(f.ID)
	}
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
}

// nothingTwice counts what the run has made.
func (p *scene) nothingTwice(run string, before map[string]int) {
	made := p.resources(strings.ToLower(p.on))
	for kind, n := range before {
		if made[kind] -= n; made[kind] == 0 {
			delete(made, kind)
		}
	}
	want := leaves[p.run]
	if p.with.Get("kind") == "existing" || p.with.Has("made") {
		want = nil
	}
	if diff := cmp.Diff(want, made, cmpEmpty); diff != "" {
		p.t.Errorf("what the run left on the Hub (-want +is):\n%s", diff)
	}
	if p.starts != "" {
		if n := strings.Count(p.logText(run), "Starting ARM Deployment"); fmt.Sprint(n) != p.starts {
			p.t.Errorf("%d ARM deployments were sent, not %s", n, p.starts)
		}
	}
}

var cmpEmpty = cmp.Transformer("empty", func(m map[string]int) map[string]int {
	if len(m) == 0 {
		return nil
	}
	return m
})

// answers are the scenario's, with what only the stage knows.
func (p *scene) answers() url.Values {
	out := url.Values{}
	for k, v := range p.with {
		out[k] = v
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
