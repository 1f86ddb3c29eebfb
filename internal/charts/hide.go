package charts

import (
	"fmt"
	"regexp"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"
)

// secretName fits names of values that hold a secret themselves. One such as
// existingSecret or secretName refers to a Secret on the cluster.
var secretName = regexp.MustCompile(`(?i)(password|passwd|passphrase|secret|token|credentials?|api[-_]?key|access[-_]?key|account[-_]?key|private[-_]?key|connection[-_]?string)$`)

// shortest is the length from which a secret is looked for inside other text.
const shortest = 4

// Hide is a person's values without what they hold as secrets.
func Hide(text string) string {
	values, err := chartutil.ReadValues([]byte(text))
	if err != nil {
		return "# These values cannot be read.\n"
	}
	hid := false
	walk(values.AsMap(), func(object map[string]any, key string) { object[key], hid = Masked, true })
	if !hid {
		return text
	}
	out, err := yaml.Marshal(values)
	if err != nil {
		return "# These values cannot be shown.\n"
	}
	return string(out)
}

// SecretsIn are the secrets that a person's values hold.
func SecretsIn(text string) []string {
	values, err := chartutil.ReadValues([]byte(text))
	if err != nil {
		return nil
	}
	return secretsOf(values.AsMap())
}

func secretsOf(values map[string]any) []string {
	var out []string
	walk(values, func(object map[string]any, key string) {
		if s := fmt.Sprint(object[key]); len(s) >= shortest {
			out = append(out, s)
		}
	})
	return out
}

// walk calls found for each scalar below a name of a secret.
func walk(node any, found func(object map[string]any, key string)) {
	switch v := node.(type) {
	case map[string]any:
		for key, below := range v {
			_, isMap := below.(map[string]any)
			_, isList := below.([]any)
			if isMap || isList {
				walk(below, found)
			} else if below != nil && below != "" && secretName.MatchString(key) && !strings.HasPrefix(strings.ToLower(key), "existing") {
				found(v, key)
			}
		}
	case []any:
		for _, below := range v {
			walk(below, found)
		}
	}
}

// hide takes secrets out of a text.
func hide(text string, secrets []string) string {
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, Masked)
	}
	return text
}
