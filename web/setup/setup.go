// Package setup is the page behind the one-time link: it makes the first
// admin. The form posts token, name, password and confirm to /setup.
package setup

import "hubwright/workflows"

// Props is what the page shows. Invalid says that the link was used before or
// is wrong: then there is no form.
type Props struct {
	Token       string
	Name        string
	MinPassword int
	Errors      []workflows.FieldError
	Invalid     bool
}
