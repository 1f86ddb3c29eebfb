package connect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	w "hubwright/workflows"
)

var (
	today   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	distant = &w.Problem{Code: "net.timeout", What: "There was no answer from the API server in time", Why: "Packets are dropped", Fix: "Look at the firewall."}
)

// bed is the world of the workflow, and the cluster in it.
type bed struct {
	t       *testing.T
	cluster w.Cluster
	missing bool // there is no cluster
	saves   int
	sealed  []string
	ways    []string // asked for, in order
	open    int      // not closed yet

	direct, helper error // what is wrong with a way
	version        string
	nodes          func() ([]w.Node, error)
	components     []w.Component
	certificate    error
	ends           time.Time
	accounts       []Account
	life           time.Duration // the longest that the API server gives; 0: as asked
	existed        bool
	pauses         int
	log            log
}

func newBed(t *testing.T) *bed {
	b := &bed{t: t, version: "v1.33.10", ends: today.AddDate(30, 0, 0),
		cluster: w.Cluster{ID: "clu", SiteID: "sit", Name: "ratings-sea", NameSuffix: "35064155", FQDN: "ratings-sea.seattle.test", Version: "1.33.10",
			MasterCount: 3, Pools: []w.NodePool{{Name: "linuxpool", Count: 2}}, AdminUser: "azureuser", Kubeconfig: "sec_admin"},
		components: []w.Component{{Name: "etcd", Healthy: true, Message: "ok"}},
	}
	b.nodes = func() ([]w.Node, error) { return b.ready(5), nil }
	t.Cleanup(func() {
		if b.open != 0 {
			t.Errorf("%d connections to the cluster were left open", b.open)
		}
	})
	return b
}

// ready are the five nodes, of which the first n are Ready.
func (b *bed) ready(n int) []w.Node {
	var out []w.Node
	for i := range 5 {
		out = append(out, w.Node{Name: fmt.Sprint("node-", i), Ready: i < n})
	}
	return out
}

func (b *bed) definition() w.Definition {
	return New(Needs{
		Records: records{b}, Vault: vault{b}, OpenKube: b.openKube, Clock: func() time.Time { return today },
		Validate: func(raw []byte) error {
			if string(raw) != "the-admins-kubeconfig" {
				return errors.New("another kubeconfig")
			}
			return nil
		},
		DeployerRole: func(ns string) ([]byte, error) { return []byte("the role in " + ns), nil },
		Table:        func(nodes []w.Node, _ time.Time) string { return fmt.Sprintf("NAME STATUS\n%d rows", len(nodes)) },
		Pause:        func(ctx context.Context, _ time.Duration) error { b.pauses++; return ctx.Err() },
	})
}

// session is the wizard with the answers.
func (b *bed) session(a w.Answers) w.Session {
	b.t.Helper()
	s, err := b.definition().Open(b.t.Context(), w.Target{SiteID: "sit"}, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// start is a run with the answers.
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

// all runs every step that applies. Between two steps the process dies: only
// the stored state goes on.
func (b *bed) all(x w.Execution) w.Execution {
	b.t.Helper()
	for _, step := range b.definition().Info().Steps {
		if !x.Applies(step.ID) {
			continue
		}
		if err := x.Run(b.t.Context(), step.ID, &b.log); err != nil {
			b.t.Fatalf("%s: %v", step.ID, err)
		}
		x = b.resume(b.state(x))
	}
	return x
}

func (b *bed) state(x w.Execution) []byte {
	b.t.Helper()
	raw, err := x.State()
	if err != nil {
		b.t.Fatal(err)
	}
	return raw
}

func (b *bed) logged(parts ...string) {
	b.t.Helper()
	for _, p := range parts {
		if !strings.Contains(b.log.text, p) {
			b.t.Errorf("no %q in\n%s", p, b.log.text)
		}
	}
}

func (b *bed) openKube(_ context.Context, raw []byte, s w.Stack, siteID, way string) (Kube, error) {
	if string(raw) != "the-admins-kubeconfig" || s.ID != "stk" || siteID != "sit" {
		b.t.Errorf("opened with %q, %q, %q", raw, s.ID, siteID)
	}
	b.ways = append(b.ways, way)
	k := &kube{b: b, via: way == WayHelper}
	if way == WayAuto && b.direct != nil {
		k.via, k.notDirect = true, b.direct.Error()
	}
	if k.via && b.helper != nil {
		return nil, b.helper
	}
	b.open++
	return k, nil
}

type records struct{ b *bed }

func (r records) Site(context.Context, string) (w.Site, error) {
	return w.Site{ID: "sit", StackID: "stk", Name: "Seattle"}, nil
}
func (r records) Stack(context.Context, string) (w.Stack, error) {
	return w.Stack{ID: "stk", Name: "Seattle", HTTPSProxy: "http://127.0.0.1:3128"}, nil
}
func (r records) ClusterOfSite(context.Context, string) (w.Cluster, error) {
	if r.b.missing {
		return w.Cluster{}, w.ErrNotFound
	}
	return r.b.cluster, nil
}
func (r records) SaveCluster(_ context.Context, c *w.Cluster) error {
	r.b.saves++
	r.b.cluster = *c
	return nil
}

type vault struct{ b *bed }

func (v vault) Open(context.Context, w.SecretRef) ([]byte, error) {
	return []byte("the-admins-kubeconfig"), nil
}
func (v vault) Seal(_ context.Context, purpose string, plain []byte) (w.SecretRef, error) {
	v.b.sealed = append(v.b.sealed, purpose+": "+string(plain))
	return w.SecretRef(fmt.Sprint("sec_", len(v.b.sealed))), nil
}

type kube struct {
	b         *bed
	via       bool
	notDirect string
}

func (k *kube) Close() error      { k.b.open--; return nil }
func (k *kube) Server() string    { return "https://" + k.b.cluster.FQDN }
func (k *kube) ViaHelper() bool   { return k.via }
func (k *kube) NotDirect() string { return k.notDirect }
func (k *kube) ServerVersion(context.Context) (string, error) {
	if !k.via && k.b.direct != nil {
		return "", k.b.direct
	}
	return k.b.version, nil
}
func (k *kube) Nodes(context.Context) ([]w.Node, error)           { return k.b.nodes() }
func (k *kube) Components(context.Context) ([]w.Component, error) { return k.b.components, nil }
func (k *kube) ClusterInfo(context.Context) (string, error) {
	return "Kubernetes control plane is running at " + k.Server(), nil
}
func (k *kube) CertificateExpiry(context.Context) (time.Time, error) {
	return k.b.ends, k.b.certificate
}
func (k *kube) EnsureScopedAccount(_ context.Context, a Account) (Access, error) {
	k.b.accounts = append(k.b.accounts, a)
	life := a.TTL
	if k.b.life > 0 {
		life = k.b.life
	}
	return Access{Kubeconfig: []byte("the-accounts-token"), Expires: today.Add(life), Existed: k.b.existed}, nil
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
func (l *log) Progress(p int, doing string)  { l.add("doing", "%d %s", p, doing) }
func (l *log) Mask(string)                   {}
func (l *log) Cursor(context.Context, string) (w.Cursor, error) {
	return nil, errors.New("nothing is followed here")
}
