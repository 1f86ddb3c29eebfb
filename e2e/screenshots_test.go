package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// look sets the colour scheme and the width of the window.
func (b *tab) look(scheme string, width int64) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(width, 900))
}

// TestScreenshots writes a picture of every page of the gallery, on a desktop
// in light and dark and on a phone. It is the body of make screenshots and
// has nothing to do without a folder to write to.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("HUBWRIGHT_SCREENSHOTS")
	if dir == "" {
		return
	}
	t.Setenv("HUBWRIGHT_GALLERY", "true")
	w := newWorld(t, "40")
	b := w.browser()
	doc := w.parse(w.get("/gallery"))
	var pages []string
	doc.Find("a").Each(func(_ int, a *goquery.Selection) {
		href, _ := a.Attr("href")
		pages = append(pages, href)
	})
	if len(pages) < 10 {
		t.Fatalf("the gallery has only %d pages", len(pages))
	}
	for _, look := range []struct {
		name, scheme string
		width        int64
	}{{"light", "light", 1280}, {"dark", "dark", 1280}, {"phone", "light", 390}} {
		b.look(look.scheme, look.width)
		for _, p := range pages {
			b.open(w.url(p))
			picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(90))
			if err != nil {
				t.Fatal(err)
			}
			name := strings.NewReplacer("/gallery/", "", "%2F", ".", "/", ".").Replace(p)
			file := filepath.Join(dir, look.name, name+".jpg")
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d pages in three looks are in %s", len(pages), dir)
}
