// Package status is the page that the whole team looks at: every Deployment
// and Site with its health, how old that is, and what was changed. The page
// and its JSON twin are made from one Board.
package status

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Health is how a Site or Deployment is, as far as anybody knows.
type Health string

// The healths. Only Up is ever green.
const (
	Up       Health = "up"
	Degraded Health = "degraded"
	Down     Health = "down"
	Stale    Health = "stale"   // the newest answer is old
	Unknown  Health = "unknown" // there is no cluster, or nobody asked yet
	// Maintenance is a Site that is not well in scheduled maintenance.
	Maintenance Health = "maintenance"
)

// Board is all that the page tells of.
type Board struct {
	At          time.Time    `json:"at"`
	Health      Health       `json:"health"`
	Words       string       `json:"words"`
	Deployments []Deployment `json:"deployments"`
	// Announcements are those that are not over, by when they begin.
	Announcements []Announcement `json:"announcements"`
}

// Announcement is what people tell those who look.
type Announcement struct {
	ID          string    `json:"id"`
	Maintenance bool      `json:"maintenance"`
	Title       string    `json:"title"`
	Text        string    `json:"text,omitempty"`
	Concerns    string    `json:"concerns,omitempty"` // "Ratings / Seattle"; "" concerns all
	Deployments []string  `json:"-"`                  // ids; none are all
	From        time.Time `json:"from"`
	To          time.Time `json:"to,omitzero"` // zero: nobody knows
	Going       bool      `json:"going"`
	By          string    `json:"by,omitempty"` // not on a shared page
}

// Deployment is one of the Board.
type Deployment struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Health  Health   `json:"health"`
	Words   string   `json:"words"` // "Operational"
	Lead    string   `json:"lead"`  // a sentence
	Sites   []Site   `json:"sites"`
	Changes []Change `json:"changes"`           // in progress
	Past    []Change `json:"past"`              // the newest first
	Traffic *Traffic `json:"traffic,omitempty"` // nil while it has no name
	Ends    []Ending `json:"ends,omitempty"`    // what ends first first; not on a shared page
}

// Traffic is the one name of a Deployment.
type Traffic struct {
	FQDN      string    `json:"fqdn,omitempty"` // not on a shared page
	Why       string    `json:"why,omitempty"`  // nobody knows how the Sites stand behind it; not on a shared page
	CheckedAt time.Time `json:"checkedAt,omitzero"`
}

// Site is a Site with what was found when its cluster was asked last.
type Site struct {
	ID              string    `json:"id"`
	Name            string    `json:"name"`
	URL             string    `json:"-"` // the cluster; "" on a shared page
	Health          Health    `json:"health"`
	Words           string    `json:"words"`         // "5 of 6 nodes Ready"
	Why             string    `json:"why,omitempty"` // not on a shared page
	CheckedAt       time.Time `json:"checkedAt,omitzero"`
	Ready           int       `json:"nodesReady"`
	Want            int       `json:"nodes"`
	Version         string    `json:"version,omitempty"`
	Newest          string    `json:"newestVersion,omitempty"`
	NewestNote      string    `json:"newestNote,omitempty"` // what stands between
	CertificateEnds time.Time `json:"certificateEnds,omitzero"`
	CertificateDays int       `json:"certificateDays,omitempty"` // full days left
	Days            Strip     `json:"days"`
	Quarters        Strip     `json:"quarters"`
	Rotation        Rotation  `json:"rotation,omitzero"`
	App             *App      `json:"app,omitempty"` // nil while the Site has no application
	Scaling         []Scaling `json:"autoscalers,omitempty"`
}

// Scaling is an autoscaler as the newest probe found it.
type Scaling struct {
	Name     string `json:"name,omitempty"`   // not on a shared page
	Current  int    `json:"cpuPercent"`       // of the CPU requests; -1 while unknown
	Target   int    `json:"targetCPUPercent"` // that is aimed at
	Replicas int    `json:"replicas"`
	Min      int    `json:"min"`
	Max      int    `json:"max"`
}

