// Package sandbox is an emulated world at the wire: two Azure Stack Hubs,
// Seattle (Entra ID) and Orlando (AD FS), behind one HTTPS CONNECT proxy, with
// helper VMs that answer SSH and Kubernetes control planes that are real. The
// real azure-sdk-for-go, client-go, ssh and aks-engine-azurestack work with it.
//
// Nothing of it listens on, or sends to, anything but 127.0.0.0/8.
package sandbox

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"

	"hubwright/internal/sandbox/arm"
	"hubwright/internal/sandbox/charts"
	"hubwright/internal/sandbox/controlplane"
	"hubwright/internal/sandbox/devops"
	"hubwright/internal/sandbox/dns"
	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/helper"
	"hubwright/internal/sandbox/identity"
	"hubwright/internal/sandbox/loganalytics"
	"hubwright/internal/sandbox/pki"
	"hubwright/internal/sandbox/proxy"
	"hubwright/internal/sandbox/publicazure"
	"hubwright/internal/sandbox/publicazure/publicip"
	"hubwright/internal/sandbox/publicazure/trafficmanager"
	"hubwright/internal/sandbox/releases"
	"hubwright/internal/sandbox/standin"
	"hubwright/internal/sandbox/traffic"
)

// Defaults of Options.
const (
	DefaultProxyAddr = "127.0.0.1:18080"
	DefaultPageAddr  = "127.0.0.1:18081"
	DefaultSpeed     = 20.0 // a cluster of 3+3 in about a minute
	DefaultBlock     = 40
)

// rememberedCalls is how many requests Calls answers at most.
const rememberedCalls = 20000

// Options are the settings of a World.
type Options struct {
	Dir       string  // state folder, made when missing, 0700; the same folder brings the world back
	ProxyAddr string  // loopback address of the door; "" is DefaultProxyAddr
	Speed     float64 // how many times faster than a real Hub; 0 is DefaultSpeed
	EngineBin string  // a real aks-engine-azurestack for the helper VMs; "" serves the stand-in
	Block     int     // public addresses are in 127.Block.0.0/16, and machines beside the Hubs in the next block; 0 is DefaultBlock

	// ControlPlane answers the path of the control plane binary and may take
	// minutes to do so; clusters wait for it. nil builds it.
	ControlPlane func(ctx context.Context) (string, error)
	// Self is the program that the stand-in's wrapper starts; "" is this one.
	Self string
	// MachineEnv is further environment of the helper VMs, as NAME=value.
	MachineEnv []string

	// Archive makes the release archive of a tag. nil takes EngineBin or the
	// stand-in.
	Archive func(tag string) (io.ReadSeeker, error)

	Faults []faults.Rule // in force from the start
	// PageAddr is the loopback address of the sandbox's own page; "" serves none.
	PageAddr string
	// DNSAddr is the loopback address of the name server of the emulated
	// Internet; "" is one of the block, or a free port when that is taken.
	DNSAddr string
	Log     *slog.Logger // nil discards
}

// World is a running sandbox. Its methods may be called from any goroutine.
type World struct {
	opts   Options
	door   *proxy.Server
	faults *faults.Set
	calls  *traffic.Recorder
	public *pki.Authority
	// strange signs what nobody trusts.
	strange *pki.Authority

	stamps   []*stamp
	fleet    *helper.Fleet
	clusters *controlplane.Manager
	hosts    []SeedHost // beside Orlando

	organizations       []*devops.Server
	azure               *publicazure.Azure
	addresses           *publicip.Service                      // of public Azure
	balance             atomic.Pointer[trafficmanager.Service] // nil until all is open
	names               *dns.Server
	answers             resolver // what the door remembers of names
	azureLogin          *identity.Service
	analytics           *loganalytics.Service
	azureCert, azureKey string // of its principal, PEM

	pageURL string

	mu     sync.Mutex
	apis   map[string]string // public names of the clusters' API servers, by cluster
	shells map[string]shell  // of the clusters' machines, by their name in the fleet
	misuse []string
	// agentPods are what ends the agents that run in pods.
	agentPods map[types.UID]context.CancelCauseFunc

	ctx        context.Context // ends with Close
	cancel     context.CancelFunc
	background sync.WaitGroup
	served     chan error
	once       sync.Once
}

