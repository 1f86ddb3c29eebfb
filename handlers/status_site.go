package handlers

import (
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/monitor"
	"hubwright/store"
	"hubwright/web/status"
	"hubwright/workflows"
)

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

// maintenance is until when a Site is in scheduled maintenance.
func (r *statusReader) maintenance(site workflows.Site) (until time.Time, in bool) {
	for _, a := range r.open {
		if a.Kind == store.Maintenance && a.Going(r.now) && a.Concerns(site.DeploymentID, site.ID) && a.To.After(until) {
			until, in = a.To, true
		}
	}
	return until, in
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

type hops struct{ to, broken string }
