package handlers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

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
