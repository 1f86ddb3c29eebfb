package clusters

import (
	"strconv"
	"strings"

	"hubwright/web/ui"
	"hubwright/workflows"
)

func nodeStatus(n workflows.Node) ui.Status {
	words := n.Status
	if words == "" {
		words = map[bool]string{true: "Ready", false: "NotReady"}[n.Ready]
	}
	switch {
	case !n.Ready:
		return ui.Status{Tone: ui.ToneBad, Words: words}
	case strings.Contains(words, "Disabled"):
		return ui.Status{Tone: ui.ToneWarn, Words: "Ready, cordoned"}
	}
	return ui.Status{Tone: ui.ToneOK, Words: words}
}

// nextHop leads to the checks of the next upgrade, if there is one.
func (p ShowProps) nextHop() (ui.Action, bool) {
	if len(p.Path) == 0 || !p.Role.Operates() {
		return ui.Action{}, false
	}
	for _, a := range p.Actions {
		for _, f := range a.Fields {
			if f.Name == "workflow" && f.Value == "upgrade" {
				a.Label = "See what is in the way"
				return a, true
			}
		}
	}
	return ui.Action{}, false
}

func readyWords(nodes []workflows.Node) string {
	ready := 0
	for _, n := range nodes {
		if n.Ready {
			ready++
		}
	}
	return strconv.Itoa(ready) + " of " + strconv.Itoa(len(nodes)) + " Ready"
}

func liveTrigger(p ShowProps) string {
	if p.Loading {
		return "load, every 15s"
	}
	return "every 15s"
}

func busy(p ShowProps) string { return strconv.FormatBool(p.Loading) }

func dash(s string) string {
	if s == "" || s == "<none>" {
		return "agent"
	}
	return s
}

func partIcon(x Part) string {
	switch x.Kind {
	case "Load balancer", "Public IP":
		return "globe"
	case "Network security group":
		return "shield"
	}
	return "server"
}

func clusterFacts(p ShowProps) []ui.Fact {
	c := p.Cluster
	facts := []ui.Fact{
		{Label: "API server", Value: c.FQDN, Mono: true},
		{Label: "Stack", Value: p.Stack.Name, URL: "/stacks/" + p.Stack.ID},
		{Label: "Resource group", Value: c.ResourceGroup, Mono: true},
		{Label: "Name suffix", Value: c.NameSuffix, Mono: true},
		{Label: "Admin user", Value: c.AdminUser, Mono: true},
		{Label: "Output folder", Value: c.OutputDir, Mono: true},
	}
	if !p.Certificates.IsZero() {
		facts = append(facts, ui.Fact{Label: "Certificates end", Value: p.Certificates.UTC().Format("2 Jan 2006")})
	}
	if !c.CreatedAt.IsZero() {
		made := c.CreatedAt.UTC().Format("2 Jan 2006")
		if c.CreatedBy != "" {
			made += " by " + c.CreatedBy
		}
		facts = append(facts, ui.Fact{Label: "Made", Value: made})
	}
	out := facts[:0]
	for _, f := range facts {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}
