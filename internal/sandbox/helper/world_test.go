package helper

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// world is a fleet with one VM, and a key that opens it.
type world struct {
	fleet   *Fleet
	dir     string
	addr    string
	keyFile string
	signer  gossh.Signer
	pubKey  string
}

const publicCA = "-----BEGIN CERTIFICATE-----\npublic\n-----END CERTIFICATE-----\n"

const hubCA = "-----BEGIN CERTIFICATE-----\nhub\n-----END CERTIFICATE-----\n"

func newWorld(t *testing.T, change func(*Options, *VM)) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	w.makeKey(t)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, []byte(publicCA), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := Options{
		Dir: w.dir,
		Env: func(string) []string {
			return []string{"HTTPS_PROXY=http://127.0.0.1:18080", "SSL_CERT_FILE=" + caFile, "CURL_CA_BUNDLE=" + caFile}
		},
		Log: t.Logf,
	}
	vm := VM{Name: "helper-0", Address: "127.0.0.1", AdminUser: "azureuser", AuthorizedKeys: []string{w.pubKey}, HubCA: []byte(hubCA)}
	if change != nil {
		change(&opts, &vm)
	}
	w.fleet = New(opts)
	t.Cleanup(func() { w.fleet.Close() })
	var err error
	if w.addr, err = w.fleet.Add(t.Context(), vm); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) makeKey(t *testing.T) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if w.signer, err = gossh.NewSignerFromKey(private); err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := gossh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	w.pubKey = strings.TrimSpace(string(gossh.MarshalAuthorizedKey(key)))
	w.keyFile = filepath.Join(t.TempDir(), "id_ed25519")
	if err := os.WriteFile(w.keyFile, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *world) dial(t *testing.T) *gossh.Client {
	t.Helper()
	c, err := gossh.Dial("tcp", w.addr, &gossh.ClientConfig{
		User: "azureuser", Auth: []gossh.AuthMethod{gossh.PublicKeys(w.signer)},
		HostKeyCallback: gossh.InsecureIgnoreHostKey(), Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// run runs a command in a session of its own and gives what it printed and its exit code.
func run(t *testing.T, c *gossh.Client, command, stdin string) (stdout, stderr string, code int) {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out, errOut bytes.Buffer
	s.Stdout, s.Stderr, s.Stdin = &out, &errOut, strings.NewReader(stdin)
	err = s.Run(command)
	if exit, ok := err.(*gossh.ExitError); ok {
		code = exit.ExitStatus()
	} else if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return out.String(), errOut.String(), code
}

func (w *world) vmDir() string { return filepath.Join(w.dir, "helper-0") }

// eventually polls until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// openSSH runs one of OpenSSH's clients.
func openSSH(t *testing.T, w *world, program string, args ...string) (string, error) {
	t.Helper()
	host, port, _ := net.SplitHostPort(w.addr)
	options := []string{"-F", "none", "-i", w.keyFile, "-o", "Port=" + port, "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=accept-new", "-o", "UserKnownHostsFile=" + filepath.Join(filepath.Dir(w.keyFile), "known_hosts")}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "HOST", "azureuser@"+host)
	}
	out, err := exec.CommandContext(t.Context(), program, append(options, args...)...).CombinedOutput()
	return string(out), err
}
