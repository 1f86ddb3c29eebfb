package template

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// whole takes integers and floats without a fraction.
func whole(v any) (int64, bool) {
	switch t := v.(type) {
	case int64:
		return t, true
	case int:
		return int64(t), true
	case float64:
		if t == math.Trunc(t) && math.Abs(t) < 1<<53 {
			return int64(t), true
		}
	}
	return 0, false
}

func toInt(v any) (any, error) {
	if n, ok := whole(v); ok {
		return n, nil
	}
	if s, ok := v.(string); ok {
		if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil {
			return n, nil
		}
	}
	return nil, wants("a value that is a whole number, not '%s'", short(show(v)))
}

func toBool(v any) (any, error) {
	switch t := v.(type) {
	case bool:
		return t, nil
	case string:
		if strings.EqualFold(t, "true") || t == "1" {
			return true, nil
		}
		if strings.EqualFold(t, "false") || t == "0" {
			return false, nil
		}
	}
	if n, ok := whole(v); ok {
		return n != 0, nil
	}
	return nil, wants("a value that is true or false, not '%s'", short(show(v)))
}

// show is the string function: JSON for arrays and objects, True and False
// for booleans.
func show(v any) string {
	switch t := v.(type) {
	case string:
		return t
	case nil:
		return ""
	case bool:
		if t {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(t, 10)
	case float64:
		return strconv.FormatFloat(t, 'g', -1, 64)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// kind names a value's type for a message.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64, int, float64:
		return "a number"
	case []any:
		return "an array"
	}
	return "an object"
}

func same(a, b any) bool {
	if x, ok := whole(a); ok {
		y, ok := whole(b)
		return ok && x == y
	}
	return reflect.DeepEqual(a, b)
}
