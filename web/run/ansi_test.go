package run

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnsi(t *testing.T) {
	tests := []struct {
		name, in string
		want     []segment
	}{
		{"plain", "hello", []segment{{"hello", ""}}},
		{"colour", "\x1b[31mbad\x1b[0m fine", []segment{{"bad", "a-1"}, {" fine", ""}}},
		{"bright and bold", "\x1b[1;92mok\x1b[m", []segment{{"ok", "a-b a-10"}}},
		{"bold ends, colour stays", "\x1b[1;34ma\x1b[22mb", []segment{{"a", "a-b a-4"}, {"b", "a-4"}}},
		{"256 colours are left out", "\x1b[38;5;196mx\x1b[0m", []segment{{"x", ""}}},
		{"true colours are left out", "\x1b[38;2;1;31;3mx", []segment{{"x", ""}}},
		{"cursor moves are dropped", "a\x1b[2K\x1b[1Gb", []segment{{"a", ""}, {"b", ""}}},
		{"cut off", "a\x1b[3", []segment{{"a", ""}}},
		{"lone escape", "a\x1b", []segment{{"a", ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ansi(tt.in), cmp.AllowUnexported(segment{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzAnsi(f *testing.F) {
	f.Add("\x1b[31mbad\x1b[0m")
	f.Add("\x1b[38;5")
	f.Fuzz(func(t *testing.T, s string) {
		for _, g := range ansi(s) {
			if g.class != "" && g.text == "" {
				t.Errorf("an empty segment in %q", s)
			}
		}
	})
}
