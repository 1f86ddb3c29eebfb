package kube_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hubwright/internal/kube"
	"hubwright/internal/sandbox/clustertest"
	"hubwright/workflows"
)

// shared is the one cluster of all tests, started by the first that needs it.
var shared struct {
	sync.Once
	dir     string
	cluster *clustertest.Cluster
	err     error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.cluster != nil {
		shared.cluster.Close()
	}
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

func real(t *testing.T) *clustertest.Cluster {
	t.Helper()
	shared.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "kube"); shared.err == nil {
			shared.cluster, shared.err = clustertest.Start(context.Background(), shared.dir, func(line string) { fmt.Fprintln(os.Stderr, line) })
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// opened is the shared cluster through its public name.
func opened(t *testing.T) *kube.Cluster {
	t.Helper()
	c := real(t)
	return open(t, c.Kubeconfig(), kube.Way{Dial: c.Dial})
}

func open(t *testing.T, kubeconfig []byte, way kube.Way) *kube.Cluster {
	t.Helper()
	k, err := kube.Open(kubeconfig, way)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// kubectl is what the real one prints.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	c := real(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, c.KubeconfigForKubectl(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(c.Binary(), append([]string{"kubectl"}, args...)...)
	cmd.Env = []string{"HOME=" + dir, "KUBECONFIG=" + file, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func asProblem(t *testing.T, err error) *workflows.Problem {
	t.Helper()
	var p *workflows.Problem
	if !errors.As(err, &p) {
		t.Fatalf("error %v is no Problem", err)
	}
	if p.What == "" || p.Why == "" || p.Fix == "" {
		t.Errorf("a problem must say what, why and what to do: %+v", p)
	}
	return p
}

func eventually(t *testing.T, what string, is func() string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		wrong := is()
		if wrong == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s", what, wrong)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
