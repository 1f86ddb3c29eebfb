package dossier

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/audit"
	"hubwright/web/gallery"
	"hubwright/workflows"
)

// signing is the key of an installation.
func signing(t testing.TB, secret string) ed25519.PrivateKey {
	t.Helper()
	key, err := audit.SigningKey([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// source is a run with that many lines, which are made when they are asked for.
func source(lines int64) Source {
	s := Source{Page: gallery.Dossier()}
	s.Page.Run.Lines = lines
	s.Lines = func(_ context.Context, after int64, limit int) ([]workflows.LogLine, error) {
		var out []workflows.LogLine
		for n := after + 1; n <= lines && len(out) < limit; n++ {
			out = append(out, workflows.LogLine{N: n, At: time.Unix(n, 0), StepID: "deploy", Attempt: 1, Level: workflows.LevelOutput, Text: fmt.Sprintf("line %d of *** <b> & \x1b[36mINFO\x1b[0m", n)})
		}
		return out, nil
	}
	return s
}

// unpacked is an archive in a folder.
func unpacked(t *testing.T, s Source) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(t.Context(), &b, s, signing(t, "installation")); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, r); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, s.Folder())
}

// verify does what the archive's README says, with the programs it names.
func verify(t *testing.T, dir string) error {
	t.Helper()
	said := read(t, dir, "README.txt")
	docs := read(t, "../..", "docs/dossier.md")
	var all error
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "openssl pkeyutl") && !strings.HasPrefix(line, "sha256sum") {
			continue
		}
		if !strings.Contains(docs, "    "+line+"\n") {
			t.Errorf("docs/dossier.md does not show %s", line)
		}
		words := strings.Fields(line)
		cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w: %s", line, err, out))
		} else if words[0] == "openssl" && !strings.Contains(string(out), "Signature Verified Successfully") {
			t.Errorf("%s: %s", line, out)
		}
	}
	if !strings.Contains(said, "openssl pkeyutl -verify") || !strings.Contains(said, "sha256sum --check") {
		t.Fatal("the README does not tell how to verify")
	}
	return all
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestArchiveIsWholeAndVerifies(t *testing.T) {
	s := source(5000)
	s.Page.Run.Plan.Documents = []workflows.Document{{Name: "api model/../x.json", Body: `{"plan": true}`}}
	s.Files = []File{{Name: "node-logs.zip", Body: io.NopCloser(strings.NewReader("kept with the run"))}}
	dir := unpacked(t, s)
	if err := verify(t, dir); err != nil {
		t.Fatal(err)
	}
	var names []string
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	want := []string{"README.txt", "apimodel-before.json", "audit.jsonl", "dossier.html", "files/node-logs.zip", "log.txt", "manifest", "manifest.sig", "plan/1-api-model-..-x.json", "pub.pem", "run.json", "timeline.svg"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	manifest := read(t, dir, Manifest)
	for _, n := range names {
		if n != Manifest && n != Signature && !strings.Contains(manifest, "  "+n+"\n") {
			t.Errorf("%s is not in the manifest", n)
		}
	}
	log := strings.Split(strings.TrimSpace(read(t, dir, "log.txt")), "\n")
	if len(log) != 5000 || log[4999] != "5000\t1970-01-01T01:23:20.000Z\t1\tdeploy\toutput\tline 5000 of *** <b> & \x1b[36mINFO\x1b[0m" {
		t.Errorf("%d lines, the last %q", len(log), log[len(log)-1])
	}
	var run struct {
		Run    workflows.Run
		Steps  []workflows.StepRun
		Models []struct{ When, Kubernetes string }
		Tools  map[string]string
	}
	if err := json.Unmarshal([]byte(read(t, dir, "run.json")), &run); err != nil {
		t.Fatal(err)
	}
	if run.Run.Number != 42 || len(run.Steps) != len(s.Page.Steps) || len(run.Models) != 2 || run.Tools["Hubwright"] != "v0.1.0" {
		t.Errorf("run.json holds %+v", run)
	}
	page := read(t, dir, "dossier.html")
	for _, part := range []string{"ticket 4711", "Waived by ben", "The quota of cores on Orlando is used up.", "Run retried", "attempt 2", "1.33.10", "stopped while", "<svg", `href="log.txt"`} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	if kept := read(t, dir, "files/node-logs.zip"); kept != "kept with the run" {
		t.Errorf("the kept file holds %q", kept)
	}
	if n := strings.Count(read(t, dir, "audit.jsonl"), "\n"); n != len(s.Page.Events) {
		t.Errorf("%d events", n)
	}
}

// Whoever changes, adds or takes away something is found by the two commands.
func TestTamperingIsFound(t *testing.T) {
	change := func(name, from, to string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			old := read(t, dir, name)
			changed := strings.Replace(old, from, to, 1)
			if changed == old {
				t.Fatalf("%s does not hold %q", name, from)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tamper := range map[string]func(*testing.T, string){
		"a word of the page":         change("dossier.html", "ticket 4711", "ticket 4712"),
		"a line of the log":          change("log.txt", "line 7 ", "line 8 "),
		"an event":                   change("audit.jsonl", `"actor":"ben"`, `"actor":"eve"`),
		"who is in the run's record": change("run.json", `"ana"`, `"eve"`),
		"a hash":                     change(Manifest, "  log.txt", "  log.tx"),
		"a file taken away":          func(t *testing.T, dir string) { mustDo(t, os.Remove(filepath.Join(dir, "audit.jsonl"))) },
		"the signature": func(t *testing.T, dir string) {
			sig := []byte(read(t, dir, Signature))
			sig[10] ^= 1
			mustDo(t, os.WriteFile(filepath.Join(dir, Signature), sig, 0o600))
		},
		"another installation's key": func(t *testing.T, dir string) {
			pub, err := publicPEM(signing(t, "another"))
			mustDo(t, err)
			mustDo(t, os.WriteFile(filepath.Join(dir, PublicKey), []byte(pub), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := unpacked(t, source(20))
			if err := verify(t, dir); err != nil {
				t.Fatal(err)
			}
			tamper(t, dir)
			if err := verify(t, dir); err == nil {
				t.Error("nobody noticed")
			}
		})
	}
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The README names the key that the server prints when it starts, and the
// command that shows it gives the same.
func TestPublicKeyIsTheInstallations(t *testing.T) {
	dir := unpacked(t, source(1))
	want := keyText(signing(t, "installation").Public().(ed25519.PublicKey))
	if !strings.Contains(read(t, dir, "README.txt"), want) {
		t.Error("the README does not name the key")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "openssl pkey -pubin -in pub.pem -outform DER | tail -c 32 | base64")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("the command gives %q, %v; want %s", out, err, want)
	}
	if block, _ := pem.Decode([]byte(read(t, dir, PublicKey))); block == nil || block.Type != "PUBLIC KEY" {
		t.Error("pub.pem holds no public key")
	}
}

// A log of a hundred thousand lines goes through, not into memory.
func TestLongLogsAreStreamed(t *testing.T) {
	const lines = 100_000
	s := source(lines)
	inner, most := s.Lines, 0
	var peak uint64
	s.Lines = func(ctx context.Context, after int64, limit int) ([]workflows.LogLine, error) {
		most = max(most, limit)
		if after%20_000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
		return inner(ctx, after, limit)
	}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var size counter
	if err := Write(t.Context(), &size, s, signing(t, "installation")); err != nil {
		t.Fatal(err)
	}
	if grown := int64(peak) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if most > logBatch || size < 100_000 {
		t.Errorf("%d lines at a time, %d bytes written", most, size)
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// An archive that could not be finished has no end: nothing unpacks it.
func TestFailureLeavesNoArchive(t *testing.T) {
	short := source(10)
	short.Page.Run.Lines = 20
	broken := source(10)
	broken.Lines = func(context.Context, int64, int) ([]workflows.LogLine, error) { return nil, io.ErrUnexpectedEOF }
	for name, s := range map[string]Source{"short": short, "broken": broken} {
		var b bytes.Buffer
		if err := Write(t.Context(), &b, s, signing(t, "installation")); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len())); err == nil {
			t.Errorf("%s: there is an archive", name)
		}
	}
}
