package arm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"strings"

	"hubwright/internal/sandbox/arm/template"
)

// object is a JSON object.
type object = map[string]any

func clone(v object) object {
	raw, err := json.Marshal(v)
	if err != nil {
		return object{}
	}
	return decode(raw)
}

// decode reads a JSON object with whole numbers as int64; nil when it is none.
func decode(raw []byte) object {
	v, err := template.Decode(raw)
	if err != nil {
		return nil
	}
	return obj(v)
}

func str(v any) string { s, _ := v.(string); return s }

func obj(v any) object { o, _ := v.(map[string]any); return o }

func list(v any) []any { l, _ := v.([]any); return l }

// number reads whole numbers of any Go type.
func number(v any) (int64, bool) {
	switch t := v.(type) {
	case int64:
		return t, true
	case int:
		return int64(t), true
	case float64:
		return int64(t), t == float64(int64(t))
	}
	return 0, false
}

// dig follows names into nested objects, regardless of case.
func dig(v any, names ...string) any {
	for _, n := range names {
		v, _ = member(obj(v), n)
	}
	return v
}

func member(o object, name string) (any, bool) {
	if v, ok := o[name]; ok {
		return v, true
	}
	for k, v := range o {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return nil, false
}

// props are a resource's properties; they are made when missing.
func props(o object) object {
	if p := obj(dig(o, "properties")); p != nil {
		return p
	}
	p := object{}
	o["properties"] = p
	return p
}

func lower(s string) string { return strings.ToLower(s) }

func same(a, b string) bool { return strings.EqualFold(a, b) }

// lastPart is what follows the last slash.
func lastPart(s string) string { return s[strings.LastIndex(s, "/")+1:] }

// parent cuts /type/name from an id.
func parent(id string) string {
	for range 2 {
		cut := strings.LastIndex(id, "/")
		if cut < 0 {
			return ""
		}
		id = id[:cut]
	}
	return id
}

func digest(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// jitter is a factor from 0.85 to 1.15 that is always the same for a name, so
// that things don't all happen at once and runs can be compared.
func jitter(name string) float64 {
	f := fnv.New32a()
	f.Write([]byte(lower(name)))
	return 0.85 + 0.3*float64(f.Sum32()%1000)/1000
}
