package helpervm

import (
	"context"
	"io"
	"os"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

// Needs is what the workflow needs of the world.
type Needs struct {
	Records  Records
	Vault    Vault
	Archives Archives
	OpenHub  func(ctx context.Context, s w.Stack) (Hub, error)

	// ScanHostKey reads a host's key without logging in.
	ScanHostKey func(ctx context.Context, t Target) (authorizedKey, fingerprint string, err error)
	// Dial logs in. The Target's HostKey must be set.
	Dial func(ctx context.Context, t Target) (Host, error)
	// Follow copies a job's output from the cursor on into onLine and the
	// cursor until the job has exited, and tells its exit code. It survives a
	// lost connection; onState says so in words.
	Follow func(ctx context.Context, t Target, job string, cur w.Cursor, onLine func(text string), onState func(text string)) (exitCode int, err error)

	NewKeyPair func(comment string) (privatePEM []byte, authorizedKey string, err error)
	// PublicKey is the public half of a private key, in authorized_keys form.
	PublicKey func(privatePEM []byte) (authorizedKey string, err error)
	// Quote makes words for a POSIX shell.
	Quote func(args ...string) string

	Clock func() time.Time
	// Pause waits, or returns the context's error. Nil: a real timer.
	Pause func(ctx context.Context, d time.Duration) error
}

// Records are our own.
type Records interface {
	Stack(ctx context.Context, id string) (w.Stack, error)
	Site(ctx context.Context, id string) (w.Site, error)
	Deployment(ctx context.Context, id string) (w.Deployment, error)
	HelperVM(ctx context.Context, siteID string) (w.HelperVM, error)
	SaveHelperVM(ctx context.Context, vm *w.HelperVM) error
}

// Vault keeps private keys.
type Vault interface {
	Seal(ctx context.Context, purpose string, plain []byte) (w.SecretRef, error)
	Open(ctx context.Context, ref w.SecretRef) ([]byte, error)
}

// Archive is an engine release that an admin gave to the server.
type Archive struct {
	Version, FileName string
	SHA256            string // lower-case hex
	Size              int64
}

// Archives are the engine releases for Hubs without a way to the internet.
type Archives interface {
	// Archive is the release of that version; the error is ErrNotFound when
	// nobody gave it.
	Archive(ctx context.Context, version string) (Archive, error)
	OpenArchive(ctx context.Context, version string) (io.ReadCloser, error)
}

// Hub is the Azure Stack Hub.
type Hub = vm.Hub

// Spec is what the VM and its network should be.
type Spec = vm.Spec

// Target is an SSH login.
type Target struct {
	Host       string
	Port       int
	User       string
	PrivateKey []byte
	HostKey    string // pinned, authorized_keys form
	Proxy      string // http://host:port, "" for a direct way
}

// Output is what a command on the host printed.
type Output struct {
	Stdout   string
	Stderr   string
	ExitCode int
}

// Job is a command that goes on without us.
type Job struct {
	ID   string // folder name on the host
	Argv []string
	Env  map[string]string
	Dir  string
}

// Host is a machine that we are logged in to. Relative paths are below the
// user's home.
type Host interface {
	Run(ctx context.Context, script string, stdin io.Reader) (Output, error)
	Upload(ctx context.Context, path string, mode os.FileMode, size int64, r io.Reader, progress func(sent int64)) error
	// StartJob starts a job once; started is false when it was before.
	StartJob(ctx context.Context, j Job) (started bool, err error)
	// JobState is absent, running, exited or lost, and how much it printed.
	JobState(ctx context.Context, id string) (state string, exitCode int, outputSize int64, err error)
	Close() error
}
