package web_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"hubwright/static"
	"hubwright/web/gallery"
)

// csp is what the server sends with every page.
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// One browser serves all tests; each test gets a tab.
var browser = sync.OnceValues(startBrowser)

var stopBrowser = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopBrowser()
	os.Exit(code)
}

func startBrowser() (context.Context, error) {
	path := os.Getenv("CHROMIUM")
	if path == "" {
		found, err := exec.LookPath("chromium")
		if err != nil {
			return nil, fmt.Errorf("these tests need Chromium: %w (or name it with CHROMIUM)", err)
		}
		path = found
	}
	dir, err := os.MkdirTemp("", "hubwright-chromium-")
	if err != nil {
		return nil, err
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(allocator)
	stopBrowser = func() {
		cancel()
		cancelAllocator()
		_ = os.RemoveAll(dir)
	}
	return ctx, chromedp.Do(ctx, chromedp.Navigate("about:blank"))
}

// tab opens a tab. What the page writes to the console as an error or warning
// fails the test: that is also how a violation of the policy shows.
func tab(t testing.TB) context.Context {
	t.Helper()
	root, err := browser()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(root)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	messages := chromedp.Console(ctx)
	done.Go(func() {
		for m, err := range messages {
			// A socket that the test cuts is in the console too, from the network.
			if err == nil && m.Source != "network" && !strings.Contains(m.Text, "WebSocket") && (m.IsException() || m.Type == "error" || m.Type == "warning") {
				t.Errorf("console: %s", m)
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		done.Wait()
	})
	return ctx
}

func do(t testing.TB, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(limited, steps...); err != nil {
		t.Fatal(err)
	}
}

func eval[T any](t testing.TB, ctx context.Context, js string) T {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(limited, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return v
}

// until waits for a condition in the page, asked with each frame.
func until(t testing.TB, ctx context.Context, condition string) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, err := chromedp.Run(limited, chromedp.Poll[bool](condition)); err != nil {
		t.Fatalf("waiting for %s: %v", condition, err)
	}
}

func scheme(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func serveGallery(t *testing.T) string {
	t.Helper()
	pages := map[string]gallery.Page{}
	for _, p := range gallery.Pages() {
		pages[p.Name] = p
	}
	mux := http.NewServeMux()
	mux.Handle(static.Prefix, static.Handler())
	mux.HandleFunc("GET /gallery/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", csp)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if p, ok := pages[r.PathValue("name")]; ok {
			_ = p.Component.Render(r.Context(), w)
		}
	})
	// The parts that refresh themselves find nothing new.
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

//go:embed testdata/axe.min.js
var axe string

const axeRun = `(async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const only = %s;
  const found = await axe.run(document, { resultTypes: ["violations"], runOnly: only ? { type: "rule", values: only } : { type: "tag", values: tags } });
  return JSON.stringify(found.violations.map(v => v.id + ": " + v.help + "\n" + v.nodes.slice(0, 4).map(n => "    " + n.html.slice(0, 160) + "\n      " + n.any.map(x => x.message).join("; ")).join("\n")));
})()`

func TestAxe(t *testing.T) {
	base := serveGallery(t)
	pages := gallery.Pages()
	const tabs = 2
	for n := range tabs {
		t.Run(fmt.Sprintf("tab %d", n), func(t *testing.T) {
			t.Parallel()
			ctx := tab(t)
			for i := n; i < len(pages); i += tabs {
				axePage(t, ctx, base, pages[i].Name)
			}
		})
	}
}

// axePage runs all rules in light colours; in dark ones nothing but the
// contrast differs. On a phone no page may be wider than the screen.
func axePage(t *testing.T, ctx context.Context, base, name string) {
	t.Helper()
	scheme(t, ctx, "light")
	do(t, ctx, chromedp.Navigate(base+"/gallery/"+name), chromedp.Evaluate[chromedp.Void](axe))
	for _, mode := range []struct{ scheme, rules string }{{"light", "null"}, {"dark", `["color-contrast", "link-in-text-block"]`}} {
		scheme(t, ctx, mode.scheme)
		var violations []string
		if err := json.Unmarshal([]byte(eval[string](t, ctx, fmt.Sprintf(axeRun, mode.rules))), &violations); err != nil {
			t.Fatal(err)
		}
		for _, v := range violations {
			t.Errorf("%s, %s: %s", name, mode.scheme, v)
		}
	}
	for _, fault := range onPhone(t, ctx) {
		t.Errorf("%s, on a phone: %s", name, fault)
	}
	do(t, ctx, chromedp.EmulateViewport(1280, 900))
}

// tooWide names what makes the page scroll sideways, and elements whose words
// are wider than they are. What scrolls in a box of its own may be wide.
const tooWide = `(() => {
  const found = [];
  for (const d of document.querySelectorAll("details")) d.open = true;
  const page = document.documentElement.scrollWidth;
  if (page > innerWidth || innerWidth > screen.width) found.push("the page is " + Math.max(page, innerWidth) + " px wide");
  const scrolls = (e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
  const away = (e) => getComputedStyle(e).clipPath !== "none";
  for (const e of document.querySelectorAll("body *:not(svg, svg *, option, input, textarea)")) {
    if (e.clientWidth === 0 || e.scrollWidth <= e.clientWidth + 1 || !e.checkVisibility()) continue;
    let p = e;
    while (p && !scrolls(p) && !away(p)) p = p.parentElement;
    if (p && p !== document.documentElement) continue;
    found.push(e.scrollWidth + " px in " + e.clientWidth + ": " + e.cloneNode().outerHTML + e.textContent.trim().slice(0, 60));
  }
  return JSON.stringify(found);
})()`

// onPhone shows the page on a phone 390 px wide, as phones do: a page that is
// wider makes everything smaller.
func onPhone(t *testing.T, ctx context.Context) (faults []string) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 844, DeviceScaleFactor: 1, Mobile: true, ScreenWidth: 390, ScreenHeight: 844})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(eval[string](t, ctx, tooWide)), &faults); err != nil {
		t.Fatal(err)
	}
	return faults
}

