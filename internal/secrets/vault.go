// Package secrets keeps credentials and key files sealed. The database holds
// only what is useless without the key, and the key is a file of its own.
package secrets

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"hubwright/workflows"
)

// Repo is where sealed secrets are. The store implements it. GetSecret of a
// reference that is not there is a workflows.ErrNotFound.
type Repo interface {
	PutSecret(ctx context.Context, ref, purpose string, sealed []byte) error
	GetSecret(ctx context.Context, ref string) ([]byte, error)
	DeleteSecret(ctx context.Context, ref string) error
}

// Vault seals and opens secrets. It is safe for concurrent use.
type Vault struct {
	aead    cipher.AEAD
	keyID   []byte
	keyFile string // how errors call the key's file
	repo    Repo
}

// Option of New.
type Option func(*Vault)

// KeyFile tells New where the key is from, so that errors can name the file.
func KeyFile(path string) Option {
	return func(v *Vault) { v.keyFile = "the key file " + path }
}

// A sealed secret is: format, key id, length of the purpose, purpose, nonce,
// ciphertext. The purpose and the reference are authenticated, so that a
// sealed secret cannot be passed off as another one.
const (
	format    = 1
	keyIDSize = 8
	headSize  = 1 + keyIDSize + 2
	maxText   = 1<<16 - 1
)

// The witness is sealed with the first key that a database meets. Later keys
// have to open it.
const (
	witnessRef     = "sec_witness"
	witnessPurpose = "shows that the key is right"
)

// New makes a Vault with a key of KeySize bytes. A key that is not the
// database's is refused with a *workflows.Problem, before anything is sealed
// with it.
func New(key []byte, repo Repo, opts ...Option) (*Vault, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("a key has %d bytes, not %d", KeySize, len(key))
	}
	id := sha256.Sum256(append([]byte("hubwright key id\x00"), key...))
	v := &Vault{aead: aead, keyID: id[:keyIDSize], keyFile: "the key file", repo: repo}
	for _, o := range opts {
		o(v)
	}
	if err := v.askWitness(context.Background()); err != nil {
		return nil, err
	}
	return v, nil
}

func (v *Vault) askWitness(ctx context.Context) error {
	_, err := v.Open(ctx, witnessRef)
	if errors.Is(err, workflows.ErrNotFound) {
		return v.put(ctx, witnessRef, witnessPurpose, nil)
	}
	return err
}

// Seal stores a secret and gives the reference that opens it. The purpose says
// in words what it is for; it is not secret.
func (v *Vault) Seal(ctx context.Context, purpose string, plain []byte) (workflows.SecretRef, error) {
	if len(purpose) > maxText {
		return "", errors.New("sealing a secret: its purpose is too long")
	}
	var id [15]byte
	rand.Read(id[:]) //nolint:errcheck // never fails
	ref := "sec_" + strings.ToLower(base32.StdEncoding.EncodeToString(id[:]))
	if err := v.put(ctx, ref, purpose, plain); err != nil {
		return "", err
	}
	return workflows.SecretRef(ref), nil
}

func (v *Vault) put(ctx context.Context, ref, purpose string, plain []byte) error {
	sealed := append([]byte{format}, v.keyID...)
	sealed = binary.BigEndian.AppendUint16(sealed, uint16(len(purpose)))
	sealed = append(sealed, purpose...)
	nonce := make([]byte, v.aead.NonceSize())
	rand.Read(nonce) //nolint:errcheck // never fails
	sealed = append(sealed, nonce...)
	sealed = v.aead.Seal(sealed, nonce, plain, bound(purpose, ref))
	if err := v.repo.PutSecret(ctx, ref, purpose, sealed); err != nil {
		return fmt.Errorf("sealing a secret: %w", err)
	}
	return nil
}

// Open gives the secret back. A reference that is not there is a
// workflows.ErrNotFound; a secret that was sealed with another key, or that
// was changed, is a *workflows.Problem.
func (v *Vault) Open(ctx context.Context, ref workflows.SecretRef) ([]byte, error) {
	sealed, err := v.repo.GetSecret(ctx, string(ref))
	if err != nil {
		return nil, fmt.Errorf("opening a secret: %w", err)
	}
	if len(sealed) < headSize || sealed[0] != format {
		return nil, damaged(ref)
	}
	if !bytes.Equal(sealed[1:1+keyIDSize], v.keyID) {
		return nil, &workflows.Problem{
			Code:   "secrets.key",
			What:   "The stored secrets cannot be opened",
			Why:    "they were sealed with another key than the one in " + v.keyFile,
			Fix:    "Put the key file that belongs to this database in its place, from your backup, and start Hubwright again.",
			Detail: "reference " + string(ref),
		}
	}
	n := int(binary.BigEndian.Uint16(sealed[headSize-2:]))
	rest := sealed[headSize:]
	if len(rest) < n+v.aead.NonceSize() {
		return nil, damaged(ref)
	}
	purpose, nonce, text := string(rest[:n]), rest[n:n+v.aead.NonceSize()], rest[n+v.aead.NonceSize():]
	plain, err := v.aead.Open(nil, nonce, text, bound(purpose, string(ref)))
	if err != nil {
		return nil, damaged(ref)
	}
	return plain, nil
}

// Forget deletes a secret. One that is not there is no error.
func (v *Vault) Forget(ctx context.Context, ref workflows.SecretRef) error {
	if err := v.repo.DeleteSecret(ctx, string(ref)); err != nil {
		return fmt.Errorf("forgetting a secret: %w", err)
	}
	return nil
}

// bound is what a sealed secret is tied to.
func bound(purpose, ref string) []byte {
	out := append([]byte("hubwright secret 1"), binary.BigEndian.AppendUint16(nil, uint16(len(purpose)))...)
	return append(append(out, purpose...), ref...)
}

func damaged(ref workflows.SecretRef) error {
	return &workflows.Problem{
		Code:   "secrets.damaged",
		What:   "A stored secret cannot be opened",
		Why:    "it was changed since it was sealed",
		Fix:    "Restore the database from a backup, or enter the credential anew.",
		Detail: "reference " + string(ref),
	}
}
