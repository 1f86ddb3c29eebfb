package cluster_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/cluster"
	"hubwright/workflows/operate"
)

const rsaKey = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 ana@example"

// bed is a small world: records, vault, a Hub, a helper VM and a cluster.
type bed struct {
	t     *testing.T
	mu    sync.Mutex
	now   time.Time
	hub   *hub
	host  *host
	kube  *kube
	log   *log
	stack w.Stack

	noHelper bool
	cluster  *w.Cluster
	models   []w.APIModel
	sealed   map[w.SecretRef]string
	hostDown error
	keys     int
}

func newBed(t *testing.T) *bed {
	b := &bed{t: t, now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), sealed: map[w.SecretRef]string{"sec_1": "the-principals-secret"}}
	b.stack = w.Stack{
		ID: "stk_1", Name: "Seattle", ARMEndpoint: "https://management.seattle.azurestack.test", PortalURL: "https://portal.seattle.azurestack.test/", Region: "seattle",
		Metadata: w.HubMetadata{Identity: w.IdentityEntra, LoginEndpoint: "https://login.seattle.azurestack.test/"}, SubscriptionID: "sub-1",
		Credential: w.Credential{Method: w.AuthSecret, ClientID: "client-1", Secret: "sec_1"}, CABundle: "PEM", HTTPSProxy: "http://127.0.0.1:18080",
	}
	b.hub = newHub()
	b.host = &host{b: b, files: map[string]string{}, jobs: map[string]*job{}, exit: map[string]operate.Output{}}
	b.kube = &kube{b: b}
	b.log = &log{offsets: map[string]int64{}}
	return b
}

func (b *bed) definition() w.Definition {
	return cluster.New(cluster.Needs{Engine: operate.Needs{
		Records: b, Vault: b,
		OpenHub:  func(context.Context, w.Stack) (operate.Hub, error) { return b.hub, nil },
		OpenHost: func(ctx context.Context, site string) (operate.Host, error) { return b.openHost(ctx) },
		OpenKube: func(_ context.Context, kubeconfig []byte, _ w.Stack, _ w.HelperVM) (operate.Kube, error) {
			if !strings.Contains(string(kubeconfig), "client-key-data") {
				return nil, errors.New("not a kubeconfig")
			}
			return b.kube, nil
		},
		Watch: b.watch,
		Quote: func(args ...string) string {
			var out []string
			for _, a := range args {
				out = append(out, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
			}
			return strings.Join(out, " ")
		},
		Clock: func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.now },
		Pause: b.pause,
		Poll:  3 * time.Second,
	},
		NewKeyPair: func(comment string) ([]byte, string, error) {
			b.keys++
			return []byte("PRIVATE " + comment), strings.Replace(rsaKey, "ana@example", comment, 1), nil
		},
		ParseAuthorizedKey: parseKey,
	})
}

func parseKey(text string) (cluster.KeyInfo, error) {
	kind, rest, ok := strings.Cut(text, " ")
	if !ok || !strings.HasPrefix(rest, "AAAA") {
		return cluster.KeyInfo{}, errors.New("no key")
	}
	bits := 3072
	if strings.Contains(rest, "short") {
		bits = 1024
	}
	return cluster.KeyInfo{Type: kind, Bits: bits}, nil
}

func (b *bed) openHost(ctx context.Context) (operate.Host, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return b.host, b.hostDown
}

func (b *bed) pause(ctx context.Context, d time.Duration) error {
	b.mu.Lock()
	b.now = b.now.Add(d)
	b.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Millisecond):
		return nil
	}
}

// watch follows a job as the real one does: by the cursor.
func (b *bed) watch(ctx context.Context, open func(context.Context) (operate.Host, error), id string, cur w.Cursor, classify func(string) w.Level, onLines func([]w.OutputLine), _ func(string)) (int, error) {
	for {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if _, err := open(ctx); err != nil {
			return 0, err
		}
		state, code, size, _ := b.host.JobState(ctx, id)
		data, _ := b.host.ReadJob(ctx, id, cur.Offset(), 1<<20)
		if len(data) > 0 {
			var lines []w.OutputLine
			for line := range strings.Lines(string(data)) {
				line = strings.TrimRight(line, "\n")
				lines = append(lines, w.OutputLine{Level: classify(line), Text: line})
			}
			if err := cur.Append(ctx, cur.Offset()+int64(len(data)), lines); err != nil {
				return 0, err
			}
			onLines(lines)
		}
		switch {
		case state == "exited" && cur.Offset() >= size:
			return code, nil
		case state == "lost":
			return 0, &w.Problem{Code: "job.lost", What: "The command ended without telling how."}
		}
		b.host.turn(id)
		if err := b.pause(ctx, time.Second); err != nil {
			return 0, err
		}
	}
}

