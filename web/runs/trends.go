package runs

import (
	"fmt"
	"strconv"
	"time"

	"hubwright/web/ui"
)

// Week is what the runs of a workflow did in seven days.
type Week struct {
	Begin    time.Time
	Runs     int // that ended
	Failed   int
	Mean     time.Duration // of the runs that succeeded, 0 for none
	Nodes    int           // that were worked on
	NodeMean time.Duration // of these
}

// TrendProps is the page of trends. It is sent with GET /runs/trends.
type TrendProps struct {
	Workflow  string // [workflow]
	Workflows []ui.Choice
	Weeks     []Week // each of the span, the oldest first, empty ones too
}

// The charts' measures, in the units of their view boxes.
const (
	chartWidth  = 780
	chartHeight = 170
	chartLeft   = 56
	chartBottom = 26
	chartTop    = 10
)

type column struct {
	x, y, width, height int
	zero                bool   // known, and nothing
	label               string // "in the week of 16 Nov 2026: 1 of 4 runs failed"
}

type tick struct {
	at    int // x of a week, y of a value
	label string
}

// chart is one picture, with the same in words.
type chart struct {
	title, alternative string
	columns            []column
	weeks, values      []tick
}

func (c chart) box() string { return fmt.Sprintf("0 0 %d %d", chartWidth, chartHeight) }

// draw makes columns of values; a value below 0 is a week of which nothing is
// known.
func draw(title string, weeks []Week, value func(Week) float64, top float64, words func(v float64) string, tell func(Week) string) chart {
	c := chart{title: title}
	step := float64(chartWidth-chartLeft) / float64(max(len(weeks), 1))
	high := float64(chartHeight - chartBottom - chartTop)
	known := 0
	for i, w := range weeks {
		x := chartLeft + int(float64(i)*step)
		if i%4 == 0 {
			c.weeks = append(c.weeks, tick{x, w.Begin.Format("2 Jan")})
		}
		v := value(w)
		if v < 0 {
			continue
		}
		known++
		h := max(int(high*v/top), 2)
		c.columns = append(c.columns, column{x, chartHeight - chartBottom - h, max(int(step)-3, 2), h, v == 0, "Week of " + w.Begin.Format("2 Jan 2006") + ": " + tell(w)})
	}
	for i := range 3 {
		v := top * float64(i) / 2
		c.values = append(c.values, tick{chartHeight - chartBottom - int(high*v/top), words(v)})
	}
	c.alternative = fmt.Sprintf("%s, by week: %d of %d weeks have a value. The table below has the numbers.", title, known, len(weeks))
	return c
}

func (p TrendProps) failures() chart {
	return draw("Runs that failed", p.Weeks, func(w Week) float64 {
		if w.Runs == 0 {
			return -1
		}
		return w.rate()
	}, 1, func(v float64) string { return strconv.Itoa(int(100*v)) + " %" }, Week.failedWords)
}

func (p TrendProps) durations() chart {
	return durationChart("How long a run took", p.Weeks, func(w Week) time.Duration { return w.Mean })
}

func (p TrendProps) nodes() chart {
	return durationChart("How long a node took", p.Weeks, func(w Week) time.Duration { return w.NodeMean })
}

func durationChart(title string, weeks []Week, of func(Week) time.Duration) chart {
	top := time.Minute
	for _, w := range weeks {
		top = max(top, of(w))
	}
	return draw(title, weeks, func(w Week) float64 {
		if of(w) == 0 {
			return -1
		}
		return of(w).Seconds()
	}, top.Seconds(), func(v float64) string { return ui.Clock(time.Duration(v) * time.Second) }, func(w Week) string { return ui.Clock(of(w)) })
}

func (w Week) rate() float64 { return float64(w.Failed) / float64(w.Runs) }

func (w Week) failedWords() string {
	return fmt.Sprintf("%d of %s failed", w.Failed, ui.Plural(w.Runs, "run", "runs"))
}

func clockOrNone(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return ui.Clock(d)
}

// some says whether anything happened at all.
func (p TrendProps) some() bool {
	for _, w := range p.Weeks {
		if w.Runs > 0 || w.Nodes > 0 {
			return true
		}
	}
	return false
}

func (p TrendProps) withNodes() bool {
	for _, w := range p.Weeks {
		if w.Nodes > 0 {
			return true
		}
	}
	return false
}

// newestFirst are the weeks in which something happened.
func (p TrendProps) newestFirst() []Week {
	var out []Week
	for i := len(p.Weeks) - 1; i >= 0; i-- {
		if w := p.Weeks[i]; w.Runs > 0 || w.Nodes > 0 {
			out = append(out, w)
		}
	}
	return out
}
