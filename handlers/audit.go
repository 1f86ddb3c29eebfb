package handlers

import (
	"context"
	"encoding/csv"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/store"
	webaudit "hubwright/web/audit"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const eventsPerPage = 100

// auditActions are the actions that are recorded, with their words.
var auditActions = []ui.Choice{
	{Value: "run.start", Label: "Run started"}, {Value: "run.end", Label: "Run ended"}, {Value: "run.cancel", Label: "Run cancelled"},
	{Value: "run.retry", Label: "Run retried"}, {Value: "check.waive", Label: "Check waived"},
	{Value: "kubeconfig.download", Label: "Kubeconfig downloaded"}, {Value: "account.download", Label: "Scoped account downloaded"},
	{Value: "apimodel.download", Label: "API model downloaded"}, {Value: "stack.create", Label: "Stack registered"},
	{Value: "stack.change", Label: "Stack changed"}, {Value: "stack.test", Label: "Stack tested"},
	{Value: "deployment.create", Label: "Deployment created"}, {Value: "site.create", Label: "Site added"},
	{Value: "team.setup", Label: "First admin made"}, {Value: "team.change", Label: "Team changed"},
	{Value: "session.start", Label: "Logged in"}, {Value: "settings.change", Label: "Settings changed"},
}

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
	p := webaudit.Props{Role: me(c).ui(), Filter: f, Actions: auditActions, Now: s.Clock(), ExportURL: "/audit/export.csv"}
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
	rows, broken, err := s.Store.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	p.Chain = webaudit.Chain{At: s.Clock(), Rows: rows, FirstBroken: broken}
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
	p.Actors = append(p.Actors, ui.Choice{Value: "hubwright", Label: "hubwright"})
	deployments, err := s.Store.Deployments(ctx)
	for _, d := range deployments {
		p.Deployments = append(p.Deployments, ui.Choice{Value: d.ID, Label: d.Name})
	}
	return err
}

// exportAudit writes what the filter selects, the newest first, row by row.
func (s *Server) exportAudit(c echo.Context) error {
	_, q := auditFilter(c)
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set(echo.HeaderContentDisposition, "attachment; filename=audit.csv")
	c.Response().WriteHeader(http.StatusOK)
	w := csv.NewWriter(c.Response())
	_ = w.Write([]string{"seq", "time", "actor", "action", "object", "run", "detail", "hash"})
	q.Limit = 1000
	for {
		events, err := s.Store.AuditEvents(c.Request().Context(), q)
		if err != nil || len(events) == 0 {
			w.Flush()
			return err
		}
		for _, e := range events {
			_ = w.Write([]string{strconv.FormatInt(e.Seq, 10), e.At.UTC().Format(time.RFC3339Nano), cell(e.Actor), e.Action, cell(e.Object), e.RunID, cell(details(e)), e.Hash})
		}
		q.Before = events[len(events)-1].Seq
	}
}

// cell keeps a spreadsheet from taking a name for a formula.
func cell(v string) string {
	if v != "" && (v[0] == '=' || v[0] == '+' || v[0] == '-' || v[0] == '@') {
		return "'" + v
	}
	return v
}

func details(e workflows.AuditEvent) string {
	keys := make([]string, 0, len(e.Detail))
	for k := range e.Detail {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := ""
	for _, k := range keys {
		out += k + "=" + e.Detail[k] + "; "
	}
	return out
}
