package gallery

import (
	"fmt"
	"time"

	"hubwright/web/guide"
	"hubwright/web/layout"
	"hubwright/web/ui"
	"hubwright/web/wizard"
	"hubwright/workflows"
)

func done(note string) guide.Cell {
	return guide.Cell{Status: ui.Status{Tone: ui.ToneOK, Words: "Done"}, Note: note, NoteURL: "/runs/r1", Percent: -1}
}

func start(primary bool) *ui.Action {
	return &ui.Action{Label: "Start", URL: "/drafts", Method: "POST", Primary: primary, Fields: []ui.Hidden{{Name: "workflow", Value: "deploy-cluster"}, {Name: "site", Value: "site1"}}}
}

func again() *ui.Action {
	a := start(false)
	a.Label, a.Quiet = "Run again", true
	return a
}

func doneAgain(note string) guide.Cell {
	c := done(note)
	c.Action = again()
	return c
}

func idle(words string, a *ui.Action) guide.Cell {
	return guide.Cell{Status: ui.Status{Tone: ui.ToneIdle, Words: words}, Percent: -1, Action: a}
}

func needs(step int) guide.Cell {
	return guide.Cell{Status: ui.Status{Tone: ui.ToneIdle, Words: fmt.Sprintf("Needs step %d", step)}, Blocked: true, Percent: -1}
}

func columns() []guide.Column {
	return []guide.Column{
		{Site: workflows.Site{ID: "a", Name: "Seattle"}, Facts: "1.33.10 · 6 nodes · Entra ID", URL: "/clusters/c1", Done: 5, Total: 8},
		{Site: workflows.Site{ID: "b", Name: "Orlando"}, Facts: "No cluster yet · AD FS", URL: "/stacks/s2", Done: 2, Total: 8},
	}
}

// board is two Sites half-way: one delivers, a cluster is made on the other.
func board() guide.Props {
	rows := guide.Rows(2)
	for i, cells := range [][]guide.Cell{
		{doneAgain("v0.85.0 · 12 Nov, ana"), doneAgain("existing host · 13 Nov, ben")},
		{done("azureuser@20.50.1.17 · host key pinned"), done("azureuser@10.0.4.17 · host key pinned · own host")},
		{doneAgain("41 min · 12 Nov, ana"), {Status: ui.Status{Tone: ui.ToneRun, Words: "Running 43 %"}, Note: "Creating 12 of 29 resources", NoteURL: "/runs/r2", Percent: 43, Action: &ui.Action{Label: "Follow", URL: "/runs/r2"}}},
		{doneAgain("12 Nov, ana"), needs(3)},
		{doneAgain("token until 12 Nov 2027 · 14 Nov, ana"), needs(3)},
		{idle("Ready to start", start(true)), needs(3)},
		{idle("Ready to start", start(false)), needs(3)},
		{needs(7), needs(3)},
		{{Status: ui.Status{Tone: ui.ToneIdle, Words: "Needs step 7 on both Sites"}, Blocked: true, Percent: -1}},
		{idle("1.34.4 is possible", start(false)), needs(3)},
		{idle("3 workers", start(false)), needs(3)},
	} {
		rows[i].Cells = cells
	}
	rows[5].Cells[0].Next = true
	return guide.Props{
		Role: ui.RoleOperator, Deployment: workflows.Deployment{ID: "d1", Name: "Ratings"}, Columns: columns(), Rows: rows, Now: now, Icon: "running",
		Going:  []guide.Going{{Title: "Deploy cluster ratings-orl", Doing: "Orlando · Creating 12 of 29 resources", Status: ui.Status{Tone: ui.ToneRun, Words: "Running 43 %"}, Percent: 43, Since: before(14 * time.Minute), URL: "/runs/r2"}},
		Next:   &guide.Next{Title: "Next: configure monitoring on Seattle", Why: "Agent, workspace, data arriving.", Action: start(true)},
		Stacks: []ui.Choice{{Value: "s3", Label: "Denver"}},
	}
}

