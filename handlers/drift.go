package handlers

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"hubwright/internal/aksengine"
	"hubwright/internal/audit"
	"hubwright/store"
	"hubwright/web/clusters"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const driftCheck = "drift-check"

// changing are the workflows after which what a check for drift found may not
// be so any more.
var changing = []string{"cluster", "upgrade", "scale", "addpool", "rotate-certs", "restore-model", "rotate-secret"}

// drift is what the newest check for drift on a Site found; list are the
// Site's newest runs.
func (s *Server) drift(ctx context.Context, siteID string, list []workflows.Run) (clusters.Drift, error) {
	runs, err := s.Store.Runs(ctx, store.RunFilter{SiteID: siteID, WorkflowID: driftCheck, Status: string(workflows.RunSucceeded), Limit: 1})
	if err != nil || len(runs) == 0 {
		return clusters.Drift{}, err
	}
	d := clusters.Drift{RunID: runs[0].ID, At: runs[0].EndedAt, By: runs[0].CreatedBy}
	for _, r := range list {
		d.Changed = d.Changed || r.Number > runs[0].Number && !r.StartedAt.IsZero() && slices.Contains(changing, r.WorkflowID)
	}
	d.Found, err = s.differences(ctx, runs[0])
	return d, err
}

// differences are what a run found.
func (s *Server) differences(ctx context.Context, r workflows.Run) ([]workflows.Difference, error) {
	x, err := s.execution(ctx, r)
	if x == nil {
		return nil, err
	}
	return x.Differences(), nil
}

// readDrift notes on the board which clusters have drifted, as far as nothing
// was changed since somebody looked.
func (s *Server) readDrift(ctx context.Context, b *board, site workflows.Site) error {
	last, ok := b.latest[siteRow(site, driftCheck)]
	if !ok || last.Status != workflows.RunSucceeded {
		return nil
	}
	for _, id := range changing {
		if r, ok := b.latest[siteRow(site, id)]; ok && r.Number > last.Number && !r.StartedAt.IsZero() {
			return nil
		}
	}
	found, err := s.differences(ctx, last)
	if len(found) > 0 {
		b.drifted[site.ID] = ui.Plural(len(found), "difference", "differences") + " · " + shortDate(last.EndedAt)
	}
	return err
}

// diffModels shows what differs between two versions of the API model.
func (s *Server) diffModels(c echo.Context) error {
	ctx := c.Request().Context()
	cl, err := s.readCluster(c)
	if err != nil {
		return err
	}
	p := clusters.DiffProps{Cluster: cl}
	if p.Models, err = s.Store.APIModels(ctx, cl.ID); err != nil {
		return err
	}
	if len(p.Models) == 0 {
		return workflows.ErrNotFound
	}
	p.New, p.Old = p.Models[0].Version, p.Models[min(1, len(p.Models)-1)].Version
	for key, into := range map[string]*int{"old": &p.Old, "new": &p.New} {
		if given := c.QueryParam(key); given != "" {
			if *into, err = strconv.Atoi(given); err != nil {
				return workflows.ErrNotFound
			}
		}
	}
	before, err := s.openModel(ctx, cl, p.Old)
	if err != nil {
		return err
	}
	after, err := s.openModel(ctx, cl, p.New)
	if err != nil {
		return err
	}
	lines, hidden, err := aksengine.Diff(before, after)
	if err != nil {
		return err
	}
	p.Hidden = hidden
	for _, l := range lines {
		p.Lines = append(p.Lines, clusters.DiffLine{Mark: l.Mark, Text: l.Text})
	}
	pl, err := s.placeOfSite(ctx, cl.SiteID)
	if err != nil {
		return err
	}
	p.Crumbs = append(pl.crumbs(), ui.Crumb{Label: cl.Name, URL: "/clusters/" + cl.ID})
	if err := s.auditCluster(c, cl, audit.APIModelCompare, map[string]string{"old": strconv.Itoa(p.Old), "new": strconv.Itoa(p.New), "masked": "yes"}); err != nil {
		return err
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: "API model of " + cl.Name, Active: layout.NavClusters, Body: clusters.Diff(p)})
}

func (s *Server) openModel(ctx context.Context, cl workflows.Cluster, version int) ([]byte, error) {
	m, err := s.Store.APIModel(ctx, cl.ID, version)
	if err != nil {
		return nil, err
	}
	return s.Vault.Open(ctx, m.Document)
}
