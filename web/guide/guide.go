// Package guide is the board of a Deployment: eleven rows, a column a Site,
// and one clear next thing.
package guide

import (
	"strconv"
	"time"

	"hubwright/web/runs"
	"hubwright/web/ui"
	"hubwright/web/wizard"
	"hubwright/workflows"
)

// Column is the head of a Site's column.
type Column struct {
	Site        workflows.Site
	Facts       string // "1.33.10 · 6 nodes · Entra ID"
	URL         string // the cluster, or the Stack while there is none
	Done, Total int    // steps up to the running application
}

// Cell is what stands in one row for one Site.
type Cell struct {
	Status  ui.Status
	Blocked bool   // Status says what has to be done before
	Next    bool   // it is the one next thing
	Note    string // "v0.85.0 · 12 Nov, ana"
	NoteURL string
	Percent int // of the bar; -1 or 0 without Running shows none
	Action  *ui.Action
	More    []ui.Action // what else can be done from here
}

// Row is one step of the guide. A wide row has one Cell for the Deployment
// instead of one a Site.
type Row struct {
	N     int
	Group string // Build, Deliver, Join, Operate
	Title string
	Note  string
	Wide  bool
	Cells []Cell
}

// Optional says that nobody has to go through the row.
func (r Row) Optional() bool { return r.Group == operate }

// Going is a run that has not ended.
type Going struct {
	Title   string // "Deploy a cluster on Orlando"
	Status  ui.Status
	Doing   string // "Creating 12 of 29 resources"
	Percent int
	Since   time.Time // zero before it began
	URL     string
}

// Next is the one next thing to do.
type Next struct {
	Title  string
	Why    string
	Tone   ui.Tone // ToneBad and ToneWarn when something went wrong
	Action *ui.Action
}

// Props is the board.
type Props struct {
	Role       ui.Role
	Deployment workflows.Deployment
	Columns    []Column
	Rows       []Row // Rows() with the cells filled in
	Going      []Going
	Next       *Next
	Drafts     []wizard.DraftItem
	ForYou     []runs.Row  // runs that wait for the person's decision
	Stacks     []ui.Choice // that have no Site here yet
	Errors     []workflows.FieldError
	Icon       string // the favicon's state
	Version    string // of what is shown
	Now        time.Time
}

// url is the address of the board.
func (p Props) url() string { return "/deployments/" + p.Deployment.ID }

const operate = "Operate"

// Rows are the eleven rows, their cells empty.
func Rows(sites int) []Row {
	steps := []Row{
		{Group: "Build", Title: "Prepare AKS Engine", Note: "Helper VM with the engine installed"},
		{Group: "Build", Title: "Connect to the helper VM", Note: "SSH with a pinned host key"},
		{Group: "Build", Title: "Deploy a cluster", Note: "Control plane, node pools, load balancer"},
		{Group: "Build", Title: "Connect to the cluster", Note: "Kubeconfig and scoped accounts"},
		{Group: "Deliver", Title: "Connect Azure Pipelines", Note: "Service connection, agent on the stamp"},
		{Group: "Deliver", Title: "Configure monitoring", Note: "Agent, workspace, data arriving"},
		{Group: "Deliver", Title: "Deploy the application", Note: "Ingress and the three-tier app"},
		{Group: "Deliver", Title: "Autoscale", Note: "Replicas follow the load"},
		{Group: "Join", Title: "Traffic Manager", Note: "One name over all sites", Wide: true},
		{Group: operate, Title: "Upgrade", Note: "Kubernetes version or OS image, node by node"},
		{Group: operate, Title: "Scale", Note: "Add or remove nodes in a pool"},
	}
	for i := range steps {
		steps[i].N = i + 1
		n := sites
		if steps[i].Wide {
			n = 1
		}
		steps[i].Cells = make([]Cell, n)
	}
	return steps
}

func num(n int) string { return strconv.Itoa(n) }
