package handlers

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const (
	sessionCookie = "hubwright_session"
	contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
		"connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

// who is the person behind a request.
type who struct {
	Name string
	Role auth.Role
}

func (w who) ui() ui.Role { return ui.Role(w.Role) }

const whoKey = "who"

func me(c echo.Context) who {
	w, _ := c.Get(whoKey).(who)
	return w
}

func (s *Server) requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		var b [8]byte
		_, _ = rand.Read(b[:])
		id := hex.EncodeToString(b[:])
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

// secure sets the headers that keep a page's content ours, and refuses writes
// that another site makes the browser send.
func (s *Server) secure(next echo.HandlerFunc) echo.HandlerFunc {
	cross := http.NewCrossOriginProtection()
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if !strings.HasPrefix(c.Path(), "/static/") {
			h.Set("Cache-Control", "no-store")
		}
		if strings.HasPrefix(s.PublicURL, "https://") {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if err := cross.Check(c.Request()); err != nil {
			return problemPage(http.StatusForbidden, "This request came from another site",
				"a page that is not Hubwright's made your browser send it",
				"Open Hubwright in its own tab and do it there.")
		}
		return next(c)
	}
}

func (s *Server) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				if r == http.ErrAbortHandler {
					panic(r)
				}
				s.Log.Error("a page stopped on a fault", "path", c.Path(), "panic", r, "stack", string(debug.Stack()))
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		return next(c)
	}
}

// clientAddress is from where a request came. A client must not choose the
// address that the audit keeps and under which logins are throttled: only what
// a trusted proxy says is believed.
func clientAddress(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		options = append(options, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// allow lets a request through to a route when the person's role is enough.
func (s *Server) allow(role auth.Role, limit int64, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
		client := workflows.Client{Address: c.RealIP()}
		c.SetRequest(r.WithContext(workflows.WithClient(r.Context(), client)))
		if secret, ok := strings.CutPrefix(r.Header.Get(echo.HeaderAuthorization), "Bearer "); ok && role != public {
			if err := s.letProgramIn(c, secret, client); err != nil {
				return err
			}
		} else if cookie, err := c.Cookie(sessionCookie); err == nil {
			if u, err := s.Auth.Authenticate(r.Context(), cookie.Value); err == nil {
				c.Set(whoKey, who{Name: u.Name, Role: u.Role})
			}
		}
		if role == public {
			return next(c)
		}
		w := me(c)
		if w.Name == "" {
			return s.sendToLogin(c)
		}
		if !w.Role.Allows(role) {
			return s.deny(c, w, role)
		}
		return next(c)
	}
}

// letProgramIn lets in who has an API token. Tokens only read.
func (s *Server) letProgramIn(c echo.Context, secret string, client workflows.Client) error {
	refused := newPage(http.StatusUnauthorized, "This API token opens nothing", "it has ended, was revoked, or is not complete", "Make a new one under API tokens.")
	now := s.Clock()
	if s.misses.tooMany(client.Address, now) {
		return problemPage(http.StatusTooManyRequests, "Too many wrong tokens came from your address", "somebody may be guessing", "Wait a minute and try again.")
	}
	u, t, err := s.Auth.AuthenticateToken(c.Request().Context(), secret)
	if errors.Is(err, auth.ErrToken) {
		s.misses.count(client.Address, now)
		if t.ID == "" {
			return refused
		}
		return errors.Join(s.Store.AppendAudit(c.Request().Context(), workflows.AuditEvent{
			At: now, Actor: t.Person, Action: audit.TokenRefuse, Object: "API token " + t.Name, Detail: map[string]string{"id": t.ID, "path": c.Path()}}), refused)
	}
	if err != nil {
		return err
	}
	client.Token = t.Name
	c.SetRequest(c.Request().WithContext(workflows.WithClient(c.Request().Context(), client)))
	c.Set(whoKey, who{Name: u.Name, Role: u.Role})
	if m := c.Request().Method; m != http.MethodGet && m != http.MethodHead {
		return errors.Join(s.recordDenied(c, "a session"), problemPage(http.StatusForbidden, "An API token only reads", "changes are made by people who are logged in", "Do it in the browser."))
	}
	return nil
}

// deny refuses what a role may not do, and writes that down.
func (s *Server) deny(c echo.Context, w who, needed auth.Role) error {
	if err := s.recordDenied(c, string(needed)); err != nil {
		return err
	}
	return problemPage(http.StatusForbidden, "Your role does not allow this",
		fmt.Sprintf("you are %s, and this needs %s", article(string(w.Role)), article(string(needed))),
		"Ask an admin to do it or to change your role. Where the page still offered it, your role was changed since: load the page again.", again(c)...)
}

// again leads back to the page that a request came from.
func again(c echo.Context) []ui.Action {
	from, err := url.Parse(c.Request().Referer())
	if err != nil || from.Host != c.Request().Host || !strings.HasPrefix(from.Path, "/") || strings.HasPrefix(from.Path, "//") {
		return nil
	}
	return []ui.Action{{Label: "Load that page again", URL: (&url.URL{Path: from.Path, RawQuery: from.RawQuery}).String(), Primary: true}}
}

func (s *Server) recordDenied(c echo.Context, needs string) error {
	return s.record(c, audit.AccessDeny, c.Request().Method+" "+c.Request().URL.Path, workflows.Target{}, map[string]string{"role": string(me(c).Role), "needs": needs})
}

func article(role string) string {
	if strings.ContainsRune("aeiou", rune(role[0])) {
		return "an " + role
	}
	return "a " + role
}

func (s *Server) sendToLogin(c echo.Context) error {
	if c.Request().Method != http.MethodGet {
		return problemPage(http.StatusUnauthorized, "You are not logged in any more",
			"the session ended", "Log in and do it again. Drafts are kept.", ui.Action{Label: "Log in", URL: "/login", Primary: true})
	}
	if _, needed, err := s.Auth.SetupToken(c.Request().Context()); err == nil && needed {
		return problemPage(http.StatusUnauthorized, "Hubwright is not set up yet", "nobody has made the first account",
			"Open the one-time set-up link that the server printed when it started. A restart prints a new one.", ui.Action{Label: "Look again", URL: "/", Primary: true})
	}
	if wantsFragment(c) || strings.HasSuffix(c.Path(), "/socket") || strings.HasSuffix(c.Path(), "/log") {
		return problemPage(http.StatusUnauthorized, "You are not logged in any more", "the session ended", "Reload the page and log in.", ui.Action{Label: "Log in", URL: "/login", Primary: true})
	}
	next := c.Request().URL.RequestURI()
	return c.Redirect(http.StatusSeeOther, "/login?next="+url.QueryEscape(next))
}

func (s *Server) setSession(c echo.Context, token string, expires time.Time) {
	c.SetCookie(&http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", Expires: expires, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(s.PublicURL, "https://"),
	})
}

// localPath is a path of ours to go on to, never another site.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return "/"
	}
	return next
}
