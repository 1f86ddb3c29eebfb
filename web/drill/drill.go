// Package drill is the report of a failover drill: what users noticed, as a
// timeline and in words.
package drill

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Props is a report.
type Props struct {
	Run    workflows.Run
	Report workflows.DrillReport
	JSON   string // address of the report as JSON
}

func (p Props) title() string { return "Drill with " + p.Report.Site }

// verdict is the report in two words and in one sentence.
func (p Props) verdict() (ui.Status, string) {
	r := p.Report
	switch {
	case r.Going:
		return ui.Status{Tone: ui.ToneRun, Words: "Measuring"}, fmt.Sprintf("%d of %d requests failed so far.", r.Failed, r.Requests)
	case r.Failed == 0 && len(r.Gaps) > 0:
		return ui.Status{Tone: ui.ToneOK, Words: "Not noticed"}, fmt.Sprintf("None of %d requests failed. For %s nothing was measured.", r.Requests, seconds(r.NotMeasured()))
	case r.Failed == 0:
		return ui.Status{Tone: ui.ToneOK, Words: "Not noticed"}, fmt.Sprintf("Users noticed nothing: none of %d requests failed.", r.Requests)
	case !r.Outage:
		return ui.Status{Tone: ui.ToneBad, Words: "Noticed"}, fmt.Sprintf("%d of %d requests failed, although the Site was only taken out of rotation.", r.Failed, r.Requests)
	}
	return ui.Status{Tone: ui.ToneWarn, Words: "Noticed"}, fmt.Sprintf("%d of %d requests failed, over %s.", r.Failed, r.Requests, seconds(r.Broken))
}

func (p Props) facts() []ui.Fact {
	r := p.Report
	how := "taken out of rotation by the run"
	if r.Outage {
		how = "broken for real"
	}
	facts := []ui.Fact{
		{Label: "Name", Value: r.FQDN},
		{Label: "Site", Value: r.Site + ", " + how},
		{Label: "Begun", Value: r.StartedAt.UTC().Format("2 January 2006 15:04:05 MST")},
		{Label: "Looks", Value: fmt.Sprintf("%d, one each %s; each asked for the name and visited the page", r.Requests, seconds(r.Interval))},
		{Label: "Failed", Value: strconv.Itoa(r.Failed)},
		{Label: "Longest time without an answer", Value: seconds(r.Longest)},
		{Label: "Left the answers after", Value: orNever(r.LeftAfter, "it was in the answers to the end")},
		{Label: "Back in the answers after", Value: orNever(r.BackAfter, "not seen while the run measured")},
		{Label: "Time to live of answers", Value: fmt.Sprintf("%d s", r.TTL)},
	}
	if gone := r.NotMeasured(); gone > 0 {
		facts = append(facts, ui.Fact{Label: "Not measured", Value: seconds(gone) + ", while Hubwright was not running or the run waited for a retry; what failed then is not counted"})
	}
	return facts
}

