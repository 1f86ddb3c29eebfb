package audit

import (
	"maps"
	"slices"

	"hubwright/web/ui"
)

func keys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

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
