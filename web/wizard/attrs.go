package wizard

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"

	"hubwright/web/ui"
	"hubwright/workflows"
)

// Ticked is what a ticked checkbox sends. An empty hidden field of the same
// name follows it, so that "not ticked" is an answer too: the first value
// counts.
const Ticked = "true"

const reviewID = " review" // no page has a space in its id

type nowTime = time.Time

// kindOf is how the field is asked now: without its options, a choice becomes
// a text input.
func kindOf(f workflows.FieldView) workflows.FieldKind {
	choice := f.Kind == workflows.FieldSelect || f.Kind == workflows.FieldRadio
	if choice && f.OptionsErr != "" && len(f.Options) == 0 {
		return workflows.FieldText
	}
	return f.Kind
}

func (p PageProps) err(f workflows.FieldView) string {
	if !p.ShowErrors {
		return ""
	}
	return f.Error
}

func secret(f workflows.FieldView) bool {
	return f.Kind == workflows.FieldSecret || f.Kind == workflows.FieldSecretArea || file(f)
}

// file is what a browser uploads; it is never sent back.
func file(f workflows.FieldView) bool {
	return f.Kind == workflows.FieldFile || f.Kind == workflows.FieldArchive
}

// shown is the value as it goes back to the browser: never a secret's.
func (p PageProps) shown(f workflows.FieldView) string {
	if secret(f) {
		return ""
	}
	return f.Value
}

// attrs are the attributes of the field's control.
func (p PageProps) attrs(f workflows.FieldView) templ.OrderedAttributes {
	a := p.common(f)
	add := func(k string, v any) { a = append(a, templ.KeyValue[string, any]{Key: k, Value: v}) }
	add("id", ui.FieldID(f.Name))
	kind := kindOf(f)
	switch kind {
	case workflows.FieldSelect:
		return a
	case workflows.FieldArea, workflows.FieldSecretArea:
		add("rows", "6")
		add("class", "mono")
	case workflows.FieldFile, workflows.FieldArchive:
		add("type", "file")
	case workflows.FieldSecret:
		add("type", "password")
	case workflows.FieldNumber:
		add("type", "text")
		add("inputmode", "numeric")
		add("class", "number")
		add("value", f.Value)
	default:
		add("type", "text")
		add("value", f.Value)
	}
	switch {
	case secret(f) && f.Value != "" && !file(f):
		add("placeholder", "Stored. Leave empty to keep it.")
	case f.Placeholder != "":
		add("placeholder", f.Placeholder)
	}
	add("autocomplete", "off")
	add("spellcheck", "false")
	if f.Live && p.Role.Operates() {
		add("data-lookup", p.pageURL(p.Page.ID)+"/lookup")
	}
	return a
}

func (p PageProps) radioAttrs(f workflows.FieldView, i int) templ.OrderedAttributes {
	o := f.Options[i]
	a := p.common(f)
	add := func(k string, v any) { a = append(a, templ.KeyValue[string, any]{Key: k, Value: v}) }
	add("type", "radio")
	add("value", o.Value)
	add("checked", o.Value == f.Value)
	add("disabled", o.Disabled)
	return a
}

func (p PageProps) checkAttrs(f workflows.FieldView) templ.OrderedAttributes {
	a := p.common(f)
	add := func(k string, v any) { a = append(a, templ.KeyValue[string, any]{Key: k, Value: v}) }
	add("id", ui.FieldID(f.Name))
	add("type", "checkbox")
	add("value", Ticked)
	add("checked", on(f.Value))
	return a
}

func on(v string) bool { return v == "true" || v == "yes" || v == "on" || v == "1" }

// common is what every control has: its name, what describes it, and the
// reload of the page when its answer changes what else is asked.
func (p PageProps) common(f workflows.FieldView) templ.OrderedAttributes {
	var a templ.OrderedAttributes
	add := func(k string, v any) { a = append(a, templ.KeyValue[string, any]{Key: k, Value: v}) }
	add("name", f.Name)
	if d := p.describedBy(f); d != "" {
		add("aria-describedby", d)
	}
	if p.err(f) != "" {
		add("aria-invalid", "true")
	}
	if f.Reloads && p.Role.Operates() {
		add("hx-post", p.pageURL(p.Page.ID))
		add("hx-trigger", "change")
		add("hx-vals", `{"action":"reload"}`)
		add("hx-target", "#wizard")
		add("hx-select", "#wizard")
		add("hx-swap", "outerMorph")
		add("hx-sync", "#wizard-form:replace")
	}
	return a
}

func (p PageProps) describedBy(f workflows.FieldView) string {
	id := ui.FieldID(f.Name)
	var ids []string
	if p.err(f) != "" {
		ids = append(ids, id+"-error")
	}
	if f.Help != "" {
		ids = append(ids, id+"-help")
	}
	if f.Observed != "" {
		ids = append(ids, id+"-observed")
	}
	if f.Live {
		ids = append(ids, id+"-note")
	}
	if f.OptionsErr != "" && kindOf(f) != workflows.FieldCheckbox {
		ids = append(ids, id+"-options")
	}
	return strings.Join(ids, " ")
}

func noteTone(n workflows.Finding) ui.Tone {
	switch n.Status {
	case workflows.CheckPassed:
		return ui.ToneOK
	case workflows.CheckFailed:
		return ui.ToneBad
	}
	return ui.ToneWarn
}

// wide says whether a field takes the whole line: so that an address can be
// read to its end.
func wide(f workflows.FieldView) bool {
	switch kindOf(f) {
	case workflows.FieldArea, workflows.FieldSecretArea, workflows.FieldFile, workflows.FieldArchive:
		return true
	case workflows.FieldText:
		return len(f.Value) > usualAnswer
	}
	return false
}

// usualAnswer is how many letters a field shows that does not take the line.
const usualAnswer = 34

func hasOption(f workflows.FieldView) bool { return f.Value != "" }

func offered(f workflows.FieldView) bool {
	for _, o := range f.Options {
		if o.Value == f.Value {
			return true
		}
	}
	return false
}

func optionWords(o workflows.Option) string {
	if o.Note == "" {
		return o.Label
	}
	return o.Label + " · " + o.Note
}

// lower makes "Node pool" fit into a sentence, and leaves "VM size" alone.
func lower(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	next, _ := utf8.DecodeRuneInString(s[n:])
	if unicode.IsUpper(next) {
		return s
	}
	return string(unicode.ToLower(r)) + s[n:]
}

func staleBy(s *Stale) string {
	if s.By == "" {
		return "Somebody else"
	}
	return s.By
}
