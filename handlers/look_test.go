package handlers

import (
	"context"
	"testing"
	"time"

	"hubwright/workflows"
)

// asked counts how often a cluster was asked.
type asked struct{ n int }

func (a *asked) Look(context.Context, workflows.Cluster) (ClusterLook, error) {
	a.n++
	return ClusterLook{}, nil
}
func (*asked) Kubeconfig(context.Context, workflows.Cluster) ([]byte, error) { return nil, nil }

// An answer serves all who look within seconds, unless the way to the cluster
// has become another one: rotated certificates make old answers wrong at once.
func TestAnAnswerIsSharedForAWhile(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	a := &asked{}
	s := &Server{Deps: Deps{Clusters: a, Clock: func() time.Time { return now }}}
	cl := workflows.Cluster{ID: "clu_1", Kubeconfig: "sec_1"}
	for _, step := range []struct {
		what string
		do   func()
		want int
	}{
		{"first", func() {}, 1}, {"at once", func() {}, 1}, {"just before the end", func() { now = now.Add(lookFresh - 1) }, 1}, {"later", func() { now = now.Add(1) }, 2},
		{"another kubeconfig", func() { cl.Kubeconfig = "sec_2" }, 3}, {"through the helper VM", func() { cl.ViaHelper = true }, 4}, {"the same again", func() {}, 4},
	} {
		step.do()
		s.lookAt(t.Context(), cl)
		if a.n != step.want {
			t.Errorf("%s: asked %d times, want %d", step.what, a.n, step.want)
		}
	}
}
