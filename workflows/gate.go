package workflows

import (
	"slices"
	"time"
)

// Gate is what a run waits for before its first step. It is frozen with the
// plan: a Policy that changes later changes the next runs.
type Gate struct {
	Approval bool      // a second person must approve
	Windows  []Window  // it begins inside one of them; none: at any time
	StartAt  time.Time // not before; zero: at once
	Askers   []string  // who asked for the run or wrote its answers, and so may not approve
	Verdicts []Verdict // the oldest first
}

// Verdict is what a second person said of a run's plan.
type Verdict struct {
	By       string
	At       time.Time
	Approved bool
	Reason   string
	Attempt  int
}

// late is how long after StartAt a run without windows may still begin.
const late = time.Hour

// Shut says that the run has to wait for something.
func (g Gate) Shut() bool { return g.Approval || len(g.Windows) > 0 || !g.StartAt.IsZero() }

// Approved says that the gate needs nobody, or somebody has approved.
func (g Gate) Approved() bool {
	return !g.Approval || slices.ContainsFunc(g.Verdicts, func(v Verdict) bool { return v.Approved })
}

// Rejected is the verdict that ended the attempt, if there is one.
func (g Gate) Rejected(attempt int) (Verdict, bool) {
	i := slices.IndexFunc(g.Verdicts, func(v Verdict) bool { return !v.Approved && v.Attempt == attempt })
	if i < 0 {
		return Verdict{}, false
	}
	return g.Verdicts[i], true
}

// MayDecide says whether that person may approve or reject.
func (g Gate) MayDecide(name string) bool {
	return g.Approval && !g.Approved() && !slices.Contains(g.Askers, name)
}

// Opens says when time lets the run begin, seen from now: now itself when it
// does already. A zero time is never. missed says that StartAt has passed for
// so long that beginning now would surprise people; with windows a run waits
// for the next one instead.
func (g Gate) Opens(now time.Time) (at time.Time, missed bool, err error) {
	if len(g.Windows) == 0 {
		if g.StartAt.After(now) {
			return g.StartAt, false, nil
		}
		return now, !g.StartAt.IsZero() && now.Sub(g.StartAt) > late, nil
	}
	from := now
	if g.StartAt.After(now) {
		from = g.StartAt
	}
	for _, w := range g.Windows {
		open, next, err := w.Open(from)
		if err != nil {
			return time.Time{}, false, err
		}
		if open {
			return from, false, nil
		}
		if !next.IsZero() && (at.IsZero() || next.Before(at)) {
			at = next
		}
	}
	return at, false, nil
}
