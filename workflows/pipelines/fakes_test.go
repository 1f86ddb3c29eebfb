package pipelines

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
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
	pods     agentSet

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

	// The Hub
	groups  map[string]bool // resource groups; true: with something of others
	parts   []w.VMPart      // of VMs of ours
	specs   []vm.Spec       // of VMs that were made
	ensured int             // how often the network was
	full    bool            // no quota
}

func newBed(t *testing.T) *bed {
	b := &bed{t: t, now: today, helper: true, kept: map[string][]byte{}, there: map[string]bool{}, fails: map[string]error{}, files: map[string]bool{}, jobs: map[string]string{}, groups: map[string]bool{}, pods: agentSet{secrets: map[string]map[string]string{}},
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
		OpenHub:    func(_ context.Context, s w.Stack) (Hub, error) { return hub{b}, b.fails["hub"] },
		NewKeyPair: func(string) ([]byte, string, error) { return []byte("private"), "ssh-rsa PUBLIC", nil },
		PublicKey:  func(private []byte) (string, error) { return "ssh-rsa PUBLIC of " + string(private), nil },
		Dial: func(_ context.Context, t Target) (Host, error) {
			b.dialled = append(b.dialled, t)
			if err := b.fails["dial"]; err != nil {
				return nil, err
			}
			b.open++
			return host{b}, nil
		},
		Chart:        func(name string) (w.Chart, error) { return w.Chart{Name: name, Digest: "d"}, nil },
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
	return w.Stack{ID: "stk", Name: "Seattle", Region: "seattle", ARMEndpoint: "https://management.seattle.azurestack.test", SubscriptionID: "sub", HTTPSProxy: "http://127.0.0.1:3128"}, nil
}

func (r records) ClusterOfSite(context.Context, string) (w.Cluster, error) {
	return w.Cluster{ID: "clu", SiteID: "sit", Name: "ratings-sea", Kubeconfig: "admin"}, nil
}

func (r records) HelperVM(context.Context, string) (w.HelperVM, error) {
	if !r.b.helper {
		return w.HelperVM{}, w.ErrNotFound
	}
	return w.HelperVM{SiteID: "sit", HostKey: "k", ResourceGroup: "help", VMName: "helper"}, nil
}

func (r records) Deployment(context.Context, string) (w.Deployment, error) {
	return w.Deployment{ID: "dep", Name: "Ratings"}, nil
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