func seconds(d time.Duration) string {
	if d < 50*time.Millisecond {
		return "0 s"
	}
	if d < 10*time.Second && d%time.Second != 0 {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

func orNever(d time.Duration, never string) string {
	if d < 0 {
		return never
	}
	return seconds(d)
}

// The timeline's measures, in the units of its view box.
const (
	width     = 960
	labels    = 150
	margin    = 28 // on the right, for half of a tick's label
	laneStep  = 30
	laneThick = 16
	axis      = 44
	longest   = 18 // characters of a label
	apart     = 14 // between the numbers of two events
)

// bar is looks in a row that found the same.
type bar struct {
	x, width int
	class    string
	title    string
}

// height is less for what is well: colour is not the only sign.
func (b bar) height() int {
	if b.class == "good" {
		return laneThick / 2
	}
	return laneThick
}

type lane struct {
	label, full string
	y           int
	bars        []bar
}

type mark struct {
	x, labelX int
	label     string
}

type timeline struct {
	lanes         []lane
	ticks, events []mark
	height        int
}

func (t timeline) box() string { return fmt.Sprintf("0 0 %d %d", width, t.height) }

// mostTicks are on the axis.
const mostTicks = 7

// step is the round time between two ticks.
func step(whole time.Duration) time.Duration {
	for _, s := range []time.Duration{1, 2, 5, 10, 15, 30, 60, 120, 300, 600} {
		if whole/(s*time.Second) < mostTicks {
			return s * time.Second
		}
	}
	return max(whole/(mostTicks-1), time.Second).Round(time.Second)
}

func newTimeline(r workflows.DrillReport) timeline {
	if len(r.Samples) == 0 {
		return timeline{}
	}
	last := r.Samples[len(r.Samples)-1]
	whole := max(last.At+max(last.Took, r.Interval), time.Second)
	at := func(d time.Duration) int {
		return labels + int(float64(width-labels-margin)*d.Seconds()/whole.Seconds())
	}
	t := timeline{height: axis + laneStep*(len(r.Sites)+1)}
	for d := time.Duration(0); d <= whole; d += step(whole) {
		t.ticks = append(t.ticks, mark{at(d), at(d), ui.Clock(d)})
	}
	for i, e := range r.Events {
		m := mark{x: at(e.At), label: strconv.Itoa(i + 1)}
		m.labelX = m.x
		if i > 0 {
			m.labelX = max(m.x, t.events[i-1].labelX+apart)
		}
		t.events = append(t.events, m)
	}
	add := func(label string, state func(s workflows.DrillSample) (class, words string)) {
		t.lanes = append(t.lanes, lane{label: ui.Short(label, longest), full: label, y: axis + laneStep*len(t.lanes), bars: bars(r, whole, at, state)})
	}
	for i, site := range r.Sites {
		add(site, func(s workflows.DrillSample) (string, string) {
			for _, x := range s.Sites {
				if x == i {
					return "led", "the name led to " + site
				}
			}
			return "", ""
		})
	}
	add("Requests", func(s workflows.DrillSample) (string, string) {
		if s.Failed {
			return "bad", "failed: " + s.Why
		}
		return "good", "answered"
	})
	return t
}

// bars joins looks in a row that are of one class. Each lasts until the next,
// or until nothing was measured.
func bars(r workflows.DrillReport, whole time.Duration, at func(time.Duration) int, state func(workflows.DrillSample) (class, words string)) []bar {
	var out []bar
	open := false
	var begun time.Duration
	var words string
	for i, s := range r.Samples {
		class, w := state(s)
		if !open || class != out[len(out)-1].class {
			out = append(out, bar{x: at(s.At), class: class})
			open, begun, words = true, s.At, w
		}
		end := whole
		if i+1 < len(r.Samples) {
			end = r.Samples[i+1].At
		}
		cut := slices.IndexFunc(r.Gaps, func(g workflows.DrillGap) bool { return g.From >= s.At && g.From < end })
		if cut >= 0 {
			end = r.Gaps[cut].From
		}
		b := &out[len(out)-1]
		b.width = max(at(end)-b.x, 2)
		b.title = fmt.Sprintf("%s to %s: %s", ui.Clock(begun), ui.Clock(end), words)
		open = cut < 0
	}
	kept := out[:0]
	for _, b := range out {
		if b.class != "" {
			kept = append(kept, b)
		}
	}
	return kept
}

// failures are the failed looks, at most so many.
func (p Props) failures() (shown []workflows.DrillSample, more int) {
	const most = 30
	for _, s := range p.Report.Samples {
		switch {
		case !s.Failed:
		case len(shown) == most:
			more++
		default:
			shown = append(shown, s)
		}
	}
	return shown, more
}

func (p Props) names(s workflows.DrillSample) string {
	var out []string
	for _, i := range s.Sites {
		if i < len(p.Report.Sites) {
			out = append(out, p.Report.Sites[i])
		}
	}
	if len(out) == 0 {
		return "no Site"
	}
	return strings.Join(out, ", ")
}
