package checks

import (
	"slices"
	"strings"

	"hubwright/web/ui"
	"hubwright/workflows"
)

func (i Item) open() bool {
	s := i.Result.Status
	return s == "" || s == workflows.CheckPending || s == workflows.CheckRunning
}

func (i Item) needsCare() bool {
	return i.Result.Status == workflows.CheckFailed || i.Result.Status == workflows.CheckWarning
}

func (i Item) quiet() bool {
	return i.Result.Status == workflows.CheckPassed || i.Result.Status == workflows.CheckSkipped
}

func (i Item) rank() int {
	switch {
	case i.Blocks() && i.Result.Status == workflows.CheckFailed:
		return 0
	case i.needsCare():
		return 1
	}
	return 2
}

// sorted puts what needs care on top once all checks are done. While they
// run, nothing jumps about.
func (p Props) sorted() []Item {
	if p.Running || p.Count().Open > 0 {
		return p.Items
	}
	out := slices.Clone(p.Items)
	slices.SortStableFunc(out, func(a, b Item) int { return a.rank() - b.rank() })
	return out
}

func (p Props) runURL() string {
	if p.RunURL != "" {
		return p.RunURL
	}
	return p.URL
}

func (p Props) runLabel() string {
	if p.Count().Newest.IsZero() {
		return "Run the checks"
	}
	return "Run again"
}

func (p Props) empty() string {
	if p.Empty != "" {
		return p.Empty
	}
	return "There is nothing to check here."
}

func (c Count) words() string {
	var parts []string
	add := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, ui.Plural(n, one, many))
		}
	}
	add(c.Passed, "passed", "passed")
	add(c.Warnings, "warning", "warnings")
	add(c.Failed, "failed", "failed")
	add(c.Waived, "waived", "waived")
	add(c.Skipped, "skipped", "skipped")
	return strings.Join(parts, ", ")
}
