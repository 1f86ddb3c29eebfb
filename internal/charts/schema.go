package charts

import (
	"encoding/json"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
)

// keepSchemasIn makes the schemas of a chart and its parts refer to themselves
// alone. Some charts name schemas on the Internet, which Helm would fetch from
// here, past every proxy, before it installs anything; a file: reference would
// even read this server's disk. What such a reference describes is not checked.
func keepSchemasIn(ch *chart.Chart) {
	if len(ch.Schema) > 0 {
		var doc any
		if json.Unmarshal(ch.Schema, &doc) == nil {
			if text, err := json.Marshal(withoutForeign(doc)); err == nil {
				ch.Schema = text
			}
		}
	}
	for _, part := range ch.Dependencies() {
		keepSchemasIn(part)
	}
}

func withoutForeign(node any) any {
	switch v := node.(type) {
	case map[string]any:
		for _, word := range []string{"$ref", "$dynamicRef", "$recursiveRef"} {
			if ref, ok := v[word].(string); ok && !strings.HasPrefix(ref, "#") {
				delete(v, word)
			}
		}
		if s, ok := v["$schema"].(string); ok && !strings.Contains(s, "//json-schema.org/") {
			delete(v, "$schema")
		}
		for key, below := range v {
			v[key] = withoutForeign(below)
		}
	case []any:
		for i, below := range v {
			v[i] = withoutForeign(below)
		}
	}
	return node
}
