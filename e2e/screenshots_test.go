package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

var looks = []struct {
	name, scheme string
	width        int64
}{{"light", "light", 1280}, {"dark", "dark", 1280}, {"phone", "light", 390}}

// picture writes the whole page as it is now.
func (b *tab) picture(dir, look, name string) {
	b.t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	file := filepath.Join(dir, look, name+".png")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// TestScreenshots writes a picture of every page of the gallery and of a
// journey's pages, on a desktop in light and dark and on a phone. It is the
// body of make screenshots and has nothing to do without a folder to write to.
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
	for _, look := range looks {
		b.look(look.scheme, look.width)
		for _, p := range pages {
			b.open(w.url(p))
			b.picture(dir, look.name, strings.NewReplacer("/gallery/", "", "%2F", ".", "/", ".").Replace(p))
		}
	}
	b.journeyPictures(dir)
	t.Logf("%d pages of the gallery and a journey in three looks are in %s", len(pages), dir)
}

// journeyPictures takes pictures of what the sandbox really says.
func (b *tab) journeyPictures(dir string) {
	w := b.w
	w.setUp()
	s := w.sites()["Seattle"]
	b.open(w.url("/login"))
	b.do(chromedp.SendKeys(chromedp.CSS(`input[name="name"]`), adminName), chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), adminPassword+"\r"))
	b.waitPath("/deployments/")
	shoot := func(name, path string) {
		for _, look := range looks {
			b.look(look.scheme, look.width)
			b.open(w.url(path))
			b.frames()
			b.picture(dir, look.name, "journey."+name)
		}
	}
	draftPages := func(workflow, draft string) {
		w.settled(draft)
		shoot(workflow+".review", "/drafts/"+draft+"/review")
		w.parse(w.get("/drafts/" + draft + "/review")).Find(".rail a").Each(func(_ int, a *goquery.Selection) {
			if path := a.AttrOr("href", ""); strings.Contains(path, "/pages/") {
				shoot(workflow+"."+path[strings.LastIndex(path, "/")+1:], path)
			}
		})
	}
	helper := w.walk("helper-vm", s, nil)
	draftPages("helper-vm", helper)
	run := w.begin(helper)
	shoot("helper-vm.running", "/runs/"+run)
	w.finish(run)
	shoot("helper-vm.succeeded", "/runs/"+run)
	cluster := w.walk("cluster", s, nil)
	draftPages("cluster", cluster)
	run = w.begin(cluster)
	eventually(b.t, time.Minute, "the deploy has something to say", func() bool { return len(w.logLines(run)) > 40 })
	shoot("cluster.running", "/runs/"+run)
	shoot("guide", "/deployments/"+s.deployment)
	w.finish(run)
	shoot("cluster.succeeded", "/runs/"+run)
	w.finish(w.begin(w.walk("connect", s, nil)))
	pipelines := w.walk("pipelines", s, url.Values{"project": {"Ratings"}, "pool": {"Default"}, "share": {"Platform"}})
	draftPages("pipelines", pipelines)
	run = w.begin(pipelines)
	w.finish(run)
	shoot("pipelines.succeeded", "/runs/"+run)
	shoot("connections", "/connections")
	shoot("connection", w.parse(w.get("/connections")).Find(`main a[href^="/connections/con_"]`).First().AttrOr("href", ""))
	page := w.parse(w.get("/clusters"))
	shoot("cluster", page.Find(`main a[href^="/clusters/"]`).First().AttrOr("href", ""))
	shoot("status", "/status/"+s.deployment)
	shoot("status.wall", "/status/"+s.deployment+"?view=wall")
	shoot("audit", "/audit")
	shoot("runs", "/runs")
	shoot("deployments", "/deployments")
}
