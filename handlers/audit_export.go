package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/workflows"
)

const (
	followEvery  = time.Second      // how soon a stream has a new event
	readingLasts = 10 * time.Minute // looking again in this time is the same reading
	mostReadings = 10_000           // kept in memory
)

// exportURL leads to the file of what the page's filter selects.
func exportURL(c echo.Context, kind string) string {
	_, query, _ := strings.Cut(withQuery(c, "before", ""), "?")
	if query == "" {
		return "/audit/export." + kind
	}
	return "/audit/export." + kind + "?" + query
}

// exportAudit writes what the filter selects, the newest first.
func (s *Server) exportAudit(c echo.Context) error {
	_, q, err := s.auditFilter(c)
	if err != nil {
		return err
	}
	if err := s.record(c, audit.AuditExport, "audit", workflows.Target{}, exportDetail(c, "CSV")); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set(echo.HeaderContentDisposition, "attachment; filename=audit.csv")
	if err := audit.WriteCSV(c.Request().Context(), c.Response(), s.Store, q); err != nil {
		return s.cut(c, err)
	}
	return nil
}

// exportAuditJSON writes what the filter selects as JSON Lines: the newest
// first, or with ?after=SEQ everything after that, the oldest first. With
// ?follow=1 the answer goes on with what happens, until the reader leaves.
func (s *Server) exportAuditJSON(c echo.Context) error {
	_, q, err := s.auditFilter(c)
	if err != nil {
		return err
	}
	follow := c.QueryParam("follow") == "1"
	if c.QueryParam("after") != "" || follow {
		if q.After, err = strconv.ParseInt(c.QueryParam("after"), 10, 64); err != nil && c.QueryParam("after") != "" || q.After < 0 {
			return problemPage(http.StatusBadRequest, "After which row?", "after is no number of a row", "Send the seq of the last event that you have, or 0 for all.")
		}
		q.Oldest = true
	}
	leave, ok := s.sockets.enter()
	if !ok {
		return problemPage(http.StatusServiceUnavailable, "The server is stopping", "it is about to end", "Ask again in a moment, after the last row that you have.")
	}
	defer leave()
	if err := s.record(c, audit.AuditExport, "audit", workflows.Target{}, exportDetail(c, "JSON")); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/x-ndjson")
	h.Set(echo.HeaderContentDisposition, "attachment; filename=audit.jsonl")
	c.Response().WriteHeader(http.StatusOK)
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		last, err := audit.WriteJSON(c.Request().Context(), c.Response(), s.Store, q)
		if err != nil {
			return s.cut(c, err)
		}
		c.Response().Flush()
		if !follow {
			return nil
		}
		q.After = last
		select {
		case <-tick.C:
		case <-c.Request().Context().Done():
			return nil
		case <-s.sockets.ctx.Done():
			return nil
		}
	}
}

func exportDetail(c echo.Context, format string) map[string]string {
	detail := map[string]string{"format": format}
	if q := c.Request().URL.RawQuery; q != "" {
		detail["filter"] = q
	}
	return detail
}

// cut ends an answer that has begun in a way that its reader cannot take for
// the whole.
func (s *Server) cut(c echo.Context, err error) error {
	if !c.Response().Committed {
		return err
	}
	if c.Request().Context().Err() == nil {
		s.Log.Error("an answer was cut off", "path", c.Request().URL.Path, "err", err)
	}
	panic(http.ErrAbortHandler)
}

// readings remembers who looked at what of the audit lately.
type readings struct {
	mu   sync.Mutex
	last map[[2]string]time.Time
}

// recordReading writes down that somebody looks at the audit: once for each
// filter and readingLasts, not once for each page.
func (s *Server) recordReading(c echo.Context) error {
	_, filter, _ := strings.Cut(withQuery(c, "before", ""), "?")
	key, now, r := [2]string{me(c).Name + "\x00" + workflows.ClientOf(c.Request().Context()).Token, filter}, s.Clock(), &s.readings
	r.mu.Lock()
	before := r.last[key]
	if r.last == nil || len(r.last) >= mostReadings {
		r.last = map[[2]string]time.Time{}
	}
	r.last[key] = now
	r.mu.Unlock()
	if now.Sub(before) < readingLasts {
		return nil
	}
	var detail map[string]string
	if filter != "" {
		detail = map[string]string{"filter": filter}
	}
	return s.record(c, audit.AuditRead, "audit", workflows.Target{}, detail)
}
