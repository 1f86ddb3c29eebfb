package handlers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/expiry"
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

// boardCache keeps the Board that was read last, and what was made of it for
// those who look. What it holds is never changed.
type boardCache struct {
	mu    sync.Mutex
	board status.Board
	made  map[string]string // what changes of a page, by where it asks for itself
}

// mostMade is of how many pages of one Board what was made is kept.
const mostMade = 200

// of is what changes of a page, made once for all who look the same way.
func (c *boardCache) of(ctx context.Context, p status.Props) (string, error) {
	key := p.URL
	if p.Wall {
		key += " wall"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.board.At.Equal(p.Board.At)
	if made, ok := c.made[key]; ok && now {
		return made, nil
	}
	var b strings.Builder
	p.Version = statusLive(p).version()
	if err := status.Live(p).Render(ctx, &b); err != nil {
		return "", err
	}
	if now && len(c.made) < mostMade {
		c.made[key] = b.String()
	}
	return b.String(), nil
}

// Board is the Board of all Deployments.
func (s *Server) Board(ctx context.Context) (status.Board, error) { return s.statusBoard(ctx) }

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
	if err := r.endings(ctx, b.Deployments); err != nil {
		return status.Board{}, err
	}
	b.Health, b.Words = overall(b.Deployments)
	b.Announcements = r.announcements()
	s.boards.board, s.boards.made = b, map[string]string{}
	return b, nil
}

