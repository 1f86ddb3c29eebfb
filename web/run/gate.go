package run

import (
	"strings"

	"hubwright/web/ui"
)

// Waiver is a check that somebody waived before the run.
type Waiver struct{ Title, By, Reason string }

func (p Props) approvalMark() ui.Status {
	if p.Gate.Approved() {
		return ui.Status{Tone: ui.ToneOK, Words: "There: "}
	}
	return ui.Status{Tone: ui.ToneWait, Words: "Missing: "}
}

func (p Props) approvalWords() string {
	for _, v := range p.Gate.Verdicts {
		if v.Approved {
			return "Approved by " + v.By
		}
	}
	return "A second person has to approve"
}

func (p Props) whoWords() string {
	for _, v := range p.Gate.Verdicts {
		if v.Approved {
			return v.Reason
		}
	}
	return "Any operator may, but not who asked for it or wrote its answers: " + strings.Join(p.Gate.Askers, ", ") + "."
}

func (p Props) timeOpen() bool { return !p.OpensAt.IsZero() && !p.OpensAt.After(p.Now) }

func (p Props) timeMark() ui.Status {
	if p.timeOpen() {
		return ui.Status{Tone: ui.ToneOK, Words: "There: "}
	}
	return ui.Status{Tone: ui.ToneWait, Words: "Not yet: "}
}

func (p Props) timeWords() string {
	switch {
	case len(p.Gate.Windows) == 0:
		return "If it cannot begin within an hour of that, it does not begin by itself."
	case p.Gate.Approved():
		return "It begins inside a window, and may go on after its end."
	}
	return "Without approval by the end of a window it waits for the next one."
}
