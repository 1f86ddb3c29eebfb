package operate_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
	"hubwright/workflows/adopt"
)

// adoption is the bed before anybody knows of its cluster.
func adoption(t *testing.T) (*bed, w.Definition, w.Cluster) {
	b := newBed(t)
	was := *b.cluster
	for i := range b.vms {
		b.vms[i].Tags["aksEngineVersion"] = "v0.84.2"
	}
	b.sealed["sec_model"] = onHub(b.files[outModel])
	b.sealed["sec_admin"] = "a kubeconfig"
	b.cluster, b.models = nil, nil
	def := adopt.New(adopt.Needs{Engine: b.needs(), Portable: func(raw []byte) ([]byte, error) {
		if string(raw) != "a kubeconfig" {
			return nil, &w.Problem{Code: "kube.kubeconfig", What: "The kubeconfig cannot be used", Fix: "Take another."}
		}
		return []byte(`{"clusters":[{"cluster":{"server":"https://api.example.test:6443"}}],"users":[]}`), nil
	}})
	return b, def, was
}

// onHub is a model that says where its Hub is.
func onHub(model string) string {
	return strings.Replace(model, `"properties":{`, `"properties":{"customCloudProfile":{"environment":{"resourceManagerVMDNSSuffix":"cloudapp.azurestack.test"}},`, 1)
}

func TestAdoptByAPIModel(t *testing.T) {
	b, def, was := adoption(t)
	x := b.execution(def, w.Answers{"by": "model", "model": "sec_model", "group": "ratings-rg"})
	for range 2 { // a second time nothing is made twice
		b.must(x, "look", "record", "custody")
	}
	c := *b.cluster
	if !strings.Contains(b.sealed[c.Kubeconfig], b64("the-admins-private-key")) && !strings.Contains(b.sealed[c.Kubeconfig], "the-admins-private-key") {
		t.Errorf("kubeconfig: %s", b.sealed[c.Kubeconfig])
	}
	was.EngineVersion, was.ViaHelper = "v0.84.2", true
	was.OutputDir, was.FQDN, was.Kubeconfig, was.CreatedAt, was.ID = "~/.hubwright/clusters/ratings-seattle/output", c.FQDN, c.Kubeconfig, b.now, c.ID
	if diff := cmp.Diff(was, c); diff != "" {
		t.Error(diff)
	}
	if len(b.models) != 1 || b.kept().Version != "1.33.10" {
		t.Errorf("%d API models", len(b.models))
	}
	if r := x.Result(); !strings.Contains(r.Headline, "ratings-seattle") || r.Next.WorkflowID != "connect" {
		t.Errorf("%+v", r)
	}
	for _, key := range []string{"the-ca-private-key", "the-admins-private-key"} {
		if strings.Contains(string(b.state(x)), key) || strings.Contains(b.log.text(), key) {
			t.Errorf("%s is told", key)
		}
	}
}

func TestAdoptByKubeconfig(t *testing.T) {
	b, def, _ := adoption(t)
	x := b.execution(def, w.Answers{"by": "kubeconfig", "kubeconfig": "sec_admin", "name": "legacy"})
	b.must(x, "look", "record")
	c := *b.cluster
	if c.Name != "legacy" || c.FQDN != "api.example.test:6443" || c.Version != "1.33.10" || c.Nodes() != 6 || len(b.models) != 0 || c.NameSuffix != "" {
		t.Errorf("%+v", c)
	}
	if r := x.Result(); !strings.Contains(r.Facts[len(r.Facts)-1].Value, "cannot upgrade") {
		t.Errorf("%+v", r)
	}
}

