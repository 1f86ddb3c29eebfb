package handlers

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/web/layout"
	"hubwright/web/team"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func (s *Server) team(c echo.Context) error {
	return s.teamPage(c, http.StatusOK, team.Props{NewRole: ui.RoleOperator})
}

func (s *Server) teamPage(c echo.Context, status int, p team.Props) error {
	users, err := s.Store.Users(c.Request().Context())
	if err != nil {
		return err
	}
	p.Role, p.Me, p.MinPassword, p.Now = me(c).ui(), me(c).Name, auth.MinPassword, s.Clock()
	for _, u := range users {
		p.People = append(p.People, team.Person{Name: u.Name, Role: ui.Role(u.Role), Disabled: u.Disabled, CreatedAt: u.CreatedAt})
	}
	return s.page(c, status, layout.Frame{Title: "Team", Active: layout.NavTeam, Body: team.Page(p)})
}

func (s *Server) changeTeam(c echo.Context) error {
	ctx := c.Request().Context()
	action, name := c.FormValue("action"), c.FormValue("name")
	role := auth.Role(c.FormValue("role"))
	if name == me(c).Name && (action == "role" || action == "disable") {
		return problemPage(http.StatusConflict, "You cannot take your own rights", "nobody might be left who can give them back", "Ask another admin to do it.",
			ui.Action{Label: "Back to the team", URL: "/team", Primary: true})
	}
	what, ok := teamActions()[action]
	if !ok {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	var err error
	done := name + " is changed."
	switch action {
	case "add":
		err, done = s.Auth.CreateUser(ctx, name, role, c.FormValue("password")), name+" can log in now."
	case "role":
		err = s.Auth.SetRole(ctx, name, role)
	case "password":
		err = s.Auth.SetPassword(ctx, name, c.FormValue("password"))
	case "disable", "enable":
		err = s.Auth.Disable(ctx, name, action == "disable")
	}
	if errs := fieldErrors(err); errs != nil {
		p := team.Props{Errors: errs, NewRole: ui.Role(role)}
		if action == "add" {
			p.Name = name
		}
		return s.teamPage(c, http.StatusUnprocessableEntity, p)
	}
	if errors.Is(err, workflows.ErrNotFound) {
		return problemPage(http.StatusNotFound, "There is nobody with that name", "", "Reload the team's page.", ui.Action{Label: "Back to the team", URL: "/team", Primary: true})
	}
	if err != nil {
		return err
	}
	var detail map[string]string
	if action == "add" || action == "role" {
		detail = map[string]string{"role": string(role)}
	}
	if err := s.record(c, what, name, workflows.Target{}, detail); err != nil {
		return err
	}
	return see(c, "/team", ui.ToneOK, done)
}

// teamActions are what the team's page can do, with their names in the audit.
func teamActions() map[string]string {
	return map[string]string{
		"add": audit.UserCreate, "role": audit.UserRole, "password": audit.UserPassword,
		"disable": audit.UserDisable, "enable": audit.UserEnable,
	}
}
