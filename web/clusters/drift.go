package clusters

import (
	"strconv"
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Drift is what the newest check for drift found. Without RunID nobody looked.
type Drift struct {
	RunID   string
	By      string
	At      time.Time
	Changed bool // a run has changed the cluster since
	Found   []workflows.Difference
}

func (d Drift) status() ui.Status {
	switch {
	case d.RunID == "":
		return ui.Status{Tone: ui.ToneIdle, Words: "Not checked"}
	case d.Changed:
		return ui.Status{Tone: ui.ToneIdle, Words: "Changed since"}
	case len(d.Found) > 0:
		return ui.Status{Tone: ui.ToneWarn, Words: "Drifted"}
	}
	return ui.Status{Tone: ui.ToneOK, Words: "As the API model says"}
}

// DiffProps is the page that compares two versions of the API model. In
// brackets: the query's names.
type DiffProps struct {
	Cluster workflows.Cluster
	Crumbs  []ui.Crumb
	Models  []workflows.APIModel // in custody, the newest first
	Old     int                  // [old]
	New     int                  // [new]
	Lines   []DiffLine
	Hidden  int // secrets that differ
}

// DiffLine is a line of the comparison. Its mark is '-' for a line that is
// gone, '+' for a new one, '@' where lines are left out, else a blank.
type DiffLine struct {
	Mark byte
	Text string
}

func (p DiffProps) choices() []ui.Choice {
	var out []ui.Choice
	for i, m := range p.Models {
		label := "Version " + strconv.Itoa(m.Version) + ", " + m.At.UTC().Format("2 Jan 2006, 15:04 UTC")
		if i == 0 {
			label += " (newest)"
		}
		out = append(out, ui.Choice{Value: strconv.Itoa(m.Version), Label: label})
	}
	return out
}

func (p DiffProps) sameWords() string {
	if p.Hidden > 0 {
		return "Nothing else differs."
	}
	return "Nothing differs."
}
