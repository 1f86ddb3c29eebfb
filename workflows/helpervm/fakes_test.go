package helpervm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
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

// hub is a Hub that remembers what was made on it.
type hub struct {
	loginErr, err error
	usages        []w.Usage
	sizes         []w.VMSize
	images        []w.ImageRef
	taken, by     string
	group         map[string]string // tags, nil: no group
	made          map[string]bool
	specs         []Spec
	vmErr         error
}

func (h *hub) Login(context.Context) error               { return h.loginErr }
func (h *hub) Usages(context.Context) ([]w.Usage, error) { return h.usages, h.err }
func (h *hub) Sizes(context.Context) ([]w.VMSize, error) { return h.sizes, h.err }
func (h *hub) Images(_ context.Context, publisher string) ([]w.ImageRef, error) {
	var out []w.ImageRef
	for _, i := range h.images {
		if i.Publisher == publisher {
			out = append(out, i)
		}
	}
	return out, h.err
}
func (h *hub) HasImage(_ context.Context, ref w.ImageRef) (bool, []string, error) {
	var available []string
	found := false
	for _, i := range h.images {
		if i.Publisher == ref.Publisher && i.Offer == ref.Offer && i.SKU == ref.SKU {
			available = append(available, i.Version)
			found = found || i.Version == ref.Version || ref.Version == "latest"
		}
	}
	return found, available, h.err
}
func (h *hub) DNSLabelTaken(_ context.Context, label string) (bool, string, error) {
	return label == h.taken, h.by, h.err
}
func (h *hub) ResourceGroupTags(context.Context, string) (bool, map[string]string, error) {
	return h.group != nil, h.group, h.err
}
func (h *hub) VMs(context.Context, string) ([]w.VM, error) {
	var out []w.VM
	for name := range h.made {
		if vm, ok := strings.CutPrefix(name, "vm "); ok {
			out = append(out, w.VM{Name: vm})
		}
	}
	return out, h.err
}
func (h *hub) PublicIP(context.Context, string, string) (string, string, error) {
	return "127.0.10.1", "ratings-seattle-helper.seattle.cloudapp.azurestack.test", h.err
}
func (h *hub) EnsureHelperNetwork(_ context.Context, s Spec, report func(int, string, bool, bool)) error {
	if h.err != nil {
		return h.err
	}
	h.specs = append(h.specs, s)
	report(0, "virtual network "+s.Network, false, false)
	report(100, "virtual network "+s.Network, true, h.make("net "+s.Network))
	return nil
}
func (h *hub) EnsureHelperVM(_ context.Context, s Spec) (string, error) {
	if h.vmErr != nil {
		return "", h.vmErr
	}
	if h.make("vm " + s.VM) {
		return "created", nil
	}
	return "", nil
}
func (h *hub) make(what string) bool {
	if h.made[what] {
		return false
	}
	if h.made == nil {
		h.made = map[string]bool{}
	}
	h.made[what] = true
	return true
}

// machine is a host that understands the scripts that we send.
type machine struct {
	key       string // host key
	scanErr   []error
	dialErr   []error
	facts     string
	stderr    string
	factsCode int
	engines   map[string]string // version folder → what it says
	files     map[string]string
	jobs      map[string]*remoteJob
	jobCode   int // how jobs end
	ca        string
	httpCode  string
	curlErr   string
	losses    int      // how often the connection ends while the engine is asked what it makes
	changing  []string // scripts and calls that change something
	dials     []Target
	uploads   int
}

type remoteJob struct {
	state  string
	output []string
}

const linuxFacts = "kernel=Linux\nmachine=x86_64\nos=Ubuntu 22.04.5 LTS\nhome=/home/azureuser\nfree=9000000\n"

func newMachine() *machine {
	return &machine{key: "ssh-ed25519 HOSTKEY", facts: linuxFacts, engines: map[string]string{},
		files: map[string]string{}, jobs: map[string]*remoteJob{}, httpCode: "200"}
}

func (m *machine) scan(context.Context, Target) (string, string, error) {
	if err := pop(&m.scanErr); err != nil {
		return "", "", err
	}
	return m.key, "SHA256:" + strings.TrimPrefix(m.key, "ssh-ed25519 "), nil
}

func (m *machine) dial(_ context.Context, t Target) (Host, error) {
	m.dials = append(m.dials, t)
	if err := pop(&m.dialErr); err != nil {
		return nil, err
	}
	if keyBody(t.HostKey) != m.key {
		return nil, &w.Problem{Code: "ssh.hostkey", What: "dialled with the wrong host key", Fix: "x"}
	}
	return m, nil
}

func pop(list *[]error) error {
	if len(*list) == 0 {
		return nil
	}
	err := (*list)[0]
	*list = (*list)[1:]
	return err
}

func (m *machine) Close() error { return nil }

