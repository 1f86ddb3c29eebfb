package handlers

import (
	"context"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/web/checks"
	"hubwright/web/connections"
	"hubwright/web/layout"
	"hubwright/workflows"
)

// connectionTests remembers the newest test of each Connection until the
// server stops.
type connectionTests struct {
	mu   sync.Mutex
	last map[string]connectionTested
}

type connectionTested struct {
	version int // of the Connection
	results []workflows.CheckResult
}

func (t *connectionTests) keep(c workflows.Connection, results []workflows.CheckResult) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = map[string]connectionTested{}
	}
	t.last[c.ID] = connectionTested{version: c.Version, results: results}
}

// of is the newest test of the Connection as it is now.
func (t *connectionTests) of(c workflows.Connection) []workflows.CheckResult {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.last[c.ID]; found.version == c.Version {
		return found.results
	}
	return nil
}

func (s *Server) connections(c echo.Context) error {
	all, err := s.Store.Connections(c.Request().Context())
	if err != nil {
		return err
	}
	p := connections.ListProps{Role: me(c).ui(), Now: s.Clock()}
	for _, con := range all {
		tested := s.connectionChecks(c, con)
		p.Items = append(p.Items, connections.Item{Connection: con, Tested: tested.Status(), At: tested.Count().Newest})
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: "Connections", Active: layout.NavConnections, Body: connections.List(p)})
}

func (s *Server) readConnection(c echo.Context) (workflows.Connection, error) {
	conID, err := id(c)
	if err != nil {
		return workflows.Connection{}, err
	}
	return s.Store.Connection(c.Request().Context(), conID)
}

func (s *Server) connection(c echo.Context) error {
	con, err := s.readConnection(c)
	if err != nil {
		return err
	}
	p := connections.ShowProps{
		Role: me(c).ui(), Connection: con, Checks: s.connectionChecks(c, con), Now: s.Clock(),
		CreatedNote: "Registered by " + con.CreatedBy + " on " + con.CreatedAt.UTC().Format("2 Jan 2006"),
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: con.Name, Active: layout.NavConnections, Body: connections.Show(p)})
}

func (s *Server) connectionChecks(c echo.Context, con workflows.Connection) checks.Props {
	p := checks.Props{
		ID: "checks", URL: "/connections/" + con.ID, RunURL: "/connections/" + con.ID + "/test",
		CanRun: me(c).ui().Operates(), Now: s.Clock(),
	}
	p.Items = checkItems(s.Connections.Checks(con.Kind), s.tests.of(con), 0, "", me(c).ui())
	return p
}

func (s *Server) testConnection(c echo.Context) error {
	con, err := s.readConnection(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), 3*observing)
	defer cancel()
	s.tests.keep(con, s.Connections.Test(ctx, con))
	if err := s.record(c, audit.ConnectionTest, con.Name, workflows.Target{}, nil); err != nil {
		return err
	}
	if wantsFragment(c) {
		return s.fragment(c, http.StatusOK, checks.List(s.connectionChecks(c, con)))
	}
	return c.Redirect(http.StatusSeeOther, "/connections/"+con.ID)
}
