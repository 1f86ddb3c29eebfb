package handlers

import (
	"context"
	"io"
	"net/http"
	"os"
	"testing"

	"hubwright/internal/archives"
	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/workflows"
)

type withFile struct{}

func (*withFile) Downloads() []workflows.Download {
	return []workflows.Download{{Name: "logs.zip", Title: "Logs of 2 nodes", Kept: true}}
}

// TestKeptFileIsHandedOut: with a row in the audit, to those who operate, as
// long as it lies there.
func TestKeptFileIsHandedOut(t *testing.T) {
	r := newLogRig(t, nil)
	files := archives.NewRunFiles(t.TempDir())
	r.handler.RunFiles = files
	r.handler.Catalogue = workflows.Catalogue{workflows.Workflow[withFile]{ID: "tiny"}.Erase()}
	path, _, err := files.Write(context.Background(), r.runID, "logs.zip", func(to io.Writer) error { _, err := io.WriteString(to, "the logs"); return err })
	if err != nil {
		t.Fatal(err)
	}
	ask := func(name string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, r.server.URL+"/runs/"+r.runID+"/downloads/"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", r.cookie)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
	res, body := ask("logs.zip")
	if res.StatusCode != http.StatusOK || body != "the logs" || res.Header.Get("Content-Disposition") != "attachment; filename=logs.zip" {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
	}
	for _, name := range []string{"other.zip", "..%2f" + r.runID + "%2flogs.zip"} {
		if res, _ := ask(name); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if res, _ := ask("logs.zip"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a file that was deleted: %d", res.StatusCode)
	}
	events, err := r.db.AuditEvents(context.Background(), audit.Filter{Action: audit.LogsDownload})
	if err != nil || len(events) != 1 || events[0].Actor != "ana" || events[0].RunID != r.runID || events[0].Object != "Logs of 2 nodes" {
		t.Errorf("%+v, %v", events, err)
	}
	for _, route := range r.handler.table() {
		if route.path == "/runs/:id/downloads/:name" && route.role != auth.RoleOperator {
			t.Errorf("%s may download", route.role)
		}
	}
}
