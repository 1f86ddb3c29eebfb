package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hubwright/workflows"
)

func TestRun(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	ctx := context.Background()
	tests := []struct {
		name, script, stdin string
		want                Output
	}{
		{"stdout and stderr", "echo out; echo err >&2", "", Output{Stdout: "out\n", Stderr: "err\n"}},
		{"exit code", "exit 7", "", Output{ExitCode: 7}},
		{"signal", "kill -TERM $$", "", Output{ExitCode: 143}},
		{"stdin", "cat", "secret", Output{Stdout: "secret"}},
		{"no stdin ends at once", "cat; echo end", "", Output{Stdout: "end\n"}},
		{"several lines and quotes", "a='it''s'\nif true; then\n  echo \"$a\"\nfi", "", Output{Stdout: "its\n"}},
		{"in the home folder", `[ "$PWD" = "$HOME" ] && echo home`, "", Output{Stdout: "home\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := h.Run(ctx, tt.script, strings.NewReader(tt.stdin))
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
	home, err := h.Home(ctx)
	if err != nil || home != s.home {
		t.Errorf("Home() = %q, %v; want %q", home, err, s.home)
	}
}

func TestRunCancelReturnsAtOnce(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	ctx, cancel := context.WithCancel(context.Background())
	mark := filepath.Join(s.home, "started")
	done := make(chan error, 1)
	go func() {
		_, err := h.Run(ctx, "echo $$ >started.new; mv started.new started; exec sleep 300", nil)
		done <- err
	}()
	eventually(t, 10*time.Second, "command runs", func() bool { _, err := os.Stat(mark); return err == nil })
	pid, err := strconv.Atoi(strings.TrimSpace(readFile(t, mark)))
	if err != nil {
		t.Fatal(err)
	}
	// An sshd that runs as root passes no signal on.
	defer syscall.Kill(pid, syscall.SIGKILL)
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Run goes on after the cancel")
	}
	if out, err := h.Run(context.Background(), "echo on", nil); err != nil || out.Stdout != "on\n" {
		t.Errorf("the connection is of no use afterwards: %+v, %v", out, err)
	}
}

func TestRunTooMuchOutput(t *testing.T) {
	h := startSSHD(t).dial(t)
	_, err := h.Run(context.Background(), "head -c 20000000 /dev/zero", nil)
	wantProblem(t, err, codeRemote)
}

func TestManyRunsAtOnce(t *testing.T) {
	h := startSSHD(t).dial(t)
	errs := make(chan error)
	for i := range 30 {
		go func() {
			out, err := h.Run(context.Background(), "echo "+strconv.Itoa(i), nil)
			if err == nil && out.Stdout != strconv.Itoa(i)+"\n" {
				err = errors.New("wrong output " + out.Stdout)
			}
			errs <- err
		}()
	}
	for range 30 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestUploadAndDownload(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	ctx := context.Background()
	big := bytes.Repeat([]byte("0123456789abcdef\x00\xff\n"), 100_000)
	for _, path := range []string{"a/b c/file's", "~/tilde/x", filepath.Join(s.home, "absolute", "-file")} {
		var sent int64
		err := h.Upload(ctx, path, 0o640, int64(len(big)), bytes.NewReader(big), func(n int64) { sent = n })
		if err != nil || sent != int64(len(big)) {
			t.Fatalf("Upload(%s): %v, sent %d", path, err, sent)
		}
		got, err := h.Download(ctx, path, int64(len(big)))
		if err != nil || !bytes.Equal(got, big) {
			t.Fatalf("Download(%s): %d bytes, %v", path, len(got), err)
		}
	}
	info, err := os.Stat(filepath.Join(s.home, "a/b c/file's"))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := h.Download(ctx, "tilde/x", 10); err == nil {
		t.Error("a file beyond the limit was read")
	}
	if _, err := h.Download(ctx, "nothing", 10); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("missing file: %v", err)
	}
}

func TestUploadKeepsTheOldFileWhenTheNewIsShort(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	ctx := context.Background()
	writeFile(t, filepath.Join(s.home, "f"), []byte("old"))
	wantProblem(t, h.Upload(ctx, "f", 0o600, 10, strings.NewReader("new"), nil), codeRemote)
	broken := io.MultiReader(strings.NewReader("new"), &failing{})
	if err := h.Upload(ctx, "f", 0o600, 10, broken, nil); err == nil {
		t.Error("a broken source was taken for a file")
	}
	entries, err := os.ReadDir(s.home)
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, filepath.Join(s.home, "f")); got != "old" || len(entries) != 1 {
		t.Errorf("file holds %q, folder has %v", got, entries)
	}
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestDialProblems(t *testing.T) {
	t.Parallel()
	s := startSSHD(t)
	otherKey, otherPub := testKey(t)
	_, rsaPub, err := NewKeyPair("")
	if err != nil {
		t.Fatal(err)
	}
	silent := listenSilently(t)
	tests := []struct {
		name   string
		change func(*Target)
		code   string
	}{
		{"no pinned key", func(g *Target) { g.HostKey = "" }, codeHostKey},
		{"unreadable pin", func(g *Target) { g.HostKey = "rubbish" }, codeHostKey},
		{"another key of the kind", func(g *Target) { g.HostKey = otherPub }, codeHostKey},
		{"a key of another kind", func(g *Target) { g.HostKey = rsaPub }, codeHostKey},
		{"wrong user key", func(g *Target) { g.PrivateKey = otherKey }, codeAuth},
		{"unknown user", func(g *Target) { g.User = "nobody-of-this-name" }, codeAuth},
		{"no key", func(g *Target) { g.PrivateKey = nil }, "ssh.key"},
		{"refused", func(g *Target) { g.Port = freePort(t) }, codeRefused},
		{"silent", func(g *Target) { g.Port = silent }, codeTimeout},
		{"no such name", func(g *Target) { g.Host = "no.such.host.invalid" }, codeName},
		{"proxy refused", func(g *Target) { g.Proxy = "http://127.0.0.1:" + strconv.Itoa(freePort(t)) }, codeProxy},
		{"proxy silent", func(g *Target) { g.Proxy = "http://127.0.0.1:" + strconv.Itoa(silent) }, codeTimeout},
		{"proxy nonsense", func(g *Target) { g.Proxy = "socks5://127.0.0.1:1" }, codeProxy},
		{"proxy speaks SSH", func(g *Target) { g.Proxy = "http://" + addressOf(s.target) }, codeProxy},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := s.target
			tt.change(&target)
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			h, err := Dial(ctx, target)
			if err == nil {
				h.Close()
			}
			wantProblem(t, err, tt.code)
		})
	}
}

