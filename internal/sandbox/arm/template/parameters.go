package template

import (
	"slices"
	"sort"
	"strings"
)

// bind checks the given parameters against the declared ones and completes
// them with defaults.
func (ev *Evaluation) bind(given map[string]any) error {
	declared := object(ev.doc, "parameters")
	if err := refuseUnknown(declared, given); err != nil {
		return err
	}
	names := make([]string, 0, len(declared))
	for n := range declared {
		names = append(names, n)
	}
	sort.Strings(names)
	var defaults []string
	for _, name := range names {
		decl, ok := declared[name].(map[string]any)
		if !ok || text(decl, "type") == "" {
			return errorf("The template parameter '%s' is not valid: it has no type.", name)
		}
		v, ok := lookup(given, name)
		if !ok {
			defaults = append(defaults, name)
			continue
		}
		value, err := givenValue(name, v)
		if err != nil {
			return err
		}
		if err := ev.accept(name, decl, value); err != nil {
			return err
		}
	}
	for _, name := range defaults {
		decl := declared[name].(map[string]any)
		raw, ok := lookup(decl, "defaultValue")
		if !ok {
			return errorf("The value for the template parameter '%s' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.", name)
		}
		value, err := (&scope{ev: ev}).value(raw)
		if err != nil {
			return within(err, "parameter", name)
		}
		if err := ev.accept(name, decl, value); err != nil {
			return err
		}
	}
	return nil
}

func refuseUnknown(declared, given map[string]any) error {
	var unknown, known []string
	for n := range given {
		if _, ok := lookup(declared, n); !ok {
			unknown = append(unknown, n)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	for n := range declared {
		known = append(known, n)
	}
	sort.Strings(unknown)
	sort.Strings(known)
	return errorf("The template parameters '%s' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are '%s'. Please see https://aka.ms/arm-pass-parameter-values for usage details.",
		strings.Join(unknown, ", "), strings.Join(known, ", "))
}

func givenValue(name string, v any) (any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errorf("The template parameter '%s' must be an object with a value.", name)
	}
	if _, ok := lookup(m, "reference"); ok {
		return nil, errorf("The template parameter '%s' refers to a key vault, which is not supported.", name)
	}
	value, ok := lookup(m, "value")
	if !ok {
		return nil, errorf("The template parameter '%s' has no value.", name)
	}
	return value, nil
}

// accept takes a value that fits the declaration.
func (ev *Evaluation) accept(name string, decl map[string]any, value any) error {
	value, err := fit(name, text(decl, "type"), value)
	if err != nil {
		return err
	}
	if allowed := list(decl, "allowedValues"); allowed != nil && !slices.ContainsFunc(allowed, func(a any) bool { return alike(a, value) }) {
		names := make([]string, len(allowed))
		for i, a := range allowed {
			names[i] = show(a)
		}
		return errorf("The provided value '%s' for the template parameter '%s' is not valid. The value '%s' is not part of the allowed value(s): '%s'.",
			show(value), name, show(value), strings.Join(names, ","))
	}
	if err := limits(name, decl, value); err != nil {
		return err
	}
	ev.params[strings.ToLower(name)] = value
	return nil
}

func alike(a, b any) bool {
	x, ok1 := a.(string)
	y, ok2 := b.(string)
	if ok1 && ok2 {
		return strings.EqualFold(x, y)
	}
	return same(a, b)
}

func fit(name, typ string, v any) (any, error) {
	ok, expected := false, ""
	switch strings.ToLower(typ) {
	case "string", "securestring":
		_, ok = v.(string)
		expected = "String, Uri"
	case "int":
		var n int64
		if n, ok = whole(v); ok {
			v = n
		} else if s, isText := v.(string); isText {
			if i, err := toInt(s); err == nil {
				v, ok = i, true
			}
		}
		expected = "Integer"
	case "bool":
		if _, ok = v.(bool); !ok {
			if s, isText := v.(string); isText && (strings.EqualFold(s, "true") || strings.EqualFold(s, "false")) {
				v, ok = strings.EqualFold(s, "true"), true
			}
		}
		expected = "Boolean"
	case "object", "secureobject":
		_, ok = v.(map[string]any)
		expected = "Object"
	case "array":
		_, ok = v.([]any)
		expected = "Array"
	default:
		return nil, errorf("The template parameter '%s' is not valid: the type '%s' is unknown.", name, typ)
	}
	if !ok {
		return nil, errorf("The template parameter '%s' is not valid: Template parameter JToken type is not valid. Expected '%s'. Actual is %s. Please see https://aka.ms/resource-manager-parameter-files for usage details.", name, expected, kind(v))
	}
	return v, nil
}

func limits(name string, decl map[string]any, v any) error {
	size, isNumber := whole(v)
	low, high := "minValue", "maxValue"
	if !isNumber {
		low, high = "minLength", "maxLength"
		switch t := v.(type) {
		case string:
			size = int64(len([]rune(t)))
		case []any:
			size = int64(len(t))
		default:
			return nil
		}
	}
	if raw, ok := lookup(decl, low); ok {
		if n, ok := whole(raw); ok && size < n {
			return errorf("The provided value for the template parameter '%s' is not valid: it is below its %s '%d'.", name, low, n)
		}
	}
	if raw, ok := lookup(decl, high); ok {
		if n, ok := whole(raw); ok && size > n {
			return errorf("The provided value for the template parameter '%s' is not valid: it is above its %s '%d'.", name, high, n)
		}
	}
	return nil
}
