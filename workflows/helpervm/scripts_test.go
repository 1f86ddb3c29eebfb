package helpervm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// sh runs a script as a helper VM would, with sudo as given ("" refuses).
func sh(t *testing.T, home, script, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", script, "test"}, args...)...)
	cmd.Dir, cmd.Stdin = home, strings.NewReader(stdin)
	cmd.Env = []string{"HOME=" + home, "PATH=" + filepath.Join(home, "bin") + ":/usr/bin:/bin", "SSL_CERT_FILE=" + filepath.Join(home, "own.pem")}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// home is a home folder in which sudo asks for a password, so that a test
// never changes the machine that it runs on.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bin", "sudo"), "#!/bin/sh\nexit 1\n", 0o755)
	write(t, filepath.Join(dir, "own.pem"), "OWN\n", 0o644)
	return dir
}

func write(t *testing.T, path, body string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFactsScript(t *testing.T) {
	dir := home(t)
	out, _, code := sh(t, dir, factsScript, "")
	f := readFacts(out)
	if code != 0 || f.kernel != "Linux" || f.machine == "" || f.home != dir || f.freeKiB == 0 || f.os == "" || f.sudo {
		t.Errorf("exit %d: %+v", code, f)
	}
}

func TestCAScript(t *testing.T) {
	dir := home(t)
	bundle := filepath.Join(dir, bundlePath)
	for n, want := range []string{"system=none\nbundle=changed\n", "system=none\nbundle=same\n"} {
		out, stderr, code := sh(t, dir, caScript, "HUB\n", "hubwright-seattle")
		if out != want || code != 0 {
			t.Errorf("run %d: exit %d %q %s", n+1, code, out, stderr)
		}
	}
	if got := read(t, bundle); got != "OWN\n\nHUB\n" {
		t.Errorf("bundle %q", got)
	}
	if out, _, _ := sh(t, dir, caScript, "NEWHUB\n", "hubwright-seattle"); !strings.Contains(out, "bundle=changed") || !strings.Contains(read(t, bundle), "NEWHUB") {
		t.Errorf("a new root was not taken: %q", out)
	}
	if out, _, code := sh(t, dir, caScript, "", "hubwright-seattle"); code != 0 || strings.Contains(read(t, bundle), "HUB") {
		t.Errorf("without a root: exit %d %q", code, out)
	}
}

// Where sudo works each certificate becomes a file of its own. The sudo of
// the test only writes down what it was asked.
func TestCAScriptWithSudo(t *testing.T) {
	if _, err := os.Stat("/usr/local/share/ca-certificates"); err != nil {
		t.Fatalf("this system has no folder for further roots: %v", err)
	}
	dir := home(t)
	write(t, filepath.Join(dir, "bin", "sudo"), "#!/bin/sh\necho \"$@\" >>\"$HOME/asked\"\n", 0o755)
	write(t, filepath.Join(dir, "bin", "update-ca-certificates"), "#!/bin/sh\n", 0o755)
	cert := func(s string) string {
		return "-----BEGIN CERTIFICATE-----\n" + s + "\n-----END CERTIFICATE-----\n"
	}
	out, stderr, code := sh(t, dir, caScript, "# root\n"+cert("A")+"# other\n"+cert("B"), "hubwright-test")
	if code != 0 || out != "system=changed\nbundle=changed\n" {
		t.Fatalf("exit %d %q %s", code, out, stderr)
	}
	asked := read(t, filepath.Join(dir, "asked"))
	for _, want := range []string{"cp " + dir + "/.hubwright/hub-ca/hubwright-test-1.crt /usr/local/share/ca-certificates/hubwright-test-1.crt", "hubwright-test-2.crt", "update-ca-certificates"} {
		if !strings.Contains(asked, want) {
			t.Errorf("no %q in\n%s", want, asked)
		}
	}
	if got := read(t, filepath.Join(dir, ".hubwright/hub-ca/hubwright-test-2.crt")); got != cert("B") {
		t.Errorf("second certificate %q", got)
	}
}

func archive(t *testing.T, member string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	tw := tar.NewWriter(z)
	body := "#!/bin/sh\necho 'Version: v0.85.0'\n"
	for name, text := range map[string]string{member: body, "other/README.md": "x"} {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(tw, text)
	}
	tw.Close()
	z.Close()
	return b.String()
}

// The release has one folder at its top; hand-made archives have none, or
// begin with a dot. The program always ends in the same place.
func TestUnpackScript(t *testing.T) {
	for _, member := range []string{
		"aks-engine-azurestack-v0.85.0-linux-amd64/aks-engine-azurestack", "aks-engine-azurestack", "./aks-engine-azurestack", "a/b/c/aks-engine-azurestack",
	} {
		t.Run(strings.ReplaceAll(member, "/", "|"), func(t *testing.T) {
			dir := home(t)
			file, folder := filepath.Join(dir, "it's an archive.tar.gz"), filepath.Join(dir, "engine", "v0.85.0")
			write(t, file, archive(t, member), 0o644)
			for range 2 {
				out, stderr, code := sh(t, dir, unpackScript, "", file, folder)
				if code != 0 {
					t.Fatalf("exit %d %s %s", code, out, stderr)
				}
			}
			out, _, code := sh(t, dir, `"$1" version`, "", filepath.Join(folder, "aks-engine-azurestack"))
			if code != 0 || out != "Version: v0.85.0\n" {
				t.Errorf("exit %d %q", code, out)
			}
			if entries, err := os.ReadDir(filepath.Dir(folder)); err != nil || len(entries) != 1 {
				t.Errorf("left behind: %v %v", entries, err)
			}
		})
	}
	for name, body := range map[string]string{"not in it": archive(t, "x/aks-engine"), "no archive": "hello", "cut off": archive(t, "aks-engine-azurestack")[:60]} {
		dir := home(t)
		file := filepath.Join(dir, "a.tar.gz")
		write(t, file, body, 0o644)
		if _, stderr, code := sh(t, dir, unpackScript, "", file, filepath.Join(dir, "e")); code == 0 || stderr == "" {
			t.Errorf("%s: exit %d %q", name, code, stderr)
		}
	}
}

func TestDownloadScript(t *testing.T) {
	body := strings.Repeat("0123456789", 100_000)
	var hits, cuts atomic.Int32
	var ranges atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/missing") {
			hits.Add(1)
			http.NotFound(rw, r)
			return
		}
		if r.Method == http.MethodGet && cuts.Add(-1) >= 0 {
			// Half of it, and the connection breaks.
			rw.Header().Set("Content-Length", fmt.Sprint(len(body)))
			fmt.Fprint(rw, body[:len(body)/2])
			panic(http.ErrAbortHandler)
		}
		if r.Method == http.MethodGet {
			ranges.Store(r.Header.Get("Range"))
		}
		http.ServeContent(rw, r, "a.tar.gz", time.Time{}, strings.NewReader(body))
	}))
	defer srv.Close()

	t.Run("whole", func(t *testing.T) {
		dir := home(t)
		to := filepath.Join(dir, "down", "a.tar.gz")
		out, stderr, code := sh(t, dir, downloadScript, "", srv.URL+"/a.tar.gz", to)
		if code != 0 || read(t, to) != body || !strings.Contains(out, "downloaded 1000000 bytes") {
			t.Errorf("exit %d %q %q", code, out, stderr)
		}
		if !percentLine.MatchString("downloaded 50 % of 60 MiB") {
			t.Error("the progress line is not read")
		}
	})
	t.Run("goes on", func(t *testing.T) {
		cuts.Store(1)
		dir := home(t)
		to := filepath.Join(dir, "a.tar.gz")
		out, stderr, code := sh(t, dir, downloadScript, "", srv.URL+"/a.tar.gz", to)
		if code != 0 || read(t, to) != body {
			t.Errorf("exit %d %q %q", code, out, stderr)
		}
		if !strings.Contains(stderr, "trying again from byte") || ranges.Load() != fmt.Sprintf("bytes=%d-", len(body)/2) {
			t.Errorf("range %v, %q", ranges.Load(), stderr)
		}
	})
	t.Run("was whole already", func(t *testing.T) {
		dir := home(t)
		to := filepath.Join(dir, "a.tar.gz")
		write(t, to+".part", body, 0o644)
		ranges.Store("none")
		if _, stderr, code := sh(t, dir, downloadScript, "", srv.URL+"/a.tar.gz", to); code != 0 || read(t, to) != body || ranges.Load() != "none" {
			t.Errorf("exit %d %q, asked for %v", code, stderr, ranges.Load())
		}
	})
	t.Run("not there", func(t *testing.T) {
		dir := home(t)
		hits.Store(0)
		_, stderr, code := sh(t, dir, downloadScript, "", srv.URL+"/missing.tar.gz", filepath.Join(dir, "a"))
		if code != 22 || hits.Load() > 2 || !strings.Contains(stderr, "404") {
			t.Errorf("exit %d after %d requests: %q", code, hits.Load(), stderr)
		}
	})
}
