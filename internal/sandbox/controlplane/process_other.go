//go:build !linux

package controlplane

import (
	"context"
	"errors"
	"syscall"
)

// The control planes need all of 127.0.0.0/8 to be local and children that die with their parent; only Linux has both.
// Elsewhere this package compiles, and says so when it is used.

func dieWithParent() *syscall.SysProcAttr { return nil }

func bornAt(int) string { return "" }

func commandLine(int) []string { return nil }

func lockFile(context.Context, string, func()) (func(), error) {
	return nil, errors.New("the sandbox's control planes run on Linux only")
}
