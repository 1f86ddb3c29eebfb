package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"hubwright/internal/auth"
	"hubwright/internal/engine"
	"hubwright/workflows"
)

// ran is a run that has ended, with the steps that took so long.
func (r *logRig) ran(workflow, site string, took map[string]time.Duration, ids ...string) string {
	r.t.Helper()
	ctx := r.t.Context()
	must := func(err error) {
		r.t.Helper()
		if err != nil {
			r.t.Fatal(err)
		}
	}
	begun := time.Now().Add(-time.Hour)
	run := &workflows.Run{WorkflowID: workflow, Title: "Do it", Status: workflows.RunQueued, Attempt: 1, CreatedBy: "ana", Target: workflows.Target{SiteID: site}}
	var steps []workflows.StepRun
	for i, id := range ids {
		steps = append(steps, workflows.StepRun{StepID: id, Title: "Step " + id, Index: i})
	}
	must(r.db.InTx(ctx, func(tx engine.Tx) error { return r.db.CreateRun(ctx, tx, run, steps, []byte("{}")) }))
	must(r.db.StartRun(ctx, run.ID, begun))
	at := begun
	for i, id := range ids {
		must(r.db.StartStep(ctx, run.ID, 1, i, at))
		at = at.Add(took[id])
		must(r.db.InTx(ctx, func(tx engine.Tx) error {
			return r.db.FinishStep(ctx, tx, workflows.StepRun{RunID: run.ID, Attempt: 1, Index: i, Status: workflows.StepSucceeded, EndedAt: at}, nil)
		}))
	}
	must(r.db.InTx(ctx, func(tx engine.Tx) error { return r.db.FinishRun(ctx, tx, run.ID, workflows.RunSucceeded, nil, at) }))
	return run.ID
}

// compared is the table of the page: each row's cells.
func compared(t *testing.T, page string) [][]string {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	doc.Find("main tbody tr").Each(func(_ int, tr *goquery.Selection) {
		var cells []string
		tr.Find("td").Each(func(_ int, td *goquery.Selection) {
			cells = append(cells, strings.Join(strings.Fields(td.Text()), " "))
		})
		rows = append(rows, cells)
	})
	return rows
}

func TestRunsAreComparedStepByStep(t *testing.T) {
	r := newLogRig(t, nil)
	viewer := r.as(auth.RoleViewer)
	first := r.ran("upgrade", "s1", map[string]time.Duration{"a": 10 * time.Second, "b": 2 * time.Minute, "old": time.Second}, "a", "b", "old")
	elsewhere := r.ran("upgrade", "s2", map[string]time.Duration{"a": time.Second}, "a")
	second := r.ran("upgrade", "s1", map[string]time.Duration{"a": 10 * time.Second, "b": 90 * time.Second, "new": time.Second}, "a", "new", "b")
	want := [][]string{
		{"The whole run", "Succeeded 2:11", "Succeeded 1:41", "0:30 shorter"},
		{"Step a", "Done 0:10", "Done 0:10", "the same"},
		{"Step new", "does not have it", "Done 0:01", ""},
		{"Step b", "Done 2:00", "Done 1:30", "0:30 shorter"},
		{"Step old", "Done 0:01", "does not have it", ""},
	}
	for _, query := range []string{"a=" + first + "&b=" + second, "b=" + second} { // the one before on the same Site
		status, page := r.read("/runs/compare?"+query, viewer)
		if diff := cmp.Diff(want, compared(t, page)); status != http.StatusOK || diff != "" {
			t.Errorf("%s answered %d\n%s", query, status, diff)
		}
	}
	if _, page := r.read("/runs/compare?b="+elsewhere, viewer); !strings.Contains(page, `value="`+first+`"`) || !strings.Contains(page, `value="`+second+`"`) {
		t.Error("the other runs of the workflow are not offered")
	}
	if _, page := r.read("/runs/"+second, viewer); !strings.Contains(page, "/runs/compare?b="+second) {
		t.Error("the run's page does not lead to the comparison")
	}
	for query, want := range map[string]int{"b=" + r.runID: 200, "a=" + first + "&b=" + r.runID: 422, "b=none": 404, "": 404, "a=none&b=" + first: 404} {
		if status, _ := r.read("/runs/compare?"+query, viewer); status != want {
			t.Errorf("%q answered %d, want %d", query, status, want)
		}
	}
}
