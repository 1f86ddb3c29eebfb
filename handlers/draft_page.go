package handlers

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"hubwright/web/wizard"
	"hubwright/workflows"
)

// observing is how long a page waits for what the Hub has to say. Then the
// question is asked without it.
const observing = 8 * time.Second

// planning is how long the review waits for the plan, without which nothing
// can be started.
const planning = 30 * time.Second

// Longest answers, in characters.
const (
	longestText = 4096
	longestArea = 64 << 10
	longestFile = 1 << 20 // an API model has about 75 kB
)

func (s *Server) draftPage(c echo.Context) error {
	o, err := s.openDraft(c)
	if err != nil {
		return err
	}
	if done, err := o.becameRun(c); done {
		return err
	}
	return s.showPage(c, http.StatusOK, o, o.draft.Answers, nil, nil)
}

// showPage renders a question page with answers that may not be saved.
func (s *Server) showPage(c echo.Context, status int, o opened, answers workflows.Answers, extra []workflows.FieldError, stale *wizard.Stale) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), observing)
	defer cancel()
	p := wizard.PageProps{Stale: stale, ShowErrors: visited(o.draft, c.Param("page")) || status != http.StatusOK}
	session, err := o.def.Open(ctx, o.draft.Target, answers)
	if err != nil {
		return err
	}
	view, ok := session.Page(ctx, c.Param("page"))
	if !ok {
		return workflows.ErrNotFound
	}
	p.Head, p.Page = s.head(c, o, session), withErrors(view, extra)
	f := s.wizardFrame(p.Head)
	f.Body = wizard.Page(p)
	return s.page(c, status, f)
}

// withErrors adds what the form itself had wrong, in front.
func withErrors(v workflows.PageView, extra []workflows.FieldError) workflows.PageView {
	if len(extra) == 0 {
		return v
	}
	v.Errors = append(extra, v.Errors...)
	mark := func(fields []workflows.FieldView) {
		for i := range fields {
			for _, e := range extra {
				if e.Field == fields[i].Name {
					fields[i].Error = e.Message
				}
			}
		}
	}
	mark(v.Fields)
	for i := range v.Items {
		mark(v.Items[i])
	}
	return v
}

func (s *Server) saveDraftPage(c echo.Context) error {
	o, err := s.openDraft(c)
	if err != nil {
		return err
	}
	if done, err := o.becameRun(c); done {
		return err
	}
	ctx := c.Request().Context()
	session, err := o.def.Open(ctx, o.draft.Target, o.draft.Answers)
	if err != nil {
		return err
	}
	view, ok := session.Questions(c.Param("page"))
	if !ok {
		return workflows.ErrNotFound
	}
	form, err := readForm(c)
	if err != nil {
		return err
	}
	answers, bad, err := s.readAnswers(ctx, c, o.draft.Answers, view, form)
	if err != nil {
		return err
	}
	action := form.Get("action")
	if formVersion(c) != o.draft.Version {
		return s.showPage(c, http.StatusConflict, o, answers, bad, s.stale(o))
	}
	if len(bad) > 0 {
		return s.showPage(c, http.StatusUnprocessableEntity, o, answers, bad, nil)
	}
	changeItems(answers, view, action)
	if action == "next" || action == "save" || action == "" {
		answers[visitedKey(view.ID)] = "yes"
	}
	return s.storePage(ctx, c, o, view, answers, action)
}

func (s *Server) storePage(ctx context.Context, c echo.Context, o opened, view workflows.PageView, answers workflows.Answers, action string) error {
	saved := o
	saved.draft.Answers, saved.draft.UpdatedBy, saved.draft.UpdatedAt = answers, me(c).Name, s.Clock()
	if err := s.Store.SaveDraft(ctx, &saved.draft); errors.Is(err, workflows.ErrStale) {
		return s.showPage(c, http.StatusConflict, o, answers, nil, s.stale(o))
	} else if err != nil {
		return err
	}
	base := "/drafts/" + o.draft.ID
	session, err := o.def.Open(ctx, o.draft.Target, answers)
	if err != nil {
		return err
	}
	pages := session.Pages()
	here := 0
	for i, p := range pages {
		if p.ID == view.ID {
			here = i
		}
	}
	switch {
	case action == "save":
		return c.Redirect(http.StatusSeeOther, backTo(o))
	case action == "back" && here > 0:
		return c.Redirect(http.StatusSeeOther, base+"/pages/"+pages[here-1].ID)
	case action != "next" && action != "":
		return s.showPage(c, http.StatusOK, saved, answers, nil, nil)
	case len(pages[here].Errors) > 0:
		return s.showPage(c, http.StatusUnprocessableEntity, saved, answers, nil, nil)
	case here+1 < len(pages):
		return c.Redirect(http.StatusSeeOther, base+"/pages/"+pages[here+1].ID)
	}
	return c.Redirect(http.StatusSeeOther, base+"/review")
}

func backTo(o opened) string {
	if o.draft.Target.DeploymentID != "" {
		return "/deployments/" + o.draft.Target.DeploymentID
	}
	return "/stacks/" + o.draft.Target.StackID
}

func readForm(c echo.Context) (url.Values, error) {
	form, err := c.FormParams()
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, err
	}
	if err != nil {
		return nil, echo.NewHTTPError(http.StatusBadRequest)
	}
	return form, nil
}

