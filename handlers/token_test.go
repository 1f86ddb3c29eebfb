package handlers

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"hubwright/internal/audit"
	"hubwright/internal/auth"
	"hubwright/store"
	"hubwright/workflows"
)

// program asks with an API token instead of a session.
func (r *logRig) program(method, path, secret string, headers ...string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// send posts a form as the person of that session.
func (r *logRig) send(path string, form url.Values, session *http.Cookie) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(session)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// newest is the newest event of that action.
func (r *logRig) newest(action string) workflows.AuditEvent {
	r.t.Helper()
	events, err := r.db.AuditEvents(r.t.Context(), store.AuditFilter{Action: action, Limit: 1})
	if err != nil || len(events) == 0 {
		r.t.Fatalf("no %s: %v", action, err)
	}
	return events[0]
}

var secretForm = regexp.MustCompile(`hwt_[A-Za-z0-9_-]{43}`)

// makeToken makes a token on the page.
func (r *logRig) makeToken(session *http.Cookie, name, role string) string {
	r.t.Helper()
	status, page := r.send("/tokens", url.Values{"name": {name}, "role": {role}, "days": {"30"}}, session)
	secret := secretForm.FindString(page)
	if status != http.StatusCreated || secret == "" {
		r.t.Fatalf("making a token answered %d", status)
	}
	return secret
}

// A collector reads with a token what its role allows, changes nothing, and is
// shut out when the token is revoked.
func TestAPITokens(t *testing.T) {
	r := newLogRig(t, nil)
	auditor := r.as(auth.RoleAuditor)
	secret := r.makeToken(auditor, "collector", "auditor")
	if _, page := r.read("/tokens", auditor); strings.Contains(page, secret) || !strings.Contains(page, "collector") {
		t.Error("the page shows the secret again, or not the token")
	}
	status, lines := r.program("GET", "/audit/export.json?after=0", secret)
	first, _, _ := strings.Cut(lines, "\n")
	var e struct {
		Seq     int64
		Version int
	}
	if status != http.StatusOK || json.Unmarshal([]byte(first), &e) != nil || e.Seq != 1 || e.Version != 2 {
		t.Errorf("export answered %d: %.200s", status, lines)
	}
	if e := r.newest(audit.AuditExport); e.Actor != "the-auditor" || e.Token != "collector" || e.Address != "127.0.0.1" {
		t.Errorf("export in the audit: %+v", e)
	}
	if status, body := r.program("GET", "/status.json", secret); status != http.StatusOK || !json.Valid([]byte(body)) {
		t.Errorf("status answered %d: %.100s", status, body)
	}
	for _, tc := range []struct{ method, path string }{{"POST", "/tokens"}, {"POST", "/logout"}, {"POST", "/drafts"}, {"GET", "/settings"}} {
		if status, _ := r.program(tc.method, tc.path, secret); status != http.StatusForbidden {
			t.Errorf("%s %s answered %d", tc.method, tc.path, status)
		}
		if e := r.newest(audit.AccessDeny); e.Object != tc.method+" "+tc.path || e.Token != "collector" {
			t.Errorf("%s %s in the audit: %+v", tc.method, tc.path, e)
		}
	}
	tok := r.newest(audit.TokenCreate).Detail["id"]
	if status, _ := r.send("/tokens/"+tok+"/revoke", nil, r.as(auth.RoleOperator)); status != http.StatusNotFound {
		t.Errorf("somebody else's revoke answered %d", status)
	}
	if status, _ := r.send("/tokens/"+tok+"/revoke", nil, auditor); status != http.StatusSeeOther {
		t.Errorf("revoke answered %d", status)
	}
	if status, _ := r.program("GET", "/status.json", secret); status != http.StatusUnauthorized {
		t.Errorf("a revoked token got %d", status)
	}
	if e := r.newest(audit.TokenRefuse); e.Object != "API token collector" || e.Actor != "the-auditor" {
		t.Errorf("in the audit: %+v", e)
	}
}

func TestAPITokensAreNeverMoreThanTheirPerson(t *testing.T) {
	r := newLogRig(t, nil)
	viewer := r.as(auth.RoleViewer)
	if status, _ := r.send("/tokens", url.Values{"name": {"x"}, "role": {"auditor"}, "days": {"30"}}, viewer); status != http.StatusUnprocessableEntity {
		t.Errorf("a viewer's auditor token: %d", status)
	}
	for _, form := range []url.Values{{"name": {""}, "role": {"viewer"}, "days": {"30"}}, {"name": {"x"}, "role": {"operator"}, "days": {"30"}}, {"name": {"x"}, "role": {"viewer"}, "days": {"366"}}, {"name": {"x"}, "role": {"viewer"}}} {
		if status, _ := r.send("/tokens", form, viewer); status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", form, status)
		}
	}
	secret := r.makeToken(r.as(auth.RoleAuditor), "collector", "auditor")
	if err := r.handler.Auth.SetRole(t.Context(), "the-auditor", auth.RoleViewer); err != nil {
		t.Fatal(err)
	}
	if status, _ := r.program("GET", "/audit/export.json", secret); status != http.StatusForbidden {
		t.Errorf("after the role was lowered: %d", status)
	}
	if err := r.handler.Auth.Disable(t.Context(), "the-auditor", true); err != nil {
		t.Fatal(err)
	}
	if status, _ := r.program("GET", "/status.json", secret); status != http.StatusUnauthorized {
		t.Errorf("of somebody who is locked out: %d", status)
	}
}

