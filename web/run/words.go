package run

import (
	"encoding/json"
	"fmt"
	"strings"

	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// Icon is the state that the favicon carries.
func (p Props) Icon() layout.Icon {
	switch p.Run.Status {
	case workflows.RunRunning, workflows.RunCancelling:
		return layout.IconRunning
	case workflows.RunSucceeded:
		return layout.IconOK
	case workflows.RunFailed:
		return layout.IconBad
	}
	return layout.IconIdle
}

// WindowTitle is the title with the state in front, so that a tab says it:
// "43 % Deploy cluster on Orlando".
func (p Props) WindowTitle() string {
	if p.Run.Status == workflows.RunRunning {
		return fmt.Sprintf("%d %% %s", p.Run.Percent, p.Run.Title)
	}
	return ui.RunStatus(p.Run).Words + ": " + p.Run.Title
}

// stepTitles are the steps' ids and titles, for the headlines inside the log.
func (p Props) stepTitles() string {
	titles := make(map[string]string, len(p.Steps))
	for _, s := range p.Steps {
		titles[s.StepID] = s.Title
	}
	b, err := json.Marshal(titles)
	if err != nil {
		return "{}" // strings always marshal
	}
	return string(b)
}

// staticNote says how the log moves in a browser without scripts.
func (p Props) staticNote() string {
	if p.Run.Status.Ended() {
		return ""
	}
	return " Without scripts the page loads itself again every few seconds."
}

func (p Props) going() bool {
	return p.Run.Status == workflows.RunRunning || p.Run.Status == workflows.RunCancelling
}

func (p Props) doing() string {
	if p.Run.Status == workflows.RunCancelling {
		return "Stopping what runs, and making sure that it has stopped."
	}
	return p.Run.Doing
}

// skipped says why a step did not run.
func (p Props) skipped(s workflows.StepRun) string {
	for _, other := range p.Steps {
		if other.Index < s.Index && (other.Status == workflows.StepFailed || other.Status == workflows.StepCancelled) {
			return "not reached"
		}
	}
	return "not needed"
}

func (p Props) retryLabel() string {
	for _, s := range p.Steps {
		if s.Status == workflows.StepFailed || s.Status == workflows.StepCancelled {
			return "Retry from “" + s.Title + "”"
		}
	}
	return "Retry"
}

// spoken is what a screen reader says when the status changes, and not with
// each percent.
func (p Props) spoken() string {
	switch p.Run.Status {
	case workflows.RunRunning:
		return "The run goes on."
	case workflows.RunCancelling:
		return "The run is being cancelled."
	}
	return "The run: " + ui.RunStatus(p.Run).Words + "."
}

func stepMark(s workflows.StepRun) ui.Status {
	st := ui.StepStatus(s.Status)
	st.Words += ": "
	return st
}

func nodesDone(all []workflows.NodeRow) string {
	done := 0
	for _, n := range all {
		if n.Status == workflows.StepSucceeded {
			done++
		}
	}
	return fmt.Sprintf("%d of %d done", done, len(all))
}

// nodeVersions is what becomes of a node's Kubernetes version.
func nodeVersions(n workflows.NodeRow) string {
	switch {
	case n.From == "":
		return n.To + ", new"
	case n.To == "":
		return n.From + ", not made again"
	case n.From == n.To:
		return n.To
	}
	return n.From + " → " + n.To
}

// nodeStatus is where the run stands with a node. What was being done when the
// run ended is done no more.
func nodeStatus(p Props, n workflows.NodeRow) ui.Status {
	words := n.Doing
	if n.Status == workflows.StepRunning && p.Run.Status.Ended() {
		n.Status, words = workflows.StepCancelled, "stopped while "+n.Doing
	}
	st := ui.StepStatus(n.Status)
	if words != "" {
		st.Words = strings.ToUpper(words[:1]) + words[1:]
	}
	return st
}

func lastWords(n int) string {
	if n == 1 {
		return "The last line"
	}
	return fmt.Sprintf("The last %d lines", n)
}

func resultFacts(r workflows.Result) []ui.Fact { return facts(r.Facts) }

func leftFacts(l workflows.Left) []ui.Fact { return facts(l.Items) }

func facts(items []workflows.SummaryItem) []ui.Fact {
	out := make([]ui.Fact, 0, len(items))
	for _, f := range items {
		out = append(out, ui.Fact{Label: f.Label, Value: f.Value})
	}
	return out
}

func levelClass(l workflows.Level) string {
	switch l {
	case workflows.LevelWarn:
		return "w"
	case workflows.LevelError:
		return "e"
	case workflows.LevelGood:
		return "g"
	case workflows.LevelPhase:
		return "p"
	case workflows.LevelCommand:
		return "c"
	case workflows.LevelOutput:
		return "o"
	}
	return "i"
}

// mayPress says whether the person may press the button: links are for
// everybody, what changes something is for operators.
func mayPress(p Props, a ui.Action) bool {
	return a.Method == "" || a.Method == "GET" || p.Role.Operates()
}
