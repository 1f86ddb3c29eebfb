package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Checkpoint says, signed, which event was the newest at a time. Kept outside
// the database it shows when the end of the record was cut off, or when the
// whole chain was computed anew.
type Checkpoint struct {
	Seq  int64     `json:"seq"`
	Hash string    `json:"hash"`
	At   time.Time `json:"at"`
	Sig  string    `json:"sig"` // ed25519, base64, over message()
}

func (c Checkpoint) message() []byte {
	return fmt.Appendf(nil, "hubwright audit checkpoint 1\n%d\n%s\n%s\n", c.Seq, c.Hash, c.At.UTC().Format(time.RFC3339))
}

// SigningKey makes the key for checkpoints from the installation's key, which
// lies outside the database.
func SigningKey(key []byte) (ed25519.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, key, nil, "hubwright audit checkpoint", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("making the key for checkpoints: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// Book is the file of checkpoints, one JSON object a line.
type Book struct {
	path string
	key  ed25519.PrivateKey
	last int64 // Seq of the newest line
}

// OpenBook opens the file, which need not be there yet.
func OpenBook(path string, key ed25519.PrivateKey) (*Book, error) {
	b := &Book{path: path, key: key}
	all, err := ReadBook(path)
	if err != nil {
		return nil, err
	}
	if len(all) > 0 {
		b.last = all[len(all)-1].Seq
	}
	return b, nil
}

// Write appends a checkpoint when there is a newer event than the last one
// that was written, and says whether it did.
func (b *Book) Write(ctx context.Context, repo Repo, now time.Time) (c Checkpoint, wrote bool, err error) {
	newest, err := repo.AuditEvents(ctx, Filter{Limit: 1})
	if err != nil || len(newest) == 0 || newest[0].Seq == b.last {
		return Checkpoint{}, false, err
	}
	c = Checkpoint{Seq: newest[0].Seq, Hash: newest[0].Hash, At: now.UTC().Truncate(time.Second)}
	c.Sig = base64.StdEncoding.EncodeToString(ed25519.Sign(b.key, c.message()))
	line, err := json.Marshal(c)
	if err != nil {
		return c, false, err
	}
	f, err := os.OpenFile(b.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return c, false, fmt.Errorf("writing an audit checkpoint: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return c, false, fmt.Errorf("writing an audit checkpoint: %w", err)
	}
	b.last = c.Seq
	return c, true, nil
}

// ReadBook reads all checkpoints, the oldest first. No file is no checkpoint;
// a last line that was cut off by a crash is left out. What a syslog server
// wrote before the object of a line is passed over.
func ReadBook(path string) ([]Checkpoint, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the audit checkpoints: %w", err)
	}
	defer f.Close()
	var all []Checkpoint
	broken := 0
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var c Checkpoint
		line := lines.Bytes()
		if json.Unmarshal(line[max(bytes.IndexByte(line, '{'), 0):], &c) != nil {
			broken = n
			continue
		}
		if broken != 0 {
			return nil, fmt.Errorf("reading the audit checkpoints: line %d of %s is not a checkpoint", broken, path)
		}
		all = append(all, c)
	}
	return all, lines.Err()
}

// Hashes finds the hash of an event, "" when there is none with that Seq.
type Hashes interface {
	AuditHash(ctx context.Context, seq int64) (string, error)
}

// CheckBook compares checkpoints with the record. It returns a sentence for
// each one that does not hold.
func CheckBook(ctx context.Context, all []Checkpoint, pub ed25519.PublicKey, record Hashes) ([]string, error) {
	var wrong []string
	for _, c := range all {
		sig, err := base64.StdEncoding.DecodeString(c.Sig)
		if err != nil || !ed25519.Verify(pub, c.message(), sig) {
			wrong = append(wrong, fmt.Sprintf("The checkpoint of %s has no valid signature: it was changed, or another installation's key signed it.", c.At.Format(time.RFC3339)))
			continue
		}
		hash, err := record.AuditHash(ctx, c.Seq)
		if err != nil {
			return nil, err
		}
		switch hash {
		case c.Hash:
		case "":
			wrong = append(wrong, fmt.Sprintf("Event %d existed on %s and is gone: the end of the record was cut off.", c.Seq, c.At.Format(time.RFC3339)))
		default:
			wrong = append(wrong, fmt.Sprintf("Event %d was another one on %s: the chain was computed anew up to it.", c.Seq, c.At.Format(time.RFC3339)))
		}
	}
	return wrong, nil
}
