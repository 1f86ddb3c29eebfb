package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/chromedp"

	"hubwright/web/dossier"
	"hubwright/web/gallery"
)

// The dossier in the archive is a file that needs nothing: no script, nothing
// from elsewhere, and it is as accessible as every page.
func TestDossierStandsAlone(t *testing.T) {
	p := gallery.Dossier()
	p.Alone, p.Archive = true, ""
	var b bytes.Buffer
	if err := dossier.Document(p).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if n := doc.Find("script, link, img, iframe, object, form, button, base").Length(); n != 0 {
		t.Errorf("the document has %d elements that need something", n)
	}
	files := map[string]bool{"README.txt": true, "log.txt": true, "apimodel-before.json": true}
	for i, d := range p.Run.Plan.Documents {
		files[dossier.DocumentFile(i, d)] = true
	}
	doc.Find("[href], [src], [action]").Each(func(_ int, s *goquery.Selection) {
		if to := s.AttrOr("href", "no href"); !files[to] {
			t.Errorf("%q leads out of the archive", to)
		}
	})
	if style := doc.Find("style").Text(); strings.Contains(style, "url(") || strings.Contains(style, "@import") || style == "" {
		t.Error("the style needs a file")
	}
	file := filepath.Join(t.TempDir(), "dossier.html")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate("file://"+file), chromedp.Evaluate[chromedp.Void](axe))
	var violations []string
	if err := json.Unmarshal([]byte(eval[string](t, ctx, fmt.Sprintf(axeRun, "null"))), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Error(v)
	}
	do(t, ctx, chromedp.EmulateViewport(360, 780))
	if w := eval[int](t, ctx, `document.documentElement.scrollWidth`); w > 360 {
		t.Errorf("the document is %d px wide on a phone of 360", w)
	}
}
