package kube_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/kube"
	"hubwright/internal/sandbox/clustertest"
	"hubwright/workflows"
)

const (
	master = "k8s-master-" + clustertest.Suffix + "-0"
	agent0 = "k8s-linuxpool-" + clustertest.Suffix + "-0"
	agent1 = "k8s-linuxpool-" + clustertest.Suffix + "-1"
)

// TestNodes compares with kubectl while all is well, with a cordoned node and
// with one whose machine is off.
func TestNodes(t *testing.T) {
	k := opened(t)
	as := func(t *testing.T, count int, status string) {
		t.Helper()
		eventually(t, "our table and kubectl's", func() string {
			want := kubectl(t, "get", "nodes")
			nodes, err := k.Nodes(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := kube.NodesTable(nodes, time.Now())
			if n := strings.Count(got, " "+status+" "); n != count {
				return fmt.Sprintf("%d nodes are %s, not %d", n, status, count)
			}
			// kubectl leaves spaces at the ends of lines.
			return cmp.Diff(trimmed(want), trimmed(got)) // the age may be a second older
		})
	}
	as(t, 3, "Ready")
	kubectl(t, "cordon", agent0)
	as(t, 1, "Ready,SchedulingDisabled")
	kubectl(t, "uncordon", agent0)
	if err := real(t).SetPower(t.Context(), agent1, false); err != nil {
		t.Fatal(err)
	}
	as(t, 1, "NotReady")
	if err := real(t).SetPower(t.Context(), agent1, true); err != nil {
		t.Fatal(err)
	}
	as(t, 3, "Ready")
}

func trimmed(table string) []string {
	var out []string
	for line := range strings.Lines(table) {
		out = append(out, strings.TrimRight(line, " \n"))
	}
	return out
}

func TestNodeFacts(t *testing.T) {
	nodes, err := opened(t).Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []workflows.Node{
		{Name: agent0, Pool: "linuxpool", Roles: "agent", InternalIP: "10.240.0.4"},
		{Name: agent1, Pool: "linuxpool", Roles: "agent", InternalIP: "10.240.0.5"},
		{Name: master, Roles: "master", InternalIP: "10.240.255.5"},
	}
	for i := range want {
		w := &want[i]
		w.Ready, w.Status, w.Version = true, "Ready", "v"+clustertest.Version
		w.OSImage, w.Kernel, w.ContainerRuntime = "Ubuntu 22.04.5 LTS", "5.15.0-1084-azure", "containerd://1.6.36"
		if i < len(nodes) {
			w.CreatedAt = nodes[i].CreatedAt
			if age := time.Since(w.CreatedAt); age < 0 || age > time.Hour {
				t.Errorf("%s was made %s ago", w.Name, age)
			}
		}
	}
	if diff := cmp.Diff(want, nodes); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}

func TestNodesTableWithoutNodes(t *testing.T) {
	if got := kube.NodesTable(nil, time.Now()); strings.TrimRight(got, " ") != "NAME   STATUS   ROLES   AGE   VERSION" {
		t.Errorf("%q", got)
	}
}

func TestClusterInfo(t *testing.T) {
	c := real(t)
	k := open(t, c.KubeconfigForKubectl(), kube.Way{})
	got, err := k.ClusterInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kubectl(t, "cluster-info"), got); diff != "" {
		t.Errorf("cluster-info (-kubectl +ours):\n%s", diff)
	}
	if !strings.Contains(got, "CoreDNS is running at "+k.Server()+"/api/v1/namespaces/kube-system/services/kube-dns") {
		t.Errorf("no CoreDNS in %s", got)
	}
}

func TestServerVersion(t *testing.T) {
	got, err := opened(t).ServerVersion(t.Context())
	if err != nil || got != "v"+clustertest.Version {
		t.Errorf("%q, %v", got, err)
	}
}

func TestComponents(t *testing.T) {
	k := opened(t)
	eventually(t, "the components", func() string {
		parts, err := k.Components(t.Context())
		if err != nil {
			return err.Error()
		}
		wrong := ""
		seen := map[string]bool{}
		for _, p := range parts {
			seen[strings.TrimSuffix(p.Name, "-"+master)] = true
			if !p.Healthy {
				wrong += p.Name + ": " + p.Message + "; "
			}
		}
		for _, name := range []string{"kube-apiserver readyz", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-addon-manager"} {
			if !seen[name] {
				wrong += "no " + name + "; "
			}
		}
		return wrong
	})
}

func TestCertificateExpiry(t *testing.T) {
	end, err := opened(t).CertificateExpiry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(end); left > clustertest.Life || left < clustertest.Life-time.Hour {
		t.Errorf("it ends in %s", left)
	}
}
