package remote

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshd is a real OpenSSH server on loopback, with a home folder of its own.
type sshd struct {
	home   string
	target Target
}

// startSSHD fails the test where there is no OpenSSH server.
func startSSHD(t testing.TB, extra ...string) *sshd {
	t.Helper()
	const program = "/usr/sbin/sshd"
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: install the package openssh-server", err)
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &sshd{home: filepath.Join(dir, "home")}
	if err := os.Mkdir(s.home, 0o755); err != nil {
		t.Fatal(err)
	}
	hostPEM, hostPub := testKey(t)
	userPEM, userPub := testKey(t)
	writeFile(t, filepath.Join(dir, "host"), hostPEM)
	writeFile(t, filepath.Join(dir, "authorized"), []byte(userPub+"\n"))
	port := freePort(t)
	config := fmt.Sprintf(`Port %d
ListenAddress 127.0.0.1
HostKey %[2]s/host
PidFile %[2]s/pid
AuthorizedKeysFile %[2]s/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
MaxStartups 100
SetEnv "HOME=%[3]s"
`, port, dir, s.home)
	for _, line := range extra {
		config += line + "\n"
	}
	writeFile(t, filepath.Join(dir, "config"), []byte(config))
	var log bytes.Buffer
	cmd := exec.Command(program, "-D", "-e", "-f", filepath.Join(dir, "config"))
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("sshd says:\n%s", tailOf(log.String(), 4000))
		}
	})
	s.target = Target{Host: "127.0.0.1", Port: port, User: me.Username, PrivateKey: userPEM, HostKey: hostPub}
	eventually(t, 10*time.Second, "sshd listens", func() bool {
		_, _, err := ScanHostKey(context.Background(), s.target)
		return err == nil
	})
	return s
}

func (s *sshd) dial(t testing.TB) *Host {
	t.Helper()
	h, err := Dial(context.Background(), s.target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func (s *sshd) jobFile(id, name string) string {
	return filepath.Join(s.home, ".hubwright", "jobs", id, name)
}

func testKey(t testing.TB) (private []byte, public string) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		t.Fatal(err)
	}
	sshPub, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), authorizedLine(sshPub)
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func eventually(t testing.TB, limit time.Duration, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func tailOf(s string, n int) string { return s[max(0, len(s)-n):] }

// cable is a TCP way to a server that can be cut, and stays up for the next
// connection.
type cable struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	conns []net.Conn
	cuts  int
}

func newCable(t testing.TB, to string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: l, to: to}
	t.Cleanup(func() { l.Close(); c.cut() })
	go c.serve()
	return c
}

// through is the target with the cable in between.
func (c *cable) through(t Target) Target {
	t.Port = c.listener.Addr().(*net.TCPAddr).Port
	return t
}

func (c *cable) serve() {
	for {
		in, err := c.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", c.to)
		if err != nil {
			in.Close()
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, in, out)
		c.mu.Unlock()
		go func() { io.Copy(out, in); out.Close() }()
		go func() { io.Copy(in, out); in.Close() }()
	}
}

// cut breaks all connections and says whether there was one.
func (c *cable) cut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	had := len(c.conns) > 0
	for _, conn := range c.conns {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	c.conns = nil
	if had {
		c.cuts++
	}
	return had
}

func addressOf(t Target) string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }
