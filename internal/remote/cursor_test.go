package remote

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"

	"hubwright/workflows"
)

// open is how Watch gets its connections in tests.
func (s *sshd) open(ctx context.Context) (*Host, error) { return Dial(ctx, s.target) }

// memoryCursor keeps what was appended.
type memoryCursor struct {
	mu     sync.Mutex
	offset int64
	lines  []workflows.OutputLine
	batch  []int
	refuse func() error // asked before each append
}

func (c *memoryCursor) Offset() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

func (c *memoryCursor) Append(_ context.Context, offset int64, lines []workflows.OutputLine) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		if err := c.refuse(); err != nil {
			return err
		}
	}
	if offset <= c.offset {
		return errors.New("the position went back")
	}
	c.offset = offset
	c.lines = append(c.lines, lines...)
	c.batch = append(c.batch, len(lines))
	return nil
}

func (c *memoryCursor) texts() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]string, len(c.lines))
	for i, l := range c.lines {
		out[i] = l.Text
	}
	return out
}

// fileCursor survives kill -9: each append is one record, written at once, and
// a record that is not whole does not count.
type fileCursor struct {
	f      *os.File
	offset int64
	texts  []string
}

type fileRecord struct {
	Offset int64
	Lines  []string
}

func openFileCursor(path string) (*fileCursor, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	c := &fileCursor{f: f}
	var whole int64
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			break
		}
		var rec fileRecord
		if err := json.Unmarshal(line, &rec); err != nil {
			return nil, err
		}
		whole += int64(len(line))
		c.offset, c.texts = rec.Offset, append(c.texts, rec.Lines...)
	}
	if err := f.Truncate(whole); err != nil {
		return nil, err
	}
	_, err = f.Seek(whole, 0)
	return c, err
}

func (c *fileCursor) Offset() int64 { return c.offset }

func (c *fileCursor) Append(_ context.Context, offset int64, lines []workflows.OutputLine) error {
	rec := fileRecord{Offset: offset}
	for _, l := range lines {
		rec.Lines = append(rec.Lines, l.Text)
	}
	b, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	if _, err := c.f.Write(append(b, '\n')); err != nil {
		return err
	}
	c.offset, c.texts = offset, append(c.texts, rec.Lines...)
	return nil
}
