// Package operate_test tries the workflows that change a cluster over a small
// world of fakes, which they share.
package operate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/addpool"
	"hubwright/workflows/operate"
	"hubwright/workflows/scale"
)

const (
	secret   = "the-principals-secret"
	folder   = ".hubwright/clusters/ratings-seattle/"
	outModel = folder + "output/apimodel.json"
	ca       = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n"
)

var suffix = aksengine.NameSuffix("ratings-seattle")

// bed is a small world: records, vault, a Hub, a helper VM and a cluster of
// three masters and three workers at 1.33.10.
type bed struct {
	t   *testing.T
	now time.Time
	log *log

	stack   w.Stack
	helper  w.HelperVM
	cluster *w.Cluster
	models  []w.APIModel
	sealed  map[w.SecretRef]string

	loginErr  error
	hubErr    error // of everything
	forbidden bool
	images    []string // versions of the base image, nil: the right one
	usages    []w.Usage
	vms       []w.VM
	ops       []w.DeploymentOperation
	// extensions of VMs that somebody put there.
	extensions map[string][]string

	hostDown error
	noEngine bool
	answer   func(script string) string // what a script prints; may be nil
	files    map[string]string          // below the home folder
	jobs     map[string]*job
	order    []string
	signals  []string
	engine   func(j *job) []func() // what a job does, one entry a turn

	kubeErr    error
	nodes      func() []w.Node // nil: one for each VM
	disruption w.Disruption
	survey     w.Survey
	uses       []w.APIUse
	nodeTimes  map[string][]time.Duration // by Site
	uncordoned []string
	pods       []w.Component // of kube-system
	keepErr    error         // of a file that is kept with the run
	keptFile   string
}

type job struct {
	operate.Job
	out   strings.Builder
	state string
	code  int
	turns []func()
}

func newBed(t *testing.T) *bed {
	b := &bed{t: t, now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), log: &log{offsets: map[string]int64{}},
		sealed: map[w.SecretRef]string{"sec_1": secret}, files: map[string]string{}, jobs: map[string]*job{},
		stack: w.Stack{
			ID: "stk_1", Name: "Seattle", ARMEndpoint: "https://management.seattle.azurestack.test", Region: "seattle", Metadata: w.HubMetadata{Identity: w.IdentityEntra},
			SubscriptionID: "sub-1", Credential: w.Credential{Method: w.AuthSecret, ClientID: "client-1", Secret: "sec_1"},
		},
		helper: w.HelperVM{SiteID: "site_1", Address: "helper.seattle", EngineVersion: "v0.85.0", Kubernetes: []w.KubernetesVersion{{Version: "1.33.10"}, {Version: "1.34.4"}, {Version: "1.35.0"}}},
		usages: []w.Usage{{Name: "cores", Current: 2, Limit: 100}, {Name: "virtualMachines", Current: 1, Limit: 50}, {Name: "LoadBalancers", Current: 3, Limit: 2}},
	}
	b.cluster = &w.Cluster{
		ID: "clu_1", SiteID: "site_1", Name: "ratings-seattle", NameSuffix: suffix, ResourceGroup: "ratings-rg", FQDN: "ratings-seattle.api.test", Version: "1.33.10",
		EngineVersion: "v0.85.0", MasterCount: 3, MasterSize: "Standard_D2_v2", Pools: []w.NodePool{{Name: "linuxpool", Count: 3, Size: "Standard_D2_v2"}}, Kubeconfig: "sec_kube",
	}
	b.sealed["sec_kube"] = fmt.Sprintf(`{"clusters":[{"cluster":{"certificate-authority-data":%q}}]}`, b64(ca))
	b.put(model("1.33.10", b.cluster.Pools...))
	b.keep(b.files[outModel])
	for i := range 3 {
		b.make(aksengine.MasterName(suffix, i), "1.33.10")
		b.make(worker("linuxpool", i), "1.33.10")
	}
	return b
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func worker(pool string, i int) string { return fmt.Sprintf("k8s-%s-%s-%d", pool, suffix, i) }

// model is an API model as the engine writes it.
func model(version string, pools ...w.NodePool) string {
	type m = map[string]any
	var profiles []m
	for _, p := range pools {
		profiles = append(profiles, m{"name": p.Name, "count": p.Count, "vmSize": p.Size})
	}
	doc, _ := json.Marshal(m{"location": "seattle", "properties": m{
		"orchestratorProfile": m{"orchestratorVersion": version, "kubernetesConfig": m{"addons": []m{{"name": "container-monitoring", "enabled": false}}}},
		"masterProfile":       m{"dnsPrefix": "ratings-seattle", "count": 3, "vmSize": "Standard_D2_v2"}, "agentPoolProfiles": profiles,
		"certificateProfile": m{"caCertificate": ca, "caPrivateKey": "the-ca-private-key", "kubeConfigCertificate": "cert", "kubeConfigPrivateKey": "the-admins-private-key"},
	}})
	return string(doc)
}