func TestDialCancelled(t *testing.T) {
	s := startSSHD(t)
	target := s.target
	target.Port = listenSilently(t)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := Dial(ctx, target); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestScanHostKey(t *testing.T) {
	s := startSSHD(t)
	key, fingerprint, err := ScanHostKey(context.Background(), Target{Host: s.target.Host, Port: s.target.Port})
	if err != nil || key != s.target.HostKey {
		t.Fatalf("got %q, %v; want %q", key, err, s.target.HostKey)
	}
	info, err := ParseAuthorizedKey(key)
	if err != nil || info.Fingerprint != fingerprint || !strings.HasPrefix(fingerprint, "SHA256:") {
		t.Errorf("fingerprint %q, key %+v, %v", fingerprint, info, err)
	}
}

func TestThroughProxy(t *testing.T) {
	s := startSSHD(t)
	p := startProxy(t, "ana:open-sesame", map[string]string{"helper.example:22": addressOf(s.target)})
	target := s.target
	target.Host, target.Port = "helper.example", 0
	target.Proxy = "http://ana:open-sesame@" + p
	h, err := Dial(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if out, err := h.Run(context.Background(), "echo through", nil); err != nil || out.Stdout != "through\n" {
		t.Errorf("%+v, %v", out, err)
	}
	target.Proxy = "http://ana:wrong@" + p
	_, err = Dial(context.Background(), target)
	wantProblem(t, err, codeProxy)
	target.Proxy, target.Host = "http://ana:open-sesame@"+p, "elsewhere.example"
	_, err = Dial(context.Background(), target)
	wantProblem(t, err, codeProxy)
}

func TestTunnel(t *testing.T) {
	s := startSSHD(t)
	h := s.dial(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	client := http.Client{Transport: &http.Transport{DialContext: h.DialTCP}}
	resp, err := client.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "hello" {
		t.Errorf("got %q", body)
	}
	_, err = h.DialTCP(context.Background(), "tcp", "127.0.0.1:"+strconv.Itoa(freePort(t)))
	wantProblem(t, err, codeForwarding)
	closed := startSSHD(t, "AllowTcpForwarding no").dial(t)
	_, err = closed.DialTCP(context.Background(), "tcp", l.Addr().String())
	wantProblem(t, err, codeForwarding)
}

func wantProblem(t *testing.T, err error, code string) {
	t.Helper()
	var p *workflows.Problem
	if !errors.As(err, &p) {
		t.Fatalf("got %v (%T), want the problem %s", err, err, code)
	}
	if p.Code != code || p.What == "" || p.Fix == "" {
		t.Errorf("got %+v, want code %s with words", p, code)
	}
}

// listenSilently accepts and says nothing.
func listenSilently(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// startProxy is a CONNECT proxy that knows the routes only.
func startProxy(t *testing.T, login string, routes map[string]string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := strings.Cut(login, ":")
		r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
		if u, p, ok := r.BasicAuth(); !ok || u != name || p != password {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		to, ok := routes[r.Host]
		if r.Method != http.MethodConnect || !ok {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		in, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			out.Close()
			return
		}
		io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { io.Copy(out, in); out.Close() }()
		io.Copy(in, out)
		in.Close()
	}))
	return l.Addr().String()
}
