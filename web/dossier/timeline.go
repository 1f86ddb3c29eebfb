package dossier

import (
	"fmt"
	"strconv"
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// The timeline's measures, in the units of its view box.
const (
	timelineWidth = 960
	labelWidth    = 330
	tookWidth     = 90
	rowHeight     = 26
	axisHeight    = 30
	longestLabel  = 46 // characters
)

type bar struct {
	label, full, took, fill string
	x, y, width             int
}

type tick struct {
	x     int
	label string
}

type timeline struct {
	bars   []bar
	ticks  []tick
	height int
}

func (t timeline) box() string { return fmt.Sprintf("0 0 %d %d", timelineWidth, t.height) }

// span is something that took time: a step, or the work on a node.
type span struct {
	title      string
	status     workflows.StepStatus
	start, end time.Time
}

// spans are the steps that began, then the nodes.
func spans(p Props) []span {
	var out []span
	add := func(title string, status workflows.StepStatus, start, end time.Time) {
		if start.IsZero() {
			return
		}
		if end.IsZero() && p.Run.Status.Ended() {
			end = p.Run.EndedAt
		}
		out = append(out, span{title, status, start, start.Add(ui.Since(start, end, p.MadeAt))})
	}
	for _, s := range p.Steps {
		title := s.Title
		if s.Attempt > 1 {
			title += ", attempt " + strconv.Itoa(s.Attempt)
		}
		add(title, s.Status, s.StartedAt, s.EndedAt)
	}
	for _, n := range p.Nodes {
		add(n.Name, p.nodeStatus(n), n.StartedAt, n.EndedAt)
	}
	return out
}

// newTimeline places every span between the first start and the last end.
func newTimeline(p Props) timeline {
	all := spans(p)
	if len(all) == 0 {
		return timeline{}
	}
	start, end := all[0].start, all[0].end
	for _, s := range all {
		if s.start.Before(start) {
			start = s.start
		}
		if s.end.After(end) {
			end = s.end
		}
	}
	whole := max(end.Sub(start), time.Second)
	at := func(d time.Duration) int {
		return labelWidth + int(float64(timelineWidth-labelWidth-tookWidth)*d.Seconds()/whole.Seconds())
	}
	t := timeline{height: axisHeight + len(all)*rowHeight}
	for i := range 5 {
		d := whole * time.Duration(i) / 4
		t.ticks = append(t.ticks, tick{at(d), ui.Clock(d)})
	}
	for i, s := range all {
		x := at(s.start.Sub(start))
		t.bars = append(t.bars, bar{
			label: ui.Short(s.title, longestLabel), full: s.title, took: ui.Clock(s.end.Sub(s.start)), fill: fillOf(s.status),
			x: x, y: axisHeight + i*rowHeight, width: max(at(s.end.Sub(start))-x, 3),
		})
	}
	return t
}

func fillOf(s workflows.StepStatus) string {
	switch s {
	case workflows.StepSucceeded:
		return "#2e9e63"
	case workflows.StepFailed:
		return "#d04437"
	case workflows.StepRunning:
		return "#3b78d8"
	}
	return "#8a8f98"
}
