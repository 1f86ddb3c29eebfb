package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestWithoutMouseOrScripts prepares one Site with the keyboard alone, and the
// other one in a browser that runs no scripts.
func TestWithoutMouseOrScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "60")
	w.setUp()
	sites := w.sites()
	b := w.browser()
	t.Run("keyboard", func(t *testing.T) { b.checkKeyboard(t, sites["Orlando"]) })
	t.Run("no scripts", func(t *testing.T) { b.checkWithoutScripts(t, sites["Seattle"]) })
}

func (b *tab) press(keys string) { b.t.Helper(); b.do(chromedp.KeyEvent(keys)) }

func (b *tab) pressBack() {
	b.t.Helper()
	b.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
}

// paste puts text where the focus is, as Ctrl+V does.
func (b *tab) paste(text string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, input.InsertText, input.InsertTextParams{Text: text}); err != nil {
		b.t.Fatal(err)
	}
}

// focusStop is what a person sees of the element that has the focus.
const focusStop = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return {What: ''};
	if (e === window.lastStop) return {What: e.outerHTML.slice(0, 160), Faults: []}; // a part of one control, which the browser draws
	const faults = [];
	let ring = e, seen = false;
	for (let i = 0; ring && i < 3; i++, ring = ring.parentElement) {
		const s = getComputedStyle(ring);
		if (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 && ring.matches(':focus, :has(:focus)')) seen = true;
	}
	if (!seen) faults.push('no outline');
	const r = e.getBoundingClientRect(), x = r.left + r.width / 2, y = r.top + Math.min(r.height, innerHeight) / 2;
	if (r.width < 2 || r.height < 2) faults.push('has no size');
	else if (x < 0 || y < 0 || x > innerWidth || y > innerHeight) faults.push('is out of sight');
	else {
		const hit = document.elementFromPoint(x, y);
		if (hit && !e.contains(hit) && !hit.contains(e) && hit.closest('label') !== e.closest('label')) faults.push('is hidden behind ' + hit.outerHTML.slice(0, 120));
	}
	if (e.tabIndex > 0) faults.push('jumps the queue');
	const last = window.lastStop;
	if (last?.isConnected && !(last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)) faults.push('comes before ' + last.outerHTML.slice(0, 120));
	window.lastStop = e;
	return {What: e.outerHTML.slice(0, 160), Faults: faults};
})()`

type focusSeen struct {
	What   string
	Faults []string
}

// tabTo presses Tab until the focus is on the element. Each stop on the way
// must be visible and behind the one before.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	evaluate[any](b, "window.lastStop = undefined")
	var way []string
	for range 90 {
		b.press(kb.Tab)
		b.frames()
		s := evaluate[focusSeen](b, focusStop)
		way = append(way, s.What)
		for _, f := range s.Faults {
			b.t.Errorf("%s: the focus on %s %s", b.path(), s.What, f)
		}
		if evaluate[bool](b, "document.activeElement.matches("+quoted(selector)+")") {
			return
		}
	}
	b.t.Fatalf("%s: Tab never reaches %s:\n%s", b.path(), selector, strings.Join(way, "\n"))
}

func (b *tab) focused(script string) string {
	return evaluate[string](b, "String(document.activeElement."+script+")")
}

func (b *tab) checkKeyboard(t *testing.T, s site) {
	b.t = t
	b.open(b.w.url("/login"))
	b.press(kb.Tab)
	if f := b.focused("textContent"); f != "Skip to the content" {
		t.Errorf("the first Tab leads to %q", f)
	}
	b.press(kb.Enter)
	b.tabTo(`input[name="name"]`)
	b.press(adminName)
	b.tabTo(`input[name="password"]`)
	b.press(adminPassword + kb.Enter)
	b.waitPath("/deployments/")

	b.checkMenu(t)
	b.checkFaultsAreSeen(t)
	b.tabTo(`form[action="/drafts"]:has(input[name="workflow"][value="helper-vm"]):has(input[name="site"][value="` + s.site + `"]) button`)
	b.press(kb.Enter)
	b.fillHost(t)
	b.waitPath("/drafts/")
	eventually(t, time.Minute, "the checks free the start", func() bool {
		return evaluate[bool](b, `!!document.querySelector('form[action$="/start"] button:not([disabled])')`)
	})
	b.tabTo(`form[action$="/start"] button`)
	b.press(kb.Enter)
	b.waitPath("/runs/")
	b.succeeded()
	b.tabTo("#log-view")
	b.tabTo("#log-view summary")
	open := evaluate[bool](b, "document.activeElement.parentElement.open")
	b.press(" ")
	eventually(t, 10*time.Second, "a step of the log folds", func() bool {
		return evaluate[bool](b, "document.activeElement.parentElement.open") != open
	})
}

// checkMenu opens the person's menu and closes it with Escape.
func (b *tab) checkMenu(t *testing.T) {
	b.tabTo("details.menu > summary")
	b.press(kb.Enter)
	b.press(kb.Tab)
	if !evaluate[bool](b, "document.activeElement === document.querySelector('details.menu a')") {
		t.Errorf("Tab in the open menu leads to %s", b.focused("outerHTML"))
	}
	b.press(kb.Escape)
	if evaluate[bool](b, "document.querySelector('details.menu').open") || b.focused("localName") != "summary" {
		t.Error("Escape does not close the menu, or loses the focus")
	}
}

// checkFaultsAreSeen makes the focus invisible and out of order, and looks.
func (b *tab) checkFaultsAreSeen(t *testing.T) {
	evaluate[any](b, `document.styleSheets[0].insertRule('*:focus { outline: none !important }', document.styleSheets[0].cssRules.length)`)
	evaluate[any](b, `window.lastStop = document.querySelector('main').lastElementChild`)
	b.pressBack()
	b.frames()
	s := evaluate[focusSeen](b, focusStop)
	if seen := strings.Join(s.Faults, ", "); !strings.Contains(seen, "no outline") || !strings.Contains(seen, "comes before") {
		t.Errorf("planted faults were not seen: %+v", s)
	}
	b.open(b.w.url(b.path()))
}

// fillHost answers the pages for an existing host and goes to the review.
func (b *tab) fillHost(t *testing.T) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(b.w.dir, "sandbox", "jump01.key"))
	if err != nil {
		t.Fatal(err)
	}
	b.waitPath("/drafts/")
	b.tabTo(`input[name="kind"]`)
	b.press(kb.ArrowDown)
	if v := b.focused("value"); v != "existing" {
		t.Errorf("the arrow chose %s", v)
	}
	b.next(t)
	host, port := b.w.jumpHost()
	for _, f := range [][2]string{{"address", host}, {"port", port}, {"user", "azureuser"}, {"key", string(key)}} {
		b.tabTo(`[name="` + f[0] + `"]`)
		b.press(kb.Delete) // Tab has selected what was there
		b.paste(f[1])
	}
	for !strings.HasSuffix(b.path(), "/review") && !t.Failed() {
		b.next(t)
	}
}

// next presses the page's main button with Enter.
func (b *tab) next(t *testing.T) {
	t.Helper()
	path := b.path()
	b.tabTo(`#wizard-form .actions button.primary[name="action"]`)
	b.press(kb.Enter)
	eventually(t, time.Minute, "the page after "+path, func() bool { return b.path() != path })
	b.waitFor("main")
}

