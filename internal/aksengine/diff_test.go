package aksengine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiff(t *testing.T) {
	doc := func(count int, version, secret string, more ...string) []byte {
		var b strings.Builder
		fmt.Fprintf(&b, `{"a":1,"b":2,"c":3,"d":4,"e":5,"version":%q,"f":6,"g":7,"h":8,"i":9,"secret":%q`, version, secret)
		for _, m := range more {
			fmt.Fprintf(&b, `,%q:true`, m)
		}
		fmt.Fprintf(&b, `,"count":%d}`, count)
		return []byte(b.String())
	}
	show := func(old, new []byte) (string, int) {
		t.Helper()
		lines, hidden, err := Diff(old, new)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, l := range lines {
			out = append(out, fmt.Sprintf("%c %s", l.Mark, strings.TrimSpace(l.Text)))
		}
		return strings.Join(out, "\n"), hidden
	}
	for _, tt := range []struct {
		name     string
		old, new []byte
		want     string
		hidden   int
	}{
		{"the same", doc(3, "1.33.10", "first-secret"), doc(3, "1.33.10", "first-secret"), "", 0},
		{"only a secret", doc(3, "1.33.10", "first-secret"), doc(3, "1.33.10", "other-secret"), "", 1},
		{"a value in the middle", doc(3, "1.33.10", "first-secret"), doc(3, "1.34.4", "first-secret"),
			"@ \n  \"c\": 3,\n  \"d\": 4,\n  \"e\": 5,\n- \"version\": \"1.33.10\",\n+ \"version\": \"1.34.4\",\n  \"f\": 6,\n  \"g\": 7,\n  \"h\": 8,", 0},
		{"lines more", doc(3, "1", "first-secret"), doc(5, "1", "first-secret", "x", "y"),
			"@ \n  \"h\": 8,\n  \"i\": 9,\n  \"secret\": \"••••••\",\n- \"count\": 3\n+ \"x\": true,\n+ \"y\": true,\n+ \"count\": 5\n  }", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, hidden := show(tt.old, tt.new)
			if diff := cmp.Diff(tt.want, got); diff != "" || hidden != tt.hidden {
				t.Errorf("%d hidden, %s", hidden, diff)
			}
		})
	}
	if _, _, err := Diff([]byte("{"), doc(1, "", "")); err == nil {
		t.Error("a broken document was compared")
	}
}

// Applying the lines to the old document makes the new one, whatever they are.
func FuzzCompare(f *testing.F) {
	f.Add("a\nb\nc", "a\nc\nd")
	f.Fuzz(func(t *testing.T, old, new string) {
		if len(old) > 500 || len(new) > 500 {
			return
		}
		var a, b []string
		for _, l := range compare(strings.Split(old, "\n"), strings.Split(new, "\n")) {
			if l.Mark != '+' {
				a = append(a, l.Text)
			}
			if l.Mark != '-' {
				b = append(b, l.Text)
			}
		}
		if strings.Join(a, "\n") != old || strings.Join(b, "\n") != new {
			t.Errorf("%q and %q became %q and %q", old, new, a, b)
		}
	})
}
