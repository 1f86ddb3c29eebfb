package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
)

// Options of a Manager.
type Options struct {
	// Dir holds one folder for each cluster: its data, certificates and logs. Only one Manager at a time can have it.
	Dir string
	// Binary gives the path of the multi-call binary. It may take minutes (Build does, once); Ensure waits for it.
	Binary func(ctx context.Context) (string, error)
	// Log gets a line about starts, ends and refused dials; nil discards them. It is called from many goroutines.
	Log func(line string)
	// Speed divides the waits that imitate Azure Stack Hub (addresses for load balancers, disks); 0 stands for 1.
	Speed float64
	// LoadBalancerIP chooses the public address of a Service of type LoadBalancer. An error is logged and the call
	// repeated later. nil chooses an address of 127.0.0.0/8 from the names.
	// label is the DNS label that the Service asks for, or "".
	LoadBalancerIP func(ctx context.Context, clusterID, namespace, service, label string) (string, error)
	// LoadBalancers, when not nil, is told each time which Services of type LoadBalancer there are, as namespace/name.
	LoadBalancers func(clusterID string, services []string)
	// Pods, when not nil, is told of each pod that is there, changes or is gone. It must return at once.
	Pods func(clusterID string, pod *corev1.Pod, gone bool)
}

// Manager runs clusters. All methods may be called at any time from any goroutine; calls for one cluster wait for each
// other, except AddNode, RemoveNode and NodePower, which only need it to be running.
type Manager struct {
	opts    Options
	spawner *spawner
	unlock  func()
	ctx     context.Context // ends with Close, and with it each start that is under way
	cancel  context.CancelFunc

	mu       sync.Mutex
	clusters map[string]*cluster
	closed   bool
}

// ErrNotRunning is returned by calls that need the cluster's API server while there is none.
var ErrNotRunning = errors.New("the cluster is not running")

// New takes Dir, ends the processes that a killed Manager left there, and starts none.
func New(opts Options) (*Manager, error) {
	if opts.Log == nil {
		opts.Log = func(string) {}
	}
	if opts.Speed <= 0 {
		opts.Speed = 1
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, err
	}
	opts.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	busy := false
	lockCtx, cancelLock := context.WithTimeout(ctx, time.Second)
	defer cancelLock()
	unlock, err := lockFile(lockCtx, filepath.Join(dir, "lock"), func() { busy = true })
	if err != nil {
		if busy {
			return nil, fmt.Errorf("another sandbox runs its clusters in %s", dir)
		}
		return nil, err
	}
	m := &Manager{opts: opts, unlock: unlock, clusters: map[string]*cluster{}}
	ids, err := m.stored()
	for _, id := range ids {
		err = errors.Join(err, killLeftovers(ctx, filepath.Join(dir, id)))
	}
	if err != nil {
		unlock()
		return nil, fmt.Errorf("ending the processes of an earlier sandbox: %w", err)
	}
	m.spawner = newSpawner()
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m, nil
}

// stored lists the clusters that have a folder.
func (m *Manager) stored() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(m.opts.Dir, "*", specFile))
	ids := make([]string, 0, len(files))
	for _, file := range files {
		ids = append(ids, filepath.Base(filepath.Dir(file)))
	}
	slices.Sort(ids)
	return ids, err
}

// get returns the cluster, new if there was none.
func (m *Manager) get(id string) (*cluster, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	c := m.clusters[id]
	if c == nil {
		c = newCluster(m, id)
		m.clusters[id] = c
	}
	return c, nil
}

// Ensure makes the cluster run as spec says and returns when its API server is ready: 3 to 5 s, or as long as Binary
// takes. With a spec that equals the running one it does nothing. With another version, address or PKI it starts the
// parts anew on the same data, so the API is away for some seconds. Objects outlive any restart.
func (m *Manager) Ensure(ctx context.Context, spec Spec) error {
	spec.setDefaults()
	if err := spec.check(); err != nil {
		return err
	}
	c, err := m.get(spec.ID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(m.ctx, func() { cancel(errClosed) })()
	return c.ensure(ctx, spec)
}

// Restore starts all clusters of Dir as they were, several at a time, and returns their ids. Clusters that were stopped
// by Stop are among them. The error joins those of clusters that did not start.
func (m *Manager) Restore(ctx context.Context) ([]string, error) {
	ids, err := m.stored()
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			spec, err := loadSpec(filepath.Join(m.opts.Dir, id))
			if err == nil {
				err = m.Ensure(ctx, spec)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return ids, errors.Join(errs...)
}

// Endpoint is the "ip:port" of the cluster's API server, which speaks TLS with the certificate of the cluster's FQDN;
// "" when the cluster is not running.
func (m *Manager) Endpoint(id string) string {
	r, err := m.running(id)
	if err != nil {
		return ""
	}
	return r.spec.at(portAPIServer)
}

// Spec is what the cluster runs as; false when it is not running.
func (m *Manager) Spec(id string) (Spec, bool) {
	r, err := m.running(id)
	if err != nil {
		return Spec{}, false
	}
	return r.spec, true
}

// Dials lists the connections that the cluster's API server wanted to make since it was started, oldest first and at
// most the last 1000: all of them went to the egress proxy.
func (m *Manager) Dials(id string) []Dial {
	r, err := m.running(id)
	if err != nil {
		return nil
	}
	return r.egress.seen()
}

// Stop ends the cluster's processes and keeps its data. A cluster that is not running is no error.
func (m *Manager) Stop(id string) error {
	c, err := m.get(id)
	if err != nil {
		return err
	}
	c.lock()
	defer c.unlock()
	c.halt()
	return nil
}

// Remove stops the cluster and deletes its data.
func (m *Manager) Remove(id string) error {
	if !idPattern.MatchString(id) {
		return fmt.Errorf("cluster id %q is not valid", id)
	}
	c, err := m.get(id)
	if err != nil {
		return err
	}
	c.lock()
	defer c.unlock()
	c.halt()
	return os.RemoveAll(c.layout.dir)
}

// Close stops all clusters and gives Dir free. Their data stays.
func (m *Manager) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	clusters := m.clusters
	m.mu.Unlock()

	m.cancel()
	var wg sync.WaitGroup
	for _, c := range clusters {
		wg.Go(func() {
			c.lock()
			defer c.unlock()
			c.halt()
		})
	}
	wg.Wait()
	m.spawner.close()
	m.unlock()
	return nil
}

func (m *Manager) logf(id string) func(string, ...any) {
	return func(format string, args ...any) {
		m.opts.Log("cluster " + id + ": " + strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

// after is the real time for what takes d on a stamp.
func (m *Manager) after(d time.Duration) time.Duration {
	return time.Duration(float64(d) / m.opts.Speed)
}

// Running lists the clusters that have an API server now.
func (m *Manager) Running() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for id, c := range m.clusters {
		if c.live.Load() != nil {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// Client speaks to a running cluster as its administrator.
func (m *Manager) Client(id string) (kubernetes.Interface, error) {
	r, err := m.running(id)
	if err != nil {
		return nil, err
	}
	return r.client, nil
}
