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
			out = append(out, fmt.Sprintf("%c%d,%d %s", l.Mark, l.Old, l.New, strings.TrimSpace(l.Text)))
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
			"@0,0 \n 4,4 \"c\": 3,\n 5,5 \"d\": 4,\n 6,6 \"e\": 5,\n-7,0 \"version\": \"1.33.10\",\n+0,7 \"version\": \"1.34.4\",\n 8,8 \"f\": 6,\n 9,9 \"g\": 7,\n 10,10 \"h\": 8,", 0},
		{"lines more", doc(3, "1", "first-secret"), doc(5, "1", "first-secret", "x", "y"),
			"@0,0 \n 10,10 \"h\": 8,\n 11,11 \"i\": 9,\n 12,12 \"secret\": \"••••••\",\n-13,0 \"count\": 3\n+0,13 \"x\": true,\n+0,14 \"y\": true,\n+0,15 \"count\": 5\n 14,16 }", 0},
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
