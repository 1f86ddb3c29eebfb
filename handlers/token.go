package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/web/layout"
	"hubwright/web/tokens"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func (s *Server) tokens(c echo.Context) error {
	return s.tokensPage(c, http.StatusOK, tokens.Props{Days: "90"})
}

func (s *Server) tokensPage(c echo.Context, status int, p tokens.Props) error {
	w := me(c)
	list, err := s.Store.Tokens(c.Request().Context(), ownerOf(w))
	if err != nil {
		return err
	}
	p.Role, p.Me, p.URL, p.Now = w.ui(), w.Name, strings.TrimSuffix(s.PublicURL, "/"), s.Clock()
	for _, t := range list {
		p.Tokens = append(p.Tokens, tokens.Token{ID: t.ID, Person: t.Person, Name: t.Name, Role: ui.Role(t.Role), ExpiresAt: t.ExpiresAt, UsedAt: t.UsedAt})
	}
	return s.page(c, status, layout.Frame{Title: "API tokens", Active: layout.NavTokens, Body: tokens.Page(p)})
}

// ownerOf is whose tokens a person may see and revoke, "" for everybody's.
func ownerOf(w who) string {
	if w.Role == auth.RoleAdmin {
		return ""
	}
	return w.Name
}

// createToken makes a token and shows it, this once.
func (s *Server) createToken(c echo.Context) error {
	w := me(c)
	p := tokens.Props{Name: strings.TrimSpace(c.FormValue("name")), NewRole: c.FormValue("role"), Days: c.FormValue("days")}
	days, _ := strconv.Atoi(p.Days) // 0 is refused below
	secret, t, err := s.Auth.MakeToken(c.Request().Context(), auth.User{Name: w.Name, Role: w.Role}, p.Name, auth.Role(p.NewRole), days)
	if p.Errors = fieldErrors(err); p.Errors != nil {
		return s.tokensPage(c, http.StatusUnprocessableEntity, p)
	}
	if err != nil {
		return err
	}
	if err := s.recordToken(c, audit.TokenCreate, t); err != nil {
		return err
	}
	return s.tokensPage(c, http.StatusCreated, tokens.Props{Made: secret, Days: p.Days})
}

func (s *Server) revokeToken(c echo.Context) error {
	id, err := id(c)
	if err != nil {
		return err
	}
	t, err := s.Store.RevokeToken(c.Request().Context(), id, ownerOf(me(c)))
	if err != nil {
		return err
	}
	if err := s.recordToken(c, audit.TokenRevoke, t); err != nil {
		return err
	}
	return see(c, "/tokens", ui.ToneOK, "The token “"+t.Name+"” opens nothing any more.")
}

func (s *Server) recordToken(c echo.Context, action string, t auth.Token) error {
	return s.record(c, action, "API token "+t.Name, workflows.Target{},
		map[string]string{"id": t.ID, "person": t.Person, "role": string(t.Role), "ends": t.ExpiresAt.UTC().Format(time.DateOnly)})
}
