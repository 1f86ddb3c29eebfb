package handlers

import (
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/web/layout"
	"hubwright/web/login"
	"hubwright/web/setup"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func (s *Server) health(c echo.Context) error {
	if err := s.Store.Ping(c.Request().Context()); err != nil {
		return c.String(http.StatusServiceUnavailable, "the database does not answer\n")
	}
	return c.String(http.StatusOK, "ok\n")
}

func (s *Server) setup(c echo.Context) error {
	token := c.QueryParam("token")
	_, needed, err := s.Auth.SetupToken(c.Request().Context())
	if err != nil {
		return err
	}
	valid := needed && s.Auth.CheckSetupToken(c.Request().Context(), token) == nil
	return s.setupPage(c, http.StatusOK, setup.Props{Token: token, Invalid: !valid})
}

func (s *Server) completeSetup(c echo.Context) error {
	ctx := c.Request().Context()
	p := setup.Props{Token: c.FormValue("token"), Name: c.FormValue("name")}
	if c.FormValue("password") != c.FormValue("confirm") {
		p.Errors = []workflows.FieldError{{Field: "confirm", Message: "The two passwords are not the same."}}
		return s.setupPage(c, http.StatusUnprocessableEntity, p)
	}
	err := s.Auth.CompleteSetup(ctx, p.Token, p.Name, c.FormValue("password"))
	if errors.Is(err, auth.ErrSetupToken) {
		p.Invalid = true
		return s.setupPage(c, http.StatusForbidden, p)
	}
	if p.Errors = fieldErrors(err); p.Errors != nil {
		return s.setupPage(c, http.StatusUnprocessableEntity, p)
	}
	if err != nil {
		return err
	}
	if err := s.Store.AppendAudit(ctx, workflows.AuditEvent{At: s.Clock(), Actor: p.Name, Action: audit.SetupComplete, Object: p.Name}); err != nil {
		return err
	}
	token, expires, err := s.Auth.Login(ctx, p.Name, c.FormValue("password"), c.RealIP())
	if err != nil {
		return err
	}
	s.setSession(c, token, expires)
	return see(c, "/", ui.ToneOK, "You are the first admin. Team is where you let others in.")
}

func (s *Server) setupPage(c echo.Context, status int, p setup.Props) error {
	p.MinPassword = auth.MinPassword
	if p.Invalid {
		status = http.StatusForbidden
	}
	return s.page(c, status, layout.Frame{Title: "Set up", Body: setup.Page(p)})
}

func (s *Server) login(c echo.Context) error {
	if me(c).Name != "" {
		return c.Redirect(http.StatusSeeOther, localPath(c.QueryParam("next")))
	}
	return s.page(c, http.StatusOK, layout.Frame{Title: "Log in", Body: login.Page(login.Props{Next: localPath(c.QueryParam("next"))})})
}

func (s *Server) startSession(c echo.Context) error {
	ctx := c.Request().Context()
	p := login.Props{Name: c.FormValue("name"), Next: localPath(c.FormValue("next"))}
	token, expires, err := s.Auth.Login(ctx, p.Name, c.FormValue("password"), c.RealIP())
	if err != nil {
		status := http.StatusUnauthorized
		if err := s.refused(c, p.Name, err); err != nil {
			return err
		}
		p.Error = "Name or password is not right."
		if errors.Is(err, auth.ErrThrottled) {
			status, p.Error = http.StatusTooManyRequests, "Too many tries. Wait a minute, then try again."
		} else if !errors.Is(err, auth.ErrCredentials) {
			return err
		}
		return s.page(c, status, layout.Frame{Title: "Log in", Body: login.Page(p)})
	}
	if err := s.Store.AppendAudit(ctx, workflows.AuditEvent{At: s.Clock(), Actor: p.Name, Action: audit.Login, Object: p.Name}); err != nil {
		return err
	}
	s.setSession(c, token, expires)
	return c.Redirect(http.StatusSeeOther, p.Next)
}

// refused records a login that was not let in. What was typed as a name that
// nobody has may be a password, and is nobody's business. Of one address that
// goes on trying, only the first tries of a minute are written down.
func (s *Server) refused(c echo.Context, name string, err error) error {
	throttled := errors.Is(err, auth.ErrThrottled)
	if !throttled && !errors.Is(err, auth.ErrCredentials) {
		return nil
	}
	now, addr := s.Clock(), c.RealIP()
	if s.refusals.tooMany(addr, now) {
		return nil
	}
	s.refusals.count(addr, now)
	users, err := s.Store.Users(c.Request().Context())
	if err != nil {
		return err
	}
	detail := map[string]string{}
	if !slices.ContainsFunc(users, func(u auth.User) bool { return u.Name == name }) {
		name, detail["why"] = "a name that nobody has", "unknown name"
	} else if detail["why"] = "wrong password"; throttled {
		detail["why"] = "too many tries"
	}
	return s.Store.AppendAudit(c.Request().Context(), workflows.AuditEvent{At: now, Actor: audit.ActorHubwright, Action: audit.LoginFailed, Object: name, Detail: detail})
}

func (s *Server) endSession(c echo.Context) error {
	if cookie, err := c.Cookie(sessionCookie); err == nil {
		if err := s.Auth.Logout(c.Request().Context(), cookie.Value); err != nil {
			return err
		}
		if err := s.record(c, audit.Logout, me(c).Name, workflows.Target{}, nil); err != nil {
			return err
		}
	}
	c.SetCookie(&http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1})
	return see(c, "/login", ui.ToneOK, "You are logged out.")
}
