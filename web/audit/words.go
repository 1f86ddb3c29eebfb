package audit

import (
	"maps"
	"slices"

	"hubwright/web/ui"
	"hubwright/workflows"
)

func keys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// from is where an event came from.
func from(e workflows.AuditEvent) string {
	if e.Token != "" {
		return "from " + e.Address + ", token " + e.Token
	}
	return "from " + e.Address
}

// words is what an action is called. One that is not known any more keeps its
// name.
func (p Props) words(action string) string {
	for _, a := range p.Actions {
		if a.Value == action {
			return a.Label
		}
	}
	return action
}

func withAll(choices []ui.Choice, label string) []ui.Choice {
	return append([]ui.Choice{{Value: "", Label: label}}, choices...)
}
