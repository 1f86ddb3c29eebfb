package e2e

import (
	"context"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// crawl reads everything that links lead to, beginning with the home page.
// Filters of lists are followed for one parameter, not for their products.
func (w *world) crawl() map[string]answer {
	w.t.Helper()
	pages, queue := map[string]answer{}, []string{"/"}
	for len(queue) > 0 && len(pages) < 400 {
		path := queue[0]
		queue = queue[1:]
		if _, ok := pages[path]; ok {
			continue
		}
		a := w.get(path)
		pages[path] = a
		if a.status != http.StatusOK {
			w.t.Errorf("a link leads to %s, which answers %d", path, a.status)
		}
		if !a.isPage() {
			continue
		}
		w.parse(a).Find("a[href], [hx-get]").Each(func(_ int, s *goquery.Selection) {
			link := s.AttrOr("href", s.AttrOr("hx-get", ""))
			u, err := url.Parse(link)
			if err == nil && u.Host == "" && u.Scheme == "" && strings.HasPrefix(u.Path, "/") && len(u.Query()) < 2 {
				u.Fragment = ""
				queue = append(queue, u.String())
			}
		})
	}
	return pages
}

func (a answer) isPage() bool {
	return strings.HasPrefix(a.header.Get("Content-Type"), "text/html")
}

// complaints collects what pages complain of: errors in the console, and
// whatever the policy for content forbade.
type complaints struct {
	mu  sync.Mutex
	all []string
}

func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.all
	c.all = nil
	return out
}

func (c *complaints) has(word string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Contains(strings.Join(c.all, "\n"), word)
}

const reportViolations = `document.addEventListener('securitypolicyviolation',
	e => console.error('violates ' + e.effectiveDirective + ': ' + e.blockedURI + ' ' + e.sample))`

// complaints listens from now on, until the browser ends.
func (b *tab) complaints() *complaints {
	b.t.Helper()
	c := &complaints{}
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: reportViolations}); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.ctx)
	messages := chromedp.Console(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for m, err := range messages {
			if err == nil && (m.IsException() || m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning) {
				c.mu.Lock()
				c.all = append(c.all, m.Source+" "+m.String()+" at "+m.URL)
				c.mu.Unlock()
			}
		}
	})
	b.t.Cleanup(func() { cancel(); done.Wait() })
	return c
}

// checkQuiet opens each page in the browser: none may break the policy for
// content, throw, or ask for what is not there.
func (b *tab) checkQuiet(t *testing.T, pages map[string]answer) {
	heard := b.complaints()
	var paths []string
	for path, a := range pages {
		if a.isPage() && strings.Contains(a.body, "<main") {
			paths = append(paths, path)
		}
	}
	sort.Strings(paths)
	if len(paths) < 25 {
		t.Errorf("only %d pages: %v", len(paths), paths)
	}
	for _, path := range paths {
		b.open(b.w.url(path))
		// Two frames later what the scripts of the page do at once is done.
		b.frames()
		for _, c := range heard.take() {
			t.Errorf("%s: %s", path, c)
		}
	}
	evaluate[any](b, `document.querySelector('main').insertAdjacentHTML('beforeend', '<p style="color:red">planted</p>')`)
	evaluate[any](b, `document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.planted = 1'}))`)
	eventually(t, 10*time.Second, "a planted violation is reported", func() bool {
		return heard.has("style-src") && heard.has("script-src")
	})
	if evaluate[bool](b, "'planted' in window") {
		t.Error("a planted script ran")
	}
	t.Logf("%d pages in the browser", len(paths))
}

func (b *tab) frames() {
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	_, _ = chromedp.Run(ctx, chromedp.Evaluate[bool](`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`, chromedp.EvalAwaitPromise))
}