// Records and vault.

func (b *bed) Deployment(context.Context, string) (w.Deployment, error) {
	return w.Deployment{ID: "dep_1", Name: "Ratings"}, nil
}
func (b *bed) Site(context.Context, string) (w.Site, error) {
	return w.Site{ID: "site_1", DeploymentID: "dep_1", StackID: "stk_1", Name: "Seattle"}, nil
}
func (b *bed) Stack(context.Context, string) (w.Stack, error) { return b.stack, nil }
func (b *bed) HelperVM(context.Context, string) (w.HelperVM, error) {
	if b.noHelper {
		return w.HelperVM{}, w.ErrNotFound
	}
	return w.HelperVM{
		SiteID: "site_1", Address: "helper.seattle", EngineVersion: "v0.85.0", ResourceGroup: "ratings-seattle-helper",
		Kubernetes: []w.KubernetesVersion{{Version: "1.33.10", Default: true, Upgrades: []string{"1.34.4"}}, {Version: "1.34.4", Upgrades: []string{"1.35.0"}}, {Version: "1.35.0"}},
	}, nil
}
func (b *bed) ClusterOfSite(context.Context, string) (w.Cluster, error) {
	if b.cluster == nil {
		return w.Cluster{}, w.ErrNotFound
	}
	return *b.cluster, nil
}
func (b *bed) SaveCluster(_ context.Context, c *w.Cluster) error {
	if c.ID == "" {
		c.ID = "clu_1"
	}
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

func (b *bed) Seal(_ context.Context, purpose string, plain []byte) (w.SecretRef, error) {
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

// hub is an Azure Stack Hub.
type hub struct {
	mu               sync.Mutex
	loginErr         error
	contribute       bool
	providers        []w.Provider
	image, extension bool
	available        []string
	usages           []w.Usage
	sizes            []w.VMSize
	group            bool
	labelTaken       bool
	labelBy          string
	subnets          map[string]string
	vms              []w.VM
	deployments      []w.ARMDeployment
	ops              []w.DeploymentOperation
	err              error // of everything
	opsErr           error
}

func newHub() *hub {
	registered := func(n string) w.Provider { return w.Provider{Namespace: n, Registered: true} }
	return &hub{
		contribute: true, image: true, extension: true,
		providers: []w.Provider{registered("Microsoft.Compute"), registered("Microsoft.Network"), registered("Microsoft.Storage")},
		sizes: []w.VMSize{
			{Name: "Standard_D2_v2", Cores: 2, MemoryMB: 7168, MaxDisks: 8}, {Name: "Standard_DS2_v2", Cores: 2, MemoryMB: 7168, MaxDisks: 8},
			{Name: "Standard_A1_v2", Cores: 1, MemoryMB: 2048, MaxDisks: 2}, {Name: "Basic_A3", Cores: 4, MemoryMB: 7168, MaxDisks: 8}, {Name: "Standard_F2", Cores: 2, MemoryMB: 4096},
		},
		usages: []w.Usage{
			{Name: "cores", Current: 2, Limit: 100}, {Name: "virtualMachines", Current: 1, Limit: 50}, {Name: "availabilitySets", Limit: 10},
			{Name: "PublicIPAddresses", Current: 1, Limit: 50}, {Name: "NetworkInterfaces", Current: 1, Limit: 100}, {Name: "LoadBalancers", Limit: 50},
		},
		subnets: map[string]string{},
	}
}

func (h *hub) Login(context.Context) error { return errors.Join(h.loginErr, h.err) }
func (h *hub) CanContribute(context.Context) (bool, string, error) {
	return h.contribute, "Contributor on the subscription.", h.err
}
func (h *hub) Providers(context.Context, ...string) ([]w.Provider, error) { return h.providers, h.err }
func (h *hub) Sizes(context.Context) ([]w.VMSize, error)                  { return slices.Clone(h.sizes), h.err }
func (h *hub) Usages(context.Context) ([]w.Usage, error)                  { return h.usages, h.err }
func (h *hub) HasImage(context.Context, w.ImageRef) (bool, []string, error) {
	return h.image, h.available, h.err
}
func (h *hub) HasExtension(context.Context, string, string, string) (bool, []string, error) {
	return h.extension, h.available, h.err
}
func (h *hub) ResourceGroupTags(context.Context, string) (bool, map[string]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.group, nil, h.err
}
func (h *hub) DNSLabelTaken(context.Context, string) (bool, string, error) {
	return h.labelTaken, h.labelBy, h.err
}
func (h *hub) SubnetExists(_ context.Context, id string) (bool, string, error) {
	p, ok := h.subnets[id]
	return ok, p, h.err
}
func (h *hub) VMExtensions(context.Context, string, string) ([]string, error) { return nil, nil }
func (h *hub) VMs(context.Context, string) ([]w.VM, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.vms), h.err
}
func (h *hub) Deployments(context.Context, string) ([]w.ARMDeployment, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.deployments), h.err
}
func (h *hub) DeploymentOperations(context.Context, string, string) ([]w.DeploymentOperation, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ops), errors.Join(h.err, h.opsErr)
}

