package helpervm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

// records are our own records, in memory.
type records struct {
	stack      w.Stack
	site       w.Site
	deployment w.Deployment
	vm         *w.HelperVM
	saves      int
}

func (r *records) Stack(context.Context, string) (w.Stack, error)           { return r.stack, nil }
func (r *records) Site(context.Context, string) (w.Site, error)             { return r.site, nil }
func (r *records) Deployment(context.Context, string) (w.Deployment, error) { return r.deployment, nil }

func (r *records) HelperVM(context.Context, string) (w.HelperVM, error) {
	if r.vm == nil {
		return w.HelperVM{}, w.ErrNotFound
	}
	return *r.vm, nil
}

func (r *records) SaveHelperVM(_ context.Context, vm *w.HelperVM) error {
	r.saves++
	kept := *vm
	r.vm = &kept
	return nil
}

// vault keeps keys in memory.
type vault map[w.SecretRef]string

func (v vault) Seal(_ context.Context, purpose string, plain []byte) (w.SecretRef, error) {
	ref := w.SecretRef(fmt.Sprintf("sec_%d", len(v)+1))
	v[ref] = string(plain)
	return ref, nil
}

func (v vault) Open(_ context.Context, ref w.SecretRef) ([]byte, error) {
	if s, ok := v[ref]; ok {
		return []byte(s), nil
	}
	return nil, errors.New("no such secret")
}

// shelf holds archives.
type shelf map[string]string

func (s shelf) Archive(_ context.Context, version string) (Archive, error) {
	body, ok := s[version]
	if !ok {
		return Archive{}, w.ErrNotFound
	}
	return Archive{Version: version, FileName: aksengine.ArchiveName(version), SHA256: sumOf(body), Size: int64(len(body))}, nil
}

func (s shelf) OpenArchive(_ context.Context, version string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(s[version])), nil
}

// sumOf stands for a checksum: the fake machine makes it the same way.
func sumOf(body string) string { return fmt.Sprintf("%064x", len(body)) }

// journal is a Log that remembers.
type journal struct {
	t       *testing.T
	lines   []string
	doing   []string
	offsets map[string]int64
}

func (j *journal) say(level, format string, args ...any) {
	j.lines = append(j.lines, level+": "+fmt.Sprintf(format, args...))
}

func (j *journal) Info(f string, a ...any)  { j.say("info", f, a...) }
func (j *journal) Warn(f string, a ...any)  { j.say("warn", f, a...) }
func (j *journal) Error(f string, a ...any) { j.say("error", f, a...) }
func (j *journal) Good(f string, a ...any)  { j.say("good", f, a...) }
func (j *journal) Phase(f string, a ...any) { j.say("phase", f, a...) }
func (j *journal) Command(text string)      { j.say("command", "%s", text) }

func (j *journal) Progress(percent int, doing string) {
	if percent < -1 || percent > 100 {
		j.t.Errorf("progress %d", percent)
	}
	j.doing = append(j.doing, doing)
}

func (j *journal) Mask(string) {}

func (j *journal) Cursor(_ context.Context, stream string) (w.Cursor, error) {
	if j.offsets == nil {
		j.offsets = map[string]int64{}
	}
	return &cursor{j, stream}, nil
}

type cursor struct {
	j      *journal
	stream string
}

func (c *cursor) Offset() int64 { return c.j.offsets[c.stream] }

func (c *cursor) Append(_ context.Context, offset int64, lines []w.OutputLine) error {
	c.j.offsets[c.stream] = offset
	for _, l := range lines {
		c.j.say("output", "%s", l.Text)
	}
	return nil
}

func (j *journal) text() string { return strings.Join(j.lines, "\n") }

// scene is a whole small world around the workflow.
type scene struct {
	t       *testing.T
	records *records
	vault   vault
	shelf   shelf
	hub     *hub
	machine *machine
	log     *journal
	now     time.Time
	pauses  int
	keys    int
}

