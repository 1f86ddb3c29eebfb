package e2e

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// checkStatus waits until the Monitor has found both Sites healthy, and reads
// the same through a shared link without a login.
func (w *world) checkStatus(t *testing.T, deployment string) {
	t.Helper()
	page := "/status/" + deployment
	eventually(t, 2*time.Minute, "the status page says that both Sites are healthy", func() bool {
		return strings.Contains(text(w.parse(w.get(page))), "Both Sites are healthy")
	})
	said := text(w.parse(w.get(page)))
	for _, want := range []string{"6 of 6", "3 of 3", "1.33.10", "1.34.4", "days left", "24 hours, 100 % up"} {
		if !strings.Contains(said, want) {
			t.Errorf("the status page does not say %q:\n%s", want, said)
		}
	}
	made := w.parse(w.post("/status/shares", url.Values{"deployment": {deployment}, "name": {"Wall"}, "days": {"7"}}))
	link := made.Find("#shares .cmd code").Text()
	u, err := url.Parse(link)
	if err != nil || !strings.HasPrefix(u.Path, "/shared/") {
		t.Fatalf("link %q, %v", link, err)
	}
	read := func() (int, string) {
		res, err := http.Get(w.url(u.Path))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	if status, body := read(); status != http.StatusOK || !strings.Contains(body, "Both Sites are healthy") || strings.Contains(body, adminName+"<") {
		t.Errorf("the shared page answers %d:\n%s", status, body)
	}
	w.parse(w.get(page)).Find(`form[action$="/revoke"]`).Each(func(_ int, f *goquery.Selection) {
		w.post(f.AttrOr("action", ""), url.Values{})
	})
	if status, _ := read(); status != http.StatusNotFound {
		t.Errorf("the revoked link answers %d", status)
	}
}
