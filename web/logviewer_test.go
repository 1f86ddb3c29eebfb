package web_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"hubwright/web/run"
	"hubwright/workflows"
)

const (
	loaded    = `performance.getEntriesByName("log-loaded").length > 0`
	lineCount = `[...document.querySelectorAll("#log-view .chunk")].reduce((n, c) => n + (c.matches(".plain") ? c.textContent.split("\n").length : c.childElementCount), 0)`
	inView    = `(() => { const l = document.getElementById("L%d"); if (!l) return false; const b = document.getElementById("log-view").getBoundingClientRect(), r = l.getBoundingClientRect(); return r.top >= b.top - 1 && r.bottom <= b.bottom + 1 })()`
	reveal    = `(document.getElementById("log-view").scrollTop += getSelection().getRangeAt(0).getBoundingClientRect().top - 450, true)` // as the browser's search does
)

const longLog = 100_000

func TestLongLogIsWhole(t *testing.T) {
	s, ctx := newLogServer(t, longLog), tab(t)
	do(t, ctx, chromedp.Navigate(s.url+"/runs/r1"))
	until(t, ctx, loaded)
	if n := eval[int](t, ctx, lineCount); n != longLog {
		t.Errorf("%d lines are in the page, want %d", n, longLog)
	}
	until(t, ctx, fmt.Sprintf(inView, longLog))
	rest(t, ctx)
	// The browser's own search finds a line in the middle, which was never
	// drawn. It stays selected when the line gets its number and its colours.
	const needle = "needle 49850: QuotaExceeded"
	if !eval[bool](t, ctx, fmt.Sprintf(`window.find(%q)`, needle)) {
		t.Error("the browser's search does not find line 49850")
	}
	eval[bool](t, ctx, reveal)
	until(t, ctx, fmt.Sprintf(inView, 49850))
	if got := eval[string](t, ctx, `getSelection().toString() + " in " + getSelection().anchorNode.parentElement.closest(".l").id`); got != needle+" in L49850" {
		t.Errorf("selected is %q", got)
	}
	// Far lines have their numbers and colours when they come on the screen.
	for _, n := range []int{777, 99_123} {
		do(t, ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`location.hash = "#L%d"`, n)))
		until(t, ctx, fmt.Sprintf(inView, n))
		until(t, ctx, fmt.Sprintf(`document.querySelector("#L%d span.a-6")?.textContent === "INFO" && document.getElementById("L%d").dataset.t.length === 8`, n+1, n-1))
	}
	inOrder(t, ctx)
}

// rest lets the page draw until nothing of its own accord moves any more.
func rest(t *testing.T, ctx context.Context) {
	t.Helper()
	eval[bool](t, ctx, `(async () => { for (let i = 0; i < 20; i++) await new Promise(requestAnimationFrame); return true })()`)
}

// While the browser's search has the focus, what it found is left as it is.
func TestLogLeavesWhatTheBrowserFound(t *testing.T) {
	s, ctx := newLogServer(t, 20_000), tab(t)
	do(t, ctx, chromedp.Navigate(s.url+"/runs/r1"))
	until(t, ctx, loaded)
	until(t, ctx, fmt.Sprintf(inView, 20_000))
	rest(t, ctx)
	plain := `getSelection().anchorNode.parentElement.matches(".chunk.plain")`
	eval[bool](t, ctx, `(document.hasFocus = () => false, performance.now = () => 1e9, window.find("needle 9970: QuotaExceeded"))`)
	eval[bool](t, ctx, reveal)
	rest(t, ctx)
	if !eval[bool](t, ctx, plain) {
		t.Error("the text in which the browser found something was taken from under it")
	}
	eval[bool](t, ctx, `(window.dispatchEvent(new Event("focus")), true)`)
	until(t, ctx, "!"+plain)
	if got := eval[string](t, ctx, `getSelection().toString()`); got != "needle 9970: QuotaExceeded" {
		t.Errorf("selected is %q", got)
	}
}

// stopwatch tells when all is there and painted, in ms since the click.
const stopwatch = `(() => {
  const there = () => document.querySelector("pre") ? document.readyState === "complete" : performance.getEntriesByName("log-loaded").length > 0;
  const look = () => there()
    ? requestAnimationFrame(() => setTimeout(() => (window.opened = performance.now())))
    : setTimeout(look, 5);
  look();
})()`

