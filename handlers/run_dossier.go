package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"hubwright/internal/aksengine"
	"hubwright/internal/audit"
	"hubwright/internal/dossier"
	"hubwright/store"
	webdossier "hubwright/web/dossier"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const eventsPerRead = 500

func (s *Server) runDossier(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	p, pl, err := s.dossierProps(c, r)
	if err != nil {
		return err
	}
	if me(c).ui().Audits() {
		p.Archive = "/runs/" + r.ID + "/dossier.zip"
	}
	crumbs := append(pl.crumbs(), ui.Crumb{Label: "Runs", URL: "/runs"}, ui.Crumb{Label: fmt.Sprintf("Run %d", r.Number), URL: "/runs/" + r.ID})
	return s.page(c, http.StatusOK, layout.Frame{Title: "Dossier of run " + fmt.Sprint(r.Number), Active: layout.NavRuns, Body: webdossier.Page(p, crumbs)})
}

// downloadDossier writes the archive as it is made, with a row in the audit
// before the first byte leaves.
func (s *Server) downloadDossier(c echo.Context) error {
	ctx := c.Request().Context()
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	err = s.recordOf(c, r, audit.DossierDownload, r.Title)
	if err != nil {
		return err
	}
	p, _, err := s.dossierProps(c, r)
	if err != nil {
		return err
	}
	files, err := s.keptFiles(ctx, r)
	for _, f := range files {
		defer f.Body.Close()
	}
	if err != nil {
		return err
	}
	src := dossier.Source{Page: p, Files: files, Lines: func(ctx context.Context, after int64, limit int) ([]workflows.LogLine, error) {
		return s.Store.ReadLog(ctx, r.ID, after, limit)
	}}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/zip")
	h.Set(echo.HeaderContentDisposition, fmt.Sprintf("attachment; filename=%s-dossier.zip", src.Folder()))
	if err := dossier.Write(ctx, c.Response(), src, s.Signing); err != nil {
		return s.cut(c, err)
	}
	return nil
}

func (s *Server) dossierProps(c echo.Context, r workflows.Run) (webdossier.Props, place, error) {
	ctx := c.Request().Context()
	p := webdossier.Props{Run: r, Actions: auditActions(), MadeAt: s.Clock().UTC(), MadeBy: me(c).Name}
	pl, err := s.place(ctx, r.Target)
	if err != nil {
		return p, pl, err
	}
	p.On = pl.on()
	for _, t := range r.Plan.Tools {
		p.Tools = append(p.Tools, ui.Fact{Label: t.Label, Value: t.Value})
	}
	p.Tools = append(p.Tools, ui.Fact{Label: "Hubwright that made this dossier", Value: s.Build})
	if p.Gate, err = s.Store.Gate(ctx, r.ID); err != nil {
		return p, pl, err
	}
	if p.Nodes, err = s.nodeRows(ctx, r); err != nil {
		return p, pl, err
	}
	for _, read := range []func(context.Context, *webdossier.Props) error{s.dossierSteps, s.dossierChecks, s.dossierEvents, s.dossierModels} {
		if err := read(ctx, &p); err != nil {
			return p, pl, err
		}
	}
	return p, pl, nil
}

// tools are the versions of what works on a target now. They are kept with
// the run's plan: later there will be others.
func (s *Server) tools(ctx context.Context, t workflows.Target) ([]workflows.SummaryItem, error) {
	out := []workflows.SummaryItem{{Label: "Hubwright", Value: s.Build}}
	if t.SiteID == "" {
		return out, nil
	}
	helper, err := s.Store.HelperVM(ctx, t.SiteID)
	if err != nil && !errors.Is(err, workflows.ErrNotFound) {
		return nil, err
	}
	cl, err := s.Store.ClusterOfSite(ctx, t.SiteID)
	if err != nil && !errors.Is(err, workflows.ErrNotFound) {
		return nil, err
	}
	for _, x := range []workflows.SummaryItem{
		{Label: "AKS Engine on the helper VM", Value: helper.EngineVersion}, {Label: "System of the helper VM", Value: helper.OS},
		{Label: "Kubernetes of the Cluster before", Value: cl.Version}, {Label: "AKS Engine that worked on the Cluster last", Value: cl.EngineVersion},
	} {
		if x.Value != "" {
			out = append(out, x)
		}
	}
	return out, nil
}

// keptFiles are the files that the run made and that are kept with it, such as
// the logs of nodes.
func (s *Server) keptFiles(ctx context.Context, r workflows.Run) ([]dossier.File, error) {
	x, err := s.execution(ctx, r)
	if x == nil {
		return nil, err
	}
	var out []dossier.File
	for _, d := range x.Downloads() {
		if !d.Kept {
			continue
		}
		f, err := s.RunFiles.Open(r.ID, d.Name)
		if errors.Is(err, workflows.ErrNotFound) {
			continue
		}
		if err != nil {
			return out, err
		}
		out = append(out, dossier.File{Name: d.Name, Body: f})
	}
	return out, nil
}

