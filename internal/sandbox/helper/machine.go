package helper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"
)

// Banners of the SSH servers that Azure's Ubuntu and Windows images have.
const (
	linuxVersion   = "OpenSSH_8.9p1 Ubuntu-3ubuntu0.13"
	windowsVersion = "OpenSSH_for_Windows_8.6"
)

// machine is a running VM.
type machine struct {
	VM
	opts   Options
	paths  Paths
	addr   string
	server *ssh.Server
	served sync.WaitGroup
	own    gossh.Signer // the host key
	other  func() (gossh.Signer, error)

	mu      sync.Mutex
	refuse  int
	conns   map[net.Conn]struct{}
	stopped bool
}

func (m *machine) start(ctx context.Context) error {
	killAll(m.paths.VM) // what a killed sandbox left running
	if err := m.layOut(); err != nil {
		return err
	}
	if err := m.authorize(m.AuthorizedKeys); err != nil {
		return err
	}
	key, err := hostKey(filepath.Join(m.paths.VM, "ssh_host_ed25519_key"))
	if err != nil {
		return err
	}
	m.own, m.other = key, sync.OnceValues(strangeKey)
	l, err := m.listen(ctx)
	if err != nil {
		return err
	}
	m.addr = l.Addr().String()
	m.conns = map[net.Conn]struct{}{}
	m.server = m.newServer(key)
	m.served.Go(func() {
		if err := m.server.Serve(l); !errors.Is(err, ssh.ErrServerClosed) {
			m.opts.Log("helper VM %s: %v", m.Name, err)
		}
	})
	return nil
}

func (m *machine) newServer(key gossh.Signer) *ssh.Server {
	s := &ssh.Server{
		Version:          linuxVersion,
		Handler:          m.exec,
		PublicKeyHandler: m.allow,
		ConnCallback:     m.accept,
		PtyCallback:      func(ssh.Context, ssh.Pty) bool { return false },
		ChannelHandlers:  map[string]ssh.ChannelHandler{"session": ssh.DefaultSessionHandler},
	}
	s.AddHostKey(key)
	if m.Windows {
		s.Version, s.Handler = windowsVersion, answerLikeWindows
		return s
	}
	s.SubsystemHandlers = map[string]ssh.SubsystemHandler{"sftp": m.sftp}
	s.ChannelHandlers["direct-tcpip"] = m.forward
	return s
}

// stop ends the SSH server, its connections and everything that runs on the VM.
func (m *machine) stop() {
	m.mu.Lock()
	m.stopped = true
	m.mu.Unlock()
	m.server.Close()
	m.cut()
	m.served.Wait()
	killAll(m.paths.VM)
}

// listen takes the address of the VM, or a port near it: the one named, else the one taken last time, else 22, else any.
func (m *machine) listen(ctx context.Context) (net.Listener, error) {
	host, port, err := net.SplitHostPort(m.Address)
	if err != nil {
		host, port = m.Address, ""
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("address %q is not on loopback", m.Address)
	}
	var lc net.ListenConfig
	if port != "" {
		return lc.Listen(ctx, "tcp", m.Address)
	}
	memory := filepath.Join(m.paths.VM, "port")
	last, _ := os.ReadFile(memory)
	for _, port := range []string{strings.TrimSpace(string(last)), "22", "0"} {
		if port == "" {
			continue
		}
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
		if err != nil {
			continue
		}
		got := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		return l, os.WriteFile(memory, []byte(got+"\n"), 0o600)
	}
	return nil, fmt.Errorf("no port is free on %s", host)
}

// accept keeps account of the connections, so that they can be cut, and refuses as many as were ordered.
func (m *machine) accept(_ ssh.Context, conn net.Conn) net.Conn {
	trouble := m.opts.Trouble(m.Name)
	time.Sleep(trouble.Delay)
	if trouble.Refuse || !m.showKey(trouble.OtherKey) {
		m.opts.Log("helper VM %s refuses a connection", m.Name)
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse > 0 {
		m.refuse--
		m.opts.Log("helper VM %s refuses a connection", m.Name)
		return nil
	}
	if m.stopped {
		return nil
	}
	m.conns[conn] = struct{}{}
	end := func() bool { return true }
	if trouble.CutAfter > 0 {
		end = time.AfterFunc(trouble.CutAfter, func() { reset(conn) }).Stop
	}
	return &countedConn{Conn: conn, gone: func() { end(); m.forget(conn) }}
}

// showKey chooses the host key of the next connection: the VM's own or another. It says whether there is one.
func (m *machine) showKey(other bool) bool {
	key, err := m.own, error(nil)
	if other {
		key, err = m.other()
	}
	if err == nil {
		m.server.AddHostKey(key) // replaces the one before, which is of the same kind
	}
	return err == nil
}

// reset breaks a connection without a polite end.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

func (m *machine) forget(conn net.Conn) {
	m.mu.Lock()
	delete(m.conns, conn)
	m.mu.Unlock()
}

func (m *machine) cut() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.conns)
	for conn := range m.conns {
		reset(conn)
	}
	clear(m.conns)
	return n
}

type countedConn struct {
	net.Conn
	gone func()
}

func (c *countedConn) Close() error {
	c.gone()
	return c.Conn.Close()
}

// allow lets in who holds one of the keys in the user's authorized_keys.
func (m *machine) allow(ctx ssh.Context, key ssh.PublicKey) bool {
	if m.AdminUser != "" && ctx.User() != m.AdminUser {
		return false
	}
	rest, err := os.ReadFile(m.authorizedKeysFile())
	if err != nil {
		return false
	}
	for len(rest) > 0 {
		known, _, _, next, err := ssh.ParseAuthorizedKey(rest)
		if err != nil {
			return false
		}
		if ssh.KeysEqual(key, known) {
			return true
		}
		rest = next
	}
	return false
}
