package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const defaultCheckTimeout = 20 * time.Second

// reserved are the names that the wizard's form has for itself.
var reserved = []string{"version", "action"}

// Erase makes the Definition of a Workflow. It panics when a field has a name
// that the wizard's form needs, so that nobody could answer it, and when one is
// to be looked up on a page that repeats.
func (w Workflow[S]) Erase() Definition {
	for _, p := range w.Pages {
		for _, f := range p.Fields {
			if slices.Contains(reserved, f.Name) {
				panic(fmt.Sprintf("workflow %s, page %s: the form has a field %q of its own", w.ID, p.ID, f.Name))
			}
			if f.Lookup != nil && p.Repeat != nil {
				panic(fmt.Sprintf("workflow %s, page %s: %q cannot be looked up, as the page repeats", w.ID, p.ID, f.Name))
			}
		}
	}
	return definition[S]{w}
}

type definition[S any] struct{ w Workflow[S] }

func (d definition[S]) Info() Info {
	w := d.w
	info := Info{ID: w.ID, Title: w.Title, Why: w.Why, Scope: w.Scope, Row: w.Row}
	for _, p := range w.Pages {
		info.Pages = append(info.Pages, p.info())
	}
	for _, c := range w.Checks {
		info.Checks = append(info.Checks, c.info())
	}
	for _, s := range w.Steps {
		info.Steps = append(info.Steps, s.info())
	}
	return info
}

func (s Step[S]) info() StepInfo {
	return StepInfo{ID: s.ID, Title: s.Title, Why: s.Why, Always: s.Always, Weight: max(s.Weight, 1), TimeoutSeconds: int(s.Timeout / time.Second)}
}

func (d definition[S]) Open(ctx context.Context, t Target, a Answers) (Session, error) {
	s, err := d.w.Begin(ctx, t)
	if err != nil {
		return nil, err
	}
	se := &session[S]{w: d.w, answers: a, state: s, bound: map[string]Answers{}}
	se.bind()
	return se, nil
}

func (d definition[S]) Resume(state []byte) (Execution, error) {
	s := new(S)
	if err := json.Unmarshal(state, s); err != nil {
		return nil, fmt.Errorf("reading the state of %s: %w", d.w.ID, err)
	}
	return &execution[S]{w: d.w, state: s}, nil
}

type session[S any] struct {
	w       Workflow[S]
	answers Answers
	state   *S
	pages   []Page[S]          // that apply
	bound   map[string]Answers // effective answers by page
	errs    []FieldError
}

func (se *session[S]) bind() {
	for _, p := range se.w.Pages {
		if p.When != nil && !p.When(se.state) {
			continue
		}
		se.pages = append(se.pages, p)
		eff := p.effective(se.answers, se.state)
		se.bound[p.ID] = eff
		if p.Bind == nil {
			continue
		}
		for _, e := range p.Bind(eff, se.state) {
			e.Page = p.ID
			se.errs = append(se.errs, e)
		}
	}
	if se.w.Validate != nil {
		se.errs = append(se.errs, se.w.Validate(se.state)...)
	}
}

func (se *session[S]) Errors() []FieldError { return se.errs }

func (se *session[S]) Pages() []PageView {
	out := make([]PageView, 0, len(se.pages))
	for _, p := range se.pages {
		out = append(out, PageView{PageInfo: p.info(), Errors: se.pageErrors(p.ID)})
	}
	return out
}

func (se *session[S]) pageErrors(id string) []FieldError {
	var out []FieldError
	for _, e := range se.errs {
		if e.Page == id {
			out = append(out, e)
		}
	}
	return out
}

func (se *session[S]) Page(ctx context.Context, id string) (PageView, bool) {
	p, ok := se.page(id)
	if !ok {
		return PageView{}, false
	}
	v := se.view(p, func(f Field[S]) FieldView { return f.view(ctx, se.state) })
	for i, f := range v.Fields {
		if f.Live && f.Error == "" {
			v.Fields[i].Note, _ = se.Lookup(ctx, id, f.Name)
		}
	}
	if p.Documents != nil {
		v.Documents = p.Documents(ctx, se.state)
	}
	return v, true
}

func (se *session[S]) Questions(id string) (PageView, bool) {
	p, ok := se.page(id)
	if !ok {
		return PageView{}, false
	}
	return se.view(p, Field[S].info), true
}

