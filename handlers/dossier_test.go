package handlers

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/internal/engine"
	"hubwright/internal/secrets"
	"hubwright/store"
	"hubwright/workflows"
)

const modelSecret = "0ther-s3cret-of-the-principal"

// dossierRig has a run on a cluster: two attempts, a waived check, and an API
// model from before it and one that it brought.
func dossierRig(t *testing.T) *logRig {
	t.Helper()
	r := newLogRig(t, nil)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key := bytes.Repeat([]byte{7}, 32)
	var err error
	r.handler.Vault, err = secrets.New(key, r.db)
	must(err)
	r.handler.Signing, err = audit.SigningKey(key)
	must(err)
	cl := r.cluster()
	model := func(version, runID string, at time.Time) {
		doc := fmt.Sprintf(`{"apiVersion":"vlabs","properties":{"orchestratorProfile":{"orchestratorVersion":%q},"servicePrincipalProfile":{"clientId":"c","secret":%q}}}`, version, modelSecret)
		ref, err := r.handler.Vault.Seal(ctx, "apimodel", []byte(doc))
		must(err)
		must(r.db.SaveAPIModel(ctx, &workflows.APIModel{ClusterID: cl.ID, SHA256: version, Document: ref, RunID: runID, At: at}))
	}
	created := time.Now().Add(-time.Hour)
	model("1.33.10", "run_before", created.Add(-time.Hour))
	draft := &workflows.Draft{WorkflowID: "tiny", Answers: workflows.Answers{}, CreatedBy: "ana"}
	must(r.db.SaveDraft(ctx, draft))
	must(r.db.SaveCheckResult(ctx, draft.ID, workflows.CheckResult{CheckID: "peer", Finding: workflows.Fail("One node is away.", "Wait.")}))
	must(r.db.WaiveCheck(ctx, draft.ID, "peer", "ben", "ticket 4711"))
	run := &workflows.Run{WorkflowID: "tiny", Title: "Upgrade Seattle", DraftID: draft.ID, Status: workflows.RunQueued, Attempt: 1, CreatedBy: "ana", CreatedAt: created,
		Target: workflows.Target{SiteID: cl.SiteID}, Plan: workflows.Plan{Documents: []workflows.Document{{Name: "apimodel.json", Body: "{}"}}}}
	steps := []workflows.StepRun{{StepID: "a", Title: "First", Index: 0}, {StepID: "b", Title: "Second", Index: 1}}
	must(r.db.InTx(ctx, func(tx engine.Tx) error {
		if err := r.db.CreateRun(ctx, tx, run, steps, []byte("{}")); err != nil {
			return err
		}
		return r.db.Audit(ctx, tx, workflows.AuditEvent{Actor: "ana", Action: audit.RunStart, Object: run.Title, RunID: run.ID, Target: run.Target})
	}))
	step := func(attempt, index int, status workflows.StepStatus, at time.Duration) {
		must(r.db.StartStep(ctx, run.ID, attempt, index, created.Add(at)))
		must(r.db.InTx(ctx, func(tx engine.Tx) error {
			return r.db.FinishStep(ctx, tx, workflows.StepRun{RunID: run.ID, Attempt: attempt, Index: index, Status: status, EndedAt: created.Add(at + time.Minute)}, nil)
		}))
	}
	must(r.db.StartRun(ctx, run.ID, created))
	step(1, 0, workflows.StepSucceeded, 0)
	step(1, 1, workflows.StepFailed, time.Minute)
	must(r.db.InTx(ctx, func(tx engine.Tx) error { return r.db.FinishRun(ctx, tx, run.ID, workflows.RunFailed, nil, created) }))
	must(r.db.InTx(ctx, func(tx engine.Tx) error { return r.db.AddAttempt(ctx, tx, run.ID, 2, 1) }))
	step(2, 1, workflows.StepSucceeded, 5*time.Minute)
	r.runID = run.ID
	model("1.34.4", run.ID, time.Now())
	if _, err := r.db.AppendLog(ctx, run.ID, []workflows.LogLine{{At: time.Now(), StepID: "a", Attempt: 1, Level: workflows.LevelOutput, Text: "--client-secret ***"}}, nil); err != nil {
		t.Fatal(err)
	}
	r.finish()
	return r
}

func (r *logRig) archive(who *http.Cookie) map[string]string {
	r.t.Helper()
	status, body := r.read("/runs/"+r.runID+"/dossier.zip", who)
	if status != http.StatusOK {
		r.t.Fatalf("the archive answered %d", status)
	}
	z, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
	if err != nil {
		r.t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		b, err := f.Open()
		if err != nil {
			r.t.Fatal(err)
		}
		text, err := io.ReadAll(b)
		if err != nil {
			r.t.Fatal(err)
		}
		_, name, _ := strings.Cut(f.Name, "/")
		out[name] = string(text)
	}
	return out
}

