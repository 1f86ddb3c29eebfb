package dossier

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// The page in the archive has to look like something without Hubwright.
//
//go:embed dossier.css
var style string

// Title is the page's: "Run 42: Upgrade the cluster on Seattle".
func (p Props) Title() string { return fmt.Sprintf("Run %d: %s", p.Run.Number, p.Run.Title) }

func (p Props) facts() []ui.Fact {
	out := []ui.Fact{
		{Label: "Status", Value: p.status()},
		{Label: "On", Value: p.On},
		{Label: "Workflow", Value: p.Run.WorkflowID},
		{Label: "Started by", Value: p.Run.CreatedBy},
		{Label: "Ordered", Value: moment(p.Run.CreatedAt)},
		{Label: "Waited for", Value: gateWords(p.Gate)},
		{Label: "Decided", Value: verdictWords(p.Gate)},
		{Label: "Began", Value: moment(p.Run.StartedAt)},
		{Label: "Ended", Value: moment(p.Run.EndedAt)},
		{Label: "Took", Value: ui.Duration(ui.Since(p.Run.StartedAt, p.Run.EndedAt, p.MadeAt))},
		{Label: "Planned", Value: p.Run.Plan.Duration},
		{Label: "Disruption", Value: p.Run.Plan.Disruption},
		{Label: "Attempts", Value: strconv.Itoa(p.Run.Attempt)},
		{Label: "Log", Value: ui.Plural(int(p.Run.Lines), "line", "lines")},
		{Label: "This dossier", Value: "made " + moment(p.MadeAt) + " by " + p.MadeBy},
	}
	return slices.DeleteFunc(out, func(f ui.Fact) bool { return f.Value == "" })
}

func (p Props) status() string {
	if !p.Run.Status.Ended() {
		return ui.RunStatus(p.Run).Words + ": this is how far it was when the dossier was made"
	}
	return ui.RunStatus(p.Run).Words
}

// gateWords is what the run had to wait for.
func gateWords(g workflows.Gate) string {
	var parts []string
	if g.Approval {
		parts = append(parts, "approval by a second person, not "+strings.Join(g.Askers, ", "))
	}
	for _, w := range g.Windows {
		parts = append(parts, "window "+w.String())
	}
	if !g.StartAt.IsZero() {
		parts = append(parts, "not before "+moment(g.StartAt))
	}
	return strings.Join(parts, "; ")
}

func verdictWords(g workflows.Gate) string {
	var parts []string
	for _, v := range g.Verdicts {
		text := "rejected by "
		if v.Approved {
			text = "approved by "
		}
		text += v.By + ", " + moment(v.At)
		if v.Reason != "" {
			text += ": " + v.Reason
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// moment is a time for paper: to the second, in UTC.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func (p Props) words(action string) string {
	for _, a := range p.Actions {
		if a.Value == action {
			return a.Label
		}
	}
	return action
}

func details(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+": "+m[k])
	}
	return strings.Join(parts, "; ")
}

func planFacts(p workflows.Plan) []ui.Fact {
	var out []ui.Fact
	for _, s := range p.Summary {
		out = append(out, ui.Fact{Label: s.Label, Value: s.Value})
	}
	return out
}

// DocumentFile is the name in the archive of a document of the plan.
func DocumentFile(i int, d workflows.Document) string {
	safe := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return '-'
	}, d.Name)
	return fmt.Sprintf("plan/%d-%s", i+1, safe)
}

func stepTook(p Props, s workflows.StepRun) string {
	if s.StartedAt.IsZero() {
		return ""
	}
	return ui.Clock(ui.Since(s.StartedAt, s.EndedAt, p.MadeAt))
}

// nodeStatus is where the run stands with a node. What was being done when the
// run ended is done no more.
func (p Props) nodeStatus(n workflows.NodeRow) workflows.StepStatus {
	if n.Status == workflows.StepRunning && p.Run.Status.Ended() {
		return workflows.StepCancelled
	}
	return n.Status
}

func (p Props) nodeWords(n workflows.NodeRow) ui.Status {
	st := ui.StepStatus(p.nodeStatus(n))
	if st.Words = n.Doing; p.nodeStatus(n) != n.Status {
		st.Words = "stopped while " + n.Doing
	}
	return st
}

func orWords(version, otherwise string) string {
	if version == "" {
		return otherwise
	}
	return version
}

func changeWords(c workflows.Change) string {
	if c.Verb == "none" {
		return "no change: " + c.What
	}
	return c.Verb + " " + c.What
}
