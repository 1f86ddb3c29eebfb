package pipelines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	w "hubwright/workflows"
)

var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const theToken = "pat-0123456789"

// bed is the world of the workflow.
type bed struct {
	t      *testing.T
	now    time.Time
	log    log
	con    w.Connection
	helper bool
	kept   map[string][]byte // of the vault
	row    *w.ServiceConnection
	open   int // not closed yet

	// Azure DevOps
	endpoints []Endpoint
	sent      []Spec
	projects  []Project
	pools     []Pool
	queues    []string
	granted   bool
	agents    []Agent
	fails     map[string]error // by method
	unready   int              // how often an endpoint is not ready when read

	// The cluster
	accounts int
	there    map[string]bool // accounts
	deleted  []string
	denied   string // resource

	// The helper VM
	files   map[string]bool
	own     int               // ID in the agent's folder
	ids     int               // of agents, given so far
	calls   int               // of the world outside
	dieAt   int               // call at which the server dies
	hear    func()            // at each call; may cancel
	jobs    map[string]string // states
	scripts []string
	stdin   []string
	systemd bool
	config  Output // of config.sh; zero registers
	deaf    bool   // the agent starts and is never online
	pauses  int
	dialled []Target
}

func newBed(t *testing.T) *bed {
	b := &bed{t: t, now: today, helper: true, kept: map[string][]byte{}, there: map[string]bool{}, fails: map[string]error{}, files: map[string]bool{}, jobs: map[string]string{},
		con:      w.Connection{ID: "con_1", Name: "Contoso", Kind: w.ConnectionDevOps, Endpoint: "https://dev.azure.com/contoso", Credential: w.Credential{Method: w.AuthToken, Secret: "pat"}, CABundle: "ROOTS"},
		projects: []Project{{"p-1", "Ratings"}, {"p-2", "Platform"}}, pools: []Pool{{ID: 1, Name: "Default"}, {ID: 9, Name: "Azure Pipelines", Hosted: true}},
	}
	b.kept["pat"], b.kept["admin"] = []byte(theToken), []byte("server=https://ratings.seattle.test token= context=admin")
	t.Cleanup(func() {
		if b.open != 0 {
			t.Errorf("%d connections were left open", b.open)
		}
	})
	return b
}

func (b *bed) definition() w.Definition {
	return New(Needs{
		Records: records{b}, Vault: vault{b}, Clock: func() time.Time { return b.now },
		OpenDevOps: func(_ context.Context, c w.Connection) (Organization, error) {
			if c.ID != "con_1" {
				b.t.Errorf("opened %+v", c)
			}
			b.open++
			return organization{b}, b.fails["open"]
		},
		OpenKube: func(_ context.Context, raw []byte, _ w.Stack, _ string) (Kube, error) {
			b.open++
			return kube{b, string(raw)}, nil
		},
		OpenHelper: func(context.Context, string) (Host, error) { b.open++; return host{b}, nil },
		ScanHostKey: func(context.Context, Target) (string, string, error) {
			return "ssh-ed25519 AAAA", "SHA256:abc", nil
		},
		Dial: func(_ context.Context, t Target) (Host, error) {
			b.dialled = append(b.dialled, t)
			b.open++
			return host{b}, nil
		},
		DeployerRole: func(ns string) ([]byte, error) { return []byte("the role in " + ns), nil },
		Credential: func(raw []byte) (Credential, error) {
			f := strings.Fields(string(raw))
			cut := func(i int) string { _, v, _ := strings.Cut(f[i], "="); return v }
			return Credential{Server: cut(0), Token: cut(1), Context: cut(2), CA: []byte("CA")}, nil
		},
		Quote: func(args ...string) string { return strings.Join(args, " ") },
		Pause: func(ctx context.Context, d time.Duration) error { b.pauses++; b.now = b.now.Add(d); return ctx.Err() },
	})
}

// died is what the server does at a call of the world outside.
type died struct{}

// tick counts a call. What was asked before it has happened, and nothing of it.
func (b *bed) tick(ctx context.Context) error {
	if b.calls++; b.calls == b.dieAt {
		panic(died{})
	}
	if b.hear != nil {
		b.hear()
	}
	return ctx.Err()
}