func (se *session[S]) Lookup(ctx context.Context, page, field string) (Finding, bool) {
	v, _ := se.Questions(page)
	i := slices.IndexFunc(v.Fields, func(f FieldView) bool { return f.Name == field && f.Live })
	switch {
	case i < 0:
		return Finding{}, false
	case v.Fields[i].Error != "":
		return Fail(v.Fields[i].Error, ""), true
	case strings.TrimSpace(v.Fields[i].Value) == "":
		return Finding{}, true
	}
	p, _ := se.page(page)
	i = slices.IndexFunc(p.Fields, func(f Field[S]) bool { return f.Name == field })
	found, err := p.Fields[i].Lookup(ctx, se.state)
	if err != nil {
		return notAsked(ctx, err), true
	}
	return found, true
}

// notAsked is what is found when nobody could be asked.
func notAsked(ctx context.Context, err error) Finding {
	why := "the check on the review page says more"
	var p *Problem
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		why = "there was no answer in time"
	case ctx.Err() != nil:
		why = "the question was withdrawn"
	case errors.As(err, &p):
		why = strings.TrimSuffix(p.Error(), ".")
	}
	return Skip("It could not be asked: " + why + ".")
}

func (se *session[S]) page(id string) (Page[S], bool) {
	for _, p := range se.pages {
		if p.ID == id {
			return p, true
		}
	}
	return Page[S]{}, false
}

func (se *session[S]) view(p Page[S], show func(Field[S]) FieldView) PageView {
	v := PageView{PageInfo: p.info(), Errors: se.pageErrors(p.ID)}
	shown := make([]FieldView, 0, len(p.Fields))
	for _, f := range p.Fields {
		if f.When == nil || f.When(se.state) {
			shown = append(shown, show(f))
		}
	}
	eff := se.bound[p.ID]
	if p.Repeat == nil {
		v.Fields = se.fill(shown, "", eff, v.Errors)
		return v
	}
	v.Repeat, v.Item, v.Min, v.Max = p.Repeat.Name, p.Repeat.Item, p.Repeat.Min, p.Repeat.Max
	for i := range eff.Items(p.Repeat.Name) {
		v.Items = append(v.Items, se.fill(shown, p.Repeat.Name+"."+strconv.Itoa(i)+".", eff, v.Errors))
	}
	return v
}

func (se *session[S]) fill(fields []FieldView, prefix string, a Answers, errs []FieldError) []FieldView {
	out := make([]FieldView, len(fields))
	for i, f := range fields {
		f.Name = prefix + f.Name
		f.Value = a[f.Name]
		for _, e := range errs {
			if e.Field == f.Name && f.Error == "" {
				f.Error = e.Message
			}
		}
		out[i] = f
	}
	return out
}

func (se *session[S]) Checks() []CheckInfo {
	var out []CheckInfo
	for _, c := range se.w.Checks {
		if c.When == nil || c.When(se.state) {
			out = append(out, c.info())
		}
	}
	return out
}

// RunCheck never hangs: a check that ignores its context is left behind.
func (se *session[S]) RunCheck(ctx context.Context, id string) Finding {
	for _, c := range se.w.Checks {
		if c.ID == id {
			return c.run(ctx, se.state)
		}
	}
	return Skip("There is no such check any more.")
}

func (se *session[S]) Plan(ctx context.Context) (Plan, error) { return se.w.Plan(ctx, se.state) }

func (se *session[S]) Steps() []StepInfo {
	var out []StepInfo
	for _, s := range se.w.Steps {
		if s.When == nil || s.When(se.state) {
			out = append(out, s.info())
		}
	}
	return out
}

func (se *session[S]) State() ([]byte, error) { return json.Marshal(se.state) }

func (se *session[S]) LockKey() string {
	if se.w.LockKey == nil {
		return ""
	}
	return se.w.LockKey(se.state)
}

type execution[S any] struct {
	w     Workflow[S]
	state *S
}

func (e *execution[S]) step(id string) (Step[S], bool) {
	for _, s := range e.w.Steps {
		if s.ID == id {
			return s, true
		}
	}
	return Step[S]{}, false
}

func (e *execution[S]) Applies(id string) bool {
	s, ok := e.step(id)
	return ok && (s.When == nil || s.When(e.state))
}

func (e *execution[S]) Run(ctx context.Context, id string, log Log) error {
	s, ok := e.step(id)
	if !ok {
		return fmt.Errorf("workflow %s has no step %s any more", e.w.ID, id)
	}
	return s.Run(ctx, e.state, log)
}

