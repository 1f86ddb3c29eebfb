package template

import "strings"

var listFunctions = map[string]function{
	"concat":      {1, -1, concat},
	"length":      {1, 1, length},
	"empty":       {1, 1, empty},
	"contains":    {2, 2, contains},
	"first":       {1, 1, func(_ *scope, a []any) (any, error) { return end(a[0], true) }},
	"last":        {1, 1, func(_ *scope, a []any) (any, error) { return end(a[0], false) }},
	"take":        {2, 2, func(_ *scope, a []any) (any, error) { return cut(a, true) }},
	"skip":        {2, 2, func(_ *scope, a []any) (any, error) { return cut(a, false) }},
	"createarray": {0, -1, func(_ *scope, a []any) (any, error) { return append([]any{}, a...), nil }},
	"array": {1, 1, func(_ *scope, a []any) (any, error) {
		if l, ok := a[0].([]any); ok {
			return l, nil
		}
		return []any{a[0]}, nil
	}},
	"createobject": {0, -1, createObject},
	"union":        {1, -1, union},
	"join": {2, 2, func(_ *scope, a []any) (any, error) {
		l, ok := a[0].([]any)
		sep, ok2 := a[1].(string)
		if !ok || !ok2 {
			return nil, wants("an array and a string")
		}
		parts := make([]string, len(l))
		for i, v := range l {
			parts[i] = show(v)
		}
		return strings.Join(parts, sep), nil
	}},
}

// concat joins arrays when all arguments are arrays, else their texts.
func concat(_ *scope, a []any) (any, error) {
	if _, ok := a[0].([]any); ok {
		out := []any{}
		for _, v := range a {
			l, ok := v.([]any)
			if !ok {
				return nil, wants("all its parameters to be arrays, or none")
			}
			out = append(out, l...)
		}
		return out, nil
	}
	var b strings.Builder
	for _, v := range a {
		switch v.(type) {
		case []any, map[string]any:
			return nil, wants("all its parameters to be strings or all to be arrays, not %s", kind(v))
		}
		b.WriteString(show(v))
	}
	return b.String(), nil
}

func length(_ *scope, a []any) (any, error) {
	switch t := a[0].(type) {
	case string:
		return int64(len([]rune(t))), nil
	case []any:
		return int64(len(t)), nil
	case map[string]any:
		return int64(len(t)), nil
	}
	return nil, wants("a string, an array or an object, not %s", kind(a[0]))
}

func empty(s *scope, a []any) (any, error) {
	if a[0] == nil {
		return true, nil
	}
	n, err := length(s, a)
	return n == int64(0), err
}

func contains(_ *scope, a []any) (any, error) {
	switch t := a[0].(type) {
	case string:
		return strings.Contains(t, show(a[1])), nil
	case []any:
		for _, v := range t {
			if same(v, a[1]) {
				return true, nil
			}
		}
		return false, nil
	case map[string]any:
		_, ok := lookup(t, show(a[1]))
		return ok, nil
	}
	return nil, wants("a string, an array or an object, not %s", kind(a[0]))
}

func end(v any, first bool) (any, error) {
	switch t := v.(type) {
	case string:
		r := []rune(t)
		if len(r) == 0 {
			return "", nil
		}
		if first {
			return string(r[0]), nil
		}
		return string(r[len(r)-1]), nil
	case []any:
		if len(t) == 0 {
			return nil, nil
		}
		if first {
			return t[0], nil
		}
		return t[len(t)-1], nil
	}
	return nil, wants("a string or an array, not %s", kind(v))
}

// cut keeps the first n elements, or all but them.
func cut(a []any, keep bool) (any, error) {
	n, ok := whole(a[1])
	if !ok {
		return nil, wants("a number, not %s", kind(a[1]))
	}
	bound := func(size int) int { return int(min(max(n, 0), int64(size))) }
	switch t := a[0].(type) {
	case string:
		r := []rune(t)
		if keep {
			return string(r[:bound(len(r))]), nil
		}
		return string(r[bound(len(r)):]), nil
	case []any:
		if keep {
			return t[:bound(len(t))], nil
		}
		return t[bound(len(t)):], nil
	}
	return nil, wants("a string or an array, not %s", kind(a[0]))
}

func createObject(_ *scope, a []any) (any, error) {
	if len(a)%2 != 0 {
		return nil, wants("pairs of keys and values")
	}
	out := map[string]any{}
	for i := 0; i < len(a); i += 2 {
		key, ok := a[i].(string)
		if !ok {
			return nil, wants("keys to be strings, not %s", kind(a[i]))
		}
		out[key] = a[i+1]
	}
	return out, nil
}

func union(_ *scope, a []any) (any, error) {
	if _, ok := a[0].(map[string]any); ok {
		out := map[string]any{}
		for _, v := range a {
			m, ok := v.(map[string]any)
			if !ok {
				return nil, wants("objects only or arrays only")
			}
			for k, e := range m {
				out[k] = e
			}
		}
		return out, nil
	}
	out := []any{}
	for _, v := range a {
		l, ok := v.([]any)
		if !ok {
			return nil, wants("objects only or arrays only")
		}
		for _, e := range l {
			if has, _ := contains(nil, []any{out, e}); has != true {
				out = append(out, e)
			}
		}
	}
	return out, nil
}