func (b *bed) session(a w.Answers) w.Session {
	b.t.Helper()
	s, err := b.definition().Open(b.t.Context(), w.Target{SiteID: "sit"}, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bed) start(a w.Answers) w.Execution {
	b.t.Helper()
	s := b.session(a)
	if errs := s.Errors(); len(errs) > 0 {
		b.t.Fatalf("%v", errs)
	}
	state, err := s.State()
	if err != nil {
		b.t.Fatal(err)
	}
	return b.resume(state)
}

func (b *bed) resume(state []byte) w.Execution {
	b.t.Helper()
	x, err := b.definition().Resume(state)
	if err != nil {
		b.t.Fatal(err)
	}
	return x
}

// all runs every step twice: the first time the process dies before the step's
// state is stored, and so the second begins where the first did.
func (b *bed) all(x w.Execution) (w.Execution, error) {
	b.t.Helper()
	for _, step := range b.definition().Info().Steps {
		if !x.Applies(step.ID) {
			continue
		}
		before := b.state(x)
		if err := x.Run(b.t.Context(), step.ID, &b.log); err != nil {
			return x, err
		}
		x = b.resume(before)
		if err := x.Run(b.t.Context(), step.ID, &b.log); err != nil {
			return x, fmt.Errorf("again: %w", err)
		}
		x = b.resume(b.state(x))
	}
	return x, nil
}

func (b *bed) done(a w.Answers) w.Execution {
	b.t.Helper()
	x, err := b.all(b.start(a))
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.log.text)
	}
	return x
}

func (b *bed) state(x w.Execution) []byte {
	b.t.Helper()
	raw, err := x.State()
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.Contains(string(raw), theToken) || strings.Contains(string(raw), "jwt-") {
		b.t.Errorf("a secret is in the state: %s", raw)
	}
	return raw
}

type records struct{ b *bed }

func (r records) Site(context.Context, string) (w.Site, error) {
	return w.Site{ID: "sit", StackID: "stk", Name: "Seattle"}, nil
}
func (r records) Stack(context.Context, string) (w.Stack, error) {
	return w.Stack{ID: "stk", Name: "Seattle", HTTPSProxy: "http://127.0.0.1:3128"}, nil
}
func (r records) ClusterOfSite(context.Context, string) (w.Cluster, error) {
	return w.Cluster{ID: "clu", SiteID: "sit", Name: "ratings-sea", Kubeconfig: "admin"}, nil
}
func (r records) HelperVM(context.Context, string) (w.HelperVM, error) {
	if !r.b.helper {
		return w.HelperVM{}, w.ErrNotFound
	}
	return w.HelperVM{SiteID: "sit", HostKey: "k"}, nil
}
func (r records) Connection(_ context.Context, id string) (w.Connection, error) {
	if id != r.b.con.ID {
		return w.Connection{}, w.ErrNotFound
	}
	return r.b.con, nil
}
func (r records) Connections(context.Context) ([]w.Connection, error) {
	return []w.Connection{{ID: "con_0", Kind: w.ConnectionAzure}, r.b.con}, nil
}
func (r records) ServiceConnection(context.Context, string) (w.ServiceConnection, error) {
	if r.b.row == nil {
		return w.ServiceConnection{}, w.ErrNotFound
	}
	return *r.b.row, nil
}
func (r records) SaveServiceConnection(ctx context.Context, s *w.ServiceConnection) error {
	if err := r.b.tick(ctx); err != nil {
		return err
	}
	row := *s
	r.b.row = &row
	return nil
}
func (r records) DeleteServiceConnection(ctx context.Context, _ string) error {
	if err := r.b.tick(ctx); err != nil {
		return err
	}
	r.b.row = nil
	return nil
}

type vault struct{ b *bed }

func (v vault) Open(_ context.Context, ref w.SecretRef) ([]byte, error) {
	if plain, ok := v.b.kept[string(ref)]; ok {
		return plain, nil
	}
	return nil, w.ErrNotFound
}
func (v vault) Seal(_ context.Context, purpose string, plain []byte) (w.SecretRef, error) {
	ref := fmt.Sprint("sec_", len(v.b.kept))
	v.b.kept[ref] = plain
	return w.SecretRef(ref), nil
}

type organization struct{ b *bed }

