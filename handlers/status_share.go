package handlers

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/store"
	"hubwright/web/status"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const (
	sharedPrefix = "/shared/"
	tokenSize    = 32 // bytes
	maxMisses    = 30 // wrong tokens of one address in missWindow
	missWindow   = time.Minute
	manyMissers  = 1000
)

// misses counts who tries tokens that lead nowhere.
type misses struct {
	mu   sync.Mutex
	seen map[string]missed
}

type missed struct {
	n     int
	until time.Time
}

// tooMany says whether an address has to wait.
func (m *misses) tooMany(addr string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.seen[addr]
	return v.n >= maxMisses && now.Before(v.until)
}

func (m *misses) count(addr string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil || len(m.seen) > manyMissers {
		m.seen = map[string]missed{}
	}
	v := m.seen[addr]
	if !now.Before(v.until) {
		v = missed{until: now.Add(missWindow)}
	}
	v.n++
	m.seen[addr] = v
}

// shared is the status page as somebody without a login sees it.
func (s *Server) shared(c echo.Context) error {
	c.Response().Header().Set("X-Robots-Tag", "noindex")
	token, ext := withoutExt(c.Param("token"))
	share, err := s.openShare(c, token)
	if err != nil {
		return err
	}
	p, err := s.statusProps(c.Request().Context(), look{deploymentID: share.DeploymentID, wall: isWall(c), shared: true})
	if err != nil {
		return err
	}
	p.URL = sharedPrefix + token
	return s.showStatus(c, http.StatusOK, p, ext)
}

// openShare is the link with that token. A wrong one, one that has ended and
// one that was revoked look the same.
func (s *Server) openShare(c echo.Context, token string) (store.Share, error) {
	closed := newPage(http.StatusNotFound, "This link opens nothing", "it has ended, was revoked, or is not complete", "Ask whoever gave it to you for a new one.")
	now, addr := s.Clock(), c.RealIP()
	if s.misses.tooMany(addr, now) {
		return store.Share{}, problemPage(http.StatusTooManyRequests, "Too many wrong links came from your address", "somebody may be guessing", "Wait a minute and open your link again.")
	}
	if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != tokenSize {
		s.misses.count(addr, now)
		return store.Share{}, closed
	}
	hash := shareHash(token)
	share, err := s.Store.ShareByToken(c.Request().Context(), hash)
	if err != nil && !errors.Is(err, workflows.ErrNotFound) {
		return share, err
	}
	if err != nil || subtle.ConstantTimeCompare(share.TokenHash, hash) != 1 || !share.Opens(now) {
		s.misses.count(addr, now)
		return store.Share{}, closed
	}
	return share, nil
}

func shareHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// withoutInside is the Board for people outside of the team: no names of
// people, no reasons, which may name hosts, and no ways further in.
func withoutInside(b status.Board) status.Board {
	b.Deployments, b.Announcements = slices.Clone(b.Deployments), slices.Clone(b.Announcements)
	for i := range b.Announcements {
		b.Announcements[i].By = ""
	}
	for i := range b.Deployments {
		d := &b.Deployments[i]
		d.Sites, d.Changes, d.Past = slices.Clone(d.Sites), slices.Clone(d.Changes), slices.Clone(d.Past)
		d.Ends = nil
		if d.Traffic != nil {
			d.Traffic = &status.Traffic{CheckedAt: d.Traffic.CheckedAt}
		}
		for j := range d.Sites {
			d.Sites[j].URL, d.Sites[j].Why = "", ""
			d.Sites[j].Scaling = slices.Clone(d.Sites[j].Scaling)
			for k := range d.Sites[j].Scaling {
				d.Sites[j].Scaling[k].Name = ""
			}
			if a := d.Sites[j].App; a != nil {
				outside := *a
				outside.Why = ""
				d.Sites[j].App = &outside
			}
		}
		for _, list := range [][]status.Change{d.Changes, d.Past} {
			for j := range list {
				list[j].URL, list[j].By = "", ""
			}
		}
	}
	return b
}

func (s *Server) readShares(c echo.Context, p *status.Props) error {
	list, err := s.Store.Shares(c.Request().Context(), sharedDeployment(*p))
	if err != nil {
		return err
	}
	if p.Sharing.Days == "" {
		p.Sharing.Days = "30"
	}
	for _, l := range list {
		p.Sharing.Links = append(p.Sharing.Links, status.Share{ID: l.ID, Name: l.Name, By: l.CreatedBy, CreatedAt: l.CreatedAt, ExpireAt: l.ExpiresAt})
	}
	return nil
}

func sharedDeployment(p status.Props) string {
	if p.One {
		return p.Board.Deployments[0].ID
	}
	return ""
}

// createShare makes a link and shows it, this once.
func (s *Server) createShare(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.statusProps(ctx, look{deploymentID: c.FormValue("deployment"), wall: isWall(c)})
	if err != nil {
		return err
	}
	p.Sharing = status.Sharing{Name: strings.TrimSpace(c.FormValue("name")), Days: c.FormValue("days")}
	if msg := nameProblem(p.Sharing.Name); msg != "" {
		p.Sharing.Errors = append(p.Sharing.Errors, workflows.FieldError{Field: "name", Message: msg})
	}
	days, err := strconv.Atoi(p.Sharing.Days)
	if err != nil || days < 1 || days > 365 {
		p.Sharing.Errors = append(p.Sharing.Errors, workflows.FieldError{Field: "days", Message: "Choose when the link ends: after at most a year."})
	}
	if p.Sharing.Errors != nil {
		return s.showStatus(c, http.StatusUnprocessableEntity, p, "")
	}
	raw := make([]byte, tokenSize)
	_, _ = rand.Read(raw) // never fails
	token := base64.RawURLEncoding.EncodeToString(raw)
	share := store.Share{Name: p.Sharing.Name, DeploymentID: sharedDeployment(p), TokenHash: shareHash(token), CreatedAt: s.Clock(), CreatedBy: me(c).Name, ExpiresAt: s.Clock().AddDate(0, 0, days)}
	if err := s.Store.CreateShare(ctx, &share); err != nil {
		return err
	}
	if err := s.recordShare(c, audit.ShareCreate, share); err != nil {
		return err
	}
	p.Sharing = status.Sharing{Made: strings.TrimSuffix(s.PublicURL, "/") + sharedPrefix + token}
	return s.showStatus(c, http.StatusCreated, p, "")
}

func (s *Server) revokeShare(c echo.Context) error {
	id, err := id(c)
	if err != nil {
		return err
	}
	share, err := s.Store.RevokeShare(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if err := s.recordShare(c, audit.ShareRevoke, share); err != nil {
		return err
	}
	back := "/status"
	if share.DeploymentID != "" {
		back += "/" + share.DeploymentID
	}
	return see(c, back, ui.ToneOK, "The link “"+share.Name+"” opens nothing any more.")
}

func (s *Server) recordShare(c echo.Context, action string, share store.Share) error {
	return s.record(c, action, "link "+share.Name, workflows.Target{DeploymentID: share.DeploymentID},
		map[string]string{"id": share.ID, "ends": share.ExpiresAt.UTC().Format(time.DateOnly)})
}
