package gallery

import (
	"time"

	"hubwright/web/checks"
	"hubwright/web/connections"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func azureConnection() workflows.Connection {
	return workflows.Connection{
		ID: "con_1", Name: "Contoso production", Kind: workflows.ConnectionAzure, Endpoint: "https://management.azure.com",
		LoginEndpoint: "https://login.microsoftonline.com", TenantID: seattle().TenantID, SubscriptionID: seattle().SubscriptionID,
		Credential: workflows.Credential{Method: workflows.AuthCertificate, ClientID: seattle().Credential.ClientID},
		ExpiresAt:  now.AddDate(0, 7, 0), HTTPSProxy: "http://127.0.0.1:18080", DNSServer: "127.0.0.1:18053", CreatedBy: "ana", CreatedAt: before(72 * time.Hour), Version: 2,
	}
}

func devOpsConnection() workflows.Connection {
	return workflows.Connection{
		ID: "con_2", Name: "Contoso DevOps", Kind: workflows.ConnectionDevOps, Endpoint: "https://dev.azure.com/contoso",
		Credential: workflows.Credential{Method: workflows.AuthToken}, ExpiresAt: now.AddDate(0, 0, 6), CreatedBy: "ana", CreatedAt: before(72 * time.Hour), Version: 1,
	}
}

func connectionChecks() []checks.Item {
	mk := func(id, title, why string, f workflows.Finding) checks.Item {
		return checks.Item{Info: workflows.CheckInfo{ID: id, Title: title, Why: why, Severity: workflows.SeverityBlock},
			Result: workflows.CheckResult{CheckID: id, Finding: f, EndedAt: before(40 * time.Second)}}
	}
	return []checks.Item{
		mk("reach", "It can be reached", "", workflows.Passed("dev.azure.com answered in 81 ms, and its certificate is trusted.")),
		mk("login", "It lets us in", "Every run would fail at its first call.", workflows.Fail("Azure DevOps did not accept the personal access token. It answered with a login page (203), as it does when a token has expired.", "Make a new token in Azure DevOps, then edit this Connection and give it.")),
		mk("projects", "Projects can be read", "", workflows.Skip("Left out: it needs “It lets us in”.")),
	}
}

func connectionPages() []Page {
	admin := as(ui.RoleAdmin)
	expired := devOpsConnection()
	expired.ID, expired.Name, expired.ExpiresAt, expired.HTTPSProxy = "con_3", long, before(24*time.Hour), "http://proxy:8080"
	items := []connections.Item{
		{Connection: azureConnection(), Tested: ui.Status{Tone: ui.ToneOK, Words: "All passed"}, At: before(3 * time.Minute)},
		{Connection: devOpsConnection(), Tested: ui.Status{Tone: ui.ToneIdle, Words: "Not checked"}},
		{Connection: expired, Tested: ui.Status{Tone: ui.ToneBad, Words: "1 failed"}, At: before(26 * time.Hour)},
	}
	show := connections.ShowProps{Role: ui.RoleAdmin, Connection: devOpsConnection(), Now: now, CreatedNote: "Registered by ana on 20 Nov 2026",
		Checks: checks.Props{ID: "checks", RunURL: "/connections/con_2/test", Items: connectionChecks(), CanRun: true, Now: now}}
	viewer := show
	viewer.Role, viewer.Connection, viewer.Checks.CanRun, viewer.Checks.Items = ui.RoleViewer, azureConnection(), false, connectionChecks()[:1]
	azure := connections.Form{Kind: workflows.ConnectionAzure, Endpoint: "https://management.azure.com", LoginEndpoint: "https://login.microsoftonline.com"}
	wrong := connections.FormProps{Form: connections.Form{Kind: workflows.ConnectionDevOps, Endpoint: "http://devops", LoginEndpoint: "https://login.microsoftonline.com", Method: workflows.AuthSecret},
		Errors: []workflows.FieldError{{Field: "name", Message: "Give it a name."}, {Field: "client_id", Message: "Give the application (client) id, 32 hexadecimal digits with dashes."}, {Field: "secret", Message: "Give the client secret."}}}
	edit := connections.Form{ID: "con_2", Version: 1, Kind: workflows.ConnectionDevOps, Name: "Contoso DevOps", Endpoint: "https://dev.azure.com/contoso", LoginEndpoint: "https://login.microsoftonline.com",
		Method: workflows.AuthToken, HasKey: true, Expires: "2026-11-29"}
	return []Page{
		page("connections", "Connections", layout.NavConnections, connections.List(connections.ListProps{Role: ui.RoleAdmin, Items: items, Now: now}), admin),
		page("connections.empty", "Connections", layout.NavConnections, connections.List(connections.ListProps{Role: ui.RoleAdmin, Now: now}), admin),
		page("connections.viewer", "Connections", layout.NavConnections, connections.List(connections.ListProps{Role: ui.RoleViewer, Now: now}), as(ui.RoleViewer)),
		page("connection", "Contoso DevOps", layout.NavConnections, connections.Show(show), admin),
		page("connection.viewer", "Contoso production", layout.NavConnections, connections.Show(viewer), as(ui.RoleViewer)),
		page("connection-form.azure", "Connect Azure", layout.NavConnections, connections.Edit(connections.FormProps{Form: azure}), admin),
		page("connection-form.devops-errors", "Connect Azure DevOps", layout.NavConnections, connections.Edit(wrong), admin),
		page("connection-form.edit", "Edit Contoso DevOps", layout.NavConnections, connections.Edit(connections.FormProps{Form: edit}), admin),
	}
}
