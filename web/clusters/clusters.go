// Package clusters lists the clusters and shows one: nodes, parts, models,
// ways in, history.
package clusters

import (
	"time"

	"hubwright/web/runs"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// Item is one cluster of the list.
type Item struct {
	Cluster    workflows.Cluster
	Site       string
	Deployment string
	Stack      string
	Health     ui.Status
	CheckedAt  time.Time // zero for never
}

// ListProps is the list of clusters.
type ListProps struct {
	Role  ui.Role
	Items []Item
	Now   time.Time
}

// Part is one piece of infrastructure on the Hub.
type Part struct {
	Kind   string // "Load balancer"
	Name   string
	Note   string // "20.50.1.17"
	Status ui.Status
}

// SSHPort is the way to one control plane node through the load balancer.
type SSHPort struct {
	Node    string
	Port    int
	Command string // ssh -p 2201 azureuser@...
}

// Account is a scoped service account that a connect run made.
type Account struct {
	Title string // "Kubeconfig of deployer in ratings (deployer)"
	By    string
	Made  time.Time
	URL   string // where a POST downloads it
}

// ShowProps is the page of one cluster. The kubeconfig form posts confirm=yes
// to /clusters/:id/kubeconfig.
type ShowProps struct {
	Role         ui.Role
	Cluster      workflows.Cluster
	Crumbs       []ui.Crumb // Deployment, Site
	Stack        workflows.Stack
	Health       ui.Status
	CheckedAt    time.Time // when nodes and components were asked
	Loading      bool      // nobody asked yet; the page asks by itself
	Nodes        []workflows.Node
	Components   []workflows.Component
	Info         string // as kubectl cluster-info prints
	Problem      *workflows.Problem
	Parts        []Part
	Models       []workflows.APIModel
	SSH          []SSHPort
	Accounts     []Account
	Certificates time.Time // when the API server's certificate ends, zero if unknown
	Actions      []ui.Action
	Drift        Drift
	Path         []Hop  // to the newest version, one upgrade each
	PathBroken   string // why it ends before, in a sentence
	Releases     []workflows.Release
	Scaling      []Scaling
	History      []runs.Row
	Errors       []workflows.FieldError
	Now          time.Time
}

func (p ShowProps) url() string { return "/clusters/" + p.Cluster.ID }

// Hop is one upgrade on the way to the newest version.
type Hop struct {
	From, To string
	Engine   string
	Other    bool     // another engine than the helper VM has
	Image    string   // that the stamp must have
	Builds   string   // of Azure Stack Hub that the engine is listed for, "" if unknown
	Changes  []string // sentences
}
