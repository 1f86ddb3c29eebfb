package handlers

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"hubwright/web/gallery"
	"hubwright/workflows"
)

// The gallery shows every page in every state to people who work on Hubwright.
func (s *Server) galleryIndex(c echo.Context) error {
	var b strings.Builder
	b.WriteString("<!doctype html><html lang=en><title>Gallery</title><h1>Gallery</h1><ul>")
	for _, p := range gallery.Pages() {
		fmt.Fprintf(&b, `<li><a href="/gallery/%s">%s</a>`, url.PathEscape(p.Name), html.EscapeString(p.Name))
	}
	return c.HTML(http.StatusOK, b.String())
}

func (s *Server) galleryPage(c echo.Context) error {
	name, err := url.PathUnescape(c.Param("name"))
	if err != nil {
		return workflows.ErrNotFound
	}
	for _, p := range gallery.Pages() {
		if p.Name == name {
			return s.fragment(c, http.StatusOK, p.Component)
		}
	}
	return workflows.ErrNotFound
}
