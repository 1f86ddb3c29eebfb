package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"hubwright/web/drill"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// mostReport is more than a drill of the longest kind writes.
const mostReport = 4 << 20

// runDrill is the report of a drill, which is a file that its run kept.
func (s *Server) runDrill(c echo.Context) error {
	r, raw, err := s.drillReport(c)
	if err != nil {
		return err
	}
	p := drill.Props{Run: r, JSON: "/runs/" + r.ID + "/drill.json"}
	if err := json.Unmarshal(raw, &p.Report); err != nil {
		return fmt.Errorf("reading the report of run %d: %w", r.Number, err)
	}
	pl, err := s.place(c.Request().Context(), r.Target)
	if err != nil {
		return err
	}
	crumbs := append(pl.crumbs(), ui.Crumb{Label: "Runs", URL: "/runs"}, ui.Crumb{Label: fmt.Sprintf("Run %d", r.Number), URL: "/runs/" + r.ID})
	return s.page(c, http.StatusOK, layout.Frame{Title: "Report of run " + fmt.Sprint(r.Number), Active: layout.NavRuns, Body: drill.Page(p, crumbs)})
}

// runDrillJSON is its twin for machines.
func (s *Server) runDrillJSON(c echo.Context) error {
	_, raw, err := s.drillReport(c)
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, raw)
}

func (s *Server) drillReport(c echo.Context) (workflows.Run, []byte, error) {
	r, err := s.readRun(c)
	if err != nil {
		return r, nil, err
	}
	f, err := s.RunFiles.Open(r.ID, workflows.DrillFile)
	if errors.Is(err, workflows.ErrNotFound) {
		return r, nil, problemPage(http.StatusNotFound, "There is no report", "the run has measured nothing, or its file was deleted from the data folder", "Start the drill again to make a new one.", toTheRun(r))
	}
	if err != nil {
		return r, nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, mostReport))
	return r, raw, err
}
