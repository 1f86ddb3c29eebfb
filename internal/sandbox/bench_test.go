package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/standin"
)

// BenchmarkTwoHubs makes a cluster on each Hub at the same time, of 3 nodes, and
// lets both grow to 50, which is a Hub's quota. It reports times and the memory
// (resident, in MB) of the sandbox and of a cluster's processes. This process is
// the sandbox.
func BenchmarkTwoHubs(b *testing.B) {
	if _, err := built(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		twoHubs(b)
	}
}

func twoHubs(b *testing.B) {
	dir, begun := b.TempDir(), time.Now()
	w, err := sandbox.Start(b.Context(), sandbox.Options{
		Dir: dir, ProxyAddr: "127.0.0.1:0", Speed: 1000, Block: 130 + os.Getpid()%60*2,
		ControlPlane: func(context.Context) (string, error) { return built() }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	b.ReportMetric(time.Since(begun).Seconds(), "s/sandbox")
	report := func(nodes int, since time.Time) {
		b.ReportMetric(time.Since(since).Seconds(), fmt.Sprintf("s/to%d", nodes))
		b.ReportMetric(resident(b, os.Getpid()), fmt.Sprintf("MB/sandbox@%d", nodes))
		for part, mb := range clusterMemory(b, dir) {
			b.ReportMetric(mb/2, fmt.Sprintf("MB/%s@%d", part, nodes))
		}
	}
	begun = time.Now()
	engines, clients := make([]*engine, 2), make([]*kubernetes.Clientset, 2)
	for i, s := range w.Seed().Stacks {
		engines[i] = newEngine(b, w, s)
	}
	both(b, func(i int) error {
		config, _, err := engines[i].deploy(engines[i].model(fmt.Sprintf("k11%d", i), 1, 2), "k8s", "out")
		if err == nil {
			clients[i] = kube(b, w, config)
			err = grown(clients[i], 3)
		}
		return err
	})
	report(3, begun)
	begun = time.Now()
	both(b, func(i int) error {
		if err := engines[i].scale(49); err != nil {
			return err
		}
		return grown(clients[i], 50)
	})
	report(50, begun)
}

func both(b *testing.B, do func(i int) error) {
	var errs [2]error
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
}

// scale sets the count of the only pool.
func (e *engine) scale(count int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{standin.Command, "scale", "--azure-env", "AzureStackCloud", "-l", e.stack.Region, "-g", "k8s", "-s", e.stack.SubscriptionID, "--client-id", e.stack.ClientID,
		"-m", filepath.Join(e.dir, "out", "apimodel.json"), "--identity-system", e.stack.IdentitySystem, "--client-secret", e.stack.ClientSecret, "-c", strconv.Itoa(count)}
	cmd := exec.CommandContext(e.t.Context(), self, args...)
	cmd.Dir, cmd.Env = e.dir, e.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// grown waits until so many nodes are Ready.
func grown(c *kubernetes.Clientset, nodes int) error {
	deadline := time.Now().Add(5 * time.Minute)
	for len(ready(c)) != nodes {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d nodes are Ready, not %d", len(ready(c)), nodes)
		}
		<-time.After(50 * time.Millisecond)
	}
	return nil
}

// clusterMemory adds up the memory of the processes of all clusters: by part,
// and as "cluster".
func clusterMemory(b *testing.B, dir string) map[string]float64 {
	files, err := filepath.Glob(filepath.Join(dir, "clusters", "*", "run", "*.pid"))
	if err != nil || len(files) == 0 {
		b.Fatalf("no processes of clusters: %v", err)
	}
	out := map[string]float64{}
	for _, file := range files {
		var p struct{ PID int }
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &p)
		}
		if err != nil {
			b.Fatal(err)
		}
		mb := resident(b, p.PID)
		out[strings.TrimSuffix(filepath.Base(file), ".pid")] += mb
		out["cluster"] += mb
	}
	return out
}

// resident is the memory of a process that is in RAM, in MB. Pages that
// processes share count in each.
func resident(b *testing.B, pid int) float64 {
	if pid == os.Getpid() {
		runtime.GC()
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kb, _ := strconv.Atoi(fields[1])
			return float64(kb) / 1000
		}
	}
	b.Fatalf("no VmRSS of process %d", pid)
	return 0
}
