package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"

	"hubwright/store"
)

// runAudit verifies the hash chain of the audit without a server.
func runAudit(ctx context.Context, c console, args []string) error {
	if len(args) == 0 || args[0] != "verify" {
		fmt.Fprintln(c.stderr, "usage: hubwright audit verify [--data DIR]")
		return errUsage
	}
	fs := flag.NewFlagSet("hubwright audit verify", flag.ContinueOnError)
	fs.SetOutput(c.stderr)
	data := fs.String("data", ".data/server", "folder of the database")
	if err := parseFlags(fs, args[1:], c.getenv); err != nil {
		return err
	}
	db, err := store.Open(ctx, filepath.Join(*data, databaseName), store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	rows, broken, err := db.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	if broken != 0 {
		fmt.Fprintf(c.stdout, "The audit is broken at row %d of %d: from there on it was changed outside Hubwright.\n", broken, rows)
		return exitCode(1)
	}
	fmt.Fprintf(c.stdout, "The audit is whole: %d rows, each sealed with the one before.\n", rows)
	return nil
}
