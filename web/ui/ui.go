// Package ui is the design system: the small parts that every screen is made
// of, and the words and icons for the statuses of the product.
package ui

import (
	"time"
)

// Role is what a person may do. The zero value may only look.
type Role string

// The roles, each with all that the former may do.
const (
	RoleViewer   Role = "viewer"
	RoleAuditor  Role = "auditor"
	RoleOperator Role = "operator"
	RoleAdmin    Role = "admin"
)

// Operates says whether the role may start, cancel and change things.
func (r Role) Operates() bool { return r == RoleOperator || r == RoleAdmin }

// Audits says whether the role may take the record away: streams of the audit
// and dossiers of runs.
func (r Role) Audits() bool { return r == RoleAuditor || r.Operates() }

// Admin says whether the role may manage people, Stacks and settings.
func (r Role) Admin() bool { return r == RoleAdmin }

// Tone is how a status feels. Each has its own icon, so that colour is never
// the only sign.
type Tone string

// The tones.
const (
	ToneIdle Tone = "idle"    // nothing yet, an empty circle
	ToneWait Tone = "wait"    // in a queue, a clock
	ToneRun  Tone = "running" // in progress, an open circle that turns
	ToneOK   Tone = "ok"      // a tick
	ToneWarn Tone = "warn"    // a triangle
	ToneBad  Tone = "bad"     // a cross
	ToneSkip Tone = "skip"    // left out, a dash
)

// Status is a tone with its words: "Running 43 %".
type Status struct {
	Tone  Tone
	Words string
}

// Crumb is one part of the way to a page. Without URL it is plain text.
type Crumb struct{ Label, URL string }

// Fact is a label with a value. Mono sets the value in the code face.
type Fact struct {
	Label, Value, URL string
	Mono              bool
}

// Hidden is a form field that a person doesn't see.
type Hidden struct{ Name, Value string }

// Action is a link (Method "" or GET) or a one-button form (POST).
type Action struct {
	Label   string
	URL     string
	Method  string
	Primary bool
	Danger  bool
	Quiet   bool     // possible, and not what one comes for
	Fields  []Hidden // sent with POST
	For     string   // read out after the label: "on Seattle"
}

// Choice is one entry of a select or filter.
type Choice struct{ Value, Label string }

// nowOr is the given time, or the present when it is zero.
func nowOr(now time.Time) time.Time {
	if now.IsZero() {
		return time.Now()
	}
	return now
}
