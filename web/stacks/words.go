package stacks

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

func emptyWords(r ui.Role) string {
	if r.Admin() {
		return "Register an Azure Stack Hub with a subscription and a service principal. Hubwright asks the Hub for the rest and tests it."
	}
	return "When an admin registers an Azure Stack Hub, it appears here."
}

func connection(airGapped bool) string {
	if airGapped {
		return "Air-gapped"
	}
	return "Connected"
}

func method(m workflows.AuthMethod) string {
	if m == workflows.AuthSecret {
		return "Client secret"
	}
	return "Certificate"
}

func usedBy(n int) string {
	if n == 0 {
		return "used by no Deployment"
	}
	return "used by " + ui.Plural(n, "Deployment", "Deployments")
}

func (f Form) title() string {
	if f.ID == "" {
		return "Register a Stack"
	}
	return "Edit " + f.Name
}

func (f Form) action() string {
	if f.ID == "" {
		return "/stacks"
	}
	return "/stacks/" + f.ID + "/edit"
}

func (f Form) submit() string {
	if f.ID == "" {
		return "Register the Stack"
	}
	return "Save"
}

func (f Form) crumbs() []ui.Crumb {
	c := []ui.Crumb{{Label: "Stacks", URL: "/stacks"}}
	if f.ID != "" {
		c = append(c, ui.Crumb{Label: f.Name, URL: "/stacks/" + f.ID})
	}
	return c
}

// full says whether all questions are asked: the Hub was found.
func (p FormProps) full() bool { return p.Discovery != nil || p.Form.ID != "" }

func (p FormProps) trusted() bool {
	return p.Discovery == nil || p.Discovery.TrustedBySystem || p.Discovery.TrustedByBundle
}

func (p FormProps) wants(m workflows.AuthMethod) bool {
	if p.Form.Method == "" {
		return m == workflows.AuthCertificate
	}
	return p.Form.Method == m
}

func (p FormProps) trusts(sha string) bool {
	for _, t := range p.Form.Trust {
		if t == sha {
			return true
		}
	}
	return false
}

func (p FormProps) err(field string) string { return ui.ErrorOf(p.Errors, field) }

func certKind(c Cert) string {
	if c.IsCA {
		return "Root or intermediate"
	}
	return "The endpoint's own"
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2 Jan 2006")
}

func stackFacts(p ShowProps) []ui.Fact {
	s := p.Stack
	facts := []ui.Fact{
		{Label: "ARM endpoint", Value: s.ARMEndpoint, Mono: true},
		{Label: "Portal", Value: s.PortalURL, Mono: true},
		{Label: "Region", Value: s.Region, Mono: true},
		{Label: "Identity system", Value: s.Metadata.Identity.Title()},
		{Label: "Login", Value: s.Metadata.LoginEndpoint, Mono: true},
		{Label: "Audience", Value: s.Metadata.Audience, Mono: true},
		{Label: "Tenant", Value: s.TenantID, Mono: true},
		{Label: "Subscription", Value: s.SubscriptionID, Mono: true},
		{Label: "Service principal", Value: s.Credential.ClientID, Mono: true},
		{Label: "Proves itself with", Value: method(s.Credential.Method)},
		{Label: "That ends on", Value: day(s.Credential.EndsAt)},
		{Label: "Build of the Hub", Value: s.HubBuild},
		{Label: "HTTPS proxy", Value: s.HTTPSProxy, Mono: true},
		{Label: "Internet", Value: connection(s.AirGapped)},
	}
	out := facts[:0]
	for _, f := range facts {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}
