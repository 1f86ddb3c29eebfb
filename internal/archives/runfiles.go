package archives

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hubwright/workflows"
)

// RunFiles keeps files that runs made and that are too large to be sealed: a
// folder for each run. Only the server's user may read them.
type RunFiles struct{ dir string }

// NewRunFiles makes RunFiles over dir, which is made when the first file comes.
func NewRunFiles(dir string) *RunFiles { return &RunFiles{dir: dir} }

// Write keeps what fill writes as a file of a run, whole or not at all, in the
// place of one of that name. It tells where the file lies and how many bytes
// it has.
func (r *RunFiles) Write(_ context.Context, runID, name string, fill func(io.Writer) error) (path string, size int64, err error) {
	path, err = r.path(runID, name)
	if err != nil {
		return "", 0, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", 0, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // readable for its user alone
	if err != nil {
		return "", 0, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if err := fill(tmp); err != nil {
		return "", 0, err
	}
	info, err := tmp.Stat()
	if err != nil {
		return "", 0, err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return "", 0, err
	}
	return path, info.Size(), os.Rename(tmp.Name(), path)
}

// Open opens a file of a run. None is workflows.ErrNotFound.
func (r *RunFiles) Open(runID, name string) (*os.File, error) {
	path, err := r.path(runID, name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s of %s: %w", name, runID, workflows.ErrNotFound)
	}
	return f, err
}

func (r *RunFiles) path(runID, name string) (string, error) {
	for _, part := range []string{runID, name} {
		if part == "" || part == "." || filepath.Base(part) != part || !filepath.IsLocal(part) {
			return "", fmt.Errorf("%q cannot be the name of a run's file: %w", part, workflows.ErrNotFound)
		}
	}
	return filepath.Join(r.dir, runID, name), nil
}
