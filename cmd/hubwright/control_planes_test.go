package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// A cluster waits for the control planes and says so; nothing else does.
func TestClustersWaitForControlPlanes(t *testing.T) {
	lines, out := io.Pipe()
	release := make(chan struct{})
	p := buildBeside(t.Context(), out, func(_ context.Context, progress func(string)) (string, error) {
		progress("compiling")
		<-release
		return "/multicall", nil
	})
	said := make(chan string, 10)
	go func() {
		buf := make([]byte, 256)
		for {
			n, err := lines.Read(buf)
			if err != nil {
				return
			}
			said <- strings.TrimSpace(string(buf[:n]))
		}
	}()
	if line := <-said; line != "control planes: compiling" {
		t.Errorf("progress: %q", line)
	}
	got := make(chan string, 1)
	go func() {
		path, _ := p.binary(t.Context())
		got <- path
	}()
	if line := <-said; line != "control planes: a cluster waits until they are built" {
		t.Errorf("the wait: %q", line)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	impatient := make(chan error, 1)
	go func() {
		_, err := p.binary(stopped)
		impatient <- err
	}()
	<-said
	if err := <-impatient; !errors.Is(err, context.Canceled) {
		t.Errorf("a cluster that is given up: %v", err)
	}
	close(release)
	if line := <-said; line != "control planes: ready; clusters can be deployed" {
		t.Errorf("the end: %q", line)
	}
	if path := <-got; path != "/multicall" {
		t.Errorf("the binary is %q", path)
	}
}

func TestControlPlanesThatCannotBeBuilt(t *testing.T) {
	var out strings.Builder
	bad := errors.New("no disk space")
	p := buildBeside(t.Context(), &out, func(context.Context, func(string)) (string, error) { return "", bad })
	<-p.built
	if _, err := p.binary(t.Context()); !errors.Is(err, bad) || !strings.Contains(out.String(), "could not be built: no disk space") {
		t.Errorf("%v, and said %q", err, out.String())
	}
}
