package web_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"hubwright/web/gallery"
)

var update = flag.Bool("update", false, "write the golden files again")

func render(t *testing.T, p gallery.Page) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Component.Render(t.Context(), &b); err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	return b.Bytes()
}

func parse(t *testing.T, p gallery.Page) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(render(t, p)))
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	return doc
}

// The Content-Security-Policy allows nothing inline; a slip would only show as
// something that silently does not work.
func TestNothingInline(t *testing.T) {
	for _, p := range gallery.Pages() {
		doc := parse(t, p)
		doc.Find("*").Each(func(_ int, s *goquery.Selection) {
			for _, a := range s.Nodes[0].Attr {
				value := strings.ToLower(strings.TrimSpace(a.Val))
				switch {
				case a.Key == "style", strings.HasPrefix(a.Key, "on"), strings.HasPrefix(a.Key, "hx-on"):
					t.Errorf("%s: <%s> has the attribute %s", p.Name, goquery.NodeName(s), a.Key)
				case strings.HasPrefix(value, "javascript:"), strings.HasPrefix(value, "js:"):
					t.Errorf("%s: <%s %s> holds a script", p.Name, goquery.NodeName(s), a.Key)
				case a.Key == "hx-trigger" && strings.Contains(a.Val, "["):
					t.Errorf("%s: the trigger %q needs eval", p.Name, a.Val)
				}
			}
		})
		doc.Find("style").Each(func(_ int, _ *goquery.Selection) { t.Errorf("%s: a <style> element", p.Name) })
		doc.Find("script").Each(func(_ int, s *goquery.Selection) {
			if s.AttrOr("src", "") == "" || strings.TrimSpace(s.Text()) != "" {
				t.Errorf("%s: an inline <script>", p.Name)
			}
		})
	}
}

func TestEveryPageIsWellMade(t *testing.T) {
	for _, p := range gallery.Pages() {
		doc := parse(t, p)
		if n := doc.Find("h1").Length(); n != 1 {
			t.Errorf("%s has %d h1", p.Name, n)
		}
		if doc.Find("main").Length() != 1 || doc.Find("a.skip-link[href='#main']").Length() != 1 {
			t.Errorf("%s lacks main or the link to it", p.Name)
		}
		seen := map[string]bool{}
		doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
			id := s.AttrOr("id", "")
			if seen[id] {
				t.Errorf("%s: two elements have the id %q", p.Name, id)
			}
			seen[id] = true
		})
		for _, attr := range []string{"aria-labelledby", "aria-describedby", "for"} {
			doc.Find("[" + attr + "]").Each(func(_ int, s *goquery.Selection) {
				for _, id := range strings.Fields(s.AttrOr(attr, "")) {
					if !seen[id] {
						t.Errorf("%s: %s=%q leads nowhere", p.Name, attr, id)
					}
				}
			})
		}
		doc.Find(".summary-errors a[href^='#']").Each(func(_ int, s *goquery.Selection) {
			if id := strings.TrimPrefix(s.AttrOr("href", ""), "#"); !seen[id] {
				t.Errorf("%s: the error %q leads nowhere", p.Name, s.Text())
			}
		})
	}
}

// Words run together where a template's white space was dropped.
func TestSentencesHaveSpaces(t *testing.T) {
	joined := regexp.MustCompile(`[a-z](\d+ (s|min|h|days) ago|yesterday|just now)| [,.;]( |$)`)
	space := regexp.MustCompile(`\s+`)
	for _, p := range gallery.Pages() {
		doc := parse(t, p)
		doc.Find("p, small, span, li, dd").Each(func(_ int, s *goquery.Selection) {
			if s.ParentsFiltered(".log, pre").Length() > 0 {
				return
			}
			text := strings.TrimSpace(space.ReplaceAllString(s.Text(), " "))
			if m := joined.FindString(text); m != "" {
				t.Errorf("%s: %q in %q", p.Name, m, text)
			}
		})
	}
}

// A viewer sees nothing that a viewer may not press.
func TestViewersGetNoButtons(t *testing.T) {
	for _, p := range gallery.Pages() {
		if !strings.Contains(p.Name, "viewer") {
			continue
		}
		parse(t, p).Find("form[method='post']").Each(func(_ int, s *goquery.Selection) {
			action := s.AttrOr("action", "")
			// The wizard's form has no button for a viewer: the fields are shown in it.
			// Everybody has an e-mail of the own.
			if action != "/logout" && action != "/notifications/mine" && s.Find("button:not(.sr), input[type=submit]").Length() > 0 {
				t.Errorf("%s offers %s", p.Name, action)
			}
		})
	}
}

var goldens = []string{
	"connection", "connection-form.devops-errors",
	"drill.outage", "guide.joined", "run.waiting", "run.decide", "stack.policy", "review.guarded",
	"login.refused", "failure.409", "deployments.errors", "guide.running", "status", "status.bad", "status.stale", "status.shared", "status.wall", "stack.testing", "stack-form.found", "wizard.all-kinds",
	"wizard.errors", "wizard.documents", "review.failed", "review.locked", "run.failed", "run.upgrading", "run.upgrade-failed", "run.succeeded", "dossier.failed", "runs.filtered", "runs.compare", "cluster", "audit.broken", "team", "settings", "help",
}

func TestGolden(t *testing.T) {
	pages := map[string]gallery.Page{}
	for _, p := range gallery.Pages() {
		if _, ok := pages[p.Name]; ok {
			t.Errorf("two pages are called %s", p.Name)
		}
		pages[p.Name] = p
	}
	for _, name := range goldens {
		p, ok := pages[name]
		if !ok {
			t.Errorf("there is no page %s", name)
			continue
		}
		got := normal(parse(t, p).Selection)
		file := filepath.Join("testdata", "golden", name+".html")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("%s differs from its golden file (go test ./web -update writes it again):\n%s", name, diff)
		}
	}
}

var hashed = regexp.MustCompile(`(/static/[a-z-]+)\.[0-9a-f]{12}\.`)

// normal writes one element or text a line, indented, without what changes
// with each build.
func normal(s *goquery.Selection) string {
	var b strings.Builder
	var walk func(s *goquery.Selection, depth int)
	walk = func(s *goquery.Selection, depth int) {
		s.Contents().Each(func(_ int, c *goquery.Selection) {
			name := goquery.NodeName(c)
			if name == "#text" {
				if text := strings.Join(strings.Fields(c.Text()), " "); text != "" {
					b.WriteString(strings.Repeat(" ", depth) + text + "\n")
				}
				return
			}
			if name == "path" || strings.HasPrefix(name, "!") {
				return
			}
			b.WriteString(strings.Repeat(" ", depth) + name)
			for _, a := range c.Nodes[0].Attr {
				b.WriteString(" " + a.Key + "=" + hashed.ReplaceAllString(strings.TrimSpace(a.Val), "$1."))
			}
			b.WriteString("\n")
			walk(c, depth+1)
		})
	}
	walk(s, 0)
	return b.String()
}