// put writes the API model on the helper VM.
func (b *bed) put(doc string) { b.files[outModel] = doc }

// keep takes a document into custody.
func (b *bed) keep(doc string) {
	ref, _ := b.Seal(context.Background(), "", []byte(doc))
	sum := sha256.Sum256([]byte(doc))
	_ = b.SaveAPIModel(context.Background(), &w.APIModel{ClusterID: "clu_1", SHA256: hex.EncodeToString(sum[:]), Document: ref})
}

// make makes a VM anew.
func (b *bed) make(name, version string) {
	b.drop(name)
	b.vms = append(b.vms, w.VM{Name: name, ProvisioningState: "Succeeded", Tags: map[string]string{"orchestrator": "Kubernetes:" + version, "resourceNameSuffix": suffix}})
}

func (b *bed) drop(name string) {
	b.vms = slices.DeleteFunc(b.vms, func(vm w.VM) bool { return vm.Name == name })
}

func (b *bed) needs() operate.Needs {
	return operate.Needs{
		Records: b, Vault: b,
		OpenHub: func(context.Context, w.Stack) (operate.Hub, error) { return hub{b}, nil },
		OpenHost: func(ctx context.Context, _ string) (operate.Host, error) {
			return host{b}, errors.Join(ctx.Err(), b.hostDown)
		},
		OpenKube: func(context.Context, []byte, w.Stack, w.HelperVM) (operate.Kube, error) { return kube{b}, nil },
		Watch:    b.watch,
		Quote: func(args ...string) string {
			return "'" + strings.Join(args, "' '") + "'"
		},
		Clock: func() time.Time { return b.now },
		Pause: func(ctx context.Context, d time.Duration) error { b.now = b.now.Add(d); return ctx.Err() },
	}
}

// watch follows a job as the real one does: by the cursor.
func (b *bed) watch(ctx context.Context, open func(context.Context) (operate.Host, error), id string, cur w.Cursor, classify func(string) w.Level, onLines func([]w.OutputLine), _ func(string)) (int, error) {
	for {
		h, err := open(ctx)
		if err != nil {
			return 0, err
		}
		state, code, size, _ := h.JobState(ctx, id)
		data, _ := h.ReadJob(ctx, id, cur.Offset(), 1<<20)
		var lines []w.OutputLine
		for line := range strings.Lines(string(data)) {
			line = strings.TrimRight(line, "\n")
			lines = append(lines, w.OutputLine{Level: classify(line), Text: line})
		}
		if err := cur.Append(ctx, cur.Offset()+int64(len(data)), lines); err != nil {
			return 0, err
		}
		onLines(lines)
		switch {
		case state == operate.JobExited && cur.Offset() >= size:
			return code, nil
		case state == operate.JobLost:
			return 0, &w.Problem{Code: "job.lost", What: "The command ended without telling how", Fix: "Retry."}
		}
		j := b.jobs[id]
		if len(j.turns) == 0 {
			return 0, errors.New("the job hangs")
		}
		next := j.turns[0]
		j.turns = j.turns[1:]
		next()
	}
}

// Records and vault.

func (b *bed) Deployment(context.Context, string) (w.Deployment, error) {
	return w.Deployment{ID: "dep_1", Name: "Ratings"}, nil
}
func (b *bed) Site(context.Context, string) (w.Site, error) {
	return w.Site{ID: "site_1", DeploymentID: "dep_1", StackID: "stk_1", Name: "Seattle"}, nil
}
func (b *bed) Stack(context.Context, string) (w.Stack, error)       { return b.stack, nil }
func (b *bed) HelperVM(context.Context, string) (w.HelperVM, error) { return b.helper, nil }
func (b *bed) ClusterOfSite(context.Context, string) (w.Cluster, error) {
	if b.cluster == nil {
		return w.Cluster{}, w.ErrNotFound
	}
	return *b.cluster, nil
}
func (b *bed) SaveCluster(_ context.Context, c *w.Cluster) error {
	saved := *c
	b.cluster = &saved
	return nil
}
func (b *bed) SaveAPIModel(_ context.Context, m *w.APIModel) error {
	m.Version = len(b.models) + 1
	b.models = append([]w.APIModel{*m}, b.models...)
	return nil
}
func (b *bed) APIModels(context.Context, string) ([]w.APIModel, error) { return b.models, nil }
func (b *bed) Seal(_ context.Context, _ string, plain []byte) (w.SecretRef, error) {
	sum := sha256.Sum256(plain)
	ref := w.SecretRef("sec_" + hex.EncodeToString(sum[:4]))
	b.sealed[ref] = string(plain)
	return ref, nil
}
func (b *bed) Open(_ context.Context, ref w.SecretRef) ([]byte, error) {
	if s, ok := b.sealed[ref]; ok {
		return []byte(s), nil
	}
	return nil, w.ErrNotFound
}

// log keeps what a step says.
type log struct {
	lines, doing, masked []string
	offsets              map[string]int64
}