// BenchmarkOpenLog opens 100,000 lines, until all are there and painted, and
// says how that compares with a page that is nothing but the lines in a <pre>,
// in the same browser.
func BenchmarkOpenLog(b *testing.B) {
	s, ctx := newLogServer(b, longLog), tab(b)
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: stopwatch}); err != nil {
		b.Fatal(err)
	}
	var ours, flat []float64
	open := func(path string) float64 {
		do(b, ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+path))
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for late := time.Now().Add(time.Minute); time.Now().Before(late); <-tick.C {
			// Until the new page is there, the question fails.
			if ms, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`window.opened ?? 0`)); err == nil && ms > 0 {
				return ms
			}
		}
		b.Fatalf("%s did not open", path)
		return 0
	}
	for b.Loop() {
		for range 3 {
			ours = append(ours, open("/runs/r1"))
			flat = append(flat, open("/flat"))
		}
	}
	slices.Sort(ours)
	slices.Sort(flat)
	middle := len(ours) / 2
	b.ReportMetric(ours[middle], "ms/open")
	b.ReportMetric(ours[middle]/flat[middle], "x-flat-pre")
	b.ReportMetric(0, "ns/op")
}

func TestLogLinks(t *testing.T) {
	s, ctx := newLogServer(t, 30_000), tab(t)
	do(t, ctx, chromedp.Navigate(s.url+"/runs/r1#L12345"))
	until(t, ctx, loaded)
	until(t, ctx, fmt.Sprintf(inView, 12345))
	if got := eval[string](t, ctx, `document.querySelector(".l.here").id`); got != "L12345" {
		t.Errorf("%s is marked", got)
	}
	// A link to a step opens its part, and stops following.
	eval[bool](t, ctx, `(document.querySelector(".part").open = false, true)`)
	do(t, ctx, chromedp.Click(chromedp.CSS(`#run-panel a[href="#L1"]`)))
	until(t, ctx, fmt.Sprintf(inView, 1))
	s.grow(5)
	until(t, ctx, lineCount+" === 30005")
	if !eval[bool](t, ctx, fmt.Sprintf(inView, 1)) {
		t.Error("a new line took the reader away from line 1")
	}
	if got := eval[string](t, ctx, `document.getElementById("L2").textContent`); !strings.Contains(got, "is <still> being") {
		t.Errorf("line 2 reads %q", got)
	}
	if got := eval[string](t, ctx, `document.querySelector("#L2 span").className`); got != "a-6" {
		t.Errorf("the colour of line 2 is %q", got)
	}
	eval[bool](t, ctx, `window.dispatchEvent(new Event("beforeprint"))`)
	if n := eval[int](t, ctx, `document.querySelectorAll("#log-view .l").length`); n != 30_005 {
		t.Errorf("of %d lines, %d are printed as lines", 30_005, n)
	}
}

