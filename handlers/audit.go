package handlers

import (
	"context"
	"net/http"
	"strconv"
	"strings"
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

func auditFilter(c echo.Context) (webaudit.Filter, store.AuditFilter) {
	f := webaudit.Filter{
		Actor: c.QueryParam("actor"), Action: c.QueryParam("action"), Deployment: c.QueryParam("deployment"),
		Run: c.QueryParam("run"), From: c.QueryParam("from"), To: c.QueryParam("to"),
	}
	q := store.AuditFilter{Actor: f.Actor, Action: f.Action, DeploymentID: f.Deployment, RunID: f.Run, Before: intParam(c, "before", 0), Limit: eventsPerPage + 1}
	if t, err := time.ParseInLocation(time.DateOnly, f.From, time.Local); err == nil {
		q.From = t
	}
	if t, err := time.ParseInLocation(time.DateOnly, f.To, time.Local); err == nil {
		q.To = t.AddDate(0, 0, 1)
	}
	return f, q
}

func (s *Server) audit(c echo.Context) error {
	ctx := c.Request().Context()
	f, q := auditFilter(c)
	events, err := s.Store.AuditEvents(ctx, q)
	if err != nil {
		return err
	}
	p := webaudit.Props{Role: me(c).ui(), Filter: f, Actions: auditActions(), Now: s.Clock(), ExportURL: exportURL(c)}
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

func auditActions() []ui.Choice {
	var out []ui.Choice
	for _, a := range audit.Actions() {
		out = append(out, ui.Choice{Value: a.ID, Label: a.Words})
	}
	return out
}

// exportURL leads to the file of what the page's filter selects.
func exportURL(c echo.Context) string {
	page := withQuery(c, "before", "")
	_, query, _ := strings.Cut(page, "?")
	if query == "" {
		return "/audit/export.csv"
	}
	return "/audit/export.csv?" + query
}

// exportAudit writes what the filter selects, the newest first.
func (s *Server) exportAudit(c echo.Context) error {
	_, q := auditFilter(c)
	q.Limit = 0
	ctx := c.Request().Context()
	if err := s.record(c, audit.AuditExport, "audit", workflows.Target{}, nil); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set(echo.HeaderContentDisposition, "attachment; filename=audit.csv")
	return audit.WriteCSV(ctx, c.Response(), s.Store, q)
}
