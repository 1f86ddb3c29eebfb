package run

import (
	"strconv"
	"strings"
)

type segment struct{ text, class string }

// ansi cuts a line at its colour sequences. The classes are the same that
// log-ansi.js uses. All other escape sequences are dropped.
func ansi(s string) []segment {
	if !strings.ContainsRune(s, '\x1b') {
		return []segment{{text: s}}
	}
	var out []segment
	var st ansiState
	for s != "" {
		i := strings.IndexByte(s, '\x1b')
		if i < 0 {
			i = len(s)
		}
		if i > 0 {
			out = append(out, segment{s[:i], st.class()})
			s = s[i:]
			continue
		}
		n, params, final := escape(s)
		if final == 'm' {
			st.apply(params)
		}
		s = s[n:]
	}
	return out
}

// escape measures the sequence at the start of s.
func escape(s string) (n int, params string, final byte) {
	if len(s) < 2 || s[1] != '[' {
		return min(2, len(s)), "", 0
	}
	for i := 2; i < len(s); i++ {
		if s[i] >= 0x40 && s[i] <= 0x7e {
			return i + 1, s[2:i], s[i]
		}
	}
	return len(s), "", 0
}

type ansiState struct {
	bold, dim, under bool
	fg               int // 0: none; 1 to 16: the sixteen colours
}

func (a *ansiState) apply(params string) {
	codes := strings.Split(params, ";")
	for i := 0; i < len(codes); i++ {
		n, err := strconv.Atoi(codes[i])
		if err != nil && codes[i] != "" {
			continue
		}
		switch {
		case n == 0:
			*a = ansiState{}
		case n == 1:
			a.bold = true
		case n == 2:
			a.dim = true
		case n == 4:
			a.under = true
		case n == 22:
			a.bold, a.dim = false, false
		case n == 24:
			a.under = false
		case n >= 30 && n <= 37:
			a.fg = n - 29
		case n >= 90 && n <= 97:
			a.fg = n - 81
		case n == 39:
			a.fg = 0
		case n == 38 || n == 48: // 256 or true colours: left out
			if i+1 < len(codes) && codes[i+1] == "5" {
				i += 2
			} else {
				i += 4
			}
		}
	}
}

func (a ansiState) class() string {
	var c []string
	if a.bold {
		c = append(c, "a-b")
	}
	if a.dim {
		c = append(c, "a-d")
	}
	if a.under {
		c = append(c, "a-u")
	}
	if a.fg > 0 {
		c = append(c, "a-"+strconv.Itoa(a.fg-1))
	}
	return strings.Join(c, " ")
}
