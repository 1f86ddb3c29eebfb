package handlers

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/web/wizard"
	"hubwright/workflows"
)

// looking is how long an answer that is being typed waits for the world's word.
const looking = 5 * time.Second

// lookupField says what the world has to say of one answer, with the others of
// its form as they stand. Nothing is saved, and secrets are not read.
func (s *Server) lookupField(c echo.Context) error {
	o, err := s.openDraft(c)
	if err != nil {
		return err
	}
	if o.draft.RunID != "" {
		return workflows.ErrNotFound
	}
	form, err := readForm(c)
	if err != nil {
		return err
	}
	page, field := c.Param("page"), form.Get("lookup")
	ctx, cancel := context.WithTimeout(c.Request().Context(), looking)
	defer cancel()
	ctx, done := s.lookups.newest(ctx, strings.Join([]string{me(c).Name, o.draft.ID, page, field}, "\x00"))
	defer done()
	note, err := lookup(ctx, o, page, field, form)
	if err != nil {
		return err
	}
	if note.Found == "" {
		return c.NoContent(http.StatusNoContent)
	}
	return s.fragment(c, http.StatusOK, wizard.Note(note))
}

func lookup(ctx context.Context, o opened, page, field string, form url.Values) (workflows.Finding, error) {
	session, err := o.def.Open(ctx, o.draft.Target, o.draft.Answers)
	if err != nil {
		return workflows.Finding{}, err
	}
	view, ok := session.Questions(page)
	if !ok {
		return workflows.Finding{}, workflows.ErrNotFound
	}
	answers := maps.Clone(o.draft.Answers)
	if answers == nil {
		answers = workflows.Answers{}
	}
	for _, f := range view.Fields {
		if !form.Has(f.Name) || secretKind(f.Kind) || f.Kind == workflows.FieldArchive {
			continue
		}
		v := strings.ReplaceAll(form.Get(f.Name), "\r\n", "\n")
		switch wild := tooWild(f, v); {
		case wild == "":
			answers[f.Name] = v
		case f.Name == field:
			return workflows.Fail(wild, ""), nil
		}
	}
	if session, err = o.def.Open(ctx, o.draft.Target, answers); err != nil {
		return workflows.Finding{}, err
	}
	note, ok := session.Lookup(ctx, page, field)
	if !ok {
		return note, workflows.ErrNotFound
	}
	return note, nil
}

// lookups are the questions under way: one a person and field.
type lookups struct {
	mu    sync.Mutex
	under map[string]*context.CancelFunc
}

// newest ends the question that is under way with that key, and is the one
// until done.
func (l *lookups) newest(ctx context.Context, key string) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.under == nil {
		l.under = map[string]*context.CancelFunc{}
	}
	if old := l.under[key]; old != nil {
		(*old)()
	}
	l.under[key] = &cancel
	return ctx, func() {
		cancel()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.under[key] == &cancel {
			delete(l.under, key)
		}
	}
}
