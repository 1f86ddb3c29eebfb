package web_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"hubwright/static"
	"hubwright/web/gallery"
)

// An answer is looked up while it is typed: one question at a time, and a late
// answer never takes the place of a newer one.
func TestAnAnswerIsLookedUpWhileItIsTyped(t *testing.T) {
	var body []byte
	for _, p := range gallery.Pages() {
		if p.Name == "wizard.fields" {
			body = render(t, p)
		}
	}
	if !bytes.Contains(body, []byte(`data-lookup="`)) {
		t.Fatal("the page has nothing to look up")
	}
	var under, most, questions atomic.Int32
	came, let := make(chan string, 8), make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle("GET "+static.Prefix, static.Handler())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	mux.HandleFunc("POST /drafts/{id}/pages/{page}/lookup", func(w http.ResponseWriter, r *http.Request) {
		questions.Add(1)
		n := under.Add(1)
		defer under.Add(-1)
		most.Store(max(most.Load(), n))
		name := r.FormValue(r.FormValue("lookup"))
		came <- name
		switch name {
		case "slow":
			select {
			case <-let:
			case <-r.Context().Done():
			}
		case "barred":
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, `<span class="observed ok">%s is free</span>`, name)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(srv.URL+"/"))
	const field, note = `document.querySelector("[data-lookup]")`, `document.querySelector("[aria-live].note")`
	typed := func(text string) {
		eval[any](t, ctx, fmt.Sprintf(`(() => { %s.value = %q; %s.dispatchEvent(new Event("input", {bubbles: true})) })()`, field, text, field))
	}
	says := func(words string) {
		t.Helper()
		until(t, ctx, fmt.Sprintf(`%s.innerText.includes(%q)`, note, words))
	}
	says("is free") // as the server made it
	eval[any](t, ctx, field+`.focus()`)
	eval[any](t, ctx, field+`.blur()`)

	// Each letter begins the pause anew, so that one question is asked.
	for _, text := range []string{"s", "sl", "slo", "slow"} {
		typed(text)
	}
	if said := eval[string](t, ctx, note+`.textContent.trim()`); said != "" {
		t.Errorf("while somebody types, the page says %q of something else", said)
	}
	if got := <-came; got != "slow" || questions.Load() != 1 {
		t.Fatalf("%d questions, the last for %q", questions.Load(), got)
	}
	typed("quick")
	if got := <-came; got != "quick" {
		t.Fatalf("asked for %q", got)
	}
	says("quick is free")
	close(let)
	typed("leave")
	eval[any](t, ctx, field+`.dispatchEvent(new FocusEvent("focusout", {bubbles: true}))`)
	says("leave is free")
	if said := eval[string](t, ctx, note+`.textContent`); said != "leave is free" {
		t.Errorf("the page says %q", said)
	}
	<-came
	typed("barred")
	<-came
	says("your role does not allow it any more")
	typed("")
	until(t, ctx, note+`.textContent === ""`)
	if n := questions.Load(); n != 4 {
		t.Errorf("%d questions for four names", n)
	}
	if n := most.Load(); n > 2 { // the end of one may be heard of after the beginning of the next
		t.Errorf("%d questions at a time", n)
	}
}