// checkWithoutScripts takes the same way as everybody, without a script.
func (b *tab) checkWithoutScripts(t *testing.T, s site) {
	b.t = t
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.bare = true
	b.wizard("helper-vm", s, nil)
	if !strings.Contains(b.text(), "loads itself again") {
		t.Errorf("the run's page does not say how it moves:\n%s", b.text())
	}
	b.succeeded()
	if lines := evaluate[int](b, "document.querySelectorAll('#log-view .l').length"); lines < 10 {
		t.Errorf("the run's page shows %d lines:\n%s", lines, b.text())
	}
	if evaluate[bool](b, "!!document.querySelector('meta[http-equiv=refresh]')") {
		t.Error("the page of a run that ended loads itself for ever")
	}

	// A tick is kept, and so is its absence.
	b.open(b.w.url("/deployments/" + s.deployment))
	b.click(`form[action="/drafts"]:has(input[name="workflow"][value="helper-vm"]):has(input[name="site"][value="` + s.site + `"]) button`)
	b.waitPath("/drafts/")
	page := b.path()
	for _, ticked := range []bool{true, false} {
		b.click(`input[name="forget"][type="checkbox"]`)
		b.click(`button.primary[name="action"][value="next"]`)
		eventually(t, time.Minute, "the next page", func() bool { return b.path() != page })
		b.open(b.w.url(page))
		if got := evaluate[bool](b, `document.querySelector('input[name="forget"]').checked`); got != ticked {
			t.Errorf("the box is ticked: %v, not %v", got, ticked)
		}
	}
}
