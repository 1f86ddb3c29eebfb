package handlers

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"hubwright/internal/live"
	"hubwright/web/layout"
	"hubwright/web/status"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// status is the page of all Deployments, or one of its twins.
func (s *Server) status(c echo.Context) error {
	p, err := s.statusProps(c.Request().Context(), look{wall: isWall(c)})
	if err != nil {
		return err
	}
	p.URL = "/status"
	return s.showStatus(c, http.StatusOK, p, path.Ext(c.Path()))
}

// deploymentStatus is the page of one Deployment, or one of its twins.
func (s *Server) deploymentStatus(c echo.Context) error {
	name, ext := withoutExt(c.Param("id"))
	p, err := s.statusProps(c.Request().Context(), look{deploymentID: name, wall: isWall(c)})
	if err != nil {
		return err
	}
	p.URL = "/status/" + name
	return s.showStatus(c, http.StatusOK, p, ext)
}

// statusProps is the page as it is looked at, but for its URL and for who
// looks.
func (s *Server) statusProps(ctx context.Context, l look) (status.Props, error) {
	p := status.Props{Wall: l.wall, Shared: l.shared, One: l.deploymentID != "", Now: s.Clock(), Watching: s.Probing > 0, StaleAfter: s.staleAfter(), URL: "/status"}
	var err error
	if p.One {
		p.Board, err = s.deploymentBoard(ctx, l.deploymentID)
		p.URL += "/" + l.deploymentID
	} else {
		p.Board, err = s.statusBoard(ctx)
	}
	if l.shared {
		p.Board = withoutInside(p.Board)
	}
	return p, err
}

func withoutExt(file string) (name, ext string) {
	ext = path.Ext(file)
	return strings.TrimSuffix(file, ext), ext
}

// deploymentBoard is the Board with that Deployment alone.
func (s *Server) deploymentBoard(ctx context.Context, id string) (status.Board, error) {
	b, err := s.statusBoard(ctx)
	if err != nil {
		return b, err
	}
	for _, d := range b.Deployments {
		if d.ID == id {
			return status.Board{At: b.At, Health: d.Health, Words: d.Words, Deployments: []status.Deployment{d}, Announcements: about(b.Announcements, id)}, nil
		}
	}
	return b, workflows.ErrNotFound
}

// about are the announcements that concern a Deployment.
func about(all []status.Announcement, deploymentID string) []status.Announcement {
	out := []status.Announcement{}
	for _, a := range all {
		if len(a.Deployments) == 0 || slices.Contains(a.Deployments, deploymentID) {
			out = append(out, a)
		}
	}
	return out
}

// showStatus sends a Board as ext says: a page, ".json" or ".svg".
func (s *Server) showStatus(c echo.Context, code int, p status.Props, ext string) error {
	switch ext {
	case ".json":
		body, err := json.MarshalIndent(p.Board, "", " ")
		if err != nil {
			return err
		}
		return sendPacked(c, code, "application/json", body)
	case ".svg":
		name := "Hubwright"
		if len(p.Board.Deployments) == 1 {
			name = ui.Short(p.Board.Deployments[0].Name, 30)
		}
		return s.packed(c, code, "image/svg+xml", status.Badge(name, p.Board.Words, p.Board.Health))
	case "":
	default:
		return workflows.ErrNotFound
	}
	p.Version = live.Version(partsOf(p))
	if !p.Shared {
		p.Role = me(c).ui()
	}
	if wantsFragment(c) {
		return s.packed(c, code, htmlType, status.Live(p))
	}
	if p.Role.Operates() {
		if err := s.readShares(c, &p); err != nil {
			return err
		}
	}
	f := layout.Frame{Title: p.WindowTitle(), Active: layout.NavStatus, Icon: layout.Icon(p.Icon()), Body: status.Page(p), Banner: s.Banner}
	if c.Request().Method == http.MethodGet {
		f.Every = 30
	}
	switch {
	case p.Wall:
		f.Look = layout.LookWall
	case p.Shared:
		f.Look = layout.LookShared
	}
	if !p.Shared {
		f.User, f.Role, f.Flash = me(c).Name, p.Role, takeFlash(c)
	}
	return s.packed(c, code, htmlType, layout.Page(f))
}

const htmlType = "text/html; charset=utf-8"

// packed renders a component and compresses it: many look at this page, from
// afar, all day.
func (s *Server) packed(c echo.Context, code int, kind string, body templ.Component) error {
	var b bytes.Buffer
	if err := body.Render(c.Request().Context(), &b); err != nil {
		return err
	}
	return sendPacked(c, code, kind, b.Bytes())
}

var packers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return w
}}

func sendPacked(c echo.Context, code int, kind string, body []byte) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, kind)
	h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	if len(body) < 1000 || !strings.Contains(c.Request().Header.Get(echo.HeaderAcceptEncoding), "gzip") {
		c.Response().WriteHeader(code)
		_, err := c.Response().Write(body)
		return err
	}
	h.Set(echo.HeaderContentEncoding, "gzip")
	c.Response().WriteHeader(code)
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	w.Reset(c.Response())
	if _, err := w.Write(body); err != nil {
		return err
	}
	return w.Close()
}