// built is everything done on both Sites, with their one name.
func built() guide.Props {
	p := board()
	p.Going, p.Icon = nil, "idle"
	for i, note := range []string{"v0.85.0 · 12 Nov, ana", "azureuser@20.50.1.17 · host key pinned", "41 min · 12 Nov, ana", "12 Nov, ana", "token until 12 Nov 2027 · 14 Nov, ana", "Azure Monitor · 14 Nov, ana", "20.50.1.17 · 14 Nov, ben", "1 to 10 replicas at 80 % CPU · 14 Nov, ben"} {
		p.Rows[i].Cells = []guide.Cell{doneAgain(note), doneAgain(note)}
	}
	p.Rows[8].Cells = []guide.Cell{doneAgain("mainmidge-tmep.trafficmanager.net · 15 Nov, ana")}
	p.Rows[8].Cells[0].More = []ui.Action{{Label: "Rotation", URL: "/drafts", Method: "POST"}, {Label: "Drill", URL: "/drafts", Method: "POST"}}
	p.Rows[9].Cells = []guide.Cell{idle("1.34.4 is possible", start(false)), {Status: ui.Status{Tone: ui.ToneOK, Words: "1.35.0 is the newest"}, Percent: -1, Action: start(false)}}
	p.Rows[10].Cells = []guide.Cell{idle("3 workers", start(false)), idle("1 worker", start(false))}
	for i := range p.Columns {
		p.Columns[i].Done, p.Columns[i].Facts = 8, "1.33.10 · 6 nodes · Entra ID"
	}
	p.Next = &guide.Next{Title: "Everything is built", Why: "Users reach it at mainmidge-tmep.trafficmanager.net. Upgrade or scale a Site when you want to.", Action: &ui.Action{Label: "Look at the status", URL: "/status/d1"}}
	return p
}

func guidePages() []Page {
	ready := board()
	ready.Going, ready.Icon = nil, "idle"
	ready.Rows[5].Cells[0].Next, ready.Rows[5].Cells[0].Action = false, start(false)
	ready.Rows[2].Cells[1] = idle("Ready to start", start(true))
	ready.Rows[2].Cells[1].Next = true
	ready.Next = &guide.Next{Title: "Next: deploy a cluster on Orlando", Why: "Control plane, node pools, load balancer.", Action: start(true)}
	ready.Drafts = []wizard.DraftItem{
		{Draft: workflows.Draft{ID: "dr1", UpdatedAt: before(4 * time.Minute), UpdatedBy: "ben"}, Title: "Deploy a cluster", On: "Orlando", Role: ui.RoleOperator, Now: now},
	}

	failed := board()
	failed.Rows[2].Cells[1] = guide.Cell{Status: ui.Status{Tone: ui.ToneBad, Words: "Failed"}, Note: "Quota of cores is used up", NoteURL: "/runs/r3", Percent: -1, Action: again(), Next: true}
	failed.Rows[5].Cells[0].Next, failed.Rows[5].Cells[0].Action, failed.Icon = false, start(false), "bad"
	failed.Rows[0].Cells[0] = guide.Cell{Status: ui.Status{Tone: ui.ToneWait, Words: "Queued"}, Note: "behind run 41", NoteURL: "/runs/r4", Percent: -1, Action: &ui.Action{Label: "Follow", URL: "/runs/r4"}}
	failed.Rows[2].Cells[0] = guide.Cell{Status: ui.Status{Tone: ui.ToneWarn, Words: "Drifted"}, Note: "2 differences · 22 Nov", NoteURL: "/clusters/c1", Percent: -1, Action: &ui.Action{Label: "Look", URL: "/clusters/c1"}}
	failed.Rows[4].Cells[0].Status = ui.Status{Tone: ui.ToneWarn, Words: "Token ends 3 Dec"}
	failed.Going = []guide.Going{
		{Title: "Prepare AKS Engine on Seattle", Doing: "Seattle · behind run 41", Status: ui.Status{Tone: ui.ToneWait, Words: "Queued"}, URL: "/runs/r4"},
		{Title: "Upgrade " + long + " to Kubernetes 1.34.4", Doing: "Seattle · Draining k8s-linuxpool-96852430-2: 3 of 5 pods", Status: ui.Status{Tone: ui.ToneRun, Words: "Running 62 %"}, Percent: 62, Since: before(101 * time.Minute), URL: "/runs/r5"},
	}
	failed.Next = &guide.Next{Title: "Deploy a cluster on Orlando: failed", Why: "Quota of cores is used up", Tone: ui.ToneBad, Action: &ui.Action{Label: "See why", URL: "/runs/r3", Primary: true}}

	forYou := board()
	forYou.ForYou, forYou.Next = waitingRows(), nil

	viewer := board()
	viewer.Role = ui.RoleViewer

	empty := guide.Props{Role: ui.RoleOperator, Deployment: workflows.Deployment{ID: "d1", Name: "Ratings"}, Rows: guide.Rows(0), Now: now, Stacks: []ui.Choice{{Value: "s1", Label: "Seattle"}, {Value: "s2", Label: "Orlando"}},
		Next: &guide.Next{Title: "Next: add a Site", Why: "A Deployment needs at least one Stack, two to be highly available."}}

	fresh := guide.Props{Role: ui.RoleOperator, Deployment: workflows.Deployment{ID: "d1", Name: long}, Rows: guide.Rows(1), Now: now,
		Columns: []guide.Column{{Site: workflows.Site{ID: "a", Name: "Seattle-on-the-hill-with-a-very-long-name-without-any-space"}, Facts: "No cluster yet · Entra ID", Total: 8}},
		Next:    &guide.Next{Title: "Next: prepare AKS Engine on Seattle-on-the-hill-with-a-very-long-name-without-any-space", Why: "Helper VM with the engine installed.", Action: start(true)}}
	for i := range fresh.Rows {
		fresh.Rows[i].Cells[0] = needs(3)
	}
	fresh.Rows[0].Cells[0], fresh.Rows[2].Cells[0] = idle("Ready to start", start(true)), needs(1)
	fresh.Rows[1].Cells[0] = guide.Cell{Status: ui.Status{Tone: ui.ToneIdle, Words: "Comes with step 1"}, Blocked: true, Percent: -1}
	fresh.Rows[0].Cells[0].Next = true
	fresh.Stacks = []ui.Choice{{Value: "s1", Label: "Seattle"}}
	fresh.Errors = []workflows.FieldError{{Field: "stack", Message: "This Stack has a Site here already."}}

	joined := built()
	joined.Rows[8].Cells[0] = guide.Cell{Status: ui.Status{Tone: ui.ToneWarn, Words: "Orlando is out of rotation"}, Note: "mainmidge-tmep.trafficmanager.net · 23 Nov, ana", NoteURL: "/runs/r5", Percent: -1, Next: true,
		Action: again(), More: []ui.Action{{Label: "Rotation", URL: "/drafts", Method: "POST"}, {Label: "Follow the drill", URL: "/runs/r6"}}}
	joined.Next = &guide.Next{Title: "Traffic Manager: Orlando is out of rotation", Why: "mainmidge-tmep.trafficmanager.net · 23 Nov, ana", Tone: ui.ToneWarn, Action: &ui.Action{Label: "Rotation", URL: "/drafts", Method: "POST", Primary: true}}

	return []Page{
		page("guide.joined", "Ratings", layout.NavDeployments, guide.Page(joined)),
		page("guide.built", "Ratings", layout.NavDeployments, guide.Page(built())),
		page("guide.running", "Ratings", layout.NavDeployments, guide.Page(board()), icon(layout.IconRunning)),
		page("guide.ready", "Ratings", layout.NavDeployments, guide.Page(ready), flash(ui.ToneOK, "The Site Orlando was added.")),
		page("guide.failed", "Ratings", layout.NavDeployments, guide.Page(failed), icon(layout.IconBad)),
		page("guide.for-you", "Ratings", layout.NavDeployments, guide.Page(forYou)),
		page("guide.viewer", "Ratings", layout.NavDeployments, guide.Page(viewer), as(ui.RoleViewer)),
		page("guide.empty", "Ratings", layout.NavDeployments, guide.Page(empty)),
		page("guide.one-site-long-names", long, layout.NavDeployments, guide.Page(fresh)),
		page("guide.forty-sites", "Ratings", layout.NavDeployments, guide.Page(fortySites())),
	}
}

