package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/workflows"
)

const (
	every = time.Minute
	limit = 10 * time.Second
)

// rig is a Monitor on a clock that a bubble moves.
type rig struct {
	mu       sync.Mutex
	clusters []workflows.Cluster
	saved    map[string][]Probe // by site
	ask      func(context.Context, workflows.Cluster) (Sample, error)
	apps     []workflows.Endpoint
	askApp   func(context.Context, workflows.Endpoint) (AppSample, error)
	savedApp []AppProbe
	names    []workflows.TrafficProfile
	stop     func()
}

func (r *rig) TrafficProfiles(context.Context) ([]workflows.TrafficProfile, error) {
	return r.names, nil
}

func (r *rig) Endpoints(context.Context) ([]workflows.Endpoint, error) { return r.apps, nil }

func (r *rig) SaveAppProbe(_ context.Context, p AppProbe) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.savedApp = append(r.savedApp, p)
	return nil
}

func (r *rig) Clusters(context.Context) ([]workflows.Cluster, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.clusters), nil
}

func (r *rig) SaveProbe(_ context.Context, p Probe) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.saved[p.SiteID] = append(r.saved[p.SiteID], p)
	return nil
}

func (r *rig) of(site string) []Probe {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.saved[site])
}

func (r *rig) setClusters(list ...workflows.Cluster) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clusters = list
}

func start(t *testing.T, ask func(context.Context, workflows.Cluster) (Sample, error), list ...workflows.Cluster) *rig {
	t.Helper()
	r := &rig{clusters: list, saved: map[string][]Probe{}, ask: ask}
	r.run(t)
	return r
}

func (r *rig) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	m := New(Config{Records: r, Ask: r.ask, AskApp: r.askApp, Saved: func() {}, Words: error.Error, Every: every, Limit: limit, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	done := make(chan struct{})
	go func() { defer close(done); m.Run(ctx) }()
	r.stop = func() { cancel(); <-done }
	t.Cleanup(r.stop)
}

func made(n int) workflows.Cluster {
	return workflows.Cluster{ID: fmt.Sprint("clu_", n), SiteID: fmt.Sprint("site_", n), MasterCount: 2, Kubeconfig: "sec_1",
		Pools: []workflows.NodePool{{Count: 1}}}
}

func node(version string, ready bool) workflows.Node {
	return workflows.Node{Version: version, Ready: ready}
}

func well(context.Context, workflows.Cluster) (Sample, error) {
	return Sample{Nodes: []workflows.Node{node("v1.33.10", true), node("v1.33.10", true), node("v1.33.10", true)}}, nil
}

func TestEveryClusterIsAskedOnSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var list []workflows.Cluster
		for i := range 40 {
			list = append(list, made(i))
		}
		deploying := made(99)
		deploying.Kubeconfig = ""
		r := start(t, well, append(list, deploying)...)
		time.Sleep(time.Hour)
		starts := map[time.Time]int{}
		for _, c := range list {
			p := r.of(c.SiteID)
			if len(p) < 55 || len(p) > 66 {
				t.Errorf("%s was asked %d times in an hour", c.ID, len(p))
				continue
			}
			for i := 1; i < len(p); i++ {
				if gap := p[i].At.Sub(p[i-1].At); gap < every-every/10-pulse || gap > every+every/10+pulse {
					t.Errorf("%s: %s between two probes", c.ID, gap)
				}
			}
			starts[p[30].At]++
		}
		for at, n := range starts {
			if n > 20 {
				t.Errorf("%d of 40 clusters are asked at once, at %s", n, at)
			}
		}
		if p := r.of(deploying.SiteID); len(p) > 0 {
			t.Errorf("a cluster without kubeconfig was asked: %+v", p)
		}
	})
}

