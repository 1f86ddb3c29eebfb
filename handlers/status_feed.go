package handlers

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"hubwright/internal/live"
	"hubwright/web/status"
)

// look is how somebody looks at the status page. All who look the same way
// share what is made for them.
type look struct {
	deploymentID string // "" is all
	wall, shared bool
}

// views are the looks that somebody watches.
type views struct {
	mu  sync.Mutex
	all map[look]*view
}

// view makes what the watchers of one look get: the page is read and rendered
// once for each change, however many watch, and each frame is made and
// compressed once for all who are at the same version.
type view struct {
	s        *Server
	look     look
	watchers int           // guarded by views.mu
	stop     chan struct{} // closed when nobody watches any more

	mu      sync.Mutex
	feed    live.Feed
	props   status.Props
	frames  map[string]*websocket.PreparedMessage // to the newest version, by the version from which it leads
	ages    *websocket.PreparedMessage            // how old the answers are
	news    chan struct{}                         // closed when there is something new
	checked time.Time                             // when ages was made
}

func (s *Server) statusView(l look) (v *view, leave func()) {
	s.views.mu.Lock()
	defer s.views.mu.Unlock()
	v = s.views.all[l]
	if v == nil {
		v = &view{s: s, look: l, stop: make(chan struct{}), news: make(chan struct{})}
		if s.views.all == nil {
			s.views.all = map[look]*view{}
		}
		s.views.all[l] = v
		if done, ok := s.sockets.enter(); ok {
			go func() { defer done(); v.follow(s.sockets.ctx) }()
		}
	}
	v.watchers++
	return v, func() {
		s.views.mu.Lock()
		defer s.views.mu.Unlock()
		if v.watchers--; v.watchers == 0 {
			close(v.stop)
			delete(s.views.all, l)
		}
	}
}

// follow reads again when there is news, and now and then without: an answer
// gets stale by itself.
func (v *view) follow(ctx context.Context) {
	news, cancel := v.s.Live.Subscribe(live.Status)
	defer cancel()
	again := time.NewTicker(v.s.pace.again)
	defer again.Stop()
	for {
		v.refresh(ctx)
		rest := time.NewTimer(v.s.pace.status)
		select {
		case <-ctx.Done():
		case <-v.stop:
		case <-rest.C:
		}
		rest.Stop()
		select {
		case <-ctx.Done():
			return
		case <-v.stop:
			return
		case <-news:
		case <-again.C:
		}
	}
}

// refresh looks whether anything is new.
func (v *view) refresh(ctx context.Context) {
	p, err := v.s.statusProps(ctx, v.look)
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			v.s.Log.Error("the status page could not be read for those who watch it", "err", err)
		}
		return
	}
	v.props = p
	_, changed := v.feed.Put(partsOf(p))
	if changed {
		v.frames = map[string]*websocket.PreparedMessage{}
	}
	if now := time.Now(); now.Sub(v.checked) >= v.s.pace.ages {
		v.checked, changed = now, true
		if v.ages, err = prepare(map[string]any{"now": p.Now.UnixMilli(), "checked": millisOf(p.CheckedAt())}); err != nil {
			v.s.Log.Error("the status page could not be sent to those who watch it", "err", err)
		}
	}
	if !changed {
		return
	}
	close(v.news)
	v.news = make(chan struct{})
}

func partsOf(p status.Props) []live.Part {
	var out []live.Part
	for _, x := range p.Pieces() {
		out = append(out, live.Part{ID: x.ID, Key: x.Key})
	}
	return out
}

func millisOf(times map[string]time.Time) map[string]int64 {
	out := make(map[string]int64, len(times))
	for id, t := range times {
		out[id] = t.UnixMilli()
	}
	return out
}

// next is what a watcher at a version gets: a message that leads it to the
// version that is returned, nil when it is there already. wait is closed when
// there is more.
func (v *view) next(ctx context.Context, version string) (m *websocket.PreparedMessage, at string, wait <-chan struct{}, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	newest := v.feed.Newest()
	if newest == "" || newest == version {
		return nil, version, v.news, nil
	}
	if m = v.frames[version]; m == nil {
		if m, err = v.frame(ctx, version); err != nil {
			return nil, version, v.news, err
		}
		v.frames[version] = m
	}
	return m, newest, v.news, nil
}

// newestAges is how old the answers are, the same for all.
func (v *view) newestAges() *websocket.PreparedMessage {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.ages
}

func (v *view) frame(ctx context.Context, from string) (*websocket.PreparedMessage, error) {
	p := v.props
	p.Version = v.feed.Newest()
	f := map[string]any{"version": p.Version, "now": p.Now.UnixMilli(), "title": p.WindowTitle(), "icon": p.Icon()}
	var b bytes.Buffer
	ids, whole := v.feed.Since(from)
	if whole {
		if err := status.Inner(p).Render(ctx, &b); err != nil {
			return nil, err
		}
		f["whole"] = b.String()
		return prepare(f)
	}
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	parts := map[string]string{}
	for _, x := range p.Pieces() {
		if !wanted[x.ID] {
			continue
		}
		b.Reset()
		if err := x.Body.Render(ctx, &b); err != nil {
			return nil, err
		}
		parts[x.ID] = b.String()
	}
	f["parts"] = parts
	return prepare(f)
}