// Ending is something that this Deployment needs and that ends one day.
type Ending struct {
	What    string    `json:"what"`
	Of      string    `json:"of"`
	Ends    time.Time `json:"ends"`
	Days    int       `json:"days"` // full days left, negative after the end
	Words   string    `json:"-"`    // "9 days left"
	Support bool      `json:"support,omitempty"`
	URL     string    `json:"-"`
}

// AppFails says that the Site's application does not answer as it should.
func (s Site) AppFails() bool {
	return s.App != nil && (s.App.Health == Down || s.App.Health == Degraded)
}

// Rotation is how a Site stands behind the one name; zero when nobody knows.
type Rotation struct {
	In     bool   `json:"in"`
	Health string `json:"health"` // online, degraded, checking or unknown
}

// App is how a Site's application answered when it was asked last.
type App struct {
	Health    Health    `json:"health"`
	Words     string    `json:"words"`         // "Answers in 12 ms"
	Why       string    `json:"why,omitempty"` // not on a shared page
	CheckedAt time.Time `json:"checkedAt,omitzero"`
	Status    int       `json:"httpStatus,omitempty"`
	Days      Strip     `json:"days"`
}

// Strip is the past in slots of the same length, the oldest first.
type Strip struct {
	Begins time.Time     `json:"begins"`
	Slot   time.Duration `json:"-"`
	Marks  string        `json:"marks"` // a MarkUp, MarkDegraded, MarkDown, MarkPlanned or MarkNone a slot
	Uptime float64       `json:"uptime"`
	Probes int           `json:"probes"`
}

// The marks of a Strip.
const (
	MarkUp       = 'u'
	MarkDegraded = 'd'
	MarkDown     = 'x'
	MarkPlanned  = 'm' // not well, in scheduled maintenance
	MarkNone     = '-' // nobody asked
)

// Change is a run on a Site.
type Change struct {
	Title   string    `json:"title"`
	Site    string    `json:"site,omitempty"`
	Status  ui.Status `json:"-"`
	State   string    `json:"status"`
	Step    string    `json:"step,omitempty"` // "Step 4 of 7: Upgrade the nodes"
	Percent int       `json:"percent,omitempty"`
	By      string    `json:"by,omitempty"` // not on a shared page
	At      time.Time `json:"at"`           // it began; one of the past: it ended
	URL     string    `json:"-"`            // "" on a shared page
}

// With says that two Sites have the same that ends on the same day.
func (e Ending) With(o Ending) bool { return e.What == o.What && e.Words == o.Words }

// Share is a link that needs no login.
type Share struct {
	ID, Name, By        string
	CreatedAt, ExpireAt time.Time
}

// Props is the page.
type Props struct {
	Board      Board
	Role       ui.Role
	Now        time.Time
	URL        string // of this page; with .json and .svg behind it, of its twins
	One        bool   // it tells of one Deployment
	Wall       bool
	Shared     bool          // seen through a link, without a login
	Watching   bool          // the Monitor is on
	StaleAfter time.Duration // after it, an answer is old
	Made       string        // Live, made before; "" makes it now
	Version    string        // of what is shown, for the feed of changes
	Sharing    Sharing       // for operators
}

// Sharing is the part of the page where links are made and revoked.
type Sharing struct {
	Links  []Share
	Made   string // the new link, shown this once
	Name   string
	Days   string
	Errors []workflows.FieldError
}

// WindowTitle is what the window is called.
func (p Props) WindowTitle() string { return p.title() + ": " + p.Board.Words }

// Icon is the name of the favicon's state.
func (p Props) Icon() string {
	switch p.Board.Health {
	case Up:
		return "ok"
	case Down, Degraded:
		return "bad"
	}
	return "idle"
}

// Tone is how a Health looks.
func (h Health) Tone() ui.Tone {
	switch h {
	case Up:
		return ui.ToneOK
	case Degraded, Stale:
		return ui.ToneWarn
	case Down:
		return ui.ToneBad
	case Maintenance:
		return ui.ToneWait
	}
	return ui.ToneIdle
}

func (a App) status() ui.Status        { return ui.Status{Tone: a.Health.Tone(), Words: a.Words} }
func (s Site) status() ui.Status       { return ui.Status{Tone: s.Health.Tone(), Words: s.Words} }
func (d Deployment) status() ui.Status { return ui.Status{Tone: d.Health.Tone(), Words: d.Words} }
