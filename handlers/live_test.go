package handlers

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hubwright/internal/auth"
	"hubwright/internal/live"
	"hubwright/web/guide"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// upgradeOnly is a catalogue with the board's row 10.
func upgradeOnly() workflows.Catalogue {
	return workflows.Catalogue{workflows.Workflow[struct{}]{ID: "upgrade", Title: "Upgrade a cluster", Scope: workflows.ScopeSite, Row: 10}.Erase()}
}

// A run that begins, goes on and ends changes the board's cell and the list's
// row of those who watch them, and no other part but what tells of it.
func TestBoardAndRunsArePushedInParts(t *testing.T) {
	r := newStatusRig(t)
	r.handler.Catalogue = upgradeOnly()
	server := r.serve()
	boardPath := "/deployments/" + r.dep.ID
	at := func(page, id string) string {
		return url.QueryEscape(r.page(auth.RoleOperator, page).Find("#"+id).AttrOr("data-version", ""))
	}
	board := r.watch(server, auth.RoleOperator, boardPath+"/socket?version="+at(boardPath, "board"))
	list := r.watch(server, auth.RoleOperator, "/runs/socket?version="+at("/runs", "runs"))
	// Who comes without a version gets the whole: from then on the server knows
	// how the pages looked before the run.
	for _, path := range []string{boardPath + "/socket", "/runs/socket"} {
		if f := r.change(r.watch(server, auth.RoleOperator, path)); f.Whole == "" {
			t.Errorf("%s begins with %s", path, f)
		}
	}
	cell := "cell-10-" + r.sites[0].ID

	runID := r.run(r.sites[0], "Upgrade ratings")
	r.news.Notify(live.Status)
	f := r.change(board)
	if f.Whole != "" || len(f.Parts) != 2 || !strings.Contains(f.Parts[cell], "Running 62 %") || !strings.Contains(f.Parts["board-going"], "Upgrade ratings") {
		t.Errorf("a run began, and the board gets %s: %q", f, f.Parts[cell])
	}
	if f = r.change(list); !strings.Contains(f.Whole, `id="row-`+runID) {
		t.Errorf("a run began, and the list gets %s", f)
	}

	r.ok(r.db.SetProgress(t.Context(), runID, 1, 1, 80, 71, "draining"))
	r.news.Notify(live.Status)
	if f = r.change(board); len(f.Parts) != 2 || !strings.Contains(f.Parts[cell], "Running 71 %") {
		t.Errorf("it went on, and the board gets %s", f)
	}
	if f = r.change(list); !slices.Equal(slices.Collect(maps.Keys(f.Parts)), []string{"row-" + runID}) || !strings.Contains(f.Parts["row-"+runID], "71 %") {
		t.Errorf("it went on, and the list gets %s", f)
	}

	r.finish(runID)
	r.news.Notify(live.Status)
	if f = r.change(board); !strings.Contains(f.Parts[cell], "Failed") || !strings.Contains(f.Parts["board-next"], "See why") {
		t.Errorf("it failed, and the board gets %s", f)
	}
	if f = r.change(list); !strings.Contains(f.Parts["row-"+runID], "Failed") {
		t.Errorf("it failed, and the list gets %s", f)
	}
	if part := r.get(auth.RoleViewer, "/runs", asFragment); !strings.Contains(part, `id="row-`+runID) || strings.Contains(part, "<h1") {
		t.Error("who asks for the part does not get it alone")
	}
	if text := r.page(auth.RoleViewer, boardPath).Find("#board").Text(); !strings.Contains(text, "Failed") || strings.Contains(text, "Start") {
		t.Errorf("without scripts a viewer reads %q", text)
	}
}

// Each part of a live page is an element on it, once.
func TestPartsAreOnThePage(t *testing.T) {
	r := newStatusRig(t)
	r.handler.Catalogue = upgradeOnly()
	r.run(r.sites[0], "Upgrade ratings")
	who := viewer{name: "person-operator", role: ui.Role(auth.RoleOperator)}
	board, err := r.handler.guideProps(t.Context(), r.dep.ID, who)
	r.ok(err)
	list, err := r.handler.runList(t.Context(), runsLook{who: who})
	r.ok(err)
	for path, parts := range map[string][]ui.Part{"/deployments/" + r.dep.ID: board.Parts(), "/runs": list.Parts()} {
		doc := r.page(auth.RoleOperator, path)
		for _, x := range parts {
			if n := doc.Find(".live #" + x.ID).Length(); n != 1 {
				t.Errorf("%s: the part %s is there %d times", path, x.ID, n)
			}
		}
	}
}

// A second run may begin while a first one goes on: the guide tells of both
// and of what can be done meanwhile.
func TestBoardTellsWhatIsUnderWayAndWhatIsNext(t *testing.T) {
	r := newStatusRig(t)
	r.handler.Catalogue = upgradeOnly()
	r.run(r.sites[0], "Upgrade ratings")
	b, err := r.handler.readBoard(t.Context(), r.dep)
	r.ok(err)
	if g := b.going(); len(g) != 1 || g[0].Percent != 62 || g[0].Doing != "Seattle · secret.host.test" {
		t.Errorf("under way is %+v", g)
	}
	if rows := b.rows(ui.Role(auth.RoleOperator)); len(rows) != 2 || rows[1].N != 10 {
		t.Errorf("rows that no workflow serves are there: %+v", rows)
	}
}

// What failed comes before what warns, and that before what is open; what
// nobody has to do, and what waits for something else, is never next.
func TestNext(t *testing.T) {
	cell := func(tone ui.Tone, words string) guide.Cell {
		return guide.Cell{Status: ui.Status{Tone: tone, Words: words}, Note: "note", NoteURL: "/runs/run_1", Action: &ui.Action{Label: "Start"}}
	}
	blocked := cell(ui.ToneIdle, "Needs step 3")
	blocked.Blocked = true
	done, open, drifted, failed := cell(ui.ToneOK, "Done"), cell(ui.ToneIdle, "Ready to start"), cell(ui.ToneWarn, "Drifted"), cell(ui.ToneBad, "Failed")
	for _, x := range []struct {
		name          string
		cells         []guide.Cell // of rows 1, 3 and 10 on one Site
		title, action string
	}{
		{"open", []guide.Cell{done, open, blocked}, "Next: deploy a cluster on Seattle", "Start"},
		{"warns", []guide.Cell{open, drifted, open}, "Deploy a cluster on Seattle: drifted", "Start"},
		{"failed", []guide.Cell{drifted, failed, open}, "Deploy a cluster on Seattle: failed", "See why"},
		{"upgrade failed", []guide.Cell{done, done, failed}, "Upgrade on Seattle: failed", "See why"},
		{"only blocked", []guide.Cell{cell(ui.ToneRun, "Running"), blocked, blocked}, "", ""},
		{"all done", []guide.Cell{done, done, open}, "Everything is built", "Look at the status"},
	} {
		all := guide.Rows(1)
		rows := []guide.Row{all[0], all[2], all[9]}
		for i := range rows {
			rows[i].Cells[0] = x.cells[i]
		}
		b := &board{sites: []workflows.Site{{Name: "Seattle"}}}
		n := b.next(rows)
		if n == nil {
			n = &guide.Next{Action: &ui.Action{}}
		}
		if n.Title != x.title || n.Action.Label != x.action {
			t.Errorf("%s: %q with %q", x.name, n.Title, n.Action.Label)
		}
	}
}
