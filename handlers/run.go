package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"hubwright/internal/engine"
	"hubwright/store"
	"hubwright/web/layout"
	"hubwright/web/run"
	"hubwright/web/runs"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const (
	runsPerPage = 50
	tailLines   = 200 // for browsers without JavaScript
	causeLines  = 20  // shown beside the cause of a failure
)

func (s *Server) runs(c echo.Context) error {
	ctx := c.Request().Context()
	p := runs.Props{Role: me(c).ui(), Now: s.Clock(), Filter: runs.Filter{
		Workflow: c.QueryParam("workflow"), Status: c.QueryParam("status"),
		Deployment: c.QueryParam("deployment"), Stack: c.QueryParam("stack"),
	}}
	before, _ := strconv.Atoi(c.QueryParam("before"))
	list, err := s.Store.Runs(ctx, store.RunFilter{
		WorkflowID: p.Filter.Workflow, Status: p.Filter.Status, DeploymentID: p.Filter.Deployment,
		StackID: p.Filter.Stack, Before: before, Limit: runsPerPage + 1,
	})
	if err != nil {
		return err
	}
	if len(list) > runsPerPage {
		list = list[:runsPerPage]
		p.OlderURL = withQuery(c, "before", strconv.Itoa(list[runsPerPage-1].Number))
	}
	if before > 0 {
		p.NewestURL = withQuery(c, "before", "")
	}
	if p.Rows, err = s.runRows(ctx, list); err != nil {
		return err
	}
	if err := s.runFilters(ctx, &p); err != nil {
		return err
	}
	if before == 0 && p.Filter == (runs.Filter{}) {
		if p.ForYou, err = s.waitingFor(c); err != nil {
			return err
		}
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: "Runs", Active: layout.NavRuns, Body: runs.Page(p)})
}

func (s *Server) runFilters(ctx context.Context, p *runs.Props) error {
	for _, d := range s.Catalogue {
		p.Workflows = append(p.Workflows, ui.Choice{Value: d.Info().ID, Label: d.Info().Title})
	}
	deployments, err := s.Store.Deployments(ctx)
	if err != nil {
		return err
	}
	for _, d := range deployments {
		p.Deployments = append(p.Deployments, ui.Choice{Value: d.ID, Label: d.Name})
	}
	stacks, err := s.Store.Stacks(ctx)
	for _, st := range stacks {
		p.Stacks = append(p.Stacks, ui.Choice{Value: st.ID, Label: st.Name})
	}
	return err
}

