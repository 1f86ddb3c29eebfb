package operate_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/driftcheck"
	"hubwright/workflows/operate"
	"hubwright/workflows/restoremodel"
)

// execution is the one of a workflow that is started with these answers.
func (b *bed) execution(def w.Definition, a w.Answers) w.Execution {
	b.t.Helper()
	s, err := def.Open(context.Background(), w.Target{SiteID: "site_1"}, a)
	if err != nil || len(s.Errors()) > 0 {
		b.t.Fatal(err, s)
	}
	state, err := s.State()
	if err != nil {
		b.t.Fatal(err)
	}
	x, err := def.Resume(state)
	if err != nil {
		b.t.Fatal(err)
	}
	return x
}

func TestDriftIsFound(t *testing.T) {
	first := worker("linuxpool", 0)
	at := func(b *bed) *w.VM {
		i := slices.IndexFunc(b.vms, func(v w.VM) bool { return v.Name == first })
		return &b.vms[i]
	}
	for _, tt := range []struct {
		name string
		set  func(*bed)
		what []string
		fix  string
	}{
		{"none", func(*bed) {}, nil, ""},
		{"size", func(b *bed) { at(b).Size = "Standard_F8" }, []string{first + " has the size Standard_F8, not Standard_D2_v2."}, "next upgrade"},
		{"size in another spelling", func(b *bed) { at(b).Size = "standard_d2_v2" }, nil, ""},
		{"tag", func(b *bed) {
			at(b).Tags = map[string]string{"orchestrator": "Kubernetes:1.32.1", "resourceNameSuffix": suffix}
		}, []string{first + " has the tag orchestrator"}, "user portal"},
		{"extension", func(b *bed) { b.extensions = map[string][]string{first: {"backup-agent"}} }, []string{first + " has extensions that the engine did not put there: backup-agent."}, "Remove them"},
		{"a VM too many", func(b *bed) { b.make(worker("linuxpool", 7), "1.33.10") }, []string{"The pool linuxpool has 4 VMs on the Hub, but 3"}, "Scale the pool"},
		{"a master is gone", func(b *bed) { b.drop("k8s-master-" + suffix + "-1") }, []string{"The VM k8s-master-" + suffix + "-1 is missing.", "node k8s-master-" + suffix + "-1 is missing"}, "OS image of the control plane"},
		{"a node of another version", func(b *bed) {
			nodes := b.all()
			nodes[1].Version = "v1.31.0"
			b.nodes = func() []w.Node { return nodes }
		}, []string{"has Kubernetes v1.31.0"}, "Renew the OS image"},
		{"model is missing", func(b *bed) { delete(b.files, outModel) }, []string{"The API model is missing on the helper VM."}, "version 1 from custody"},
		{"model is another", func(b *bed) { b.put(model("1.32.1")) }, []string{"is not version 1 in custody."}, "restore"},
		{"principal", func(b *bed) {
			doc := strings.Replace(b.files[outModel], `"properties":{`, `"properties":{"servicePrincipalProfile":{"clientId":"client-9"},`, 1)
			b.models = nil
			b.put(doc)
			b.keep(doc)
		}, []string{"work with the service principal client-9, Seattle is registered with client-1."}, "both"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			for i := range b.vms {
				b.vms[i].Size = "Standard_D2_v2"
			}
			tt.set(b)
			x := b.execution(driftcheck.New(b.needs()), nil)
			b.must(x, "compare")
			found := x.Differences()
			if len(found) < len(tt.what) || len(tt.what) == 0 && len(found) > 0 {
				t.Fatalf("found %+v", found)
			}
			fixed := tt.fix == ""
			for _, want := range tt.what {
				if !slices.ContainsFunc(found, func(d w.Difference) bool { return strings.Contains(d.What, want) }) {
					t.Errorf("%q is not in %+v", want, found)
				}
			}
			for _, d := range found {
				fixed = fixed || strings.Contains(d.Fix, tt.fix)
				if d.Fix == "" || !strings.HasSuffix(d.What, ".") {
					t.Errorf("%+v", d)
				}
			}
			if head := x.Result().Headline; !fixed || strings.Contains(head, "drifted") != (len(tt.what) > 0) {
				t.Errorf("%q, %+v", head, found)
			}
		})
	}
}

func TestRestoreModel(t *testing.T) {
	b := newBed(t)
	second := model("1.34.4", b.cluster.Pools...)
	b.now = b.now.Add(time.Hour)
	b.keep(second)
	def := restoremodel.New(b.needs())

	// A new helper VM has nothing.
	delete(b.files, outModel)
	x := b.execution(def, nil)
	b.must(x, "restore", "custody")
	if b.files[outModel] != second || len(b.models) != 2 {
		t.Errorf("%d versions, file %.80s", len(b.models), b.files[outModel])
	}
	// Again is fine and moves nothing.
	files := len(b.files)
	b.must(b.execution(def, nil), "restore", "custody")
	if len(b.files) != files {
		t.Errorf("files: %v", b.files)
	}
	// An older version becomes the newest once more, and what lay there stays beside it.
	x = b.execution(def, w.Answers{"model": "1"})
	b.must(x, "restore", "custody")
	if len(b.models) != 3 || b.kept().Version != "1.33.10" || b.cluster.Version != "1.33.10" || len(b.files) != files+1 {
		t.Errorf("%d versions, newest %s, cluster %s, files %d", len(b.models), b.kept().Version, b.cluster.Version, len(b.files))
	}
	if r := x.Result(); !strings.Contains(r.Headline, "Version 1") || len(r.Facts) != 2 {
		t.Errorf("%+v", r)
	}
	// While a command works there, nothing is touched.
	b.files[folder+"jobs"] = "upgrade-1\n"
	b.jobs["upgrade-1"] = &job{state: operate.JobRunning}
	b.fails(b.execution(def, w.Answers{"model": "2"}), "restore", "cluster.busy")
}

func TestOnlyTheClustersOwnModelIsRestored(t *testing.T) {
	b := newBed(t)
	other := strings.Replace(model("1.33.10", b.cluster.Pools...), "AQID", "BAUG", 1)
	b.keep(other)
	b.keep(strings.Replace(other, "ratings-seattle", "other", 1))
	def := restoremodel.New(b.needs())
	for version, want := range map[string]w.CheckStatus{"1": w.CheckPassed, "2": w.CheckFailed, "3": w.CheckFailed} {
		s, err := def.Open(context.Background(), w.Target{SiteID: "site_1"}, w.Answers{"model": version})
		if err != nil || len(s.Errors()) > 0 {
			t.Fatal(err)
		}
		if f := s.RunCheck(context.Background(), "version"); f.Status != want {
			t.Errorf("version %s: %+v", version, f)
		}
	}
	if s, _ := def.Open(context.Background(), w.Target{SiteID: "site_1"}, w.Answers{"model": "9"}); len(s.Errors()) == 0 {
		t.Error("a version that is not there was taken")
	}
}
