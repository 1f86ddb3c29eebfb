package secrets

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"hubwright/workflows"
)

// KeySize is the length of a key in bytes.
const KeySize = chacha20poly1305.KeySize

// LoadOrCreateKey reads the key file: one line of base64. When there is none
// it makes a random key and the file, with mode 0600 and its folder with 0700;
// of several processes that do so at once all get the same key. A file that
// others on the machine can read, or that holds no key, is refused with a
// *workflows.Problem.
func LoadOrCreateKey(path string) ([]byte, error) {
	key, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := createKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making the key file: %w", err)
	}
	return LoadKey(path)
}

// LoadKey reads a key file that must be there, as LoadOrCreateKey does.
func LoadKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 || mode&0o020 != 0 {
		return nil, &workflows.Problem{
			Code: "secrets.keymode",
			What: "The key file " + path + " is open to others",
			Why:  fmt.Sprintf("its mode is %04o, and who reads it can open every secret", mode),
			Fix:  "Run chmod 600 on it. If somebody else may have read it, replace the credentials that Hubwright holds.",
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != KeySize {
		return nil, &workflows.Problem{
			Code: "secrets.keyfile",
			What: "The key file " + path + " holds no key",
			Why:  fmt.Sprintf("a key is %d bytes in base64", KeySize),
			Fix:  "Put the key file back from your backup. Without it the stored secrets cannot be opened.",
		}
	}
	return key, nil
}

// createKey makes the file whole or not at all: a name is linked to the
// written and synced file, which fails when another process was first.
func createKey(path string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(folder, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	key := make([]byte, KeySize)
	rand.Read(key) //nolint:errcheck // never fails
	_, err = tmp.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
