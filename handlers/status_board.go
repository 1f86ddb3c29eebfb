package handlers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/monitor"
	"hubwright/store"
	"hubwright/web/status"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const (
	boardFresh  = time.Second // however many look, the store is read once in this time
	pastChanges = 6           // of each Deployment
	minStale    = monitor.LeastFresh
)

// boardCache keeps the Board that was read last. What it holds is never
// changed.
type boardCache struct {
	mu    sync.Mutex
	board status.Board
}

// statusBoard is the Board of all Deployments. It asks no cluster: the Monitor
// did.
func (s *Server) statusBoard(ctx context.Context) (status.Board, error) {
	s.boards.mu.Lock()
	defer s.boards.mu.Unlock()
	now := s.Clock()
	if age := now.Sub(s.boards.board.At); age >= 0 && age < boardFresh {
		return s.boards.board, nil
	}
	r := statusReader{s: s, now: now}
	if err := r.read(ctx); err != nil {
		return status.Board{}, err
	}
	b := status.Board{At: now, Deployments: []status.Deployment{}}
	for _, d := range r.deployments {
		b.Deployments = append(b.Deployments, r.deployment(d))
	}
	b.Health, b.Words = overall(b.Deployments)
	s.boards.board = b
	return b, nil
}

// statusReader is all that a Board is made of.
type statusReader struct {
	s           *Server
	now         time.Time
	deployments []workflows.Deployment
	sites       map[string][]workflows.Site  // by Deployment
	clusters    map[string]workflows.Cluster // by Site
	healths     map[string]store.SiteHealth  // by Site
	going, past map[string][]status.Change   // by Deployment
	newest      map[string]hops              // by version
}

type hops struct{ to, broken string }

func (r *statusReader) read(ctx context.Context) (err error) {
	db := r.s.Store
	r.sites, r.clusters, r.newest = map[string][]workflows.Site{}, map[string]workflows.Cluster{}, map[string]hops{}
	if r.deployments, err = db.Deployments(ctx); err != nil {
		return err
	}
	sites, err := db.AllSites(ctx)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, x := range sites {
		r.sites[x.DeploymentID] = append(r.sites[x.DeploymentID], x)
		names[x.ID] = x.Name
	}
	clusters, err := db.Clusters(ctx)
	if err != nil {
		return err
	}
	for _, cl := range clusters {
		if old, ok := r.clusters[cl.SiteID]; !ok || cl.CreatedAt.After(old.CreatedAt) {
			r.clusters[cl.SiteID] = cl
		}
	}
	if r.healths, err = db.SiteHealths(ctx); err != nil {
		return err
	}
	return r.readChanges(ctx, names)
}

func (r *statusReader) readChanges(ctx context.Context, sites map[string]string) error {
	r.going, r.past = map[string][]status.Change{}, map[string][]status.Change{}
	going, err := r.s.Store.UnfinishedRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range going {
		c := change(run, sites)
		steps, err := r.s.Store.Steps(ctx, run.ID, run.Attempt)
		if err != nil {
			return err
		}
		c.Step, c.Percent, c.At = stepWords(steps), run.Percent, run.StartedAt
		if c.At.IsZero() {
			c.At = run.CreatedAt
		}
		r.going[run.Target.DeploymentID] = append(r.going[run.Target.DeploymentID], c)
	}
	past, err := r.s.Store.EndedRuns(ctx, pastChanges)
	if err != nil {
		return err
	}
	for _, run := range past {
		c := change(run, sites)
		c.At = run.EndedAt
		r.past[run.Target.DeploymentID] = append(r.past[run.Target.DeploymentID], c)
	}
	return nil
}

func change(run workflows.Run, sites map[string]string) status.Change {
	return status.Change{Title: run.Title, Site: sites[run.Target.SiteID], Status: ui.RunStatus(run), State: string(run.Status), By: run.CreatedBy, URL: "/runs/" + run.ID}
}

func stepWords(steps []workflows.StepRun) string {
	for i, st := range steps {
		if st.Status == workflows.StepRunning {
			return fmt.Sprintf("Step %d of %d: %s", i+1, len(steps), st.Title)
		}
	}
	return ""
}

func (r *statusReader) deployment(d workflows.Deployment) status.Deployment {
	out := status.Deployment{ID: d.ID, Name: d.Name, Sites: []status.Site{},
		Changes: append([]status.Change{}, r.going[d.ID]...), Past: append([]status.Change{}, r.past[d.ID]...)}
	for _, site := range r.sites[d.ID] {
		out.Sites = append(out.Sites, r.site(site))
	}
	out.Health, out.Words, out.Lead = together(out.Sites)
	return out
}

func (r *statusReader) site(site workflows.Site) status.Site {
	cl, hasCluster := r.clusters[site.ID]
	h, probed := r.healths[site.ID]
	out := status.Site{ID: site.ID, Name: site.Name}
	out.Days, out.Quarters = strips(h.History, r.now)
	if !hasCluster {
		out.Health, out.Words = status.Unknown, "No cluster yet"
		return out
	}
	out.URL, out.Version = "/clusters/"+cl.ID, cl.Version
	if !probed || h.ClusterID != cl.ID {
		out.Health, out.Words = status.Unknown, "Not checked yet"
	} else {
		r.probed(&out, h)
	}
	if n := r.ladder(out.Version); n.to != out.Version {
		out.Newest, out.NewestNote = n.to, n.broken
	}
	return out
}

// probed fills in what the newest probe found.
func (r *statusReader) probed(out *status.Site, h store.SiteHealth) {
	out.CheckedAt, out.Why = h.At, h.Problem
	if h.Version != "" {
		out.Version, out.Ready, out.Want = h.Version, h.Ready, h.Want
	}
	if !h.CertificateEnds.IsZero() {
		out.CertificateEnds = h.CertificateEnds
		out.CertificateDays = int(h.CertificateEnds.Sub(r.now).Hours() / 24)
		if h.CertificateEnds.Before(r.now) {
			out.CertificateDays = -1
		}
	}
	out.Health, out.Words = healthWords(h)
	if out.Why == "" && len(h.Sick) > 0 {
		out.Why = "Not well: " + sentenceList(h.Sick)
	}
	if r.now.Sub(h.At) > monitor.FreshFor(r.s.Probing) {
		was := map[status.Health]string{status.Up: "healthy", status.Degraded: "degraded", status.Down: "down"}[out.Health]
		out.Health, out.Words = status.Stale, "Stale, was "+was
	}
}

func (r *statusReader) ladder(version string) hops {
	n, ok := r.newest[version]
	if !ok && version != "" {
		ladder, broken := aksengine.Ladder(version)
		n = hops{to: version, broken: broken}
		if len(ladder) > 0 {
			n.to = ladder[len(ladder)-1].To
		}
		r.newest[version] = n
	}
	return n
}
