package operate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

func TestAnswers(t *testing.T) {
	up := func(more w.Answers) w.Answers {
		a := w.Answers{"what": "version", "kubernetes": "1.34.4", "reach": "all", "drain": "60", "ready": "20"}
		for k, v := range more {
			a[k] = v
		}
		return a
	}
	pool := func(name, count, size string) w.Answers { return w.Answers{"name": name, "count": count, "size": size} }
	old := func(version string) func(*bed) { return func(b *bed) { b.cluster.Version = version } }
	full := func(b *bed) { b.cluster.Pools[0].Count = aksengine.MaxNodes - 3 }
	tests := []struct {
		workflow string
		answers  w.Answers
		setup    func(*bed)
		field    string // "" for none
		message  string
	}{
		{"upgrade", up(nil), nil, "", ""},
		{"upgrade", up(w.Answers{"what": "image"}), nil, "", ""},
		{"upgrade", up(w.Answers{"reach": "masters"}), nil, "", ""},
		{"upgrade", up(w.Answers{"kubernetes": "1.35.0"}), nil, "kubernetes", "From 1.33.10 it goes to 1.34.4."},
		{"upgrade", up(w.Answers{"kubernetes": "1.33.10"}), nil, "kubernetes", "it goes to 1.34.4"},
		{"upgrade", up(w.Answers{"kubernetes": "1.33.10"}), old("1.34.4"), "kubernetes", "it goes to 1.35.0"},
		{"upgrade", up(nil), old("1.33.5"), "", ""},
		{"upgrade", up(w.Answers{"kubernetes": "1.35.0"}), old("1.33.5"), "kubernetes", "From 1.33.5 it goes to 1.33.10 or 1.34.4."},
		{"upgrade", up(nil), old("1.35.0"), "what", "There is nothing newer"},
		{"upgrade", up(w.Answers{"what": "image"}), old("1.35.0"), "", ""},
		{"upgrade", up(nil), old("1.30.10"), "what", "AKS Engine v0.84.2 leads to 1.31.13"},
		{"upgrade", up(w.Answers{"what": "image"}), old("1.33.5"), "what", "has no Kubernetes 1.33.5"},
		{"upgrade", up(w.Answers{"what": "else"}), nil, "what", "Choose what"},
		{"upgrade", up(w.Answers{"reach": "some"}), nil, "reach", "Choose which nodes"},
		{"upgrade", up(w.Answers{"drain": "0"}), nil, "drain", "whole number of minutes"},
		{"upgrade", up(w.Answers{"drain": "1441"}), nil, "drain", "to 1,440"},
		{"upgrade", up(w.Answers{"ready": "ten"}), nil, "ready", "whole number of minutes"},

		{"scale", w.Answers{"pool": "linuxpool", "count": "5"}, nil, "", ""},
		{"scale", w.Answers{"pool": "linuxpool", "count": "1"}, nil, "", ""},
		{"scale", w.Answers{"pool": "linuxpool", "count": "3"}, nil, "count", "has 3 already"},
		{"scale", w.Answers{"pool": "linuxpool", "count": "0"}, nil, "count", "cannot be emptied"},
		{"scale", w.Answers{"pool": "linuxpool", "count": "two"}, nil, "count", "whole number"},
		{"scale", w.Answers{"pool": "linuxpool", "count": "1000"}, nil, "count", fmt.Sprintf("At most %d", aksengine.MaxNodes-3)},
		{"scale", w.Answers{"pool": "master", "count": "5"}, nil, "pool", "one of the cluster's pools"},

		{"addpool", pool("bigpool", "2", "Standard_F8"), nil, "", ""},
		{"addpool", pool("BigPool", "2", "Standard_F8"), nil, "name", "small letters"},
		{"addpool", pool("apoolwithalongname", "2", "Standard_F8"), nil, "name", "at most twelve"},
		{"addpool", pool("linuxpool", "2", "Standard_F8"), nil, "name", "already"},
		{"addpool", pool("master", "2", "Standard_F8"), nil, "name", "control plane"},
		{"addpool", pool("bigpool", "0", "Standard_F8"), nil, "count", "from 1"},
		{"addpool", pool("bigpool", "1", "Standard_F8"), full, "count", "At most 0 more"},
	}
	for _, tt := range tests {
		b := newBed(t)
		if tt.setup != nil {
			tt.setup(b)
		}
		errs := b.open(tt.workflow, tt.answers).Errors()
		switch {
		case tt.field == "" && len(errs) > 0:
			t.Errorf("%s %v: %+v", tt.workflow, tt.answers, errs)
		case tt.field != "" && (len(errs) != 1 || errs[0].Field != tt.field || !strings.Contains(errs[0].Message, tt.message)):
			t.Errorf("%s %v: %+v, want %q at %s", tt.workflow, tt.answers, errs, tt.message, tt.field)
		}
	}
}

