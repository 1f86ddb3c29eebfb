package charts

import (
	"strings"
	"testing"

	"hubwright/workflows"
)

// TestForeignSchemas: references out of a chart are not followed, its own
// rules hold.
func TestForeignSchemas(t *testing.T) {
	ch := chartOf(t, map[string]string{
		"values.yaml": "replicas: 1\n", "templates/web.yaml": "",
		"values.schema.json": `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","definitions":{"n":{"type":"integer"}},"properties":{
			"replicas":{"$ref":"#/definitions/n"}, "probe":{"$ref":"https://schemas.example.test/k8s.json#/definitions/Probe"}, "disk":{"$ref":"file:///etc/hostname"},
			"list":{"type":"array","items":{"$ref":"other.json"}}}}`,
	})
	if err := CheckValues(ch, "probe: {anything: 1}\ndisk: 3\nlist: [1]\n"); err != nil {
		t.Errorf("a reference was followed: %v", err)
	}
	if err := CheckValues(ch, "replicas: many"); err == nil || !strings.Contains(err.Error(), "replicas") {
		t.Errorf("its own rule does not hold: %v", err)
	}
	if _, _, err := spread(workflows.ReleaseSpec{Chart: ch}); err != nil {
		t.Error(err)
	}
}
