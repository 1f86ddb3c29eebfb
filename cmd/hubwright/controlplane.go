package main

import (
	"context"
	"fmt"

	"hubwright/internal/sandbox/controlplane"
)

// runControlPlane builds what the sandbox's clusters run, so that tests and
// first deployments don't wait for it.
func runControlPlane(ctx context.Context, c console, args []string) error {
	if len(args) != 1 || args[0] != "build" {
		fmt.Fprintln(c.stderr, "usage: hubwright controlplane build")
		return errUsage
	}
	path, err := controlplane.Build(ctx, "", func(line string) { fmt.Fprintln(c.stdout, "  "+line) })
	if err != nil {
		return err
	}
	fmt.Fprintln(c.stdout, "ready:", path)
	return nil
}
