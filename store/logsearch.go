package store

import (
	"context"
	"fmt"
	"strings"

	"hubwright/workflows"
)

// SearchLog finds the lines that hold the query, ignoring case and terminal
// escapes, over the whole log. It gives the numbers of the first limit hits
// (0: of all) and how many there are. The empty query hits nothing.
func (d *DB) SearchLog(ctx context.Context, runID, query string, limit int) (hits []int64, total int, err error) {
	query = strings.ToLower(query)
	if query == "" {
		return nil, 0, nil
	}
	err = d.eachChunk(ctx, func(lines []workflows.LogLine) bool {
		for _, l := range lines {
			if !strings.Contains(strings.ToLower(visible(l.Text)), query) {
				continue
			}
			total++
			if limit <= 0 || len(hits) < limit {
				hits = append(hits, l.N)
			}
		}
		return true
	}, `SELECT first_n, count, body FROM log_chunks WHERE run_id = $1 ORDER BY first_n`, runID)
	if err != nil {
		return nil, 0, fmt.Errorf("searching the log: %w", err)
	}
	return hits, total, nil
}

// visible is the text without terminal escapes.
func visible(s string) string {
	i := strings.IndexByte(s, esc)
	if i < 0 {
		return s
	}
	var b strings.Builder
	for i >= 0 {
		b.WriteString(s[:i])
		s = s[i+escapeLen(s[i:]):]
		i = strings.IndexByte(s, esc)
	}
	b.WriteString(s)
	return b.String()
}

const (
	esc  = 0x1b
	bell = 0x07
)

// escapeLen is the length of the escape sequence (ECMA-48) that s begins with.
func escapeLen(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	switch s[1] {
	case '[': // parameters, then a final byte
		i := 2
		for i < len(s) && s[i] >= 0x20 && s[i] <= 0x3f {
			i++
		}
		return finalByte(s, i)
	case ']', 'P', '^', '_': // text up to BEL or ESC \
		for i := 2; i < len(s); i++ {
			if s[i] == bell {
				return i + 1
			}
			if s[i] == esc && i+1 < len(s) && s[i+1] == '\\' {
				return i + 2
			}
		}
		return len(s)
	}
	i := 1
	for i < len(s) && s[i] >= 0x20 && s[i] <= 0x2f {
		i++
	}
	return finalByte(s, i)
}

// finalByte is the end of a sequence whose last byte should be at i. Broken
// sequences end before what is not theirs.
func finalByte(s string, i int) int {
	if i < len(s) && s[i] >= 0x30 && s[i] <= 0x7e {
		return i + 1
	}
	return i
}
