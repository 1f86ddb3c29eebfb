package runs

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

func statuses() []ui.Choice {
	out := []ui.Choice{{Value: "", Label: "Any status"}}
	for _, s := range []workflows.RunStatus{
		workflows.RunQueued, workflows.RunWaiting, workflows.RunRunning, workflows.RunCancelling,
		workflows.RunSucceeded, workflows.RunFailed, workflows.RunCancelled,
	} {
		out = append(out, ui.Choice{Value: string(s), Label: ui.RunStatus(workflows.Run{Status: s}).Words})
	}
	return out
}

func withAll(choices []ui.Choice, label string) []ui.Choice {
	return append([]ui.Choice{{Value: "", Label: label}}, choices...)
}

func took(r workflows.Run, now time.Time) string {
	if r.StartedAt.IsZero() {
		return ""
	}
	return ui.Clock(ui.Since(r.StartedAt, r.EndedAt, now))
}
