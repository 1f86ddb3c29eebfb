package controlplane_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hubwright/internal/sandbox/controlplane"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestCluster takes one cluster through its life: made, used, restarted, upgraded.
func TestCluster(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	m := newManager(t, dir, nil)
	spec := newSpec(t, "one", "1.33.10", address(1))
	if got := m.Endpoint("one"); got != "" {
		t.Errorf("Endpoint before Ensure = %q", got)
	}
	if err := m.AddNode(ctx, "one", master(0, "1.33.10")); !errors.Is(err, controlplane.ErrNotRunning) {
		t.Errorf("AddNode before Ensure: %v", err)
	}
	if err := m.Ensure(ctx, spec); err != nil {
		t.Fatal(err)
	}
	addSix(t, m, "one", "1.33.10")
	api := client(t, m, spec)

	t.Run("version", func(t *testing.T) { checkVersion(t, api, "v1.33.10") })
	t.Run("nodes", func(t *testing.T) { checkNodes(t, api, "v1.33.10") })
	t.Run("anonymous is refused", func(t *testing.T) { checkAnonymous(t, m, spec) })
	t.Run("system", func(t *testing.T) { checkSystem(t, api) })
	t.Run("ensure again changes nothing", func(t *testing.T) {
		began := time.Now()
		if err := m.Ensure(ctx, spec); err != nil || time.Since(began) > time.Second {
			t.Errorf("Ensure = %v after %s", err, time.Since(began))
		}
	})
	t.Run("workload", func(t *testing.T) { checkWorkload(t, m, api) })
	t.Run("load balancer", func(t *testing.T) { checkLoadBalancer(t, api) })
	t.Run("traffic", func(t *testing.T) { checkTraffic(t, m, api) })
	t.Run("gateway", func(t *testing.T) { checkGateway(t, m, api) })
	t.Run("broken", func(t *testing.T) { checkBroken(t, api) })
	t.Run("disk", func(t *testing.T) { checkDisk(t, api) })
	t.Run("logs", func(t *testing.T) { checkLogs(t, m, api) })
	t.Run("power", func(t *testing.T) { checkPower(t, m, api) })
	t.Run("remove node", func(t *testing.T) { checkRemove(t, m, api) })
	t.Run("restart and upgrade", func(t *testing.T) { checkUpgrade(t, m, spec) })
}

func addSix(t *testing.T, m *controlplane.Manager, id, version string) {
	t.Helper()
	began := time.Now()
	for n := range 3 {
		for _, node := range []controlplane.Node{master(n, version), agent(n, version)} {
			if err := m.AddNode(t.Context(), id, node); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("six nodes Ready after %.1f s", time.Since(began).Seconds())
}

// TestSideBySide runs two clusters of one Manager at the same time, with different versions, PKIs and nodes.
func TestSideBySide(t *testing.T) {
	m := newManager(t, t.TempDir(), nil)
	specs := []controlplane.Spec{newSpec(t, "left", "1.34.4", address(2)), newSpec(t, "right", "1.35.0", address(3))}
	errs := make(chan error, len(specs))
	for _, spec := range specs {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			err := m.Ensure(ctx, spec)
			if err == nil {
				err = m.AddNode(ctx, spec.ID, master(0, spec.Version))
			}
			errs <- err
		}()
	}
	for range specs {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if err := m.AddNode(t.Context(), "right", agent(0, "1.35.0")); err != nil {
		t.Fatal(err)
	}
	for i, spec := range specs {
		api := client(t, m, spec)
		checkVersion(t, api, "v"+spec.Version)
		nodes, err := api.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
		if err != nil || len(nodes.Items) != i+1 {
			t.Errorf("%s: %d nodes, %v", spec.ID, len(nodes.Items), err)
		}
	}
	c, err := newClient(m.Endpoint("right"), specs[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{}); err == nil {
		t.Error("one cluster takes the other's certificates")
	}
}
