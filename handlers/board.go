package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hubwright/store"
	"hubwright/web/guide"
	"hubwright/web/ui"
	"hubwright/web/wizard"
	"hubwright/workflows"
)

// board is all that a guide board tells of.
type board struct {
	now       time.Time
	d         workflows.Deployment
	sites     []workflows.Site
	stacks    map[string]workflows.Stack
	helpers   map[string]workflows.HelperVM          // by site
	clusters  map[string]workflows.Cluster           // by site
	pipelines map[string]workflows.ServiceConnection // by site
	latest    map[store.SiteRow]workflows.Run
	drafts    map[store.SiteRow]workflows.Draft
	traffic   workflows.TrafficProfile // zero while the Deployment has no name
	published int                      // Sites whose application has an endpoint
	drifted   map[string]string        // what a check for drift found, in a few words, by site
	catalogue workflows.Catalogue
}

func (s *Server) readBoard(ctx context.Context, d workflows.Deployment) (*board, error) {
	b := &board{
		now: s.Clock(), d: d, catalogue: s.Catalogue, stacks: map[string]workflows.Stack{}, helpers: map[string]workflows.HelperVM{},
		clusters: map[string]workflows.Cluster{}, pipelines: map[string]workflows.ServiceConnection{}, drafts: map[store.SiteRow]workflows.Draft{}, drifted: map[string]string{},
	}
	var err error
	if b.sites, err = s.Store.Sites(ctx, d.ID); err != nil {
		return nil, err
	}
	if b.latest, err = s.Store.LatestRuns(ctx, d.ID); err != nil {
		return nil, err
	}
	for key, run := range b.latest {
		if run.Status != workflows.RunSucceeded || !slices.Contains(undoThemselves, key.WorkflowID) {
			continue
		}
		if b.latest[key], err = s.Store.Run(ctx, run.ID); err != nil { // with its plan, which says whether it removed
			return nil, err
		}
	}
	for _, site := range b.sites {
		if err := s.readSite(ctx, b, site); err != nil {
			return nil, err
		}
	}
	if b.traffic, err = s.Store.TrafficProfile(ctx, d.ID); err != nil && !errors.Is(err, workflows.ErrNotFound) {
		return nil, err
	}
	return b, s.readDrafts(ctx, b, b.whole())
}

// whole stands for all Sites, in rows that have one cell.
func (b *board) whole() workflows.Site {
	return workflows.Site{DeploymentID: b.d.ID, Name: b.d.Name}
}

func (s *Server) readSite(ctx context.Context, b *board, site workflows.Site) error {
	st, err := s.Store.Stack(ctx, site.StackID)
	if err != nil {
		return err
	}
	b.stacks[site.ID] = st
	h, err := s.Store.HelperVM(ctx, site.ID)
	if err == nil {
		b.helpers[site.ID] = h
	} else if !errors.Is(err, workflows.ErrNotFound) {
		return err
	}
	cl, err := s.Store.ClusterOfSite(ctx, site.ID)
	if err == nil {
		b.clusters[site.ID] = cl
	} else if !errors.Is(err, workflows.ErrNotFound) {
		return err
	}
	sc, err := s.Store.ServiceConnection(ctx, site.ID)
	if err == nil {
		b.pipelines[site.ID] = sc
	} else if !errors.Is(err, workflows.ErrNotFound) {
		return err
	}
	if _, err := s.Store.Endpoint(ctx, site.ID); err == nil {
		b.published++
	} else if !errors.Is(err, workflows.ErrNotFound) {
		return err
	}
	return s.readDrafts(ctx, b, site)
}

func (s *Server) readDrafts(ctx context.Context, b *board, site workflows.Site) error {
	drafts, err := s.Store.Drafts(ctx, siteTarget(site))
	if err != nil {
		return err
	}
	for _, dr := range drafts {
		if dr.Target.SiteID != site.ID {
			continue // the Deployment's drafts are those of its Sites as well
		}
		key := siteRow(site, dr.WorkflowID)
		if old, ok := b.drafts[key]; !ok || dr.UpdatedAt.After(old.UpdatedAt) {
			b.drafts[key] = dr
		}
	}
	return s.readDrift(ctx, b, site)
}

func siteTarget(site workflows.Site) workflows.Target {
	return workflows.Target{DeploymentID: site.DeploymentID, SiteID: site.ID, StackID: site.StackID}
}

// columns are the heads of the Sites' columns over those rows.
func (b *board) columns(rows []guide.Row) []guide.Column {
	var out []guide.Column
	for i, site := range b.sites {
		st := b.stacks[site.ID]
		col := guide.Column{Site: site, URL: "/stacks/" + st.ID, Facts: "No cluster yet · " + st.Metadata.Identity.Title()}
		if cl, ok := b.clusters[site.ID]; ok {
			col.URL = "/clusters/" + cl.ID
			col.Facts = fmt.Sprintf("%s · %s · %s", cl.Version, ui.Plural(cl.Nodes(), "node", "nodes"), st.Metadata.Identity.Title())
		}
		for _, r := range rows {
			if r.Optional() || r.Wide {
				continue
			}
			col.Total++
			if r.Cells[i].Status.Tone == ui.ToneOK {
				col.Done++
			}
		}
		out = append(out, col)
	}
	return out
}

// rows are the guide's rows that a workflow of the catalogue serves.
func (b *board) rows(role ui.Role) []guide.Row {
	rows := guide.Rows(len(b.sites))
	served := map[int]bool{2: true}
	for _, def := range b.catalogue {
		info := def.Info()
		if info.Row == 0 {
			continue
		}
		served[info.Row] = true
		cells := rows[info.Row-1].Cells
		if info.Scope == workflows.ScopeDeployment && len(b.sites) > 0 {
			cells[0] = b.joinCell(info, role)
		}
		for i, site := range b.sites {
			if info.Scope == workflows.ScopeSite {
				cells[i] = b.cell(site, b.origin(site, info), role)
			}
		}
	}
	for i, site := range b.sites {
		rows[1].Cells[i] = b.helperCell(site)
	}
	return slices.DeleteFunc(rows, func(r guide.Row) bool { return !served[r.N] })
}

func lastTouched(r workflows.Run) time.Time {
	for _, t := range []time.Time{r.EndedAt, r.StartedAt} {
		if !t.IsZero() {
			return t
		}
	}
	return r.CreatedAt
}

func (b *board) draftItems(role ui.Role) []wizard.DraftItem {
	var out []wizard.DraftItem
	for _, site := range append(slices.Clone(b.sites), b.whole()) {
		for _, def := range b.catalogue {
			if dr, ok := b.drafts[siteRow(site, def.Info().ID)]; ok {
				out = append(out, wizard.DraftItem{Draft: dr, Title: def.Info().Title, On: site.Name, Role: role})
			}
		}
	}
	return out
}
