package workflows

import (
	"context"
	"time"
)

// Definition is a Workflow whose state type is erased, which is how the
// engine, the handlers and the command line see it. Workflow.Erase makes one.
type Definition interface {
	Info() Info
	// Open makes the wizard's view of a draft: Begin, then every page bound.
	// An error means that the target itself cannot be worked on.
	Open(ctx context.Context, t Target, a Answers) (Session, error)
	// Resume makes the engine's view from a stored state.
	Resume(state []byte) (Execution, error)
}

// Session is a draft seen through its workflow. It is used by one request.
type Session interface {
	// Pages are the pages that apply, in order, without options.
	Pages() []PageView
	// Page is one page with values, options and observations asked for.
	Page(ctx context.Context, id string) (PageView, bool)
	// Questions is one page with values alone: the world is not asked.
	Questions(id string) (PageView, bool)
	// Lookup is what the world says of one answer: passed, a warning, failed, or
	// skipped when nobody could be asked. The zero Finding says that there was
	// nothing to ask for, false that the page has no such field.
	Lookup(ctx context.Context, page, field string) (Finding, bool)
	// Errors are all that is wrong, in the order of the pages.
	Errors() []FieldError
	Checks() []CheckInfo
	RunCheck(ctx context.Context, id string) Finding
	Plan(ctx context.Context) (Plan, error)
	// Steps are those that apply to the answers, in order. Of the others the
	// plan says nothing.
	Steps() []StepInfo
	State() ([]byte, error)
	LockKey() string
}

// Execution is a run's state seen through its workflow.
type Execution interface {
	// Applies says whether the step's When holds now.
	Applies(stepID string) bool
	Run(ctx context.Context, stepID string, log Log) error
	State() ([]byte, error)
	Result() Result
	// Left is what the run has made so far, for a run that did not succeed. A
	// state tells it with a method Left() Left.
	Left() Left
	// Downloads are the files that the run made for a person. A state offers
	// them with a method Downloads() []Download.
	Downloads() []Download
	// NodeRows are the nodes that the run works on, one by one. A state offers
	// them with a method NodeRows() []NodeRow.
	NodeRows() []NodeRow
	// Differences are what the run found to be other than the record says. A
	// state offers them with a method Differences() []Difference.
	Differences() []Difference
}

// NodeRow is a node and what a run does to it.
type NodeRow struct {
	Name               string
	From, To           string // Kubernetes versions; From is "" of a node that is new, To of one that is not made again
	Doing              string // "draining"
	Status             StepStatus
	StartedAt, EndedAt time.Time // zero while unknown
}

// Download is a file that a run made for a person: sealed, or kept with the
// run in the data folder.
type Download struct {
	Name  string // file name
	Title string // "Kubeconfig of azure-pipelines in ratings"
	Ref   SecretRef
	Kept  bool // in the data folder, under Name; there is no Ref then
}

// Info describes a workflow for lists, help and the catalogue.
type Info struct {
	ID     string
	Title  string
	Why    string
	Scope  Scope
	Row    int
	Pages  []PageInfo
	Checks []CheckInfo
	Steps  []StepInfo
}

// PageInfo describes a page.
type PageInfo struct{ ID, Title, Why string }

// CheckInfo describes a check.
type CheckInfo struct {
	ID, Title, Why, Page string
	Severity             Severity
	Waivable             bool
}

// StepInfo describes a step.
type StepInfo struct {
	ID, Title, Why string
	Always         bool
	Weight         int
	TimeoutSeconds int
}

// PageView is a page as it is shown.
type PageView struct {
	PageInfo
	Fields []FieldView // empty for a repeated page
	Items  [][]FieldView
	Repeat string // name of the list, "" when the page does not repeat
	Item   string // "Node pool"
	Min    int
	Max    int
	Errors []FieldError // in the order of the fields

	Documents []Document // that help to answer
}

// FieldView is a field as it is shown.
type FieldView struct {
	Name        string // as in Answers: "pools.0.name"
	Label       string
	Help        string
	Kind        FieldKind
	Unit        string
	Optional    bool
	Placeholder string
	Value       string
	Options     []Option
	OptionsErr  string // why the options could not be asked
	Observed    string
	Error       string
	Reloads     bool
	Live        bool    // Lookup answers for it
	Note        Finding // of Lookup; zero when it was not asked
}

// Catalogue is all workflows, in the order of the guide.
type Catalogue []Definition

// Find is the workflow with that id.
func (c Catalogue) Find(id string) (Definition, bool) {
	for _, d := range c {
		if d.Info().ID == id {
			return d, true
		}
	}
	return nil, false
}
