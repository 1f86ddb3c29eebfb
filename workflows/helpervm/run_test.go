package helpervm

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

var existingAnswers = w.Answers{"kind": KindExisting, "address": "helper.example.net", "user": "ana", "key": "sec_own"}

func existingScene(t *testing.T) *scene {
	s := newScene(t)
	s.vault["sec_own"] = "private of ssh-ed25519 ANA"
	return s
}

func TestCreateAndAgain(t *testing.T) {
	s := newScene(t)
	r, err := s.run(w.Answers{})
	if err != nil {
		t.Fatal(err)
	}
	vm := s.records.vm
	want := &w.HelperVM{
		SiteID: "site", Address: "ratings-seattle-helper.seattle.cloudapp.azurestack.test", Port: 22, User: "azureuser",
		PrivateKey: "sec_1", HostKey: "ssh-ed25519 HOSTKEY", ViaProxy: true, OS: "Ubuntu 22.04.5 LTS", EngineVersion: aksengine.Default,
		Kubernetes:    []w.KubernetesVersion{{Version: "1.33.10", Default: true, Upgrades: []string{"1.34.4"}}, {Version: "1.34.4"}},
		ResourceGroup: "ratings-seattle-helper", VMName: "ratings-seattle-helper", UpdatedAt: s.now,
	}
	if d := cmp.Diff(want, vm); d != "" {
		t.Error(d)
	}
	if !strings.Contains(r.Headline, "is ready") || r.Next == nil || r.Next.WorkflowID != "cluster" {
		t.Errorf("result %+v", r)
	}
	if got := s.hub.specs[0].AuthorizedKey; got != "ssh-rsa KEY1" {
		t.Errorf("the VM got the key %q", got)
	}
	if text := s.log.text(); !strings.Contains(text, "SHA256:HOSTKEY") || !strings.Contains(text, "output: downloaded 50 %") {
		t.Errorf("log:\n%s", text)
	}

	saves := s.records.saves
	s.machine.changing, s.log = nil, &journal{t: t}
	r, err = s.run(w.Answers{})
	if err != nil {
		t.Fatal(err)
	}
	if s.records.saves != saves || len(s.machine.changing) != 0 || s.keys != 1 || len(s.vault) != 1 {
		t.Errorf("the second run changed something: %d saves, %v, %d keys", s.records.saves-saves, s.machine.changing, s.keys)
	}
	if !strings.Contains(r.Headline, "Nothing was changed") || !strings.Contains(s.log.text(), "Nothing was changed") {
		t.Errorf("second run: %q\n%s", r.Headline, s.log.text())
	}
}

func TestExistingAndAgain(t *testing.T) {
	s := existingScene(t)
	s.shelf[aksengine.Default] = "archive of " + aksengine.Default
	s.records.stack.AirGapped = true
	for n := range 2 {
		if _, err := s.run(existingAnswers); err != nil {
			t.Fatal(err)
		}
		if s.machine.uploads != 1 {
			t.Errorf("run %d: %d uploads", n+1, s.machine.uploads)
		}
	}
	vm := s.records.vm
	if !vm.Existing || vm.Address != "helper.example.net" || vm.User != "ana" || vm.PrivateKey != "sec_own" || vm.VMName != "" || vm.ViaProxy {
		t.Errorf("record %+v", vm)
	}
	if len(s.machine.jobs) != 0 {
		t.Error("an air-gapped machine downloaded")
	}
	if s.records.saves != 1 {
		t.Errorf("%d saves", s.records.saves)
	}
}

