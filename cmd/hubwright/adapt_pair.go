package main

import (
	"context"
	"errors"
	"time"

	"hubwright/internal/monitor"
	"hubwright/workflows"
	"hubwright/workflows/operate"
)

// pairing is what operations know of the Deployment around their Site.
func (a adapters) pairing() operate.Pairing {
	return operate.Pairing{Neighbours: a.neighbours, Waived: a.waived, Rotation: a.rotation}
}

func (a adapters) neighbours(ctx context.Context, siteID string) ([]operate.Neighbour, error) {
	here, err := a.db.Site(ctx, siteID)
	if err != nil {
		return nil, err
	}
	sites, err := a.db.Sites(ctx, here.DeploymentID)
	if err != nil {
		return nil, err
	}
	healths, err := a.db.SiteHealths(ctx)
	if err != nil {
		return nil, err
	}
	going, err := a.db.UnfinishedRuns(ctx)
	if err != nil {
		return nil, err
	}
	var out []operate.Neighbour
	for _, s := range sites {
		c, err := a.db.ClusterOfSite(ctx, s.ID)
		switch {
		case s.ID == siteID || errors.Is(err, workflows.ErrNotFound):
			continue
		case err != nil:
			return nil, err
		}
		n := operate.Neighbour{SiteID: s.ID, Name: s.Name}
		if h, ok := healths[s.ID]; ok && h.ClusterID == c.ID {
			n.At, n.Why = h.At, h.Why()
			if time.Since(h.At) <= monitor.FreshFor(a.probing) {
				n.Health = string(h.Health)
			}
		}
		for _, r := range going {
			// One on the whole Deployment, such as a drill, is everywhere.
			if r.Target.SiteID == s.ID || r.Target.SiteID == "" && r.Target.DeploymentID == s.DeploymentID {
				n.Runs = append(n.Runs, r)
			}
		}
		out = append(out, n)
	}
	return out, nil
}

// waived are the checks that somebody waived for the run's draft.
func (a adapters) waived(ctx context.Context, runID string) ([]string, error) {
	run, err := a.db.Run(ctx, runID)
	if err != nil || run.DraftID == "" {
		return nil, err
	}
	results, err := a.db.CheckResults(ctx, run.DraftID)
	var out []string
	for _, r := range results {
		if r.Status == workflows.CheckWaived {
			out = append(out, r.CheckID)
		}
	}
	return out, err
}
