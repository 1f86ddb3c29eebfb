// Package dossier is everything about one run on one page, to be printed or
// kept: plan, checks, people, steps with a timeline, API models, tools. The
// page stands in Hubwright, and alone in the archive.
package dossier

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Props is the page. It is sent with GET /runs/:id/dossier.
type Props struct {
	Run     workflows.Run
	On      string                 // "Ratings / Orlando"
	Steps   []workflows.StepRun    // of all attempts, each where it ran
	Gate    workflows.Gate         // what it waited for before it began
	Nodes   []workflows.NodeRow    // that the run worked on, if it says so
	Checks  []Check                // in the order of the workflow
	Events  []workflows.AuditEvent // of the run, the oldest first
	Actions []ui.Choice            // the words of the events' actions
	Models  []Model                // before and after; none for a run without a Cluster
	Tools   []ui.Fact
	MadeAt  time.Time
	MadeBy  string
	Archive string // where the archive is; "" for who may not download it, and in the archive itself
	Alone   bool   // the page is in the archive: links lead to the files beside it
}

// Check is a check of the run's draft with its words.
type Check struct {
	Title    string
	Severity workflows.Severity
	Result   workflows.CheckResult
}

// Model is a version of the Cluster's API model in custody.
type Model struct {
	When       string // "before" or "after"
	Cluster    string
	Version    int
	SHA256     string // of the document in custody, which is not masked
	At         time.Time
	Kubernetes string // version that the model asks for
	Masked     string // the document without its secrets; "" when it is not in custody any more
}

// File is the model's name in the archive.
func (m Model) File() string { return "apimodel-" + m.When + ".json" }