// TestDefaults are what a person sees first.
func TestDefaults(t *testing.T) {
	b := newBed(t)
	page := func(workflow, id string) map[string]w.FieldView {
		t.Helper()
		p, ok := b.open(workflow, nil).Page(context.Background(), id)
		if !ok {
			t.Fatalf("%s has no page %s", workflow, id)
		}
		out := map[string]w.FieldView{}
		for _, f := range p.Fields {
			out[f.Name] = f
		}
		return out
	}
	f := page("upgrade", "target")
	if f["what"].Value != "version" || f["kubernetes"].Value != "1.34.4" || f["reach"].Value != "all" || !strings.Contains(f["kubernetes"].Observed, "The cluster runs 1.33.10") {
		t.Errorf("%+v", f)
	}
	if f := page("upgrade", "patience"); f["drain"].Value != "60" || f["ready"].Value != "20" {
		t.Errorf("%+v", f)
	}
	if f := page("scale", "pool"); f["pool"].Value != "linuxpool" || f["count"].Value != "3" {
		t.Errorf("%+v", f)
	}
	var sizes []string
	for _, o := range page("addpool", "pool")["size"].Options {
		sizes = append(sizes, o.Value)
	}
	if strings.Join(sizes, " ") != "Standard_D2_v2 Standard_F8" {
		t.Errorf("sizes: %v", sizes)
	}
	b.cluster.Version = "1.35.0"
	f = page("upgrade", "target")
	if _, asked := f["kubernetes"]; asked || f["what"].Value != "image" || !f["what"].Options[0].Disabled || !strings.Contains(f["what"].Options[0].Note, "There is nothing newer") || f["what"].Options[1].Disabled {
		t.Errorf("%+v", f)
	}
}

func TestRefusesATarget(t *testing.T) {
	for _, tt := range []struct {
		workflow, code, part string
		setup                func(*bed)
	}{
		{"upgrade", "cluster.none", "Deploy the cluster first", func(b *bed) { b.cluster = nil }},
		{"scale", "cluster.helper", "Prepare AKS Engine", func(b *bed) { b.helper.EngineVersion = "" }},
		{"scale", "scale.nopool", "Add a pool", func(b *bed) { b.cluster.Pools = nil }},
		{"addpool", "cluster.modellost", "Retry the deploy run", func(b *bed) { b.models = nil }},
		{"addpool", "cluster.modelbroken", "cluster's page", func(b *bed) { b.models = nil; b.keep("{}") }},
	} {
		b := newBed(t)
		tt.setup(b)
		_, err := b.definition(tt.workflow).Open(context.Background(), w.Target{SiteID: "site_1"}, nil)
		wantProblem(t, err, tt.code, tt.part)
	}
}

