package controlplane

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestKillLeftovers has an earlier sandbox's process to find, and another process that has only its number.
func TestKillLeftovers(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	start := func() *exec.Cmd {
		cmd := exec.Command("sleep", "60")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		return cmd
	}
	left, stranger, young := start(), start(), start()
	pid := func(name string) string { return filepath.Join(dir, "run", name+".pid") }
	// The part's name is the process's first argument, here "60".
	for name, cmd := range map[string]*exec.Cmd{"60": left, "etcd": stranger} {
		if err := writePID(pid(name), cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
	}
	if (pidFile{PID: young.Process.Pid, Born: "1"}).running("60") {
		t.Error("a process of another time counts as the one that was started")
	}
	if !(pidFile{PID: young.Process.Pid, Born: bornAt(young.Process.Pid)}).running("60") {
		t.Error("a running process does not count as running")
	}
	if err := os.WriteFile(pid("torn"), []byte(`{"PID":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := killLeftovers(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if bornAt(left.Process.Pid) != "" {
		t.Error("the leftover still runs")
	}
	if bornAt(stranger.Process.Pid) == "" {
		t.Error("a process that is no part of a control plane was killed")
	}
	if files, _ := filepath.Glob(pid("*")); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}
