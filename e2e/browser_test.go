package e2e

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// tab is a page in a real Chromium.
type tab struct {
	t   *testing.T
	w   *world
	ctx context.Context
	// bare says that no script runs in the pages: nothing moves by itself.
	bare bool
}

func (w *world) browser() *tab {
	w.t.Helper()
	path := os.Getenv("CHROMIUM")
	if path == "" {
		var err error
		if path, err = exec.LookPath("chromium"); err != nil {
			w.t.Fatal("Chromium is missing: install the package chromium, or name it in CHROMIUM")
		}
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(w.t.TempDir()), chromedp.WindowSize(1280, 1000),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	w.t.Cleanup(func() { cancel(); cancelAlloc() })
	b := &tab{t: w.t, w: w, ctx: ctx}
	// The browser lives as long as the context of its first call.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		w.t.Fatalf("starting Chromium: %v", err)
	}
	return b
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%v at %s:\n%s", err, evaluate[string](b, "location.href"), evaluate[string](b, "document.body.innerText"))
	}
}

// evaluate asks the page. While it is being replaced the zero value comes back.
func evaluate[T any](b *tab, script string) T {
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	v, _ := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	return v
}

func (b *tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
	b.waitFor("main")
}

// waitFor waits until the page shows what a selector finds.
func (b *tab) waitFor(selector string) {
	b.t.Helper()
	eventually(b.t, time.Minute, "on the page: "+selector, func() bool {
		return evaluate[bool](b, "document.readyState !== 'loading' && !!document.querySelector("+quoted(selector)+")?.checkVisibility()")
	})
}

// click presses what a selector finds.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.clickOn("document.querySelector("+quoted(selector)+")", selector)
}

// clickOn presses with the mouse on the element that a script finds, once it
// can be seen and nothing covers it. A live page may replace or move its
// elements at any moment: it is found again at every try, and a click that met
// something else is repeated.
func (b *tab) clickOn(find, what string) {
	b.t.Helper()
	type point struct{ X, Y float64 }
	eventually(b.t, time.Minute, "something to press: "+what, func() bool {
		at := evaluate[*point](b, `(() => {
			const find = () => (`+find+`)
			const e = find()
			e?.scrollIntoView({block: 'center', inline: 'nearest', behavior: 'instant'})
			const r = e?.getClientRects()[0]
			if (!r) return null
			const p = {X: r.x + r.width / 2, Y: r.y + r.height / 2}
			if (!e.contains(document.elementFromPoint(p.X, p.Y))) return null
			sessionStorage.removeItem('met')
			document.addEventListener('click', c => sessionStorage.setItem('met', find()?.contains(c.target) ? 'it' : 'another'), {capture: true, once: true})
			return p
		})()`)
		if at == nil {
			return false
		}
		b.do(chromedp.MouseClickXY(at.X, at.Y))
		if b.bare {
			return true
		}
		met := ""
		for wait := time.Now().Add(5 * time.Second); met == "" && time.Now().Before(wait); {
			time.Sleep(10 * time.Millisecond)
			met = evaluate[string](b, "sessionStorage.getItem('met') ?? ''")
		}
		return met == "it"
	})
}

func (b *tab) path() string { return evaluate[string](b, "location.pathname") }

func (b *tab) text() string {
	return evaluate[string](b, "document.querySelector('main')?.innerText ?? ''")
}

func (b *tab) waitPath(prefix string) {
	b.t.Helper()
	eventually(b.t, time.Minute, "the page "+prefix, func() bool { return strings.HasPrefix(b.path(), prefix) })
	b.waitFor("main")
}

// pushes clicks on the link or button that has these words.
func (b *tab) pushes(words string) {
	b.t.Helper()
	b.clickOn(`[...document.querySelectorAll('main a, main button')].find(e => {
		const said = e.innerText.replace(/\s+/g, ' ').trim()
		return said === `+quoted(words)+` || said.startsWith(`+quoted(words+" ")+`)
	})`, words)
}

// another is a second tab of the same browser.
func (b *tab) another() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		b.t.Fatalf("a second tab: %v", err)
	}
	return &tab{t: b.t, w: b.w, ctx: ctx}
}

// answer puts values into the fields that the page has.
func (b *tab) answer(values map[string]string) {
	b.t.Helper()
	for name, value := range values {
		evaluate[any](b, setField(name, value))
	}
}

// types puts a value into a field by the keyboard, in place of what is there.
func (b *tab) types(name, value string) {
	b.t.Helper()
	field := `[name="` + name + `"]`
	b.do(chromedp.Focus(chromedp.CSS(field)))
	evaluate[any](b, `document.querySelector(`+quoted(field)+`).select()`)
	b.do(chromedp.SendKeys(chromedp.CSS(field), value))
}

// setField is the script that answers one field as a person would: a radio
// button by its value, anything else by typing.
func setField(name, value string) string {
	return `(() => { for (const e of document.getElementsByName(` + quoted(name) + `)) {
		if (e.type === 'radio') { if (e.value === ` + quoted(value) + `) e.click(); continue }
		e.value = ` + quoted(value) + `; e.dispatchEvent(new Event('change', {bubbles: true})) } })()`
}

// quoted is a text as a script writes it.
func quoted(text string) string { return strconv.Quote(text) }

// wizard starts a workflow from the guide and goes through its pages.
func (b *tab) wizard(workflow string, s site, answers map[string]map[string]string) {
	b.t.Helper()
	b.open(b.w.url("/deployments/" + s.deployment))
	b.click(`form[action="/drafts"]:has(input[name="workflow"][value="` + workflow + `"]):has(input[name="site"][value="` + s.site + `"]) button`)
	b.goThrough(answers)
}

// goThrough answers the pages of the wizard that opens now and starts its run.
func (b *tab) goThrough(answers map[string]map[string]string) {
	b.t.Helper()
	b.toReview(answers)
	b.start()
}

// toReview answers the pages of the wizard that opens now.
func (b *tab) toReview(answers map[string]map[string]string) {
	b.t.Helper()
	b.waitPath("/drafts/")
	for range 12 {
		path := b.path()
		if strings.HasSuffix(path, "/review") {
			return
		}
		page := path[strings.LastIndex(path, "/")+1:]
		b.answer(answers[page])
		b.click(`button.primary[name="action"][value="next"]`)
		eventually(b.t, time.Minute, "the page after "+path+"\n"+b.text(), func() bool { return b.path() != path })
		b.waitFor("main")
	}
	b.t.Fatal("the wizard never ends")
}

// start waits for the live checks and starts the run.
func (b *tab) start() {
	b.t.Helper()
	defer func() {
		if b.t.Failed() {
			b.t.Logf("the review:\n%s", b.text())
		}
	}()
	eventually(b.t, time.Minute, "the start button is free", func() bool {
		return evaluate[bool](b, `!!document.querySelector('form[action$="/start"] button:not([disabled]):not([aria-disabled="true"])')`)
	})
	b.click(`form[action$="/start"] button`)
	b.waitPath("/runs/")
}

// succeeded waits on the run's page, which lives by its socket, for the end.
func (b *tab) succeeded() {
	b.t.Helper()
	status := ""
	eventually(b.t, 8*time.Minute, "the run ends", func() bool {
		status = evaluate[string](b, `document.getElementById('run-panel')?.dataset.status ?? ''`)
		return status == "succeeded" || status == "failed" || status == "cancelled"
	})
	if status != "succeeded" {
		b.t.Fatalf("the run %s:\n%s", status, b.text())
	}
}
