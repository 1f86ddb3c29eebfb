// Package layout is the frame around every screen: navigation, banner, flash
// message, title and favicon.
package layout

import (
	"github.com/a-h/templ"

	"hubwright/web/ui"
)

// Nav is an entry of the main navigation.
type Nav string

// The entries, in their order.
const (
	NavNone          Nav = ""
	NavDeployments   Nav = "deployments"
	NavStatus        Nav = "status"
	NavClusters      Nav = "clusters"
	NavRuns          Nav = "runs"
	NavStacks        Nav = "stacks"
	NavConnections   Nav = "connections"
	NavAudit         Nav = "audit"
	NavTeam          Nav = "team"
	NavSettings      Nav = "settings"
	NavTokens        Nav = "tokens"
	NavNotifications Nav = "notifications"
	NavHelp          Nav = "help"
)

// Icon is the state that the favicon carries.
type Icon string

// The states of the favicon.
const (
	IconIdle    Icon = "idle"
	IconRunning Icon = "running"
	IconOK      Icon = "ok"
	IconBad     Icon = "bad"
)

// Look is how much stands around a screen.
type Look string

// The looks.
const (
	LookUsual  Look = ""
	LookShared Look = "shared" // seen without a login: the brand, and no way in
	LookWall   Look = "wall"   // seen from afar: nothing
)

// Flash is a short message about what was just done.
type Flash struct {
	Tone ui.Tone // ToneOK, ToneWarn or ToneBad
	Text string
}

// Frame is what stands around a screen. Without User the navigation is left
// out: that is the login, the set-up and the errors before login.
type Frame struct {
	Title  string // of the window, without the product's name
	Active Nav
	User   string
	Role   ui.Role
	Banner string // "" when this is no sandbox
	Flash  *Flash
	Icon   Icon   // "" is IconIdle
	Script string // name of a further script in static/dist, such as "run.js"
	// Going says that what the page shows is under way. Without scripts the
	// page then loads itself again every few seconds.
	Going bool
	// Every is after how many seconds it does so when nothing is under way, but
	// it shows what is alive; 0 never.
	Every int
	Look  Look
	Body  templ.Component
}
