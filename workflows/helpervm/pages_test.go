package helpervm

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

func TestBadAnswers(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, tt := range []struct {
		existing            bool
		field, value        string
		page, says, another string // another: a second field that is wrong because of it
	}{
		{false, "kind", "cloud", "kind", "Choose whether", ""},
		{false, "group", "", "network", "2 to 90", ""},
		{false, "group", "ends.", "network", "2 to 90", ""},
		{false, "group", "../../etc", "network", "2 to 90", ""},
		{false, "group", long, "network", "2 to 90", ""},
		{false, "label", "ab", "network", "3 to 63", ""},
		{false, "label", "1abc", "network", "3 to 63", ""},
		{false, "label", "has_underscore", "network", "3 to 63", ""},
		{false, "label", "ends-", "network", "3 to 63", ""},
		{false, "label", "über", "network", "3 to 63", ""},
		{false, "network", "", "network", "Give a range", ""},
		{false, "network", "10.100.0.0", "network", "not an IPv4 range", ""},
		{false, "network", "10.100.0.5/16", "network", "the range itself is 10.100.0.0/16", ""},
		{false, "network", "10.0.0.0/4", "network", "the range itself is 0.0.0.0/4", ""},
		{false, "network", "2001:db8::/32", "network", "not an IPv4 range", ""},
		{false, "network", "10.100.0.0/30", "network", "8 to 29", ""},
		{false, "network", long, "network", "not an IPv4 range", ""},
		{false, "subnet", "10.200.0.0/24", "network", "is not a part of", ""},
		{false, "subnet", "10.0.0.0/8", "network", "is not a part of", ""},
		{false, "ssh", "everywhere", "network", "not an IPv4 range", ""},
		{false, "vm", "", "machine", "2 to 53", ""},
		{false, "vm", "has space", "machine", "2 to 53", ""},
		{false, "vm", "a;reboot", "machine", "2 to 53", ""},
		{false, "size", "", "machine", "VM sizes", ""},
		{false, "image", "ubuntu", "machine", "publisher:offer:sku:version", ""},
		{false, "image", "a:b:c:", "machine", "publisher:offer:sku:version", ""},
		{false, "image", "a:b/../x:c:d", "machine", "publisher:offer:sku:version", ""},
		{false, "user", "root", "machine", "does not allow the name root", ""},
		{false, "user", "Ana", "machine", "small letters", ""},
		{false, "user", "$(id)", "machine", "small letters", ""},
		{false, "key", KeyKeep, "machine", "Choose which", ""},
		{false, "key", KeyOwn, "machine", "Paste the private key", "own"},
		{false, "reach", "pigeon", "network", "Choose the way", ""},
		{false, "engine", "v9.9.9", "engine", "Choose one of", ""},
		{false, "engine", "v0.85.0;reboot", "engine", "Choose one of", ""},
		{false, "source", "usb", "engine", "Choose where", ""},
		{true, "address", "", "host", "host name or an IP", ""},
		{true, "address", "ana@host", "host", "host name or an IP", ""},
		{true, "address", "host/../x", "host", "host name or an IP", ""},
		{true, "address", "-oProxyCommand=x", "host", "host name or an IP", ""},
		{true, "address", long, "host", "host name or an IP", ""},
		{true, "port", "0", "host", "1 to 65535", ""},
		{true, "port", "ssh", "host", "1 to 65535", ""},
		{true, "user", "", "host", "login name", ""},
		{true, "user", "a b", "host", "login name", ""},
		{true, "key", "", "host", "Paste the private key", ""},
		{true, "fingerprint", "MD5:aa", "host", "begins with SHA256:", ""},
	} {
		name := tt.field + "=" + clip(tt.value)
		t.Run(strings.ReplaceAll(name, "/", "|"), func(t *testing.T) {
			a := w.Answers{}
			if tt.existing {
				maps.Copy(a, existingAnswers)
			}
			a[tt.field] = tt.value
			errs := newScene(t).open(a).Errors()
			want := tt.field
			if tt.another != "" {
				want = tt.another
			}
			if len(errs) != 1 || errs[0].Field != want || errs[0].Page != tt.page || !strings.Contains(errs[0].Message, tt.says) {
				t.Fatalf("%v", errs)
			}
			if len(errs[0].Message) > 300 {
				t.Errorf("the message has %d bytes", len(errs[0].Message))
			}
		})
	}
}

