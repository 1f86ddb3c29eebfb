package handlers

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/store"
	"hubwright/workflows"
)

// as logs a person of that role in.
func (r *logRig) as(role auth.Role) *http.Cookie {
	r.t.Helper()
	name := "the-" + string(role)
	if err := r.handler.Auth.CreateUser(r.t.Context(), name, role, password); err != nil {
		r.t.Fatal(err)
	}
	session, _, err := r.handler.Auth.Login(r.t.Context(), name, password, "127.0.0.1")
	if err != nil {
		r.t.Fatal(err)
	}
	return &http.Cookie{Name: sessionCookie, Value: session}
}

func (r *logRig) ask(method, path string, who *http.Cookie) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if who != nil {
		req.AddCookie(who)
	} else {
		req.Header.Set("Cookie", r.cookie)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { res.Body.Close() })
	return res
}

func (r *logRig) read(path string, who *http.Cookie) (int, string) {
	r.t.Helper()
	res := r.ask(http.MethodGet, path, who)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func (r *logRig) happen(e workflows.AuditEvent) {
	r.t.Helper()
	if err := r.db.AppendAudit(r.t.Context(), e); err != nil {
		r.t.Fatal(err)
	}
}

func (r *logRig) events(f store.AuditFilter) []workflows.AuditEvent {
	r.t.Helper()
	events, err := r.db.AuditEvents(r.t.Context(), f)
	if err != nil {
		r.t.Fatal(err)
	}
	return events
}

type streamed struct {
	Seq           int64
	Actor, Action string
}

func streamedOf(t *testing.T, body string) []streamed {
	t.Helper()
	var out []streamed
	for dec := json.NewDecoder(strings.NewReader(body)); dec.More(); {
		var e streamed
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// An auditor takes the record away and changes nothing; a viewer keeps what a
// viewer has.
func TestAuditorMayAuditAndNothingElse(t *testing.T) {
	r := newLogRig(t, nil)
	viewer, auditor := r.as(auth.RoleViewer), r.as(auth.RoleAuditor)
	for _, tc := range []struct {
		path            string
		viewer, auditor int
	}{
		{"/audit", 200, 200},
		{"/audit/export.csv", 200, 200},
		{"/audit/export.json", 403, 200},
		{"/runs/" + r.runID, 200, 200},
		{"/settings", 403, 403},
		{"/team", 403, 403},
	} {
		if have, _ := r.read(tc.path, viewer); have != tc.viewer {
			t.Errorf("a viewer's GET %s answered %d", tc.path, have)
		}
		if have, _ := r.read(tc.path, auditor); have != tc.auditor {
			t.Errorf("an auditor's GET %s answered %d", tc.path, have)
		}
	}
	for _, route := range r.handler.table() {
		if route.method != http.MethodPost || route.role == public || ownAffair(route.path) {
			continue
		}
		if res := r.ask(http.MethodPost, strings.Replace(route.path, ":id", "x", 1), auditor); res.StatusCode != http.StatusForbidden {
			t.Errorf("an auditor's POST %s answered %d", route.path, res.StatusCode)
		}
	}
	_, page := r.read("/audit", viewer)
	if strings.Contains(page, `href="/audit/export.json`) || !strings.Contains(page, `href="/audit/export.csv`) {
		t.Error("the viewer's page offers the wrong exports")
	}
	if _, page = r.read("/audit?actor=ana", auditor); !strings.Contains(page, `href="/audit/export.json?actor=ana"`) {
		t.Error("the auditor's page does not offer JSON of what is filtered")
	}
}

func TestReadsOfTheAuditAreAudited(t *testing.T) {
	r := newLogRig(t, nil)
	for _, path := range []string{"/audit", "/audit", "/audit?before=3", "/audit?actor=ana", "/audit/export.csv?actor=ana", "/audit/export.json?after=0"} {
		if status, _ := r.read(path, nil); status != http.StatusOK {
			t.Errorf("%s answered %d", path, status)
		}
	}
	var have []string
	for _, e := range r.events(store.AuditFilter{Oldest: true}) {
		if strings.HasPrefix(e.Action, "audit.") {
			have = append(have, e.Actor+" "+e.Action+" "+e.Detail["format"]+" "+e.Detail["filter"])
		}
	}
	want := []string{"ana audit.read  ", "ana audit.read  actor=ana", "ana audit.export CSV actor=ana", "ana audit.export JSON after=0"}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

func TestAuditStreamGoesOnAfterARow(t *testing.T) {
	r := newLogRig(t, nil)
	for range 3 {
		r.happen(workflows.AuditEvent{Actor: "ben", Action: audit.Login, Object: "ben"})
	}
	_, body := r.read("/audit/export.json?actor=ben&after=2", nil)
	_, rest := r.read("/audit/export.json?after=0", nil)
	if diff := cmp.Diff([]streamed{{3, "ben", audit.Login}}, streamedOf(t, body)); diff != "" {
		t.Errorf("after 2: %s", diff)
	}
	for i, e := range streamedOf(t, rest) {
		if e.Seq != int64(i+1) {
			t.Errorf("place %d has event %d", i, e.Seq)
		}
	}
	if status, _ := r.read("/audit/export.json?after=x", nil); status != http.StatusBadRequest {
		t.Errorf("after=x answered %d", status)
	}
}

// A follower gets what happens, is one row in the audit, and leaves with the
// server.
func TestAuditStreamFollows(t *testing.T) {
	r := newLogRig(t, nil)
	res := r.ask(http.MethodGet, "/audit/export.json?after=0&follow=1&actor=ben", nil)
	lines := bufio.NewScanner(res.Body)
	for range 2 {
		r.happen(workflows.AuditEvent{Actor: "ana", Action: audit.Login})
		r.happen(workflows.AuditEvent{Actor: "ben", Action: audit.Login})
		var e streamed
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &e) != nil || e.Actor != "ben" {
			t.Fatalf("followed %q: %v", lines.Text(), lines.Err())
		}
	}
	if n := len(r.events(store.AuditFilter{Action: audit.AuditExport})); n != 1 {
		t.Errorf("%d rows for one reader", n)
	}
	r.handler.Close()
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("after the end: %q, %v", lines.Text(), lines.Err())
	}
	if status, _ := r.read("/audit/export.json", nil); status != http.StatusServiceUnavailable {
		t.Errorf("a stopping server answered %d", status)
	}
}

func TestAuditOfACluster(t *testing.T) {
	r := newLogRig(t, nil)
	cl := r.cluster()
	r.happen(workflows.AuditEvent{Actor: "ben", Action: audit.KubeconfigDownload, Object: "of this one", Target: workflows.Target{SiteID: cl.SiteID}})
	r.happen(workflows.AuditEvent{Actor: "ben", Action: audit.KubeconfigDownload, Object: "of another", Target: workflows.Target{SiteID: "other"}})
	_, page := r.read("/audit?cluster="+cl.ID, nil)
	if !strings.Contains(page, "of this one") || strings.Contains(page, "of another") || !strings.Contains(page, ">ratings-sea</option>") {
		t.Error("the filter by cluster shows something else")
	}
	if status, _ := r.read("/audit?cluster=none", nil); status != http.StatusNotFound {
		t.Errorf("a cluster that is not there answered %d", status)
	}
}

// cluster is one in custody, on Seattle, with its helper VM.
func (r *logRig) cluster() workflows.Cluster {
	r.t.Helper()
	ctx := r.t.Context()
	must := func(err error) {
		r.t.Helper()
		if err != nil {
			r.t.Fatal(err)
		}
	}
	st := &workflows.Stack{Name: "Seattle", CreatedAt: time.Now(), CreatedBy: "ana"}
	must(r.db.SaveStack(ctx, st))
	d := &workflows.Deployment{Name: "Ratings", CreatedAt: time.Now(), CreatedBy: "ana"}
	must(r.db.SaveDeployment(ctx, d))
	site := &workflows.Site{DeploymentID: d.ID, StackID: st.ID, Name: "Seattle"}
	must(r.db.SaveSite(ctx, site))
	must(r.db.SaveHelperVM(ctx, &workflows.HelperVM{SiteID: site.ID, EngineVersion: "v0.85.0"}))
	cl := &workflows.Cluster{SiteID: site.ID, Name: "ratings-sea", Version: "1.34.4", EngineVersion: "v0.85.0"}
	must(r.db.SaveCluster(ctx, cl))
	return *cl
}
