package template

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var textFunctions = map[string]function{
	"string":  {1, 1, func(_ *scope, a []any) (any, error) { return show(a[0]), nil }},
	"tolower": onText(strings.ToLower),
	"toupper": onText(strings.ToUpper),
	"trim":    onText(strings.TrimSpace),
	"base64":  onText(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
	"base64tostring": {1, 1, func(_ *scope, a []any) (any, error) {
		s, err := fromBase64(a[0])
		return s, err
	}},
	"base64tojson": {1, 1, func(_ *scope, a []any) (any, error) {
		s, err := fromBase64(a[0])
		if err != nil {
			return nil, err
		}
		return fromJSON(s)
	}},
	"json": {1, 1, func(_ *scope, a []any) (any, error) {
		s, ok := a[0].(string)
		if !ok {
			return nil, wants("a string, not %s", kind(a[0]))
		}
		return fromJSON(s)
	}},
	"uricomponent": onText(url.QueryEscape),
	"replace": {3, 3, func(_ *scope, a []any) (any, error) {
		s, err := texts(a)
		if err != nil {
			return nil, err
		}
		return strings.ReplaceAll(s[0], s[1], s[2]), nil
	}},
	"split": {2, 2, split},
	"startswith": {2, 2, func(_ *scope, a []any) (any, error) {
		s, err := texts(a)
		if err != nil {
			return nil, err
		}
		return strings.HasPrefix(strings.ToLower(s[0]), strings.ToLower(s[1])), nil
	}},
	"endswith": {2, 2, func(_ *scope, a []any) (any, error) {
		s, err := texts(a)
		if err != nil {
			return nil, err
		}
		return strings.HasSuffix(strings.ToLower(s[0]), strings.ToLower(s[1])), nil
	}},
	"indexof": {2, 2, func(_ *scope, a []any) (any, error) {
		s, err := texts(a)
		if err != nil {
			return nil, err
		}
		return int64(strings.Index(strings.ToLower(s[0]), strings.ToLower(s[1]))), nil
	}},
	"lastindexof": {2, 2, func(_ *scope, a []any) (any, error) {
		s, err := texts(a)
		if err != nil {
			return nil, err
		}
		return int64(strings.LastIndex(strings.ToLower(s[0]), strings.ToLower(s[1]))), nil
	}},
	"substring": {2, 3, substring},
	"padleft":   {2, 3, padLeft},
	"format":    {1, -1, format},
}

func onText(do func(string) string) function {
	return function{1, 1, func(_ *scope, a []any) (any, error) {
		s, ok := a[0].(string)
		if !ok {
			return nil, wants("a string, not %s", kind(a[0]))
		}
		return do(s), nil
	}}
}

func texts(a []any) ([]string, error) {
	out := make([]string, len(a))
	for i, v := range a {
		s, ok := v.(string)
		if !ok {
			return nil, wants("strings, not %s", kind(v))
		}
		out[i] = s
	}
	return out, nil
}

func fromBase64(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", wants("a string, not %s", kind(v))
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || !utf8.Valid(b) {
		return "", wants("text in base64")
	}
	return string(b), nil
}

func fromJSON(s string) (any, error) {
	v, err := Decode([]byte(s))
	if err != nil {
		return nil, wants("JSON: %v", err)
	}
	return v, nil
}

func split(_ *scope, a []any) (any, error) {
	s, ok := a[0].(string)
	if !ok {
		return nil, wants("a string, not %s", kind(a[0]))
	}
	delims := []any{a[1]}
	if l, ok := a[1].([]any); ok {
		delims = l
	}
	parts := []string{s}
	for _, d := range delims {
		sep, ok := d.(string)
		if !ok || sep == "" {
			return nil, wants("delimiters that are not empty")
		}
		var next []string
		for _, p := range parts {
			next = append(next, strings.Split(p, sep)...)
		}
		parts = next
	}
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out, nil
}

func substring(_ *scope, a []any) (any, error) {
	s, ok := a[0].(string)
	if !ok {
		return nil, wants("a string, not %s", kind(a[0]))
	}
	r := []rune(s)
	from, ok := whole(a[1])
	n := int64(len(r)) - from
	if len(a) == 3 && ok {
		n, ok = whole(a[2])
	}
	if !ok || from < 0 || n < 0 || from+n > int64(len(r)) {
		return nil, wants("index and length to be within the string")
	}
	return string(r[from : from+n]), nil
}

func padLeft(_ *scope, a []any) (any, error) {
	n, ok := whole(a[1])
	fill := " "
	if len(a) == 3 {
		var isText bool
		fill, isText = a[2].(string)
		ok = ok && isText && utf8.RuneCountInString(fill) == 1
	}
	if !ok || n < 0 || n > 10000 {
		return nil, wants("a length and one character")
	}
	s := show(a[0])
	if missing := int(n) - utf8.RuneCountInString(s); missing > 0 {
		s = strings.Repeat(fill, missing) + s
	}
	return s, nil
}

var hole = regexp.MustCompile(`\{(\d+)(?::([DdXx])(\d+))?\}`)

// format fills {0}, {1:D3} and the like.
func format(_ *scope, a []any) (any, error) {
	pattern, ok := a[0].(string)
	if !ok {
		return nil, wants("a string first, not %s", kind(a[0]))
	}
	bad := false
	out := hole.ReplaceAllStringFunc(pattern, func(m string) string {
		part := hole.FindStringSubmatch(m)
		i, err := strconv.Atoi(part[1])
		if err != nil || i+1 >= len(a) {
			bad = true
			return m
		}
		v := a[i+1]
		n, isNumber := whole(v)
		if part[2] == "" || !isNumber {
			return show(v)
		}
		verb := map[string]string{"d": "d", "x": part[2]}[strings.ToLower(part[2])]
		return fmt.Sprintf("%0"+part[3]+verb, n)
	})
	if bad {
		return nil, wants("an argument for each number in braces")
	}
	return out, nil
}
