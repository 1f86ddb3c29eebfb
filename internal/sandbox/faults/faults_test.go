package faults_test

import (
	"strings"
	"sync"
	"testing"

	"hubwright/internal/sandbox/faults"
)

func TestRulesStrikeWhatTheyMatch(t *testing.T) {
	vm := "Microsoft.Compute/virtualMachines"
	base := faults.Event{At: faults.AtOperation, Stamp: "seattle", Method: "PUT", Type: vm, Name: "k8s-master-1-0"}
	cases := []struct {
		name  string
		match faults.Match
		want  bool
	}{
		{"everything at the place", faults.Match{At: faults.AtOperation}, true},
		{"another place", faults.Match{At: faults.AtRequest}, false},
		{"stamp", faults.Match{At: faults.AtOperation, Stamp: "Seattle"}, true},
		{"another stamp", faults.Match{At: faults.AtOperation, Stamp: "orlando"}, false},
		{"method", faults.Match{At: faults.AtOperation, Method: "put"}, true},
		{"another method", faults.Match{At: faults.AtOperation, Method: "DELETE"}, false},
		{"type in other case", faults.Match{At: faults.AtOperation, Type: strings.ToUpper(vm)}, true},
		{"another type", faults.Match{At: faults.AtOperation, Type: "Microsoft.Compute/disks"}, false},
		{"name", faults.Match{At: faults.AtOperation, Name: `^K8S-master-\d+-0$`}, true},
		{"another name", faults.Match{At: faults.AtOperation, Name: `-1$`}, false},
	}
	for _, c := range cases {
		var s faults.Set
		if _, err := s.Add(faults.Rule{Match: c.match, Effect: faults.Effect{Code: "X"}}); err != nil {
			t.Fatal(err)
		}
		if _, _, got := s.Strike(base); got != c.want {
			t.Errorf("%s: struck %v, want %v", c.name, got, c.want)
		}
	}
}

func TestFirstAndTimes(t *testing.T) {
	var s faults.Set
	if _, err := s.Add(faults.Rule{ID: "a", Match: faults.Match{At: faults.AtRequest, First: 3, Times: 2}, Effect: faults.Effect{Status: 429}}); err != nil {
		t.Fatal(err)
	}
	var got []bool
	for range 6 {
		_, _, hit := s.Strike(faults.Event{At: faults.AtRequest})
		got = append(got, hit)
	}
	want := []bool{false, false, true, true, false, false}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("strikes %v, want %v", got, want)
		}
	}
	if l := s.List(); l[0].Matched != 6 || l[0].Struck != 2 {
		t.Errorf("counters %+v, want 6 matched and 2 struck", l[0])
	}
}

func TestLiftFreesTheStuck(t *testing.T) {
	var s faults.Set
	rule, ok := faults.Preset("stuck-creating", "seattle")
	if !ok {
		t.Fatal("no preset")
	}
	id, err := s.Add(rule)
	if err != nil {
		t.Fatal(err)
	}
	ev := faults.Event{At: faults.AtOperation, Stamp: "seattle", Method: "PUT", Type: "microsoft.compute/virtualmachines"}
	eff, lifted, hit := s.Strike(ev)
	if !hit || !eff.Stuck {
		t.Fatalf("no strike: %+v", eff)
	}
	select {
	case <-lifted:
		t.Fatal("lifted before anybody lifted it")
	default:
	}
	if !s.Lift(id) || s.Lift(id) {
		t.Error("Lift must work once")
	}
	<-lifted
}

func TestLoad(t *testing.T) {
	var s faults.Set
	err := s.Load(strings.NewReader(`[
		{"kind":"throttled","id":"slow","match":{"at":"request","stamp":"orlando","times":1}},
		{"match":{"at":"quota","name":"^cores$"},"effect":{"limit":10}}]`))
	if err != nil {
		t.Fatal(err)
	}
	eff, _, hit := s.Strike(faults.Event{At: faults.AtRequest, Stamp: "orlando", Path: "/subscriptions/x"})
	if !hit || eff.Status != 429 || eff.Code != "TooManyRequests" {
		t.Errorf("preset under the rule: %+v %v", eff, hit)
	}
	if _, _, hit := s.Strike(faults.Event{At: faults.AtRequest, Stamp: "orlando", Path: "/subscriptions/x"}); hit {
		t.Error("the rule's own times did not replace the preset's")
	}
	eff, _, hit = s.Strike(faults.Event{At: faults.AtQuota, Name: "cores"})
	if !hit || eff.Limit == nil || *eff.Limit != 10 {
		t.Errorf("quota rule: %+v %v", eff, hit)
	}
	for _, bad := range []string{
		`{}`, `[{"kind":"nonsense"}]`, `[{"match":{"at":"nowhere"}}]`,
		`[{"match":{"at":"request","path":"("}}]`, `[{"match":{"at":"request"},"efect":{}}]`,
	} {
		before := len(s.List())
		if err := s.Load(strings.NewReader(bad)); err == nil {
			t.Errorf("Load(%s) succeeded", bad)
		}
		if len(s.List()) != before {
			t.Errorf("Load(%s) added rules", bad)
		}
	}
}

func TestPresetsAreValidAndNamed(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range faults.Kinds() {
		if r.Title == "" || seen[r.Kind] {
			t.Errorf("preset %q: untitled or twice", r.Kind)
		}
		seen[r.Kind] = true
		if _, err := new(faults.Set).Add(r); err != nil {
			t.Errorf("preset %q: %v", r.Kind, err)
		}
	}
	if len(seen) < 20 {
		t.Errorf("%d presets, want at least 20", len(seen))
	}
	if _, ok := faults.Preset("nonsense", ""); ok {
		t.Error("an unknown preset exists")
	}
}

func TestConcurrentUse(t *testing.T) {
	var s faults.Set
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				id, err := s.Add(faults.Rule{Match: faults.Match{At: faults.AtRequest}, Effect: faults.Effect{Status: 500}})
				if err != nil {
					t.Error(err)
				}
				s.Strike(faults.Event{At: faults.AtRequest})
				s.List()
				s.Lift(id)
			}
		})
	}
	wg.Wait()
	s.LiftAll()
	var none *faults.Set
	if _, _, hit := none.Strike(faults.Event{}); hit {
		t.Error("a nil set struck")
	}
}
