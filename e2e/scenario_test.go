package e2e

import (
	"bytes"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"hubwright/internal/sandbox/faults"
)

// scenario is a file of testdata/scenarios: what goes wrong, where, and what
// the person is told.
//
// The head has a title and lines "key: value":
//
//	on:    Seattle or Orlando
//	run:   stack-test or a workflow
//	site:  name of the Site; the same name is the same Site. Default: one of its own
//	with:  an answer, as name=value; may come again
//	waive: a check that does not matter here
//	when:  checks (the first faults are there before the checks) or start (they come after them; default)
//	ends:  of each phase: failed (a retry goes on; default), refused (the checks forbid to start),
//	       waits (it goes on by itself when the faults are lifted) or succeeded (the faults are outlived)
//
// Then come phases: the faults as the sandbox reads them (faults.json), what
// the page says meanwhile (page) and what the log says (log).
type scenario struct {
	name, on, run, site, waive, when string
	with                             url.Values
	phases                           []phase
}

type phase struct {
	ends      string
	faults    []faults.Rule
	page, log []string
}

func readScenario(t *testing.T, file string) scenario {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sc := scenario{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), when: "start", with: url.Values{}}
	var ends string
	keys := map[string]*string{"on": &sc.on, "run": &sc.run, "site": &sc.site, "waive": &sc.waive, "when": &sc.when, "ends": &ends}
	_, head, _ := strings.Cut(strings.TrimSpace(string(ar.Comment)), "\n")
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
	sc.phases = readPhases(t, file, ar.Files)
	for i, e := range strings.Fields(ends) {
		sc.phases[i].ends = e
	}
	return sc
}

func readPhases(t *testing.T, file string, parts []txtar.File) []phase {
	t.Helper()
	var phases []phase
	for _, f := range parts {
		if f.Name == "faults.json" {
			rules, err := faults.Read(bytes.NewReader(f.Data))
			if err != nil || len(rules) == 0 {
				t.Fatalf("%s: %d faults, %v", file, len(rules), err)
			}
			phases = append(phases, phase{ends: "failed", faults: rules})
			continue
		}
		ph := &phases[len(phases)-1]
		part := map[string]*[]string{"page": &ph.page, "log": &ph.log}[f.Name]
		if part == nil {
			t.Fatalf("%s: unknown part %q", file, f.Name)
		}
		*part = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
	}
	for i, ph := range phases {
		if len(ph.page)+len(ph.log) == 0 {
			t.Fatalf("%s: nothing is to be seen in phase %d", file, i+1)
		}
	}
	return phases
}

// everywhere says that a fault strikes something that both Hubs use. Azure
// DevOps is asked by the runs of one lane alone.
func (sc scenario) everywhere() bool {
	return sc.run != "pipelines" && slices.ContainsFunc(sc.phases, func(ph phase) bool {
		return slices.ContainsFunc(ph.faults, func(r faults.Rule) bool { return r.Match.Host != "" })
	})
}
