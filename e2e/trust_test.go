package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestTrust looks at who may do what, and at where secrets lie.
func TestTrust(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "40")
	w.setUp()
	t.Run("headers", w.checkHeaders)
	t.Run("other origin", w.checkOrigin)
	t.Run("secrets at rest", w.checkSecrets)
	t.Run("bad input", w.checkBadInput)
	t.Run("viewer", w.checkViewer)
	t.Run("two people", w.checkTogether)
}

func (w *world) checkHeaders(t *testing.T) {
	for _, path := range []string{"/", "/stacks", "/runs", "/clusters", "/audit", "/team", "/settings", "/help", "/login", "/nothing", "/deployments", "/status"} {
		a := w.get(path)
		csp := a.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for _, inline := range []string{" style=", "<style", "javascript:", " onclick="} {
			if strings.Contains(a.body, inline) {
				t.Errorf("%s holds %q, which the policy forbids", path, inline)
			}
		}
	}
}

func (w *world) checkOrigin(t *testing.T) {
	req, _ := http.NewRequest(http.MethodPost, w.url("/deployments"), strings.NewReader("name=evil"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://evil.example.com")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	a, err := w.do(req)
	if err != nil || a.status != http.StatusForbidden {
		t.Errorf("a POST from another site: %d, %v", a.status, err)
	}
}

// checkBadInput sends what nobody should: each must be refused as a page that
// says what is wrong, never with a raw error or a 5xx.
func (w *world) checkBadInput(t *testing.T) {
	s := w.sites()["Orlando"]
	draft := w.walk("helper-vm", s, nil)
	page := func(p string, change url.Values) answer {
		path := "/drafts/" + draft + "/pages/" + p
		form := fields(w.parse(w.get(path)).Find(`form:has(button[name="action"][value="next"])`).First())
		for k, v := range change {
			form[k] = v
		}
		form.Set("action", "next")
		return w.post(path, form)
	}
	cases := []struct {
		name, page string
		change     url.Values
		keeps      string // typed text that must still be on the page
		status     int
	}{
		{"kind unknown", "kind", url.Values{"kind": {"spaceship"}}, "", 422},
		{"CIDR nonsense", "network", url.Values{"network": {"10.0.0.0/99"}}, "10.0.0.0/99", 422},
		{"CIDR text", "network", url.Values{"network": {"not a network"}}, "not a network", 422},
		{"subnet outside", "network", url.Values{"subnet": {"192.168.0.0/24"}}, "192.168.0.0/24", 422},
		{"SSH source", "network", url.Values{"ssh": {"everybody"}}, "everybody", 422},
		{"label empty", "network", url.Values{"label": {""}}, "", 422},
		{"label with blanks", "network", url.Values{"label": {"my label"}}, "my label", 422},
		{"label too long", "network", url.Values{"label": {strings.Repeat("a", 100)}}, "", 422},
		{"label unicode", "network", url.Values{"label": {"größe"}}, "größe", 422},
		{"group with slash", "network", url.Values{"group": {"a/b"}}, "a/b", 422},
		{"group empty", "network", url.Values{"group": {""}}, "", 422},
		{"group 1 MB", "network", url.Values{"group": {strings.Repeat("x", 1<<20)}}, "", 422},
		{"control characters", "network", url.Values{"group": {"a\x01b"}}, "", 422},
		{"right-to-left override", "network", url.Values{"group": {"a\u202eb"}}, "", 422},
		{"VM name", "machine", url.Values{"vm": {"-vm-"}}, "-vm-", 422},
		{"VM name with shell", "machine", url.Values{"vm": {"a;reboot"}}, "a;reboot", 422},
		{"user root", "machine", url.Values{"user": {"root"}}, "root", 422},
		{"user with blanks", "machine", url.Values{"user": {"a b"}}, "a b", 422},
		{"size unknown", "machine", url.Values{"size": {""}}, "", 422},
		{"engine unknown", "engine", url.Values{"engine": {"v9.9.9"}}, "", 422},
		{"source unknown", "engine", url.Values{"source": {"floppy"}}, "", 422},
		{"stale version", "kind", url.Values{"version": {"1"}}, "", 409},
		{"version no number", "kind", url.Values{"version": {"x"}}, "", 409},
		{"no such page", "nothing", nil, "", 404},
	}
	for _, c := range cases {
		a := page(c.page, c.change)
		if a.status != c.status {
			t.Errorf("%s: answered %d, not %d: %.300s", c.name, a.status, c.status, text(w.parse(a)))
		}
		if c.keeps != "" && !strings.Contains(a.body, `value="`+c.keeps+`"`) {
			t.Errorf("%s: what was typed is lost", c.name)
		}
		if strings.Contains(a.body, "goroutine") || strings.Contains(a.body, "strconv") {
			t.Errorf("%s: a raw error reached the page", c.name)
		}
	}
	for path, status := range map[string]int{
		"/drafts/drf_missing": 404, "/drafts/..%2f..%2fetc%2fpasswd": 404, "/runs/run_missing": 404, "/runs/%00": 404,
		"/clusters/cls_missing": 404, "/stacks/stk_missing": 404, "/deployments/dep_missing": 404, "/drafts/" + draft + "/documents/..%2fkey": 404,
	} {
		if a := w.get(path); a.status != status {
			t.Errorf("%s answered %d, not %d", path, a.status, status)
		}
	}
	for _, form := range []url.Values{{"workflow": {"nothing"}}, {"workflow": {"cluster"}}, {"workflow": {"cluster"}, "site": {"' or 1=1"}}} {
		if a := w.post("/drafts", form); a.status != 422 {
			t.Errorf("draft for %v answered %d", form, a.status)
		}
	}
	if a := w.post("/deployments", url.Values{"name": {""}}); a.status != 422 || !strings.Contains(a.body, "Give it a name") {
		t.Errorf("a deployment without name answered %d", a.status)
	}
}

// checkSecrets greps everything that the server keeps after a run.
func (w *world) checkSecrets(t *testing.T) {
	arguments := w.watchArguments()
	w.finish(w.begin(w.walk("helper-vm", w.sites()["Seattle"], nil)))
	w.checkNoLeaks(w.stampSecrets(), nil, arguments())
}

func (w *world) checkViewer(t *testing.T) {
	s := w.sites()["Seattle"]
	v := w.person("vera", "viewer")
	for path, form := range map[string]url.Values{
		"/drafts": {"workflow": {"helper-vm"}, "deployment": {s.deployment}, "site": {s.site}, "stack": {s.stack}},
		"/team":   {"action": {"role"}, "name": {"vera"}, "role": {"admin"}}, "/deployments": {"name": {"x"}}, "/stacks/" + s.stack + "/test": {},
	} {
		if a := v.post(path, form); a.status != http.StatusForbidden {
			t.Errorf("a viewer's POST %s answered %d", path, a.status)
		}
	}
	if a := v.get("/"); a.status != 200 || strings.Contains(a.body, `action="/drafts"`) {
		t.Errorf("the viewer's guide answered %d or offers to start", a.status)
	}
}
