package store

import (
	"context"
	"slices"
	"time"
)

const week = 7 * 24 * time.Hour

// Week is what the runs of a workflow did in seven days.
type Week struct {
	Begin    time.Time // a Monday, UTC
	Runs     int       // that ended
	Failed   int
	Mean     time.Duration // of the runs that succeeded, 0 for none
	Nodes    int           // that were made anew
	NodeMean time.Duration // of these
}

// Trends are the weeks, since that of a time, in which runs of a workflow were
// asked for that have ended, or nodes were made anew.
func (d *DB) Trends(ctx context.Context, workflowID string, since time.Time) ([]Week, error) {
	begin := nanos(since.UTC().Truncate(week))
	weeks, err := list(ctx, d.db, func(t *Week) []any {
		return []any{weekColumn{&t.Begin}, &t.Runs, &t.Failed, (*int64)(&t.Mean)}
	}, `SELECT (created_at + 259200000000000) / 604800000000000 AS w, count(*), sum(status = 'failed'),
			CAST(coalesce(avg(CASE WHEN status = 'succeeded' AND started_at > 0 THEN ended_at - started_at END), 0) AS INTEGER)
		FROM runs WHERE workflow_id = $1 AND created_at >= $2 AND status IN ('succeeded', 'failed', 'cancelled') GROUP BY w ORDER BY w`, workflowID, begin)
	if err != nil {
		return nil, err
	}
	nodes, err := list(ctx, d.db, func(t *Week) []any {
		return []any{weekColumn{&t.Begin}, &t.Nodes, (*int64)(&t.NodeMean)}
	}, `SELECT (ended_at + 259200000000000) / 604800000000000 AS w, count(*), CAST(avg(ended_at - started_at) AS INTEGER)
		FROM node_work WHERE workflow_id = $1 AND ended_at >= $2 AND status = 'succeeded' GROUP BY w ORDER BY w`, workflowID, begin)
	if err != nil {
		return nil, err
	}
	return together(weeks, nodes), nil
}

// together merges two lists of weeks in their order.
func together(weeks, nodes []Week) []Week {
	for _, n := range nodes {
		i, found := slices.BinarySearchFunc(weeks, n, func(a, b Week) int { return a.Begin.Compare(b.Begin) })
		if !found {
			weeks = slices.Insert(weeks, i, Week{Begin: n.Begin})
		}
		weeks[i].Nodes, weeks[i].NodeMean = n.Nodes, n.NodeMean
	}
	return weeks
}

// weekColumn scans the number of a week, counted from the Monday before 1970.
type weekColumn struct{ t *time.Time }

func (c weekColumn) Scan(src any) error {
	n, _ := src.(int64)
	*c.t = time.Unix(n*int64(week/time.Second), 0).UTC().AddDate(0, 0, -3)
	return nil
}
