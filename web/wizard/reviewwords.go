package wizard

import (
	"net/url"
	"strconv"

	"hubwright/web/checks"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func (p ReviewProps) title() string {
	if p.Plan.Title != "" {
		return p.Plan.Title
	}
	return p.heading()
}

// liveChecks makes the Start button follow the checks.
func (p ReviewProps) liveChecks() checks.Props {
	c := p.Checks
	if c.ID == "" {
		c.ID = "checks"
	}
	if c.URL == "" {
		c.URL = p.url() + "/checks"
	}
	c.Beside = "start"
	return c
}

func (p ReviewProps) readyWords() string {
	words := "Ready to start"
	if p.Gate.Approval {
		words = "Ready to be approved"
	}
	if n := p.Checks.Count().Warnings; n > 0 {
		words += ", with " + ui.Plural(n, "warning", "warnings")
	}
	words += "."

	if p.Plan.Duration != "" {
		words += " It takes " + p.Plan.Duration + "."
	}
	return words
}

// worksOrWaits is what keeps another run off.
func worksOrWaits(r workflows.Run) string {
	if r.Status == workflows.RunWaiting {
		return "waits to begin on this, with a plan for what is there now."
	}
	return "works on this now."
}

func (p ReviewProps) startAtHelp() string {
	if len(p.Gate.Windows) > 0 {
		return "Left empty, it begins in the next window."
	}
	return "Left empty, it begins at once, or as soon as it is approved."
}

func (h Head) documentURL(d workflows.Document, page string) string {
	to := h.url() + "/documents/" + url.PathEscape(d.Name)
	if page != "" {
		to += "?page=" + url.QueryEscape(page)
	}
	return to
}

func commandLabel(c workflows.Command) string {
	if c.Title == "" {
		return "Command"
	}
	return c.Title
}

func thingsToPutRight(n int) string {
	if n == 1 {
		return "There is one answer to put right"
	}
	return "There are " + strconv.Itoa(n) + " answers to put right"
}

func verbWords(verb string) string {
	switch verb {
	case "create":
		return "Create"
	case "change":
		return "Change"
	case "install":
		return "Install"
	case "delete":
		return "Delete"
	case "none":
		return "Keep"
	}
	return verb
}

func verbClass(verb string) string {
	switch verb {
	case "delete":
		return "bad"
	case "change":
		return "warn"
	case "none":
		return "idle"
	}
	return "ok"
}
