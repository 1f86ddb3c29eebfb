// Package notify tells people what happened: it looks for events, puts them
// into an outbox that survives a restart, and sends them to each channel at
// that channel's own pace. It never stands in the way of a run.
package notify

import (
	"slices"
	"strings"
	"time"

	"hubwright/workflows"
)

// Kind is what sort of event something is. It is stored.
type Kind string

// The kinds of events.
const (
	RunEnded       Kind = "run.ended"
	HealthChanged  Kind = "health.changed"
	ExpiryNear     Kind = "expiry.near"
	ApprovalWanted Kind = "approval.wanted"
	Announced      Kind = "announcement"
)

// KindInfo is a kind in words.
type KindInfo struct {
	Kind        Kind
	Title, Help string
}

// Kinds are all kinds in the order in which they are offered.
func Kinds() []KindInfo {
	return []KindInfo{
		{RunEnded, "A run ended", "Succeeded, failed or cancelled."},
		{ApprovalWanted, "Somebody has to approve", "A run waits until a person says yes."},
		{HealthChanged, "The health of a Deployment changed", "Once the new health has lasted; not during scheduled maintenance."},
		{ExpiryNear, "Something ends soon", "A credential or certificate, 30, 14, 7 and 1 days before its end, and at its end."},
		{Announced, "An announcement was made", "Also scheduled maintenance."},
	}
}

// Tone is how good the news is.
type Tone string

// The tones.
const (
	Good Tone = "good"
	Bad  Tone = "bad"
	Warn Tone = "warn"
	Info Tone = "info"
)

// Event is something that people want to hear of. It is stored until it was
// sent, so it holds no secret.
type Event struct {
	Key          string // a channel hears of two events with the same key once
	Kind         Kind
	At           time.Time
	Title        string // a line: "Ratings is degraded"
	Text         string `json:",omitempty"`
	Facts        []Fact `json:",omitempty"`
	DeploymentID string `json:",omitempty"` // "" concerns all
	URL          string // of the page that tells more
	Tone         Tone
}

// Fact is a label with a value.
type Fact struct{ Label, Value string }

// ChannelKind is the way on which a channel sends.
type ChannelKind string

// The kinds of channels. They are stored.
const (
	Webhook ChannelKind = "webhook"
	Slack   ChannelKind = "slack"
	Teams   ChannelKind = "teams"
	Email   ChannelKind = "email"
)

// Title is what people call the kind.
func (k ChannelKind) Title() string {
	switch k {
	case Slack:
		return "Slack"
	case Teams:
		return "Microsoft Teams"
	case Email:
		return "E-mail"
	}
	return "Webhook"
}

// Channel is where events are sent to, and which ones.
type Channel struct {
	ID          string
	Name        string
	Kind        ChannelKind
	Owner       string   // whose own it is; "" is the team's
	Events      []Kind   // at least one
	Deployments []string // ids; none are all
	Address     string   // mail: the recipients, with commas between; else the URL's host
	URL         workflows.SecretRef
	SigningKey  workflows.SecretRef // of a Webhook
	CABundle    string              // PEM of the roots to trust besides the system's
	HTTPSProxy  string              // http://host:port, or "" for a direct way
	Paused      bool
	CreatedAt   time.Time
	CreatedBy   string
	Version     int // grows with each save; a save with an old one is refused
}

// Wants says whether the channel is told of the event.
func (c Channel) Wants(e Event) bool {
	return !c.Paused && slices.Contains(c.Events, e.Kind) &&
		(len(c.Deployments) == 0 || e.DeploymentID == "" || slices.Contains(c.Deployments, e.DeploymentID))
}

// Recipients are the addresses of a mail channel.
func (c Channel) Recipients() []string {
	return strings.FieldsFunc(c.Address, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\r' })
}

// Security is how mail is protected on its way to the mail server.
type Security string

// The securities.
const (
	StartTLS Security = "starttls"
	TLS      Security = "tls"
	Plain    Security = "none" // only for a relay next door; never with a password
)

// MailServer is the server that takes our mail.
type MailServer struct {
	Host     string
	Port     int
	Security Security
	User     string // "" without a login
	Password workflows.SecretRef
	From     string // address of the sender
	CABundle string
}

// Delivery is an event on its way to a channel.
type Delivery struct {
	ID        int64
	ChannelID string
	Event     Event
	CreatedAt time.Time
	Tries     int
	NextAt    time.Time // zero: nothing is left to do
	SentAt    time.Time // zero: it was not sent
	Error     string    // of the last try, without secrets
}

// GaveUp says that it was tried often enough.
func (d Delivery) GaveUp() bool { return d.NextAt.IsZero() && d.SentAt.IsZero() }
