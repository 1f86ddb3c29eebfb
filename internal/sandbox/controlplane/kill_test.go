package controlplane_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hubwright/internal/sandbox/controlplane"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// managerChild runs a cluster until it is killed.
func managerChild() error {
	order, err := readOrder()
	if err != nil {
		return err
	}
	m, err := order.manager()
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := m.Ensure(ctx, order.Spec); err != nil {
		return err
	}
	for _, node := range order.Nodes {
		if err := m.AddNode(ctx, order.Spec.ID, node); err != nil {
			return err
		}
	}
	fmt.Println("READY")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends, if it doesn't kill us before
	return m.Close()
}

// TestKill kills a sandbox the hard way and starts another on the same folder.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	spec := newSpec(t, "killed", "1.35.0", address(1))
	order := childOrder{Dir: dir, Spec: spec, Nodes: []controlplane.Node{master(0, "1.35.0"), agent(0, "1.35.0")}}
	c, err := startChild(t, "manager", order, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !c.until(t, "READY") {
		t.Fatal("the child's cluster did not start")
	}
	if _, err := controlplane.New(controlplane.Options{Dir: dir, Binary: buildBinary}); err == nil {
		t.Error("two Managers share a folder")
	}
	parts := pids(t, dir)
	if len(parts) != 5 {
		t.Errorf("running parts: %v", parts)
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, func() error {
		for name, pid := range parts {
			if alive(pid) {
				return fmt.Errorf("%s (%d) outlives its parent", name, pid)
			}
		}
		return nil
	})

	m := newManager(t, dir, nil)
	ids, err := m.Restore(t.Context())
	if err != nil || len(ids) != 1 || ids[0] != "killed" {
		t.Fatalf("Restore = %v, %v", ids, err)
	}
	nodes, err := client(t, m, spec).CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) != 2 {
		t.Errorf("%d nodes after the kill, %v", len(nodes.Items), err)
	}
	if err := m.AddNode(t.Context(), "killed", agent(1, "1.35.0")); err != nil {
		t.Errorf("a node after the kill: %v", err)
	}
	if err := m.Remove("killed"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "killed")); !os.IsNotExist(err) {
		t.Errorf("a removed cluster's folder: %v", err)
	}
}

// TestPartEnds kills each part of a running cluster, one after the other and
// then all at once: it comes back, and what the cluster holds is kept.
func TestPartEnds(t *testing.T) {
	dir := t.TempDir()
	m := newManager(t, dir, nil)
	spec := newSpec(t, "hurt", "1.33.10", address(2))
	if err := m.Ensure(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	kubernetes := client(t, m, spec)
	note := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}
	if _, err := kubernetes.CoreV1().ConfigMaps("default").Create(t.Context(), note, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	back := func(killed map[string]int) {
		t.Helper()
		eventually(t, time.Minute, func() error {
			now, err := readPIDs(dir)
			if err != nil {
				return err
			}
			for name, pid := range killed {
				if now[name] == pid || !alive(now[name]) {
					return fmt.Errorf("%s does not run again", name)
				}
			}
			_, err = kubernetes.CoreV1().ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{})
			return err
		})
	}
	for _, name := range slices.Sorted(maps.Keys(pids(t, dir))) {
		pid := pids(t, dir)[name]
		kill(t, name, pid)
		back(map[string]int{name: pid})
	}
	all := pids(t, dir)
	for name, pid := range all {
		kill(t, name, pid)
	}
	back(all)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	eventually(t, time.Minute, func() error { return m.AddNode(ctx, "hurt", agent(0, "1.33.10")) })
}

func kill(t *testing.T, name string, pid int) {
	t.Helper()
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatalf("killing %s: %v", name, err)
	}
}

// pids are those of the running parts of all clusters of a folder, by name.
func pids(t *testing.T, dir string) map[string]int {
	t.Helper()
	found, err := readPIDs(dir)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// readPIDs fails while a part that was started again writes its file.
func readPIDs(dir string) (map[string]int, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "run", "*.pid"))
	found := map[string]int{}
	for _, file := range files {
		var content struct{ PID int }
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &content)
		}
		if err != nil {
			return nil, err
		}
		found[strings.TrimSuffix(filepath.Base(file), ".pid")] = content.PID
	}
	return found, err
}

// alive reports that there is such a process and that it is no zombie.
func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(status), "State:\tZ")
}
