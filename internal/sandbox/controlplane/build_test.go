package controlplane_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hubwright/internal/sandbox/controlplane"
)

func TestBuildReuses(t *testing.T) {
	first, err := built()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	second, err := controlplane.Build(t.Context(), "", func(line string) { t.Errorf("a second build says: %s", line) })
	if err != nil || second != first {
		t.Errorf("second build = %q, %v; want %q", second, err, first)
	}
	t.Logf("%s found after %s", second, time.Since(began))
}

func TestBuildGiven(t *testing.T) {
	given := filepath.Join(t.TempDir(), "cp")
	t.Setenv("HUBWRIGHT_CONTROLPLANE", given)
	if _, err := controlplane.Build(t.Context(), "", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a given binary that is not there: %v", err)
	}
	if err := os.WriteFile(given, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := controlplane.Build(t.Context(), "", nil); err == nil || !strings.Contains(err.Error(), "not an executable") {
		t.Errorf("a given binary that cannot run: %v", err)
	}
	if err := os.Chmod(given, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := controlplane.Build(t.Context(), "", nil); err != nil || got != given {
		t.Errorf("Build = %q, %v; want %q", got, err, given)
	}
}

// TestBuildCancelled leaves no binary and no lock behind.
func TestBuildCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cache := t.TempDir()
	_, err := controlplane.Build(ctx, cache, func(string) { cancel() })
	if err == nil {
		t.Fatal("a cancelled build gave a binary")
	}
	files, err := filepath.Glob(filepath.Join(cache, "*", "*"))
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != "lock" {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestDefaultCache(t *testing.T) {
	t.Setenv("HUBWRIGHT_CACHE", "/some/where")
	if got, err := controlplane.DefaultCache(); err != nil || got != "/some/where/controlplane" {
		t.Errorf("DefaultCache = %q, %v", got, err)
	}
}
