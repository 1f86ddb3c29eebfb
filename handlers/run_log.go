package handlers

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/workflows"
)

const (
	logPageMax  = 20_000
	searchHits  = 10_000
	longestFind = 200
)

// wireLine is a log line as the browser reads it: number, Unix milliseconds,
// level, step, text.
type wireLine [5]any

func wire(lines []workflows.LogLine) []wireLine {
	out := make([]wireLine, len(lines))
	for i, l := range lines {
		out[i] = wireLine{l.N, l.At.UnixMilli(), l.Level, l.StepID, l.Text}
	}
	return out
}

func intParam(c echo.Context, name string, fallback int64) int64 {
	n, err := strconv.ParseInt(c.QueryParam(name), 10, 64)
	if err != nil || n < 0 {
		return fallback
	}
	return n
}

func (s *Server) runLog(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	after, limit := intParam(c, "after", 0), min(intParam(c, "limit", 2000), logPageMax)
	lines, err := s.Store.ReadLog(c.Request().Context(), r.ID, after, int(limit))
	if err != nil {
		return err
	}
	last := after
	if len(lines) > 0 {
		last = lines[len(lines)-1].N
	}
	return c.JSON(http.StatusOK, map[string]any{
		"lines": wire(lines), "last": last, "total": r.Lines, "ended": r.Status.Ended() && last >= r.Lines,
	})
}

func (s *Server) searchRunLog(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	q := c.QueryParam("q")
	if q == "" || len(q) > longestFind {
		return c.JSON(http.StatusUnprocessableEntity, map[string]any{"hits": []int64{}, "total": 0, "error": fmt.Sprintf("Search for 1 to %d characters.", longestFind)})
	}
	hits, total, err := s.Store.SearchLog(c.Request().Context(), r.ID, q, searchHits)
	if err != nil {
		return err
	}
	if hits == nil {
		hits = []int64{}
	}
	return c.JSON(http.StatusOK, map[string]any{"hits": hits, "total": total})
}

func (s *Server) runLogText(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	if err := s.recordOf(c, r, audit.LogDownload, r.Title); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/plain; charset=utf-8")
	h.Set(echo.HeaderContentDisposition, fmt.Sprintf("attachment; filename=run-%d.log", r.Number))
	c.Response().WriteHeader(http.StatusOK)
	w := bufio.NewWriter(c.Response())
	for after := int64(0); ; {
		lines, err := s.Store.ReadLog(c.Request().Context(), r.ID, after, logPageMax)
		if err != nil || len(lines) == 0 {
			return w.Flush()
		}
		for _, l := range lines {
			fmt.Fprintf(w, "%s %s\n", l.At.UTC().Format("2006-01-02T15:04:05.000Z"), l.Text)
		}
		after = lines[len(lines)-1].N
	}
}