// build makes a model's VMs.
func (h *hub) build(m aksengine.Output) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.group, h.vms = true, nil
	for _, name := range m.VMNames() {
		h.vms = append(h.vms, w.VM{Name: name, ProvisioningState: "Succeeded", Tags: map[string]string{"orchestrator": "Kubernetes:" + m.Version, "resourceNameSuffix": m.NameSuffix}})
	}
}

type kube struct {
	b     *bed
	asked int
	nodes func(asked int) ([]w.Node, error)
	via   bool
}

func (k *kube) Close() error                                     { return nil }
func (k *kube) Disruption(context.Context) (w.Disruption, error) { return w.Disruption{}, nil }
func (k *kube) Uncordon(context.Context, string) error           { return nil }
func (k *kube) ViaHelper() bool                                  { return k.via }
func (k *kube) Nodes(context.Context) ([]w.Node, error) {
	k.asked++
	if k.nodes != nil {
		return k.nodes(k.asked)
	}
	return k.all(true), nil
}

// all are nodes for every VM of the Hub.
func (k *kube) all(ready bool) []w.Node {
	var out []w.Node
	for _, vm := range k.b.hub.vms {
		out = append(out, w.Node{Name: vm.Name, Ready: ready, Version: "v" + strings.TrimPrefix(vm.Tags["orchestrator"], "Kubernetes:")})
	}
	return out
}

// log keeps what a step says.
type log struct {
	mu      sync.Mutex
	lines   []string
	doing   []string
	masked  []string
	offsets map[string]int64
}

func (l *log) add(level, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, level+" "+text)
}
func (l *log) Info(f string, a ...any)  { l.add("info", fmt.Sprintf(f, a...)) }
func (l *log) Warn(f string, a ...any)  { l.add("warn", fmt.Sprintf(f, a...)) }
func (l *log) Error(f string, a ...any) { l.add("error", fmt.Sprintf(f, a...)) }
func (l *log) Good(f string, a ...any)  { l.add("good", fmt.Sprintf(f, a...)) }
func (l *log) Phase(f string, a ...any) { l.add("phase", fmt.Sprintf(f, a...)) }
func (l *log) Command(text string)      { l.add("command", text) }
func (l *log) Progress(p int, doing string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doing = append(l.doing, fmt.Sprintf("%d %s", p, doing))
}
func (l *log) Mask(secret string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.masked = append(l.masked, secret)
}
func (l *log) Cursor(_ context.Context, stream string) (w.Cursor, error) {
	return &cursor{l, stream}, nil
}
func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

type cursor struct {
	l      *log
	stream string
}

func (c *cursor) Offset() int64 {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	return c.l.offsets[c.stream]
}
func (c *cursor) Append(_ context.Context, offset int64, lines []w.OutputLine) error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	for _, line := range lines {
		c.l.lines = append(c.l.lines, string(line.Level)+"| "+line.Text)
	}
	c.l.offsets[c.stream] = offset
	return nil
}

// outputOf is what the engine writes for an input model.
func outputOf(input string) string {
	var doc map[string]any
	_ = json.Unmarshal([]byte(input), &doc)
	p := doc["properties"].(map[string]any)
	p["certificateProfile"] = map[string]string{
		"caCertificate": "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n", "caPrivateKey": "the-ca-private-key",
		"kubeConfigCertificate": "the-admins-certificate", "kubeConfigPrivateKey": "the-admins-private-key",
	}
	p["servicePrincipalProfile"] = map[string]string{"clientId": "client-1", "secret": "the-principals-secret"}
	p["customCloudProfile"].(map[string]any)["environment"] = map[string]string{"resourceManagerVMDNSSuffix": "cloudapp.azurestack.test"}
	out, _ := json.Marshal(doc)
	return string(out)
}

func outputWith(code int, stderr string) operate.Output {
	return operate.Output{ExitCode: code, Stderr: stderr}
}

func printed(stdout string) operate.Output { return operate.Output{Stdout: stdout} }
