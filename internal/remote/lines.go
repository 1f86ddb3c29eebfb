package remote

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"hubwright/workflows"
)

// maxLine is where a line is cut into pieces. No log is read by people beyond
// it, and a program that prints a gigabyte without a newline must not fill
// our memory.
const maxLine = 64 << 10

// cutter makes lines of a byte stream. Where it cuts depends on the bytes
// alone, never on how they arrived: a reader that begins again at any of the
// cuts finds the same ones after it.
type cutter struct {
	at       int64  // position in the stream of the first byte of rest
	rest     []byte // what is no whole line yet
	classify func(string) workflows.Level
}

// next is the position of the first byte that the cutter has not seen.
func (c *cutter) next() int64 { return c.at + int64(len(c.rest)) }

// add takes data and gives the lines that are whole now. at stands behind
// them afterwards. With end the last line needs no newline.
func (c *cutter) add(data []byte, end bool) []workflows.OutputLine {
	c.rest = append(c.rest, data...)
	var lines []workflows.OutputLine
	left := c.rest
	for {
		line, taken := cut(left, end)
		if taken == 0 {
			break
		}
		lines = append(lines, c.line(line))
		left = left[taken:]
	}
	c.at += int64(len(c.rest) - len(left))
	c.rest = append(c.rest[:0], left...)
	return lines
}

// cut finds the first line and how many bytes to take for it, 0 when it is
// not whole.
func cut(b []byte, end bool) (line []byte, taken int) {
	window := b[:min(len(b), maxLine+1)]
	if i := bytes.IndexByte(window, '\n'); i >= 0 {
		return bytes.TrimSuffix(b[:i], []byte{'\r'}), i + 1
	}
	if len(b) > maxLine {
		n := maxLine
		// Not through a character, unless it is no text at all.
		for n > maxLine-utf8.UTFMax && !utf8.RuneStart(b[n]) {
			n--
		}
		return b[:n], n
	}
	if end && len(b) > 0 {
		return bytes.TrimSuffix(b, []byte{'\r'}), len(b)
	}
	return nil, 0
}

func (c *cutter) line(b []byte) workflows.OutputLine {
	text := strings.ToValidUTF8(string(b), "\uFFFD")
	level := workflows.LevelOutput
	if c.classify != nil {
		level = c.classify(text)
	}
	return workflows.OutputLine{Level: level, Text: text}
}
