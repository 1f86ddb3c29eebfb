package cluster_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	w "hubwright/workflows"
)

func TestNodesThatNeverGetReady(t *testing.T) {
	b := newBed(t)
	b.host.engine = b.goodEngine
	x := b.start(nil)
	b.must(x, "prepare", "deploy", "custody")
	b.kube.nodes = func(int) ([]w.Node, error) {
		nodes := b.kube.all(true)
		nodes[4].Ready = false
		return nodes, nil
	}
	wantProblem(t, x.Run(context.Background(), "nodes", b.log), "cluster.notready", b.hub.vms[4].Name)
	b.kube.nodes = func(int) ([]w.Node, error) { return nil, errors.New("dial tcp: connection refused") }
	wantProblem(t, x.Run(context.Background(), "nodes", b.log), "net.refused", "API server does not answer")
}

func TestVerifyComparesTheWorld(t *testing.T) {
	tests := []struct {
		name   string
		change func(*bed)
		says   string
	}{
		{"VM gone", func(b *bed) { b.hub.vms = b.hub.vms[1:] }, "is missing"},
		{"VM too many", func(b *bed) {
			extra := b.hub.vms[5]
			extra.Name = strings.TrimSuffix(extra.Name, "2") + "7"
			b.hub.vms = append(b.hub.vms, extra)
		}, "should not be there"},
		{"other version's tag", func(b *bed) { b.hub.vms[2].Tags["orchestrator"] = "Kubernetes:1.32.9" }, `orchestrator="Kubernetes:1.32.9"`},
		{"no suffix tag", func(b *bed) { delete(b.hub.vms[2].Tags, "resourceNameSuffix") }, "resourceNameSuffix"},
		{"failed VM", func(b *bed) { b.hub.vms[2].ProvisioningState = "Failed" }, "in the state Failed"},
		{"node of another version", func(b *bed) {
			b.kube.nodes = func(int) ([]w.Node, error) {
				nodes := b.kube.all(true)
				nodes[0].Version = "v1.34.4"
				return nodes, nil
			}
		}, "has Kubernetes v1.34.4"},
		{"node too many", func(b *bed) {
			b.kube.nodes = func(int) ([]w.Node, error) { return append(b.kube.all(true), w.Node{Name: "stranger"}), nil }
		}, "stranger should not be there"},
		{"node not Ready", func(b *bed) { b.kube.nodes = func(int) ([]w.Node, error) { return b.kube.all(false), nil } }, "is not Ready"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			b.host.engine = b.goodEngine
			x := b.start(nil)
			b.must(x, "prepare", "deploy", "custody", "nodes")
			tt.change(b)
			wantProblem(t, x.Run(context.Background(), "verify", b.log), "cluster.drift", tt.says)
		})
	}
}

func TestDeployTrustsTheWorldNotTheExitCode(t *testing.T) {
	b := newBed(t)
	b.host.engine = func(j *job) []func() {
		turns := b.goodEngine(j)
		return append(turns[:4], func() {
			b.hub.mu.Lock()
			b.hub.vms = b.hub.vms[:5]
			b.hub.mu.Unlock()
			b.host.end(j, 0)
		})
	}
	x := b.start(nil)
	b.must(x, "prepare")
	wantProblem(t, x.Run(context.Background(), "deploy", b.log), "cluster.vms", "linuxpool", "retry")
}
