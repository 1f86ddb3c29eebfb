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

type withAccount struct{}

func (*withAccount) Downloads() []workflows.Download {
	return []workflows.Download{{Name: "robot.kubeconfig", Title: "Kubeconfig of robot"}}
}

// TestAccountsEndWithTheCertificates: what was handed out before a rotation
// opens nothing any more, and is not offered.
func TestAccountsEndWithTheCertificates(t *testing.T) {
	r := newLogRig(t, nil)
	r.handler.Catalogue = workflows.Catalogue{workflows.Workflow[withAccount]{ID: "connect"}.Erase()}
	run := func(workflow string, status workflows.RunStatus) workflows.Run {
		return workflows.Run{ID: r.runID, WorkflowID: workflow, Status: status, CreatedBy: "ana"}
	}
	const good, bad = workflows.RunSucceeded, workflows.RunFailed
	for _, tt := range []struct {
		name string
		list []workflows.Run // the newest first
		want int
	}{
		{"no rotation", []workflows.Run{run("connect", good), run("scale", good), run("connect", good)}, 2},
		{"one between", []workflows.Run{run("connect", good), run("rotate-certs", good), run("connect", good)}, 1},
		{"one after", []workflows.Run{run("rotate-certs", good), run("connect", good)}, 0},
		{"a failed one", []workflows.Run{run("rotate-certs", bad), run("connect", good), run("connect", bad)}, 1},
	} {
		got, err := r.handler.accounts(context.Background(), tt.list)
		if err != nil || len(got) != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
}
