package template

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"hash/fnv"
	"strings"
)

var worldFunctions = map[string]function{
	"parameters": {1, 1, func(s *scope, a []any) (any, error) {
		name, ok := a[0].(string)
		if !ok {
			return nil, wants("a string, not %s", kind(a[0]))
		}
		return s.ev.parameter(name)
	}},
	"variables": {1, 1, func(s *scope, a []any) (any, error) {
		name, ok := a[0].(string)
		if !ok {
			return nil, wants("a string, not %s", kind(a[0]))
		}
		return s.ev.variable(name)
	}},
	"copyindex":     {0, 2, copyIndex},
	"resourceid":    {2, -1, resourceID},
	"subscription":  {0, 0, func(s *scope, _ []any) (any, error) { return s.ev.where.subscription(), nil }},
	"resourcegroup": {0, 0, func(s *scope, _ []any) (any, error) { return s.ev.where.group(), nil }},
	"deployment":    {0, 0, func(s *scope, _ []any) (any, error) { return map[string]any{"name": s.ev.where.Deployment}, nil }},
	"reference":     {1, 3, reference},
	"uniquestring":  {1, -1, func(_ *scope, a []any) (any, error) { return uniqueString(a) }},
	"guid":          {1, -1, func(_ *scope, a []any) (any, error) { return guid(a) }},
}

// ErrRuntime says that an expression needs the deployed world.
var ErrRuntime = errors.New("the function reference() is only known when the resource is deployed")

// copyIndex is copyIndex(), copyIndex(offset), copyIndex(loop) and
// copyIndex(loop, offset).
func copyIndex(s *scope, a []any) (any, error) {
	name := s.inner
	if len(a) > 0 {
		if t, ok := a[0].(string); ok {
			name, a = strings.ToLower(t), a[1:]
		}
	}
	index, ok := s.copies[name]
	if !ok {
		return nil, errorf("The template function 'copyIndex' is not expected at this location. The function can only be used in a resource with copy specified.")
	}
	if len(a) == 0 {
		return index, nil
	}
	offset, ok := whole(a[0])
	if !ok || len(a) > 1 {
		return nil, wants("an offset that is an integer")
	}
	return index + offset, nil
}

// resourceID is resourceId([subscription], [group], type, name, ...).
func resourceID(s *scope, a []any) (any, error) {
	parts, err := texts(a)
	if err != nil {
		return nil, err
	}
	sub, group := s.ev.where.SubscriptionID, s.ev.where.Group
	var before []string
	for len(parts) > 0 && !strings.Contains(parts[0], "/") {
		before, parts = append(before, parts[0]), parts[1:]
	}
	switch {
	case len(parts) == 0 || len(before) > 2:
		return nil, errorf("Unable to evaluate template language function 'resourceId': a fully qualified resource type is required as one of the first three arguments.")
	case len(before) == 2:
		sub, group = before[0], before[1]
	case len(before) == 1:
		group = before[0]
	}
	tail, err := typedPath(parts[0], parts[1:])
	if err != nil {
		return nil, err
	}
	return "/subscriptions/" + sub + "/resourceGroups/" + group + "/providers/" + tail, nil
}

// typedPath weaves a type and the names into Namespace/type/name/type/name.
func typedPath(typ string, names []string) (string, error) {
	segs := strings.Split(strings.Trim(typ, "/"), "/")
	if len(segs)-1 != len(names) {
		return "", errorf("Unable to evaluate template language function 'resourceId': the type '%s' requires '%d' resource name argument(s).", typ, len(segs)-1)
	}
	out := segs[0]
	for i, n := range names {
		out += "/" + segs[i+1] + "/" + n
	}
	return out, nil
}

// reference is reference(id or name, [apiVersion], ['Full']).
func reference(s *scope, a []any) (any, error) {
	args, err := texts(a)
	if err != nil {
		return nil, err
	}
	if s.ref == nil {
		return nil, ErrRuntime
	}
	id, version := s.ev.ID(args[0]), ""
	if len(args) > 1 {
		version = args[1]
	}
	return s.ref(id, version, len(args) == 3 && strings.EqualFold(args[2], "full"))
}

func joined(a []any) (string, error) {
	parts, err := texts(a)
	return strings.Join(parts, "-"), err
}

// uniqueString is 13 letters and digits that follow from the arguments. (ARM's
// own hash is not published; only the form is the same.)
func uniqueString(a []any) (any, error) {
	s, err := joined(a)
	if err != nil {
		return nil, err
	}
	h := fnv.New64a()
	h.Write([]byte(s))
	n := h.Sum64()
	const digits = "abcdefghijklmnopqrstuvwxyz234567"
	out := make([]byte, 13)
	for i := range out {
		out[i] = digits[n&31]
		n >>= 5
	}
	return string(out), nil
}

// guidNamespace is the namespace of ARM's guid function.
var guidNamespace = [16]byte{0x11, 0xfb, 0x06, 0xfb, 0x71, 0x2d, 0x4d, 0xdd, 0x98, 0xc7, 0xe7, 0x1b, 0xbd, 0x58, 0x88, 0x30}

func guid(a []any) (any, error) {
	s, err := joined(a)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(append(guidNamespace[:], s...))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x50, b[8]&0x3f|0x80
	x := hex.EncodeToString(b)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:], nil
}
