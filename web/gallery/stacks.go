package gallery

import (
	"time"

	"hubwright/web/checks"
	"hubwright/web/layout"
	"hubwright/web/stacks"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func seattle() workflows.Stack {
	return workflows.Stack{
		ID: "s1", Name: "Seattle", ARMEndpoint: "https://management.seattle.azurestack.test", PortalURL: "https://portal.seattle.azurestack.test/",
		Region: "seattle", TenantID: "5c1f7c2e-2b1a-4b2e-9a53-0f0f5d1f6f10", SubscriptionID: "9b0f3a54-7c1d-4d27-8a5e-1c2d3e4f5a6b",
		Metadata:   workflows.HubMetadata{Identity: workflows.IdentityEntra, LoginEndpoint: "https://login.seattle.azurestack.test", Audience: "https://management.contoso.onmicrosoft.com/1234"},
		Credential: workflows.Credential{Method: workflows.AuthCertificate, ClientID: "2f6c0a53-3c5b-49a6-b0e2-6c9f6a4f1f11"},
		HTTPSProxy: "http://127.0.0.1:18080", Version: 3,
	}
}

func orlando() workflows.Stack {
	s := seattle()
	s.ID, s.Name, s.Region, s.AirGapped = "s2", "Orlando", "orlando", true
	s.ARMEndpoint = "https://management.orlando.azurestack.test"
	s.Metadata.Identity, s.TenantID, s.Credential.Method = workflows.IdentityADFS, "adfs", workflows.AuthSecret
	return s
}

func hubChecks() []checks.Item {
	mk := func(id, title, why string, status workflows.CheckStatus, found, remedy string, sev workflows.Severity) checks.Item {
		return checks.Item{
			Info:   workflows.CheckInfo{ID: id, Title: title, Why: why, Severity: sev},
			Result: workflows.CheckResult{CheckID: id, Finding: workflows.Finding{Status: status, Found: found, Remedy: remedy}, EndedAt: before(6 * time.Second)},
		}
	}
	return []checks.Item{
		mk("dns", "The Hub's name resolves", "Without it nothing reaches the Hub.", workflows.CheckPassed, "management.seattle.azurestack.test is 127.18.0.4.", "", workflows.SeverityBlock),
		mk("tls", "Its certificate is trusted", "", workflows.CheckPassed, "Signed by AzureStackSelfSignedRootCert, until 3 Mar 2028.", "", workflows.SeverityBlock),
		mk("login", "The service principal can log in", "", workflows.CheckPassed, "A token came in 0.2 s.", "", workflows.SeverityBlock),
		mk("extension", "The extension CustomScript is there", "AKS Engine starts every node with it. A deploy would fail after about 20 minutes.", workflows.CheckFailed, "CustomScript 2.0.6 is not in the marketplace; the newest there is 2.0.3.", "Ask the Hub's operator to download “Custom Script for Linux 2.0.6” from the marketplace.", workflows.SeverityBlock),
		mk("quota", "The quota leaves room", "An upgrade adds one VM before it removes one.", workflows.CheckWarning, "Free: 5 VMs, 8 cores. A cluster of 3 and 3 needs 6 VMs and 12 cores, plus 1 VM and 2 cores.", "Ask for 6 more cores, or plan a smaller cluster.", workflows.SeverityWarn),
		mk("image", "The base image is there", "", workflows.CheckSkipped, "Left out: no engine version was chosen yet.", "", workflows.SeverityBlock),
	}
}

func stackPages() []Page {
	admin := as(ui.RoleAdmin)
	items := []stacks.Item{
		{Stack: seattle(), Tested: ui.Status{Tone: ui.ToneOK, Words: "All passed"}, At: before(3 * time.Minute), UsedBy: 2},
		{Stack: orlando(), Tested: ui.Status{Tone: ui.ToneWarn, Words: "1 warning"}, At: before(26 * time.Hour), UsedBy: 1},
		{Stack: func() workflows.Stack { s := seattle(); s.ID, s.Name = "s3", long; return s }(), Tested: ui.Status{Tone: ui.ToneIdle, Words: "Not checked"}},
	}
	show := stacks.ShowProps{Policy: policyProps().Policy, Workflows: policyProps().Workflows, Role: ui.RoleAdmin, Stack: seattle(), Now: now, CreatedNote: "Registered by ana on 2 Nov 2026.",
		Sites:  []ui.Crumb{{Label: "Ratings / Seattle", URL: "/deployments/d1"}},
		CAs:    []stacks.Cert{{Subject: "CN=AzureStackSelfSignedRootCert", SHA256: sha, NotAfter: now.AddDate(2, 0, 0), IsCA: true}},
		Checks: checks.Props{Items: hubChecks(), CanRun: true, Now: now}}
	testing := show
	testing.Checks = checks.Props{Running: true, CanRun: true, Now: now}
	for i, c := range hubChecks() {
		if i > 2 {
			c.Result = workflows.CheckResult{Finding: workflows.Finding{Status: map[bool]workflows.CheckStatus{true: workflows.CheckRunning, false: workflows.CheckPending}[i == 3]}}
		}
		testing.Checks.Items = append(testing.Checks.Items, c)
	}
	viewer := show
	viewer.Role, viewer.Checks.CanRun, viewer.Sites, viewer.CAs = ui.RoleViewer, false, nil, nil
	viewer.Checks.Items = hubChecks()[:3]
	return append([]Page{
		page("stacks", "Stacks", layout.NavStacks, stacks.List(stacks.ListProps{Role: ui.RoleAdmin, Items: items, Now: now}), admin),
		page("stacks.empty", "Stacks", layout.NavStacks, stacks.List(stacks.ListProps{Role: ui.RoleAdmin, Now: now}), admin),
		page("stacks.viewer", "Stacks", layout.NavStacks, stacks.List(stacks.ListProps{Role: ui.RoleViewer, Items: items[:2], Now: now}), as(ui.RoleViewer)),
		page("stack", "Seattle", layout.NavStacks, stacks.Show(show), admin),
		page("stack.testing", "Seattle", layout.NavStacks, stacks.Show(testing), admin),
		page("stack.policy", "Approval and windows of Seattle", layout.NavStacks, stacks.PolicyForm(policyProps()), admin),
		page("stack.policy-wrong", "Approval and windows of Seattle", layout.NavStacks, stacks.PolicyForm(wrongPolicy()), admin),
		page("stack.viewer", "Seattle", layout.NavStacks, stacks.Show(viewer), as(ui.RoleViewer)),
	}, stackForms(admin)...)
}

func policyProps() stacks.PolicyProps {
	return stacks.PolicyProps{Stack: seattle(), Workflows: []workflows.Info{{ID: "cluster", Title: "Deploy a cluster"}, {ID: "upgrade", Title: "Upgrade a cluster"}, {ID: "scale", Title: "Scale a node pool"}},
		Policy: workflows.Policy{Approval: []string{"upgrade"}, Windowed: []string{"upgrade", "scale"}, Windows: nights(), Zone: "Europe/Berlin", Version: 2}}
}

func wrongPolicy() stacks.PolicyProps {
	p := policyProps()
	p.Policy.Zone, p.Policy.Windows = "Berlin", nil
	p.Errors = []workflows.FieldError{{Field: "zone", Message: "Give a time zone by its name, such as Europe/Berlin or America/Los_Angeles."}, {Field: "windows.0.days", Message: "Give a window, else these workflows could never begin."}}
	return p
}

const sha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func stackForms(admin option) []Page {
	first := stacks.FormProps{Role: ui.RoleAdmin, Now: now}
	unreachable := first
	unreachable.Form.Endpoint = "https://management.seattle.azurestack.test"
	unreachable.Problem = &workflows.Problem{Code: "net.nohost", What: "The Hub does not answer.", Why: "The name management.seattle.azurestack.test is not known to this server's resolver.", Fix: "Check the spelling, or give the HTTPS proxy through which the Hub is reached.", Detail: "dial tcp: lookup management.seattle.azurestack.test: no such host"}
	found := stacks.FormProps{Role: ui.RoleAdmin, Now: now,
		Form: stacks.Form{Endpoint: "https://management.orlando.azurestack.test", Region: "orlando", Identity: workflows.IdentityADFS, TenantID: "adfs", PortalURL: "https://portal.orlando.azurestack.test/", Name: "Orlando"},
		Discovery: &stacks.Discovery{Region: "orlando", Metadata: orlando().Metadata, Chain: []stacks.Cert{
			{Subject: "CN=management.orlando.azurestack.test", Issuer: "CN=AzureStackSelfSignedRootCert", SHA256: sha, NotAfter: now.AddDate(1, 0, 0)},
			{Subject: "CN=AzureStackSelfSignedRootCert", Issuer: "itself", SHA256: "0a" + sha[2:], NotAfter: now.AddDate(8, 0, 0), IsCA: true},
		}}}
	wrong := found
	wrong.Discovery = &stacks.Discovery{Region: "seattle", Metadata: seattle().Metadata, TrustedByBundle: true}
	wrong.Form.Method, wrong.Form.CABundle = workflows.AuthSecret, "-----BEGIN CERTIFICATE-----\nMIIDazCCAlOgAwIBAgIU…\n-----END CERTIFICATE-----"
	wrong.Errors = []workflows.FieldError{
		{Field: "subscription", Message: "A subscription ID looks like 9b0f3a54-7c1d-4d27-8a5e-1c2d3e4f5a6b."},
		{Field: "secret", Message: "Give the client secret."},
	}
	edit := stacks.FormProps{Role: ui.RoleAdmin, Now: now, Form: stacks.Form{ID: "s1", Version: 3, Name: "Seattle", Endpoint: seattle().ARMEndpoint, PortalURL: seattle().PortalURL, Region: "seattle",
		Identity: workflows.IdentityEntra, TenantID: seattle().TenantID, Subscription: seattle().SubscriptionID, ClientID: seattle().Credential.ClientID, HasKey: true, Proxy: "http://127.0.0.1:18080"}}
	return []Page{
		page("stack-form.first", "Register a Stack", layout.NavStacks, stacks.Edit(first), admin),
		page("stack-form.unreachable", "Register a Stack", layout.NavStacks, stacks.Edit(unreachable), admin),
		page("stack-form.found", "Register a Stack", layout.NavStacks, stacks.Edit(found), admin),
		page("stack-form.errors", "Register a Stack", layout.NavStacks, stacks.Edit(wrong), admin),
		page("stack-form.edit", "Edit Seattle", layout.NavStacks, stacks.Edit(edit), admin),
	}
}