// Start opens the world. It returns as soon as the Hubs answer; helper VMs and
// clusters of an earlier life come back by themselves. Close ends it; so does
// the end of ctx.
func Start(ctx context.Context, o Options) (*World, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	w := &World{opts: o, faults: &faults.Set{}, calls: traffic.NewRecorder(rememberedCalls), served: make(chan error, 1), apis: map[string]string{}, shells: map[string]shell{}, agentPods: map[types.UID]context.CancelCauseFunc{}}
	w.ctx, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, r := range o.Faults {
		if _, err := w.faults.Add(r); err != nil {
			return nil, err
		}
	}
	if err := w.open(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	w.faults.OnAdd(w.breakOff)
	context.AfterFunc(ctx, func() { w.Close() })
	return w, nil
}

func (o *Options) complete() error {
	if o.Dir == "" {
		return errors.New("the sandbox needs a state folder")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	o.Dir = dir
	if o.ProxyAddr == "" {
		o.ProxyAddr = DefaultProxyAddr
	}
	if o.Speed == 0 {
		o.Speed = DefaultSpeed
	}
	if o.Speed < 0 {
		return fmt.Errorf("speed %v: must be positive", o.Speed)
	}
	if o.Block == 0 {
		o.Block = DefaultBlock
	}
	if o.Block < 1 || o.Block > 253 {
		return fmt.Errorf("address block %d: must be from 1 to 253", o.Block)
	}
	if o.Self == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		o.Self = self
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return os.MkdirAll(o.Dir, 0o700)
}

func (w *World) open(ctx context.Context) error {
	var err error
	if w.public, err = pki.Open(filepath.Join(w.opts.Dir, "pki"), "public", "Sandbox Public Root CA"); err != nil {
		return err
	}
	if w.strange, err = pki.Open(filepath.Join(w.opts.Dir, "pki"), "strange", "Somebody Else's Root CA"); err != nil {
		return err
	}
	if err := w.openDoor(); err != nil {
		return err
	}
	if err := os.WriteFile(w.publicCAFile(), w.public.PEM(), 0o600); err != nil {
		return err
	}
	w.openReleases()
	if err := w.openAzure(ctx); err != nil {
		return err
	}
	if err := w.openCharts(); err != nil {
		return err
	}
	if err := w.openDevOps(); err != nil {
		return err
	}
	if err := w.openMachines(); err != nil {
		return err
	}
	for _, p := range plans(w.opts.Block) {
		s, err := w.openStamp(ctx, p)
		if err != nil {
			return err
		}
		w.stamps = append(w.stamps, s)
	}
	if err := w.existingHosts(ctx, w.stamps[1]); err != nil {
		return err
	}
	if err := w.restore(ctx); err != nil {
		return err
	}
	for _, s := range w.stamps {
		s.hub.Resume()
	}
	if err := w.openInternet(ctx); err != nil {
		return err
	}
	return w.openPage()
}

func (w *World) publicCAFile() string { return filepath.Join(w.opts.Dir, "pki", "public-ca.pem") }

// openReleases plays the pages from which connected helper VMs download the
// engine.
func (w *World) openReleases() {
	archive := w.opts.Archive
	if archive == nil {
		archive = func(tag string) (io.ReadSeeker, error) { return standin.Archive(tag, w.opts.Self, w.opts.EngineBin) }
	}
	site := releases.Site{Archive: archive}
	w.play(releases.Host, "", w.public, http.HandlerFunc(site.Page), false)
	w.play(releases.AssetsHost, "", w.public, http.HandlerFunc(site.Assets), false)
}

// openCharts plays the places from which Helm charts come.
func (w *World) openCharts() error {
	library, err := charts.Open()
	if err != nil {
		return err
	}
	for _, host := range charts.Hosts() {
		w.play(host, "", w.public, library, false)
	}
	return nil
}

// openMachines prepares helper VMs and control planes; none is started.
func (w *World) openMachines() error {
	say := func(format string, args ...any) { w.opts.Log.Info(fmt.Sprintf(format, args...)) }
	w.fleet = helper.New(helper.Options{
		Dir: filepath.Join(w.opts.Dir, "machines"), Log: say,
		Env: func(string) []string {
			return append([]string{
				"HTTPS_PROXY=" + w.ProxyURL(), "https_proxy=" + w.ProxyURL(),
				"SSL_CERT_FILE=" + w.publicCAFile(), "CURL_CA_BUNDLE=" + w.publicCAFile(),
			}, w.opts.MachineEnv...)
		},
		Resolve: w.resolve,
		Trouble: w.trouble, Full: w.full,
	})
	binary := w.opts.ControlPlane
	if binary == nil {
		binary = func(ctx context.Context) (string, error) { return controlplane.Build(ctx, "", nil) }
	}
	var err error
	w.clusters, err = controlplane.New(controlplane.Options{
		Dir: filepath.Join(w.opts.Dir, "clusters"), Binary: binary, Speed: w.opts.Speed, Log: func(line string) { w.opts.Log.Info(line) },
		LoadBalancerIP: w.serviceAddress, LoadBalancers: w.serviceNews, Pods: w.agentNews,
	})
	return err
}

// resolve says where a tunnel through a machine's SSH leads: to a cluster's
// public name, or from one machine of a cluster to another.
func (w *World) resolve(vm, host string, port int) (string, bool) {
	if port == sshPort {
		return w.neighbour(vm, host)
	}
	if port != apiPort || w.gate(host, port).Status != 0 {
		return "", false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, fqdn := range w.apis {
		if fqdn == host {
			addr := w.clusters.Endpoint(id)
			return addr, addr != ""
		}
	}
	return "", false
}

// Close stops everything and writes the state down. It may be called twice.
func (w *World) Close() error {
	var err error
	w.once.Do(func() {
		w.cancel()
		for _, s := range w.stamps {
			err = errors.Join(err, s.hub.Close())
		}
		if w.names != nil {
			err = errors.Join(err, w.names.Close())
		}
		if b := w.balance.Load(); b != nil {
			err = errors.Join(err, b.Close())
		}
		if w.azure != nil {
			err = errors.Join(err, w.azure.Close())
		}
		if w.fleet != nil {
			err = errors.Join(err, w.fleet.Close())
		}
		if w.clusters != nil {
			err = errors.Join(err, w.clusters.Close())
		}
		w.background.Wait()
		if w.door != nil {
			err = errors.Join(err, w.door.Close(), <-w.served)
		}
	})
	return err
}

// Hub is the Resource Manager of a region, nil when there is no such region.
func (w *World) Hub(region string) *arm.Hub {
	for _, s := range w.stamps {
		if s.region == region {
			return s.hub
		}
	}
	return nil
}

// Resources lists "type name" of everything in a resource group of a region.
func (w *World) Resources(region, group string) []string {
	if h := w.Hub(region); h != nil {
		return h.Resources(group)
	}
	return nil
}

// Faults is the list of misbehaviours in force; rules may be added and lifted
// at any time.
func (w *World) Faults() *faults.Set { return w.faults }

// Calls answers the requests that reached the emulated names, oldest first.
func (w *World) Calls() []traffic.Call { return w.calls.Calls() }

// ProxyURL is the address of the door, for HTTPS_PROXY.
func (w *World) ProxyURL() string { return w.door.URL() }

// Refused counts the targets outside of the sandbox that somebody asked for.
func (w *World) Refused() map[string]int { return w.door.Refused() }

// Seed tells all that is needed to register the Hubs.
func (w *World) Seed() Seed {
	seed := Seed{Proxy: w.ProxyURL(), PublicCA: string(w.public.PEM()), PublicCAFile: w.publicCAFile(), Azure: w.seedAzure(), DevOps: seedDevOps()}
	for _, s := range w.stamps {
		st := SeedStack{
			Name: s.name, Region: s.region, ARMEndpoint: "https://" + s.host("management"), PortalURL: "https://" + s.host("portal"),
			IdentitySystem: string(identity.Entra), TenantID: s.tenant, SubscriptionID: s.subscription, ClientID: s.client, ClientSecret: s.secret,
			Certificate: string(s.cert), CertificateKey: string(s.key), CABundle: string(s.ca.PEM()), Proxy: w.ProxyURL(),
		}
		if s.adfs {
			st.IdentitySystem, st.TenantID, st.Hosts = string(identity.ADFS), identity.ADFSTenant, w.hosts
		}
		// Entra ID's name and the sources of charts are signed by the public CA.
		st.CABundle += string(w.public.PEM())
		seed.Stacks = append(seed.Stacks, st)
	}
	return seed
}

func pemText(b *pem.Block) string { return string(pem.EncodeToMemory(b)) }
