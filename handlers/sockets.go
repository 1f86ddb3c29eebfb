package handlers

import (
	"context"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// sockets knows the open sockets. http.Server forgets a connection as soon as
// it is a socket, so that we have to end and to await them.
type sockets struct {
	ctx  context.Context // of all sockets
	stop context.CancelFunc
	open sync.WaitGroup

	mu      sync.Mutex
	stopped bool
	runs    map[string]*watched
}

func newSockets() *sockets {
	ctx, stop := context.WithCancel(context.Background())
	return &sockets{ctx: ctx, stop: stop, runs: map[string]*watched{}}
}

// join adds a reader of a run, if the server isn't stopping.
func (k *sockets) join(s *Server, runID string) (w *watched, leave func(), ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return nil, nil, false
	}
	w = k.runs[runID]
	if w == nil {
		w = newWatched(s, runID)
		k.runs[runID] = w
	}
	w.readers++
	k.open.Add(1)
	return w, func() { k.leave(w) }, true
}

// enter counts an answer that lasts as long as its reader stays, if the server
// isn't stopping. It has to end with k.ctx.
func (k *sockets) enter() (leave func(), ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return nil, false
	}
	k.open.Add(1)
	return k.open.Done, true
}

func (k *sockets) leave(w *watched) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w.readers--; w.readers == 0 {
		delete(k.runs, w.runID)
	}
	k.open.Done()
}

// endWithServer says goodbye and cuts the connection when the server stops,
// also one that is stuck in a write. done is for when the socket ends before.
func (k *sockets) endWithServer(conn *websocket.Conn) (done func()) {
	cut := make(chan struct{})
	cancel := context.AfterFunc(k.ctx, func() {
		defer close(cut)
		_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, "the server stops"), time.Now().Add(goodbye))
		_ = conn.Close()
	})
	return func() {
		if !cancel() {
			<-cut
		}
	}
}

// Close ends all sockets and waits until none of them reads any more. Call it
// when requests are not accepted any more and before the store is closed.
func (s *Server) Close() {
	k := s.sockets
	k.mu.Lock()
	k.stopped = true
	k.mu.Unlock()
	k.stop()
	k.open.Wait()
}