// statusReader is all that a Board is made of.
type statusReader struct {
	s           *Server
	now         time.Time
	deployments []workflows.Deployment
	sites       map[string][]workflows.Site         // by Deployment
	clusters    map[string]workflows.Cluster        // by Site
	healths     map[string]store.SiteHealth         // by Site
	apps        map[string]store.AppHealth          // by Site
	names       map[string]workflows.TrafficProfile // by Deployment
	endpoints   map[string]bool                     // Sites that have an application
	open        []store.Announcement
	going, past map[string][]status.Change // by Deployment
	newest      map[string]hops            // by version
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
	siteNames := map[string]string{}
	for _, x := range sites {
		r.sites[x.DeploymentID] = append(r.sites[x.DeploymentID], x)
		siteNames[x.ID] = x.Name
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
	if r.apps, err = db.AppHealths(ctx); err != nil {
		return err
	}
	endpoints, err := db.Endpoints(ctx)
	if err != nil {
		return err
	}
	r.endpoints = map[string]bool{}
	for _, e := range endpoints {
		r.endpoints[e.SiteID] = true
	}
	names, err := db.TrafficProfiles(ctx)
	if err != nil {
		return err
	}
	r.names = map[string]workflows.TrafficProfile{}
	for _, p := range names {
		r.names[p.DeploymentID] = p
	}
	if r.open, err = db.OpenAnnouncements(ctx); err != nil {
		return err
	}
	return r.readChanges(ctx, siteNames)
}

// announcements are what is open, in words.
func (r *statusReader) announcements() []status.Announcement {
	out := []status.Announcement{}
	for _, a := range r.open {
		x := status.Announcement{ID: a.ID, Maintenance: a.Kind == store.Maintenance, Title: a.Title, Text: a.Text, From: a.From, To: a.To, Going: a.Going(r.now), By: a.CreatedBy}
		if a.DeploymentID != "" {
			x.Deployments = []string{a.DeploymentID}
			x.Concerns = r.concerns(a)
		}
		out = append(out, x)
	}
	return out
}

// concerns is "Ratings / Seattle, Orlando".
func (r *statusReader) concerns(a store.Announcement) string {
	var sites []string
	for _, site := range r.sites[a.DeploymentID] {
		if len(a.Sites) > 0 && a.Concerns(a.DeploymentID, site.ID) {
			sites = append(sites, site.Name)
		}
	}
	for _, d := range r.deployments {
		if d.ID == a.DeploymentID && len(sites) > 0 {
			return d.Name + " / " + strings.Join(sites, ", ")
		} else if d.ID == a.DeploymentID {
			return d.Name
		}
	}
	return ""
}

// traffic fills in how the Sites stand behind the one name.
func (r *statusReader) traffic(d *status.Deployment) {
	name, ok := r.names[d.ID]
	if !ok {
		return
	}
	d.Traffic = &status.Traffic{FQDN: name.FQDN}
	if r.s.Rotations == nil {
		return
	}
	l, ok := r.s.Rotations.Of(d.ID)
	if !ok {
		return
	}
	d.Traffic.CheckedAt, d.Traffic.Why = l.At, l.Problem
	if r.now.Sub(l.At) > monitor.FreshFor(r.s.Probing) {
		d.Traffic.Why = "How the Sites stand behind it is not known: the newest answer is old."
		return
	}
	for i := range d.Sites {
		if s, ok := l.Sites[d.Sites[i].ID]; ok {
			d.Sites[i].Rotation = status.Rotation{In: s.InRotation, Health: s.Health}
		}
	}
}

// maintenance is until when a Site is in scheduled maintenance.
func (r *statusReader) maintenance(site workflows.Site) (until time.Time, in bool) {
	for _, a := range r.open {
		if a.Kind == store.Maintenance && a.Going(r.now) && a.Concerns(site.DeploymentID, site.ID) && a.To.After(until) {
			until, in = a.To, true
		}
	}
	return until, in
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
	r.traffic(&out)
	out.Health, out.Words, out.Lead = together(out.Sites)
	return out
}

func (r *statusReader) site(site workflows.Site) status.Site {
	cl, hasCluster := r.clusters[site.ID]
	h, probed := r.healths[site.ID]
	out := status.Site{ID: site.ID, Name: site.Name}
	out.Days, out.Quarters = strips(h.History, r.now)
	out.App = r.app(site)
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
	if until, in := r.maintenance(site); in && out.Health != status.Up && out.Health != status.Unknown {
		out.Health, out.Words = status.Maintenance, "Maintenance until "+untilWords(until, r.now)
	}
	if n := r.ladder(out.Version); n.to != out.Version {
		out.Newest, out.NewestNote = n.to, n.broken
	}
	return out
}

// shownEnds are shown of a Deployment.
const shownEnds = 6

// endings fills in what each Deployment needs and what ends first of it. What
// serves several, such as a Connection, is shown with each.
func (r *statusReader) endings(ctx context.Context, all []status.Deployment) error {
	x, err := r.s.expiriesOf(ctx, r)
	if err != nil {
		return err
	}
	for i := range all {
		d := &all[i]
		for _, item := range x.items {
			if !r.needs(*d, item) {
				continue
			}
			e := status.Ending{What: item.What, Of: strings.TrimPrefix(item.Of, d.Name+" / "), Ends: item.Ends, Days: item.Days(r.now), Words: item.Left(r.now), Support: item.Support, URL: item.URL}
			if n := len(d.Ends); n > 0 && e.With(d.Ends[n-1]) {
				d.Ends[n-1].Of += ", " + e.Of
				d.Ends[n-1].URL = "/calendar"
			} else if n < shownEnds {
				d.Ends = append(d.Ends, e)
			}
		}
	}
	return nil
}

func (r *statusReader) needs(d status.Deployment, item expiry.Item) bool {
	switch kind, id, _ := strings.Cut(item.ID, "-"); {
	case kind == "share":
		return false
	case kind == "credential":
		return slices.ContainsFunc(r.sites[d.ID], func(x workflows.Site) bool { return x.StackID == id })
	default:
		return item.DeploymentID == d.ID || item.DeploymentID == ""
	}
}

// probed fills in what the newest probe found.
func (r *statusReader) probed(out *status.Site, h store.SiteHealth) {
	out.CheckedAt, out.Why = h.At, h.Problem
	for _, x := range h.Scaling {
		out.Scaling = append(out.Scaling, status.Scaling(x))
	}
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

// app is how the Site's application answers, nil when it has none.
func (r *statusReader) app(site workflows.Site) *status.App {
	if !r.endpoints[site.ID] {
		return nil
	}
	h, probed := r.apps[site.ID]
	a := &status.App{Health: status.Unknown, Words: "Not checked yet"}
	a.Days = strip(h.History.Days(r.now), 24*time.Hour, r.now)
	if !probed {
		return a
	}
	a.CheckedAt, a.Status, a.Why = h.At, h.Status, h.Problem
	a.Health, a.Words = appWords(h)
	if _, in := r.maintenance(site); in && a.Health != status.Up {
		a.Health, a.Words = status.Maintenance, "In maintenance"
	}
	if r.now.Sub(h.At) > monitor.FreshFor(r.s.Probing) {
		a.Health, a.Words = status.Stale, "Stale"
	}
	return a
}

// untilWords is the time of an end, with its day when that is another.
func untilWords(t, now time.Time) string {
	if t, now = t.UTC(), now.UTC(); t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04 UTC")
	}
	return t.Format("2 Jan, 15:04 UTC")
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
