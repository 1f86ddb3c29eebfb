package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/store"
	webaudit "hubwright/web/audit"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const eventsPerPage = 100

func (s *Server) auditFilter(c echo.Context) (webaudit.Filter, store.AuditFilter, error) {
	f := webaudit.Filter{
		Actor: c.QueryParam("actor"), Action: c.QueryParam("action"), Cluster: c.QueryParam("cluster"), Workflow: c.QueryParam("workflow"),
		Deployment: c.QueryParam("deployment"), Run: c.QueryParam("run"), From: c.QueryParam("from"), To: c.QueryParam("to"),
	}
	q := store.AuditFilter{Actor: f.Actor, Action: f.Action, WorkflowID: f.Workflow, DeploymentID: f.Deployment, RunID: f.Run, Before: intParam(c, "before", 0)}
	if f.Cluster != "" {
		cl, err := s.Store.Cluster(c.Request().Context(), f.Cluster)
		if err != nil {
			return f, q, err
		}
		q.SiteID = cl.SiteID
	}
	if t, err := time.ParseInLocation(time.DateOnly, f.From, time.Local); err == nil {
		q.From = t
	}
	if t, err := time.ParseInLocation(time.DateOnly, f.To, time.Local); err == nil {
		q.To = t.AddDate(0, 0, 1)
	}
	return f, q, nil
}

func (s *Server) audit(c echo.Context) error {
	ctx := c.Request().Context()
	f, q, err := s.auditFilter(c)
	if err != nil {
		return err
	}
	if err := s.recordReading(c); err != nil {
		return err
	}
	q.Limit = eventsPerPage + 1
	events, err := s.Store.AuditEvents(ctx, q)
	if err != nil {
		return err
	}
	p := webaudit.Props{Role: me(c).ui(), Filter: f, Actions: auditActions(), Now: s.Clock(), ExportURL: exportURL(c, "csv")}
	if p.Role.Audits() {
		p.JSONURL = exportURL(c, "json")
	}
	if len(events) > eventsPerPage {
		events = events[:eventsPerPage]
		p.OlderURL = withQuery(c, "before", strconv.FormatInt(events[eventsPerPage-1].Seq, 10))
	}
	if q.Before > 0 {
		p.NewestURL = withQuery(c, "before", "")
	}
	p.Events = events
	if err := s.auditChoices(ctx, &p); err != nil {
		return err
	}
	p.Chain = s.chain(ctx)
	for _, k := range s.sinks() {
		if !k.FailingFrom.IsZero() {
			p.Failing = append(p.Failing, k.Name+" "+k.Where)
		}
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: "Audit", Active: layout.NavAudit, Body: webaudit.Page(p)})
}

func (s *Server) auditChoices(ctx context.Context, p *webaudit.Props) error {
	users, err := s.Store.Users(ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		p.Actors = append(p.Actors, ui.Choice{Value: u.Name, Label: u.Name})
	}
	p.Actors = append(p.Actors, ui.Choice{Value: audit.ActorHubwright, Label: audit.ActorHubwright})
	for _, d := range s.Catalogue {
		p.Workflows = append(p.Workflows, ui.Choice{Value: d.Info().ID, Label: d.Info().Title})
	}
	clusters, err := s.Store.Clusters(ctx)
	if err != nil {
		return err
	}
	for _, cl := range clusters {
		p.Clusters = append(p.Clusters, ui.Choice{Value: cl.ID, Label: cl.Name})
	}
	deployments, err := s.Store.Deployments(ctx)
	for _, d := range deployments {
		p.Deployments = append(p.Deployments, ui.Choice{Value: d.ID, Label: d.Name})
	}
	return err
}

// record appends what the person of this request did.
func (s *Server) record(c echo.Context, action, object string, t workflows.Target, detail map[string]string) error {
	return s.Store.AppendAudit(c.Request().Context(), workflows.AuditEvent{
		At: s.Clock(), Actor: me(c).Name, Action: action, Object: object, Target: t, Detail: detail,
	})
}

// recordOf appends what the person of this request did with a run.
func (s *Server) recordOf(c echo.Context, r workflows.Run, action, object string) error {
	return s.Store.AppendAudit(c.Request().Context(), workflows.AuditEvent{
		At: s.Clock(), Actor: me(c).Name, Action: action, Object: object, RunID: r.ID, Target: r.Target,
	})
}

func auditActions() []ui.Choice {
	var out []ui.Choice
	for _, a := range audit.Actions() {
		out = append(out, ui.Choice{Value: a.ID, Label: a.Words})
	}
	return out
}

// withQuery is the current address with one query value changed, or without
// it when value is "".
func withQuery(c echo.Context, key, value string) string {
	q := c.QueryParams()
	out := url.Values{}
	for k, v := range q {
		if k != key && len(v) > 0 && v[0] != "" {
			out.Set(k, v[0])
		}
	}
	if value != "" {
		out.Set(key, value)
	}
	if len(out) == 0 {
		return c.Request().URL.Path
	}
	return c.Request().URL.Path + "?" + out.Encode()
}
