package monitoring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

type engineRecords struct{ *bed }

func (r engineRecords) HelperVM(context.Context, string) (w.HelperVM, error) {
	return w.HelperVM{SiteID: "sit", EngineVersion: "v0.85.0"}, nil
}

func (r engineRecords) SaveCluster(context.Context, *w.Cluster) error { return nil }

func (r engineRecords) SaveAPIModel(_ context.Context, m *w.APIModel) error {
	m.Version = len(r.models) + 1
	r.bed.models = append([]w.APIModel{*m}, r.models...)
	return nil
}

func (r engineRecords) APIModels(context.Context, string) ([]w.APIModel, error) {
	return r.models, nil
}

// helper is a helper VM on which nothing runs.
type helper struct {
	operate.Host
	b *bed
}

func (h helper) Close() error { return nil }

func (h helper) Run(context.Context, string, io.Reader) (operate.Output, error) {
	return operate.Output{}, nil
}

func (h helper) Download(_ context.Context, path string, _ int64) ([]byte, error) {
	text, ok := h.b.files[path]
	if !ok {
		return nil, w.ErrNotFound
	}
	return []byte(text), nil
}

func (h helper) Upload(_ context.Context, path string, _ os.FileMode, _ int64, r io.Reader, _ func(int64)) error {
	text, err := io.ReadAll(r)
	h.b.files[path] = string(text)
	return err
}

// Azure.

// cluster is a cluster.
type cluster struct{ b *bed }

func (c cluster) Close() error                            { return nil }
func (c cluster) Nodes(context.Context) ([]string, error) { return c.b.nodes, nil }

func (c cluster) Agents(ctx context.Context) ([]Workload, error) {
	if err := c.b.tick(ctx); err != nil {
		return nil, err
	}
	return c.b.agents(), nil
}

func (c cluster) EnsureSecret(ctx context.Context, namespace, name string, data map[string]string) (bool, error) {
	if err := c.b.tick(ctx); err != nil {
		return false, err
	}
	if _, there := c.b.secrets[namespace+"/"+name]; there {
		return false, nil
	}
	c.b.secrets[namespace+"/"+name] = data
	return true, nil
}

func (c cluster) Install(ctx context.Context, spec w.ReleaseSpec, l w.Log) (w.ReleaseState, error) {
	if err := c.b.tick(ctx); err != nil {
		return w.ReleaseState{}, err
	}
	b := c.b
	if err := b.failOnce; err != nil {
		if b.failOnce = nil; b.leaves {
			b.installed = &spec // Helm's, in the state failed
		}
		return w.ReleaseState{}, err
	}
	state := w.ReleaseState{Name: spec.Name, Namespace: spec.Namespace, Status: "deployed", Objects: []w.ReleaseObject{{Kind: "DaemonSet", Name: "ama-logs", Ready: true}}}
	if b.installed == nil || b.installed.Values != spec.Values || b.installed.Chart.Digest != spec.Chart.Digest {
		b.installs++
		b.revision++
		b.installed, state.Changed = &spec, true
	}
	if string(spec.Chart.Archive) != "tgz" {
		b.t.Error("installed without an archive")
	}
	if err := b.tick(ctx); err != nil { // Helm has begun
		return w.ReleaseState{}, err
	}
	state.Revision = b.revision
	return state, nil
}

func (c cluster) Uninstall(ctx context.Context, namespace, name string, _ w.Log) error {
	if err := c.b.tick(ctx); err != nil {
		return err
	}
	if c.b.installed != nil && c.b.installed.Name == name && c.b.installed.Namespace == namespace {
		c.b.installed = nil
	}
	return nil
}

func (c cluster) Status(ctx context.Context, _, _ string) (w.ReleaseState, error) {
	if err := c.b.tick(ctx); err != nil {
		return w.ReleaseState{}, err
	}
	if c.b.installed == nil {
		return w.ReleaseState{}, w.ErrNotFound
	}
	return w.ReleaseState{}, nil
}

// log keeps what steps say.
type log struct {
	lines  []string
	masked []string
}

func (l *log) String() string { return strings.Join(l.lines, "\n") }

func (l *log) add(level, f string, a ...any) {
	l.lines = append(l.lines, level+" "+fmt.Sprintf(f, a...))
}

func (l *log) Info(f string, a ...any)      { l.add("info", f, a...) }
func (l *log) Warn(f string, a ...any)      { l.add("warn", f, a...) }
func (l *log) Error(f string, a ...any)     { l.add("error", f, a...) }
func (l *log) Good(f string, a ...any)      { l.add("good", f, a...) }
func (l *log) Phase(f string, a ...any)     { l.add("phase", f, a...) }
func (l *log) Command(text string)          { l.add("command", "%s", text) }
func (l *log) Progress(_ int, doing string) { l.add("doing", "%s", doing) }
func (l *log) Mask(secret string)           { l.masked = append(l.masked, secret) }

func (l *log) Cursor(context.Context, string) (w.Cursor, error) {
	return nil, errors.New("nothing is followed here")
}
