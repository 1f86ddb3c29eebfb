// Package standin stands in for the aks-engine-azurestack command where the real one is not at hand: same commands,
// flags, files, messages and exit codes, and the same requests to the same Azure Stack Hub. The template that it
// deploys is its own, with the resources, names, tags, parameters and outputs of the real one's.
package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Environment variables that only the stand-in has.
const (
	// VersionVariable holds the version to report, such as v0.85.0.
	VersionVariable = "SANDBOX_ENGINE_VERSION"
	// BitsVariable holds the size of RSA keys in bits. It is for the impatient: the default is the real engine's 4096.
	BitsVariable = "SANDBOX_RSA_BITS"
	// PauseVariable holds the time between two looks of rotate-certs, such as 1s. It is for the impatient, too: the default is
	// the real engine's 10s, which adds up to several minutes.
	PauseVariable = "SANDBOX_ROTATE_PAUSE"
)

const program = "aks-engine-azurestack"

// process is one run of the command.
type process struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	started        time.Time
	log            *logger                                                              // on stdout
	say            *plainLogger                                                         // on stderr
	dial           func(ctx context.Context, network, address string) (net.Conn, error) // for SSH, which no proxy is asked for
	hasten         time.Duration                                                        // pauses and limits of the operations are divided by it; only tests are in a hurry
}

// Main runs the command with args (without the program's name) and returns its exit code: 0 when all is well, 1 after an
// error, 2 where the real engine panics. It never reads stdin.
func Main(args []string, getenv func(string) string, _ io.Reader, stdout, stderr io.Writer) int {
	return newProcess(getenv, stdout, stderr).main(args)
}

func newProcess(getenv func(string) string, stdout, stderr io.Writer) *process {
	p := &process{getenv: getenv, stdout: stdout, stderr: stderr, started: time.Now(), say: &plainLogger{out: stderr}, hasten: 1, dial: (&net.Dialer{Timeout: time.Minute}).DialContext}
	p.log = &logger{out: stdout, started: p.started}
	return p
}

func (p *process) main(args []string) int {
	p.keepKnownHosts()
	err := p.dispatch(args)
	if crash := (*crashError)(nil); errors.As(err, &crash) {
		fmt.Fprint(p.stderr, crash.Error())
		return 2
	}
	if err != nil {
		return 1
	}
	return 0
}

// pause waits between two looks at something.
func (p *process) pause(ctx context.Context, d time.Duration) error { return sleep(ctx, d/p.hasten) }

// keepKnownHosts does what the real engine does at each start: it copies the user's known hosts, and warns without them.
func (p *process) keepKnownHosts() {
	home := p.getenv("HOME")
	if home == "" {
		return
	}
	source := filepath.Join(home, ".ssh", "known_hosts")
	text, err := os.ReadFile(source)
	if err != nil {
		fmt.Fprintf(p.stderr, "time=%q level=warning msg=%q\n", p.started.Format(time.RFC3339), "failed to open file "+source)
		return
	}
	folder := filepath.Join(home, "."+program)
	if err := os.MkdirAll(folder, 0o700); err == nil {
		os.WriteFile(filepath.Join(folder, "known_hosts"), text, 0o644)
	}
}

// tempFile makes a file for the process to leave behind, as the real engine leaves it.
func (p *process) tempFile(pattern string, content []byte) (string, error) {
	dir := p.getenv("TMPDIR")
	if dir == "" {
		dir = os.TempDir()
	}
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	return f.Name(), errors.Join(err, f.Close())
}

// crashError stands for a panic of the real engine.
type crashError struct{}

func (*crashError) Error() string {
	return "panic: runtime error: invalid memory address or nil pointer dereference\n" +
		"[signal SIGSEGV: segmentation violation code=0x1 addr=0x10 pc=0x0]\n\ngoroutine 1 [running]:\n"
}
