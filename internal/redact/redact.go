// Package redact makes secrets unreadable before anything is stored or shown.
package redact

import (
	"slices"
	"strings"
	"sync"
)

// Mask stands where a secret was. Its length says nothing about the secret's.
const Mask = "••••••"

// MinSecret is the length, in characters, below which a secret is ignored:
// masking it would tear up ordinary words.
const MinSecret = 6

const (
	gram = 6 // bytes of the key under which a form is found; no form is shorter
	// Of long opaque forms every part of at least piece bytes is masked too, so
	// that wrapping or cutting a line doesn't uncover it. Any such part holds
	// one of the grams that are indexed every stride bytes.
	stride  = 16
	piece   = 24
	crowded = 8 // further grams with the same key are left out
)

// Redactor knows secrets and masks them, in whatever form they come. The
// secrets stay in memory only. It is safe for concurrent use.
type Redactor struct {
	mu    sync.RWMutex
	known map[string]bool // secrets and forms
	index map[uint64][]entry
	maybe [1 << 10]uint64 // bit set of hashed keys: says no quickly
	again bool            // a form holds bytes of the mask: masking may make one
}

// entry is a place in a form: a text that has the form's bytes around the
// place, need of them in all, is masked.
type entry struct {
	form string
	at   int
	need int
}

// New makes a Redactor that knows nothing.
func New() *Redactor {
	return &Redactor{known: map[string]bool{}, index: map[uint64][]entry{}}
}

// Add makes a secret unreadable from now on: plain, base64 (standard and URL
// alphabet, inside other text), URL-encoded, JSON-escaped, and quoted for
// shell, Go and HTML. Of values with several lines each line counts, of PEM
// only private keys, and of JSON and YAML documents only what their keys call
// secret. Adding again costs little.
func (r *Redactor) Add(secret string) {
	r.mu.RLock()
	known := r.known[secret]
	r.mu.RUnlock()
	if known {
		return
	}
	parts := secretParts(secret)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[secret] = true
	for _, p := range parts {
		for _, f := range p.forms() {
			r.addForm(f, p.opaque)
		}
	}
}

// addForm indexes a form. The parts of a long one count only when it is
// opaque: of plain words they would be ordinary text.
func (r *Redactor) addForm(form string, opaque bool) {
	if len(form) < gram || onlyMask(form) {
		return
	}
	mark := "form:" + form // apart from the secrets themselves
	if r.known[mark] {
		return
	}
	r.known[mark] = true
	if holdsMaskByte(form) {
		r.again = true
	}
	r.put(entry{form, 0, len(form)})
	if !opaque || len(form) < 2*piece {
		return
	}
	for at := 0; at+gram <= len(form); at += stride {
		if len(r.index[keyAt(form, at)]) < crowded && varied(form[at:at+gram]) {
			r.put(entry{form, at, piece})
		}
	}
}

func (r *Redactor) put(e entry) {
	key := keyAt(e.form, e.at)
	r.index[key] = append(r.index[key], e)
	h := hash(key)
	r.maybe[h>>6] |= 1 << (h & 63)
}

// Mask gives the text with every known secret replaced by Mask.
func (r *Redactor) Mask(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for {
		spans := r.find(text)
		if len(spans) == 0 {
			return text
		}
		text = replace(text, spans)
		// Each round takes bytes away that no mask has, so this ends.
		if !r.again {
			return text
		}
	}
}

// span is a part of a text: from, to.
type span struct{ from, to int }

func (r *Redactor) find(text string) []span {
	if len(text) < gram || len(r.index) == 0 {
		return nil
	}
	var spans []span
	done := 0 // end of the furthest span
	key := keyAt(text, 0) << 8
	for i := 0; i+gram <= len(text); i++ {
		key = key>>8 | uint64(text[i+gram-1])<<(8*(gram-1))
		h := hash(key)
		if r.maybe[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		for _, e := range r.index[key] {
			if e.need < len(e.form) && i+gram <= done {
				continue // a part inside of what is masked anyway
			}
			if s, ok := e.match(text, i); ok {
				spans = append(spans, s)
				done = max(done, s.to)
			}
		}
	}
	return spans
}

// match grows the place in both directions as far as text and form agree.
func (e entry) match(text string, i int) (span, bool) {
	if e.need == len(e.form) {
		return span{i, i + e.need}, strings.HasPrefix(text[i:], e.form)
	}
	if text[i:i+gram] != e.form[e.at:e.at+gram] {
		return span{}, false
	}
	before, after := 0, gram
	for before < i && before < e.at && text[i-before-1] == e.form[e.at-before-1] {
		before++
	}
	for i+after < len(text) && e.at+after < len(e.form) && text[i+after] == e.form[e.at+after] {
		after++
	}
	return span{i - before, i + after}, before+after >= e.need
}

// replace masks the spans; those that touch become one.
func replace(text string, spans []span) string {
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	b.Grow(len(text) + len(Mask))
	at := 0
	for i := 0; i < len(spans); {
		from, to := spans[i].from, spans[i].to
		for i++; i < len(spans) && spans[i].from <= to; i++ {
			to = max(to, spans[i].to)
		}
		b.WriteString(text[at:from])
		b.WriteString(Mask)
		at = to
	}
	b.WriteString(text[at:])
	return b.String()
}

// keyAt is gram bytes of s as a number, the first one lowest.
func keyAt(s string, at int) uint64 {
	var k uint64
	for i := range gram {
		k |= uint64(s[at+i]) << (8 * i)
	}
	return k
}

// hash spreads a key over the 65536 bits of Redactor.maybe.
func hash(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> 48 }

func holdsMaskByte(s string) bool {
	for i := range len(Mask) {
		if strings.IndexByte(s, Mask[i]) >= 0 {
			return true
		}
	}
	return false
}

// onlyMask says whether a form is made of the mask's bytes alone.
func onlyMask(s string) bool {
	for i := range len(s) {
		if strings.IndexByte(Mask, s[i]) < 0 {
			return false
		}
	}
	return true
}

// varied says whether a gram is more than one or two bytes repeated.
func varied(s string) bool {
	var seen []byte
	for i := range len(s) {
		if !slices.Contains(seen, s[i]) {
			seen = append(seen, s[i])
		}
	}
	return len(seen) > 2
}
