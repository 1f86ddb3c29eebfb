// Package settings keeps engine archives for air-gapped installs and shows the
// configuration. Its forms post multipart to /settings: action is upload
// (version, archive = file) or delete (version).
package settings

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Archive is one engine archive that an admin gave.
type Archive struct {
	Version  string
	FileName string
	SHA256   string
	Size     int64
	AddedBy  string
	AddedAt  time.Time
}

// Sink is a place away from this machine where the audit's checkpoints go.
type Sink struct {
	Name, Where string
	SentSeq     int64     // row of the newest checkpoint that it took, 0 for none
	SentAt      time.Time // zero for not since the server started
	Waiting     int
	FailingFrom time.Time         // zero while all is well
	Problem     workflows.Problem // of the last try
}

// Value is one line of the configuration. Secrets never come here.
type Value struct {
	Name  string // HUBWRIGHT_LISTEN
	Value string
	From  string // default, flag, environment
	Note  string
}

// Props is the page.
type Props struct {
	Role     ui.Role
	Archives []Archive
	Versions []ui.Choice // engine versions that an archive may be for
	Config   []Value
	Build    []ui.Fact // version, commit, Go
	Sinks    []Sink
	Errors   []workflows.FieldError
	Now      time.Time
}
