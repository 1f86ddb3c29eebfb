// Package tokens is where a person makes API tokens for programs. Its forms
// post to /tokens (name, role, days) and /tokens/:id/revoke.
package tokens

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Token is one token that was not revoked.
type Token struct {
	ID, Person, Name string
	Role             ui.Role
	ExpiresAt        time.Time
	UsedAt           time.Time // zero for never
}

// Props is the page.
type Props struct {
	Role   ui.Role
	Me     string
	Tokens []Token // the person's own; an admin sees everybody's
	URL    string  // of this Hubwright
	Now    time.Time

	Made    string // the secret of the token that was just made, shown this once
	Name    string // as typed, kept after an error
	NewRole string
	Days    string
	Errors  []workflows.FieldError
}

func roleChoices(r ui.Role) []ui.Choice {
	out := []ui.Choice{{Value: string(ui.RoleViewer), Label: "Viewer: the status"}}
	if r.Audits() {
		out = append(out, ui.Choice{Value: string(ui.RoleAuditor), Label: "Auditor: the audit, too"})
	}
	return out
}

func dayChoices() []ui.Choice {
	return []ui.Choice{{Value: "7", Label: "A week"}, {Value: "30", Label: "30 days"}, {Value: "90", Label: "90 days"}, {Value: "365", Label: "A year"}}
}

func (p Props) uses() string {
	return "curl -H \"Authorization: Bearer $TOKEN\" " + p.URL + "/status.json\n" +
		"curl -N -H \"Authorization: Bearer $TOKEN\" \"" + p.URL + "/audit/export.json?follow=1&after=0\""
}

// words is what is said of a token besides its name.
func (p Props) words(t Token) string {
	text := string(t.Role) + ", "
	if t.Person != p.Me {
		text = "of " + t.Person + ", " + text
	}
	if t.ExpiresAt.After(p.Now) {
		return text + "ends " + t.ExpiresAt.UTC().Format("2 Jan 2006") + ", "
	}
	return text + "has ended, "
}
