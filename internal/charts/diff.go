package charts

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// difference compares two rendered manifests object by object, as lines with
// "+" and "-". Objects that stay as they are are only counted.
func difference(was, is string) (text string, changed int) {
	before, after := objectsOf(was), objectsOf(is)
	var b strings.Builder
	keep := 0
	for _, key := range keysOf(before, after) {
		a, z := before[key], after[key]
		switch {
		case a == z:
			keep++
			continue
		case a == "":
			fmt.Fprintf(&b, "+++ %s (new)\n", key)
		case z == "":
			fmt.Fprintf(&b, "--- %s (removed)\n", key)
		default:
			fmt.Fprintf(&b, "~~~ %s\n", key)
		}
		changed++
		b.WriteString(lines(mask(a), mask(z)))
	}
	if keep > 0 {
		fmt.Fprintf(&b, "    %d objects stay as they are\n", keep)
	}
	return b.String(), changed
}

func keysOf(a, b map[string]string) []string {
	var keys []string
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, both := a[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// objectsOf are the objects of a manifest by kind, namespace and name.
func objectsOf(manifest string) map[string]string {
	out := map[string]string{}
	for _, doc := range strings.Split("\n"+manifest, "\n---") {
		var head struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
		}
		if yaml.Unmarshal([]byte(doc), &head) != nil || head.Kind == "" {
			continue
		}
		key := head.Kind + " " + head.Metadata.Name
		if head.Metadata.Namespace != "" {
			key += " in " + head.Metadata.Namespace
		}
		out[key] = tidy(doc)
	}
	return out
}

// tidy drops comments and blank lines around a document.
func tidy(doc string) string {
	var out []string
	for line := range strings.Lines(doc) {
		line = strings.TrimRight(line, " \n")
		if line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// Masked stands for a Secret's value.
const Masked = "(secret)"

// mask hides what a Secret holds.
func mask(doc string) string {
	var object map[string]any
	if yaml.Unmarshal([]byte(doc), &object) != nil || object["kind"] != "Secret" {
		return doc
	}
	for _, part := range []string{"data", "stringData"} {
		if values, ok := object[part].(map[string]any); ok {
			for k := range values {
				values[k] = Masked
			}
		}
	}
	text, err := yaml.Marshal(object)
	if err != nil {
		return "kind: Secret # cannot be shown"
	}
	return strings.TrimRight(string(text), "\n")
}

// around is how many unchanged lines are shown beside changed ones.
const around = 2

// lines is the shortest way from one text to another, by lines.
func lines(a, b string) string {
	x, y := split(a), split(b)
	type step struct {
		mark byte
		text string
	}
	common := table(x, y)
	var steps []step
	for i, j := 0, 0; i < len(x) || j < len(y); {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			steps = append(steps, step{' ', x[i]})
			i, j = i+1, j+1
		case j == len(y) || i < len(x) && common[i+1][j] >= common[i][j+1]:
			steps = append(steps, step{'-', x[i]})
			i++
		default:
			steps = append(steps, step{'+', y[j]})
			j++
		}
	}
	var out strings.Builder
	gap := false
	for i, s := range steps {
		near := slices.ContainsFunc(steps[max(0, i-around):min(len(steps), i+around+1)], func(o step) bool { return o.mark != ' ' })
		if !near {
			gap = true
			continue
		}
		if gap {
			out.WriteString("    …\n")
			gap = false
		}
		fmt.Fprintf(&out, "%c   %s\n", s.mark, s.text)
	}
	return out.String()
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// table has the length of the longest common part of the rests of x and y.
func table(x, y []string) [][]int {
	t := make([][]int, len(x)+1)
	for i := range t {
		t[i] = make([]int, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				t[i][j] = t[i+1][j+1] + 1
			} else {
				t[i][j] = max(t[i+1][j], t[i][j+1])
			}
		}
	}
	return t
}