func TestSeveralVersionsSideBySide(t *testing.T) {
	s := newScene(t)
	for _, v := range []string{"v0.84.2", "v0.85.0", "v0.84.2"} {
		if _, err := s.run(w.Answers{"engine": v}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.machine.jobs) != 2 || s.machine.engines["v0.84.2"] != "v0.84.2" || s.machine.engines["v0.85.0"] != "v0.85.0" {
		t.Errorf("%d downloads, %v", len(s.machine.jobs), s.machine.engines)
	}
}

func TestFailures(t *testing.T) {
	problem := func(code string) *w.Problem { return &w.Problem{Code: code, What: "x", Fix: "y"} }
	for name, tt := range map[string]struct {
		existing bool
		answers  w.Answers
		spoil    func(s *scene)
		step     string
		code     string
	}{
		"Hub refuses the VM": {false, nil, func(s *scene) { s.hub.vmErr = problem("arm.QuotaExceeded") }, "machine", "arm.QuotaExceeded"},
		"own key is none":    {false, w.Answers{"key": KeyOwn, "own": "sec_own"}, func(s *scene) { s.vault["sec_own"] = "rubbish" }, "key", "ssh.key"},
		"Windows host": {true, nil, func(s *scene) {
			s.machine.facts, s.machine.factsCode = "", 1
			s.machine.stderr = "'exec' is not recognized as an internal or external command,\r\noperable program or batch file."
		}, "inspect", "helper.windows"},
		"Windows with a Unix shell": {true, nil, func(s *scene) {
			s.machine.facts = strings.Replace(linuxFacts, "Linux", "MINGW64_NT-10.0", 1)
		}, "inspect", "helper.windows"},
		"Mac":           {true, nil, func(s *scene) { s.machine.facts = strings.Replace(linuxFacts, "Linux", "Darwin", 1) }, "inspect", "helper.kernel"},
		"ARM processor": {true, nil, func(s *scene) { s.machine.facts = strings.Replace(linuxFacts, "x86_64", "aarch64", 1) }, "inspect", "helper.machine"},
		"no shell": {true, nil, func(s *scene) {
			s.machine.facts, s.machine.stderr, s.machine.factsCode = "", "This account is closed.", 1
		}, "inspect", "helper.shell"},
		"disk is full":                     {true, nil, func(s *scene) { s.machine.facts = strings.Replace(linuxFacts, "9000000", "1000", 1) }, "inspect", "helper.disk"},
		"tar is lacking":                   {true, nil, func(s *scene) { s.machine.facts += "lacks=tar\n" }, "inspect", "helper.tools"},
		"curl is lacking":                  {true, nil, func(s *scene) { s.machine.facts += "lacks=curl\n" }, "inspect", "helper.tools"},
		"host key is not the expected one": {true, w.Answers{"fingerprint": "SHA256:OTHER"}, nil, "ssh", "ssh.hostkey"},
		"key is refused":                   {true, nil, func(s *scene) { s.machine.dialErr = []error{problem("ssh.auth")} }, "ssh", "ssh.auth"},
		"host stays away": {true, nil, func(s *scene) {
			for range 1000 {
				s.machine.scanErr = append(s.machine.scanErr, problem("ssh.refused"))
			}
		}, "ssh", "ssh.refused"},
		"Hub is not reached from there": {true, nil, func(s *scene) { s.machine.curlErr = "curl: (7) Failed to connect: Connection refused" }, "ca", "net.refused"},
		"Hub is not trusted there": {true, nil, func(s *scene) {
			s.machine.curlErr = "curl: (60) SSL certificate problem: self-signed certificate in certificate chain"
		}, "ca", "tls.authority"},
		"something else answers":     {true, nil, func(s *scene) { s.machine.httpCode = "302" }, "ca", "helper.hub"},
		"download fails":             {true, nil, func(s *scene) { s.machine.jobCode = 6 }, "engine", "helper.download"},
		"no archive":                 {true, w.Answers{"source": SourceArchive}, nil, "engine", "helper.noarchive"},
		"archive of another version": {true, w.Answers{"source": SourceArchive}, func(s *scene) { s.shelf[aksengine.Default] = "archive of v0.80.3" }, "verify", "helper.version"},
	} {
		t.Run(name, func(t *testing.T) {
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
			_, err := s.run(a)
			if err == nil || !strings.HasPrefix(err.Error(), "step "+tt.step+":") || codeOf(err) != tt.code {
				t.Fatalf("code %q: %v", codeOf(err), err)
			}
			var p *w.Problem
			if errors.As(err, &p); p.What == "" || p.Fix == "" {
				t.Errorf("no words: %+v", p)
			}
			if s.records.vm != nil && s.records.vm.EngineVersion != "" {
				t.Error("a run that failed left a ready helper VM")
			}
		})
	}
}

func TestHostKeyChanges(t *testing.T) {
	s := existingScene(t)
	if _, err := s.run(existingAnswers); err != nil {
		t.Fatal(err)
	}
	s.machine.key = "ssh-ed25519 ANOTHER"
	if _, err := s.run(existingAnswers); codeOf(err) != "ssh.hostkey" {
		t.Fatalf("a changed host key was taken: %v", err)
	}
	if s.pauses != 0 {
		t.Error("a changed host key was waited for")
	}
	for _, d := range s.machine.dials {
		if d.HostKey == "" {
			t.Error("dialled without a host key")
		}
	}
	a := maps.Clone(existingAnswers)
	a["forget"] = "on"
	if _, err := s.run(a); err != nil {
		t.Fatal(err)
	}
	if s.records.vm.HostKey != "ssh-ed25519 ANOTHER" {
		t.Errorf("pinned %s", s.records.vm.HostKey)
	}
}

func TestVMMadeAnewHasANewHostKey(t *testing.T) {
	s := newScene(t)
	if _, err := s.run(w.Answers{}); err != nil {
		t.Fatal(err)
	}
	// Somebody deleted the VM in the portal.
	s.hub.made = nil
	fresh := newMachine()
	fresh.key = "ssh-ed25519 NEWVM"
	*s.machine = *fresh
	if _, err := s.run(w.Answers{}); err != nil {
		t.Fatal(err)
	}
	if s.records.vm.HostKey != "ssh-ed25519 NEWVM" || s.keys != 1 {
		t.Errorf("pinned %s, %d keys", s.records.vm.HostKey, s.keys)
	}
}

func TestNewVMIsWaitedFor(t *testing.T) {
	s := newScene(t)
	refused := &w.Problem{Code: "ssh.refused", What: "The connection was refused", Fix: "x"}
	auth := &w.Problem{Code: "ssh.auth", What: "The key is not accepted", Fix: "x"}
	s.machine.scanErr = []error{refused, refused}
	s.machine.dialErr = []error{auth, auth}
	if _, err := s.run(w.Answers{}); err != nil {
		t.Fatal(err)
	}
	if s.pauses != 4 {
		t.Errorf("%d pauses", s.pauses)
	}
	if n := strings.Count(s.log.text(), "The connection was refused"); n != 1 {
		t.Errorf("the same reason %d times", n)
	}
}

// A run that ends between the VM and the record must leave the key where the
// next run finds it.
func TestKeySurvivesARunThatStops(t *testing.T) {
	s := newScene(t)
	s.hub.vmErr = errors.New("stopped")
	if _, err := s.run(w.Answers{}); err == nil {
		t.Fatal("no error")
	}
	s.hub.vmErr = nil
	if _, err := s.run(w.Answers{}); err != nil {
		t.Fatal(err)
	}
	if s.keys != 1 || s.records.vm.PrivateKey != "sec_1" {
		t.Errorf("%d keys, record has %s", s.keys, s.records.vm.PrivateKey)
	}
}

// The record of a helper VM that is in use stays until the new one is ready.
func TestRecordOfAnotherMachineIsKept(t *testing.T) {
	s := existingScene(t)
	if _, err := s.run(existingAnswers); err != nil {
		t.Fatal(err)
	}
	old := *s.records.vm
	s.hub.vmErr = errors.New("stopped")
	if _, err := s.run(w.Answers{"kind": KindCreate}); err == nil {
		t.Fatal("no error")
	}
	if d := cmp.Diff(old, *s.records.vm); d != "" {
		t.Error(d)
	}
}

func TestDownloadGoesOnAfterACrash(t *testing.T) {
	s := existingScene(t)
	se := s.open(existingAnswers)
	state, err := se.State()
	if err != nil {
		t.Fatal(err)
	}
	// The job was started by a former self and has exited; half of its output
	// was read.
	id := "engine-" + aksengine.Default + "-1"
	s.machine.jobs[id] = &remoteJob{state: "exited", output: []string{"getting it", "downloaded 100 % of 60 MiB"}}
	s.machine.files[".hubwright/downloads/"+aksengine.ArchiveName(aksengine.Default)] = "archive of " + aksengine.Default
	s.log.offsets = map[string]int64{id: 5}
	if _, err := s.resume(state, ""); err != nil {
		t.Fatal(err)
	}
	if len(s.machine.jobs) != 1 {
		t.Errorf("%d jobs: the download was done twice", len(s.machine.jobs))
	}
	if !strings.Contains(s.log.text(), "downloaded 100 %") {
		t.Errorf("the rest of the output is not in the log:\n%s", s.log.text())
	}
}

func TestFailedDownloadIsTriedAgain(t *testing.T) {
	s := existingScene(t)
	s.machine.jobCode = 56
	if _, err := s.run(existingAnswers); codeOf(err) != "helper.download" {
		t.Fatal(err)
	}
	s.machine.jobCode = 0
	s.log = &journal{t: t}
	if _, err := s.run(existingAnswers); err != nil {
		t.Fatal(err)
	}
	if len(s.machine.jobs) != 2 {
		t.Errorf("%d jobs", len(s.machine.jobs))
	}
}

func TestALostConnectionIsNoAnswer(t *testing.T) {
	for losses, want := range map[int]bool{3: true, 4: false} {
		s := existingScene(t)
		s.machine.losses = losses
		if _, err := s.run(existingAnswers); (err == nil) != want {
			t.Errorf("after %d losses: %v", losses, err)
		}
		if !strings.Contains(s.log.text(), "warn: The SSH connection was lost. Asking again.") {
			t.Errorf("the log does not say it:\n%s", s.log.text())
		}
	}
}

func TestHandMadeEngine(t *testing.T) {
	s := existingScene(t)
	s.machine.engines[aksengine.Default] = "canary"
	if _, err := s.run(existingAnswers); err != nil {
		t.Fatal(err)
	}
	if s.records.vm.EngineVersion != aksengine.Default || !strings.Contains(s.log.text(), "warn: It says that it was built by hand") {
		t.Errorf("%+v\n%s", s.records.vm, s.log.text())
	}
}

// Asking for a new key must not lose the one that the VM was made with.
func TestNewKeyDoesNotReplaceTheOneInUse(t *testing.T) {
	s := newScene(t)
	if _, err := s.run(w.Answers{}); err != nil {
		t.Fatal(err)
	}
	s.hub.vmErr = &w.Problem{Code: "helper.key", What: "It was made with another key", Fix: "x"}
	if _, err := s.run(w.Answers{"key": KeyNew}); codeOf(err) != "helper.key" {
		t.Fatal(err)
	}
	if s.records.vm.PrivateKey != "sec_1" || s.records.vm.EngineVersion == "" {
		t.Errorf("record %+v", s.records.vm)
	}
}

func TestArchiveThatLiesThereIsNotSentAgain(t *testing.T) {
	s := existingScene(t)
	body := "archive of " + aksengine.Default
	s.shelf[aksengine.Default] = body
	s.machine.files[".hubwright/downloads/"+aksengine.ArchiveName(aksengine.Default)] = body
	if _, err := s.run(with(existingAnswers, "source", SourceArchive)); err != nil {
		t.Fatal(err)
	}
	if s.machine.uploads != 0 || s.records.vm.EngineVersion != aksengine.Default {
		t.Errorf("%d uploads, %+v", s.machine.uploads, s.records.vm)
	}
}
