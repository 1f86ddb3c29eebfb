package remote

import "strings"

// Quote makes one line of shell words of args: a POSIX shell that reads the
// line gets exactly args again, whatever bytes they hold. NUL bytes, which no
// command line can carry, are dropped.
func Quote(args ...string) string {
	var b strings.Builder
	for i, a := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		quoteTo(&b, a)
	}
	return b.String()
}

func quoteTo(b *strings.Builder, s string) {
	s = strings.ReplaceAll(s, "\x00", "")
	if s != "" && !strings.ContainsFunc(s, needsQuotes) {
		b.WriteString(s)
		return
	}
	b.WriteByte('\'')
	b.WriteString(strings.ReplaceAll(s, "'", `'\''`))
	b.WriteByte('\'')
}

// needsQuotes leaves out = and ~ on purpose: a=b as the first word is an
// assignment, and ~ is expanded.
func needsQuotes(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("-_./:,+@%", r)
}
