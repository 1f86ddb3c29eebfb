package ui

import "strings"

// Input is one field of a form.
type Input struct {
	Name, Label  string
	Help         string
	Type         string // text by default
	Value        string
	Placeholder  string
	Unit         string
	Autocomplete string
	Error        string
	Required     bool
	Optional     bool // says so behind the label
	ReadOnly     bool
	Mono         bool
	Wide         bool
	Rows         int // of an Area
	Accept       string
	MinLength    int
	InputMode    string
}

func (i Input) kind() string {
	if i.Type == "" {
		return "text"
	}
	return i.Type
}

// describedBy names what belongs to the field: its help and its error.
func describedBy(name, help, err string, more ...string) string {
	var ids []string
	if err != "" {
		ids = append(ids, FieldID(name)+"-error")
	}
	if help != "" {
		ids = append(ids, FieldID(name)+"-help")
	}
	return strings.Join(append(ids, more...), " ")
}

func noticeIcon(t Tone) string {
	if t == ToneIdle || t == ToneRun {
		return "info"
	}
	return iconOf(t)
}
