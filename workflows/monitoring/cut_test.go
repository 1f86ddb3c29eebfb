package monitoring

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
	return x.Run(ctx, step, b.log), false
}

// ways are the two that install something.
var ways = map[string]func(b *bed) w.Answers{
	"Azure Monitor": func(*bed) w.Answers { return answers(nil) },
	"Prometheus": func(b *bed) w.Answers {
		b.chart.Name, b.chart.Values = stackChart, stackValues
		return w.Answers{"method": MethodPrometheus}
	},
}

// each is run with a fresh bed for every call of a whole run.
func each(t *testing.T, test func(b *bed, a w.Answers, call int)) {
	for name, way := range ways {
		b := newBed(t)
		if _, err := b.live(t.Context(), b.start(way(b))); err != nil || b.calls < 5 {
			t.Fatalf("%d calls, %v", b.calls, err)
		}
		for n := range b.calls {
			t.Run(fmt.Sprint(name, " ", n+1), func(t *testing.T) {
				b := newBed(t)
				test(b, way(b), n+1)
			})
		}
	}
}

// The server dies at each call of the world outside. After the restart there
// is one workspace and one release, and the removal leaves none.
func TestDeathAtEveryCall(t *testing.T) {
	each(t, func(b *bed, a w.Answers, call int) {
		b.dieAt = call
		if _, err := b.live(b.t.Context(), b.start(a)); err != nil {
			b.t.Fatal(err)
		}
		if azure := a["method"] != MethodPrometheus; b.installs != 1 || len(b.releases) != 1 || azure && (b.puts != 1 || len(b.solutions) != 1) {
			b.t.Errorf("%d workspaces, %d installations, %+v", b.puts, b.installs, b.releases)
		}
		b.dieAt = b.calls + 1 + call%3
		if _, err := b.live(b.t.Context(), b.start(w.Answers{"method": MethodRemove})); err != nil || b.installed != nil || len(b.releases) != 0 {
			b.t.Errorf("%+v, %+v, %v", b.installed, b.releases, err)
		}
	})
}

// The run is cancelled at each call, also when the server died before. It says
// what is left, and what it offers takes the release away.
func TestCancelAtEveryCall(t *testing.T) {
	for _, dies := range []bool{false, true} {
		each(t, func(b *bed, a w.Answers, call int) {
			ctx, cancel := context.WithCancel(b.t.Context())
			defer cancel()
			if dies {
				b.dieAt = call
			}
			b.hear = func() {
				if b.calls == call || dies && b.calls > call {
					cancel()
				}
			}
			x, _ := b.live(ctx, b.start(a))
			left := x.Left()
			b.says(left)
			if b.hear, b.dieAt = nil, 0; left.Undo != nil {
				b.well(left.Undo.Answers)
			}
			if b.installed != nil || len(b.releases) != 0 {
				b.t.Errorf("after what it offers: %+v, %+v", b.installed, b.releases)
			}
		})
	}
}

// says compares what a run says that it left with what there is.
func (b *bed) says(left w.Left) {
	b.t.Helper()
	there := map[string]bool{"Helm release": b.installed != nil, "Secret": len(b.secrets) > 0, "Workspace": len(b.workspaces) > 0, "Solution": len(b.solutions) > 0}
	told := map[string]bool{}
	for _, thing := range left.Items {
		told[thing.Label] = true
		if !there[thing.Label] && !strings.Contains(thing.Value, ", if ") && !strings.Contains(thing.Value, "as far as it came") {
			b.t.Errorf("it says that it left %+v, and there is none", thing)
		}
	}
	for label, is := range there {
		if is && !told[label] {
			b.t.Errorf("it left a thing, %s, and says %+v", label, left.Items)
		}
	}
}
