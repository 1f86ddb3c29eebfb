package gallery

import (
	"time"

	"hubwright/web/audit"
	"hubwright/web/help"
	"hubwright/web/layout"
	"hubwright/web/settings"
	"hubwright/web/team"
	"hubwright/web/tokens"
	"hubwright/web/ui"
	"hubwright/workflows"
)

func auditPages() []Page {
	events := []workflows.AuditEvent{
		{Seq: 1204, At: before(20 * time.Second), Actor: "ana", Action: "kubeconfig.download", Object: "Cluster ratings-sea", Hash: sha},
		{Seq: 1203, At: before(15 * time.Minute), Actor: "ana", Action: "run.start", Object: "Deploy the cluster on Orlando", RunID: "r2", Hash: sha, Detail: map[string]string{"workflow": "deploy-cluster", "waived.peer": "ben: The sixth node is being replaced, ticket 4711."}},
		{Seq: 1202, At: before(26 * time.Hour), Actor: "hubwright", Action: "run.end", Object: long, RunID: "r1", Hash: sha, Detail: map[string]string{"status": "failed"}},
		{Seq: 1201, At: before(27 * time.Hour), Actor: "ben", Action: "login", Object: "ben", Hash: sha, Address: "192.0.2.17"},
		{Seq: 1200, At: before(28 * time.Hour), Actor: "carl", Action: "access.deny", Object: "POST /stacks", Hash: sha, Address: "2001:db8:85a3::8a2e:370:7334", Token: "Log collector", Detail: map[string]string{"needs": "admin", "role": "viewer"}},
	}
	p := audit.Props{Role: ui.RoleOperator, Events: events, Now: now, Chain: audit.Chain{At: before(40 * time.Second), Rows: 1204}, OlderURL: "/audit?before=1201", ExportURL: "/audit/export.csv", JSONURL: "/audit/export.json",
		Clusters: []ui.Choice{{Value: "c1", Label: "ratings-sea"}}, Workflows: []ui.Choice{{Value: "deploy-cluster", Label: "Deploy a cluster"}},
		Actors: []ui.Choice{{Value: "ana", Label: "ana"}, {Value: "ben", Label: "ben"}}, Actions: []ui.Choice{{Value: "run.start", Label: "Run started"}, {Value: "run.end", Label: "Run ended"}, {Value: "kubeconfig.download", Label: "Kubeconfig downloaded"}, {Value: "login", Label: "Logged in"}, {Value: "access.deny", Label: "Access denied"}}, Deployments: []ui.Choice{{Value: "d1", Label: "Ratings"}}}
	broken := p
	broken.Chain.FirstBroken, broken.Filter.Actor, broken.Filter.Cluster, broken.Filter.From = 1202, "ana", "c1", "2026-11-20"
	broken.Failing = []string{"syslog tls://log.example.com:6514"}
	nothing := p
	nothing.Events, nothing.Chain, nothing.Filter.Actor, nothing.OlderURL = nil, audit.Chain{}, "ben", ""
	return []Page{
		page("audit", "Audit", layout.NavAudit, audit.Page(p)),
		page("audit.broken", "Audit", layout.NavAudit, audit.Page(broken)),
		page("audit.nothing", "Audit", layout.NavAudit, audit.Page(nothing)),
		page("audit.empty", "Audit", layout.NavAudit, audit.Page(audit.Props{Role: ui.RoleViewer, Now: now}), as(ui.RoleViewer)),
	}
}

