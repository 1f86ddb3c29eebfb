package handlers

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/engine"
	"hubwright/store"
	"hubwright/web/run"
	"hubwright/web/runs"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const (
	shortestReason = 8
	longestReason  = 1000
	startAtForm    = "2006-01-02T15:04" // of an input of the type datetime-local
)

// gateOf is what a run of this draft would wait for, and the zone in which a
// time to begin is given.
func (s *Server) gateOf(ctx context.Context, o opened) (workflows.Gate, string, error) {
	if o.draft.Target.StackID == "" {
		return workflows.Gate{}, "UTC", nil
	}
	p, err := s.Store.Policy(ctx, o.draft.Target.StackID)
	return p.GateFor(o.info.ID), p.Zone, err
}

// askedGate is the gate with what the person asked for. A time to begin that
// does not do is a workflows.FieldError.
func (s *Server) askedGate(ctx context.Context, c echo.Context, o opened) (workflows.Gate, error) {
	g, zone, err := s.gateOf(ctx, o)
	if err != nil {
		return g, err
	}
	for _, name := range []string{me(c).Name, o.draft.CreatedBy, o.draft.UpdatedBy} {
		if name != "" && !slices.Contains(g.Askers, name) {
			g.Askers = append(g.Askers, name)
		}
	}
	given := strings.TrimSpace(c.FormValue("start_at"))
	if given == "" {
		return g, nil
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return g, err
	}
	g.StartAt, err = time.ParseInLocation(startAtForm, given, loc)
	if err != nil {
		return g, workflows.FieldError{Field: "start_at", Message: "Give a day and a time, such as 2026-11-28T22:00, or leave it empty."}
	}
	if g.StartAt.Before(s.Clock()) {
		return g, workflows.FieldError{Field: "start_at", Message: "This time has passed. Choose a later one, or leave it empty."}
	}
	return g, nil
}

func (s *Server) showWrongStart(c echo.Context, o opened, wrong workflows.FieldError) error {
	p, err := s.reviewProps(c, o, false)
	if err != nil {
		return err
	}
	p.StartAtError = wrong.Message
	return s.reviewPage(c, http.StatusUnprocessableEntity, p)
}

// mayDecide fills in what only a person who may approve gets to see.
func (s *Server) mayDecide(c echo.Context, p *run.Props) error {
	p.Decides = p.Run.Status == workflows.RunWaiting && p.Role.Operates() && p.Gate.MayDecide(me(c).Name)
	if !p.Decides || p.Run.DraftID == "" {
		return nil
	}
	results, err := s.Store.CheckResults(c.Request().Context(), p.Run.DraftID)
	if err != nil {
		return err
	}
	titles := map[string]string{}
	if def, ok := s.Catalogue.Find(p.Run.WorkflowID); ok {
		for _, info := range def.Info().Checks {
			titles[info.ID] = info.Title
		}
	}
	for _, r := range results {
		if r.Status == workflows.CheckWaived {
			p.Waived = append(p.Waived, run.Waiver{Title: titles[r.CheckID], By: r.WaivedBy, Reason: r.WaiverReason})
		}
	}
	return nil
}

func (s *Server) decideRun(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	v := workflows.Verdict{By: me(c).Name, Approved: c.FormValue("verdict") == "approve", Reason: strings.TrimSpace(c.FormValue("reason"))}
	switch {
	case !v.Approved && c.FormValue("verdict") != "reject":
		return echo.NewHTTPError(http.StatusBadRequest)
	case !v.Approved && len(v.Reason) < shortestReason:
		return s.showRun(c, http.StatusUnprocessableEntity, r, &workflows.FieldError{Field: "reason", Message: "Say why you reject it, in 8 characters or more."})
	case len(v.Reason) > longestReason:
		return s.showRun(c, http.StatusUnprocessableEntity, r, &workflows.FieldError{Field: "reason", Message: "Say it in 1,000 characters or fewer."})
	}
	switch err := s.Engine.Decide(c.Request().Context(), r.ID, v); {
	case errors.Is(err, engine.ErrOwnRun):
		return problemPage(http.StatusForbidden, "You cannot decide on this run", "you asked for it or wrote its answers, and the Stack's policy asks for a second person",
			"Ask another operator.", ui.Action{Label: "Back to the run", URL: "/runs/" + r.ID, Primary: true})
	case errors.Is(err, engine.ErrNotNow):
		return see(c, "/runs/"+r.ID, ui.ToneWarn, "There is nothing to decide any more.")
	case err != nil:
		return err
	}
	words := "Rejected. The run ends without having changed anything."
	if v.Approved {
		words = "Approved. The run begins as soon as its time has come."
	}
	return see(c, "/runs/"+r.ID, ui.ToneOK, words)
}

// waitingFor are the runs that wait for the decision of the person.
func (s *Server) waitingFor(ctx context.Context, who viewer) ([]runs.Row, error) {
	if !who.role.Operates() {
		return nil, nil
	}
	all, err := s.Store.Runs(ctx, store.RunFilter{Status: string(workflows.RunWaiting)})
	if err != nil {
		return nil, err
	}
	var mine []workflows.Run
	for _, r := range all {
		g, err := s.Store.Gate(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		if g.MayDecide(who.name) {
			mine = append(mine, r)
		}
	}
	return s.runRows(ctx, mine)
}
