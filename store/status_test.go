package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hubwright/internal/monitor"
	"hubwright/workflows"
)

// siteIn makes a Stack with a Site in a Deployment.
func siteIn(t *testing.T, d *DB, name string, dep *workflows.Deployment) workflows.Site {
	t.Helper()
	st := workflows.Stack{Name: name}
	ok(t, d.SaveStack(t.Context(), &st))
	if dep.ID == "" {
		ok(t, d.SaveDeployment(t.Context(), dep))
	}
	site := workflows.Site{DeploymentID: dep.ID, StackID: st.ID, Name: name}
	ok(t, d.SaveSite(t.Context(), &site))
	return site
}

func TestProbesAreCounted(t *testing.T) {
	d, c := openWithClock(t)
	site := siteIn(t, d, "Seattle", &workflows.Deployment{Name: "Ratings"})
	p := monitor.Probe{SiteID: site.ID, ClusterID: "clu_1", Health: monitor.Up, Ready: 6, Want: 6, Version: "1.33.10", CertificateEnds: c.Now().AddDate(1, 0, 0).UTC()}
	for range 3 {
		p.At = c.Now().UTC()
		ok(t, d.SaveProbe(t.Context(), p))
		c.Add(time.Minute)
	}
	p = monitor.Probe{SiteID: site.ID, ClusterID: "clu_1", At: c.Now().UTC(), Health: monitor.Down, Want: 6, Sick: []string{"etcd"}, Problem: "refused"}
	ok(t, d.SaveProbe(t.Context(), p))
	all, err := d.SiteHealths(t.Context())
	ok(t, err)
	h := all[site.ID]
	got(t, p)(h.Probe, nil)
	days := h.History.Days(c.Now())
	got(t, monitor.Counts{Up: 3, Down: 1})(days[len(days)-1], nil)
	rows, err := list(t.Context(), d.db, value[int], `SELECT length(history) FROM probes`)
	if err != nil || len(rows) != 1 || rows[0] > 60 {
		t.Errorf("%d rows of %v bytes: %v", len(rows), rows, err)
	}
}

func TestShares(t *testing.T) {
	d, c := openWithClock(t)
	ctx := t.Context()
	s := Share{Name: "Wall", DeploymentID: "dep_1", TokenHash: []byte("hash"), CreatedBy: "ana", ExpiresAt: c.Now().Add(time.Hour).UTC()}
	ok(t, d.CreateShare(ctx, &s))
	got(t, s)(d.ShareByToken(ctx, []byte("hash")))
	got(t, []Share{s})(d.Shares(ctx, "dep_1"))
	got(t, []Share(nil))(d.Shares(ctx, ""))
	if _, err := d.ShareByToken(ctx, []byte("other")); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("a hash that nobody has: %v", err)
	}
	if !s.Opens(c.Now()) || s.Opens(s.ExpiresAt) {
		t.Error("the link's time is not kept")
	}
	revoked, err := d.RevokeShare(ctx, s.ID)
	if err != nil || revoked.Opens(c.Now()) || revoked.Name != "Wall" {
		t.Errorf("revoked: %+v %v", revoked, err)
	}
	got(t, []Share(nil))(d.Shares(ctx, "dep_1"))
	if _, err := d.RevokeShare(ctx, s.ID); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("revoked twice: %v", err)
	}
}

func TestEndedRunsOfEachDeployment(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	a, b := workflows.Deployment{Name: "A"}, workflows.Deployment{Name: "B"}
	sa, sb := siteIn(t, d, "Seattle", &a), siteIn(t, d, "Orlando", &b)
	for i := range 5 {
		for _, site := range []workflows.Site{sa, sb} {
			run := createRun(t, d, &workflows.Run{WorkflowID: "w", Title: fmt.Sprint(i), Target: workflows.Target{DeploymentID: site.DeploymentID, SiteID: site.ID}})
			if i < 4 {
				finish(t, d, run.ID, workflows.RunSucceeded)
			}
		}
	}
	runs, err := d.EndedRuns(ctx, 2)
	ok(t, err)
	var have []string
	for _, r := range runs {
		have = append(have, r.Target.SiteID+r.Title)
	}
	got(t, []string{sb.ID + "3", sa.ID + "3", sb.ID + "2", sa.ID + "2"})(have, nil)
	sites, err := d.AllSites(ctx)
	if err != nil || len(sites) != 2 {
		t.Errorf("sites %+v %v", sites, err)
	}
}