func newScene(t *testing.T) *scene {
	base, _ := aksengine.Find(aksengine.Default)
	return &scene{
		t: t, vault: vault{}, shelf: shelf{}, machine: newMachine(), log: &journal{t: t}, now: time.Unix(1_800_000_000, 0),
		records: &records{
			stack: w.Stack{ID: "stk", Name: "Seattle", Region: "seattle", ARMEndpoint: "https://management.seattle.azurestack.test",
				SubscriptionID: "sub", CABundle: "-----BEGIN CERTIFICATE-----", HTTPSProxy: "http://127.0.0.1:18080"},
			site:       w.Site{ID: "site", DeploymentID: "dep", StackID: "stk", Name: "Seattle"},
			deployment: w.Deployment{ID: "dep", Name: "Ratings"},
		},
		hub: &hub{
			sizes:  []w.VMSize{{Name: "Standard_F2", Cores: 2, MemoryMB: 4096}, {Name: "Standard_A0", Cores: 1, MemoryMB: 768}},
			usages: []w.Usage{{Name: "cores", Title: "cores", Limit: 10}, {Name: "virtualMachines", Title: "VMs", Limit: 5}},
			images: []w.ImageRef{{Publisher: "Canonical", Offer: vm.UsualOffer, SKU: "22_04-lts", Version: "22.04.1"}, base.BaseImage},
		},
	}
}

func (s *scene) needs() Needs {
	return Needs{
		Records: s.records, Vault: s.vault, Archives: s.shelf,
		OpenHub:     func(context.Context, w.Stack) (Hub, error) { return s.hub, nil },
		ScanHostKey: s.machine.scan, Dial: s.machine.dial, Follow: s.machine.follow,
		NewKeyPair: func(comment string) ([]byte, string, error) {
			s.keys++
			return []byte("private of ssh-rsa KEY" + fmt.Sprint(s.keys)), "ssh-rsa KEY" + fmt.Sprint(s.keys) + " " + comment, nil
		},
		PublicKey: func(private []byte) (string, error) {
			public, ok := strings.CutPrefix(string(private), "private of ")
			if !ok {
				return "", &w.Problem{Code: "ssh.key", What: "This is no private key", Fix: "Paste one."}
			}
			return public, nil
		},
		Quote: func(args ...string) string {
			var out []string
			for _, a := range args {
				out = append(out, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
			}
			return strings.Join(out, " ")
		},
		Clock: func() time.Time { return s.now },
		Pause: func(ctx context.Context, d time.Duration) error {
			s.now = s.now.Add(d)
			s.pauses++
			return ctx.Err()
		},
	}
}

func (s *scene) definition() w.Definition { return New(s.needs()).Erase() }

func (s *scene) open(a w.Answers) w.Session {
	s.t.Helper()
	se, err := s.definition().Open(s.t.Context(), w.Target{DeploymentID: "dep", SiteID: "site", StackID: "stk"}, a)
	if err != nil {
		s.t.Fatal(err)
	}
	return se
}

// run goes through all steps as the engine does: the state is written and
// read between them.
func (s *scene) run(a w.Answers) (w.Result, error) {
	s.t.Helper()
	se := s.open(a)
	if errs := se.Errors(); len(errs) > 0 {
		s.t.Fatalf("answers: %v", errs)
	}
	state, err := se.State()
	if err != nil {
		s.t.Fatal(err)
	}
	return s.resume(state, "")
}

func (s *scene) resume(state []byte, from string) (w.Result, error) {
	s.t.Helper()
	def := s.definition()
	for _, step := range def.Info().Steps {
		if from != "" && step.ID != from {
			continue
		}
		from = ""
		ex, err := def.Resume(state)
		if err != nil {
			s.t.Fatal(err)
		}
		if !ex.Applies(step.ID) {
			continue
		}
		if err := ex.Run(s.t.Context(), step.ID, s.log); err != nil {
			return w.Result{}, fmt.Errorf("step %s: %w", step.ID, err)
		}
		if state, err = ex.State(); err != nil {
			s.t.Fatal(err)
		}
		for _, secret := range s.vault {
			if bytes.Contains(state, []byte(secret)) {
				s.t.Errorf("after %s the state holds a secret", step.ID)
			}
		}
	}
	ex, err := def.Resume(state)
	if err != nil {
		s.t.Fatal(err)
	}
	return ex.Result(), nil
}

func codeOf(err error) string {
	var p *w.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}
