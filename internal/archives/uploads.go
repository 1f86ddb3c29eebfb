package archives

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"hubwright/workflows"
)

// Uploads keeps files that people gave to drafts, by their contents: the same
// file is kept once.
type Uploads struct{ files *RunFiles }

// NewUploads makes Uploads over dir, which is made when the first file comes.
func NewUploads(dir string) *Uploads { return &Uploads{NewRunFiles(dir)} }

// shelf is the one folder of the uploads.
const shelf = "files"

// Keep stores a file and answers its SHA-256 in hex.
func (u *Uploads) Keep(ctx context.Context, body io.Reader) (string, error) {
	all, err := io.ReadAll(body)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(all)
	digest := hex.EncodeToString(sum[:])
	_, _, err = u.files.Write(ctx, shelf, digest, func(w io.Writer) error {
		_, err := w.Write(all)
		return err
	})
	return digest, err
}

// Read is a file by its SHA-256. One that nobody gave, or that is damaged, is
// workflows.ErrNotFound.
func (u *Uploads) Read(digest string) ([]byte, error) {
	f, err := u.files.Open(shelf, digest)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := io.ReadAll(f)
	if sum := sha256.Sum256(all); err == nil && hex.EncodeToString(sum[:]) != digest {
		return nil, workflows.ErrNotFound
	}
	return all, err
}