func TestDossierOfARun(t *testing.T) {
	r := dossierRig(t)
	files := r.archive(nil)
	for name, part := range map[string]string{
		"apimodel-before.json": "1.33.10", "apimodel-after.json": "1.34.4", "log.txt": "--client-secret ***", "plan/1-apimodel.json": "{}",
		"audit.jsonl": audit.DossierDownload, "dossier.html": "Waived by ben: ticket 4711", "manifest": "  log.txt\n",
	} {
		if !strings.Contains(files[name], part) {
			t.Errorf("%s lacks %q:\n%s", name, part, files[name])
		}
	}
	for name, body := range files {
		if strings.Contains(body, modelSecret) {
			t.Errorf("%s holds a secret", name)
		}
	}
	var run struct{ Steps []workflows.StepRun }
	if err := json.Unmarshal([]byte(files["run.json"]), &run); err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, s := range run.Steps {
		steps = append(steps, fmt.Sprint(s.Title, " ", s.Attempt, " ", s.Status))
	}
	if diff := cmp.Diff([]string{"First 1 succeeded", "Second 1 failed", "Second 2 succeeded"}, steps); diff != "" {
		t.Error(diff)
	}
	downloads := r.events(store.AuditFilter{Action: audit.DossierDownload})
	if len(downloads) != 1 || downloads[0].Actor != "ana" || downloads[0].RunID != r.runID || downloads[0].Target.SiteID == "" {
		t.Errorf("the download is in the audit as %+v", downloads)
	}
}

func TestDossierIsForWhoAudits(t *testing.T) {
	r := dossierRig(t)
	viewer, auditor := r.as(auth.RoleViewer), r.as(auth.RoleAuditor)
	if status, _ := r.read("/runs/"+r.runID+"/dossier.zip", viewer); status != http.StatusForbidden {
		t.Errorf("a viewer's archive answered %d", status)
	}
	if files := r.archive(auditor); files["dossier.html"] == "" {
		t.Error("the auditor's archive has no page")
	}
	status, page := r.read("/runs/"+r.runID+"/dossier", viewer)
	if status != http.StatusOK || strings.Contains(page, "dossier.zip") || !strings.Contains(page, "ticket 4711") || strings.Contains(page, modelSecret) {
		t.Errorf("the viewer's page answered %d, offers the archive or is not whole", status)
	}
	if _, page = r.read("/runs/"+r.runID+"/dossier", auditor); !strings.Contains(page, "dossier.zip") {
		t.Error("the auditor's page does not offer the archive")
	}
	for _, path := range []string{"/runs/" + r.runID, "/audit"} {
		if _, page := r.read(path, viewer); !strings.Contains(page, "/runs/"+r.runID+"/dossier") {
			t.Errorf("%s does not lead to the dossier", path)
		}
	}
	if status, _ := r.read("/runs/none/dossier.zip", nil); status != http.StatusNotFound {
		t.Errorf("no run answered %d", status)
	}
}

// An archive that cannot be finished does not look like one that is.
func TestBrokenDossierIsCutOff(t *testing.T) {
	r := dossierRig(t)
	if _, err := r.db.SQL().ExecContext(t.Context(), `DELETE FROM log_chunks WHERE run_id = ?`, r.runID); err != nil {
		t.Fatal(err)
	}
	res := r.ask(http.MethodGet, "/runs/"+r.runID+"/dossier.zip", nil)
	if _, err := io.ReadAll(res.Body); err == nil && res.StatusCode == http.StatusOK {
		t.Error("the answer ended well")
	}
}

func TestModelsAroundARun(t *testing.T) {
	created := time.Unix(1000, 0)
	model := func(v int, run string, at int64) workflows.APIModel {
		return workflows.APIModel{Version: v, RunID: run, At: time.Unix(at, 0)}
	}
	for name, tc := range map[string]struct {
		kept          []workflows.APIModel
		before, after int
	}{
		"none":            {nil, 0, 0},
		"brought two":     {[]workflows.APIModel{model(4, "later", 2000), model(3, "r", 1100), model(2, "r", 1050), model(1, "old", 10)}, 1, 3},
		"the first":       {[]workflows.APIModel{model(2, "later", 2000), model(1, "r", 1100)}, 0, 1},
		"changed nothing": {[]workflows.APIModel{model(3, "later", 2000), model(2, "old", 20), model(1, "older", 10)}, 2, 0},
	} {
		before, after := aroundRun(workflows.Run{ID: "r", CreatedAt: created}, tc.kept)
		version := func(m *workflows.APIModel) int {
			if m == nil {
				return 0
			}
			return m.Version
		}
		if version(before) != tc.before || version(after) != tc.after {
			t.Errorf("%s: before %d, after %d", name, version(before), version(after))
		}
	}
}
