package faults_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hubwright/internal/sandbox/faults"
)

func TestPresetOfNoStamp(t *testing.T) {
	if r, _ := faults.Preset("download-cut", "seattle"); r.Match.Stamp != "" {
		t.Errorf("a download belongs to %s and would never be struck", r.Match.Stamp)
	}
	if r, _ := faults.Preset("throttled", "seattle"); r.Match.Stamp != "seattle" {
		t.Errorf("throttled is for %q", r.Match.Stamp)
	}
}

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
