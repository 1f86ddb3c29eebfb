package helpervm

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

func TestChecks(t *testing.T) {
	const (
		passed, warning, failed, skipped = w.CheckPassed, w.CheckWarning, w.CheckFailed, w.CheckSkipped
	)
	broken := &w.Problem{Code: "token.x", What: "The client secret is wrong", Fix: "Make a new one."}
	ip := "/subscriptions/s/resourceGroups/%/providers/Microsoft.Network/publicIPAddresses/ratings-seattle-helper-ip"
	for _, tt := range []struct {
		check, name string
		existing    bool
		answers     w.Answers
		spoil       func(s *scene)
		want        w.CheckStatus
		says        string
	}{
		{"login", "in", false, nil, nil, passed, "Seattle"},
		{"login", "refused", false, nil, func(s *scene) { s.hub.loginErr = broken }, failed, "The client secret is wrong"},

		{"group", "new", false, nil, nil, passed, "does not exist yet"},
		{"group", "ours", false, nil, func(s *scene) { s.hub.group = map[string]string{"product": "hubwright", "role": "helper-vm"} }, passed, "made by Hubwright"},
		{"group", "somebody's", false, nil, func(s *scene) { s.hub.group = map[string]string{} }, warning, "somebody else"},
		{"group", "login fails", false, nil, func(s *scene) { s.hub.err, s.hub.loginErr = broken, broken }, skipped, "Cannot be known yet"},
		{"group", "question fails", false, nil, func(s *scene) { s.hub.err = broken }, failed, "secret is wrong"},

		{"dns-label", "free", false, nil, nil, passed, "is free"},
		{"dns-label", "our own", false, nil, func(s *scene) {
			s.hub.taken, s.hub.by = "ratings-seattle-helper", strings.Replace(ip, "%", "Ratings-Seattle-Helper", 1)
		}, passed, "own public IP"},
		{"dns-label", "another group", false, nil, func(s *scene) {
			s.hub.taken, s.hub.by = "ratings-seattle-helper", strings.Replace(ip, "%", "web", 1)
		}, failed, "resource group web"},
		{"dns-label", "another subscription", false, nil, func(s *scene) { s.hub.taken = "ratings-seattle-helper" }, failed, "another subscription"},

		{"ssh-source", "a range", false, w.Answers{"ssh": "192.0.2.0/24"}, nil, passed, "192.0.2.0/24"},
		{"ssh-source", "the world", false, w.Answers{"ssh": "0.0.0.0/0"}, nil, warning, "Everybody"},

		{"quota", "room", false, nil, nil, passed, "free: 5 VMs, 10 cores"},
		{"quota", "no VM", false, nil, func(s *scene) { s.hub.usages[1].Current = 5 }, failed, "1 VM needed, 0 of 5 free"},
		{"quota", "no cores", false, nil, func(s *scene) { s.hub.usages[0].Current = 9 }, failed, "2 cores needed, 1 of 10 free"},
		{"quota", "exists already", false, nil, func(s *scene) {
			s.hub.usages[1].Current = 5
			s.hub.make("vm ratings-seattle-helper")
		}, passed, "exists already"},
		{"quota", "size is not offered", false, w.Answers{"size": "Standard_M128"}, nil, failed, "does not offer the size Standard_M128"},
		{"quota", "not told", false, nil, func(s *scene) { s.hub.usages = nil }, warning, "no quota"},

		{"image", "there", false, nil, nil, passed, "22_04-lts"},
		{"image", "another version", false, w.Answers{"image": "Canonical:" + vm.UsualOffer + ":22_04-lts:22.04.9"}, nil, failed, "there is 22.04.1"},
		{"image", "not there", false, w.Answers{"image": "a:b:c:latest"}, nil, failed, "nor any of its kind"},
		{"base-image", "there", false, nil, nil, passed, "2026.139.1"},
		{"base-image", "only for another engine", false, w.Answers{"engine": "v0.84.2"}, nil, failed, "there is 2026.139.1"},
		{"base-image", "existing host", true, nil, nil, passed, "2026.139.1"},

		{"ssh-key", "RSA", false, w.Answers{"key": KeyOwn, "own": "sec_rsa"}, func(s *scene) { s.vault["sec_rsa"] = "private of ssh-rsa X" }, passed, "ssh-rsa"},
		{"ssh-key", "ed25519 for a new VM", false, w.Answers{"key": KeyOwn, "own": "sec_ed"}, func(s *scene) { s.vault["sec_ed"] = "private of ssh-ed25519 X" }, warning, "ssh-ed25519"},
		{"ssh-key", "ed25519 for a host", true, nil, nil, passed, "ssh-ed25519"},
		{"ssh-key", "rubbish", true, nil, func(s *scene) { s.vault["sec_own"] = "rubbish" }, failed, "no private key"},

		{"host-key", "first contact", true, nil, nil, passed, "SHA256:HOSTKEY. Compare"},
		{"host-key", "expected", true, w.Answers{"fingerprint": "SHA256:HOSTKEY"}, nil, passed, "SHA256:HOSTKEY"},
		{"host-key", "another", true, w.Answers{"fingerprint": "SHA256:OTHER"}, nil, failed, "expect SHA256:OTHER"},
		{"host-key", "changed", true, nil, func(s *scene) {
			s.records.vm = &w.HelperVM{Existing: true, Address: "helper.example.net", Port: 22, HostKey: "ssh-ed25519 BEFORE"}
		}, failed, "has changed"},
		{"host-key", "pinned", true, nil, func(s *scene) {
			s.records.vm = &w.HelperVM{Existing: true, Address: "helper.example.net", Port: 22, HostKey: "ssh-ed25519 HOSTKEY comment"}
		}, passed, "pinned host key"},
		{"host-key", "no answer", true, nil, func(s *scene) { s.machine.scanErr = []error{broken} }, failed, "secret is wrong"},

		{"host-login", "in", true, nil, nil, passed, "ana may log in"},
		{"host-login", "refused", true, nil, func(s *scene) { s.machine.dialErr = []error{broken} }, failed, "secret is wrong"},
		{"host-login", "no answer", true, nil, func(s *scene) { s.machine.scanErr = []error{broken} }, skipped, "does not answer"},
		{"linux", "Ubuntu", true, nil, nil, passed, "Ubuntu 22.04.5 LTS"},
		{"linux", "Windows", true, nil, func(s *scene) {
			s.machine.facts, s.machine.factsCode, s.machine.stderr = "", 1, "exec : The term 'exec' is not recognized as the name of a cmdlet"
		}, failed, "is a Windows machine"},
		{"linux", "wrong processor", true, nil, func(s *scene) { s.machine.facts = strings.Replace(linuxFacts, "x86_64", "aarch64", 1) }, failed, "aarch64"},
		{"linux", "curl is not needed", true, w.Answers{"source": SourceArchive}, func(s *scene) { s.machine.facts += "lacks=curl\n" }, passed, "Ubuntu"},
		{"linux", "no answer", true, nil, func(s *scene) { s.machine.scanErr = []error{broken} }, skipped, "does not answer"},
		{"disk", "room", true, nil, nil, passed, "8.6 GiB"},
		{"disk", "full", true, nil, func(s *scene) { s.machine.facts = strings.Replace(linuxFacts, "9000000", "204800", 1) }, failed, "200 MiB are free"},
		{"outbound", "open", true, nil, nil, passed, "200"},
		{"outbound", "closed", true, nil, func(s *scene) { s.machine.curlErr = "curl: (7) Failed to connect" }, failed, "Failed to connect"},

		{"archive", "here", false, w.Answers{"source": SourceArchive}, func(s *scene) { s.shelf[aksengine.Default] = "x" }, passed, "linux-amd64.tar.gz"},
		{"archive", "not here", false, w.Answers{"source": SourceArchive}, nil, failed, "Nobody has given"},
	} {
		t.Run(tt.check+"/"+tt.name, func(t *testing.T) {
			s := newScene(t)
			a := w.Answers{}
			if tt.existing {
				s = existingScene(t)
				maps.Copy(a, existingAnswers)
			}
			maps.Copy(a, tt.answers)
			if tt.spoil != nil {
				tt.spoil(s)
			}
			se := s.open(a)
			if !slices.ContainsFunc(se.Checks(), func(c w.CheckInfo) bool { return c.ID == tt.check }) {
				t.Fatal("the check does not apply")
			}
			f := se.RunCheck(t.Context(), tt.check)
			if f.Status != tt.want || !strings.Contains(f.Found, tt.says) {
				t.Errorf("%s: %s", f.Status, f.Found)
			}
			if (f.Status == failed || f.Status == warning) && f.Remedy == "" {
				t.Error("no remedy")
			}
			if len(s.machine.changing) > 0 || len(s.hub.made) > 1 || s.records.saves > 0 {
				t.Error("the check changed something")
			}
		})
	}
}

