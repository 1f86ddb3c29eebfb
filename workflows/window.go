package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is a weekly time in which changes may begin.
type Window struct {
	Days     []time.Weekday // on which it opens
	From, To int            // minutes of the day; To is of the next day unless it is later than From
	Zone     string         // IANA name, such as Europe/Berlin
}

// minutesOfDay is the end of a day in a Window.
const minutesOfDay = 24 * 60

// Open says whether the window is open at t, and until when; else when it
// opens next after t. In the night in which clocks jump a part that the clock
// skips does not exist: a window that lies wholly in it opens the next time.
func (w Window) Open(t time.Time) (open bool, next time.Time, err error) {
	loc, err := time.LoadLocation(w.Zone)
	if err != nil {
		return false, next, fmt.Errorf("time zone %q: %w", w.Zone, err)
	}
	today := t.In(loc)
	// Yesterday's may go on past midnight; one of a skipped hour comes a week later.
	for d := -1; d <= 15; d++ {
		day := time.Date(today.Year(), today.Month(), today.Day()+d, 12, 0, 0, 0, loc)
		if !slices.Contains(w.Days, day.Weekday()) {
			continue
		}
		to := w.To
		if to <= w.From {
			to += minutesOfDay
		}
		from, end := onClock(day, w.From), onClock(day, to)
		switch {
		case !from.Before(end) || !t.Before(end):
		case !t.Before(from):
			return true, end, nil
		default:
			return false, from, nil
		}
	}
	return false, time.Time{}, nil
}

// onClock is when clocks show the minute of that day or of the next. A time
// that they skip is the moment at which they jump.
func onClock(day time.Time, minute int) time.Time {
	t := time.Date(day.Year(), day.Month(), day.Day(), 0, minute, 0, 0, day.Location())
	shown := t.Hour()*60 + t.Minute()
	before, after := t.ZoneBounds()
	switch asked := minute % minutesOfDay; {
	case shown > asked:
		return before
	case shown < asked:
		return after
	}
	return t
}

// String is the window as people say it: "Sat, Sun 22:00 to 04:00 Europe/Berlin".
func (w Window) String() string {
	var days []string
	for _, d := range w.Days {
		days = append(days, d.String()[:3])
	}
	text := strings.Join(days, ", ")
	if len(days) == 7 {
		text = "Every day"
	}
	return fmt.Sprintf("%s %s to %s %s", text, ClockText(w.From), ClockText(w.To), w.Zone)
}

// ClockText is a minute of the day as clocks show it.
func ClockText(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

// Policy is what guards the changes on a Stack.
type Policy struct {
	StackID   string
	Approval  []string // ids of workflows that a second person must approve
	Windowed  []string // ids of workflows that begin inside of a Window only
	Windows   []Window
	Zone      string // in which "start at" is given; the zone of the windows
	UpdatedBy string
	UpdatedAt time.Time
	Version   int // grows with each save; a save with an old one is refused
}

// GateFor is what a run of the workflow has to wait for, beside its own time.
func (p Policy) GateFor(workflowID string) Gate {
	g := Gate{Approval: slices.Contains(p.Approval, workflowID)}
	if slices.Contains(p.Windowed, workflowID) {
		g.Windows = p.Windows
	}
	return g
}