func TestChecks(t *testing.T) {
	out := w.Answers{"pool": "linuxpool", "count": "5"}
	in := w.Answers{"pool": "linuxpool", "count": "2"}
	add := w.Answers{"name": "bigpool", "count": "2", "size": "Standard_F8"}
	replace := func(old, with string) func(*bed) {
		return func(b *bed) {
			doc := strings.Replace(b.files[outModel], old, with, 1)
			b.put(doc)
			b.models = nil
			b.keep(doc)
		}
	}
	few := func(b *bed) { b.usages[0].Limit = 3 }
	pass, warn, fail, skip := w.CheckPassed, w.CheckWarning, w.CheckFailed, w.CheckSkipped
	tests := []struct {
		workflow string
		answers  w.Answers
		check    string
		setup    func(*bed)
		status   w.CheckStatus
		part     string
	}{
		{"scale", out, "engine", nil, pass, "v0.85.0"},
		{"scale", out, "engine", func(b *bed) { b.noEngine = true }, fail, "is not there"},
		{"scale", out, "engine", func(b *bed) { b.hostDown = &w.Problem{Code: "ssh.network", What: "No answer", Fix: "Look."} }, fail, "No answer"},
		{"scale", out, "idle", nil, pass, "None"},
		{"scale", out, "idle", func(b *bed) {
			b.files[folder+"jobs"] = "upgrade-x-1\n"
			b.jobs["upgrade-x-1"] = &job{state: "running"}
		}, fail, "upgrade-x-1"},
		{"scale", out, "idle", func(b *bed) {
			b.files[folder+"jobs"] = "upgrade-x-1\n"
			b.jobs["upgrade-x-1"] = &job{state: "lost"}
		}, pass, "None"},
		{"scale", out, "principal", nil, pass, "log in"},
		{"scale", out, "principal", func(b *bed) { b.forbidden = true }, fail, "Reader on the subscription"},
		{"scale", out, "principal", func(b *bed) { b.loginErr = &w.Problem{What: "The client secret has expired", Fix: "Make another."} }, fail, "expired"},
		{"scale", out, "api-model", nil, pass, "Version 1 in custody"},
		{"scale", out, "api-model", func(b *bed) { delete(b.files, outModel) }, warn, "missing on the helper VM"},
		{"scale", out, "api-model", func(b *bed) { b.put(model("1.33.10")) }, fail, "not the cluster's"},
		{"scale", out, "api-model", func(b *bed) { b.put(strings.Replace(b.files[outModel], "ratings-seattle", "other", 1)) }, fail, "another cluster"},
		{"scale", out, "api-model", replace("ratings-seattle", "other"), fail, "It is the model of other"},
		{"scale", out, "api-model", replace("AQID", "AQIE"), fail, "certificate authority is not the one"},
		{"scale", out, "api-model", replace(`{"location"`, `["location"`), fail, "cannot be read"},
		{"scale", out, "monitoring-addon", nil, pass, "not"},
		{"scale", out, "monitoring-addon", replace(`"enabled":false`, `"enabled":true`), warn, "is in the API model"},
		{"scale", out, "drift", nil, pass, "6 VMs and 6 nodes"},
		{"scale", out, "drift", func(b *bed) { b.make(worker("linuxpool", 3), "1.33.10") }, fail, "The pool linuxpool has 4 VMs on the Hub, but 3 in the API model."},
		{"scale", out, "drift", func(b *bed) { b.drop(aksengine.MasterName(suffix, 1)) }, fail, "is missing"},
		{"scale", out, "drift", func(b *bed) { b.vms[0].Tags = nil }, fail, "has the tag orchestrator"},
		{"scale", out, "drift", func(b *bed) { b.vms[0].ProvisioningState = "Failed" }, fail, "in the state Failed"},
		{"scale", out, "drift", func(b *bed) { b.make(worker("linuxpool", 0), "1.32.9") }, warn, "another version than the control plane"},
		{"scale", out, "drift", func(b *bed) { b.make(aksengine.MasterName(suffix, 0), "1.32.9") }, fail, "has Kubernetes v1.32.9"},
		{"scale", out, "drift", func(b *bed) { b.kubeErr = errors.New("connection refused") }, fail, "refused"},
		{"scale", out, "nodes-ready", nil, pass, "All 6"},
		{"scale", out, "nodes-ready", func(b *bed) {
			b.nodes = func() []w.Node {
				return []w.Node{{Name: "a"}, {Name: "b", Ready: true, Status: "Ready,SchedulingDisabled"}, {Name: "c", Ready: true}}
			}
		}, fail, "a, b."},
		{"scale", out, "quota", nil, pass, "2 VMs with 4 cores fit"},
		{"scale", out, "quota", few, fail, "cores: 4 needed, 1 free"},
		{"scale", out, "quota", func(b *bed) { b.cluster.Pools[0].Size = "Standard_Gone" }, fail, "does not offer the VM size Standard_Gone"},
		{"scale", out, "quota", func(b *bed) { b.hubErr = errors.New("connection refused") }, fail, "refused"},
		{"scale", in, "budgets", nil, pass, "None"},
		{"scale", in, "budgets", func(b *bed) { b.disruption.Blocked = []string{"shop/web"} }, fail, "shop/web"},
		{"addpool", add, "quota", nil, pass, "2 VMs with 16 cores fit"},
		{"addpool", add, "quota", few, fail, "cores: 16 needed"},
		{"upgrade", nil, "base-image", nil, pass, "2026.139.1 is there"},
		{"upgrade", nil, "base-image", func(b *bed) { b.images = []string{"2025.337.1"} }, fail, "the stamp has 2025.337.1"},
		{"upgrade", nil, "base-image", func(b *bed) { b.images = []string{} }, fail, "none of this kind"},
		{"upgrade", nil, "base-image", func(b *bed) { b.helper.EngineVersion = "canary" }, skip, "canary"},
		{"upgrade", nil, "quota", nil, pass, "1 VM with 2 cores"},
		{"upgrade", nil, "quota", few, fail, "cores: 2 needed, 1 free"},
		{"upgrade", nil, "budgets", func(b *bed) { b.disruption.Blocked = strings.Fields("a b c d e f g h") }, fail, "a, b, c, d, e, f and 2 more"},
		{"upgrade", nil, "replicas", nil, pass, "Nothing"},
		{"upgrade", nil, "replicas", func(b *bed) { b.disruption = w.Disruption{Single: []string{"shop/db"}, Bare: []string{"shop/debug"}} }, warn, "shop/debug"},
		{"upgrade", nil, "single-master", func(b *bed) { b.cluster.MasterCount = 1 }, warn, "the API is away"},
	}
	for _, tt := range tests {
		b := newBed(t)
		if tt.setup != nil {
			tt.setup(b)
		}
		f := b.open(tt.workflow, tt.answers).RunCheck(context.Background(), tt.check)
		if f.Status != tt.status || !strings.Contains(f.Found, tt.part) {
			t.Errorf("%s %s: %+v, want %s with %q", tt.workflow, tt.check, f, tt.status, tt.part)
		}
		if (f.Status == warn || f.Status == fail) && f.Remedy == "" {
			t.Errorf("%s %s: no remedy: %+v", tt.workflow, tt.check, f)
		}
	}
}

