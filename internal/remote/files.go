package remote

import (
	"bufio"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"hubwright/workflows"
)

var (
	//go:embed scripts/upload.sh
	uploadScript string
	//go:embed scripts/download.sh
	downloadScript string
)

// Exit codes of our own scripts. They are kept clear of those of shells.
const (
	exitMissing = 44
	exitShort   = 72
)

// Upload writes a file through the shell's cat, because not every host offers
// SFTP. The file appears under its name when it is complete and has its mode,
// or not at all. Missing parent folders are made with mode 0700. A path that
// is relative, or starts with ~/, is below the home folder. size is what r
// gives, in bytes: it is how the other side knows that all has come. progress
// may be nil.
func (h *Host) Upload(ctx context.Context, path string, mode os.FileMode, size int64, r io.Reader, progress func(sent int64)) error {
	counted := &countingReader{r: r, progress: progress}
	args := []string{path, fmt.Sprintf("%04o", mode.Perm()), strconv.FormatInt(size, 10), newNonce()}
	out, err := h.sh(ctx, compact(uploadScript), args, counted)
	if err != nil {
		return err
	}
	if counted.close(); counted.err != nil {
		return fmt.Errorf("reading what is to be uploaded to %s: %w", path, counted.err)
	}
	if out.ExitCode == exitShort {
		return h.remoteProblem("Uploading "+path, out.ExitCode, fmt.Sprintf("%d of %d bytes arrived", counted.n, size))
	}
	if out.ExitCode != 0 {
		return h.remoteProblem("Uploading "+path, out.ExitCode, out.Stderr)
	}
	return nil
}

// Download reads a file of at most max bytes. Paths are as in Upload. When
// there is no such file, errors.Is(err, workflows.ErrNotFound).
func (h *Host) Download(ctx context.Context, path string, max int64) ([]byte, error) {
	p, err := h.start(ctx, compact(downloadScript), []string{path, strconv.FormatInt(max, 10)}, nil)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReader(p.stdout)
	header, _ := r.ReadString('\n')
	data, readErr := io.ReadAll(io.LimitReader(r, max))
	code, err := p.wait()
	if err != nil {
		return nil, err
	}
	size, headErr := strconv.ParseInt(strings.TrimSpace(header), 10, 64)
	switch {
	case code == exitMissing:
		return nil, fmt.Errorf("%s on %s: %w", path, h.target.Host, workflows.ErrNotFound)
	case code != 0 || headErr != nil:
		return nil, h.remoteProblem("Reading "+path, code, p.stderr.String())
	case size > max:
		return nil, h.remoteProblem("Reading "+path, code, fmt.Sprintf("it has %d bytes, more than the %d that are expected at most", size, max))
	case readErr != nil || int64(len(data)) != size:
		return nil, h.remoteProblem("Reading "+path, code, fmt.Sprintf("%d of %d bytes came", len(data), size))
	}
	return data, nil
}

// countingReader is read by the goroutine that feeds stdin. It outlives the
// command when that ends early; after close nothing is read and no progress
// told.
type countingReader struct {
	mu       sync.Mutex
	r        io.Reader
	n        int64
	err      error
	closed   bool
	progress func(int64)
}

func (c *countingReader) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, io.EOF
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
		return n, io.EOF // the remote cat must end; the size check refuses the rest
	}
	if c.progress != nil && n > 0 {
		c.progress(c.n)
	}
	return n, err
}

func (c *countingReader) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// newNonce tells our temporary files from those of another server.
func newNonce() string {
	b := make([]byte, 8)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// compact drops comments and indentation: they are for readers of the source,
// not for the wire and the process list of the host.
func compact(script string) string {
	var b strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}
