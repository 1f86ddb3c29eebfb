package redact

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
)

// part is a piece of a secret that is masked on its own.
type part struct {
	text   string
	opaque bool // random characters, so that even a piece of it is a secret
}

// forms are the ways in which the part may come, each at least gram long.
func (p part) forms() []string {
	s := p.text
	out := []string{
		s, jsonEscaped(s, true), jsonEscaped(s, false), unquoted(strconv.Quote(s)), html.EscapeString(s),
		strings.ReplaceAll(s, "'", `'\''`), strings.ReplaceAll(s, "'", `'"'"'`),
	}
	query := url.QueryEscape(s)
	for _, esc := range []string{query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(s)} {
		out = append(out, esc, lowerHex(esc))
	}
	return append(out, base64Forms(s)...)
}

func jsonEscaped(s string, forHTML bool) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(forHTML)
	if enc.Encode(s) != nil {
		return s
	}
	return unquoted(strings.TrimSuffix(b.String(), "\n"))
}

func unquoted(s string) string { return s[1 : len(s)-1] }

// lowerHex makes %2F %2f.
func lowerHex(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
			i += 2
		}
	}
	return string(b)
}

// base64Forms are the encodings of s itself, with and without padding, and
// what s looks like inside the encoding of a longer text, which depends on how
// many bytes stand before it.
func base64Forms(s string) []string {
	var out []string
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		out = append(out, enc.EncodeToString([]byte(s)), enc.WithPadding(base64.NoPadding).EncodeToString([]byte(s)))
		for before := range 3 {
			text := enc.EncodeToString([]byte(strings.Repeat("\x00", before) + s))
			// Characters that are made of bits of s alone, 6 bits each.
			first, end := (before*8+5)/6, (before+len(s))*8/6
			out = append(out, text[first:end])
		}
	}
	return out
}