func (o organization) Close()      { o.b.open-- }
func (o organization) URL() string { return o.b.con.Endpoint }
func (o organization) Projects(ctx context.Context) ([]Project, error) {
	if err := o.b.tick(ctx); err != nil {
		return nil, err
	}
	return o.b.projects, o.b.fails["projects"]
}
func (o organization) Project(ctx context.Context, name string) (Project, error) {
	if err := o.b.tick(ctx); err != nil {
		return Project{}, err
	}
	for _, p := range o.b.projects {
		if p.Name == name || p.ID == name {
			return p, o.b.fails["project"]
		}
	}
	return Project{}, &w.Problem{Code: "devops.project", What: "The project is not there"}
}
func (o organization) EndpointByName(ctx context.Context, projectID, name string) (*Endpoint, error) {
	if err := o.b.tick(ctx); err != nil {
		return nil, err
	}
	for _, e := range o.b.endpoints {
		if e.Name == name && slices.Contains(e.Projects, projectID) {
			return &e, nil
		}
	}
	return nil, o.b.fails["find"]
}
func (o organization) Endpoint(ctx context.Context, _, id string) (*Endpoint, error) {
	if err := o.b.tick(ctx); err != nil {
		return nil, err
	}
	for _, e := range o.b.endpoints {
		if e.ID == id {
			if o.b.unready > 0 {
				o.b.unready--
				e.Ready, e.State = false, "InProgress"
			}
			return &e, nil
		}
	}
	return nil, nil
}
func (o organization) CreateEndpoint(ctx context.Context, s Spec) (Endpoint, error) {
	if err := o.b.tick(ctx); err != nil {
		return Endpoint{}, err
	}
	if err := o.b.fails["create"]; err != nil {
		return Endpoint{}, err
	}
	e := Endpoint{ID: fmt.Sprint("e-", len(o.b.sent)), Name: s.Name, Type: "kubernetes", URL: s.Server, Ready: true, Projects: []string{s.Project.ID}}
	o.b.endpoints, o.b.sent = append(o.b.endpoints, e), append(o.b.sent, s)
	return e, nil
}
func (o organization) UpdateEndpoint(ctx context.Context, id string, s Spec) (Endpoint, error) {
	if err := o.b.tick(ctx); err != nil {
		return Endpoint{}, err
	}
	o.b.sent = append(o.b.sent, s)
	for i := range o.b.endpoints {
		if o.b.endpoints[i].ID == id {
			o.b.endpoints[i].Ready = true
			return o.b.endpoints[i], o.b.fails["update"]
		}
	}
	return Endpoint{}, errors.New("no such endpoint")
}
func (o organization) ShareEndpoint(ctx context.Context, id, _ string, p Project) error {
	if err := o.b.tick(ctx); err != nil {
		return err
	}
	for i := range o.b.endpoints {
		if o.b.endpoints[i].ID == id {
			o.b.endpoints[i].Projects = append(o.b.endpoints[i].Projects, p.ID)
		}
	}
	return o.b.fails["share"]
}
func (o organization) DeleteEndpoint(ctx context.Context, id string, projects []string) error {
	if err := o.b.tick(ctx); err != nil {
		return err
	}
	for i, e := range o.b.endpoints {
		if e.ID == id && slices.Equal(e.Projects, projects) {
			o.b.endpoints = slices.Delete(o.b.endpoints, i, i+1)
			return nil
		}
	}
	return o.b.fails["delete"]
}
func (o organization) OpenToAll(ctx context.Context, _ string, _ string) (bool, error) {
	if err := o.b.tick(ctx); err != nil {
		return false, err
	}
	return o.b.granted, nil
}
func (o organization) OpenForAll(ctx context.Context, _ string, _ string) error {
	if err := o.b.tick(ctx); err != nil {
		return err
	}
	o.b.granted = true
	return nil
}
func (o organization) Pools(ctx context.Context) ([]Pool, error) {
	if err := o.b.tick(ctx); err != nil {
		return nil, err
	}
	return o.b.pools, nil
}
func (o organization) HasQueue(ctx context.Context, _ string, p Pool) (bool, error) {
	if err := o.b.tick(ctx); err != nil {
		return false, err
	}
	return slices.Contains(o.b.queues, p.Name), nil
}
func (o organization) AddQueue(ctx context.Context, _ string, p Pool) error {
	if err := o.b.tick(ctx); err != nil {
		return err
	}
	o.b.queues = append(o.b.queues, p.Name)
	return nil
}
func (o organization) Agent(ctx context.Context, _ int, name string) (*Agent, error) {
	if err := o.b.tick(ctx); err != nil {
		return nil, err
	}
	for _, a := range o.b.agents {
		if a.Name == name {
			return &a, nil
		}
	}
	return nil, nil
}
func (o organization) RemoveAgent(ctx context.Context, _, id int) error {
	if err := o.b.tick(ctx); err != nil {
		return err
	}
	o.b.agents = slices.DeleteFunc(o.b.agents, func(a Agent) bool { return a.ID == id })
	return nil
}
func (o organization) AgentPackage(ctx context.Context) (Package, error) {
	if err := o.b.tick(ctx); err != nil {
		return Package{}, err
	}
	return Package{Version: "4.261.0", URL: "https://download.test/agent.tar.gz", SHA256: "ab"}, o.b.fails["package"]
}

type kube struct {
	b   *bed
	raw string
}

