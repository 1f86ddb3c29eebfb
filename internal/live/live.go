// Package live tells who watches that there is news. It carries no content:
// the watcher reads what is new from the store, so that news can neither be
// lost nor come in a wrong order.
package live

import "sync"

// Status is the topic of all that the status page shows: healths, runs,
// announcements.
const Status = "status"

// Hub passes news from those who write to those who watch. It is safe for
// concurrent use.
type Hub struct {
	mu     sync.Mutex
	topics map[string]*topic
}

// topic is kept as long as somebody watches it.
type topic struct {
	count    uint64
	watchers map[chan struct{}]struct{}
}

// New makes a Hub.
func New() *Hub { return &Hub{topics: map[string]*topic{}} }

// Notify says that there is news of a topic, such as "run:<id>". It never
// blocks: news that a watcher has not taken yet stands for this one too.
func (h *Hub) Notify(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[name]
	if t == nil {
		return
	}
	t.count++
	for news := range t.watchers {
		select {
		case news <- struct{}{}:
		default:
		}
	}
}

// Count is how often there was news since somebody began to watch. As long as
// it stays the same while the topic is watched, what was read after asking for
// it is still the newest.
func (h *Hub) Count(name string) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[name]; t != nil {
		return t.count
	}
	return 0
}

// Subscribe watches a topic until cancel. Whatever was written before a Notify
// is there to be read once news is received after it. news is never closed:
// wait for the end of the watcher's context beside it. cancel may be called
// more than once; it must be called.
func (h *Hub) Subscribe(name string) (news <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[name]
	if t == nil {
		t = &topic{watchers: map[chan struct{}]struct{}{}}
		h.topics[name] = t
	}
	t.watchers[c] = struct{}{}
	return c, func() { h.drop(name, t, c) }
}

func (h *Hub) drop(name string, t *topic, c chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(t.watchers, c)
	if len(t.watchers) == 0 && h.topics[name] == t {
		delete(h.topics, name)
	}
}
