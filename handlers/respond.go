package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"hubwright/internal/problem"
	"hubwright/web/failure"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const flashCookie = "hubwright_flash"

// pageError is a failure that a person reads as a page.
type pageError struct {
	status  int
	problem workflows.Problem
	actions []ui.Action
}

func (e *pageError) Error() string { return e.problem.Error() }

func problemPage(status int, what, why, fix string, actions ...ui.Action) error {
	return &pageError{status: status, problem: workflows.Problem{What: what, Why: why, Fix: fix}, actions: actions}
}

// page sends a whole screen.
func (s *Server) page(c echo.Context, status int, f layout.Frame) error {
	w := me(c)
	f.User, f.Role, f.Banner = w.Name, w.ui(), s.Banner
	if f.Flash == nil {
		f.Flash = takeFlash(c)
	}
	return s.fragment(c, status, layout.Page(f))
}

// fragment sends a part of a screen.
func (s *Server) fragment(c echo.Context, status int, body templ.Component) error {
	return s.component(c, status, "text/html; charset=utf-8", body)
}

func (s *Server) component(c echo.Context, status int, kind string, body templ.Component) error {
	c.Response().Header().Set(echo.HeaderContentType, kind)
	c.Response().WriteHeader(status)
	return body.Render(c.Request().Context(), c.Response())
}

func wantsFragment(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }

// see sends the person on after a write, with a word about it.
func see(c echo.Context, path string, tone ui.Tone, text string) error {
	if text != "" {
		c.SetCookie(&http.Cookie{
			Name: flashCookie, Value: url.QueryEscape(string(tone) + "|" + text), Path: "/",
			MaxAge: 60, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	return c.Redirect(http.StatusSeeOther, path)
}

func takeFlash(c echo.Context) *layout.Flash {
	cookie, err := c.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	c.SetCookie(&http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1})
	raw, err := url.QueryUnescape(cookie.Value)
	if err != nil {
		return nil
	}
	tone, text, ok := strings.Cut(raw, "|")
	if !ok || len(text) > 500 {
		return nil
	}
	return &layout.Flash{Tone: ui.Tone(tone), Text: text}
}

// fail is where every error of a handler ends: as a page that says what
// happened, why and what to do. Raw errors go to the log only.
func (s *Server) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := s.explain(err)
	id := c.Response().Header().Get(echo.HeaderXRequestID)
	if p.status >= 500 {
		path := c.Request().URL.Path
		if strings.HasPrefix(c.Path(), sharedPrefix) {
			path = c.Path() // without the token
		}
		s.Log.Error("request failed", "method", c.Request().Method, "path", path, "request", id, "err", err)
	}
	body := failure.Page(failure.Props{Status: p.status, Problem: p.problem, RequestID: id, Actions: p.actions})
	_ = s.page(c, p.status, layout.Frame{Title: p.problem.What, Body: body, Icon: layout.IconBad})
}

func (s *Server) explain(err error) *pageError {
	var page *pageError
	var he *echo.HTTPError
	var tooLarge *http.MaxBytesError
	var prob *workflows.Problem
	switch {
	case errors.As(err, &page):
		return page
	case errors.Is(err, workflows.ErrNotFound):
		return newPage(http.StatusNotFound, "There is nothing here", "it was deleted, or the link is wrong", "Go back to the start and look for it there.")
	case errors.Is(err, workflows.ErrStale):
		return newPage(http.StatusConflict, "Somebody else changed this in the meantime", "your page was older than what is saved", "Open it again, look at what changed, and make your change once more.")
	case errors.As(err, &tooLarge):
		return newPage(http.StatusRequestEntityTooLarge, "That is too much to send at once", "a form may hold 8 MB, an engine archive 600 MB", "Shorten it or choose the right file.")
	case errors.As(err, &he):
		return httpPage(he.Code)
	case errors.As(err, &prob):
		return &pageError{status: http.StatusConflict, problem: *prob}
	}
	p := problem.From(err)
	if p.Code != "" && p.Code != "unknown" {
		return &pageError{status: http.StatusInternalServerError, problem: workflows.Problem{What: p.What, Why: p.Why, Fix: p.Fix}}
	}
	return httpPage(http.StatusInternalServerError)
}

func newPage(status int, what, why, fix string) *pageError {
	return &pageError{status: status, problem: workflows.Problem{What: what, Why: why, Fix: fix}}
}

func httpPage(code int) *pageError {
	switch code {
	case http.StatusNotFound:
		return newPage(code, "There is no such page", "the address is wrong or old", "Go back to the start and look for it there.")
	case http.StatusMethodNotAllowed:
		return newPage(code, "This address does not take that", "it was called in a way that it doesn't know", "Use the buttons of the pages.")
	case http.StatusBadRequest:
		return newPage(code, "The request could not be read", "the form arrived damaged", "Go back, reload the page and send it again.")
	}
	if code < 500 {
		return newPage(code, http.StatusText(code), "", "Go back and try again.")
	}
	return newPage(http.StatusInternalServerError, "Something went wrong in Hubwright itself", "the cause is in the server's log under the request id below",
		"Try again. If it happens twice, give the id to whoever runs Hubwright.")
}

var idForm = regexp.MustCompile(`^[a-z]{1,8}_[A-Za-z0-9_-]{1,64}$`)

// id is the path's id, or 404 when it cannot be one.
func id(c echo.Context) (string, error) {
	v := c.Param("id")
	if !idForm.MatchString(v) {
		return "", workflows.ErrNotFound
	}
	return v, nil
}

// fieldErrors are the FieldErrors inside err; nil when it holds something else.
func fieldErrors(err error) []workflows.FieldError {
	var out []workflows.FieldError
	var walk func(error)
	walk = func(e error) {
		var fe workflows.FieldError
		if m, ok := e.(interface{ Unwrap() []error }); ok {
			for _, x := range m.Unwrap() {
				walk(x)
			}
			return
		}
		if errors.As(e, &fe) {
			out = append(out, fe)
		}
	}
	if err != nil {
		walk(err)
	}
	return out
}
