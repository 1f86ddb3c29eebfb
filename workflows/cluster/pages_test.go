package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

func (b *bed) open(a w.Answers) w.Session {
	b.t.Helper()
	s, err := b.definition().Open(context.Background(), w.Target{SiteID: "site_1"}, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func TestDefaultsAreAValidCluster(t *testing.T) {
	b := newBed(t)
	s := b.open(w.Answers{})
	if errs := s.Errors(); len(errs) > 0 {
		t.Fatalf("%+v", errs)
	}
	if s.LockKey() != "site:site_1" {
		t.Error(s.LockKey())
	}
	var ids []string
	for _, p := range s.Pages() {
		ids = append(ids, p.ID)
	}
	if want := []string{"version", "controlplane", "pools", "network", "access", "credentials"}; !slices.Equal(ids, want) {
		t.Errorf("pages %v", ids)
	}
}

func TestBeginNeedsAHelperVM(t *testing.T) {
	b := newBed(t)
	b.noHelper = true
	_, err := b.definition().Open(context.Background(), w.Target{SiteID: "site_1"}, nil)
	wantProblem(t, err, "cluster.helper", "Prepare AKS Engine")
}

const subnetID = "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/"

// Each wrong answer is told at its field, on its page, in words.
func TestWrongAnswers(t *testing.T) {
	own := func(more w.Answers) w.Answers {
		a := w.Answers{"vnet": "own", "masterSubnet": subnetID + "m", "agentSubnet": subnetID + "a", "vnetCIDR": "10.100.0.0/16", "firstIP": "10.100.0.200"}
		for k, v := range more {
			a[k] = v
		}
		return a
	}
	pool := func(name, count, size string) w.Answers {
		return w.Answers{"pools.0.name": name, "pools.0.count": count, "pools.0.size": size}
	}
	tests := []struct {
		name        string
		answers     w.Answers
		page, field string
		says        string
	}{
		{"version of another engine", w.Answers{"kubernetes": "1.29.1"}, "version", "kubernetes", "cannot make Kubernetes 1.29.1"},
		{"no version", w.Answers{"kubernetes": ""}, "version", "kubernetes", "Choose a Kubernetes version"},
		{"two masters", w.Answers{"masters": "2"}, "controlplane", "masters", "1, 3 or 5"},
		{"masters in words", w.Answers{"masters": "three"}, "controlplane", "masters", "whole number"},
		{"no master size", w.Answers{"masterSize": ""}, "controlplane", "masterSize", "Choose a VM size"},
		{"pool name", pool("Big Pool", "3", "Standard_D2_v2"), "pools", "pools.0.name", "lower-case"},
		{"pool name in unicode", pool("größe", "3", "Standard_D2_v2"), "pools", "pools.0.name", "lower-case"},
		{"pool of none", pool("a", "0", "Standard_D2_v2"), "pools", "pools.0.count", "1 to 1000"},
		{"pool of minus one", pool("a", "-1", "Standard_D2_v2"), "pools", "pools.0.count", "1 to 1000"},
		{"pool of half a node", pool("a", "1.5", "Standard_D2_v2"), "pools", "pools.0.count", "whole number"},
		{"pool beyond numbers", pool("a", "99999999999999999999", "Standard_D2_v2"), "pools", "pools.0.count", "whole number"},
		{"pool without size", pool("a", "3", ""), "pools", "pools.0.size", "Choose a VM size"},
		{"pool twice", w.Answers{"pools.0.name": "a", "pools.1.name": "a"}, "pools", "pools.1.name", "Two pools"},
		{"plugin", w.Answers{"networkPlugin": "cilium"}, "network", "networkPlugin", "kubenet or azure"},
		{"policy", w.Answers{"networkPolicy": "azure"}, "network", "networkPolicy", "does not go with"},
		{"pods", w.Answers{"podCIDR": "10.244.0.0"}, "network", "podCIDR", "not an address range"},
		{"pods over nodes", w.Answers{"podCIDR": "10.240.0.0/16"}, "network", "podCIDR", "overlaps"},
		{"services", w.Answers{"serviceCIDR": "x"}, "network", "serviceCIDR", "not an address range"},
		{"services over pods", w.Answers{"serviceCIDR": "10.244.0.0/16", "dnsIP": "10.244.0.10"}, "network", "serviceCIDR", "overlaps"},
		{"no services", w.Answers{"serviceCIDR": ""}, "network", "serviceCIDR", "Give the services' range"},
		{"no DNS", w.Answers{"dnsIP": ""}, "network", "dnsIP", "Give the DNS"},
		{"DNS outside", w.Answers{"dnsIP": "10.9.0.10"}, "network", "dnsIP", "outside"},
		{"network kind", w.Answers{"vnet": "mine"}, "network", "vnet", "Choose"},
		{"no master subnet", own(w.Answers{"masterSubnet": ""}), "network", "masterSubnet", "Give the control plane's subnet"},
		{"no agent subnet", own(w.Answers{"agentSubnet": ""}), "network", "agentSubnet", "Give the workers' subnet"},
		{"no range", own(w.Answers{"vnetCIDR": ""}), "network", "vnetCIDR", "Give the virtual network's"},
		{"subnet's name only", own(w.Answers{"masterSubnet": "m"}), "network", "masterSubnet", "resource id"},
		{"two networks", own(w.Answers{"agentSubnet": strings.Replace(subnetID, "/v/", "/x/", 1) + "a"}), "network", "agentSubnet", "one virtual network"},
		{"first address", own(w.Answers{"firstIP": "10.99.0.1"}), "network", "firstIP", "not all inside"},
		{"no first address", own(w.Answers{"firstIP": ""}), "network", "firstIP", "not an IP address"},
		{"prefix", w.Answers{"dnsPrefix": "-x-"}, "access", "dnsPrefix", "3 to 45"},
		{"prefix with capitals", w.Answers{"dnsPrefix": "Ratings"}, "access", "dnsPrefix", "lower case"},
		{"long prefix", w.Answers{"dnsPrefix": strings.Repeat("x", 1<<20)}, "access", "dnsPrefix", "3 to 45"},
		{"path as group", w.Answers{"resourceGroup": "../x"}, "access", "resourceGroup", "lower-case letters"},
		{"helper VM's group", w.Answers{"resourceGroup": "ratings-seattle-helper"}, "access", "resourceGroup", "helper VM's"},
		{"root", w.Answers{"adminUser": "root"}, "access", "adminUser", "reserved"},
		{"no user", w.Answers{"adminUser": ""}, "access", "adminUser", "Give the name"},
		{"key kind", w.Answers{"sshKey": "none"}, "access", "sshKey", "Choose"},
		{"no key", w.Answers{"sshKey": "given"}, "access", "sshPublicKey", "Give the SSH public key"},
		{"private key", w.Answers{"sshKey": "given", "sshPublicKey": "-----BEGIN RSA PRIVATE KEY-----"}, "access", "sshPublicKey", "private key"},
		{"junk key", w.Answers{"sshKey": "given", "sshPublicKey": "hello world"}, "access", "sshPublicKey", "not an SSH public key"},
		{"ed25519 key", w.Answers{"sshKey": "given", "sshPublicKey": "ssh-ed25519 AAAAC3"}, "access", "sshPublicKey", "take RSA keys"},
		{"short key", w.Answers{"sshKey": "given", "sshPublicKey": "ssh-rsa AAAAshort"}, "access", "sshPublicKey", "1024 bits"},
		{"principal", w.Answers{"principal": "mine"}, "credentials", "principal", "stack's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			errs := b.open(tt.answers).Errors()
			n := 0
			for _, e := range errs {
				if e.Page == tt.page && e.Field == tt.field {
					n++
					if n == 1 && !strings.Contains(e.Message, tt.says) {
						t.Errorf("%q does not say %q", e.Message, tt.says)
					}
				}
			}
			if n == 0 {
				t.Errorf("wanted %s/%s, got %+v", tt.page, tt.field, errs)
			}
		})
	}
}

func TestStackFaultsAreToldAtTheStack(t *testing.T) {
	b := newBed(t)
	b.stack.PortalURL = "https://portal.orlando.azurestack.test/"
	errs := b.open(w.Answers{}).Errors()
	if len(errs) != 1 || errs[0].Page != "credentials" || !strings.Contains(errs[0].Message, "portal.seattle.") {
		t.Errorf("%+v", errs)
	}
}

func page(t *testing.T, s w.Session, id string) w.PageView {
	t.Helper()
	p, ok := s.Page(context.Background(), id)
	if !ok {
		t.Fatalf("no page %s", id)
	}
	return p
}

func field(t *testing.T, fields []w.FieldView, name string) w.FieldView {
	t.Helper()
	for _, f := range fields {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no field %s", name)
	return w.FieldView{}
}

func TestPagesShowTheWorld(t *testing.T) {
	b := newBed(t)
	s := b.open(w.Answers{})
	version := field(t, page(t, s, "version").Fields, "kubernetes")
	if len(version.Options) != 3 || version.Value != "1.33.10" || !strings.Contains(version.Options[0].Note, "proposes") || !strings.Contains(version.Options[2].Note, "newer engine") || !strings.Contains(version.Observed, "2026.139.1") {
		t.Errorf("%+v", version)
	}
	control := page(t, s, "controlplane")
	masters := field(t, control.Fields, "masters")
	if masters.Value != "3" || masters.Options[2].Value != "1" || !strings.Contains(masters.Options[2].Note, "the cluster is lost") {
		t.Errorf("%+v", masters)
	}
	sizes := field(t, control.Fields, "masterSize")
	byName := map[string]w.Option{}
	for _, o := range sizes.Options {
		byName[o.Value] = o
	}
	if o := byName["Standard_DS2_v2"]; o.Disabled || o.Note != "2 cores, 7 GiB" {
		t.Errorf("%+v", o)
	}
	for name, why := range map[string]string{"Standard_A1_v2": "needs 2 cores", "Basic_A3": "load balancer", "Standard_F2": "etcd"} {
		if o := byName[name]; !o.Disabled || !strings.Contains(o.Note, why) {
			t.Errorf("%+v", o)
		}
	}
	if want := "With these answers: 6 VMs and 12 cores, plus 1 and 2 during upgrades. Free: 49 VMs, 98 cores."; sizes.Observed != want {
		t.Errorf("%q", sizes.Observed)
	}
	pools := page(t, s, "pools")
	if pools.Repeat != "pools" || len(pools.Items) != 1 || field(t, pools.Items[0], "pools.0.name").Value != "linuxpool" || field(t, pools.Items[0], "pools.0.count").Value != "3" {
		t.Errorf("%+v", pools)
	}
	access := page(t, s, "access")
	if o := field(t, access.Fields, "dnsPrefix"); o.Value != "ratings-seattle" || !strings.Contains(o.Observed, "ratings-seattle.seattle.cloudapp.azurestack.test") {
		t.Errorf("%+v", o)
	}
	if slices.ContainsFunc(access.Fields, func(f w.FieldView) bool { return f.Name == "sshPublicKey" }) {
		t.Error("asks for a key that is generated")
	}
	principal := field(t, page(t, s, "credentials").Fields, "principal")
	if !strings.Contains(principal.Observed, "Entra ID") || !strings.Contains(principal.Observed, "client-1") {
		t.Errorf("%+v", principal)
	}
}

func TestPagesWhenTheHubIsAway(t *testing.T) {
	b := newBed(t)
	b.hub.err = errors.New("dial tcp: i/o timeout")
	size := field(t, page(t, b.open(w.Answers{}), "controlplane").Fields, "masterSize")
	if size.OptionsErr == "" || len(size.Options) > 0 || size.Value != "Standard_DS2_v2" {
		t.Errorf("%+v", size)
	}
}

func TestFieldsThatDepend(t *testing.T) {
	b := newBed(t)
	names := func(a w.Answers, id string) string {
		var out []string
		for _, f := range page(t, b.open(a), id).Fields {
			out = append(out, f.Name)
		}
		return strings.Join(out, " ")
	}
	if got := names(w.Answers{"networkPlugin": "azure", "vnet": "own"}, "network"); strings.Contains(got, "podCIDR") || !strings.Contains(got, "masterSubnet agentSubnet vnetCIDR firstIP") {
		t.Error(got)
	}
	if got := names(w.Answers{"sshKey": "given"}, "access"); !strings.Contains(got, "sshPublicKey") {
		t.Error(got)
	}
	policy := field(t, page(t, b.open(w.Answers{"networkPlugin": "azure"}), "network").Fields, "networkPolicy")
	if len(policy.Options) != 3 {
		t.Errorf("%+v", policy.Options)
	}
}

func TestPlan(t *testing.T) {
	b := newBed(t)
	plan, err := b.open(w.Answers{"pools.0.name": "linuxpool", "pools.1.name": "gpu", "pools.1.count": "2"}).Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	sfx := aksengine.NameSuffix("ratings-seattle")
	var what []string
	for _, c := range plan.Changes {
		what = append(what, c.Verb+" "+c.What+" "+c.Note)
	}
	changes := strings.Join(what, "\n")
	for _, want := range []string{
		"create Resource group ratings-seattle", "3 × Virtual machine k8s-master-" + sfx + "-0 … -2 Standard_DS2_v2", "2 × Virtual machine k8s-gpu-" + sfx + "-0 … -1 Standard_D2_v2",
		"Public IP address k8s-master-ip-ratings-seattle-" + sfx + " ratings-seattle.seattle.cloudapp.azurestack.test", "Internal load balancer", "etcd disk", "Virtual network k8s-vnet-",
	} {
		if !strings.Contains(changes, want) {
			t.Errorf("no %q in\n%s", want, changes)
		}
	}
	if plan.Title != "Deploy a cluster on Seattle" || plan.Duration == "" || plan.Disruption == "" || len(plan.Documents) != 1 || plan.Documents[0].Name != "apimodel.json" {
		t.Errorf("%+v", plan)
	}
	readModel(t, plan.Documents[0].Body)
	if text := plan.Commands[0].Text; !strings.Contains(text, "--client-secret "+aksengine.Mask) || !strings.Contains(text, "SSL_CERT_FILE") || !strings.Contains(text, "HTTPS_PROXY=http://127.0.0.1:18080") {
		t.Error(text)
	}
	pages := map[string]bool{}
	for _, i := range plan.Summary {
		pages[i.Page] = true
		if i.Label == "" || i.Value == "" {
			t.Errorf("%+v", i)
		}
	}
	for _, p := range b.open(nil).Pages() {
		if !pages[p.ID] {
			t.Errorf("the summary has nothing of page %s", p.ID)
		}
	}
}

func TestCertificatePrincipal(t *testing.T) {
	b := newBed(t)
	b.stack.Credential = w.Credential{Method: w.AuthCertificate, ClientID: "client-1", Certificate: "sec_1"}
	b.stack.Metadata.Identity = w.IdentityADFS
	b.sealed["sec_1"] = testBundle(t)
	b.host.engine = b.goodEngine
	plan, err := b.open(nil).Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan.Documents[0].Body, `"secret": "`+aksengine.Mask+`"`) || strings.Contains(plan.Commands[0].Text, "client-secret") {
		t.Error(plan.Documents[0].Body, plan.Commands[0].Text)
	}
	x := b.start(nil)
	b.must(x, "prepare")
	b.must(b.resume(b.state(x)), "deploy")
	argv := b.host.jobs[b.host.order[0]].Argv
	if flag(argv, "--identity-system") != "adfs" || flag(argv, "--certificate-path") != "~/"+folder+"principal.crt" || slices.Contains(argv, "--client-secret") {
		t.Errorf("%q", argv)
	}
	if !strings.HasPrefix(b.host.files[folder+"principal.key"], "-----BEGIN PRIVATE KEY") || !strings.HasPrefix(b.host.files[folder+"principal.crt"], "-----BEGIN CERTIFICATE") {
		t.Error("the files for the login are wrong")
	}
	m := readModel(t, b.host.files[input])
	if m.Properties.ServicePrincipalProfile.ClientID != "client-1" || len(m.Properties.ServicePrincipalProfile.Secret) < 1000 {
		t.Errorf("%+v", m.Properties.ServicePrincipalProfile)
	}
	if !slices.Contains(b.log.masked, m.Properties.ServicePrincipalProfile.Secret) {
		t.Error("the certificate in the API model is not masked")
	}
}

// readModel reads an API model as strictly as the engine does.
func readModel(t *testing.T, doc string) aksengine.Model {
	t.Helper()
	var m aksengine.Model
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}
