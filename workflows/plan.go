package workflows

// Plan is the frozen list of what will happen. The person approves it, and
// the run keeps it.
type Plan struct {
	Title      string // "Deploy cluster on Orlando": also the button
	Summary    []SummaryItem
	Changes    []Change
	Commands   []Command
	Documents  []Document
	Duration   string // "about 33 min"
	Disruption string // "Nothing else in the subscription is touched."
	Removes    bool   // it takes away what earlier runs of the workflow made

	Tools []SummaryItem // versions of what will do it, as they were at the start; none of runs of older builds
}

// SummaryItem is one answer on the review page, with the page that changes it.
type SummaryItem struct {
	Label, Value, Page string
}

// Change is one thing that will be made or altered.
type Change struct {
	Verb string // create, change, install, delete, none
	What string // "Public IP ratings-sea-helper-ip"
	Note string
}

// Command is what a person would have typed. Secrets are masked.
type Command struct {
	Title, Text string
}

// Document is a file that the plan shows, such as the API model. Secrets in
// Body are masked.
type Document struct {
	Name string // apimodel.json
	MIME string
	Body string
}

// Result is what a finished run has to show.
type Result struct {
	Headline string
	Facts    []SummaryItem
	Next     *NextStep
}

// Left is what a run that failed or was cancelled leaves behind.
type Left struct {
	Items []SummaryItem // "Release ratings": "failed at revision 1: Deployment ratings-web, ..."
	Undo  *NextStep     // the workflow that takes it away; nil when there is none
}

// NextStep says what to do after a run.
type NextStep struct {
	Title, Why string
	WorkflowID string // "" when Link leads elsewhere
	Link       string
	Answers    Answers // with which a draft of the workflow begins; of a Left's Undo alone
}