func TestLogFollowsAndStops(t *testing.T) {
	s, ctx := newLogServer(t, 3000), tab(t)
	do(t, ctx, chromedp.Navigate(s.url+"/runs/r1"))
	until(t, ctx, `document.getElementById("log-badge").textContent === "Live"`)
	s.grow(300)
	until(t, ctx, lineCount+" === 3300")
	until(t, ctx, fmt.Sprintf(inView, 3300))

	wheel := `(() => { const v = document.getElementById("log-view"); v.dispatchEvent(new WheelEvent("wheel")); v.scrollTop -= 900 })()`
	do(t, ctx, chromedp.Evaluate[chromedp.Void](wheel))
	until(t, ctx, `document.getElementById("log-follow").ariaPressed === "false"`)
	s.grow(100)
	until(t, ctx, lineCount+" === 3400")
	if eval[bool](t, ctx, fmt.Sprintf(inView, 3400)) {
		t.Error("the log follows though the reader scrolled up")
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#log-end")))
	until(t, ctx, fmt.Sprintf(inView, 3400))
	s.grow(10)
	until(t, ctx, lineCount+" === 3410")
	until(t, ctx, fmt.Sprintf(inView, 3410))
}

func TestLogReconnectsFromItsCursor(t *testing.T) {
	s, ctx := newLogServer(t, 2500), tab(t)
	do(t, ctx, chromedp.Navigate(s.url+"/runs/r1"))
	until(t, ctx, `document.getElementById("log-badge").textContent === "Live"`)
	if got := s.lastCursor(); got != 2500 {
		t.Errorf("the socket began after line %d, want 2500", got)
	}
	for i := range 3 {
		s.grow(10)
		until(t, ctx, fmt.Sprintf(lineCount+" === %d", 2510+i*20))
		if i == 1 {
			s.cutInFrame()
		} else {
			s.cut()
		}
		until(t, ctx, `document.getElementById("log-badge").textContent === "Reconnecting"`)
		s.grow(10) // nobody hears it
		until(t, ctx, fmt.Sprintf(lineCount+" === %d", 2520+i*20))
		until(t, ctx, `document.getElementById("log-badge").textContent === "Live"`)
		if got, want := s.lastCursor(), 2510+i*20; got != want {
			t.Errorf("the socket went on after line %d, want %d", got, want)
		}
	}
	inOrder(t, ctx)
}

// inOrder says whether the page has each line once, in order, whether it was
// drawn yet or not.
func inOrder(t *testing.T, ctx context.Context) {
	t.Helper()
	if !eval[bool](t, ctx, `[...document.querySelectorAll("#log-view .chunk")]
		.flatMap(c => c.matches(".plain") ? c.textContent.split("\n") : [...c.children].map(l => l.textContent))
		.every((text, i) => {
			const n = i + 1;
			if (n % 997 === 0) return text === "needle " + n + ": QuotaExceeded";
			return n % 50 === 0 ? text === "Part " + n / 50 : text.endsWith("being made, line " + n);
		})`) {
		t.Error("a line is missing, double or out of order")
	}
}

// watchdog puts the page's long timers into the test's hand: bite is what is
// done when nothing was heard for long, armed how often that was put off.
const watchdog = `(() => {
  const real = window.setTimeout;
  window.armed = 0;
  window.setTimeout = (f, ms, ...rest) => {
    if (ms < 40000) return real(f, ms, ...rest);
    window.armed++;
    window.bite = f;
    return 0;
  };
})()`

// A connection can die without a word to either side. The pings that stay away
// tell the page, which goes on from its cursor.
func TestLogNoticesASilentSocket(t *testing.T) {
	s, ctx := newLogServer(t, 50), tab(t)
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchdog}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate(s.url+"/runs/r1"))
	until(t, ctx, `document.getElementById("log-badge").textContent === "Live"`)
	armed := eval[int](t, ctx, `armed`)
	s.send(map[string]any{"ping": 1})
	until(t, ctx, fmt.Sprintf(`armed === %d`, armed+1))
	s.freeze()
	s.grow(10) // nobody hears it
	if !eval[bool](t, ctx, `(bite(), document.getElementById("log-badge").textContent === "Reconnecting")`) {
		t.Error("the page does not say that it connects again")
	}
	until(t, ctx, `document.getElementById("log-badge").textContent === "Live"`)
	until(t, ctx, lineCount+" === 60")
	if got := s.lastCursor(); got != 50 {
		t.Errorf("the socket went on after line %d, want 50", got)
	}
	s.grow(5)
	until(t, ctx, lineCount+" === 65")
	inOrder(t, ctx)
}

func TestLogPollsWithoutSocket(t *testing.T) {
	s, ctx := newLogServer(t, 100), tab(t)
	s.setRefuse(true)
	do(t, ctx, chromedp.Navigate(s.url+"/runs/r1"))
	until(t, ctx, `document.getElementById("log-badge").textContent === "Polling"`)
	s.grow(4500) // more than one poll brings
	until(t, ctx, lineCount+" === 4600")
	s.mu.Lock()
	s.ended, s.props.Run.Status, s.props.CanCancel = true, workflows.RunSucceeded, false
	s.props.Result = &workflows.Result{Headline: "The cluster on Orlando runs."}
	s.mu.Unlock()
	until(t, ctx, `document.getElementById("log-badge").textContent === "Complete"`)
	until(t, ctx, `document.querySelector(".result h2")?.textContent === "The cluster on Orlando runs."`)
	until(t, ctx, `document.title.startsWith("Succeeded: Deploy")`)
}

