package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"hubwright/workflows"
)

const (
	maxStdout = 16 << 20
	maxStderr = 1 << 20
)

// Output is what a command printed and how it ended.
type Output struct {
	Stdout   string
	Stderr   string // the first MiB
	ExitCode int    // 128 + n when signal n ended it
}

// Run runs script in the host's sh, in the user's home folder, and waits for
// it. An exit code other than 0 is not an error. The script is visible in the
// host's process list while it runs: secrets go to stdin. When the context is
// cancelled Run returns at once and asks the command to end; what must end for
// sure, and what must not end with us, is a Job.
func (h *Host) Run(ctx context.Context, script string, stdin io.Reader) (Output, error) {
	return h.sh(ctx, "cd \"$HOME\" || exit\n"+script, nil, stdin)
}

// sh runs one of our scripts with arguments.
func (h *Host) sh(ctx context.Context, script string, args []string, stdin io.Reader) (Output, error) {
	p, err := h.start(ctx, script, args, stdin)
	if err != nil {
		return Output{}, err
	}
	stdout := &capped{max: maxStdout}
	io.Copy(stdout, p.stdout) // a broken stream is told by wait
	code, err := p.wait()
	if err != nil {
		return Output{}, err
	}
	if stdout.over {
		return Output{}, &workflows.Problem{Code: codeRemote, What: "A command on " + h.target.Host + " printed too much",
			Why: "More than 16 MiB came back.", Fix: "Read such output through a file."}
	}
	return Output{Stdout: stdout.String(), Stderr: p.stderr.String(), ExitCode: code}, nil
}

// Home is the absolute path of the user's home folder.
func (h *Host) Home(ctx context.Context) (string, error) {
	out, err := h.sh(ctx, `cd "$HOME" && pwd -P`, nil, nil)
	if err != nil {
		return "", err
	}
	home := strings.TrimSuffix(out.Stdout, "\n")
	if out.ExitCode != 0 || home == "" {
		return "", h.remoteProblem("Looking for the home folder", out.ExitCode, out.Stderr)
	}
	return home, nil
}

// capped keeps the first max bytes and swallows the rest, so that a chatty
// command neither fills our memory nor blocks.
type capped struct {
	bytes.Buffer
	max  int
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	n := len(p)
	if room := c.max - c.Len(); len(p) > room {
		p, c.over = p[:max(room, 0)], true
	}
	c.Buffer.Write(p)
	return n, nil
}

// ReadFrom is shadowed on purpose: bytes.Buffer's own one has no limit.
func (c *capped) ReadFrom(r io.Reader) (int64, error) {
	var total int64
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		c.Write(buf[:n])
		total += int64(n)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
