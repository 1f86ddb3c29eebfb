package pipelines

import (
	"context"
	"fmt"
	"strings"
	"testing"

	w "hubwright/workflows"
)

// live runs the steps as the engine does: the state is stored after each, a
// server that dies begins the step again, and after a cancel nothing more begins.
func (b *bed) live(ctx context.Context, x w.Execution) (w.Execution, error) {
	b.t.Helper()
	for _, step := range b.definition().Info().Steps {
		if !x.Applies(step.ID) {
			continue
		}
		stored := b.state(x)
		err, dead := b.runOnce(ctx, x, step.ID)
		if dead {
			x = b.resume(stored)
			err, _ = b.runOnce(ctx, x, step.ID)
		}
		if x = b.resume(b.state(x)); err != nil || ctx.Err() != nil {
			return x, err
		}
	}
	return x, nil
}

func (b *bed) runOnce(ctx context.Context, x w.Execution, step string) (err error, dead bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case died:
			dead = true
		default:
			panic(r)
		}
	}()
	return x.Run(ctx, step, &b.log), false
}

// one sees exactly one of everything.
func (b *bed) one() {
	b.t.Helper()
	running := 0
	for id, state := range b.jobs {
		if state == "running" && !strings.Contains(id, "download") {
			running++
		}
	}
	if len(b.endpoints) != 1 || len(b.endpoints[0].Projects) != 2 || len(b.agents) != 1 || !b.agents[0].Online || len(b.queues) != 1 || len(b.there) != 1 || running != 1 {
		b.t.Errorf("%+v, %+v, queues %v, accounts %v, jobs %v", b.endpoints, b.agents, b.queues, b.there, b.jobs)
	}
	if own := b.row.AgentHost.VM != nil; own && (len(b.specs) != 1 || len(b.parts) != 5) {
		b.t.Errorf("%d VMs were made, and there is %+v", len(b.specs), b.parts)
	}
	if b.row == nil || b.row.EndpointID != b.endpoints[0].ID || b.row.Agent != "seattle-agent" || b.row.Method != MethodAccount || b.row.ExpiresAt.IsZero() {
		b.t.Errorf("the record is %+v", b.row)
	}
}

// several sees exactly what agents on the cluster are.
func (b *bed) several() {
	b.t.Helper()
	if len(b.endpoints) != 1 || len(b.agents) != 2 || !b.agents[0].Online || !b.agents[1].Online || len(b.queues) != 1 || len(b.there) != 1 || b.pods.spec == nil || len(b.pods.secrets) != 1 {
		b.t.Errorf("%+v, %+v, queues %v, accounts %v, %+v", b.endpoints, b.agents, b.queues, b.there, b.pods)
	}
	if b.row == nil || b.row.Agent != "seattle-agent" || b.row.AgentPods.Replicas != 2 {
		b.t.Errorf("the record is %+v", b.row)
	}
}

// none sees nothing left but the pool that the project may use.
func (b *bed) none() {
	b.t.Helper()
	if len(b.endpoints) != 0 || len(b.agents) != 0 || len(b.there) != 0 || b.pods.spec != nil || len(b.pods.secrets) != 0 || b.row != nil || b.own != 0 || len(b.files) != 0 {
		b.t.Errorf("left: %+v, %+v, accounts %v, record %+v, files %v", b.endpoints, b.agents, b.there, b.row, b.files)
	}
	if len(b.parts) != 0 || len(b.groups) != 0 {
		b.t.Errorf("the Hub has %+v, groups %v", b.parts, b.groups)
	}
	for id, state := range b.jobs {
		if state == "running" {
			b.t.Errorf("%s runs", id)
		}
	}
}

// calls is how often a whole run asks the world outside.
func calls(t *testing.T, prepare func(b *bed), a w.Answers) int {
	b := newBed(t)
	prepare(b)
	b.calls = 0
	if _, err := b.live(t.Context(), b.start(a)); err != nil {
		t.Fatal(err)
	}
	if b.calls < 10 {
		t.Fatalf("%d calls: the test proves little", b.calls)
	}
	return b.calls
}

var remove = w.Answers{"task": TaskRemove}

// The server dies at each call of the world outside. After the restart there
// is one of everything, and the removal leaves nothing.
func TestDeathAtEveryCall(t *testing.T) {
	for name, c := range map[string]struct {
		a       w.Answers
		systemd bool
		whole   func(b *bed)
	}{"service": {answers, true, func(*bed) {}}, "own VM": {ownVM, false, (*bed).one}, "pods": {onCluster(), false, (*bed).several}} {
		prepare := func(b *bed) { b.systemd = c.systemd }
		for n := range calls(t, prepare, c.a) {
			t.Run(fmt.Sprint("set-up ", n+1, name), func(t *testing.T) {
				b := newBed(t)
				prepare(b)
				b.dieAt = n + 1
				if _, err := b.live(t.Context(), b.start(c.a)); err != nil {
					t.Fatal(err)
				}
				c.whole(b)
				b.done(remove)
				b.none()
			})
		}
	}
	for name, a := range map[string]w.Answers{"helper VM": answers, "own VM": ownVM, "pods": onCluster()} {
		setUp := func(b *bed) { b.done(a) }
		for n := range calls(t, setUp, remove) {
			t.Run(fmt.Sprint("remove ", n+1, name), func(t *testing.T) {
				b := newBed(t)
				setUp(b)
				b.dieAt = b.calls + n + 1
				if _, err := b.live(t.Context(), b.start(remove)); err != nil {
					t.Fatal(err)
				}
				b.none()
			})
		}
	}
}

// The run is cancelled at each call, also when the server died before. It says
// what is left, and what it offers takes that away.
func TestCancelAtEveryCall(t *testing.T) {
	for _, c := range []struct {
		a    w.Answers
		dies bool
	}{{answers, false}, {ownVM, false}, {ownVM, true}, {onCluster(), true}} {
		a, dies := c.a, c.dies
		for n := range calls(t, func(*bed) {}, a) {
			t.Run(fmt.Sprint(n+1, a["where"], dies), func(t *testing.T) {
				b := newBed(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if dies {
					b.dieAt = n + 1
				}
				b.hear = func() {
					if b.calls == n+1 || dies && b.calls > n+1 {
						cancel()
					}
				}
				x, _ := b.live(ctx, b.start(a))
				left := x.Left()
				b.says(left)
				b.hear, b.dieAt = nil, 0
				if left.Undo != nil {
					b.done(left.Undo.Answers)
				}
				b.none()
			})
		}
	}
}

// says compares what a run says that it left with what there is.
func (b *bed) says(left w.Left) {
	b.t.Helper()
	there := map[string]bool{"Service connection": len(b.endpoints) > 0, "Service account": len(b.there) > 0, "Agent": len(b.agents) > 0, "Agent pool": len(b.queues) > 0, "VM": len(b.parts) > 0}
	told := map[string]bool{}
	for _, thing := range left.Items {
		told[thing.Label] = true
		if !there[thing.Label] && !strings.Contains(thing.Value, ", if ") && !strings.Contains(thing.Value, ", as far as ") {
			b.t.Errorf("it says that it left %+v, and there is none", thing)
		}
	}
	for label, is := range there {
		if is && !told[label] {
			b.t.Errorf("it left a thing, %s, and says %+v", label, left.Items)
		}
	}
}
