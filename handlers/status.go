package handlers

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"hubwright/internal/monitor"
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
	p := status.Props{Wall: l.wall, Shared: l.shared, One: l.deploymentID != "", Watching: s.Probing > 0, StaleAfter: monitor.FreshFor(s.Probing), URL: "/status"}
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
	p.Now = p.Board.At
	return p, err
}

// look is how somebody looks at the status page. All who look the same way
// share what is made for them.
type look struct {
	deploymentID string // "" is all
	wall, shared bool
}

func statusLive(p status.Props) livePage {
	return livePage{live: p.Live(), parts: p.Pieces(), inside: status.Inner(p), checked: p.CheckedAt()}
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
		return c.Blob(code, "application/json", body)
	case ".svg":
		name := "Hubwright"
		if len(p.Board.Deployments) == 1 {
			name = ui.Short(p.Board.Deployments[0].Name, 30)
		}
		return s.component(c, code, "image/svg+xml", status.Badge(name, p.Board.Words, p.Board.Health))
	case "":
	default:
		return workflows.ErrNotFound
	}
	var err error
	if p.Made, err = s.boards.of(c.Request().Context(), p); err != nil {
		return err
	}
	if !p.Shared {
		p.Role = me(c).ui()
	}
	if wantsFragment(c) {
		return s.fragment(c, code, templ.Raw(p.Made))
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
	return s.fragment(c, code, layout.Page(f))
}
