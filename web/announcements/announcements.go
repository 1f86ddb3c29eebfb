// Package announcements is where people tell each other what those who look at
// the status page should know: notices, and scheduled maintenance.
package announcements

import (
	"slices"
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Item is one announcement.
type Item struct {
	ID          string
	Maintenance bool
	Title, Text string
	Concerns    string // "Ratings / Seattle"; "" concerns everything
	From, To    time.Time
	Going       bool
	By, EndedBy string
}

// Site is one that can be chosen.
type Site struct{ ID, Deployment, Name string }

// Form is a new announcement, or a known one that is changed. Times are as
// <input type=datetime-local> writes them, in UTC.
type Form struct {
	ID         string // "" for a new one
	Version    int
	Kind       string // notice or maintenance
	Title      string
	Text       string
	Deployment string
	Sites      []string
	From, To   string
}

// Props is the page.
type Props struct {
	Role        ui.Role
	Open        []Item // what comes first first
	Archive     []Item // the newest first
	Form        Form
	Errors      []workflows.FieldError
	Deployments []ui.Choice
	Sites       []Site
	Now         time.Time
}

func (p Props) title() string {
	if p.Form.ID != "" {
		return "Change the announcement"
	}
	return "Announce something"
}

func (p Props) target() string {
	if p.Form.ID != "" {
		return "/announcements/" + p.Form.ID
	}
	return "/announcements"
}

func (p Props) deployments() []ui.Choice {
	return append([]ui.Choice{{Label: "Everything"}}, p.Deployments...)
}

func (p Props) chose(site string) bool { return slices.Contains(p.Form.Sites, site) }

func (p Props) err(field string) string { return ui.ErrorOf(p.Errors, field) }

func (i Item) status() ui.Status {
	switch {
	case i.Going && i.Maintenance:
		return ui.Status{Tone: ui.ToneWarn, Words: "Maintenance goes on"}
	case i.Going:
		return ui.Status{Tone: ui.ToneOK, Words: "Shown now"}
	case i.Maintenance:
		return ui.Status{Tone: ui.ToneWait, Words: "Scheduled"}
	}
	return ui.Status{Tone: ui.ToneWait, Words: "Later"}
}

func (i Item) kind() string {
	if i.Maintenance {
		return "Maintenance"
	}
	return "Notice"
}

func (i Item) concerns() string {
	if i.Concerns == "" {
		return "everything"
	}
	return i.Concerns
}

func (i Item) people() string {
	if i.EndedBy != "" {
		return ", by " + i.By + ", ended by " + i.EndedBy
	}
	return ", by " + i.By
}