func adminPages() []Page {
	admin := as(ui.RoleAdmin)
	people := []team.Person{
		{Name: "ana", Role: ui.RoleAdmin, CreatedAt: before(90 * 24 * time.Hour), LastSeen: before(2 * time.Second)},
		{Name: "ben", Role: ui.RoleOperator, CreatedAt: before(80 * 24 * time.Hour), LastSeen: before(26 * time.Hour)},
		{Name: "maximiliane.von-und-zu-hohenberg", Role: ui.RoleViewer, CreatedAt: before(3 * 24 * time.Hour)},
		{Name: "carl", Role: ui.RoleOperator, Disabled: true, CreatedAt: before(300 * 24 * time.Hour)},
	}
	tp := team.Props{Role: ui.RoleAdmin, Me: "ana", People: people, NewRole: ui.RoleViewer, MinPassword: 12, Now: now}
	bad := tp
	bad.Name, bad.Errors = "ben", []workflows.FieldError{{Field: "name", Message: "There is a person with this name already."}}
	sp := settings.Props{Role: ui.RoleAdmin, Now: now,
		Archives: []settings.Archive{{Version: "v0.85.0", FileName: "aks-engine-azurestack-v0.85.0-linux-amd64.tar.gz", SHA256: sha, Size: 43 << 20, AddedBy: "ana", AddedAt: before(5 * 24 * time.Hour)}},
		Versions: []ui.Choice{{Value: "v0.85.0", Label: "v0.85.0"}, {Value: "v0.81.1", Label: "v0.81.1"}},
		Config:   []settings.Value{{Name: "HUBWRIGHT_LISTEN", Value: "127.0.0.1:8080", From: "default", Note: "Where the server listens."}, {Name: "HUBWRIGHT_DATA", Value: "/var/lib/hubwright", From: "environment"}, {Name: "HUBWRIGHT_OIDC_ISSUER", From: "default"}},
		Build:    []ui.Fact{{Label: "Version", Value: "v0.1.0"}, {Label: "Commit", Value: "3f9c2a1", Mono: true}},
	}
	failing := sp
	failing.Sinks = []settings.Sink{
		{Name: "syslog", Where: "tls://log.example.com:6514", SentSeq: 1204, SentAt: before(40 * time.Second)},
		{Name: "webhook", Where: "https://siem.example.com/ingest/hubwright", SentSeq: 1100, Waiting: 3, FailingFrom: before(12 * time.Minute),
			Problem: workflows.Problem{What: "The last checkpoint was not taken", Why: "it answered 503 Service Unavailable", Fix: "Look at the address, the token and the server there."}},
	}
	empty := sp
	empty.Archives, empty.Errors = nil, []workflows.FieldError{{Field: "archive", Message: "This is no gzip archive."}}
	return []Page{
		page("team", "Team", layout.NavTeam, team.Page(tp), admin),
		page("team.errors", "Team", layout.NavTeam, team.Page(bad), admin),
		page("settings", "Settings", layout.NavSettings, settings.Page(sp), admin),
		page("settings.sinks", "Settings", layout.NavSettings, settings.Page(failing), admin),
		page("settings.empty", "Settings", layout.NavSettings, settings.Page(empty), admin),
	}
}

func tokenPages() []Page {
	p := tokens.Props{Role: ui.RoleOperator, Me: "ana", URL: "https://hubwright.example.com", Days: "90", Now: now, Tokens: []tokens.Token{
		{ID: "tok_1", Person: "ana", Name: "Log collector", Role: ui.RoleAuditor, ExpiresAt: now.AddDate(0, 2, 0), UsedAt: before(20 * time.Second)},
		{ID: "tok_2", Person: "maximiliane.von-und-zu-hohenberg", Name: "Screen in the hall", Role: ui.RoleViewer, ExpiresAt: before(26 * time.Hour)},
	}}
	made, wrong := p, p
	made.Made = "hwt_bG9uZy1lbm91Z2gtdG8tYmUtd3JhcHBlZC1vbi1hLXBob25l"
	wrong.Errors = []workflows.FieldError{{Field: "name", Message: "Say in 1 to 60 characters what the token is for."}}
	return []Page{
		page("tokens", "API tokens", layout.NavTokens, tokens.Page(p)),
		page("tokens.made", "API tokens", layout.NavTokens, tokens.Page(made)),
		page("tokens.errors", "API tokens", layout.NavTokens, tokens.Page(wrong)),
		page("tokens.empty", "API tokens", layout.NavTokens, tokens.Page(tokens.Props{Role: ui.RoleViewer, Me: "eve", URL: p.URL, Now: now}), as(ui.RoleViewer)),
	}
}

func helpPages() []Page {
	return []Page{
		page("help", "Help", layout.NavHelp, help.Page(help.Props{Workflows: []workflows.Info{deployInfo()}, Version: "v0.1.0"})),
		page("help.empty", "Help", layout.NavHelp, help.Page(help.Props{})),
	}
}
