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

// newTimeline places every step that began between the first start and the
// last end.
func newTimeline(p Props) timeline {
	var begun []workflows.StepRun
	var start, end time.Time
	for _, s := range p.Steps {
		if s.StartedAt.IsZero() {
			continue
		}
		begun = append(begun, s)
		if start.IsZero() || s.StartedAt.Before(start) {
			start = s.StartedAt
		}
		if e := s.StartedAt.Add(ui.Since(s.StartedAt, s.EndedAt, p.MadeAt)); e.After(end) {
			end = e
		}
	}
	if len(begun) == 0 {
		return timeline{}
	}
	span := max(end.Sub(start), time.Second)
	at := func(d time.Duration) int {
		return labelWidth + int(int64(timelineWidth-labelWidth-tookWidth)*int64(d/time.Millisecond)/int64(span/time.Millisecond))
	}
	t := timeline{height: axisHeight + len(begun)*rowHeight}
	for i := range 5 {
		d := span * time.Duration(i) / 4
		t.ticks = append(t.ticks, tick{at(d), ui.Clock(d)})
	}
	for i, s := range begun {
		took := ui.Since(s.StartedAt, s.EndedAt, p.MadeAt)
		b := bar{full: s.Title, took: ui.Clock(took), fill: fillOf(s.Status), x: at(s.StartedAt.Sub(start)), y: axisHeight + i*rowHeight}
		if s.Attempt > 1 {
			b.full += ", attempt " + strconv.Itoa(s.Attempt)
		}
		b.label = ui.Short(b.full, longestLabel)
		b.width = max(at(s.StartedAt.Add(took).Sub(start))-b.x, 3)
		t.bars = append(t.bars, b)
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