func TestWhatCannotBeAdopted(t *testing.T) {
	byModel := w.Answers{"by": "model", "model": "sec_model"}
	byKubeconfig := w.Answers{"by": "kubeconfig", "kubeconfig": "sec_admin", "name": "legacy"}
	for _, c := range []struct {
		name    string
		answers w.Answers
		world   func(*bed)
		check   string
		status  w.CheckStatus
		found   string
	}{
		{"another cluster is there", byModel, func(b *bed) { b.cluster = &w.Cluster{Name: "other"} }, "site-free", w.CheckFailed, "has the cluster other"},
		{"no JSON", byModel, func(b *bed) { b.sealed["sec_model"] = "no" }, "opens", w.CheckFailed, "not valid JSON"},
		{"the model that a deploy begins with", byModel, func(b *bed) {
			b.sealed["sec_model"] = `{"properties":{"masterProfile":{"dnsPrefix":"ratings-seattle"}}}`
		}, "opens", w.CheckFailed, "no certificates and keys"},
		{"a kubeconfig that starts programs", byKubeconfig, func(b *bed) { b.sealed["sec_admin"] = "exec" }, "opens", w.CheckFailed, "cannot be used"},
		{"no answer", byKubeconfig, func(b *bed) { b.kubeErr = &w.Problem{Code: "kube.network", What: "No answer", Fix: "Look."} }, "opens", w.CheckFailed, "No answer"},
		{"an older model", byModel, func(b *bed) { b.sealed["sec_model"] = onHub(model("1.32.1", w.NodePool{Name: "linuxpool", Count: 3})) }, "as-modelled", w.CheckFailed, "1.33.10"},
		{"a wrong resource group", byModel, func(b *bed) { b.vms = nil }, "as-modelled", w.CheckFailed, "is missing"},
		{"as it should be", byModel, func(*bed) {}, "as-modelled", w.CheckPassed, "6 VMs and 6 nodes"},
		{"a node is ill", byKubeconfig, func(b *bed) {
			n := kube{b}
			all, _ := n.Nodes(context.Background())
			all[2].Ready, all[2].Status = false, "NotReady"
			b.nodes = func() []w.Node { return all }
		}, "nodes-ready", w.CheckWarning, "Not Ready"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, def, _ := adoption(t)
			c.world(b)
			s, err := def.Open(t.Context(), w.Target{SiteID: "site_1"}, c.answers)
			if err != nil {
				t.Fatal(err)
			}
			f := s.RunCheck(t.Context(), c.check)
			if f.Status != c.status || !strings.Contains(f.Found, c.found) || c.status == w.CheckFailed && f.Remedy == "" {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestAdoptIntoATakenSite(t *testing.T) {
	b, def, _ := adoption(t)
	x := b.execution(def, w.Answers{"by": "kubeconfig", "kubeconfig": "sec_admin", "name": "legacy"})
	b.must(x, "look")
	b.cluster = &w.Cluster{ID: "clu_9", Name: "other"}
	var p *w.Problem
	if err := x.Run(t.Context(), "record", b.log); !errors.As(err, &p) || p.Code != "cluster.exists" || b.cluster.Name != "other" {
		t.Errorf("%v, %+v", err, b.cluster)
	}
}

func TestAdoptAsksForWhatIsMissing(t *testing.T) {
	_, def, _ := adoption(t)
	for _, c := range []struct {
		answers w.Answers
		field   string
	}{
		{w.Answers{"by": "luck"}, "by"},
		{w.Answers{"by": "model"}, "model"},
		{w.Answers{"by": "model", "model": "sec_model", "group": "dots."}, "group"},
		{w.Answers{"by": "kubeconfig", "name": "a"}, "kubeconfig"},
		{w.Answers{"by": "kubeconfig", "kubeconfig": "sec_admin", "name": "No Name"}, "name"},
	} {
		s, err := def.Open(t.Context(), w.Target{SiteID: "site_1"}, c.answers)
		if err != nil {
			t.Fatal(err)
		}
		if errs := s.Errors(); len(errs) == 0 || errs[0].Field != c.field {
			t.Errorf("%v: %+v", c.answers, errs)
		}
	}
}
