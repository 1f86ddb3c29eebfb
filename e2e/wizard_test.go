package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// site is a Site as the guide's forms name it.
type site struct{ deployment, site, stack string }

// sites reads the ids behind the guide's start buttons, by the Site's name.
func (w *world) sites() map[string]site {
	w.t.Helper()
	guide := w.get("/")
	doc := w.parse(guide)
	out := map[string]site{}
	doc.Find(`form[action="/drafts"]`).Each(func(_ int, f *goquery.Selection) {
		value := func(name string) string { v, _ := f.Find(`input[name="` + name + `"]`).Attr("value"); return v }
		s := site{value("deployment"), value("site"), value("stack")}
		if s.stack == "" {
			return // for all Sites
		}
		stack := w.get("/stacks/" + s.stack)
		name := strings.TrimSpace(w.parse(stack).Find("h1").First().Text())
		out[name] = s
	})
	return out
}

func (w *world) parse(a answer) *goquery.Document {
	w.t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		w.t.Fatal(err)
	}
	return doc
}

// fields are the values of a form as a browser would send them.
func fields(f *goquery.Selection) url.Values {
	out := url.Values{}
	f.Find("input, select, textarea").Each(func(_ int, e *goquery.Selection) {
		name, ok := e.Attr("name")
		if !ok {
			return
		}
		kind, _ := e.Attr("type")
		_, checked := e.Attr("checked")
		switch {
		case goquery.NodeName(e) == "select":
			v, ok := e.Find("option[selected]").Attr("value")
			if !ok {
				v, _ = e.Find("option").First().Attr("value")
			}
			out.Set(name, v)
		case goquery.NodeName(e) == "textarea":
			out.Set(name, e.Text())
		case kind == "file" || kind == "submit" || (kind == "radio" || kind == "checkbox") && !checked:
		default:
			v, _ := e.Attr("value")
			out.Add(name, v)
		}
	})
	return out
}

var draftPath = regexp.MustCompile(`^/drafts/(drf_[A-Za-z0-9]+)/(pages/([a-z]+)|review)$`)

// walk answers a wizard with its defaults and the given answers and returns
// the draft's id, at the review.
func (w *world) walk(workflow string, s site, answers url.Values) string {
	w.t.Helper()
	return w.onward(w.post("/drafts", url.Values{"workflow": {workflow}, "deployment": {s.deployment}, "site": {s.site}, "stack": {s.stack}}), workflow, answers)
}

// onward answers the pages of a draft from a on.
func (w *world) onward(a answer, workflow string, answers url.Values) string {
	w.t.Helper()
	for range 12 {
		m := draftPath.FindStringSubmatch(a.path)
		if m == nil || a.status != http.StatusOK {
			w.t.Fatalf("%s: %s answered %d:\n%s", workflow, a.path, a.status, text(w.parse(a)))
		}
		if m[2] == "review" {
			return m[1]
		}
		form := w.formFor(&a, answers)
		page := w.parse(a)
		files := page.Find(`form[enctype="multipart/form-data"] input[type="file"]`).Map(func(_ int, e *goquery.Selection) string { return e.AttrOr("name", "") })
		for k, v := range answers {
			if form.Has(k) || slices.Contains(files, k) {
				form[k] = v
			}
		}
		form.Set("action", "next")
		if len(files) > 0 {
			a = w.postFiles(a.path, form, files)
		} else {
			a = w.post(a.path, form)
		}
	}
	w.t.Fatalf("%s: the wizard never ends", workflow)
	return ""
}

// formFor is the form of a wizard's page. On a page of several it asks for one
// more, as long as there are answers for more.
func (w *world) formFor(a *answer, answers url.Values) url.Values {
	w.t.Helper()
	for n := 1; ; n++ {
		form := fields(w.parse(*a).Find(`form:has(button[name="action"][value="next"])`).First())
		for name := range answers {
			item, of := strings.CutPrefix(name, "pools."+strconv.Itoa(n)+".")
			if of && form.Has("pools.0."+item) && !form.Has(name) {
				form.Set("action", "add")
			}
		}
		if !form.Has("action") {
			return form
		}
		*a = w.post(a.path, form)
	}
}

func text(d *goquery.Document) string {
	return strings.Join(strings.Fields(d.Find("main").Text()), " ")
}

// settled waits until the checks of the review have ended.
func (w *world) settled(draft string) {
	w.t.Helper()
	w.get("/drafts/" + draft + "/review")
	eventually(w.t, time.Minute, "the checks end", func() bool {
		return !strings.Contains(w.get("/drafts/"+draft+"/checks").body, "Checking")
	})
}

// begin waits for the checks and starts the run. It returns the run's id.
func (w *world) begin(draft string) string {
	w.t.Helper()
	w.settled(draft)
	form := fields(w.parse(w.get("/drafts/" + draft + "/review")).Find(`form[action$="/start"]`).First())
	a := w.post("/drafts/"+draft+"/start", form)
	id, ok := strings.CutPrefix(a.path, "/runs/")
	if !ok {
		w.t.Fatalf("start answered %d at %s: %s", a.status, a.path, text(w.parse(a)))
	}
	return id
}
