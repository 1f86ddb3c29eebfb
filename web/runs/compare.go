package runs

import (
	"fmt"
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Side is one of two runs that are compared, with the steps of its newest
// attempt.
type Side struct {
	Row
	Steps []workflows.StepRun
}

// CompareProps is two runs of a workflow side by side. It is sent with
// GET /runs/compare.
type CompareProps struct {
	A, B   Side        // A is the earlier one; without id when there is no other run
	Others []ui.Choice // runs of the workflow that B can be compared with
	Now    time.Time
}

// pair is a step in both runs; nil where a run does not have it.
type pair struct {
	title string
	a, b  *workflows.StepRun
}

// pairs are the steps of B in order, then those that only A has.
func (p CompareProps) pairs() []pair {
	byID := map[string]*workflows.StepRun{}
	for i, s := range p.A.Steps {
		byID[s.StepID] = &p.A.Steps[i]
	}
	var out []pair
	for i, s := range p.B.Steps {
		out = append(out, pair{s.Title, byID[s.StepID], &p.B.Steps[i]})
		delete(byID, s.StepID)
	}
	for i, s := range p.A.Steps {
		if byID[s.StepID] != nil {
			out = append(out, pair{s.Title, &p.A.Steps[i], nil})
		}
	}
	return out
}

func (p CompareProps) stepTook(s *workflows.StepRun) string {
	if s == nil || s.StartedAt.IsZero() {
		return ""
	}
	return ui.Clock(ui.Since(s.StartedAt, s.EndedAt, p.Now))
}

func (p CompareProps) difference(x pair) string {
	if x.a == nil || x.b == nil || x.a.EndedAt.IsZero() || x.b.EndedAt.IsZero() || x.a.StartedAt.IsZero() || x.b.StartedAt.IsZero() {
		return ""
	}
	return change(x.a.EndedAt.Sub(x.a.StartedAt), x.b.EndedAt.Sub(x.b.StartedAt))
}

// whole is the difference of two runs that have ended.
func (p CompareProps) whole() string {
	a, b := p.A.Run, p.B.Run
	if a.EndedAt.IsZero() || b.EndedAt.IsZero() || a.StartedAt.IsZero() || b.StartedAt.IsZero() {
		return ""
	}
	return change(a.EndedAt.Sub(a.StartedAt), b.EndedAt.Sub(b.StartedAt))
}

// change says how much longer or shorter b was than a.
func change(a, b time.Duration) string {
	d := (b - a).Round(time.Second)
	switch {
	case d == 0:
		return "the same"
	case d > 0:
		return ui.Clock(d) + " longer"
	}
	return ui.Clock(-d) + " shorter"
}

func (s Side) name() string { return fmt.Sprintf("Run %d", s.Run.Number) }
