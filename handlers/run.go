package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"hubwright/internal/engine"
	"hubwright/web/layout"
	"hubwright/web/run"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const (
	tailLines  = 200 // for browsers without JavaScript
	causeLines = 20  // shown beside the cause of a failure
)

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
	if r.Status == workflows.RunFailed || r.Status == workflows.RunCancelled {
		if err := s.runLeft(ctx, &p, role); err != nil {
			return p, err
		}
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
		a := startOf(n.WorkflowID, n.Title, t)
		a.Primary = true
		return &a
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
