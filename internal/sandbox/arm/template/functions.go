package template

import (
	"fmt"
	"strings"
)

// function is a template function whose arguments are evaluated before.
type function struct {
	min, max int // max < 0: any number
	do       func(s *scope, a []any) (any, error)
}

func (f function) arity() string {
	switch {
	case f.max < 0:
		return fmt.Sprintf("at least '%d'", f.min)
	case f.min == f.max:
		return fmt.Sprintf("'%d'", f.min)
	}
	return fmt.Sprintf("'%d' to '%d'", f.min, f.max)
}

// argumentError is a wrong argument; the caller adds the function's name.
type argumentError struct{ want string }

func (e *argumentError) Error() string { return "expects " + e.want }

func wants(format string, a ...any) error { return &argumentError{fmt.Sprintf(format, a...)} }

// lazyFunctions evaluate only the arguments that they need.
var lazyFunctions = map[string]func(*scope, call) (any, error){"if": ifFunction}

func ifFunction(s *scope, n call) (any, error) {
	if len(n.args) != 3 {
		return nil, errorf("Unable to evaluate template language function 'if': function requires '3' argument(s) while '%d' were provided.", len(n.args))
	}
	v, err := n.args[0].eval(s)
	if err != nil {
		return nil, err
	}
	b, ok := v.(bool)
	if !ok {
		return nil, errorf("The template language function 'if' expects its first parameter to be a boolean, not %s.", kind(v))
	}
	if b {
		return n.args[1].eval(s)
	}
	return n.args[2].eval(s)
}

// functions is the table of all others, by lower-case name. It is filled here
// and never changed.
var functions = merge(textFunctions, listFunctions, numberFunctions, logicFunctions, worldFunctions)

func merge(tables ...map[string]function) map[string]function {
	out := map[string]function{}
	for _, t := range tables {
		for name, f := range t {
			out[name] = f
		}
	}
	return out
}

var numberFunctions = map[string]function{
	"add": arithmetic(func(a, b int64) (int64, error) { return a + b, nil }),
	"sub": arithmetic(func(a, b int64) (int64, error) { return a - b, nil }),
	"mul": arithmetic(func(a, b int64) (int64, error) { return a * b, nil }),
	"div": arithmetic(func(a, b int64) (int64, error) {
		if b == 0 {
			return 0, errorf("Attempted to divide by zero.")
		}
		return a / b, nil
	}),
	"mod": arithmetic(func(a, b int64) (int64, error) {
		if b == 0 {
			return 0, errorf("Attempted to divide by zero.")
		}
		return a % b, nil
	}),
	"int": {1, 1, func(_ *scope, a []any) (any, error) { return toInt(a[0]) }},
	"min": extreme(func(a, b int64) bool { return a < b }),
	"max": extreme(func(a, b int64) bool { return a > b }),
	"range": {2, 2, func(_ *scope, a []any) (any, error) {
		from, ok1 := whole(a[0])
		n, ok2 := whole(a[1])
		if !ok1 || !ok2 || n < 0 || n > 10000 {
			return nil, wants("a whole number and a count from 0 to 10000")
		}
		out := make([]any, n)
		for i := range n {
			out[i] = from + i
		}
		return out, nil
	}},
}

func arithmetic(do func(a, b int64) (int64, error)) function {
	return function{2, 2, func(_ *scope, a []any) (any, error) {
		x, ok1 := whole(a[0])
		y, ok2 := whole(a[1])
		if !ok1 || !ok2 {
			return nil, wants("its parameters to be integers, not %s and %s", kind(a[0]), kind(a[1]))
		}
		return do(x, y)
	}}
}

func extreme(better func(a, b int64) bool) function {
	return function{1, -1, func(_ *scope, a []any) (any, error) {
		if l, ok := a[0].([]any); ok && len(a) == 1 {
			a = l
		}
		var best int64
		for i, v := range a {
			n, ok := whole(v)
			if !ok {
				return nil, wants("integers, not %s", kind(v))
			}
			if i == 0 || better(n, best) {
				best = n
			}
		}
		return best, nil
	}}
}

var logicFunctions = map[string]function{
	"true":  {0, 0, func(*scope, []any) (any, error) { return true, nil }},
	"false": {0, 0, func(*scope, []any) (any, error) { return false, nil }},
	"null":  {0, 0, func(*scope, []any) (any, error) { return nil, nil }},
	"not": {1, 1, func(_ *scope, a []any) (any, error) {
		b, ok := a[0].(bool)
		if !ok {
			return nil, wants("a boolean, not %s", kind(a[0]))
		}
		return !b, nil
	}},
	"and":             junction(false),
	"or":              junction(true),
	"bool":            {1, 1, func(_ *scope, a []any) (any, error) { return toBool(a[0]) }},
	"equals":          {2, 2, func(_ *scope, a []any) (any, error) { return same(a[0], a[1]), nil }},
	"less":            comparison(func(c int) bool { return c < 0 }),
	"lessorequals":    comparison(func(c int) bool { return c <= 0 }),
	"greater":         comparison(func(c int) bool { return c > 0 }),
	"greaterorequals": comparison(func(c int) bool { return c >= 0 }),
	"coalesce": {1, -1, func(_ *scope, a []any) (any, error) {
		for _, v := range a {
			if v != nil {
				return v, nil
			}
		}
		return nil, nil
	}},
}

// junction is "or" with stop true and "and" with stop false.
func junction(stop bool) function {
	return function{2, -1, func(_ *scope, a []any) (any, error) {
		out := !stop
		for _, v := range a {
			b, ok := v.(bool)
			if !ok {
				return nil, wants("booleans, not %s", kind(v))
			}
			if b == stop {
				out = stop
			}
		}
		return out, nil
	}}
}

func comparison(holds func(c int) bool) function {
	return function{2, 2, func(_ *scope, a []any) (any, error) {
		if x, ok := a[0].(string); ok {
			if y, ok := a[1].(string); ok {
				return holds(strings.Compare(x, y)), nil
			}
		}
		x, ok1 := whole(a[0])
		y, ok2 := whole(a[1])
		if !ok1 || !ok2 {
			return nil, wants("two integers or two strings, not %s and %s", kind(a[0]), kind(a[1]))
		}
		switch {
		case x < y:
			return holds(-1), nil
		case x > y:
			return holds(1), nil
		}
		return holds(0), nil
	}}
}
