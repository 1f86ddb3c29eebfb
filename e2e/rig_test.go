// Package e2e drives the real binary and its sandbox as people do: in a real
// Chromium, over HTTP, and with kill -9.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	adminName     = "ana"
	adminPassword = "correct horse battery"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hubwright-e2e-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "hubwright")
	build := exec.Command("go", "build", "-o", binary, "hubwright/cmd/hubwright")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building hubwright: %v\n%s", err, out)
		os.Exit(1)
	}
	// The journeys wait for clusters more than they compute.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// child is a process of ours with its output.
type child struct {
	cmd  *exec.Cmd
	mu   sync.Mutex
	out  strings.Builder
	done chan struct{}
}

func spawn(t *testing.T, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(binary, args...), done: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), "SANDBOX_RSA_BITS=2048", "SANDBOX_ROTATE_PAUSE=200ms")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.cmd.Stdout, c.cmd.Stderr = w, w
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			c.mu.Lock()
			c.out.WriteString(lines.Text() + "\n")
			c.mu.Unlock()
		}
		_ = c.cmd.Wait()
		close(c.done)
	}()
	t.Cleanup(func() { c.end(os.Interrupt) })
	return c
}

func (c *child) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// end signals the process and waits; one that does not listen is killed.
func (c *child) end(sig os.Signal) {
	_ = c.cmd.Process.Signal(sig)
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

// eventually polls until ok or the time is over.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// realEngine is a real aks-engine-azurestack for the sandbox's helper VMs, ""
// where they have the stand-in.
func realEngine() string { return os.Getenv("HUBWRIGHT_AKS_ENGINE") }

// world is a sandbox with a server on it.
type world struct {
	t       *testing.T
	dir     string
	sandbox *child
	world   []string // the sandbox's arguments
	server  *child
	serve   []string // more of the server's arguments
	addr    string
	client  *http.Client
}

func newWorld(t *testing.T, speed string, serve ...string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), addr: freeAddr(t), serve: serve}
	w.world = []string{"sandbox", "--dir", filepath.Join(w.dir, "sandbox"), "--proxy", freeAddr(t), "--page", "127.0.0.1:0", "--seed", w.seed(), "--speed", speed,
		"--block", strconv.Itoa(freeBlock(t)), "--aks-engine", realEngine()}
	w.startSandbox()
	w.startServer()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.client = &http.Client{Jar: jar, Timeout: time.Minute}
	t.Cleanup(func() {
		for line := range strings.Lines(w.sandbox.output()) {
			if strings.Contains(line, "msg=misuse") {
				t.Error(line)
			}
		}
		if t.Failed() {
			t.Logf("server:\n%s", w.server.output())
			t.Logf("sandbox:\n%s", tail(w.sandbox.output(), 60))
		}
	})
	return w
}

func tail(s string, n int) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}

// freeBlock reserves loopback addresses that no other sandbox uses, until the
// test ends: other tests, and people, may have one on this machine.
func freeBlock(t *testing.T) int {
	t.Helper()
	for block := 50; block < 130; block += 2 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.%d.0.1:41999", block))
		if err != nil {
			continue
		}
		t.Cleanup(func() { l.Close() })
		// A sandbox that a person started has a machine here.
		first, err := net.Listen("tcp", fmt.Sprintf("127.%d.0.10:22", block+1))
		if err == nil {
			first.Close()
		}
		if err == nil || errors.Is(err, os.ErrPermission) {
			return block
		}
	}
	t.Fatal("all blocks of loopback addresses are taken")
	return 0
}

// freeAddr is an address for a server that may be restarted. Its port is below
// those that the system gives to outgoing connections: between two lives of
// the server nobody takes it by chance.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

func (w *world) seed() string { return filepath.Join(w.dir, "seed.json") }

// startSandbox starts the sandbox, again after it was killed, and waits for its
// Hubs.
func (w *world) startSandbox() {
	w.t.Helper()
	_ = os.Remove(w.seed())
	w.sandbox = spawn(w.t, w.world...)
	eventually(w.t, 10*time.Minute, "the sandbox writes its seed", func() bool {
		_, err := os.Stat(w.seed())
		return err == nil
	})
}

func (w *world) startServer() {
	w.t.Helper()
	w.server = spawn(w.t, append([]string{"serve", "--listen", w.addr, "--data", filepath.Join(w.dir, "server"), "--seed", w.seed(), "--banner", "Sandbox"}, w.serve...)...)
	eventually(w.t, time.Minute, "the dashboard is up", func() bool { return strings.Contains(w.server.output(), "Hubwright is up") })
}

var setupLink = regexp.MustCompile(`http://\S+/setup\?token=\S+`)

func (w *world) setupLink() string {
	w.t.Helper()
	link := ""
	eventually(w.t, time.Minute, "the set-up link is printed", func() bool {
		link = setupLink.FindString(w.server.output())
		return link != ""
	})
	return link
}

func (w *world) url(path string) string { return "http://" + w.addr + path }

// answer is a page as the HTTP client saw it.
type answer struct {
	status int
	path   string
	header http.Header
	body   string
}

func (w *world) do(req *http.Request) (answer, error) {
	res, err := w.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Request.URL.Path, res.Header, string(body)}, err
}

func (w *world) get(path string) answer {
	w.t.Helper()
	req, _ := http.NewRequest(http.MethodGet, w.url(path), nil)
	a, err := w.do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) post(path string, form url.Values) answer {
	w.t.Helper()
	req, _ := http.NewRequestWithContext(context.Background(), http.MethodPost, w.url(path), strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := w.do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// postFiles posts a form as browsers send one with files: of those fields the
// values are what the files hold.
func (w *world) postFiles(path string, form url.Values, files []string) answer {
	w.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for name, values := range form {
		for _, v := range values {
			part, err := m.CreateFormField(name)
			if slices.Contains(files, name) {
				part, err = m.CreateFormFile(name, name+".json")
			}
			if err == nil {
				_, err = io.WriteString(part, v)
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
	if err := m.Close(); err != nil {
		w.t.Fatal(err)
	}
	req, _ := http.NewRequestWithContext(context.Background(), http.MethodPost, w.url(path), &body)
	req.Header.Set("Content-Type", m.FormDataContentType())
	a, err := w.do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// setUp makes the first admin over HTTP and logs in.
func (w *world) setUp() {
	w.t.Helper()
	u, err := url.Parse(w.setupLink())
	if err != nil {
		w.t.Fatal(err)
	}
	a := w.post("/setup", url.Values{"token": {u.Query().Get("token")}, "name": {adminName}, "password": {adminPassword}, "confirm": {adminPassword}})
	if a.status != http.StatusOK {
		w.t.Fatalf("set-up answered %d:\n%s", a.status, a.body)
	}
}

func (w *world) logIn() {
	w.t.Helper()
	a := w.post("/login", url.Values{"name": {adminName}, "password": {adminPassword}, "next": {"/"}})
	if a.status != http.StatusOK {
		w.t.Fatalf("login answered %d", a.status)
	}
}
