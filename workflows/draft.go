package workflows

import (
	"strings"
	"time"
)

// Answers are a person's answers in a wizard, by field name. The fields of a
// repeated page carry an index: "pools.0.name".
type Answers map[string]string

// Get is the answer without white space around it.
func (a Answers) Get(name string) string { return strings.TrimSpace(a[name]) }

// Draft is a person's answers so far. It has its own URL and survives
// everything.
type Draft struct {
	ID         string
	WorkflowID string
	Target     Target
	Answers    Answers
	Version    int // grows with each save; a save with an old one is refused
	CreatedBy  string
	CreatedAt  time.Time
	UpdatedBy  string
	UpdatedAt  time.Time
	RunID      string // the run that it became, "" while it is a draft
}

// Target is what a workflow works on. A workflow on a Site has all three ids.
type Target struct {
	DeploymentID string
	SiteID       string
	StackID      string
}

// FieldError is what is wrong with one answer, in words for the person.
type FieldError struct {
	Page    string // page id
	Field   string // field name, as in Answers
	Message string
}

// Error makes FieldError an error.
func (e FieldError) Error() string { return e.Field + ": " + e.Message }
