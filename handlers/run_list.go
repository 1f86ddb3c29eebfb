package handlers

import (
	"context"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"hubwright/store"
	"hubwright/web/layout"
	"hubwright/web/runs"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const runsPerPage = 50

// runsLook is one person's look at the list of runs; those who only read share
// theirs.
type runsLook struct {
	filter runs.Filter
	before int
	who    viewer
}

func runsLookOf(c echo.Context) runsLook {
	l := runsLook{who: viewerOf(c), filter: runs.Filter{
		Workflow: c.QueryParam("workflow"), Status: c.QueryParam("status"),
		Deployment: c.QueryParam("deployment"), Stack: c.QueryParam("stack"),
	}}
	l.before, _ = strconv.Atoi(c.QueryParam("before"))
	return l
}

func (s *Server) runs(c echo.Context) error {
	p, err := s.runList(c.Request().Context(), runsLookOf(c))
	if err != nil {
		return err
	}
	if wantsFragment(c) {
		return s.fragment(c, http.StatusOK, runs.List(p))
	}
	if err := s.runFilters(c.Request().Context(), &p); err != nil {
		return err
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: "Runs", Active: layout.NavRuns, Body: runs.Page(p), Icon: layout.Icon(p.Icon()), Every: 30, Going: p.Going()})
}

// runsSocket tells of changes to the list of runs.
func (s *Server) runsSocket(c echo.Context) error {
	l := runsLookOf(c)
	return s.watch(c, l, func(ctx context.Context) (livePage, error) {
		p, err := s.runList(ctx, l)
		return runsLive(p), err
	}, s.stillIn(c))
}

func runsLive(p runs.Props) livePage {
	return livePage{live: p.Live(), parts: p.Parts(), inside: runs.Inner(p)}
}

// runList is the list without the choices of its filter.
func (s *Server) runList(ctx context.Context, l runsLook) (runs.Props, error) {
	p := runs.Props{Role: l.who.role, Now: s.Clock(), Filter: l.filter, Before: l.before}
	list, err := s.Store.Runs(ctx, store.RunFilter{
		WorkflowID: l.filter.Workflow, Status: l.filter.Status, DeploymentID: l.filter.Deployment,
		StackID: l.filter.Stack, Before: l.before, Limit: runsPerPage + 1,
	})
	if err != nil {
		return p, err
	}
	if len(list) > runsPerPage {
		list = list[:runsPerPage]
		p.Older = list[runsPerPage-1].Number
	}
	if p.Rows, err = s.runRows(ctx, list); err != nil {
		return p, err
	}
	if l.before == 0 && l.filter == (runs.Filter{}) {
		if p.ForYou, err = s.waitingFor(ctx, l.who); err != nil {
			return p, err
		}
	}
	p.Version = runsLive(p).version()
	return p, nil
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
