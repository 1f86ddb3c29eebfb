package handlers

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/store"
	"hubwright/web/layout"
	"hubwright/web/runs"
	"hubwright/web/ui"
)

// trendWeeks is how far back the trends look.
const trendWeeks = 26

// runTrends shows how often a workflow failed and how long it took, by week.
func (s *Server) runTrends(c echo.Context) error {
	p := runs.TrendProps{Workflow: c.QueryParam("workflow")}
	for _, d := range s.Catalogue {
		p.Workflows = append(p.Workflows, ui.Choice{Value: d.Info().ID, Label: d.Info().Title})
	}
	if p.Workflow == "" && len(p.Workflows) > 0 {
		p.Workflow = p.Workflows[0].Value
		if _, ok := s.Catalogue.Find("upgrade"); ok {
			p.Workflow = "upgrade"
		}
	}
	since := s.Clock().AddDate(0, 0, -7*(trendWeeks-1))
	weeks, err := s.Store.Trends(c.Request().Context(), p.Workflow, since)
	if err != nil {
		return err
	}
	p.Weeks = everyWeek(weeks, since.UTC().Truncate(7*24*time.Hour))
	return s.page(c, http.StatusOK, layout.Frame{Title: "Trends", Active: layout.NavRuns, Body: runs.Trends(p)})
}

// everyWeek has the weeks in which nothing happened as well.
func everyWeek(weeks []store.Week, begin time.Time) []runs.Week {
	out := make([]runs.Week, trendWeeks)
	for i := range out {
		out[i].Begin = begin.AddDate(0, 0, 7*i)
		for _, w := range weeks {
			if w.Begin.Equal(out[i].Begin) {
				out[i] = runs.Week(w)
			}
		}
	}
	return out
}
