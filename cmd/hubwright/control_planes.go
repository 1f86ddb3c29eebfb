package main

import (
	"context"
	"fmt"
	"io"
)

// controlPlanes are the binaries of the sandbox's control planes. They are
// built beside everything else, which takes minutes the first time: only a
// cluster waits for them.
type controlPlanes struct {
	out   io.Writer
	built chan struct{}
	path  string
	err   error
}

// buildBeside starts the build and tells its progress on out.
func buildBeside(ctx context.Context, out io.Writer, build func(ctx context.Context, progress func(line string)) (string, error)) *controlPlanes {
	p := &controlPlanes{out: out, built: make(chan struct{})}
	go func() {
		defer close(p.built)
		p.path, p.err = build(ctx, func(line string) { fmt.Fprintln(out, "control planes:", line) })
		switch {
		case p.err == nil:
			fmt.Fprintln(out, "control planes: ready; clusters can be deployed")
		case ctx.Err() == nil:
			fmt.Fprintln(out, "control planes: could not be built:", p.err)
		}
	}()
	return p
}

// binary waits for the build, and says so when it has to.
func (p *controlPlanes) binary(ctx context.Context) (string, error) {
	select {
	case <-p.built:
		return p.path, p.err
	default:
		fmt.Fprintln(p.out, "control planes: a cluster waits until they are built")
	}
	select {
	case <-p.built:
		return p.path, p.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