func (k kube) Close() error { k.b.open--; return nil }
func (k kube) ServerVersion(ctx context.Context) (string, error) {
	if err := k.b.tick(ctx); err != nil {
		return "", err
	}
	return "v1.33.10", nil
}
func (k kube) EnsureAccount(ctx context.Context, a Account) (Access, error) {
	if err := k.b.tick(ctx); err != nil {
		return Access{}, err
	}
	k.b.accounts++
	k.b.there[a.Namespace+"/"+a.Name] = true
	raw := fmt.Sprintf("server=https://ratings.seattle.test token=jwt-%d context=%s", k.b.accounts, a.Name)
	return Access{Kubeconfig: []byte(raw), Expires: k.b.now.Add(a.TTL), Existed: k.b.accounts > 1}, nil
}
func (k kube) DeleteAccount(ctx context.Context, namespace, name string) error {
	if err := k.b.tick(ctx); err != nil {
		return err
	}
	delete(k.b.there, namespace+"/"+name)
	k.b.deleted = append(k.b.deleted, namespace+"/"+name)
	return nil
}
func (k kube) Can(ctx context.Context, namespace, _, _, resource string) (bool, error) {
	if err := k.b.tick(ctx); err != nil {
		return false, err
	}
	return resource != k.b.denied && (namespace != "" || strings.Contains(k.raw, "context=admin")), nil
}

type host struct{ b *bed }

func (h host) Close() error { h.b.open--; return nil }
func (h host) Run(ctx context.Context, script string, stdin io.Reader) (Output, error) {
	if err := h.b.tick(ctx); err != nil {
		return Output{}, err
	}
	in, _ := io.ReadAll(stdin)
	h.b.scripts, h.b.stdin = append(h.b.scripts, script), append(h.b.stdin, string(in))
	is := func(ok bool) Output { return Output{ExitCode: map[bool]int{true: 0, false: 1}[ok]} }
	switch {
	case strings.Contains(script, "register.sh"):
		if h.b.config.ExitCode == 0 {
			h.b.ids++
			h.b.agents = []Agent{{ID: h.b.ids, Name: "seattle-agent", Version: "4.261.0", Enabled: true}}
			if err := h.b.tick(ctx); err != nil { // Azure DevOps has it, the folder not
				return Output{}, err
			}
			h.b.own = h.b.ids
		}
		return h.b.config, nil
	case strings.Contains(script, "service.sh"):
		if !h.b.systemd {
			return Output{ExitCode: 91}, nil
		}
		h.online()
		return Output{}, nil
	case strings.Contains(script, "remove.sh"):
		h.b.files, h.b.own, h.b.agents = map[string]bool{}, 0, nil
		return Output{}, nil
	case strings.Contains(script, "/.agent"):
		return Output{Stdout: fmt.Sprintln(h.b.own)}, nil
	case strings.Contains(script, "/config.sh\" ]"):
		return is(h.b.files["config.sh"]), nil
	}
	return Output{}, nil
}

func (h host) online() {
	for i := range h.b.agents {
		h.b.agents[i].Online = !h.b.deaf && h.b.agents[i].ID == h.b.own
	}
}

func (h host) StartJob(ctx context.Context, j Job) (bool, error) {
	if err := h.b.tick(ctx); err != nil {
		return false, err
	}
	if strings.Contains(strings.Join(j.Argv, " ")+fmt.Sprint(j.Env), theToken) {
		h.b.t.Errorf("the job %s has the token", j.ID)
	}
	h.b.jobs[j.ID] = "running"
	if strings.Contains(j.ID, "download") {
		h.b.jobs[j.ID], h.b.files["config.sh"] = "exited", true
	} else {
		h.online()
	}
	return true, nil
}
func (h host) JobState(ctx context.Context, id string) (string, int, int64, error) {
	if err := h.b.tick(ctx); err != nil {
		return "", 0, 0, err
	}
	if st := h.b.jobs[id]; st != "" {
		return st, 0, 0, nil
	}
	return "absent", 0, 0, nil
}
func (h host) SignalJob(ctx context.Context, id, signal string) error {
	if err := h.b.tick(ctx); err != nil {
		return err
	}
	h.b.jobs[id] = "exited"
	return nil
}

// log keeps what steps say.
type log struct{ text string }

func (l *log) add(level, f string, a ...any) { l.text += level + " " + fmt.Sprintf(f, a...) + "\n" }
func (l *log) Info(f string, a ...any)       { l.add("info", f, a...) }
func (l *log) Warn(f string, a ...any)       { l.add("warn", f, a...) }
func (l *log) Error(f string, a ...any)      { l.add("error", f, a...) }
func (l *log) Good(f string, a ...any)       { l.add("good", f, a...) }
func (l *log) Phase(f string, a ...any)      { l.add("phase", f, a...) }
func (l *log) Command(text string)           { l.add("command", "%s", text) }
func (l *log) Progress(int, string)          {}
func (l *log) Mask(string)                   {}
func (l *log) Cursor(context.Context, string) (w.Cursor, error) {
	return nil, errors.New("nothing is followed here")
}
