// Package notifications is where people say what they want to be told, and
// where they see what could not be sent.
package notifications

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Kind is an event that a channel can be told of.
type Kind struct{ ID, Title, Help string }

// Item is a channel with what was sent there.
type Item struct {
	ID, Name    string
	Kind        string // "Slack"
	Target      string // host or addresses, never a token
	Paused      bool
	Events      int
	Deployments int // 0 is all
	Deliveries  []Delivery
}

// Delivery is an event on its way.
type Delivery struct {
	ID     int64
	Title  string
	At     time.Time
	SentAt time.Time
	NextAt time.Time // zero: nothing is left to do
	Tries  int
	Error  string
}

// Form is a channel as it is typed.
type Form struct {
	ID          string
	Version     int
	Kind        string // webhook, slack, teams, email
	Name        string
	Address     string
	URL         string // as typed, never one that is stored
	HasURL      bool   // one is stored
	SigningKey  string // as typed
	CABundle    string
	Proxy       string
	Paused      bool
	Events      []string
	Deployments []string
}

// MailForm is the mail server as it is typed.
type MailForm struct {
	Host, Port, Security, User, From, CABundle string
	HasPassword                                bool
}

// Props is the page of all channels.
type Props struct {
	Role        ui.Role
	Now         time.Time
	Kinds       []Kind
	Deployments []ui.Choice
	Mine        Form
	MineState   Item
	MineErrors  []workflows.FieldError
	Channels    []Item // of the team, for operators
	HasMail     bool   // a mail server is set up
	Mail        MailForm
	MailErrors  []workflows.FieldError
}

// ChannelProps is the page of one channel.
type ChannelProps struct {
	Role        ui.Role
	Now         time.Time
	Kinds       []Kind
	Deployments []ui.Choice
	Form        Form
	KindTitle   string
	Item        Item
	Own         bool
	Made        string // the signing key that was made, shown this once
	Saved       bool
	Errors      []workflows.FieldError
}

func (p ChannelProps) err(f string) string { return ui.ErrorOf(p.Errors, f) }

func (p ChannelProps) title() string {
	if p.Form.ID == "" {
		return "New channel: " + p.KindTitle
	}
	return p.Item.Name
}

func (p ChannelProps) target() string {
	if p.Form.ID == "" {
		return "/notifications/channels"
	}
	return "/notifications/channels/" + p.Form.ID
}

func (p ChannelProps) may() bool { return p.Role.Admin() && !p.Own }

// urlHelp says where the URL is from.
func (p ChannelProps) urlHelp() string {
	switch p.Form.Kind {
	case "slack":
		return "Of an incoming webhook: https://hooks.slack.com/services/…"
	case "teams":
		return "Of a workflow that posts to a channel when a webhook request is received."
	}
	return "It gets a JSON document with POST, signed with HMAC-SHA256."
}

func (f Form) wants(event string) bool { return slices.Contains(f.Events, event) }

func (f Form) about(deployment string) bool { return slices.Contains(f.Deployments, deployment) }

// waiting is how many wait, and failed how many were given up.
func (i Item) waiting() (n int) {
	for _, d := range i.Deliveries {
		if !d.NextAt.IsZero() {
			n++
		}
	}
	return n
}

func (i Item) status() ui.Status {
	switch {
	case i.Paused:
		return ui.Status{Tone: ui.ToneSkip, Words: "Paused"}
	case len(i.Deliveries) == 0:
		return ui.Status{Tone: ui.ToneIdle, Words: "Nothing sent yet"}
	}
	last := i.Deliveries[0]
	for _, d := range i.Deliveries {
		if d.Error != "" && d.SentAt.IsZero() {
			last = d
			break
		}
	}
	return last.status()
}

func (d Delivery) status() ui.Status {
	switch {
	case !d.SentAt.IsZero():
		return ui.Status{Tone: ui.ToneOK, Words: "Sent"}
	case d.NextAt.IsZero():
		return ui.Status{Tone: ui.ToneBad, Words: "Given up"}
	case d.Error != "":
		return ui.Status{Tone: ui.ToneWarn, Words: "Not sent yet"}
	}
	return ui.Status{Tone: ui.ToneWait, Words: "Waiting"}
}

// failure is the newest delivery that could not be sent.
func (i Item) failure() (Delivery, bool) {
	for _, d := range i.Deliveries {
		if d.Error != "" && d.SentAt.IsZero() {
			return d, true
		}
	}
	return Delivery{}, false
}

func (i Item) words() string {
	parts := []string{i.Kind, i.Target, ui.Plural(i.Events, "event", "events")}
	if i.Deployments > 0 {
		parts = append(parts, "of "+ui.Plural(i.Deployments, "Deployment", "Deployments"))
	}
	return strings.Join(parts, " · ")
}

func (d Delivery) tries() string {
	if d.Tries == 0 {
		return ""
	}
	return fmt.Sprintf("%s, ", ui.Plural(d.Tries, "try", "tries"))
}

func securities() []ui.Choice {
	return []ui.Choice{{Value: "starttls", Label: "STARTTLS (usually port 587)"}, {Value: "tls", Label: "TLS (usually port 465)"}, {Value: "none", Label: "None: a relay next door, no login"}}
}
