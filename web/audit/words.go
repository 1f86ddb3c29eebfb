package audit

import (
	"maps"
	"slices"

	"hubwright/web/ui"
)

func keys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func withAll(choices []ui.Choice, label string) []ui.Choice {
	return append([]ui.Choice{{Value: "", Label: label}}, choices...)
}
