package workflows

import (
	"context"
	"time"
)

// Scope is what a workflow works on.
type Scope string

// The scopes.
const (
	ScopeStack      Scope = "stack"
	ScopeSite       Scope = "site"
	ScopeDeployment Scope = "deployment"
)

// Workflow is one guided job, a value over a typed state S. One declaration
// feeds the wizard, review page, run page, history, help page, API and CLI.
//
// S is stored as JSON with every step, so it holds no secrets, only their
// references. IDs of workflows, pages, checks and steps are stored: they are
// never renamed.
type Workflow[S any] struct {
	ID    string
	Title string // "Deploy a cluster"
	Why   string // one sentence
	Scope Scope
	Row   int // row of the guide board, 1 to 11; 0 when it has none

	// Begin observes the target and makes the state that the first page
	// starts from. It must be quick and read only our own records.
	Begin func(ctx context.Context, t Target) (*S, error)
	Pages []Page[S]
	// Validate looks across pages, after all of them are bound. May be nil.
	Validate func(s *S) []FieldError
	Checks   []Check[S]
	Plan     func(ctx context.Context, s *S) (Plan, error)
	Steps    []Step[S]
	// LockKey names what the run changes: runs with one key go one at a time,
	// and a second one is refused while the first goes. Nil or "": no lock.
	LockKey func(s *S) string
	Result  func(s *S) Result
}

// Page is one question page.
type Page[S any] struct {
	ID, Title, Why string
	When           func(s *S) bool // nil: always
	Fields         []Field[S]
	Repeat         *Repeat[S] // the fields repeat as a list of items; nil: once
	// Documents are files that help to answer, without secrets. They are asked
	// for when the page opens. May be nil.
	Documents func(ctx context.Context, s *S) []Document
	// Bind reads the page's answers (defaults filled in) into the state and
	// returns what is wrong with them. FieldError.Page is set by the caller.
	Bind func(a Answers, s *S) []FieldError
}

// Repeat makes a page's fields a list: answers are named Name.i.field.
type Repeat[S any] struct {
	Name     string // "pools"
	Item     string // "Node pool"
	Min, Max int
	Defaults func(s *S) []Answers // the items before anybody answered
}

// FieldKind is how a field is asked.
type FieldKind string

// The kinds of fields.
const (
	FieldText     FieldKind = "text"
	FieldNumber   FieldKind = "number"
	FieldArea     FieldKind = "area" // several lines
	FieldSelect   FieldKind = "select"
	FieldRadio    FieldKind = "radio" // options with their explanations
	FieldCheckbox FieldKind = "checkbox"
	// FieldSecret and FieldSecretArea and FieldFile are sealed as soon as they
	// arrive; the answer is the SecretRef.
	FieldSecret     FieldKind = "secret"
	FieldSecretArea FieldKind = "secret-area"
	FieldFile       FieldKind = "file"
	// FieldArchive is a file as it is, kept in the data folder; the answer is its
	// SHA-256 in hex, a space and its name.
	FieldArchive FieldKind = "archive"
)

// Field is one question.
type Field[S any] struct {
	Name, Label string
	Help        string // one or two sentences below the label
	Kind        FieldKind
	Unit        string // behind the input: "GiB"
	Optional    bool
	Placeholder string
	Default     func(s *S) string
	// Options are asked of the world each time the page opens. On an error the
	// field becomes a text input with the reason beside it.
	Options func(ctx context.Context, s *S) ([]Option, error)
	// Observed says what the world has, beside what is chosen. May be nil.
	Observed func(ctx context.Context, s *S) string
	// Lookup is what the world has to say of the answer, such as whether a name
	// is free. While somebody types it is asked again after each pause, with the
	// page's other answers as they stand: it only reads, and an answer that is
	// empty or wrong in itself does not come to it. The remedy is shown with what
	// was found. An error means that nobody could be asked. Not on a page that
	// repeats. May be nil.
	Lookup func(ctx context.Context, s *S) (Finding, error)
	// When hides the field. It is asked again after an answer of a field with
	// Reloads. Nil: always shown.
	When    func(s *S) bool
	Reloads bool // its answer changes what else is on the page
}

// Option is one choice.
type Option struct {
	Value, Label, Note string
	Disabled           bool // cannot be chosen; Note says why
}

// Severity is how a failed check counts.
type Severity string

// The severities.
const (
	SeverityBlock Severity = "block"
	SeverityWarn  Severity = "warn"
)

// Check is one read-only preflight.
type Check[S any] struct {
	ID, Title, Why string
	Page           string // the page whose answers it looks at; "" for none
	Severity       Severity
	Waivable       bool
	Timeout        time.Duration // 0: 20 s
	When           func(s *S) bool
	Run            func(ctx context.Context, s *S) Finding
}

// Step is one action of a run. Run may be called again after a crash: it
// observes first, acts on what is missing, and returns nil only when the
// postcondition was verified. A *Problem as error is shown as it is.
type Step[S any] struct {
	ID, Title, Why string
	When           func(s *S) bool // nil: always; asked when the step's turn comes
	Timeout        time.Duration   // soft: warns in the log; 0: none
	// Always steps run after a failure or cancel as well, with a context that
	// outlives the cancel.
	Always bool
	Weight int // share of the run's percentage; 0 counts as 1
	Run    func(ctx context.Context, s *S, log Log) error
}
