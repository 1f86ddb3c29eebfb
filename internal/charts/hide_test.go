package charts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/workflows"
)

func TestHide(t *testing.T) {
	values := "size: 3\ndb:\n  password: needle-1\n  existingSecret: kept-2\n  users: [{name: ana, apiKey: needle-3}]\ntls: {secretName: kept-4}\nrootPassword: 123456\ntoken: ''\n"
	shown := Hide(values)
	for _, needle := range []string{"needle-1", "needle-3", "123456"} {
		if strings.Contains(shown, needle) {
			t.Errorf("%s is shown:\n%s", needle, shown)
		}
	}
	for _, kept := range []string{"kept-2", "kept-4", "ana", "size: 3"} {
		if !strings.Contains(shown, kept) {
			t.Errorf("%s is not shown:\n%s", kept, shown)
		}
	}
	if plain := "# with a comment\nsize: 3\n"; Hide(plain) != plain {
		t.Errorf("values without secrets become %q", Hide(plain))
	}
	if got := Hide("a: [password: needle"); strings.Contains(got, "needle") {
		t.Errorf("values that cannot be read are shown: %q", got)
	}
	got := SecretsIn("db: {password: needle-1, pin: 1}\napi_key: k\n")
	if diff := cmp.Diff([]string{"needle-1"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestRenderedSecretsAreHidden: a chart may put a secret anywhere, and neither
// the old one nor the new one is in the diff, nor in the log of the install.
func TestRenderedSecretsAreHidden(t *testing.T) {
	c := opened(t)
	spec := workflows.ReleaseSpec{Name: "hidden", Namespace: "hidden", Values: "password: needle-old", Chart: chartOf(t, map[string]string{
		"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {url: \"mongodb://root:{{ .Values.password }}@db\"}\n",
	})}
	if _, log := install(t, c, spec); log.has("needle") {
		t.Errorf("the log tells:\n%s", log)
	}
	spec.Values = "password: needle-new"
	p, err := c.Preview(t.Context(), spec)
	if err != nil || p.Changed != 1 || strings.Contains(p.Diff, "needle") || !strings.Contains(p.Diff, "mongodb://root:(secret)@db") {
		t.Errorf("%d changed, %v:\n%s", p.Changed, err, p.Diff)
	}
}
