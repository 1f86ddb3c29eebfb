package remote

import (
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestQuote(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{""}, "''"},
		{[]string{"plain-word_1./:,+@%"}, "plain-word_1./:,+@%"},
		{[]string{"a b", "it's", "$HOME", "~", "a=b", "*"}, `'a b' 'it'\''s' '$HOME' '~' 'a=b' '*'`},
		{[]string{"line\nbreak", "`id`", "\x00nul"}, "'line\nbreak' '`id`' nul"},
	}
	for _, tt := range tests {
		if got := Quote(tt.args...); got != tt.want {
			t.Errorf("Quote(%q) = %s, want %s", tt.args, got, tt.want)
		}
	}
}

// FuzzQuote asks real shells what they make of the words.
func FuzzQuote(f *testing.F) {
	for _, seed := range []string{
		"", "'", "''", `\`, `\'`, "a'b", "$(id)", "`id`", "${x}", "a\nb", "\n", "\r\n", "~/x", "-n", "!!", "ü€😀", "\xff\xfe", "\x01\x7f",
		"a;b|c&d>e<f", "#c", "[a-z]*?", "{1..3}", "x=y", "\t ", `"`, "%s%n", "--",
	} {
		f.Add(seed, seed+"'"+seed)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ReplaceAll(a, "\x00", ""), strings.ReplaceAll(b, "\x00", "")
		for _, shell := range []string{"/bin/sh", "/bin/bash"} {
			out, err := exec.Command(shell, "-c", "printf '%s\\001' "+Quote(a, b)).Output()
			if err != nil {
				t.Fatalf("%s: %v for %s", shell, err, Quote(a, b))
			}
			if want := a + "\x01" + b + "\x01"; string(out) != want {
				t.Errorf("%s made %q of %q (valid text: %v)", shell, out, want, utf8.ValidString(want))
			}
		}
	})
}