func (l *log) add(level, f string, a ...any) {
	l.lines = append(l.lines, level+" "+fmt.Sprintf(f, a...))
}
func (l *log) Info(f string, a ...any)  { l.add("info", f, a...) }
func (l *log) Warn(f string, a ...any)  { l.add("warn", f, a...) }
func (l *log) Error(f string, a ...any) { l.add("error", f, a...) }
func (l *log) Good(f string, a ...any)  { l.add("good", f, a...) }
func (l *log) Phase(f string, a ...any) { l.add("phase", f, a...) }
func (l *log) Command(text string)      { l.add("command", "%s", text) }
func (l *log) Progress(p int, doing string) {
	l.doing = append(l.doing, fmt.Sprintf("%d %s", p, doing))
}
func (l *log) Mask(secret string) { l.masked = append(l.masked, secret) }
func (l *log) Cursor(_ context.Context, stream string) (w.Cursor, error) {
	return &cursor{l, stream}, nil
}
func (l *log) text() string { return strings.Join(l.lines, "\n") }

type cursor struct {
	l      *log
	stream string
}

func (c *cursor) Offset() int64 { return c.l.offsets[c.stream] }
func (c *cursor) Append(_ context.Context, offset int64, lines []w.OutputLine) error {
	for _, line := range lines {
		c.l.add(string(line.Level)+"|", "%s", line.Text)
	}
	c.l.offsets[c.stream] = offset
	return nil
}

// The workflows, opened, run and resumed as the server does.

func (b *bed) definition(id string) w.Definition {
	d, ok := w.Catalogue{b.upgrade(), scale.New(b.needs()), addpool.New(b.needs()), b.rotation(), b.collection()}.Find(id)
	if !ok {
		b.t.Fatal("no workflow " + id)
	}
	return d
}

func (b *bed) open(id string, a w.Answers) w.Session {
	b.t.Helper()
	s, err := b.definition(id).Open(context.Background(), w.Target{SiteID: "site_1"}, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bed) start(id string, a w.Answers) w.Execution {
	b.t.Helper()
	s := b.open(id, a)
	if errs := s.Errors(); len(errs) > 0 {
		b.t.Fatalf("the answers are wrong: %+v", errs)
	}
	state, err := s.State()
	if err != nil {
		b.t.Fatal(err)
	}
	return b.resume(id, state)
}

func (b *bed) resume(id string, state []byte) w.Execution {
	b.t.Helper()
	x, err := b.definition(id).Resume(state)
	if err != nil {
		b.t.Fatal(err)
	}
	return x
}

func (b *bed) state(x w.Execution) []byte {
	b.t.Helper()
	state, err := x.State()
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.Contains(string(state), secret) {
		b.t.Errorf("the state holds the secret: %s", state)
	}
	return state
}

func (b *bed) must(x w.Execution, steps ...string) {
	b.t.Helper()
	for _, id := range steps {
		if err := x.Run(context.Background(), id, b.log); err != nil {
			b.t.Fatalf("%s: %v\n%s", id, err, b.log.text())
		}
	}
}

func (b *bed) fails(x w.Execution, step, code string, parts ...string) {
	b.t.Helper()
	wantProblem(b.t, x.Run(context.Background(), step, b.log), code, parts...)
}

func wantProblem(t *testing.T, err error, code string, parts ...string) {
	t.Helper()
	var p *w.Problem
	if !errors.As(err, &p) || p.Code != code {
		t.Fatalf("error %v (%T), want the problem %s", err, err, code)
	}
	if p.What == "" || p.Fix == "" {
		t.Errorf("incomplete: %+v", p)
	}
	for _, part := range parts {
		if all := p.What + "\n" + p.Why + "\n" + p.Fix; !strings.Contains(all, part) {
			t.Errorf("no %q in %s", part, all)
		}
	}
}

func (b *bed) logged(parts ...string) {
	b.t.Helper()
	for _, part := range parts {
		if n := strings.Count(b.log.text(), part); n != 1 {
			b.t.Errorf("%q is %d times in the log:\n%s", part, n, b.log.text())
		}
	}
}

// started compares how often the engine was started, and with which last flags.
func (b *bed) started(want ...string) {
	b.t.Helper()
	if len(b.order) != len(want) {
		b.t.Fatalf("the engine was started %d times, not %d: %v", len(b.order), len(want), b.order)
	}
	for i, part := range want {
		if argv := strings.Join(b.jobs[b.order[i]].Argv, " ") + " "; !strings.Contains(argv, part+" ") {
			b.t.Errorf("start %d: no %q in %s", i+1, part, argv)
		}
	}
}

// kept is the newest model in custody.
func (b *bed) kept() aksengine.Output {
	b.t.Helper()
	o, err := aksengine.ReadOutput([]byte(b.sealed[b.models[0].Document]))
	if err != nil {
		b.t.Fatal(err)
	}
	return o
}

// certificate is a PEM of a certificate and its key.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})) + string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}