func TestWrongTokensAreSlowedDown(t *testing.T) {
	r := newLogRig(t, nil)
	for range maxMisses {
		if status, _ := r.program("GET", "/status.json", "hwt_wrong"); status != http.StatusUnauthorized {
			t.Fatalf("answered %d", status)
		}
	}
	if status, _ := r.program("GET", "/status.json", "hwt_wrong"); status != http.StatusTooManyRequests {
		t.Errorf("answered %d", status)
	}
}

// What was tried and did not work is in the audit, with from where.
func TestFailedAttemptsAreAudited(t *testing.T) {
	r := newLogRig(t, nil)
	for name, want := range map[string]string{"ana": "ana", "h1dden-pa55word": "a name that nobody has"} {
		_, _ = r.send("/login", url.Values{"name": {name}, "password": {"wrong wrong wrong"}}, &http.Cookie{Name: "x", Value: "y"})
		if e := r.newest(audit.LoginFailed); e.Object != want || e.Address != "127.0.0.1" || strings.Contains(e.Detail["why"], name) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if status, _ := r.send("/team", url.Values{"action": {"add"}}, r.as(auth.RoleOperator)); status != http.StatusForbidden {
		t.Errorf("answered %d", status)
	}
	if e := r.newest(audit.AccessDeny); e.Object != "POST /team" || e.Actor != "the-operator" || e.Detail["needs"] != "admin" {
		t.Errorf("denied: %+v", e)
	}
	if status, _ := r.read("/runs/"+r.runID+"/log.txt", nil); status != http.StatusOK {
		t.Errorf("log answered %d", status)
	}
	if e := r.newest(audit.LogDownload); e.RunID != r.runID || e.WorkflowID != "tiny" || e.Address != "127.0.0.1" {
		t.Errorf("log: %+v", e)
	}
}

// Only a proxy that is trusted may say for whom it asks.
func TestWhereARequestCameFrom(t *testing.T) {
	prefix := netip.MustParsePrefix
	for _, tc := range []struct {
		name    string
		trusted []netip.Prefix
		remote  string
		said    string
		want    string
	}{
		{"no proxy is trusted", nil, "192.0.2.1:80", "10.9.9.9", "192.0.2.1"},
		{"a trusted proxy", []netip.Prefix{prefix("192.0.2.0/24")}, "192.0.2.1:80", "203.0.113.7", "203.0.113.7"},
		{"a client that lies before it", []netip.Prefix{prefix("192.0.2.0/24")}, "192.0.2.1:80", "10.1.1.1, 203.0.113.7", "203.0.113.7"},
		{"two trusted proxies", []netip.Prefix{prefix("192.0.2.0/24"), prefix("10.0.0.0/8")}, "192.0.2.1:80", "203.0.113.7, 10.1.1.1", "203.0.113.7"},
		{"somebody else", []netip.Prefix{prefix("192.0.2.0/24")}, "198.51.100.3:80", "203.0.113.7", "198.51.100.3"},
		{"loopback is nothing special", []netip.Prefix{prefix("192.0.2.0/24")}, "127.0.0.1:80", "203.0.113.7", "127.0.0.1"},
		{"IPv6", []netip.Prefix{prefix("2001:db8::/32")}, "[2001:db8::1]:80", "2001:db9::7", "2001:db9::7"},
	} {
		req := &http.Request{RemoteAddr: tc.remote, Header: http.Header{"X-Forwarded-For": {tc.said}}}
		if have := clientAddress(tc.trusted)(req); have != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, have, tc.want)
		}
	}
}

func TestFailingSinksAreShown(t *testing.T) {
	r := newLogRig(t, nil)
	syslog, err := audit.NewSyslog("tcp://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := audit.NewCourier(t.TempDir()+"/sent", []audit.Checkpoint{{Seq: 1}}, []audit.Sink{syslog}, time.Now, r.handler.Log)
	if err != nil {
		t.Fatal(err)
	}
	c.Flush(t.Context())
	r.handler.Checkpoints = c
	if _, page := r.read("/audit", nil); !strings.Contains(page, "Checkpoints do not reach syslog tcp://127.0.0.1:1") {
		t.Error("the audit's page does not say that checkpoints do not arrive")
	}
	if p := notTaken(c.Status()[0].Err); !strings.Contains(p.Why, "efused") || p.Fix == "" {
		t.Errorf("in words: %+v", p)
	}
}