// readAnswers takes the page's fields out of the form. Secrets are sealed at
// once; an empty secret keeps the one that is there.
func (s *Server) readAnswers(ctx context.Context, c echo.Context, old workflows.Answers, view workflows.PageView, form url.Values) (workflows.Answers, []workflows.FieldError, error) {
	out := maps.Clone(old)
	if out == nil {
		out = workflows.Answers{}
	}
	fields := view.Fields
	if view.Repeat != "" {
		fields = itemFields(view, form)
		dropItems(out, view.Repeat)
	}
	var bad []workflows.FieldError
	for _, f := range fields {
		if f.Kind == workflows.FieldArchive {
			kept, err := s.keepArchive(ctx, c, f.Name)
			if err != nil {
				return nil, nil, err
			}
			if kept != "" {
				out[f.Name] = kept
			}
			continue
		}
		v := strings.ReplaceAll(form.Get(f.Name), "\r\n", "\n")
		if f.Kind == workflows.FieldFile {
			body, err := upload(c, f.Name)
			if err != nil {
				return nil, nil, err
			}
			v = body
		}
		if msg := tooWild(f, v); msg != "" {
			bad = append(bad, workflows.FieldError{Page: view.ID, Field: f.Name, Message: msg})
		}
		if secretKind(f.Kind) {
			if strings.TrimSpace(v) == "" {
				if old[f.Name] != "" {
					out[f.Name] = old[f.Name]
				}
				continue
			}
			ref, err := s.Vault.Seal(ctx, "answer."+f.Name, []byte(v))
			if err != nil {
				return nil, nil, err
			}
			v = string(ref)
		}
		out[f.Name] = v
	}
	return out, bad, nil
}

func secretKind(k workflows.FieldKind) bool {
	return k == workflows.FieldSecret || k == workflows.FieldSecretArea || k == workflows.FieldFile
}

// tooWild is what no field takes, whatever it asks.
func tooWild(f workflows.FieldView, v string) string {
	limit := longestText
	area := f.Kind == workflows.FieldArea || f.Kind == workflows.FieldSecretArea || f.Kind == workflows.FieldFile
	switch {
	case f.Kind == workflows.FieldFile:
		limit = longestFile
	case area:
		limit = longestArea
	}
	if n := utf8.RuneCountInString(v); n > limit {
		return "This is too long: " + strconv.Itoa(n) + " characters. At most " + strconv.Itoa(limit) + " are taken."
	}
	if !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool {
		return r < ' ' && (!area || r != '\n' && r != '\t') || r == 0x7f || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	}) {
		return "This holds characters that cannot be typed or seen. Type it again rather than pasting it."
	}
	return ""
}

// keepArchive keeps an uploaded file as it is; the answer is "" when none came.
func (s *Server) keepArchive(ctx context.Context, c echo.Context, name string) (string, error) {
	fh, err := c.FormFile(name)
	if err != nil || fh.Size == 0 {
		return "", nil
	}
	f, err := fh.Open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	digest, err := s.Uploads.Keep(ctx, f)
	return digest + " " + path.Base(filepath.ToSlash(fh.Filename)), err
}

func upload(c echo.Context, name string) (string, error) {
	fh, err := c.FormFile(name)
	if err != nil {
		return c.FormValue(name), nil
	}
	f, err := fh.Open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, longestFile+1))
	return string(b), err
}

// itemFields are the fields of all items that the form holds, which may be
// more than were shown.
func itemFields(view workflows.PageView, form url.Values) []workflows.FieldView {
	var proto []workflows.FieldView
	if len(view.Items) > 0 {
		proto = view.Items[0]
	}
	highest := len(view.Items) - 1
	for name := range form {
		if rest, ok := strings.CutPrefix(name, view.Repeat+"."); ok {
			num, _, _ := strings.Cut(rest, ".")
			if n, err := strconv.Atoi(num); err == nil && n > highest && n < 100 {
				highest = n
			}
		}
	}
	var out []workflows.FieldView
	for i := 0; i <= highest; i++ {
		prefix := view.Repeat + "." + strconv.Itoa(i) + "."
		for _, f := range proto {
			f.Name = prefix + strings.TrimPrefix(f.Name, view.Repeat+".0.")
			if form.Has(f.Name) || f.Kind == workflows.FieldCheckbox && i < len(view.Items) {
				out = append(out, f)
			}
		}
	}
	return out
}

func dropItems(a workflows.Answers, list string) {
	maps.DeleteFunc(a, func(k, _ string) bool { return strings.HasPrefix(k, list+".") })
}

// changeItems adds or removes an item of a repeated page.
func changeItems(a workflows.Answers, view workflows.PageView, action string) {
	if view.Repeat == "" {
		return
	}
	items := a.Items(view.Repeat)
	switch {
	case action == "add" && len(items) < view.Max:
		items = append(items, newItem(view))
	case strings.HasPrefix(action, "remove:"):
		n, err := strconv.Atoi(strings.TrimPrefix(action, "remove:"))
		if err == nil && n >= 0 && n < len(items) && len(items) > view.Min {
			items = append(items[:n:n], items[n+1:]...)
		}
	}
	dropItems(a, view.Repeat)
	for i, item := range items {
		for k, v := range item {
			a[view.Repeat+"."+strconv.Itoa(i)+"."+k] = v
		}
	}
}

// newItem is an item that nobody answered: its fields take their defaults. One
// key is needed to make it exist.
func newItem(view workflows.PageView) workflows.Answers {
	if len(view.Items) == 0 || len(view.Items[0]) == 0 {
		return workflows.Answers{"new": "yes"}
	}
	return workflows.Answers{strings.TrimPrefix(view.Items[0][0].Name, view.Repeat+".0."): ""}
}
