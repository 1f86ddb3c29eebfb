package faults_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hubwright/internal/sandbox/faults"
)

// TestEveryKindIsInTheDocs compares the table of docs/faults.md with the
// presets.
func TestEveryKindIsInTheDocs(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z0-9, -]+) \|`).FindAllStringSubmatch(string(raw), -1) {
		told = append(told, strings.Split(m[1], ", ")...)
	}
	for _, r := range faults.Kinds() {
		if !slices.Contains(told, r.Kind) {
			t.Errorf("docs/faults.md does not tell of %s", r.Kind)
		}
	}
	for _, kind := range told {
		if _, ok := faults.Preset(kind, ""); !ok {
			t.Errorf("docs/faults.md tells of %s, which does not exist", kind)
		}
	}
}
