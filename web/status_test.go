package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/chromedp"

	"hubwright/static"
	"hubwright/web/gallery"
)

func galleryPage(t *testing.T, name string) gallery.Page {
	t.Helper()
	for _, p := range gallery.Pages() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no page %s", name)
	return gallery.Page{}
}

// What changes is taken in without a reload, with the window's title and sign.
func TestStatusRefreshesItself(t *testing.T) {
	good, bad := render(t, galleryPage(t, "status")), parse(t, galleryPage(t, "status.bad"))
	fragment, err := goquery.OuterHtml(bad.Find("#status"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(static.Prefix, static.Handler())
	mux.HandleFunc("GET /status/dep_1", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", csp)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.Header.Get("HX-Request") == "true" {
			_, _ = w.Write([]byte(fragment))
			return
		}
		_, _ = w.Write(good)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(srv.URL+"/status/dep_1"))
	until(t, ctx, `document.title === "Ratings: Operational · Hubwright" && document.getElementById("favicon").href.includes("icon-ok")`)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.stays = true; document.querySelector("#shares input[name=name]").value = "half typed"`),
		chromedp.Evaluate[chromedp.Void](`window.htmx.ajax("GET", "/status/dep_1", { target: "#status", swap: "outerMorph" })`))
	until(t, ctx, `document.title === "Ratings: Degraded · Hubwright" && document.getElementById("favicon").href.includes("icon-bad")`)
	if text := eval[string](t, ctx, `document.getElementById("status").textContent`); !strings.Contains(text, "Not reachable") {
		t.Errorf("the page says %s", text)
	}
	if !eval[bool](t, ctx, `window.stays === true && document.querySelector("#shares input[name=name]").value === "half typed"`) {
		t.Error("the page was loaded again, and what was typed is lost")
	}
}

// When the server is gone the page itself calls old what got old: nothing that
// nobody asked for a while stays green.
func TestStatusGetsOldWithoutTheServer(t *testing.T) {
	good := render(t, galleryPage(t, "status"))
	mux := http.NewServeMux()
	mux.Handle(static.Prefix, static.Handler())
	mux.HandleFunc("GET /status/dep_1", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("HX-Request") == "true" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Security-Policy", csp)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(good)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(srv.URL+"/status/dep_1"))
	until(t, ctx, `["Reconnecting", "Polling"].includes(document.getElementById("live-badge").textContent)`)
	const green = `document.querySelectorAll("#status header .pill.ok, #status .meta .pill.ok").length`
	if n := eval[int](t, ctx, green); n != 3 {
		t.Errorf("%d healths are green while they are fresh", n)
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.getElementById("status").dataset.staleAfter = "13"`)) // 12 s old in the gallery
	until(t, ctx, green+` === 0 && [...document.querySelectorAll("#status header .aging .pill")].every((p) => p.textContent.trim() === "Stale, was healthy")`)
	if text := eval[string](t, ctx, `document.querySelector("#part-top .meta .pill").textContent.trim()`); text != "Stale" {
		t.Errorf("the Deployment is %q", text)
	}
}

// A strip says by its shape too what it says by colour.
func TestStripsTellWithoutColour(t *testing.T) {
	doc := parse(t, galleryPage(t, "status.bad"))
	if n := doc.Find("svg.strip").Length(); n != 4 {
		t.Fatalf("%d strips", n)
	}
	strip := doc.Find("svg.strip").Last()
	const want = "24 hours: 93.20 % up of 138,240 probes. Down from 08:15 to 09:45 UTC. Degraded from 08:00 to 08:15 UTC."
	if got := strip.AttrOr("aria-label", ""); strip.AttrOr("role", "") != "img" || got != want {
		t.Errorf("the strip is called %q", got)
	}
	tops := map[string]string{}
	for _, mark := range []string{"up", "degraded", "down"} {
		d := strip.Find("path."+mark).AttrOr("d", "")
		_, rest, _ := strings.Cut(d, " ")
		tops[mark], _, _ = strings.Cut(rest, "h")
	}
	if tops["up"] == tops["degraded"] || tops["degraded"] == tops["down"] || tops["up"] == tops["down"] || tops["up"] == "" {
		t.Errorf("bars begin at %v", tops)
	}
}