func (s *Server) runRows(ctx context.Context, list []workflows.Run) ([]runs.Row, error) {
	names := map[workflows.Target]string{}
	var out []runs.Row
	for _, r := range list {
		on, ok := names[r.Target]
		if !ok {
			p, err := s.place(ctx, r.Target)
			if err != nil {
				return nil, err
			}
			on = p.on()
			names[r.Target] = on
		}
		out = append(out, runs.Row{Run: r, On: on})
	}
	return out, nil
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

func (s *Server) readRun(c echo.Context) (workflows.Run, error) {
	runID, err := id(c)
	if err != nil {
		return workflows.Run{}, err
	}
	return s.Store.Run(c.Request().Context(), runID)
}

func (s *Server) run(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	return s.showRun(c, http.StatusOK, r, nil)
}

// showRun shows the page of a run; wrong is what was wrong with a decision on it.
func (s *Server) showRun(c echo.Context, status int, r workflows.Run, wrong *workflows.FieldError) error {
	ctx := c.Request().Context()
	p, err := s.runProps(ctx, r, me(c).ui())
	if err != nil {
		return err
	}
	if err := s.mayDecide(c, &p); err != nil {
		return err
	}
	if wrong != nil {
		p.Reason, p.ReasonError = c.FormValue("reason"), wrong.Message
	}
	if p.Tail, err = s.Store.ReadLog(ctx, r.ID, max(r.Lines-tailLines, 0), tailLines); err != nil {
		return err
	}
	return s.page(c, status, layout.Frame{Title: p.WindowTitle(), Active: layout.NavRuns, Icon: p.Icon(), Script: "run.js", Going: !r.Status.Ended(), Body: run.Page(p)})
}

// runProps is everything of the run's page but the log's tail.
func (s *Server) runProps(ctx context.Context, r workflows.Run, role ui.Role) (run.Props, error) {
	p := run.Props{Role: role, Run: r, Now: s.Clock()}
	var err error
	if p.Steps, err = s.Store.Steps(ctx, r.ID, r.Attempt); err != nil {
		return p, err
	}
	if p.Gate, err = s.Store.Gate(ctx, r.ID); err != nil {
		return p, err
	}
	if p.OpensAt, _, err = p.Gate.Opens(p.Now); err != nil {
		return p, err
	}
	pl, err := s.place(ctx, r.Target)
	if err != nil {
		return p, err
	}
	p.Crumbs = append(pl.crumbs(), ui.Crumb{Label: "Runs", URL: "/runs"})
	p.CanCancel = role.Operates() && !r.Status.Ended() && r.Status != workflows.RunCancelling
	p.CanRetry = role.Operates() && (r.Status == workflows.RunFailed || r.Status == workflows.RunCancelled)
	if first, ok, err := s.Store.FirstError(ctx, r.ID); err != nil {
		return p, err
	} else if ok {
		p.FirstError = first.N
	}
	if p.Nodes, err = s.nodeRows(ctx, r); err != nil {
		return p, err
	}
	switch r.Status {
	case workflows.RunFailed:
		p.LastLines, err = s.Store.ReadLog(ctx, r.ID, max(r.Lines-causeLines, 0), causeLines)
	case workflows.RunSucceeded:
		err = s.runResult(ctx, &p, pl, role)
	}
	return p, err
}

// nodeRows are the nodes that a run works on, or worked on.
func (s *Server) nodeRows(ctx context.Context, r workflows.Run) ([]workflows.NodeRow, error) {
	if rows := s.Engine.NodeRows(r.ID); rows != nil || !r.Status.Ended() {
		return rows, nil
	}
	x, err := s.execution(ctx, r)
	if x == nil {
		return nil, err
	}
	return x.NodeRows(), nil
}

func (s *Server) runResult(ctx context.Context, p *run.Props, pl place, role ui.Role) error {
	x, err := s.execution(ctx, p.Run)
	if x == nil {
		return err
	}
	res := x.Result()
	p.Result = &res
	p.NextAction = nextAction(res.Next, p.Run.Target, pl, role)
	if files := x.Downloads(); len(files) > 0 && role.Operates() {
		p.NextAction = &ui.Action{Label: "Download " + files[0].Name, URL: "/runs/" + p.Run.ID + "/downloads/" + url.PathEscape(files[0].Name), Method: "POST", Primary: true}
	}
	return nil
}

func nextAction(n *workflows.NextStep, t workflows.Target, pl place, role ui.Role) *ui.Action {
	switch {
	case n == nil:
		return nil
	case n.Link != "":
		return &ui.Action{Label: n.Title, URL: n.Link, Primary: true}
	case n.WorkflowID != "" && role.Operates():
		return &ui.Action{Label: n.Title, URL: "/drafts", Method: "POST", Primary: true, Fields: []ui.Hidden{
			{Name: "workflow", Value: n.WorkflowID}, {Name: "deployment", Value: t.DeploymentID},
			{Name: "site", Value: t.SiteID}, {Name: "stack", Value: t.StackID},
		}}
	case t.DeploymentID != "":
		return &ui.Action{Label: "Back to the guide", URL: "/deployments/" + t.DeploymentID, Primary: true}
	}
	return nil
}

func (s *Server) runPanel(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	p, err := s.runProps(c.Request().Context(), r, me(c).ui())
	if err != nil {
		return err
	}
	return s.fragment(c, http.StatusOK, run.Panel(p))
}

func (s *Server) cancelRun(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	err = s.Engine.Cancel(c.Request().Context(), r.ID, me(c).Name)
	if errors.Is(err, engine.ErrNotNow) {
		return see(c, "/runs/"+r.ID, ui.ToneWarn, "There is nothing to cancel any more.")
	}
	if err != nil {
		return err
	}
	return see(c, "/runs/"+r.ID, ui.ToneOK, "Cancelling. It counts as cancelled when the remote command has really stopped.")
}

func (s *Server) retryRun(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	_, err = s.Engine.Retry(c.Request().Context(), r.ID, me(c).Name)
	var locked *workflows.LockedError
	switch {
	case errors.As(err, &locked):
		return problemPage(http.StatusConflict, "Another run works on this now", locked.Error(), "Follow it, and retry when it has ended.",
			ui.Action{Label: "Follow run " + strconv.Itoa(locked.Run.Number), URL: "/runs/" + locked.Run.ID, Primary: true},
			ui.Action{Label: "Back", URL: "/runs/" + r.ID})
	case errors.Is(err, engine.ErrNotNow):
		return see(c, "/runs/"+r.ID, ui.ToneWarn, "This run cannot be retried now.")
	case err != nil:
		return err
	}
	return see(c, "/runs/"+r.ID, ui.ToneOK, "Going on from the step that did not finish.")
}
