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

func columns() []guide.Column {
	return []guide.Column{
		{Site: workflows.Site{ID: "a", Name: "Seattle"}, Facts: "1.33.10 · 6 nodes · Entra ID", URL: "/clusters/c1"},
		{Site: workflows.Site{ID: "b", Name: "Orlando"}, Facts: "No cluster yet · AD FS", URL: "/stacks/s2"},
	}
}

func board() guide.Props {
	rows := guide.Rows(2)
	rows[0].Cells = []guide.Cell{done("v0.85.0 · 12 Nov, ana"), done("existing host · 13 Nov, ben")}
	rows[1].Cells = []guide.Cell{done("helper.seattle · checked 12 s ago"), done("10.0.4.17 · checked 9 s ago")}
	rows[2].Cells = []guide.Cell{
		done("41 min · 12 Nov, ana"),
		{Status: ui.Status{Tone: ui.ToneRun, Words: "Running 43 %"}, Note: "Creating 12 of 29 resources", Percent: 43, Action: &ui.Action{Label: "Follow", URL: "/runs/r2"}},
	}
	rows[3].Cells = []guide.Cell{
		{Status: ui.Status{Tone: ui.ToneWarn, Words: "Drifted"}, Note: "5 of 6 nodes Ready", Percent: -1, Action: &ui.Action{Label: "Look", URL: "/clusters/c1"}},
		{Status: ui.Status{Tone: ui.ToneIdle, Words: "Needs step 3"}, Percent: -1},
	}
	return guide.Props{
		Role: ui.RoleOperator, Deployment: workflows.Deployment{ID: "d1", Name: "Ratings"}, Columns: columns(), Rows: rows, Now: now,
		Next: &guide.Next{Title: "Next: follow the cluster on Orlando", Why: "It is being deployed, about 19 minutes to go. Nothing needs you until it is done.",
			Action: &ui.Action{Label: "Follow the run", URL: "/runs/r2", Primary: true}},
		Stacks: []ui.Choice{{Value: "s3", Label: "Denver"}},
	}
}

func guidePages() []Page {
	started := board()
	started.Rows[2].Cells[1] = guide.Cell{Status: ui.Status{Tone: ui.ToneIdle, Words: "Ready to start"}, Note: "all checks pass", Percent: -1, Action: start(true)}
	started.Next = &guide.Next{Title: "Next: deploy a cluster on Orlando", Why: "The helper VM is ready. It takes about 33 minutes.", Action: start(true)}
	started.Next.Action.Label = "Deploy on Orlando"
	started.Drafts = []wizard.DraftItem{
		{Draft: workflows.Draft{ID: "dr1", UpdatedAt: before(4 * time.Minute), UpdatedBy: "ben"}, Title: "Deploy a cluster", On: "Orlando", Role: ui.RoleOperator, Now: now},
	}

	failed := board()
	failed.Rows[2].Cells[1] = guide.Cell{Status: ui.Status{Tone: ui.ToneBad, Words: "Failed"}, Note: "Quota of cores is used up", NoteURL: "/runs/r3", Percent: -1, Action: &ui.Action{Label: "Look", URL: "/runs/r3"}}
	failed.Rows[1].Cells[0] = guide.Cell{Status: ui.Status{Tone: ui.ToneWait, Words: "Queued"}, Note: "behind run 41", Percent: -1, Action: &ui.Action{Label: "Follow", URL: "/runs/r4"}}
	failed.Next = &guide.Next{Title: "Next: put right what failed on Orlando", Why: "The quota of cores is used up. Ask for 6 more, or choose a smaller size.", Action: &ui.Action{Label: "Look at run 42", URL: "/runs/r3", Primary: true}}

	forYou := board()
	forYou.ForYou = waitingRows()

	viewer := board()
	viewer.Role = ui.RoleViewer
	viewer.Rows[2].Cells[1] = started.Rows[2].Cells[1]
	viewer.Next = started.Next

	empty := guide.Props{Role: ui.RoleOperator, Deployment: workflows.Deployment{ID: "d1", Name: "Ratings"}, Rows: guide.Rows(0), Now: now, Stacks: []ui.Choice{{Value: "s1", Label: "Seattle"}, {Value: "s2", Label: "Orlando"}}}

	fresh := guide.Props{Role: ui.RoleOperator, Deployment: workflows.Deployment{ID: "d1", Name: long}, Rows: guide.Rows(1), Now: now,
		Columns: []guide.Column{{Site: workflows.Site{ID: "a", Name: "Seattle-on-the-hill-with-a-very-long-name-without-any-space"}, Facts: "No cluster yet · Entra ID"}},
		Next:    &guide.Next{Title: "Next: prepare AKS Engine on Seattle", Why: "A helper VM with the engine installed, about 6 minutes.", Action: start(true)}}
	for i := range 4 {
		fresh.Rows[i].Cells[0] = guide.Cell{Status: ui.Status{Tone: ui.ToneIdle, Words: fmt.Sprintf("Needs step %d", i)}, Percent: -1}
	}
	fresh.Rows[0].Cells[0] = guide.Cell{Status: ui.Status{Tone: ui.ToneIdle, Words: "Not started"}, Percent: -1, Action: start(true)}
	fresh.Stacks = []ui.Choice{{Value: "s1", Label: "Seattle"}}
	fresh.Errors = []workflows.FieldError{{Field: "stack", Message: "This Stack has a Site here already."}}

	joined := board()
	joined.Rows[8].Cells[0] = guide.Cell{Status: ui.Status{Tone: ui.ToneWarn, Words: "Orlando is out of rotation"}, Note: "mainmidge-tmep.trafficmanager.net · 23 Nov, ana", NoteURL: "/runs/r5", Percent: -1,
		Action: &ui.Action{Label: "Run again", URL: "/drafts", Method: "POST"}, More: []ui.Action{{Label: "Rotation", URL: "/drafts", Method: "POST"}, {Label: "Follow the drill", URL: "/runs/r6"}}}

	return []Page{
		page("guide.joined", "Ratings", layout.NavDeployments, guide.Page(joined)),
		page("guide.running", "Ratings", layout.NavDeployments, guide.Page(board()), icon(layout.IconRunning)),
		page("guide.ready", "Ratings", layout.NavDeployments, guide.Page(started), flash(ui.ToneOK, "The Site Orlando was added.")),
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
		p.Columns = append(p.Columns, guide.Column{Site: workflows.Site{Name: fmt.Sprintf("Store %02d", i+1)}, Facts: "1.33.10 · 3 nodes · AD FS", URL: "/clusters/c1"})
		p.Rows[0].Cells[i] = done("v0.85.0 · 12 Nov, ana")
		p.Rows[1].Cells[i] = done("checked 12 s ago")
		p.Rows[2].Cells[i] = done("33 min · 13 Nov, ben")
		p.Rows[3].Cells[i] = guide.Cell{Status: ui.Status{Tone: ui.ToneIdle, Words: "Ready to start"}, Percent: -1, Action: start(false)}
	}
	p.Next = &guide.Next{Title: "Next: connect to the cluster of Store 01", Why: "Forty sites can go one after the other; each takes about a minute.", Action: start(true)}
	return p
}
