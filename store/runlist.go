package store

import (
	"context"
	"strconv"
	"strings"

	"hubwright/workflows"
)

const defaultLimit = 100

// RunFilter says which runs Runs lists. Empty fields filter nothing.
type RunFilter struct {
	WorkflowID   string
	DeploymentID string
	SiteID       string
	StackID      string
	Status       string
	Before       int // only runs with a lower Number; 0: from the newest
	Limit        int // 0: 100
}

// Runs are the runs that the filter lets through, the newest first, without
// their Plans. The next page begins Before the last Number.
func (d *DB) Runs(ctx context.Context, f RunFilter) ([]workflows.Run, error) {
	query, args := f.query()
	return list(ctx, d.db, scanRun, query, args...)
}

func (f RunFilter) query() (string, []any) {
	var w where
	w.equal("workflow_id", f.WorkflowID)
	w.equal("deployment_id", f.DeploymentID)
	w.equal("site_id", f.SiteID)
	w.equal("stack_id", f.StackID)
	if len(w.conds) < 2 {
		w.equal("status", f.Status)
	} else { // the plus keeps the walk on the index of the other two, which has the status too
		w.equal("+status", f.Status)
	}
	if f.Before > 0 {
		w.add("number < ", f.Before)
	}
	return `SELECT ` + runColumns + ` FROM runs` + w.String() + ` ORDER BY number DESC` + w.limit(f.Limit), w.args
}

// UnfinishedRuns are the runs that have not ended, the oldest first, without
// their Plans.
func (d *DB) UnfinishedRuns(ctx context.Context) ([]workflows.Run, error) {
	return list(ctx, d.db, scanRun, `SELECT `+runColumns+` FROM runs
		WHERE status IN ('queued', 'waiting', 'running', 'cancelling') ORDER BY number`)
}

// EndedRuns are the newest runs of each Deployment that have ended, at most so
// many of each, the newest first, without their Plans.
func (d *DB) EndedRuns(ctx context.Context, each int) ([]workflows.Run, error) {
	return list(ctx, d.db, scanRun, `SELECT `+runColumns+` FROM runs WHERE number IN
		(SELECT r.number FROM deployments d JOIN runs r ON r.number IN
			(SELECT number FROM runs WHERE deployment_id = d.id AND status IN ('succeeded', 'failed', 'cancelled')
				ORDER BY number DESC LIMIT $1))
		ORDER BY number DESC`, each)
}

// SiteRow is a cell of the guide board: a workflow on a Site. SiteID is "" for
// a workflow on the whole Deployment.
type SiteRow struct {
	SiteID     string
	WorkflowID string
}

// LatestRuns is the newest run of each workflow on each Site of a Deployment,
// without Plans.
func (d *DB) LatestRuns(ctx context.Context, deploymentID string) (map[SiteRow]workflows.Run, error) {
	runs, err := list(ctx, d.db, scanRun, `SELECT `+runColumns+` FROM runs WHERE number IN
		(SELECT max(number) FROM runs WHERE deployment_id = $1 GROUP BY site_id, workflow_id)`, deploymentID)
	if err != nil {
		return nil, err
	}
	out := make(map[SiteRow]workflows.Run, len(runs))
	for _, r := range runs {
		out[SiteRow{r.Target.SiteID, r.WorkflowID}] = r
	}
	return out, nil
}

// where gathers the conditions of a list.
type where struct {
	conds []string
	args  []any
}

// add is a condition that ends where its argument goes.
func (w *where) add(cond string, arg any) { w.addIn(cond, arg, "") }

// addIn is a condition that goes on after its argument.
func (w *where) addIn(cond string, arg any, rest string) {
	w.args = append(w.args, arg)
	w.conds = append(w.conds, cond+"$"+strconv.Itoa(len(w.args))+rest)
}

func (w *where) equal(column, v string) {
	if v != "" {
		w.add(column+" = ", v)
	}
}

func (w *where) limit(n int) string {
	if n <= 0 {
		n = defaultLimit
	}
	return " LIMIT " + strconv.Itoa(n)
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}
