package team

import "hubwright/web/ui"

func roleTitle(r ui.Role) string {
	switch r {
	case ui.RoleAdmin:
		return "Admin"
	case ui.RoleOperator:
		return "Operator"
	}
	return "Viewer"
}

func roleChoices() []ui.Choice {
	return []ui.Choice{
		{Value: string(ui.RoleViewer), Label: "Viewer"},
		{Value: string(ui.RoleOperator), Label: "Operator"},
		{Value: string(ui.RoleAdmin), Label: "Admin"},
	}
}

type right struct {
	what             string
	viewer, operator bool
}

func rights() []right {
	return []right{
		{"See guides, status, runs, logs, clusters and the audit", true, true},
		{"Answer drafts, start, cancel and retry runs", false, true},
		{"Download a kubeconfig", false, true},
		{"Share the status page by a link, and revoke it", false, true},
		{"Register Stacks", false, false},
		{"Manage people and settings", false, false},
	}
}

func personWords(x Person) string {
	return roleTitle(x.Role) + ", since " + x.CreatedAt.UTC().Format("2 Jan 2006")
}