// Which checks a person sees depends on the answers.
func TestChecksThatApply(t *testing.T) {
	for name, tt := range map[string]struct {
		answers w.Answers
		want    string
	}{
		"create":           {w.Answers{}, "login group dns-label ssh-source quota image base-image"},
		"create, own key":  {w.Answers{"key": KeyOwn, "own": "x"}, "login group dns-label ssh-source quota image ssh-key base-image"},
		"create, archive":  {w.Answers{"source": SourceArchive}, "login group dns-label ssh-source quota image base-image archive"},
		"existing":         {existingAnswers, "login ssh-key host-key host-login linux disk outbound base-image"},
		"existing, no net": {with(existingAnswers, "source", SourceArchive), "login ssh-key host-key host-login linux disk base-image archive"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range newScene(t).open(tt.answers).Checks() {
				got = append(got, c.ID)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

func TestTheWorldIsAWaivableWarning(t *testing.T) {
	for _, c := range newScene(t).definition().Info().Checks {
		if c.ID == "ssh-source" && (c.Severity != w.SeverityWarn || !c.Waivable) {
			t.Errorf("%+v", c)
		}
	}
}

func TestCheckWithoutAHub(t *testing.T) {
	s := newScene(t)
	n := s.needs()
	n.OpenHub = func(context.Context, w.Stack) (Hub, error) { return nil, errors.New("no way") }
	se, err := New(n).Erase().Open(t.Context(), w.Target{SiteID: "site"}, w.Answers{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range se.Checks() {
		f := se.RunCheck(t.Context(), c.ID)
		if c.ID == "login" && f.Status != w.CheckFailed {
			t.Errorf("login: %+v", f)
		}
		if c.ID != "login" && c.ID != "ssh-source" && f.Status != w.CheckSkipped {
			t.Errorf("%s: %+v", c.ID, f)
		}
	}
}

func with(a w.Answers, key, value string) w.Answers {
	out := maps.Clone(a)
	out[key] = value
	return out
}

// The question of the check is asked while the label is typed.
func TestTheLabelIsLookedUp(t *testing.T) {
	s := newScene(t)
	s.hub.taken = "web"
	for label, want := range map[string]w.CheckStatus{"web": w.CheckFailed, "helper": w.CheckPassed, "-": w.CheckFailed, "": w.CheckFailed} {
		if f, ok := s.open(w.Answers{"label": label}).Lookup(t.Context(), "network", "label"); !ok || f.Status != want {
			t.Errorf("%q: %+v", label, f)
		}
	}
	s.hub.err = &w.Problem{What: "The Hub does not answer"}
	if f, _ := s.open(nil).Lookup(t.Context(), "network", "label"); f.Status != w.CheckSkipped || !strings.HasPrefix(f.Found, "It could not be asked: ") {
		t.Errorf("without an answer: %+v", f)
	}
	if p, _ := s.open(nil).Page(t.Context(), "network"); p.Fields[4].Name != "label" || p.Fields[4].Note.Status != w.CheckSkipped {
		t.Errorf("the page says %+v", p.Fields[4])
	}
}
