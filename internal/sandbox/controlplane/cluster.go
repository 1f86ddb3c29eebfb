package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// cluster is one control plane. Starting and stopping it is done under its lock; the rest looks at live.
type cluster struct {
	manager *Manager
	layout  layout
	log     func(format string, args ...any)
	turn    chan struct{} // the lock: a lock that gives up with a context
	live    atomic.Pointer[running]
}

// running is a started control plane.
type running struct {
	id     string
	spec   Spec
	layout layout
	log    func(format string, args ...any)
	client *kubernetes.Clientset
	egress *egress

	meter    *meter
	balancer *balancer

	processes   []*process
	cancel      context.CancelFunc // ends the controllers
	controllers sync.WaitGroup
}

// startTimeout is for one start of the parts. 5 s is usual; a machine that builds something at the same time needs more.
const startTimeout = 3 * time.Minute

func newCluster(m *Manager, id string) *cluster {
	return &cluster{
		manager: m, layout: layout{dir: filepath.Join(m.opts.Dir, id)}, log: m.logf(id), turn: make(chan struct{}, 1),
	}
}

func (c *cluster) lock()   { c.turn <- struct{}{} }
func (c *cluster) unlock() { <-c.turn }

func (m *Manager) running(id string) (*running, error) {
	m.mu.Lock()
	c := m.clusters[id]
	m.mu.Unlock()
	if c != nil {
		if r := c.live.Load(); r != nil {
			return r, nil
		}
	}
	return nil, fmt.Errorf("cluster %s: %w", id, ErrNotRunning)
}

func (c *cluster) ensure(ctx context.Context, spec Spec) error {
	select {
	case c.turn <- struct{}{}:
		defer c.unlock()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r := c.live.Load(); r != nil && r.spec.equal(&spec) {
		return nil
	}
	binary, err := c.manager.opts.Binary(ctx)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", spec.ID, err)
	}
	c.halt()
	began := time.Now()
	if err := c.start(ctx, binary, spec); err != nil {
		return fmt.Errorf("cluster %s: %w", spec.ID, err)
	}
	c.log("Kubernetes %s is ready on %s after %.1f s", spec.Version, spec.at(portAPIServer), time.Since(began).Seconds())
	return nil
}

// halt ends what runs of the cluster. The lock must be held.
func (c *cluster) halt() {
	if r := c.live.Swap(nil); r != nil {
		r.halt()
	}
}

// start brings the cluster up on whatever data its folder has. The lock must be held and nothing be running.
func (c *cluster) start(ctx context.Context, binary string, spec Spec) (err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := portsFree(ctx, &spec); err != nil {
		return err
	}
	for _, sub := range []string{"logs", "run", "config/stages"} {
		if err := os.MkdirAll(filepath.Join(c.layout.dir, sub), 0o700); err != nil {
			return err
		}
	}
	if err := spec.save(c.layout.dir); err != nil {
		return err
	}
	r := &running{id: spec.ID, spec: spec, layout: c.layout, log: c.log, cancel: func() {}}
	defer func() {
		if err != nil {
			r.halt()
		}
	}()
	if r.client, err = newClient(&spec); err != nil {
		return err
	}
	if r.egress, err = startEgress(c.layout.dir, map[string]string{
		":" + kubeletPort: spec.at(portKwok), net.JoinHostPort(spec.metricsIP(), "443"): spec.at(portMetrics),
	}, c.log); err != nil {
		return err
	}
	stages, err := r.writeConfig(ctx, binary)
	if err != nil {
		return err
	}
	launch := func(name string, args []string) error { return r.launch(c.manager.spawner, binary, name, args) }
	if err := errors.Join(launch("etcd", etcdArgs(&spec, c.layout)), launch("kube-apiserver", apiServerArgs(&spec, c.layout))); err != nil {
		return err
	}
	if err := r.waitReady(ctx); err != nil {
		return err
	}
	// The rest is started now: before, each of them would fail and wait.
	if err := r.forgetLeases(ctx); err != nil {
		return err
	}
	if err := errors.Join(
		launch("kube-controller-manager", controllerManagerArgs(&spec, c.layout)),
		launch("kube-scheduler", schedulerArgs(&spec, c.layout)),
		launch("kwok", kwokArgs(&spec, c.layout, stages)),
	); err != nil {
		return err
	}
	if err := r.applyAddons(ctx); err != nil {
		return fmt.Errorf("creating the addons: %w", err)
	}
	r.startControllers(c.manager)
	if err := r.meter.listen(&r.spec); err != nil {
		return err
	}
	c.live.Store(r)
	return nil
}

