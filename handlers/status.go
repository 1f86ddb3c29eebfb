package handlers

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"hubwright/web/layout"
	"hubwright/web/status"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// status is the page of all Deployments, or one of its twins.
func (s *Server) status(c echo.Context) error {
	b, err := s.statusBoard(c.Request().Context())
	if err != nil {
		return err
	}
	return s.showStatus(c, http.StatusOK, status.Props{Board: b, URL: "/status"}, path.Ext(c.Path()))
}

// deploymentStatus is the page of one Deployment, or one of its twins.
func (s *Server) deploymentStatus(c echo.Context) error {
	name, ext := withoutExt(c.Param("id"))
	b, err := s.deploymentBoard(c, name)
	if err != nil {
		return err
	}
	return s.showStatus(c, http.StatusOK, status.Props{Board: b, One: true, URL: "/status/" + name}, ext)
}

func withoutExt(file string) (name, ext string) {
	ext = path.Ext(file)
	return strings.TrimSuffix(file, ext), ext
}

// deploymentBoard is the Board with that Deployment alone.
func (s *Server) deploymentBoard(c echo.Context, id string) (status.Board, error) {
	b, err := s.statusBoard(c.Request().Context())
	if err != nil {
		return b, err
	}
	for _, d := range b.Deployments {
		if d.ID == id {
			return status.Board{At: b.At, Health: d.Health, Words: d.Words, Deployments: []status.Deployment{d}}, nil
		}
	}
	return b, workflows.ErrNotFound
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
	p.Now, p.Watching, p.Wall = s.Clock(), s.Probing > 0, c.QueryParam("view") == "wall"
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
