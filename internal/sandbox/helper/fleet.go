// Package helper emulates the helper VMs of the sandbox: Linux machines that one reaches over SSH and on which
// commands really run.
//
// A VM is a folder. Commands run with /bin/sh as ordinary processes of the machine that hosts the sandbox, in the VM's
// home directory and with an environment of the VM's own. Absolute paths that belong to the VM's operating system
// (/usr/local, /etc, /opt, ...) are mapped into the folder by text: see Paths. This confines well-meaning commands, such
// as an installation into /usr/local, and keeps them off the host. It is no protection against hostile ones.
package helper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Options are the settings of a Fleet.
type Options struct {
	// Dir holds one folder per VM. It is made if it doesn't exist.
	Dir string
	// Env gives additional environment of a VM, by name: HTTPS_PROXY, SSL_CERT_FILE and the like. A file named by
	// SSL_CERT_FILE becomes the VM's own certificate store, and the variable then names that store. May be nil.
	Env func(vm string) []string
	// Resolve says where a port forwarding (ssh -L) of a VM to host:port leads, for names that the sandbox knows, such as
	// a cluster's. The address must be on loopback. Loopback hosts never get here. May be nil: no other host is reachable.
	Resolve func(vm, host string, port int) (addr string, ok bool)
	// Log gets one line for each event worth knowing. May be nil.
	Log func(format string, args ...any)
	// Trouble says how a new connection to a VM goes wrong. May be nil: none does.
	Trouble func(vm string) Trouble
	// Full says whether the disk of a VM is full when a command or an upload begins. May be nil: none is.
	Full func(vm string) bool
}

// Trouble is how a connection goes wrong.
type Trouble struct {
	Delay    time.Duration // before the banner
	Refuse   bool          // closed before the banner
	OtherKey bool          // the VM shows a host key that is not its own
	CutAfter time.Duration // reset when it is so old; 0 is never
}

// VM describes a helper VM.
type VM struct {
	// Name is the name of the VM's folder and, unless Hostname says otherwise, the computer's.
	Name, Hostname string
	// Address is where SSH listens: a loopback IP (then port 22 is taken where that is allowed, else a free port), or
	// a loopback IP with a port.
	Address string
	// AdminUser is the only user who may log in. When empty, any user name may.
	AdminUser string
	// AuthorizedKeys are lines in the format of authorized_keys. They are added to those that the VM's folder has.
	AuthorizedKeys []string
	// HubCA is the root certificate of the stamp in PEM, found on the VM as /var/lib/waagent/Certificates.pem.
	HubCA []byte
	// Existing marks a machine that was not created through ARM: its sudo asks for a password.
	Existing bool
	// Windows makes a Windows host: its SSH banner and its answers to commands are those of Windows.
	Windows bool
	// Node marks a machine of a cluster: it has a service manager.
	Node bool
	// Files are on the VM's disk when it is made, by their absolute path. Scripts (.sh) can be executed.
	Files map[string][]byte
}

// Fleet runs helper VMs. Its methods may be called from several goroutines.
type Fleet struct {
	opts Options

	mu     sync.Mutex
	closed bool
	vms    map[string]*machine
}

// ErrClosed is returned by Add after Close.
var ErrClosed = errors.New("helper: the fleet is closed")

var nameFormat = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// New makes an empty Fleet. Nothing is started.
func New(opts Options) *Fleet {
	if opts.Log == nil {
		opts.Log = func(string, ...any) {}
	}
	if opts.Trouble == nil {
		opts.Trouble = func(string) Trouble { return Trouble{} }
	}
	if opts.Full == nil {
		opts.Full = func(string) bool { return false }
	}
	if opts.Env == nil {
		opts.Env = func(string) []string { return nil }
	}
	return &Fleet{opts: opts, vms: map[string]*machine{}}
}

// Add starts a VM and returns the address of its SSH server. A folder of an earlier VM of that name is used again: its
// files, its host key and its authorized keys stay. Adding a VM that runs already gives it the new authorized keys and
// returns its address.
func (f *Fleet) Add(ctx context.Context, vm VM) (addr string, err error) {
	if !nameFormat.MatchString(vm.Name) {
		return "", fmt.Errorf("helper: %q is not a computer name", vm.Name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return "", ErrClosed
	}
	if m := f.vms[vm.Name]; m != nil {
		return m.addr, m.authorize(vm.AuthorizedKeys)
	}
	dir, err := filepath.Abs(filepath.Join(f.opts.Dir, vm.Name))
	if err != nil {
		return "", err
	}
	m := &machine{VM: vm, opts: f.opts, paths: Paths{VM: dir, User: vm.AdminUser}}
	if err := m.start(ctx); err != nil {
		return "", fmt.Errorf("helper: starting %s: %w", vm.Name, err)
	}
	f.vms[vm.Name] = m
	f.opts.Log("helper VM %s listens on %s", vm.Name, m.addr)
	return m.addr, nil
}

// Remove deletes a VM, be it on or off: its connections end, its processes are killed and its folder is removed.
// Removing an unknown VM does nothing.
func (f *Fleet) Remove(name string) error {
	f.mu.Lock()
	m := f.vms[name]
	delete(f.vms, name)
	f.mu.Unlock()
	if m != nil {
		m.stop()
		f.opts.Log("helper VM %s removed", name)
	}
	if !nameFormat.MatchString(name) {
		return nil
	}
	return os.RemoveAll(filepath.Join(f.opts.Dir, name))
}

// Halt switches a VM off: its connections end and its processes are killed, its folder stays. Add switches it on again.
func (f *Fleet) Halt(name string) {
	f.mu.Lock()
	m := f.vms[name]
	delete(f.vms, name)
	f.mu.Unlock()
	if m != nil {
		m.stop()
	}
}

// Close switches all VMs off: connections end and the processes that run on them are killed. The folders stay.
func (f *Fleet) Close() error {
	f.mu.Lock()
	vms := f.vms
	f.vms, f.closed = map[string]*machine{}, true
	f.mu.Unlock()
	for _, m := range vms {
		m.stop()
	}
	return nil
}

// Disk maps an absolute path on a VM to the host's disk.
func (f *Fleet) Disk(name, path string) string {
	return Paths{VM: filepath.Join(f.opts.Dir, name)}.Map(path)
}

// Folder is the folder of a VM on the host's disk, for tests and for the sandbox's own page.
func (f *Fleet) Folder(name string) (string, error) {
	return filepath.Abs(filepath.Join(f.opts.Dir, name))
}

// CutConnections breaks all SSH connections of a VM, as a network failure does, and returns how many there were.
// Detached processes live on, and new connections are accepted.
func (f *Fleet) CutConnections(name string) int {
	if m := f.machine(name); m != nil {
		return m.cut()
	}
	return 0
}

// RefuseFor makes a VM refuse its next n connections: each is closed before the SSH banner.
func (f *Fleet) RefuseFor(name string, n int) {
	if m := f.machine(name); m != nil {
		m.mu.Lock()
		m.refuse = n
		m.mu.Unlock()
	}
}

// Names are the VMs that run.
func (f *Fleet) Names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.vms))
}

func (f *Fleet) machine(name string) *machine {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.vms[name]
}

// isLoopback says whether host is a loopback IP or "localhost".
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
