// Package gallery holds every screen in every state, for the eyes and for the
// tests. The data is made up and always the same.
package gallery

import (
	"time"

	"github.com/a-h/templ"

	"hubwright/web/layout"
	"hubwright/web/ui"
)

// Page is one screen in one state.
type Page struct {
	Name      string          // "guide.forty-sites": screen and state, also a file name
	Component templ.Component // the whole document
}

// Pages are all screens in all states.
func Pages() []Page {
	var all []Page
	for _, list := range [][]Page{
		doors(),
		deploymentPages(),
		guidePages(),
		statusPages(),
		calendarPages(),
		announcementPages(),
		notificationPages(),
		stackPages(),
		connectionPages(),
		wizardPages(),
		reviewPages(),
		runPages(),
		dossierPages(),
		drillPages(),
		historyPages(),
		clusterPages(),
		auditPages(),
		adminPages(),
		tokenPages(),
		helpPages(),
	} {
		all = append(all, list...)
	}
	return all
}

var now = time.Date(2026, 11, 23, 9, 41, 12, 0, time.UTC)

func before(d time.Duration) time.Time { return now.Add(-d) }

const banner = "Sandbox: two emulated Azure Stack Hubs on this machine. Nothing here touches a real stamp."

// long is a name that somebody will choose one day.
const long = "Ratings for the western and the eastern seaboard including Alaska (disaster-recovery rehearsal, do not delete)"

type option func(*layout.Frame)

func as(role ui.Role) option { return func(f *layout.Frame) { f.Role = role } }

func icon(i layout.Icon) option { return func(f *layout.Frame) { f.Icon = i } }

func going(g bool) option { return func(f *layout.Frame) { f.Going = g } }

// seenAs is a page without navigation; one that is shared has no login either.
func seenAs(l layout.Look) option {
	return func(f *layout.Frame) {
		f.Look = l
		if l == layout.LookShared {
			f.User, f.Role = "", ""
		}
	}
}

func flash(tone ui.Tone, text string) option {
	return func(f *layout.Frame) { f.Flash = &layout.Flash{Tone: tone, Text: text} }
}

func page(name, title string, nav layout.Nav, body templ.Component, opts ...option) Page {
	f := layout.Frame{Title: title, Active: nav, User: "ana", Role: ui.RoleOperator, Banner: banner, Body: body}
	for _, o := range opts {
		o(&f)
	}
	return Page{Name: name, Component: layout.Page(f)}
}

func outside(name, title string, body templ.Component) Page {
	return Page{Name: name, Component: layout.Page(layout.Frame{Title: title, Body: body})}
}
