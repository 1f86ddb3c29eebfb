package web_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"

	"hubwright/static"
	"hubwright/web/gallery"
)

// Who changes an answer that reloads the page and presses Next while that is
// under way sends the version that the reload brought, not the one before.
func TestNextWaitsForTheReload(t *testing.T) {
	var body []byte
	for _, p := range gallery.Pages() {
		if p.Name == "wizard.fields" {
			body = render(t, p)
		}
	}
	before, after := []byte(`name="version" value="4"`), []byte(`name="version" value="5"`)
	if !bytes.Contains(body, before) {
		t.Fatal("the page has no version 4")
	}
	pressed, versions := make(chan struct{}), make(chan string, 1)
	mux := http.NewServeMux()
	mux.Handle("GET "+static.Prefix, static.Handler())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	mux.HandleFunc("POST /drafts/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("HX-Request") == "" {
			versions <- r.FormValue("version") + " " + r.FormValue("action")
			return
		}
		select {
		case <-pressed:
		case <-r.Context().Done():
		}
		_, _ = w.Write(bytes.ReplaceAll(body, before, after))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)

	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(srv.URL+"/"))
	eval[bool](t, ctx, `new Promise(done => {
		document.addEventListener("htmx:before:request", () => setTimeout(() => done(true)));
		const field = document.querySelector("[hx-post]");
		field.dispatchEvent(new Event("change", {bubbles: true}));
	})`)
	do(t, ctx, chromedp.Click(chromedp.CSS(`.btn.primary[name="action"][value="next"]`)))
	close(pressed)
	if got := <-versions; got != "5 next" {
		t.Errorf("Next sent %q", got)
	}
}
