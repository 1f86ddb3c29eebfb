package connections

import (
	"time"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// soon is how long before its end a secret is warned of.
const soon = 14 * 24 * time.Hour

func emptyWords(r ui.Role) string {
	if r.Admin() {
		return "Azure holds Traffic Manager and Log Analytics; Azure DevOps holds the pipelines. Connect what your Deployments use."
	}
	return "When an admin connects Azure or Azure DevOps, it appears here."
}

func lead(k workflows.ConnectionKind) string {
	if k == workflows.ConnectionDevOps {
		return "An organization of Azure DevOps Services, or a collection of your own Azure DevOps Server."
	}
	return "A subscription in public Azure, for Traffic Manager and Log Analytics. Your Hubs are Stacks, not Connections."
}

func method(m workflows.AuthMethod) string {
	switch m {
	case workflows.AuthSecret:
		return "Client secret"
	case workflows.AuthToken:
		return "Personal access token"
	}
	return "Certificate"
}

// expiry says whether what proves the Connection ends soon; "" when it does
// not, or nobody said.
func expiry(c workflows.Connection, now time.Time) (ui.Status, bool) {
	left := c.ExpiresAt.Sub(now)
	switch {
	case c.ExpiresAt.IsZero() || left >= soon:
		return ui.Status{}, false
	case left <= 0:
		return ui.Status{Tone: ui.ToneBad, Words: "Expired " + c.ExpiresAt.UTC().Format("2 Jan 2006")}, true
	}
	return ui.Status{Tone: ui.ToneWarn, Words: "Expires in " + ui.Duration(left)}, true
}

func (f Form) devOps() bool { return f.Kind == workflows.ConnectionDevOps }

func (f Form) title() string {
	if f.ID == "" {
		return "Connect " + f.Kind.Title()
	}
	return "Edit " + f.Name
}

func (f Form) action() string {
	if f.ID == "" {
		return "/connections"
	}
	return "/connections/" + f.ID + "/edit"
}

func (f Form) submit() string {
	if f.ID == "" {
		return "Connect"
	}
	return "Save"
}

func (f Form) cancelURL() string {
	if f.ID == "" {
		return "/connections"
	}
	return "/connections/" + f.ID
}

func (f Form) crumbs() []ui.Crumb {
	c := []ui.Crumb{{Label: "Connections", URL: "/connections"}}
	if f.ID != "" {
		c = append(c, ui.Crumb{Label: f.Name, URL: "/connections/" + f.ID})
	}
	return c
}

// wants says whether the way of proving itself is the chosen one.
func (f Form) wants(m workflows.AuthMethod) bool {
	if f.Method != "" {
		return f.Method == m
	}
	if f.devOps() {
		return m == workflows.AuthToken
	}
	return m == workflows.AuthCertificate
}

// shows is what the choice of a way shows of the form; see forms.css.
func shows(m workflows.AuthMethod) string {
	switch m {
	case workflows.AuthSecret:
		return "auth-secret"
	case workflows.AuthToken:
		return "auth-token"
	}
	return "auth-certificate"
}

func (p FormProps) err(field string) string { return ui.ErrorOf(p.Errors, field) }

func facts(p ShowProps) []ui.Fact {
	c := p.Connection
	all := []ui.Fact{
		{Label: "Leads to", Value: c.Kind.Title()},
		{Label: "Address", Value: c.Endpoint, Mono: true},
		{Label: "Login", Value: c.LoginEndpoint, Mono: true},
		{Label: "Tenant", Value: c.TenantID, Mono: true},
		{Label: "Subscription", Value: c.SubscriptionID, Mono: true},
		{Label: "Service principal", Value: c.Credential.ClientID, Mono: true},
		{Label: "Proves itself with", Value: method(c.Credential.Method)},
		{Label: "Ends", Value: ends(c)},
		{Label: "HTTPS proxy", Value: c.HTTPSProxy, Mono: true},
		{Label: "DNS server", Value: c.DNSServer, Mono: true},
		{Label: "Root certificates", Value: bundle(c)},
	}
	out := all[:0]
	for _, f := range all {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

func ends(c workflows.Connection) string {
	if c.ExpiresAt.IsZero() {
		return "Nobody said"
	}
	return c.ExpiresAt.UTC().Format("2 Jan 2006")
}

func bundle(c workflows.Connection) string {
	if c.CABundle == "" {
		return ""
	}
	return "The system's, and a bundle of its own"
}