func (e *execution[S]) State() ([]byte, error) { return json.Marshal(e.state) }

func (e *execution[S]) Result() Result {
	if e.w.Result == nil {
		return Result{Headline: e.w.Title + " is done."}
	}
	return e.w.Result(e.state)
}

// Left is what the run has made so far, if its state tells.
func (e *execution[S]) Left() Left {
	if l, ok := any(e.state).(interface{ Left() Left }); ok {
		return l.Left()
	}
	return Left{}
}

// Downloads are the files that the run made for a person, if its state offers
// any.
func (e *execution[S]) Downloads() []Download {
	if d, ok := any(e.state).(interface{ Downloads() []Download }); ok {
		return d.Downloads()
	}
	return nil
}

// NodeRows are the nodes that the run works on, if its state offers them.
func (e *execution[S]) NodeRows() []NodeRow {
	if d, ok := any(e.state).(interface{ NodeRows() []NodeRow }); ok {
		return d.NodeRows()
	}
	return nil
}

// Differences are what the run found, if its state offers them.
func (e *execution[S]) Differences() []Difference {
	if d, ok := any(e.state).(interface{ Differences() []Difference }); ok {
		return d.Differences()
	}
	return nil
}

func (p Page[S]) info() PageInfo { return PageInfo{ID: p.ID, Title: p.Title, Why: p.Why} }

// effective is the page's answers with defaults where nobody answered. A key
// that is present counts as answered, even when it is empty.
func (p Page[S]) effective(a Answers, s *S) Answers {
	out := Answers{}
	fill := func(prefix string, given Answers) {
		for _, f := range p.Fields {
			name := prefix + f.Name
			if v, ok := given[f.Name]; ok {
				out[name] = v
			} else if f.Default != nil {
				out[name] = f.Default(s)
			}
		}
	}
	if p.Repeat == nil {
		fill("", a)
		return out
	}
	items := a.Items(p.Repeat.Name)
	if len(items) == 0 && p.Repeat.Defaults != nil {
		items = p.Repeat.Defaults(s)
	}
	for i, item := range items {
		fill(p.Repeat.Name+"."+strconv.Itoa(i)+".", item)
	}
	return out
}

func (f Field[S]) info() FieldView {
	return FieldView{
		Name: f.Name, Label: f.Label, Help: f.Help, Kind: f.Kind, Unit: f.Unit,
		Optional: f.Optional, Placeholder: f.Placeholder, Reloads: f.Reloads, Live: f.Lookup != nil,
	}
}

func (f Field[S]) view(ctx context.Context, s *S) FieldView {
	v := f.info()
	if f.Options != nil {
		opts, err := f.Options(ctx, s)
		v.Options = opts
		if err != nil {
			v.OptionsErr = err.Error()
		}
	}
	if f.Observed != nil {
		v.Observed = f.Observed(ctx, s)
	}
	return v
}

func (c Check[S]) info() CheckInfo {
	return CheckInfo{ID: c.ID, Title: c.Title, Why: c.Why, Page: c.Page, Severity: c.Severity, Waivable: c.Waivable}
}

func (c Check[S]) run(ctx context.Context, s *S) Finding {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = defaultCheckTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	done := make(chan Finding, 1)
	go func() { done <- c.Run(ctx, s) }()
	select {
	case f := <-done:
		return f
	case <-ctx.Done():
		return Fail(fmt.Sprintf("There was no answer within %s.", timeout),
			"Look whether the Hub, the helper VM and the way to them are up, then run the check again.")
	}
}

// Items are the items of a repeated page, in order, with the prefix cut off.
// Gaps in the numbering are closed.
func (a Answers) Items(list string) []Answers {
	byIndex := map[int]Answers{}
	highest := -1
	for k, v := range a {
		rest, ok := strings.CutPrefix(k, list+".")
		if !ok {
			continue
		}
		num, field, ok := strings.Cut(rest, ".")
		i, err := strconv.Atoi(num)
		if !ok || err != nil || i < 0 || i > 999 {
			continue
		}
		if byIndex[i] == nil {
			byIndex[i] = Answers{}
		}
		byIndex[i][field] = v
		highest = max(highest, i)
	}
	var out []Answers
	for i := 0; i <= highest; i++ {
		if byIndex[i] != nil {
			out = append(out, byIndex[i])
		}
	}
	return out
}
