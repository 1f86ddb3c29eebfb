package sandbox_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// visit asks the sandbox's page for something.
func visit(t *testing.T, method, link string, form url.Values, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, link, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for k, v := range header {
		req.Header[k] = v
	}
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestPageShowsTheWorldAndSwitchesFaults(t *testing.T) {
	o := options(t)
	o.PageAddr = "127.0.0.1:0"
	w := start(t, o)
	u := newUser(t, w.Seed(), w.Seed().Stacks[0], false)
	group := map[string]any{"location": "seattle"}
	if code, out := u.call("PUT", "/resourcegroups/<b>shown", "2019-10-01", group); code < 400 {
		t.Fatalf("a group with a bad name: %d %v", code, out)
	}
	if code, out := u.call("PUT", "/resourcegroups/shown", "2019-10-01", group); code != 201 {
		t.Fatalf("a group: %d %v", code, out)
	}
	resp, body := visit(t, "GET", w.PageURL(), nil, nil)
	csp := resp.Header.Get("Content-Security-Policy")
	if resp.StatusCode != 200 || !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("the page: %d, policy %q", resp.StatusCode, csp)
	}
	for _, want := range []string{"Seattle", "Orlando", "shown (0)", "/resourcegroups/shown", "None: everything works"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, "<b>shown") || strings.Contains(body, w.Seed().Stacks[0].ClientSecret) {
		t.Error("the page holds markup of a caller, or a secret")
	}

	// A fault is switched on, strikes, is counted and lifted.
	if resp, _ := visit(t, "POST", w.PageURL()+"faults", url.Values{"action": {"add"}, "kind": {"subscription-disabled"}, "stamp": {"seattle"}}, nil); resp.StatusCode != 200 {
		t.Fatalf("switching a fault on: %d", resp.StatusCode)
	}
	if code, _ := u.call("PUT", "/resourcegroups/other", "2019-10-01", group); code != 409 {
		t.Errorf("writing into a disabled subscription: %d", code)
	}
	_, body = visit(t, "GET", w.PageURL(), nil, nil)
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := doc.Find(`#faults tbody input[name="id"]`).Attr("value")
	if row := doc.Find("#faults tbody tr").Text(); !strings.Contains(row, "The subscription is disabled") || !strings.Contains(row, "seattle") {
		t.Errorf("the fault in force: %q", row)
	}
	visit(t, "POST", w.PageURL()+"faults", url.Values{"action": {"load"}, "rules": {`[{"kind": "throttled"}]`}}, nil)
	visit(t, "POST", w.PageURL()+"faults", url.Values{"action": {"lift"}, "id": {id}}, nil)
	if list := w.Faults().List(); len(list) != 1 || list[0].Kind != "throttled" {
		t.Errorf("in force are %+v", list)
	}
	visit(t, "POST", w.PageURL()+"faults", url.Values{"action": {"lift-all"}}, nil)
	if list := w.Faults().List(); len(list) != 0 {
		t.Errorf("in force are %+v", list)
	}

	for name, c := range map[string]struct {
		form   url.Values
		header http.Header
		status int
	}{
		"another site":   {url.Values{"action": {"lift-all"}}, http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}, 403},
		"another name":   {url.Values{"action": {"lift-all"}}, http.Header{"Host": {"evil.example"}}, 421},
		"no such kind":   {url.Values{"action": {"add"}, "kind": {"nonsense"}}, nil, 422},
		"bad rules":      {url.Values{"action": {"load"}, "rules": {"{"}}, nil, 422},
		"no such action": {url.Values{"action": {"dance"}}, nil, 422},
	} {
		if resp, _ := visit(t, "POST", w.PageURL()+"faults", c.form, c.header); resp.StatusCode != c.status {
			t.Errorf("%s: %d, not %d", name, resp.StatusCode, c.status)
		}
	}
}
