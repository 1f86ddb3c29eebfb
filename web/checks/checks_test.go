package checks

import (
	"testing"

	"hubwright/web/ui"
	"hubwright/workflows"
)

func checkItem(s workflows.CheckStatus, sev workflows.Severity) Item {
	return Item{Info: workflows.CheckInfo{ID: string(s), Severity: sev}, Result: workflows.CheckResult{Finding: workflows.Finding{Status: s}}}
}

func TestBlocks(t *testing.T) {
	tests := []struct {
		status workflows.CheckStatus
		sev    workflows.Severity
		want   bool
	}{
		{"", workflows.SeverityBlock, true}, {workflows.CheckPending, workflows.SeverityWarn, true}, {workflows.CheckRunning, workflows.SeverityBlock, true},
		{workflows.CheckPassed, workflows.SeverityBlock, false}, {workflows.CheckWarning, workflows.SeverityBlock, false},
		{workflows.CheckFailed, workflows.SeverityBlock, true}, {workflows.CheckFailed, workflows.SeverityWarn, false},
		{workflows.CheckSkipped, workflows.SeverityBlock, false}, {workflows.CheckWaived, workflows.SeverityBlock, false},
	}
	for _, tt := range tests {
		if got := checkItem(tt.status, tt.sev).Blocks(); got != tt.want {
			t.Errorf("%q (%s) blocks: %t, want %t", tt.status, tt.sev, got, tt.want)
		}
	}
}

func TestStatus(t *testing.T) {
	const b, w = workflows.SeverityBlock, workflows.SeverityWarn
	tests := []struct {
		name string
		p    Props
		want ui.Status
	}{
		{"none", Props{}, ui.Status{Tone: ui.ToneIdle, Words: "Not checked"}},
		{"running", Props{Running: true, Items: []Item{checkItem("passed", b), checkItem("running", b)}}, ui.Status{Tone: ui.ToneRun, Words: "Checking, 1 of 2"}},
		{"all passed", Props{Items: []Item{checkItem("passed", b), checkItem("skipped", b)}}, ui.Status{Tone: ui.ToneOK, Words: "All passed"}},
		{"failed", Props{Items: []Item{checkItem("failed", b), checkItem("warning", b)}}, ui.Status{Tone: ui.ToneBad, Words: "1 failed"}},
		{"failure that warns", Props{Items: []Item{checkItem("failed", w), checkItem("passed", b)}}, ui.Status{Tone: ui.ToneWarn, Words: "1 warning"}},
	}
	for _, tt := range tests {
		if got := tt.p.Status(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// What needs care comes first, but only when nothing moves any more.
func TestOrder(t *testing.T) {
	items := []Item{checkItem("passed", "block"), checkItem("warning", "block"), checkItem("failed", "block")}
	if got := (Props{Items: items}).sorted(); got[0].Info.ID != "failed" || got[1].Info.ID != "warning" {
		t.Errorf("done: %s comes first", got[0].Info.ID)
	}
	if got := (Props{Items: items, Running: true}).sorted(); got[0].Info.ID != "passed" {
		t.Errorf("running: %s comes first", got[0].Info.ID)
	}
}
