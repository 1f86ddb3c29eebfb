package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"hubwright/workflows"
)

// A chunk is a format byte and the lines: a table of the words that repeat
// (steps and levels), then for each line the time since the line before, the
// attempt, the places of step and level in the table, and the text. Numbers
// are varints. Texts are kept byte for byte, valid UTF-8 or not.
const (
	formatPlain = 1
	formatZstd  = 2 // the same, compressed

	// A batch is cut into chunks of at most this, so that reading a few lines
	// never unpacks many.
	chunkLines = 1000
	chunkBytes = 256 << 10

	maxChunkMemory = 512 << 20
)

var errChunk = errors.New("log chunk is damaged")

// chunkCodec packs and unpacks chunks. It is safe for concurrent use. Nothing
// needs closing: without streams, coder and decoder are nothing but memory.
type chunkCodec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newChunkCodec() (*chunkCodec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxChunkMemory))
	if err != nil {
		return nil, err
	}
	return &chunkCodec{enc, dec}, nil
}

// cut is how many of the lines go into the next chunk: at least one.
func cut(lines []workflows.LogLine) int {
	size := 0
	for i, l := range lines {
		size += len(l.Text)
		if i == chunkLines || (i > 0 && size > chunkBytes) {
			return i
		}
	}
	return len(lines)
}

func (c *chunkCodec) pack(lines []workflows.LogLine) []byte {
	places := map[string]uint64{}
	var words []string
	place := func(w string) uint64 {
		n, ok := places[w]
		if !ok {
			n = uint64(len(words))
			places[w] = n
			words = append(words, w)
		}
		return n
	}
	var body []byte
	var last int64
	for _, l := range lines {
		at := nanos(l.At)
		body = binary.AppendVarint(body, at-last)
		last = at
		body = binary.AppendVarint(body, int64(l.Attempt))
		body = binary.AppendUvarint(body, place(l.StepID))
		body = binary.AppendUvarint(body, place(string(l.Level)))
		body = appendText(body, l.Text)
	}
	plain := binary.AppendUvarint([]byte{formatPlain}, uint64(len(words)))
	for _, w := range words {
		plain = appendText(plain, w)
	}
	plain = append(plain, body...)
	packed := c.enc.EncodeAll(plain[1:], []byte{formatZstd})
	if len(packed) < len(plain) {
		return packed
	}
	return plain
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// unpack gives count lines, numbered from first.
func (c *chunkCodec) unpack(chunk []byte, first int64, count int) ([]workflows.LogLine, error) {
	if len(chunk) == 0 {
		return nil, errChunk
	}
	body := chunk[1:]
	switch chunk[0] {
	case formatPlain:
	case formatZstd:
		var err error
		if body, err = c.dec.DecodeAll(body, nil); err != nil {
			return nil, fmt.Errorf("%w: %w", errChunk, err)
		}
	default:
		return nil, fmt.Errorf("%w: format %d", errChunk, chunk[0])
	}
	r := chunkReader{rest: string(body)}
	words := make([]string, r.length(r.uvarint()))
	for i := range words {
		words[i] = r.text()
	}
	if count > len(r.rest) { // each line has some bytes
		return nil, errChunk
	}
	lines := make([]workflows.LogLine, count)
	var at int64
	for i := range lines {
		at += r.varint()
		lines[i] = workflows.LogLine{
			N: first + int64(i), At: fromNanos(at), Attempt: int(r.varint()),
			StepID: r.word(words), Level: workflows.Level(r.word(words)), Text: r.text(),
		}
	}
	if r.bad || r.rest != "" {
		return nil, errChunk
	}
	return lines, nil
}

// chunkReader cuts values off the front. After a fault it gives zeros.
type chunkReader struct {
	rest string
	bad  bool
}

func (r *chunkReader) fail() {
	r.bad, r.rest = true, ""
}

func (r *chunkReader) uvarint() uint64 {
	var v uint64
	for i := 0; i < len(r.rest) && i < binary.MaxVarintLen64; i++ {
		b := r.rest[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			return v
		}
	}
	r.fail()
	return 0
}

func (r *chunkReader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// length is n when that many bytes can still follow, else 0.
func (r *chunkReader) length(n uint64) int {
	if n > uint64(len(r.rest)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *chunkReader) text() string {
	n := r.length(r.uvarint())
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *chunkReader) word(words []string) string {
	n := r.uvarint()
	if n >= uint64(len(words)) {
		r.fail()
		return ""
	}
	return words[n]
}
