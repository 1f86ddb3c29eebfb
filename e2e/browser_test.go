package e2e

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
)

// tab is a page in a real Chromium.
type tab struct {
	t   *testing.T
	w   *world
	ctx context.Context
	bad []string // console errors, such as violations of the CSP
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
	chromedp.ListenTarget(ctx, func(ev any) {
		if e, ok := ev.(*cdpruntime.EventExceptionThrown); ok {
			b.bad = append(b.bad, e.ExceptionDetails.Error())
		}
	})
	b.do(network.Enable(), security.Enable())
	return b
}

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var where, body string
		short, stop := context.WithTimeout(b.ctx, 5*time.Second)
		defer stop()
		_ = chromedp.Run(short, chromedp.Location(&where), chromedp.Text("main", &body, chromedp.ByQuery))
		b.t.Fatalf("%v at %s:\n%s", err, where, body)
	}
}

func (b *tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url), chromedp.WaitVisible("main"))
}

// click clicks and waits until the page has changed its address or its text.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.ScrollIntoView(selector, chromedp.ByQuery), chromedp.Click(selector, chromedp.ByQuery))
}

func (b *tab) path() string {
	b.t.Helper()
	var p string
	b.do(chromedp.Evaluate("location.pathname", &p))
	return p
}

func (b *tab) text() string {
	b.t.Helper()
	var s string
	b.do(chromedp.Evaluate("document.querySelector('main')?.innerText ?? ''", &s))
	return s
}

func (b *tab) waitPath(prefix string) {
	b.t.Helper()
	eventually(b.t, time.Minute, "the page "+prefix, func() bool { return strings.HasPrefix(b.path(), prefix) })
	b.do(chromedp.WaitReady("main"))
}

// answer puts values into the fields that the page has.
func (b *tab) answer(values map[string]string) {
	b.t.Helper()
	for name, value := range values {
		b.do(chromedp.Evaluate(setField(name, value), nil))
	}
}

// setField is the script that answers one field as a person would: a radio
// button by its value, anything else by typing.
func setField(name, value string) string {
	q := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`).Replace(s) + "'" }
	return `(() => { for (const e of document.getElementsByName(` + q(name) + `)) {
		if (e.type === 'radio') { if (e.value === ` + q(value) + `) e.click(); continue }
		e.value = ` + q(value) + `; e.dispatchEvent(new Event('change', {bubbles: true})) } })()`
}

// wizard starts a workflow from the guide and goes through its pages.
func (b *tab) wizard(workflow string, s site, answers map[string]map[string]string) {
	b.t.Helper()
	b.open(b.w.url("/deployments/" + s.deployment))
	b.click(`form[action="/drafts"]:has(input[name="workflow"][value="` + workflow + `"]):has(input[name="site"][value="` + s.site + `"]) button`)
	b.waitPath("/drafts/")
	for range 12 {
		path := b.path()
		if strings.HasSuffix(path, "/review") {
			b.start()
			return
		}
		page := path[strings.LastIndex(path, "/")+1:]
		b.answer(answers[page])
		b.click(`button[name="action"][value="next"]`)
		eventually(b.t, time.Minute, "the page after "+path+"\n"+b.text(), func() bool { return b.path() != path })
		b.do(chromedp.WaitReady("main"))
	}
	b.t.Fatal("the wizard never ends")
}

// start waits for the live checks and starts the run.
func (b *tab) start() {
	b.t.Helper()
	eventually(b.t, time.Minute, "the start button is free", func() bool {
		var free bool
		b.do(chromedp.Evaluate(`!!document.querySelector('form[action$="/start"] button:not([disabled]):not([aria-disabled="true"])')`, &free))
		return free
	})
	b.click(`form[action$="/start"] button`)
	b.waitPath("/runs/")
}

// succeeded waits on the run's page, which lives by its socket, for the end.
func (b *tab) succeeded() {
	b.t.Helper()
	eventually(b.t, 4*time.Minute, "the run ends", func() bool {
		s := b.text()
		return strings.Contains(s, "Succeeded") || strings.Contains(s, "What to do")
	})
	if s := b.text(); !strings.Contains(s, "Succeeded") {
		b.t.Fatalf("the run failed:\n%s", s)
	}
}

// takeSession lets the HTTP client go on as the person in the browser.
func (b *tab) takeSession() {
	b.t.Helper()
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		cookies, err := network.GetCookies().Do(ctx)
		if err != nil {
			return err
		}
		req, err := http.NewRequest(http.MethodGet, b.w.url("/"), nil)
		if err != nil {
			return err
		}
		var list []*http.Cookie
		for _, c := range cookies {
			list = append(list, &http.Cookie{Name: c.Name, Value: c.Value, Path: "/"})
		}
		b.w.client.Jar.SetCookies(req.URL, list)
		return nil
	}))
}
