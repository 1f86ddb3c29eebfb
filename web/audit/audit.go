// Package audit shows the append-only record.
package audit

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Filter is what the list is narrowed to. In brackets: the query's names.
type Filter struct {
	Actor      string // [actor]
	Action     string // [action]
	Cluster    string // [cluster] id of a Cluster
	Workflow   string // [workflow]
	Deployment string // [deployment]
	Run        string // [run] run id
	From, To   string // [from] [to] as 2026-11-23
}

// Chain is what verifying the record said. A zero At: not verified yet.
type Chain struct {
	At          time.Time
	Rows        int64
	FirstBroken int64 // 0: the chain is whole
}

// Props is the record. It is sent with GET /audit.
type Props struct {
	Role        ui.Role
	Events      []workflows.AuditEvent
	Filter      Filter
	Actors      []ui.Choice
	Actions     []ui.Choice
	Clusters    []ui.Choice
	Workflows   []ui.Choice
	Deployments []ui.Choice
	Chain       Chain
	Failing     []string // places that do not take the checkpoints
	OlderURL    string
	NewestURL   string
	ExportURL   string // as CSV; "" when there is no export
	JSONURL     string // as JSON Lines; "" for who may not stream
	Now         time.Time
}
