package monitor

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"hubwright/workflows"
)

// Records is what the Monitor reads and writes.
type Records interface {
	Clusters(ctx context.Context) ([]workflows.Cluster, error)
	SaveProbe(ctx context.Context, p Probe) error
}

// Config is what a Monitor is made of. All fields are required.
type Config struct {
	Records Records
	// Ask asks one cluster. It should end with its context; one that does not
	// is left behind and not asked again before it has ended.
	Ask func(ctx context.Context, c workflows.Cluster) (Sample, error)
	// Words is an error of Ask in a sentence.
	Words func(error) string
	Every time.Duration // between two probes of a cluster, about
	Limit time.Duration // of one probe
	Clock func() time.Time
	Log   *slog.Logger
}

// Monitor asks clusters. Each is asked on its own: one that accepts and never
// answers delays nothing but its own freshness.
type Monitor struct {
	Config
	watched map[string]*watched // by cluster id; the loop's own
	mu      sync.Mutex          // guards busy of all watched
	wg      sync.WaitGroup
}

type watched struct {
	next time.Time // when it is asked again
	busy bool      // a question is under way
}

// New makes a Monitor.
func New(c Config) *Monitor { return &Monitor{Config: c, watched: map[string]*watched{}} }

// pulse is how often Run looks which clusters are due.
const pulse = 2 * time.Second

// Run asks until the context ends, and returns when all that it asked has
// ended or was left behind.
func (m *Monitor) Run(ctx context.Context) {
	beat := time.NewTicker(pulse)
	defer beat.Stop()
	m.run(ctx, beat.C)
}

func (m *Monitor) run(ctx context.Context, beats <-chan time.Time) {
	defer m.wg.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beats:
			m.begin(ctx)
		}
	}
}

// begin asks whoever is due.
func (m *Monitor) begin(ctx context.Context) {
	all, err := m.Records.Clusters(ctx)
	if err != nil {
		if ctx.Err() == nil {
			m.Log.Error("the monitor could not read the clusters", "err", err)
		}
		return
	}
	now := m.Clock()
	there := map[string]bool{}
	for _, c := range all {
		if c.Kubeconfig == "" {
			continue // it is being deployed
		}
		there[c.ID] = true
		w := m.watched[c.ID]
		if w == nil {
			// Not all at once after a start.
			w = &watched{next: now.Add(rand.N(m.Every/10 + 1))}
			m.watched[c.ID] = w
		}
		if now.Before(w.next) || !m.take(w) {
			continue
		}
		w.next = now.Add(m.Every - m.Every/10 + rand.N(m.Every/5+1))
		m.wg.Go(func() { m.probe(ctx, c, w) })
	}
	for id := range m.watched {
		if !there[id] {
			delete(m.watched, id)
		}
	}
}

func (m *Monitor) take(w *watched) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.busy {
		return false
	}
	w.busy = true
	return true
}

func (m *Monitor) release(w *watched) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.busy = false
}

func (m *Monitor) probe(ctx context.Context, c workflows.Cluster, w *watched) {
	p, ok := m.ask(ctx, c, w)
	if !ok {
		return // the server stops: that says nothing of the cluster
	}
	if err := m.Records.SaveProbe(ctx, p); err != nil && ctx.Err() == nil {
		m.Log.Error("a probe could not be saved", "cluster", c.Name, "err", err)
	}
}

// ask waits for the answer, and no longer than the limit.
func (m *Monitor) ask(ctx context.Context, c workflows.Cluster, w *watched) (Probe, bool) {
	type answer struct {
		sample Sample
		err    error
	}
	limited, cancel := context.WithTimeout(ctx, m.Limit)
	defer cancel()
	answers := make(chan answer, 1)
	go func() {
		defer m.release(w)
		s, err := m.Ask(limited, c)
		answers <- answer{s, err}
	}()
	select {
	case a := <-answers:
		if ctx.Err() != nil {
			return Probe{}, false
		}
		if a.err != nil {
			return m.down(c, m.Words(a.err)), true
		}
		return judge(c, a.sample, m.Clock()), true
	case <-limited.Done():
		return m.down(c, fmt.Sprintf("It did not answer within %s", m.Limit)), ctx.Err() == nil
	}
}

func (m *Monitor) down(c workflows.Cluster, why string) Probe {
	return Probe{SiteID: c.SiteID, ClusterID: c.ID, At: m.Clock(), Health: Down, Want: c.Nodes(), Problem: why}
}
