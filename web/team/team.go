// Package team manages the people. Its forms post to /team: action is add
// (name, role, password), role (name, role), password (name, password),
// disable or enable (name).
package team

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Person is one user.
type Person struct {
	Name      string
	Role      ui.Role
	Disabled  bool
	CreatedAt time.Time
	LastSeen  time.Time // zero for never or unknown
}

// Props is the page.
type Props struct {
	Role        ui.Role
	Me          string
	People      []Person
	Name        string  // as typed, kept after an error
	NewRole     ui.Role // as chosen
	MinPassword int
	Errors      []workflows.FieldError // of the form for a new person
	Now         time.Time
}