func TestGoodAnswers(t *testing.T) {
	s := newScene(t)
	for name, a := range map[string]w.Answers{
		"defaults":      {},
		"single source": {"ssh": "192.0.2.10"},
		"IPv6 host":     with(existingAnswers, "address", "2001:db8::1"),
		"short name":    with(existingAnswers, "address", "helper"),
		"domain user":   with(existingAnswers, "user", "svc-aks.ana"),
	} {
		if errs := s.open(a).Errors(); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

func TestAirGappedNeedsTheArchive(t *testing.T) {
	s := newScene(t)
	s.records.stack.AirGapped, s.records.stack.HTTPSProxy = true, ""
	if errs := s.open(w.Answers{}).Errors(); len(errs) > 0 {
		t.Errorf("the default does not fit: %v", errs)
	}
	errs := s.open(w.Answers{"source": SourceDownload}).Errors()
	if len(errs) != 1 || errs[0].Field != "source" {
		t.Errorf("%v", errs)
	}
}

func TestPagesThatApply(t *testing.T) {
	for name, tt := range map[string]struct {
		answers w.Answers
		want    []string
	}{
		"create":   {w.Answers{}, []string{"kind", "network", "machine", "engine"}},
		"existing": {existingAnswers, []string{"kind", "host", "engine"}},
	} {
		var got []string
		for _, p := range newScene(t).open(tt.answers).Pages() {
			got = append(got, p.ID)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func field(t *testing.T, se w.Session, page, name string) (w.FieldView, bool) {
	t.Helper()
	p, ok := se.Page(t.Context(), page)
	if !ok {
		t.Fatalf("no page %s", page)
	}
	for _, f := range p.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return w.FieldView{}, false
}

func TestWhatPagesShow(t *testing.T) {
	s := newScene(t)
	se := s.open(w.Answers{})
	engine, _ := field(t, se, "engine", "engine")
	if engine.Value != aksengine.Default || engine.Options[0].Value != aksengine.Versions()[0].Version || !strings.Contains(engine.Options[0].Note, "1.35.0") {
		t.Errorf("engine: %+v", engine)
	}
	if !strings.Contains(engine.Observed, "has its base image 2026.139.1") {
		t.Errorf("observed: %q", engine.Observed)
	}
	size, _ := field(t, se, "machine", "size")
	want := []w.Option{
		{Value: "Standard_A0", Label: "Standard_A0: 1 core, 0.75 GiB", Disabled: true, Note: "too little memory for AKS Engine"},
		{Value: "Standard_F2", Label: "Standard_F2: 2 cores, 4 GiB"},
	}
	if d := cmp.Diff(want, size.Options); d != "" {
		t.Error(d)
	}
	image, _ := field(t, se, "machine", "image")
	if len(image.Options) != 1 || image.Value != vm.UsualImage {
		t.Errorf("image: %+v", image)
	}
	if _, shown := field(t, se, "machine", "own"); shown {
		t.Error("the own key is asked for before it is chosen")
	}
	if _, shown := field(t, s.open(w.Answers{"key": KeyOwn}), "machine", "own"); !shown {
		t.Error("the own key is not asked for")
	}
	address, _ := field(t, s.open(existingAnswers), "host", "address")
	if !strings.Contains(address.Observed, "SHA256:HOSTKEY") {
		t.Errorf("host key is not shown: %q", address.Observed)
	}
	s.hub.images = nil
	image, _ = field(t, s.open(w.Answers{}), "machine", "image")
	if !strings.Contains(image.OptionsErr, "no Ubuntu image") {
		t.Errorf("%q", image.OptionsErr)
	}
}

func TestDefaultsComeFromTheRecord(t *testing.T) {
	s := newScene(t)
	if _, err := s.run(w.Answers{"group": "infra", "vm": "akse", "user": "ana", "reach": ReachDirect}); err != nil {
		t.Fatal(err)
	}
	se := s.open(w.Answers{})
	for _, tt := range [][3]string{
		{"network", "group", "infra"}, {"machine", "vm", "akse"}, {"machine", "user", "ana"},
		{"machine", "key", KeyKeep}, {"network", "reach", ReachDirect},
	} {
		if f, _ := field(t, se, tt[0], tt[1]); f.Value != tt[2] {
			t.Errorf("%s = %q, want %q", tt[1], f.Value, tt[2])
		}
	}
	if s.records.vm.Address != "127.0.10.1" || s.records.vm.ViaProxy {
		t.Errorf("a direct way goes by address: %+v", s.records.vm)
	}
}

func TestNamesFit(t *testing.T) {
	for _, tt := range []struct{ deployment, site, want string }{
		{"Ratings", "Seattle", "ratings-seattle-helper"},
		{"3 Tier App!", "Orlando (DR)", "hub-3-tier-app-orlando-dr-helper"},
		{"Ümläut", "日本", "ml-ut-helper"},
		{"日本", "東京", "hub-helper"},
		{strings.Repeat("long ", 40), "x", "long-long-long-long-long-long-long-long-long-helper"},
	} {
		s := &State{Deployment: tt.deployment, SiteName: tt.site}
		got := s.base()
		if got != tt.want || vm.BadName(got)+vm.BadLabel(got)+vm.BadGroup(got) != "" {
			t.Errorf("%s, %s: %q", tt.deployment, tt.site, got)
		}
	}
}

func TestPlan(t *testing.T) {
	for name, tt := range map[string]struct {
		answers  w.Answers
		has, not []string
	}{
		"create": {w.Answers{}, []string{
			"az vm create", "--authentication-type ssh", "'ratings-seattle-helper-nsg'", "HTTPS_PROXY='http://127.0.0.1:18080' curl",
			"--strip-components=1", "get-versions --azure-env AzureStackCloud -o json", "update-ca-certificates",
		}, []string{"scp"}},
		"existing, archive": {with(existingAnswers, "source", SourceArchive), []string{"scp -P 22", "ssh -p 22 'ana@helper.example.net'"}, []string{"az ", "curl"}},
	} {
		t.Run(name, func(t *testing.T) {
			se := newScene(t).open(tt.answers)
			p, err := se.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var all strings.Builder
			for _, c := range p.Commands {
				all.WriteString(c.Title + "\n" + c.Text + "\n")
			}
			for _, want := range tt.has {
				if !strings.Contains(all.String(), want) {
					t.Errorf("no %q in\n%s", want, all.String())
				}
			}
			for _, bad := range tt.not {
				if strings.Contains(all.String(), bad) {
					t.Errorf("%q in\n%s", bad, all.String())
				}
			}
			if p.Title != "Prepare AKS Engine on Seattle" || se.LockKey() != "site:site" || len(p.Changes) < 2 {
				t.Errorf("%s %s %v", p.Title, se.LockKey(), p.Changes)
			}
			pages := map[string]bool{}
			for _, v := range se.Pages() {
				pages[v.ID] = true
			}
			for _, i := range p.Summary {
				if !pages[i.Page] {
					t.Errorf("%s leads to a page that does not apply: %s", i.Label, i.Page)
				}
			}
		})
	}
}
