package handlers

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hubwright/internal/auth"
	"hubwright/internal/engine"
	"hubwright/workflows"
)

// half is a run's state that left something.
type half struct{}

func (half) Left() workflows.Left {
	return workflows.Left{
		Items: []workflows.SummaryItem{{Label: "Release", Value: "half there"}},
		Undo:  &workflows.NextStep{Title: "Take it away", WorkflowID: "name", Answers: workflows.Answers{"name": "release-1"}},
	}
}

// Who presses the button that takes away what a run left finds the draft that
// is open, with what was typed there.
func TestUndoingKeepsWhatWasTyped(t *testing.T) {
	r := newLogRig(t, nil)
	r.handler.Catalogue = append(naming(nil), workflows.Workflow[half]{ID: "made", Scope: workflows.ScopeDeployment}.Erase())
	f := r.draft(workflows.Answers{"name": "typed", "zone": "west", visitedKey("one"): "yes"})
	run := &workflows.Run{WorkflowID: "made", Title: "Make it", Status: workflows.RunQueued, Attempt: 1, CreatedBy: "ana", Target: f.Target}
	state, err := json.Marshal(half{})
	if err == nil {
		err = r.db.InTx(t.Context(), func(tx engine.Tx) error { return r.db.CreateRun(context.Background(), tx, run, nil, state) })
	}
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"workflow": {"name"}, "deployment": {f.Target.DeploymentID}, "undo": {run.ID}}
	if status, _ := r.send("/drafts", form, r.as(auth.RoleOperator)); status != http.StatusSeeOther {
		t.Fatalf("answered %d", status)
	}
	all, err := r.db.Drafts(t.Context(), f.Target)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d drafts, %v", len(all), err)
	}
	if a := all[0].Answers; a["name"] != "release-1" || a["zone"] != "west" || !visited(all[0], "one") || all[0].UpdatedBy != "the-operator" {
		t.Errorf("the draft is %+v", all[0])
	}
}

// Who is refused because their role was lowered is told so, and led back to the
// page, which shows then what the role allows.
func TestARefusalLeadsBackToThePage(t *testing.T) {
	r := newStatusRig(t)
	r.handler.Catalogue = naming(nil)
	for referer, back := range map[string]string{
		"http://example.com/deployments/x?a=1": `href="/deployments/x?a=1"`, "http://elsewhere.example/x": `href="/"`, "": `href="/"`,
	} {
		w := r.do(auth.RoleViewer, http.MethodPost, "/drafts", url.Values{}, func(req *http.Request) { req.Header.Set("Referer", referer) })
		body := w.Body.String()
		if w.Code != http.StatusForbidden || !strings.Contains(body, "Your role does not allow this") || !strings.Contains(body, back) {
			t.Errorf("from %q: %d, %s", referer, w.Code, body)
		}
		if strings.Contains(body, "elsewhere") {
			t.Errorf("it leads away: %s", body)
		}
	}
}

// One name over the Sites makes sense when an application answers. It may be
// begun before, with addresses that somebody types, but it isn't what is next.
func TestOneNameComesAfterTheApplications(t *testing.T) {
	r := newStatusRig(t)
	r.handler.Catalogue = workflows.Catalogue{workflows.Workflow[struct{}]{ID: joinWorkflow, Title: "Join", Scope: workflows.ScopeDeployment, Row: 9}.Erase()}
	says := func() (cell, next string, start bool) {
		p := r.page(auth.RoleOperator, "/deployments/"+r.dep.ID)
		c := p.Find("#cell-9")
		return c.Text(), p.Find("#board-next").Text(), c.Find("form button").Length() == 1
	}
	if cell, next, start := says(); !strings.Contains(cell, "Needs step 7") || !strings.Contains(cell, "or addresses that you type") || !start || strings.Contains(next, "Traffic Manager") {
		t.Errorf("before: %q, next %q, start %v", cell, next, start)
	}
	r.ok(r.db.SaveEndpoint(t.Context(), &workflows.Endpoint{SiteID: r.sites[0].ID, Address: "20.1.1.1", Port: 80}))
	if cell, next, start := says(); !strings.Contains(cell, "Ready to start") || !start || !strings.Contains(next, "Traffic Manager") {
		t.Errorf("after: %q, next %q, start %v", cell, next, start)
	}
}