// dossierSteps are the steps of all attempts. An attempt begins with copies of
// what the one before had done: each is shown where it ran.
func (s *Server) dossierSteps(ctx context.Context, p *webdossier.Props) error {
	type start struct {
		index int
		at    int64
	}
	ran := map[start]bool{}
	for attempt := 1; attempt <= p.Run.Attempt; attempt++ {
		steps, err := s.Store.Steps(ctx, p.Run.ID, attempt)
		if err != nil {
			return err
		}
		for _, st := range steps {
			key := start{st.Index, st.StartedAt.UnixNano()}
			begun := !st.StartedAt.IsZero()
			if begun && ran[key] || !begun && attempt < p.Run.Attempt {
				continue
			}
			ran[key] = begun
			p.Steps = append(p.Steps, st)
		}
	}
	return nil
}

// dossierChecks are the results of the draft's checks with their words, in
// the order of the workflow; what this build does not know comes last.
func (s *Server) dossierChecks(ctx context.Context, p *webdossier.Props) error {
	if p.Run.DraftID == "" {
		return nil
	}
	results, err := s.Store.CheckResults(ctx, p.Run.DraftID)
	if err != nil {
		return err
	}
	if def, ok := s.Catalogue.Find(p.Run.WorkflowID); ok {
		for _, info := range def.Info().Checks {
			i := slices.IndexFunc(results, func(r workflows.CheckResult) bool { return r.CheckID == info.ID })
			if i >= 0 {
				p.Checks = append(p.Checks, webdossier.Check{Title: info.Title, Severity: info.Severity, Result: results[i]})
				results = slices.Delete(results, i, i+1)
			}
		}
	}
	for _, r := range results {
		p.Checks = append(p.Checks, webdossier.Check{Title: r.CheckID, Result: r})
	}
	return nil
}

func (s *Server) dossierEvents(ctx context.Context, p *webdossier.Props) error {
	f := store.AuditFilter{RunID: p.Run.ID, Oldest: true, Limit: eventsPerRead}
	for {
		events, err := s.Store.AuditEvents(ctx, f)
		if err != nil {
			return err
		}
		p.Events = append(p.Events, events...)
		if len(events) < eventsPerRead {
			return nil
		}
		f.After = events[len(events)-1].Seq
	}
}

// dossierModels are the Cluster's API model before the run, and the last one
// that the run brought into custody.
func (s *Server) dossierModels(ctx context.Context, p *webdossier.Props) error {
	if p.Run.Target.SiteID == "" {
		return nil
	}
	cl, err := s.Store.ClusterOfSite(ctx, p.Run.Target.SiteID)
	if errors.Is(err, workflows.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	kept, err := s.Store.APIModels(ctx, cl.ID)
	if err != nil {
		return err
	}
	before, after := aroundRun(p.Run, kept)
	for _, m := range []struct {
		when  string
		model *workflows.APIModel
	}{{"before", before}, {"after", after}} {
		if m.model == nil {
			continue
		}
		shown, err := s.dossierModel(ctx, cl, m.when, *m.model)
		if err != nil {
			return err
		}
		p.Models = append(p.Models, shown)
	}
	return nil
}

// aroundRun finds the versions that a run found and left; kept are the newest
// first. A run that changed nothing has only what it found.
func aroundRun(r workflows.Run, kept []workflows.APIModel) (before, after *workflows.APIModel) {
	for i, m := range kept {
		switch {
		case m.RunID == r.ID:
			if after == nil {
				after = &kept[i]
			}
		case after != nil, m.At.Before(r.CreatedAt):
			return &kept[i], after
		}
	}
	return nil, after
}

func (s *Server) dossierModel(ctx context.Context, cl workflows.Cluster, when string, m workflows.APIModel) (webdossier.Model, error) {
	out := webdossier.Model{When: when, Cluster: cl.Name, Version: m.Version, SHA256: m.SHA256, At: m.At}
	raw, err := s.Vault.Open(ctx, m.Document)
	if errors.Is(err, workflows.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	if out.Masked, err = aksengine.Masked(raw); err != nil {
		return out, err
	}
	var doc struct {
		Properties struct {
			OrchestratorProfile struct{ OrchestratorVersion string }
		}
	}
	if json.Unmarshal(raw, &doc) == nil {
		out.Kubernetes = doc.Properties.OrchestratorProfile.OrchestratorVersion
	}
	return out, nil
}
