// Package setup is the page behind the one-time link: it makes the first
// admin. The form posts token, name, password and confirm to /setup.
package setup

import (
	"strconv"

	"hubwright/workflows"
)

// Props is what the page shows. Invalid says that the link was used before or
// is wrong: then there is no form.
type Props struct {
	Token       string
	Name        string
	MinPassword int
	Errors      []workflows.FieldError
	Invalid     bool
}

func passwordHelp(least int) string {
	if least < 1 {
		return "A long sentence is better than a short riddle."
	}
	return "At least " + strconv.Itoa(least) + " characters. A long sentence is better than a short riddle."
}
