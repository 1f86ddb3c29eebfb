// Package template evaluates Azure Resource Manager deployment templates: what
// AKS Engine's templates and the usual small ones use of the language. Names of
// functions, parameters, variables and properties are case-insensitive, as in
// ARM. What is not known is an error that names it, never a guess.
//
// Values are string, int64, float64, bool, nil, []any and map[string]any.
package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Error is a template that ARM would refuse. Its text is the inner part of
// "Deployment template validation failed: '…'".
type Error struct{ Text string }

func (e *Error) Error() string { return e.Text }

func errorf(format string, a ...any) error { return &Error{fmt.Sprintf(format, a...)} }

// Decode reads JSON into the values of this package: whole numbers become
// int64, so that they never lose a digit.
func Decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return plain(v), nil
}

func plain(v any) any {
	switch t := v.(type) {
	case json.Number:
		if i, err := t.Int64(); err == nil {
			return i
		}
		f, err := t.Float64()
		if err != nil {
			return t.String()
		}
		return f
	case []any:
		for i := range t {
			t[i] = plain(t[i])
		}
	case map[string]any:
		for k := range t {
			t[k] = plain(t[k])
		}
	}
	return v
}

// lookup finds a key in any case; the exact one wins.
func lookup(m map[string]any, key string) (any, bool) {
	if v, ok := m[key]; ok {
		return v, true
	}
	for k, v := range m {
		if strings.EqualFold(k, key) {
			return v, true
		}
	}
	return nil, false
}

func object(m map[string]any, key string) map[string]any {
	v, _ := lookup(m, key)
	o, _ := v.(map[string]any)
	return o
}

func list(m map[string]any, key string) []any {
	v, _ := lookup(m, key)
	l, _ := v.([]any)
	return l
}

func text(m map[string]any, key string) string {
	v, _ := lookup(m, key)
	s, _ := v.(string)
	return s
}
