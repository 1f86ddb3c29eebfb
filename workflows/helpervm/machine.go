package helpervm

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	w "hubwright/workflows"
)

//go:embed scripts/facts.sh
var factsScript string

// needKiB is what AKS Engine, its archive and some clusters' files take.
const needKiB = 1 << 20

// facts are what a machine says of itself.
type facts struct {
	kernel, machine, os, home string
	freeKiB                   int64
	lacks                     []string
	sudo                      bool
}

// lookAt asks the machine. One that does not understand a shell script is
// most likely Windows.
func lookAt(ctx context.Context, host Host, where string) (facts, error) {
	out, err := host.Run(ctx, factsScript, nil)
	if err != nil {
		return facts{}, err
	}
	f := readFacts(out.Stdout)
	if f.kernel == "" {
		return facts{}, strange(out, where)
	}
	return f, nil
}

func readFacts(text string) facts {
	var f facts
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "kernel":
			f.kernel = value
		case "machine":
			f.machine = value
		case "os":
			f.os = value
		case "home":
			f.home = value
		case "free":
			f.freeKiB, _ = strconv.ParseInt(value, 10, 64)
		case "lacks":
			f.lacks = append(f.lacks, value)
		case "sudo":
			f.sudo = value == "yes"
		}
	}
	if f.os == "" {
		f.os = f.kernel
	}
	return f
}

// strange is the Problem of a machine that did not answer as a Unix does.
func strange(out Output, where string) error {
	said := out.Stdout + out.Stderr
	lower := strings.ToLower(said)
	for _, mark := range []string{"is not recognized", "windows", "powershell", "the system cannot find"} {
		if strings.Contains(lower, mark) {
			return windows(where)
		}
	}
	return &w.Problem{
		Code: "helper.shell", What: where + " does not run shell scripts",
		Why: fmt.Sprintf("A few simple commands ended with exit code %d.", out.ExitCode),
		Fix: "Give a Linux host whose user has a usual login shell.", Detail: firstLine(said),
	}
}

func windows(where string) error {
	return &w.Problem{
		Code: "helper.windows", What: where + " is a Windows machine",
		Why: "Hubwright drives AKS Engine on Linux for now.",
		Fix: "Give a Linux host, or let Hubwright create a VM on the Hub.",
	}
}

// unfit says why AKS Engine cannot run there.
func (f facts) unfit(where, source string) error {
	kernel := strings.ToLower(f.kernel)
	switch {
	case strings.Contains(kernel, "mingw"), strings.Contains(kernel, "cygwin"), strings.Contains(kernel, "msys"), strings.Contains(kernel, "windows"):
		return windows(where)
	case kernel != "linux":
		return &w.Problem{Code: "helper.kernel", What: where + " is not a Linux machine", Why: "It says that it is " + f.kernel + ".",
			Fix: "Give a Linux host, or let Hubwright create a VM on the Hub."}
	case f.machine != "x86_64" && f.machine != "amd64":
		return &w.Problem{Code: "helper.machine", What: "AKS Engine is not released for the processor of " + where, Why: "It is " + f.machine + "; the Linux release is for amd64 alone.",
			Fix: "Give a host with an x86-64 processor."}
	}
	var lacks []string
	for _, tool := range f.lacks {
		if tool != "curl" || source == SourceDownload {
			lacks = append(lacks, tool)
		}
	}
	if len(lacks) > 0 {
		return &w.Problem{Code: "helper.tools", What: where + " lacks tools that the installation takes", Why: "Not found: " + strings.Join(lacks, ", ") + ".",
			Fix: "Install them there, with: sudo apt-get install " + strings.Join(lacks, " ")}
	}
	return nil
}

// full says that there is too little room.
func (f facts) full(where string) error {
	if f.freeKiB >= needKiB {
		return nil
	}
	return &w.Problem{
		Code: "helper.disk", What: where + " has too little room on its disk",
		Why: fmt.Sprintf("%d MiB are free in %s; 1024 MiB are needed.", f.freeKiB>>10, f.home),
		Fix: "Delete what is not needed there, or enlarge the disk.",
	}
}
