package live

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func pending(news <-chan struct{}) int {
	n := 0
	for {
		select {
		case <-news:
			n++
		default:
			return n
		}
	}
}

func TestNewsReachesItsWatchersOnce(t *testing.T) {
	h := New()
	a, cancelA := h.Subscribe("run:1")
	b, cancelB := h.Subscribe("run:1")
	other, cancelOther := h.Subscribe("run:2")
	defer cancelOther()
	for range 1000 {
		h.Notify("run:1")
	}
	h.Notify("nobody watches")
	if x, y, z := pending(a), pending(b), pending(other); x != 1 || y != 1 || z != 0 {
		t.Fatalf("news: %d, %d, %d; want 1, 1, 0", x, y, z)
	}
	cancelA()
	cancelA()
	h.Notify("run:1")
	if x, y := pending(a), pending(b); x != 0 || y != 1 {
		t.Fatalf("after a cancel: %d, %d; want 0, 1", x, y)
	}
	cancelB()
	if _, left := h.topics["run:1"]; left {
		t.Error("a topic that nobody watches is kept")
	}
}

func TestCountTellsWhetherThereWasNews(t *testing.T) {
	h := New()
	h.Notify("run:1")
	_, cancelA := h.Subscribe("run:1")
	_, cancelB := h.Subscribe("run:1")
	h.Notify("run:2")
	before := h.Count("run:1")
	cancelA()
	if now := h.Count("run:1"); now != before {
		t.Errorf("there was no news, but the count went from %d to %d", before, now)
	}
	h.Notify("run:1")
	h.Notify("run:1") // not taken yet, and news all the same
	if now := h.Count("run:1"); now != before+2 {
		t.Errorf("news twice, and the count went from %d to %d", before, now)
	}
	cancelB()
}

// Every watcher sees the last value, however slow it is.
func TestNoNewsIsLost(t *testing.T) {
	const watchers, last = 50, 2000
	h := New()
	var value atomic.Int64
	var wg sync.WaitGroup
	for i := range watchers {
		news, cancel := h.Subscribe("draft:1")
		wg.Go(func() {
			defer cancel()
			late := time.After(20 * time.Second)
			for value.Load() < last {
				select {
				case <-news:
				case <-late:
					t.Errorf("watcher %d was not told of the last value", i)
					return
				}
			}
		})
	}
	for range 4 {
		wg.Go(func() {
			for range last / 4 {
				value.Add(1)
				h.Notify("draft:1")
			}
		})
	}
	wg.Wait()
	if len(h.topics) != 0 {
		t.Error("watchers are left over")
	}
}

func BenchmarkNotify(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint("watchers=", n), func(b *testing.B) {
			h := New()
			for range n {
				_, cancel := h.Subscribe("run:1")
				defer cancel()
			}
			for b.Loop() {
				h.Notify("run:1")
			}
		})
	}
}