// One that accepts and never answers is asked once, is down, and delays nobody;
// also when it does not listen to its context.
func TestHangingClusterDelaysOnlyItself(t *testing.T) {
	for name, deaf := range map[string]bool{"with its context": false, "deaf": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				forever := make(chan struct{})
				ask := func(ctx context.Context, c workflows.Cluster) (Sample, error) {
					if c.ID != "clu_1" {
						return well(ctx, c)
					}
					asked.Add(1)
					if deaf {
						<-forever
					}
					<-ctx.Done()
					return Sample{}, ctx.Err()
				}
				r := start(t, ask, made(0), made(1), made(2))
				time.Sleep(10 * time.Minute)
				if n, m := len(r.of("site_0")), len(r.of("site_2")); n < 9 || m < 9 {
					t.Errorf("the others were asked %d and %d times in ten minutes", n, m)
				}
				p := r.of("site_1")
				if len(p) == 0 || p[0].Health != Down || p[0].Problem != "It did not answer within 10s" || p[0].Want != 3 {
					t.Fatalf("the one that hangs: %+v", p)
				}
				if n := int(asked.Load()); deaf && (n != 1 || len(p) != 1) || !deaf && (n < 8 || n < len(p) || n > len(p)+1) {
					t.Errorf("asked %d times, saved %d", n, len(p))
				}
				r.stop() // does not wait for the deaf one
				close(forever)
			})
		})
	}
}

func TestStopSavesNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := func(ctx context.Context, _ workflows.Cluster) (Sample, error) {
			<-ctx.Done()
			return Sample{}, ctx.Err()
		}
		r := start(t, ask, made(1))
		time.Sleep(every/10 + 2*pulse) // the question is under way
		r.stop()
		if p := r.of("site_1"); len(p) > 0 {
			t.Errorf("a stopping server takes the cluster for down: %+v", p)
		}
	})
}

func TestClustersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, well)
		time.Sleep(5 * time.Minute)
		r.setClusters(made(1))
		time.Sleep(5 * time.Minute)
		n := len(r.of("site_1"))
		r.setClusters()
		time.Sleep(5 * time.Minute)
		if m := len(r.of("site_1")); n < 4 || m != n {
			t.Errorf("%d probes while it was there, %d after", n, m-n)
		}
	})
}

func TestJudge(t *testing.T) {
	ends := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	sick := workflows.Component{Name: "etcd-0"}
	fine := workflows.Component{Name: "etcd-1", Healthy: true}
	a, b := node("v1.33.10", true), node("v1.33.9", true)
	off := node("v1.33.10", false)
	for name, tc := range map[string]struct {
		sample Sample
		want   Probe
	}{
		"well": {Sample{Nodes: []workflows.Node{a, a, b}, Components: []workflows.Component{fine}, CertificateEnds: ends, Autoscalers: []workflows.Autoscaler{{Name: "web", Percent: 80, Current: 97, Replicas: 4, Min: 1, Max: 10}, {Name: "api", Percent: 70, Current: -1}}},
			Probe{Health: Up, Ready: 3, Version: "1.33.9", CertificateEnds: ends, Scaling: []Scaler{{Name: "api", Current: -1, Target: 70}, {Name: "web", Current: 97, Target: 80, Replicas: 4, Min: 1, Max: 10}}}},
		"node missing":   {Sample{Nodes: []workflows.Node{a, a}}, Probe{Health: Degraded, Ready: 2, Version: "1.33.10"}},
		"surplus sick":   {Sample{Nodes: []workflows.Node{a, a, a, off}}, Probe{Health: Degraded, Ready: 3, Version: "1.33.10"}},
		"component sick": {Sample{Nodes: []workflows.Node{a, a, a}, Components: []workflows.Component{fine, sick}}, Probe{Health: Degraded, Ready: 3, Version: "1.33.10", Sick: []string{"etcd-0"}}},
		"no node Ready":  {Sample{Nodes: []workflows.Node{off}}, Probe{Health: Down, Version: "1.33.10", Problem: "No node is Ready"}},
		"empty":          {Sample{}, Probe{Health: Down, Problem: "No node is Ready"}},
	} {
		tc.want.SiteID, tc.want.ClusterID, tc.want.At, tc.want.Want = "site_1", "clu_1", ends, 3
		if diff := cmp.Diff(tc.want, judge(made(1), tc.sample, ends)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestErrorsAreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := func(context.Context, workflows.Cluster) (Sample, error) { return Sample{}, errors.New("refused") }
		r := start(t, ask, made(1))
		time.Sleep(every)
		p := r.of("site_1")
		if len(p) == 0 || p[0].Health != Down || p[0].Problem != "refused" || !p[0].At.After(time.Time{}) {
			t.Errorf("%+v", p)
		}
	})
}
