package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// host is the helper VM.
type host struct {
	b     *bed
	mu    sync.Mutex
	files map[string]string // below the home folder
	modes []string
	jobs  map[string]*job
	order []string
	runs  []string
	exit  map[string]operate.Output // by a part of the script
	// engine is what a started job does, one entry a turn.
	engine func(j *job) []func()
	sent   []string // signals
	deaf   bool     // to SIGTERM
}

type job struct {
	operate.Job
	out   strings.Builder
	state string
	code  int
	turns []func()
}

func (h *host) Close() error { return nil }

var (
	mvScript   = regexp.MustCompile(`mv '([^']+)' '([^']+)'`)
	noteScript = regexp.MustCompile(`printf '%s\\n' '([^']+)' >> '([^']+)'`)
)

func (h *host) Run(ctx context.Context, script string, _ io.Reader) (operate.Output, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return operate.Output{}, ctx.Err()
	}
	h.runs = append(h.runs, script)
	for part, out := range h.exit {
		if strings.Contains(script, part) {
			return out, nil
		}
	}
	if m := mvScript.FindStringSubmatch(script); m != nil {
		for name, content := range h.files {
			if rest, ok := strings.CutPrefix(name, m[1]+"/"); ok {
				delete(h.files, name)
				h.files[m[2]+"/"+rest] = content
			}
		}
	}
	if m := noteScript.FindStringSubmatch(script); m != nil {
		if list := h.files[m[2]]; !slices.Contains(strings.Split(list, "\n"), m[1]) {
			h.files[m[2]] = list + m[1] + "\n"
		}
	}
	switch {
	case strings.Contains(script, "'get-versions'"):
		return operate.Output{Stdout: `{"orchestrators":[{"orchestratorVersion":"1.33.10","default":true},{"orchestratorVersion":"1.34.4"}]}`}, nil
	case strings.Contains(script, "'version'"):
		return operate.Output{Stdout: `{"GitTag":"v0.85.0"}`}, nil
	case strings.Contains(script, "curl"):
		return operate.Output{Stdout: "200"}, nil
	}
	return operate.Output{}, nil
}

func (h *host) Upload(_ context.Context, name string, mode os.FileMode, size int64, r io.Reader, _ func(int64)) error {
	data, err := io.ReadAll(r)
	if err != nil || int64(len(data)) != size {
		return fmt.Errorf("upload of %d bytes: %w", size, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files[name] = string(data)
	h.modes = append(h.modes, fmt.Sprintf("%s %04o", path.Base(name), mode))
	return nil
}

func (h *host) Download(_ context.Context, name string, _ int64) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.files[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, w.ErrNotFound)
	}
	return []byte(s), nil
}

func (h *host) StartJob(_ context.Context, j operate.Job) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.jobs[j.ID] != nil {
		return false, nil
	}
	n := &job{Job: j, state: "running"}
	if h.engine != nil {
		n.turns = h.engine(n)
	}
	h.jobs[j.ID] = n
	h.order = append(h.order, j.ID)
	return true, nil
}

func (h *host) JobState(ctx context.Context, id string) (string, int, int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return "", 0, 0, ctx.Err()
	}
	j := h.jobs[id]
	if j == nil {
		return "absent", 0, 0, nil
	}
	return j.state, j.code, int64(j.out.Len()), nil
}

func (h *host) ReadJob(_ context.Context, id string, offset int64, max int) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	j := h.jobs[id]
	if j == nil {
		return nil, w.ErrNotFound
	}
	data := []byte(j.out.String())[min(offset, int64(j.out.Len())):]
	return bytes.Clone(data[:min(len(data), max)]), nil
}

func (h *host) SignalJob(_ context.Context, id, signal string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, signal)
	j := h.jobs[id]
	if j == nil {
		h.jobs[id] = &job{state: operate.JobLost}
		return w.ErrNotFound
	}
	if signal == "KILL" || !h.deaf {
		j.state, j.code = "exited", 143
	}
	return nil
}

// turn lets a running job do its next thing.
func (h *host) turn(id string) {
	h.mu.Lock()
	j := h.jobs[id]
	if j == nil || j.state != "running" || len(j.turns) == 0 {
		h.mu.Unlock()
		return
	}
	next := j.turns[0]
	j.turns = j.turns[1:]
	h.mu.Unlock()
	next()
}

func (h *host) say(j *job, lines ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range lines {
		j.out.WriteString(l + "\n")
	}
}

func (h *host) end(j *job, code int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	j.state, j.code = "exited", code
}

func (h *host) put(name, content string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files[name] = content
}

// kube is the cluster.