// TestWhichChecks: each is asked only where it matters.
func TestWhichChecks(t *testing.T) {
	for _, tt := range []struct {
		workflow string
		answers  w.Answers
		want     string
	}{
		{"scale", w.Answers{"count": "5"}, "quota"}, {"scale", w.Answers{"count": "2"}, "budgets pair-health pair-rotation pair-idle"},
		{"addpool", w.Answers{"name": "x"}, "quota"},
		{"upgrade", nil, "hop removed-apis model-version path hub-build certificates principal-ends disks static-pods grace base-image quota budgets replicas pair-health pair-rotation pair-idle"},
		{"upgrade", w.Answers{"reach": "masters"}, "hop removed-apis model-version path hub-build air-gapped certificates principal-ends disks static-pods base-image pair-health pair-rotation pair-idle"},
	} {
		var ids []string
		for _, c := range newBed(t).open(tt.workflow, tt.answers).Checks() {
			ids = append(ids, c.ID)
		}
		if got := strings.Join(ids, " "); got != "engine idle principal api-model monitoring-addon drift nodes-ready "+tt.want {
			t.Errorf("%s %v: %s", tt.workflow, tt.answers, got)
		}
	}
}

func TestPlans(t *testing.T) {
	for _, tt := range []struct {
		workflow string
		answers  w.Answers
		want     []string
	}{
		{"upgrade", nil, []string{"Upgrade ratings-seattle to Kubernetes 1.34.4", "1.33.10 → 1.34.4", "3 control plane nodes and 3 workers", "--upgrade-version 1.34.4", "--cordon-drain-timeout 60", "--vm-timeout 20", "about 103 min", "The API server stays", "Pods move"}},
		{"upgrade", w.Answers{"reach": "masters", "drain": "5"}, []string{"--control-plane-only", "5 minutes a node", "about 47 min"}},
		{"upgrade", w.Answers{"what": "image"}, []string{"Renew the OS image of ratings-seattle", "1.33.10, as it is", "--upgrade-version 1.33.10", "--force"}},
		{"scale", w.Answers{"count": "5"}, []string{"Scale linuxpool to 5 nodes", "create 2 VMs", "3 → 5", "--new-node-count 5", "Nothing that runs is touched"}},
		{"scale", w.Answers{"count": "2"}, []string{"delete 1 VM", "drained first", "Pods on these nodes move"}},
		{"addpool", w.Answers{"name": "bigpool", "count": "2", "size": "Standard_F8"}, []string{"Add the pool bigpool", "2 × Standard_F8", "--node-pool", "newpool.json", `"vmSize": "Standard_F8"`}},
	} {
		p, err := newBed(t).open(tt.workflow, tt.answers).Plan(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(p.Title, p.Summary, p.Changes, p.Commands, p.Documents, p.Duration, p.Disruption)
		for _, want := range append(tt.want, "--client-secret "+aksengine.Mask) {
			if !strings.Contains(text, want) {
				t.Errorf("%s %v: no %q in %s", tt.workflow, tt.answers, want, text)
			}
		}
		if strings.Contains(text, secret) {
			t.Errorf("%s", text)
		}
	}
}
