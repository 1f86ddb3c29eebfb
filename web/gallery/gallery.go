// Package gallery holds every screen in every state, for the eyes and for the
// tests.
package gallery

import "github.com/a-h/templ"

// Page is one screen in one state.
type Page struct {
	Name      string          // "guide/forty-sites", also a file name without slashes
	Component templ.Component // the whole document
}
