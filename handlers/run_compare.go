package handlers

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"hubwright/store"
	"hubwright/web/layout"
	"hubwright/web/runs"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// comparableRuns is how many of a workflow's newest runs are offered to compare
// with.
const comparableRuns = 50

// compareRuns shows run b beside run a, or beside the run before it of the
// same workflow on the same target when a is not given.
func (s *Server) compareRuns(c echo.Context) error {
	ctx := c.Request().Context()
	b, err := s.Store.Run(ctx, c.QueryParam("b"))
	if err != nil {
		return err
	}
	others, err := s.Store.Runs(ctx, store.RunFilter{WorkflowID: b.WorkflowID, Limit: comparableRuns})
	if err != nil {
		return err
	}
	others = slices.DeleteFunc(others, func(r workflows.Run) bool { return r.ID == b.ID })
	p := runs.CompareProps{Now: s.Clock()}
	a, err := s.comparedWith(ctx, c.QueryParam("a"), b, others)
	if err != nil {
		return err
	}
	if a.ID != "" && a.WorkflowID != b.WorkflowID {
		return problemPage(http.StatusUnprocessableEntity, "These runs cannot be compared", "they are of different workflows", "Choose two runs of one workflow.",
			ui.Action{Label: "Back to the run", URL: "/runs/" + b.ID, Primary: true})
	}
	if p.B, err = s.side(ctx, b); err != nil {
		return err
	}
	if a.ID != "" {
		if p.A, err = s.side(ctx, a); err != nil {
			return err
		}
	}
	rows, err := s.runRows(ctx, others)
	if err != nil {
		return err
	}
	for _, r := range rows {
		at := ui.At(r.Run.CreatedAt)
		if short := r.Run.CreatedAt.UTC(); short.Year() == s.Clock().UTC().Year() {
			at = short.Format("2 Jan, 15:04 UTC") // a phone has no room for the year
		}
		label := fmt.Sprintf("Run %d, %s", r.Run.Number, at)
		if r.On != "" {
			label += ", " + r.On
		}
		p.Others = append(p.Others, ui.Choice{Value: r.Run.ID, Label: label})
	}
	if a.ID != "" && !slices.ContainsFunc(others, func(r workflows.Run) bool { return r.ID == a.ID }) {
		p.Others = append(p.Others, ui.Choice{Value: a.ID, Label: fmt.Sprintf("Run %d", a.Number)})
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: "Compare runs", Active: layout.NavRuns, Body: runs.Compare(p)})
}

// comparedWith is the run that was chosen, else the newest before b on the
// same target, else the newest other one; without id when there is none.
func (s *Server) comparedWith(ctx context.Context, chosen string, b workflows.Run, others []workflows.Run) (workflows.Run, error) {
	if chosen != "" {
		return s.Store.Run(ctx, chosen)
	}
	for _, r := range others {
		if r.Target == b.Target && r.Number < b.Number {
			return r, nil
		}
	}
	if len(others) > 0 {
		return others[0], nil
	}
	return workflows.Run{}, nil
}

func (s *Server) side(ctx context.Context, r workflows.Run) (runs.Side, error) {
	steps, err := s.Store.Steps(ctx, r.ID, r.Attempt)
	if err != nil {
		return runs.Side{}, err
	}
	rows, err := s.runRows(ctx, []workflows.Run{r})
	if err != nil {
		return runs.Side{}, err
	}
	return runs.Side{Row: rows[0], Steps: steps}, nil
}