// writeConfig writes the files that the parts read and returns those of kwok's stages.
func (r *running) writeConfig(ctx context.Context, binary string) ([]string, error) {
	for name, content := range configFiles(&r.spec, r.layout, r.egress.socket) {
		if err := os.WriteFile(r.layout.config(name), marshal(content), 0o600); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(r.layout.config("container.log"), []byte(containerLog), 0o600); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, binary, "kwok-stages", r.layout.stages()).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("writing kwok's stages: %w: %s", err, out)
	}
	return filepath.Glob(filepath.Join(r.layout.stages(), "*.yaml"))
}

func (r *running) launch(s *spawner, binary, name string, args []string) error {
	p := &process{
		name: name, dir: r.layout.dir, bin: binary, args: args, log: r.log, spawner: s,
		// Nothing else of our environment: neither proxies nor flags of etcd are the business of these.
		env: []string{
			"HUBWRIGHT_KUBE_VERSION=v" + r.spec.Version, "HOME=" + r.layout.dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(),
		},
	}
	if err := p.launch(); err != nil {
		return err
	}
	r.processes = append(r.processes, p)
	return nil
}

// halt ends the controllers, then the parts from the last to the first, then the proxy that they dial.
func (r *running) halt() {
	r.cancel()
	r.controllers.Wait()
	_ = r.meter.close() // what it was asked is asked again
	if r.balancer != nil {
		r.balancer.close()
	}
	for i := len(r.processes) - 1; i >= 0; i-- {
		r.processes[i].halt()
	}
	if r.egress != nil {
		r.egress.close()
	}
}

// waitReady polls /readyz. A part that ends before the first answer will not get better by being started again.
func (r *running) waitReady(ctx context.Context) error {
	var last error
	for {
		_, last = r.client.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if last == nil {
			return nil
		}
		for _, p := range r.processes {
			if p.failed() {
				return fmt.Errorf("%s ended during the start: %s", p.name, p.lastWords())
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server did not get ready: %w (last answer: %v)", ctx.Err(), last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// forgetLeases deletes the nodes' leases of an earlier run. A new kwok would wait up to 40 s for them to run out.
func (r *running) forgetLeases(ctx context.Context) error {
	err := r.client.CoordinationV1().Leases("kube-node-lease").DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("deleting old node leases: %w", err)
	}
	return nil
}

// portsFree finds another user of the cluster's address before its parts fail over it. A killed process seems gone
// before its last thread, and with that its sockets, is; so a taken port gets a moment.
func portsFree(ctx context.Context, s *Spec) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, port := range []string{portEtcd, portEtcdPeer, portAPIServer, portControllerManager, portScheduler, portKwok, portMetrics} {
		for {
			l, err := net.Listen("tcp", s.at(port))
			if err == nil {
				l.Close()
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("its address is taken: %w", err)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}

func newClient(s *Spec) (*kubernetes.Clientset, error) {
	return kubernetes.NewForConfig(clientConfig(s))
}

// clientConfig is for the sandbox's own clients: the cluster's admin, never through a proxy, never throttled.
func clientConfig(s *Spec) *rest.Config {
	return &rest.Config{
		Host: "https://" + s.at(portAPIServer), UserAgent: "hubwright-sandbox", QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{
			ServerName: s.FQDN, CAData: s.PKI.CA, CertData: s.PKI.Client, KeyData: s.PKI.ClientKey,
		},
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	}
}
