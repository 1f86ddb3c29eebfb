package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
)

// console is what a subcommand talks to.
type console struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// command is one subcommand.
type command struct {
	name, about string
	run         func(ctx context.Context, c console, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "start the dashboard", serve},
		{"sandbox", "start two emulated Azure Stack Hubs on this machine", runSandbox},
		{"workflows", "print the workflows with their checks and steps", printWorkflows},
		{"audit", "verify the audit: audit verify", runAudit},
		{"controlplane", "build what the sandbox's clusters run: controlplane build", runControlPlane},
		{"version", "print the version", printVersion},
	}
}

// errUsage ends the program with status 2 after its message was printed.
var errUsage = errors.New("usage")

// exitCode ends the program with a status of its own.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run is the program: 0 is success, 1 a failure, 2 wrong usage.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := console{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}
	if code, ok := runStandin(args, c); ok {
		return code
	}
	if len(args) < 2 || args[1] == "help" || args[1] == "-h" || args[1] == "--help" {
		usage(stdout)
		return 0
	}
	for _, cmd := range commands() {
		if cmd.name == args[1] {
			return report(cmd.run(ctx, c, args[2:]), stderr)
		}
	}
	fmt.Fprintf(stderr, "hubwright: there is no command %q\n\n", args[1])
	usage(stderr)
	return 2
}

func report(err error, stderr io.Writer) int {
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, errUsage), errors.Is(err, flag.ErrHelp):
		return 2
	}
	fmt.Fprintln(stderr, "hubwright:", err)
	return 1
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Hubwright guides you through highly available Kubernetes on Azure Stack Hub.\n\nUsage: hubwright COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-13s %s\n", c.name, c.about)
	}
	fmt.Fprint(w, "\nhubwright COMMAND -h lists the flags; each has an environment variable HUBWRIGHT_<FLAG>.\n")
}
