package e2e

import (
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// anotherTab is a second page in the same browser.
func (b *tab) anotherTab() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	// The tab lives as long as the context of its first call.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		b.t.Fatal(err)
	}
	return &tab{t: b.t, w: b.w, ctx: ctx}
}

// boardFollows goes from a run that has just begun to the guide, and to the
// list of runs in another tab. Both tell of the run until it has succeeded,
// without a reload, and leave focus and place where the person has them.
func (b *tab) boardFollows(s site, row int) {
	b.t.Helper()
	run := b.path()
	list := b.anotherTab()
	list.open(b.w.url("/runs"))
	b.click(`.crumbs a[href^="/deployments/"]`)
	b.waitPath("/deployments/")
	cell := `document.getElementById("cell-` + strconv.Itoa(row) + "-" + s.site + `").innerText`
	line := `document.querySelector('#runs tr:has(a[href="` + run + `"])').innerText`
	const held = `JSON.stringify([window.held, scrollY, document.activeElement.textContent.trim()])`
	hold := func(x *tab, selector string) string {
		eventually(b.t, 20*time.Second, "the page is live", func() bool { return evaluate[string](x, `document.getElementById("live-badge").textContent`) == "Live" })
		return evaluate[string](x, `window.held = "since it was opened"; document.querySelector('`+selector+`').focus(); scrollTo(0, 60); `+held)
	}
	onBoard, onList := hold(b, `.group ~ tr .cell a`), hold(list, `#runs td a`)
	if c, l := evaluate[string](b, cell), evaluate[string](list, line); !strings.Contains(c, "Running") || !strings.Contains(l, "Running") {
		b.t.Fatalf("while %s goes on, the board says %q and the list %q", run, c, l)
	}
	for page, words := range map[*tab]string{b: cell, list: line} {
		was := evaluate[string](page, words)
		eventually(b.t, time.Minute, "the run goes on in "+words, func() bool { return evaluate[string](page, words) != was })
	}
	eventually(b.t, 4*time.Minute, "the board says that it is done", func() bool {
		c := evaluate[string](b, cell)
		if strings.Contains(c, "Failed") {
			b.t.Fatalf("the run failed: %s", c)
		}
		return strings.Contains(c, "Done")
	})
	eventually(b.t, time.Minute, "the list says so too", func() bool { return strings.Contains(evaluate[string](list, line), "Succeeded") })
	if now := evaluate[string](b, held); now != onBoard {
		b.t.Errorf("on the board a person had %s, and has %s", onBoard, now)
	}
	if now := evaluate[string](list, held); now != onList {
		b.t.Errorf("on the list a person had %s, and has %s", onList, now)
	}
}
