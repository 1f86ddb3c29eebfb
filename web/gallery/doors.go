package gallery

import (
	"hubwright/web/deployments"
	"hubwright/web/failure"
	"hubwright/web/layout"
	"hubwright/web/login"
	"hubwright/web/setup"
	"hubwright/web/ui"
	"hubwright/workflows"
	"time"
)

func doors() []Page {
	return []Page{
		outside("setup", "Set up", setup.Page(setup.Props{Token: "x", MinPassword: 12})),
		outside("setup.errors", "Set up", setup.Page(setup.Props{Token: "x", Name: "ana maria", MinPassword: 12, Errors: []workflows.FieldError{
			{Field: "name", Message: "Use letters, digits, dots and dashes only."},
			{Field: "confirm", Message: "The two passwords are not the same."},
		}})),
		outside("setup.used", "Set up", setup.Page(setup.Props{Invalid: true})),
		outside("login", "Log in", login.Page(login.Props{Next: "/runs/r1"})),
		outside("login.refused", "Log in", login.Page(login.Props{Name: "ana", Error: "Name or password is not right."})),
		page("failure.404", "Not found", layout.NavNone, failure.Page(failure.Props{Status: 404, RequestID: "7f3c9a02",
			Problem: workflows.Problem{What: "There is no such run.", Why: "It may have been mistyped; runs are never deleted.", Fix: "Look for it in the list of runs."},
			Actions: []ui.Action{{Label: "All runs", URL: "/runs", Primary: true}}})),
		page("failure.403", "Not allowed", layout.NavNone, failure.Page(failure.Props{Status: 403, RequestID: "7f3c9a03",
			Problem: workflows.Problem{What: "Viewers cannot start runs.", Why: "Your role is viewer.", Fix: "Ask an admin of your team for the role operator."}}), as(ui.RoleViewer)),
		page("failure.409", "Changed in the meantime", layout.NavNone, failure.Page(failure.Props{Status: 409, RequestID: "7f3c9a04",
			Problem: workflows.Problem{What: "Another run works on this cluster.", Why: "Run 42, “Deploy cluster on Orlando”, was started by ben 2 min ago.", Fix: "Wait until it has ended, or look at it.", Code: "run.locked"},
			Actions: []ui.Action{{Label: "Look at run 42", URL: "/runs/r42", Primary: true}, {Label: "Back to the guide", URL: "/deployments/d1"}}})),
		page("failure.500", "Our fault", layout.NavNone, failure.Page(failure.Props{Status: 500, RequestID: "7f3c9a05",
			Problem: workflows.Problem{What: "Something went wrong on this server.", Why: "It was written to the server's log under the request number below.", Fix: "Try again. If it stays, tell an admin the request number.", Code: "internal", Detail: "store: database is locked (5) (SQLITE_BUSY)"}}), icon(layout.IconBad)),
		outside("failure.outside", "Not found", failure.Page(failure.Props{Status: 404, RequestID: "7f3c9a06"})),
	}
}

func deploymentPages() []Page {
	choices := []deployments.StackChoice{{ID: "s1", Name: "Seattle", Note: "Entra ID, connected", Chosen: true}, {ID: "s2", Name: "Orlando", Note: "AD FS, air-gapped"}}
	items := []deployments.Item{
		{Deployment: workflows.Deployment{ID: "d1", Name: "Ratings"}, Sites: []string{"Seattle", "Orlando"}, Done: 5, Total: 8,
			Status: ui.Status{Tone: ui.ToneRun, Words: "Running 43 %"}, LastChange: before(40 * time.Second), LastWords: "Deploy cluster on Orlando, by ana"},
		{Deployment: workflows.Deployment{ID: "d2", Name: "Billing"}, Sites: []string{"Seattle", "Orlando", "Denver", "Austin", "Boise", "Fargo"}, Done: 24, Total: 24,
			Status: ui.Status{Tone: ui.ToneOK, Words: "All done"}, LastChange: before(30 * time.Hour), LastWords: "Connect to cluster on Fargo, by ben"},
		{Deployment: workflows.Deployment{ID: "d3", Name: long}, Sites: []string{long, "Orlando"}, Done: 0, Total: 8,
			Status: ui.Status{Tone: ui.ToneBad, Words: "1 failed"}, LastChange: before(9 * 24 * time.Hour), LastWords: "Prepare AKS Engine on " + long + ", by maximiliane"},
		{Deployment: workflows.Deployment{ID: "d4", Name: "Empty"}, Status: ui.Status{Tone: ui.ToneIdle, Words: "Not started"}},
	}
	return []Page{
		page("deployments", "Deployments", layout.NavDeployments, deployments.Page(deployments.Props{Role: ui.RoleOperator, Items: items, Stacks: choices, Now: now})),
		page("deployments.empty", "Deployments", layout.NavDeployments, deployments.Page(deployments.Props{Role: ui.RoleAdmin, Now: now}), as(ui.RoleAdmin),
			flash(ui.ToneOK, "You are the first admin. Team is where you let others in.")),
		page("deployments.first", "Deployments", layout.NavDeployments, deployments.Page(deployments.Props{Role: ui.RoleOperator, Stacks: choices, Now: now})),
		page("deployments.errors", "Deployments", layout.NavDeployments, deployments.Page(deployments.Props{Role: ui.RoleOperator, Items: items[:1], Stacks: choices, Name: "Ratings", Now: now,
			Errors: []workflows.FieldError{{Field: "name", Message: "There is a Deployment with this name already."}, {Field: "stack", Message: "Choose at least one Stack."}}})),
		page("deployments.viewer", "Deployments", layout.NavDeployments, deployments.Page(deployments.Props{Role: ui.RoleViewer, Items: items, Stacks: choices, Now: now}), as(ui.RoleViewer)),
	}
}
