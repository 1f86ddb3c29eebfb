// Package live tells who watches that there is news. It carries no content:
// the watcher reads what is new from the store, so that news can neither be
// lost nor come in a wrong order.
package live

import "sync"

// Hub passes news from those who write to those who watch. It is safe for
// concurrent use.
type Hub struct {
	mu     sync.Mutex
	topics map[string]map[chan struct{}]struct{}
}

// New makes a Hub.
func New() *Hub { return &Hub{topics: map[string]map[chan struct{}]struct{}{}} }

// Notify says that there is news of a topic, such as "run:<id>". It never
// blocks: news that a watcher has not taken yet stands for this one too.
func (h *Hub) Notify(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for news := range h.topics[topic] {
		select {
		case news <- struct{}{}:
		default:
		}
	}
}

// Subscribe watches a topic until cancel. Whatever was written before a Notify
// is there to be read once news is received after it. news is never closed:
// wait for the end of the watcher's context beside it. cancel may be called
// more than once; it must be called.
func (h *Hub) Subscribe(topic string) (news <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics[topic] == nil {
		h.topics[topic] = map[chan struct{}]struct{}{}
	}
	h.topics[topic][c] = struct{}{}
	return c, func() { h.drop(topic, c) }
}

func (h *Hub) drop(topic string, c chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.topics[topic], c)
	if len(h.topics[topic]) == 0 {
		delete(h.topics, topic)
	}
}
