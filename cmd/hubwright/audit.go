package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"flag"
	"fmt"
	"path/filepath"

	"hubwright/internal/audit"
	"hubwright/internal/secrets"
	"hubwright/store"
)

// checkpointName is the file in the data folder.
const checkpointName = "audit-checkpoints.jsonl"

// runAudit verifies the audit without a server: the chain of hashes, and the
// signed checkpoints that lie outside the database.
func runAudit(ctx context.Context, c console, args []string) error {
	if len(args) == 0 || args[0] != "verify" {
		fmt.Fprintln(c.stderr, "usage: hubwright audit verify [--data DIR] [--checkpoints FILE] [--key-file FILE | --public-key BASE64]")
		return errUsage
	}
	fs := flag.NewFlagSet("hubwright audit verify", flag.ContinueOnError)
	fs.SetOutput(c.stderr)
	data := fs.String("data", ".data/server", "folder of the database")
	book := fs.String("checkpoints", "", "file of checkpoints; default <data>/"+checkpointName)
	keyFile := fs.String("key-file", "", "key of the installation; default <data>/key")
	public := fs.String("public-key", "", "verify with the public key that the server printed, without the installation's key")
	if err := parseFlags(fs, args[1:], c.getenv); err != nil {
		return err
	}
	pub, err := publicKey(*public, orDefault(*keyFile, filepath.Join(*data, "key")))
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, filepath.Join(*data, databaseName), store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	checkpoints, err := audit.ReadBook(orDefault(*book, filepath.Join(*data, checkpointName)))
	if err != nil {
		return err
	}
	return verifyAudit(ctx, c, db, checkpoints, pub)
}

func verifyAudit(ctx context.Context, c console, db *store.DB, checkpoints []audit.Checkpoint, pub ed25519.PublicKey) error {
	rep, err := audit.Verify(ctx, db)
	if err != nil {
		return err
	}
	wrong, err := audit.CheckBook(ctx, checkpoints, pub, db)
	if err != nil {
		return err
	}
	if !rep.OK() {
		fmt.Fprintf(c.stdout, "The audit is broken at row %d of %d: from there on it was changed outside Hubwright.\n", rep.FirstBroken, rep.Rows)
	}
	for _, sentence := range wrong {
		fmt.Fprintln(c.stdout, sentence)
	}
	if !rep.OK() || len(wrong) > 0 {
		return exitCode(1)
	}
	fmt.Fprintf(c.stdout, "The audit is whole: %d rows, each sealed with the one before, and %d signed checkpoints agree.\n", rep.Rows, len(checkpoints))
	if rep.Head != "" {
		fmt.Fprintln(c.stdout, "The newest has the hash "+rep.Head+".")
	}
	return nil
}

func publicKey(given, keyFile string) (ed25519.PublicKey, error) {
	if given != "" {
		key, err := base64.StdEncoding.DecodeString(given)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("--public-key: not the base64 of an ed25519 public key")
		}
		return key, nil
	}
	key, err := secrets.LoadKey(keyFile)
	if err != nil {
		return nil, err
	}
	signing, err := audit.SigningKey(key)
	if err != nil {
		return nil, err
	}
	return signing.Public().(ed25519.PublicKey), nil
}

func orDefault(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
