package remote

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The scripts must mean the same in every shell that may be /bin/sh, also
// where setsid or /proc is missing. They run here without SSH.
func TestScriptsInShells(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"dash", "bash --posix"} {
		for setsid, path := range map[string]string{
			"a current setsid": os.Getenv("PATH"), "an old setsid": binWith(t, oldSetsid), "no setsid": binWith(t, ""),
		} {
			t.Run(shell+" with "+setsid, func(t *testing.T) { runScripts(t, strings.Fields(shell), path) })
		}
	}
}

func runScripts(t *testing.T, shell []string, path string) {
	if _, err := exec.LookPath(shell[0]); err != nil {
		t.Fatalf("%v: install the package %s", err, shell[0])
	}
	home := t.TempDir()
	// The runner is started by start.sh with /bin/sh; here it is the shell
	// under test that must run all parts.
	under := func(script string) string {
		return strings.ReplaceAll(script, "/bin/sh -c", strings.Join(shell, " ")+" -c")
	}
	run := func(script, stdin string, args ...string) string {
		t.Helper()
		cmd := exec.Command(shell[0], append(append(shell[1:], "-c", under(compact(script)), "test"), args...)...)
		cmd.Env = []string{"HOME=" + home, "PATH=" + path}
		cmd.Stdin = strings.NewReader(stdin)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil || stderr.Len() > 0 {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		return string(out)
	}
	state := func(id, want string) {
		t.Helper()
		var got string
		eventually(t, 20*time.Second, id+" is "+want, func() bool {
			got = run(jobLib+lookScript, "", id)
			return strings.HasPrefix(got, want)
		})
	}
	start := func(id, nonce, command, want string) {
		t.Helper()
		size := len(command)
		if got := run(startScript, command, id, nonce, strconv.Itoa(size), compact(jobLib+runnerScript)); got != want+"\n" {
			t.Fatalf("start said %q, want %q", got, want)
		}
	}
	start("a", "n1", "echo one; echo two; exit 4\n", "started")
	start("a", "n2", "echo three\n", "before")
	state("a", "exited 4 8")
	if got, want := run(jobLib+followScript, "", "a", "4", "100", "5"), "exited 4 8 4\ntwo\n"; got != want {
		t.Errorf("follow said %q, want %q", got, want)
	}
	if got, want := run(jobLib+followScript, "", "a", "0", "3", "5"), "exited 4 8 3\noneexited 4 8 3\n\ntwexited 4 8 2\no\n"; got != want {
		t.Errorf("follow in small frames said %q, want %q", got, want)
	}
	if got := run(readScript, "", "a", "2", "3"); got != "e\nt" {
		t.Errorf("read said %q", got)
	}
	start("b", "n3", "exec sleep 300\n", "started")
	state("b", "running 0 0")
	if got := run(jobLib+signalScript, "", "b", "KILL", "n5"); got != "running\n" {
		t.Errorf("signal said %q", got)
	}
	state("b", "exited 137")
	if got := run(jobLib+signalScript, "", "c", "TERM", "n6"); got != "absent\n" {
		t.Errorf("signal to no job said %q", got)
	}
	start("c", "n7", "echo late\n", "before")
	state("c", "lost 0 0")

	// The moment between the runner's trap and the command's exec, held open.
	held := strings.Replace(runnerScript, "HUBWRIGHT_JOB=", "until [ -e go ]; do sleep 0.02; done\nHUBWRIGHT_JOB=", 1)
	if held == runnerScript {
		t.Fatal("the runner has no such place")
	}
	const command = "exec sleep 300\n"
	run(startScript, command, "d", "n8", strconv.Itoa(len(command)), compact(jobLib+held))
	if got := run(jobLib+signalScript, "", "d", "TERM", "n9"); got != "running\n" {
		t.Errorf("signal said %q", got)
	}
	writeFile(t, filepath.Join(home, ".hubwright", "jobs", "d", "go"), nil)
	state("d", "exited 143")
	run(uploadScript, "data", "x y/z", "0600", "4", "n4")
	if got := run(downloadScript, "", "~/x y/z", "10"); got != "4\ndata" {
		t.Errorf("download said %q", got)
	}
}

// oldSetsid is setsid before it learned to fork.
const oldSetsid = `#!/bin/sh
case $1 in -*) echo "setsid: invalid option" >&2; exit 1 ;; esac
exec /usr/bin/setsid "$@"
`

// binWith is a PATH that has all commands, with setsid replaced or, when it is
// "", missing.
func binWith(t *testing.T, setsid string) string {
	t.Helper()
	dir := t.TempDir()
	for _, bin := range []string{"/usr/bin", "/bin"} {
		entries, err := os.ReadDir(bin)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != "setsid" {
				os.Symlink(filepath.Join(bin, e.Name()), filepath.Join(dir, e.Name()))
			}
		}
	}
	if setsid != "" {
		if err := os.WriteFile(filepath.Join(dir, "setsid"), []byte(setsid), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