func (m *machine) Run(_ context.Context, script string, stdin io.Reader) (Output, error) {
	switch {
	case strings.Contains(script, "uname -s"):
		return Output{Stdout: m.facts, Stderr: m.stderr, ExitCode: m.factsCode}, nil
	case strings.Contains(script, "hub-ca.pem"):
		given, _ := io.ReadAll(stdin)
		if string(given) == m.ca {
			return Output{Stdout: "system=same\nbundle=same\n"}, nil
		}
		m.ca = string(given)
		m.changing = append(m.changing, "ca")
		return Output{Stdout: "system=none\nbundle=changed\n"}, nil
	case strings.Contains(script, "metadata/endpoints"), strings.Contains(script, "https://github.com/"):
		if m.curlErr != "" {
			return Output{Stderr: m.curlErr, ExitCode: 7}, nil
		}
		return Output{Stdout: m.httpCode}, nil
	case strings.HasPrefix(script, "sha256sum"):
		if body, ok := m.files[between(script, `$HOME/`, `"`)]; ok {
			return Output{Stdout: sumOf(body) + "\n"}, nil
		}
		return Output{}, nil
	case strings.Contains(script, "tar -tzf"):
		return m.unpack(script)
	case strings.HasSuffix(script, " version"):
		if says := m.engines[versionIn(script)]; says != "" {
			return Output{Stdout: "Version: " + says + "\nGitCommit: x\n"}, nil
		}
		return Output{Stderr: "sh: not found", ExitCode: 127}, nil
	case strings.Contains(script, " get-versions --azure-env AzureStackCloud -o json"):
		if m.losses > 0 {
			m.losses--
			return Output{}, &w.Problem{Code: "ssh.lost", What: "The SSH connection was lost"}
		}
		return Output{Stdout: `{"orchestrators":[{"orchestratorVersion":"1.33.10","default":true,"upgrades":[{"orchestratorVersion":"1.34.4"}]},{"orchestratorVersion":"1.34.4"}]}`}, nil
	}
	return Output{}, fmt.Errorf("unexpected script: %s", script)
}

func (m *machine) unpack(script string) (Output, error) {
	archive := strings.TrimPrefix(between(script, "set -- '", "'"), "/home/azureuser/")
	body, ok := m.files[archive]
	if !ok {
		return Output{Stderr: "tar: cannot open", ExitCode: 2}, nil
	}
	m.changing = append(m.changing, "unpack")
	version := versionIn(script)
	m.engines[version] = strings.TrimPrefix(body, "archive of ")
	return Output{Stdout: "unpacked\n"}, nil
}

func versionIn(script string) string { return between(script, ".hubwright/engine/", `/'"`) }

// between is what stands behind begin, up to any character of end.
func between(s, begin, end string) string {
	_, rest, ok := strings.Cut(s, begin)
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, end); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

func (m *machine) Upload(_ context.Context, path string, _ os.FileMode, _ int64, r io.Reader, progress func(int64)) error {
	var b bytes.Buffer
	if _, err := io.Copy(&b, r); err != nil {
		return err
	}
	progress(int64(b.Len()))
	m.files[path] = b.String()
	m.uploads++
	m.changing = append(m.changing, "upload")
	return nil
}

func (m *machine) StartJob(_ context.Context, j Job) (bool, error) {
	if m.jobs[j.ID] != nil {
		return false, nil
	}
	m.changing = append(m.changing, "job "+j.ID)
	m.jobs[j.ID] = &remoteJob{state: "running", output: []string{"getting it", "downloaded 50 % of 60 MiB"}}
	return true, nil
}

func (m *machine) JobState(_ context.Context, id string) (string, int, int64, error) {
	j := m.jobs[id]
	if j == nil {
		return "absent", 0, 0, nil
	}
	return j.state, m.jobCode, int64(len(strings.Join(j.output, "\n"))), nil
}

// follow lets a job run to its end: then the archive lies there.
func (m *machine) follow(ctx context.Context, _ Target, id string, cur w.Cursor, onLine, _ func(string)) (int, error) {
	j := m.jobs[id]
	if j == nil {
		return 0, errors.New("no such job")
	}
	j.state = "exited"
	var lines []w.OutputLine
	for _, l := range j.output {
		onLine(l)
		lines = append(lines, w.OutputLine{Level: w.LevelOutput, Text: l})
	}
	if err := cur.Append(ctx, int64(len(strings.Join(j.output, "\n"))), lines); err != nil {
		return 0, err
	}
	if m.jobCode == 0 {
		version := between(id, "engine-", "")
		version = version[:strings.LastIndex(version, "-")]
		m.files[".hubwright/downloads/"+aksengine.ArchiveName(version)] = "archive of " + version
	}
	return m.jobCode, nil
}

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
			images: []w.ImageRef{{Publisher: "Canonical", Offer: usualOffer, SKU: "22_04-lts", Version: "22.04.1"}, base.BaseImage},
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
