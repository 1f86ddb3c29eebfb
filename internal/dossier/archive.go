package dossier

import (
	"archive/zip"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"strings"
	"time"
)

// archive is a zip that is written from front to end. The first error stays.
type archive struct {
	zip    *zip.Writer
	folder string
	at     time.Time
	sums   strings.Builder
	err    error
}

func newArchive(w io.Writer, folder string, at time.Time) *archive {
	return &archive{zip: zip.NewWriter(w), folder: folder, at: at}
}

// add writes a file and remembers its hash. The names are our own: none has a
// space or a newline in it.
func (a *archive) add(name string, write func(io.Writer) error) {
	sum := sha256.New()
	a.write(name, func(w io.Writer) error { return write(io.MultiWriter(w, sum)) })
	fmt.Fprintf(&a.sums, "%x  %s\n", sum.Sum(nil), name)
}

func (a *archive) write(name string, write func(io.Writer) error) {
	if a.err != nil {
		return
	}
	w, err := a.zip.CreateHeader(&zip.FileHeader{Name: a.folder + "/" + name, Method: zip.Deflate, Modified: a.at.UTC()})
	if err == nil {
		err = write(w)
	}
	if err != nil {
		a.err = fmt.Errorf("writing %s of the dossier: %w", name, err)
	}
}

// seal ends the archive with the manifest and its signature.
func (a *archive) seal(key ed25519.PrivateKey) error {
	manifest := a.sums.String()
	a.write(Manifest, text(manifest))
	a.write(Signature, text(string(ed25519.Sign(key, []byte(manifest)))))
	if a.err != nil {
		return a.err
	}
	if err := a.zip.Close(); err != nil {
		return fmt.Errorf("writing the dossier: %w", err)
	}
	return nil
}

func publicPEM(key ed25519.PrivateKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", fmt.Errorf("writing the dossier's public key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

func keyText(pub ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(pub) }
