package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"hubwright/internal/sandbox/clustertest"
	"hubwright/workflows"
)

// shared is the one real control plane of the package's tests.
var shared struct {
	sync.Once
	cluster *clustertest.Cluster
	dir     string
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

func settings(t *testing.T) *rest.Config {
	t.Helper()
	shared.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "charts"); shared.err == nil {
			shared.cluster, shared.err = clustertest.Start(context.Background(), shared.dir, func(line string) { fmt.Fprintln(os.Stderr, line) })
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig(shared.cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	cfg.Dial, cfg.QPS = shared.cluster.Dial, -1
	return cfg
}

// opened is the shared cluster with waits that fit a test.
func opened(t *testing.T) *Cluster {
	t.Helper()
	c := Open(settings(t))
	c.between, c.stubborn = 100*time.Millisecond, time.Second
	return c
}

func direct(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	c, err := kubernetes.NewForConfig(settings(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// packed is a chart's archive with these files below its folder. Chart.yaml is
// made unless it is given.
func packed(t *testing.T, name, version string, files map[string]string) []byte {
	t.Helper()
	all := map[string]string{"Chart.yaml": "apiVersion: v2\nname: " + name + "\nversion: " + version + "\nappVersion: \"1\"\n"}
	maps.Copy(all, files)
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	tw := tar.NewWriter(gz)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		if err := tw.WriteHeader(&tar.Header{Name: name + "/" + file, Mode: 0o644, Size: int64(len(all[file]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(all[file])); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func chartOf(t *testing.T, files map[string]string) workflows.Chart {
	t.Helper()
	c, err := Read(packed(t, "small", "1.0.0", files), workflows.ChartSource{Kind: workflows.ChartUploaded, Name: "small.tgz"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// lines is a Reporter that keeps what it is told.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (r *told) add(mark, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, mark+" "+fmt.Sprintf(format, args...))
}
func (r *told) Info(f string, a ...any)  { r.add("info", f, a...) }
func (r *told) Warn(f string, a ...any)  { r.add("warn", f, a...) }
func (r *told) Good(f string, a ...any)  { r.add("good", f, a...) }
func (r *told) Progress(p int, d string) { r.add("progress", "%d %s", p, d) }

func (r *told) has(part string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.lines, func(l string) bool { return strings.Contains(l, part) })
}

func (r *told) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// withDisks puts the disk driver on the cluster.
func withDisks(t *testing.T, k *kubernetes.Clientset) {
	t.Helper()
	_, err := k.StorageV1().CSIDrivers().Create(t.Context(), &storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: "disk.csi.azure.com"}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.StorageV1().CSIDrivers().Delete(context.Background(), "disk.csi.azure.com", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

func password(t *testing.T, k *kubernetes.Clientset) string {
	t.Helper()
	s, err := k.CoreV1().Secrets("apps").Get(t.Context(), "ratings-mongodb", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return string(s.Data["password"])
}