func fortySites() guide.Props {
	p := guide.Props{Role: ui.RoleOperator, Deployment: workflows.Deployment{ID: "d9", Name: "Every store"}, Rows: guide.Rows(40), Now: now}
	for i := range 40 {
		p.Columns = append(p.Columns, guide.Column{Site: workflows.Site{ID: fmt.Sprintf("s%d", i+1), Name: fmt.Sprintf("Store %02d", i+1)}, Facts: "1.33.10 · 3 nodes · AD FS", URL: "/clusters/c1", Done: 3, Total: 8})
		for row, note := range []string{"v0.85.0 · 12 Nov, ana", "azureuser@10.0.4.17 · host key pinned", "33 min · 13 Nov, ben"} {
			p.Rows[row].Cells[i] = done(note)
		}
		for _, row := range []int{3, 4, 5, 6} {
			p.Rows[row].Cells[i] = idle("Ready to start", start(false))
		}
		p.Rows[7].Cells[i], p.Rows[9].Cells[i], p.Rows[10].Cells[i] = needs(7), idle("1.34.4 is possible", start(false)), idle("1 worker", start(false))
	}
	p.Rows[3].Cells[0].Next, p.Rows[3].Cells[0].Action.Primary = true, true
	p.Rows[8].Cells[0] = guide.Cell{Status: ui.Status{Tone: ui.ToneIdle, Words: "Needs step 7"}, Note: "or addresses that you type", Percent: -1, Action: start(false)}
	p.Next = &guide.Next{Title: "Next: connect to the cluster on Store 01", Why: "Kubeconfig and scoped accounts.", Action: start(true)}
	return p
}
