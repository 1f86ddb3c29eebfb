// Package login is the page that asks for name and password. The form posts
// name, password and next to /login.
package login

// Props is what the page shows.
type Props struct {
	Name  string
	Next  string // where to go afterwards, a path of ours
	Error string // in words; never says which of the two was wrong
}
