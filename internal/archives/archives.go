// Package archives keeps large files in folders: engine archives that an admin
// gave, for stamps whose helper VMs cannot download one, and what runs made.
package archives

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/store"
	"hubwright/workflows"
)

const binaryName = "aks-engine-azurestack"

// Rows is where the archives are listed.
type Rows interface {
	SaveArchive(ctx context.Context, a *store.Archive) error
	Archive(ctx context.Context, version string) (store.Archive, error)
	DeleteArchive(ctx context.Context, version string) error
}

// Shelf keeps the files in a folder and the list in the store.
type Shelf struct {
	dir   string
	rows  Rows
	clock func() time.Time
}

// New makes a Shelf over dir, which is made when the first archive comes.
func New(dir string, rows Rows, clock func() time.Time) *Shelf {
	return &Shelf{dir: dir, rows: rows, clock: clock}
}

// Versions are the engine versions that an archive may be for, newest first.
func (s *Shelf) Versions() []string {
	var out []string
	for _, e := range aksengine.Versions() {
		out = append(out, e.Version)
	}
	return out
}

// Save stores an archive that a person gave. What is wrong with it comes back
// as a workflows.FieldError.
func (s *Shelf) Save(ctx context.Context, version, fileName, by string, body io.Reader) error {
	if _, ok := aksengine.Find(version); !ok {
		return workflows.FieldError{Field: "version", Message: "Choose the engine version that the archive holds."}
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("making the folder for archives: %w", err)
	}
	tmp, err := os.CreateTemp(s.dir, "upload-*")
	if err != nil {
		return fmt.Errorf("storing the archive: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(tmp, sum), body)
	if err != nil {
		return fmt.Errorf("storing the archive: %w", err)
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := holdsEngine(tmp); err != nil {
		return workflows.FieldError{Field: "archive", Message: err.Error()}
	}
	to := filepath.Join(s.dir, aksengine.ArchiveName(version))
	if err := os.Rename(tmp.Name(), to); err != nil {
		return fmt.Errorf("storing the archive: %w", err)
	}
	return s.rows.SaveArchive(ctx, &store.Archive{
		Version: version, FileName: path.Base(filepath.ToSlash(fileName)), SHA256: hex.EncodeToString(sum.Sum(nil)),
		Size: size, Path: to, AddedBy: by, AddedAt: s.clock(),
	})
}

var errNotArchive = errors.New("This is not the engine's release archive: a .tar.gz for linux-amd64 that holds aks-engine-azurestack.") //nolint:staticcheck // shown to people

// holdsEngine reads through the archive for the engine's binary, which lies in
// one top folder.
func holdsEngine(r io.Reader) error {
	gz, err := gzip.NewReader(r)
	if err != nil {
		return errNotArchive
	}
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if err != nil {
			return errNotArchive
		}
		if h.Typeflag == tar.TypeReg && path.Base(h.Name) == binaryName {
			return nil
		}
	}
}

// Delete removes an archive.
func (s *Shelf) Delete(ctx context.Context, version string) error {
	a, err := s.rows.Archive(ctx, version)
	if err != nil {
		return err
	}
	if err := os.Remove(a.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("deleting the archive: %w", err)
	}
	return s.rows.DeleteArchive(ctx, version)
}

// Open is the archive of a version, or workflows.ErrNotFound. The caller
// closes it.
func (s *Shelf) Open(ctx context.Context, version string) (io.ReadCloser, int64, string, error) {
	a, err := s.rows.Archive(ctx, version)
	if err != nil {
		return nil, 0, "", err
	}
	f, err := os.Open(a.Path)
	if err != nil {
		return nil, 0, "", fmt.Errorf("opening the archive of %s: %w", version, err)
	}
	return f, a.Size, a.SHA256, nil
}