// The first press of Tab leads to the skip link, and an error summary has the
// focus already.
func TestFocus(t *testing.T) {
	base, ctx := serveGallery(t), tab(t)
	do(t, ctx, chromedp.Navigate(base+"/gallery/guide.running"), chromedp.KeyEvent("\t"))
	if got := eval[string](t, ctx, `document.activeElement.textContent`); got != "Skip to the content" {
		t.Errorf("the first Tab leads to %q", got)
	}
	do(t, ctx, chromedp.Navigate(base+"/gallery/wizard.errors"))
	if got := eval[string](t, ctx, `document.activeElement.id`); got != "errors" {
		t.Errorf("the focus is on %q, not on the errors", got)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS(`#errors a[href="#f-pools-1-count"]`)))
	if got := eval[string](t, ctx, `document.activeElement.name`); got != "pools.1.count" {
		t.Errorf("the error leads to %q", got)
	}
}

// A test that never fails tests nothing: axe must find what is planted.
func TestAxeFindsWhatIsPlanted(t *testing.T) {
	base, ctx := serveGallery(t), tab(t)
	do(t, ctx, chromedp.Navigate(base+"/gallery/runs"), chromedp.Evaluate[chromedp.Void](axe),
		chromedp.Evaluate[chromedp.Void](`document.querySelector("main").insertAdjacentHTML("beforeend", "<img src='/x.png'><input><a class='btn primary' href='/'><span class='muted'>faint</span></a>")`))
	found := eval[string](t, ctx, fmt.Sprintf(axeRun, "null"))
	for _, rule := range []string{"image-alt", "label", "color-contrast"} {
		if !strings.Contains(found, rule+":") {
			t.Errorf("axe did not find %s in %s", rule, found)
		}
	}
	if faults := onPhone(t, ctx); len(faults) != 0 {
		t.Errorf("on a phone: %q", faults)
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("h1").insertAdjacentHTML("afterend", "<p class='cmd'><span class='nowrap'>one line that has no place to break, and goes on for longer than a phone is wide</span></p>")`))
	if faults := strings.Join(onPhone(t, ctx), "; "); !strings.Contains(faults, "the page is") || !strings.Contains(faults, "one line that has no") {
		t.Errorf("on a phone it is only said: %q", faults)
	}
}
