package template

import (
	"maps"
	"strings"
)

// Reference answers what reference(), list…() and the like need from the
// deployed world: the resource's properties, or the full resource.
type Reference func(id, apiVersion string, full bool) (any, error)

// scope is what an expression can see.
type scope struct {
	ev     *Evaluation
	copies map[string]int64 // index of each copy loop around, by lower-case name
	inner  string           // name of the innermost loop; "" outside of loops
	ref    Reference
}

// within is the scope inside one turn of a copy loop.
func (s *scope) within(name string, index int64) *scope {
	in := *s
	in.copies = maps.Clone(s.copies)
	if in.copies == nil {
		in.copies = map[string]int64{}
	}
	in.inner = strings.ToLower(name)
	in.copies[in.inner] = index
	return &in
}

// value evaluates a JSON value: expressions in strings, at any depth.
func (s *scope) value(v any) (any, error) {
	switch t := v.(type) {
	case string:
		if !isExpression(t) {
			if strings.HasPrefix(t, "[[") {
				return t[1:], nil
			}
			return t, nil
		}
		n, err := s.ev.parsed(t)
		if err != nil {
			return nil, err
		}
		return n.eval(s)
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			r, err := s.value(e)
			if err != nil {
				return nil, err
			}
			out[i] = r
		}
		return out, nil
	case map[string]any:
		return s.objectValue(t)
	case loopValue:
		made := map[string]any{}
		err := s.propertyLoops(made, []any{t.loop})
		return made[text(t.loop, "name")], err
	}
	return v, nil
}

func (s *scope) objectValue(m map[string]any) (any, error) {
	out := make(map[string]any, len(m))
	for k, e := range m {
		if loops, ok := e.([]any); ok && strings.EqualFold(k, "copy") && areLoops(loops) {
			if err := s.propertyLoops(out, loops); err != nil {
				return nil, err
			}
			continue
		}
		r, err := s.value(e)
		if err != nil {
			return nil, err
		}
		out[k] = r
	}
	return out, nil
}

// areLoops tells property copies from an ordinary property called copy.
func areLoops(list []any) bool {
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok || text(m, "name") == "" {
			return false
		}
		if _, ok := lookup(m, "count"); !ok {
			return false
		}
	}
	return len(list) > 0
}

func (s *scope) propertyLoops(out map[string]any, loops []any) error {
	for _, e := range loops {
		m := e.(map[string]any)
		name := text(m, "name")
		n, err := s.count(m)
		if err != nil {
			return err
		}
		input, _ := lookup(m, "input")
		items := make([]any, 0, n)
		for i := range n {
			turn := s.within(name, i)
			turn.inner = s.inner // a plain copyIndex() stays the resource's
			v, err := turn.value(input)
			if err != nil {
				return err
			}
			items = append(items, v)
		}
		out[name] = items
	}
	return nil
}

// maxCopies is ARM's limit for one loop.
const maxCopies = 800

func (s *scope) count(loop map[string]any) (int64, error) {
	raw, _ := lookup(loop, "count")
	v, err := s.value(raw)
	if err != nil {
		return 0, err
	}
	n, ok := whole(v)
	if !ok || n < 0 || n > maxCopies {
		return 0, errorf("The copy count of '%s' is not valid: '%s'. It must be a whole number from 0 to %d.", text(loop, "name"), show(v), maxCopies)
	}
	return n, nil
}

func (n literal) eval(*scope) (any, error) { return n.value, nil }

func (n member) eval(s *scope) (any, error) {
	of, err := n.of.eval(s)
	if err != nil {
		return nil, err
	}
	m, ok := of.(map[string]any)
	if !ok {
		return nil, errorf("The language expression property '%s' can't be evaluated: the value before it is %s, not an object.", n.name, kind(of))
	}
	v, ok := lookup(m, n.name)
	if !ok {
		return nil, errorf("The language expression property '%s' doesn't exist.", n.name)
	}
	return v, nil
}

func (n element) eval(s *scope) (any, error) {
	of, err := n.of.eval(s)
	if err != nil {
		return nil, err
	}
	index, err := n.index.eval(s)
	if err != nil {
		return nil, err
	}
	switch t := of.(type) {
	case []any:
		i, ok := whole(index)
		if !ok || i < 0 || i >= int64(len(t)) {
			return nil, errorf("The language expression property array index '%s' is out of bounds.", show(index))
		}
		return t[i], nil
	case map[string]any:
		key, ok := index.(string)
		if !ok {
			return nil, errorf("The language expression property of an object must be a string, not %s.", kind(index))
		}
		v, ok := lookup(t, key)
		if !ok {
			return nil, errorf("The language expression property '%s' doesn't exist.", key)
		}
		return v, nil
	}
	return nil, errorf("The language expression can't index %s.", kind(of))
}

func (n call) eval(s *scope) (any, error) {
	name := strings.ToLower(n.name)
	if lazy, ok := lazyFunctions[name]; ok {
		return lazy(s, n)
	}
	f, ok := functions[name]
	if !ok {
		return nil, errorf("The template function '%s' is not valid.", n.name)
	}
	if len(n.args) < f.min || f.max >= 0 && len(n.args) > f.max {
		return nil, errorf("Unable to evaluate template language function '%s': function requires %s argument(s) while '%d' were provided.", n.name, f.arity(), len(n.args))
	}
	args := make([]any, len(n.args))
	for i, a := range n.args {
		v, err := a.eval(s)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	v, err := f.do(s, args)
	if e, ok := err.(*argumentError); ok {
		return nil, errorf("The template language function '%s' expects %s.", n.name, e.want)
	}
	return v, err
}