func TestPanelIsMorphed(t *testing.T) {
	s, ctx := newLogServer(t, 200), tab(t)
	do(t, ctx, chromedp.Navigate(s.url+"/runs/r1"))
	until(t, ctx, `document.getElementById("log-badge").textContent === "Live"`)
	// What has the focus keeps it, and the log is the same element still.
	eval[bool](t, ctx, `(document.querySelector("#run-panel .btn.danger").focus(), window.sameLog = document.getElementById("log"), true)`)
	s.change(t, func(p *run.Props) { p.Run.Percent, p.Run.Doing = 64, "20 of 29 resources" })
	until(t, ctx, `document.querySelector("#run-panel .pill").textContent === "Running 64 %"`)
	if !eval[bool](t, ctx, `document.activeElement.matches(".btn.danger") && window.sameLog === document.getElementById("log")`) {
		t.Error("the panel's news took the focus or the log")
	}
	if got := eval[string](t, ctx, `document.title`); got != "64 % Deploy the cluster on Orlando · Hubwright" {
		t.Errorf("the title is %q", got)
	}
	s.change(t, func(p *run.Props) {
		p.Run.Status, p.CanCancel, p.CanRetry = workflows.RunFailed, false, true
		p.Run.Problem = &workflows.Problem{Code: "arm.QuotaExceeded", What: "The quota is used up.", Fix: "Ask for more.", Detail: "{}"}
	})
	until(t, ctx, `document.querySelector(".problem h2")?.textContent === "The quota is used up."`)
	if got := eval[string](t, ctx, `document.getElementById("favicon").getAttribute("href")`); !strings.Contains(got, "icon-bad") {
		t.Errorf("the favicon is %s", got)
	}
	// An opened part stays open when the panel comes again.
	eval[bool](t, ctx, `(document.querySelector(".problem details").open = true)`)
	s.change(t, func(p *run.Props) { p.Run.Attempt = 2 })
	until(t, ctx, `document.querySelector(".meta").textContent.includes("attempt 2")`)
	if !eval[bool](t, ctx, `document.querySelector(".problem details").open`) {
		t.Error("what the reader opened was closed again")
	}
	s.send(map[string]any{"ended": true})
	until(t, ctx, `document.getElementById("log-badge").textContent === "Complete"`)
}

func TestLogSearchAndKeys(t *testing.T) {
	s, ctx := newLogServer(t, 10_000), tab(t)
	do(t, ctx, chromedp.Navigate(s.url+"/runs/r1"))
	until(t, ctx, loaded)
	do(t, ctx, chromedp.KeyEvent("/"))
	if got := eval[string](t, ctx, `document.activeElement.id`); got != "log-search" {
		t.Fatalf("/ leads to %q", got)
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.activeElement.value = ""`), chromedp.KeyEvent("needle"))
	until(t, ctx, `document.getElementById("log-hits").textContent.endsWith("of 10")`)
	until(t, ctx, `document.querySelector(".l.hit") && CSS.highlights.get("log-hit").size === 1`)
	eval[bool](t, ctx, `(document.getElementById("log-view").focus(), true)`)
	first := eval[string](t, ctx, `document.querySelector(".l.hit").id`)
	do(t, ctx, chromedp.KeyEvent("n"))
	until(t, ctx, fmt.Sprintf(`document.querySelector(".l.hit").id !== %q`, first))
	do(t, ctx, chromedp.KeyEvent("p"))
	until(t, ctx, fmt.Sprintf(`document.querySelector(".l.hit").id === %q`, first))
	do(t, ctx, chromedp.Click(chromedp.CSS("#log-first-error")))
	until(t, ctx, fmt.Sprintf(inView, 997))
	do(t, ctx, chromedp.Click(chromedp.CSS("#log-wrap")), chromedp.Click(chromedp.CSS("#log-times")))
	if got := eval[string](t, ctx, `document.getElementById("log-view").className`); got != "log" {
		t.Errorf("times and wrap are off, but the classes are %q", got)
	}
}

// On a phone the log begins below the fold, where nothing of it is drawn yet.
func TestLogBelowTheFold(t *testing.T) {
	s := newLogServer(t, 90)
	open := func(hash string) context.Context {
		ctx := tab(t)
		do(t, ctx, chromedp.EmulateViewport(390, 330), chromedp.Navigate(s.url+"/runs/r1"+hash))
		until(t, ctx, loaded)
		return ctx
	}
	ctx := open("")
	eval[bool](t, ctx, `new Promise(done => { let n = 20; const frame = () => n-- ? requestAnimationFrame(frame) : done(true); frame() })`)
	do(t, ctx, chromedp.Evaluate[chromedp.Void]("scrollTo(0, document.body.scrollHeight)"))
	until(t, ctx, fmt.Sprintf(inView, 90))

	ctx = open("#L45")
	until(t, ctx, fmt.Sprintf(inView, 45))
	until(t, ctx, `(r => r.top >= 0 && r.bottom <= innerHeight)(document.getElementById("L45").getBoundingClientRect())`)
}
