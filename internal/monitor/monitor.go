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
	Endpoints(ctx context.Context) ([]workflows.Endpoint, error)
	SaveAppProbe(ctx context.Context, p AppProbe) error
	TrafficProfiles(ctx context.Context) ([]workflows.TrafficProfile, error)
}

// Config is what a Monitor is made of. All fields are required.
type Config struct {
	Records Records
	// Ask asks one cluster. It should end with its context; one that does not
	// is left behind and not asked again before it has ended.
	Ask func(ctx context.Context, c workflows.Cluster) (Sample, error)
	// AskApp asks a Site's application, under the same terms.
	AskApp func(ctx context.Context, e workflows.Endpoint) (AppSample, error)
	// AskName asks how the Sites stand behind a Deployment's one name.
	AskName func(ctx context.Context, deploymentID string) ([]workflows.SiteRotation, error)
	// Rotations gets what AskName told.
	Rotations *Rotations
	// Words is an error of Ask or AskName in a sentence.
	Words func(error) string
	Saved func()        // called after each probe that was saved
	Every time.Duration // between two probes of the same, about
	Limit time.Duration // of one probe
	Clock func() time.Time
	Log   *slog.Logger
}

// Monitor asks clusters, applications and names. Each is asked on its own: one that
// accepts and never answers delays nothing but its own freshness.
type Monitor struct {
	Config
	watched map[string]*watched // by key; the loop's own
	mu      sync.Mutex          // guards busy of all watched
	wg      sync.WaitGroup
}

type watched struct {
	next time.Time // when it is asked again
	busy bool      // a question is under way
}

// question is who is asked. put asks, and gives what saves the answer; late is
// the answer of one that did not answer in time.
type question struct {
	key  string
	put  func(ctx context.Context) save
	late save
}

type save func(ctx context.Context) error

// New makes a Monitor.
func New(c Config) *Monitor { return &Monitor{Config: c, watched: map[string]*watched{}} }

// pulse is how often Run looks who is due.
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

// questions are all who are asked.
func (m *Monitor) questions(ctx context.Context) ([]question, error) {
	clusters, err := m.Records.Clusters(ctx)
	if err != nil {
		return nil, err
	}
	endpoints, err := m.Records.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	names, err := m.Records.TrafficProfiles(ctx)
	if err != nil {
		return nil, err
	}
	var out []question
	for _, p := range names {
		out = append(out, m.ofName(p))
	}
	for _, c := range clusters {
		if c.Kubeconfig != "" { // else it is being deployed
			out = append(out, m.ofCluster(c))
		}
	}
	for _, e := range endpoints {
		out = append(out, m.ofApp(e))
	}
	return out, nil
}

// begin asks whoever is due.
func (m *Monitor) begin(ctx context.Context) {
	all, err := m.questions(ctx)
	if err != nil {
		if ctx.Err() == nil {
			m.Log.Error("the monitor could not read whom to ask", "err", err)
		}
		return
	}
	now := m.Clock()
	there := map[string]bool{}
	for _, q := range all {
		there[q.key] = true
		w := m.watched[q.key]
		if w == nil {
			// Not all at once after a start.
			w = &watched{next: now.Add(rand.N(m.Every/10 + 1))}
			m.watched[q.key] = w
		}
		if now.Before(w.next) || !m.take(w) {
			continue
		}
		w.next = now.Add(m.Every - m.Every/10 + rand.N(m.Every/5+1))
		m.wg.Go(func() { m.probe(ctx, q, w) })
	}
	for key := range m.watched {
		if !there[key] {
			delete(m.watched, key)
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

func (m *Monitor) probe(ctx context.Context, q question, w *watched) {
	keep := m.ask(ctx, q, w)
	if ctx.Err() != nil {
		return // the server stops: that says nothing of who was asked
	}
	if err := keep(ctx); err != nil {
		if ctx.Err() == nil {
			m.Log.Error("a probe could not be saved", "of", q.key, "err", err)
		}
		return
	}
	m.Saved()
}

// ask waits for the answer, and no longer than the limit.
func (m *Monitor) ask(ctx context.Context, q question, w *watched) save {
	limited, cancel := context.WithTimeout(ctx, m.Limit)
	defer cancel()
	answers := make(chan save, 1)
	go func() {
		defer m.release(w)
		answers <- q.put(limited)
	}()
	select {
	case a := <-answers:
		return a
	case <-limited.Done():
		return q.late
	}
}

func (m *Monitor) ofCluster(c workflows.Cluster) question {
	keep := func(p Probe) save {
		return func(ctx context.Context) error { return m.Records.SaveProbe(ctx, p) }
	}
	down := func(why string) save {
		return func(ctx context.Context) error {
			return m.Records.SaveProbe(ctx, Probe{SiteID: c.SiteID, ClusterID: c.ID, At: m.Clock(), Health: Down, Want: c.Nodes(), Problem: why})
		}
	}
	return question{key: "cluster " + c.ID, late: down(m.tooLate()), put: func(ctx context.Context) save {
		s, err := m.Ask(ctx, c)
		if err != nil {
			return down(m.Words(err))
		}
		return keep(judge(c, s, m.Clock()))
	}}
}

func (m *Monitor) ofApp(e workflows.Endpoint) question {
	answer := func(s AppSample, why string) save {
		return func(ctx context.Context) error { return m.Records.SaveAppProbe(ctx, judgeApp(e, s, why, m.Clock())) }
	}
	return question{key: "app " + e.SiteID, late: answer(AppSample{}, m.tooLate()), put: func(ctx context.Context) save {
		s, err := m.AskApp(ctx, e)
		if err != nil {
			return answer(AppSample{}, err.Error())
		}
		return answer(s, "")
	}}
}

func (m *Monitor) tooLate() string { return fmt.Sprintf("It did not answer within %s", m.Limit) }
