package handlers

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/gorilla/websocket"

	"hubwright/internal/live"
	"hubwright/web/ui"
)

// livePage is a page that hears of its changes, as it is now.
type livePage struct {
	live    ui.Live
	parts   []ui.Part
	inside  templ.Component      // all of it
	checked map[string]time.Time // when things were asked last, by the id of the element that says so
}

func (p livePage) version() string { return live.Version(p.feed()) }

func (p livePage) feed() []live.Part {
	var out []live.Part
	for _, x := range p.parts {
		out = append(out, live.Part{ID: x.ID, Key: x.Key})
	}
	return out
}

// views are the live pages that somebody watches, by how they are looked at.
type views struct {
	mu  sync.Mutex
	all map[any]*view
}

// view makes what the watchers of one look get: the page is read and rendered
// once for each change, however many watch, and each frame is made and
// compressed once for all who are at the same version.
type view struct {
	s        *Server
	read     func(context.Context) (livePage, error)
	watchers int           // guarded by views.mu
	stop     chan struct{} // closed when nobody watches any more

	mu      sync.Mutex
	feed    live.Feed
	page    livePage
	frames  map[string]*websocket.PreparedMessage // to the newest version, by the version from which it leads
	ages    *websocket.PreparedMessage            // how old the answers are
	news    chan struct{}                         // closed when there is something new
	checked time.Time                             // when ages was made
}

// view is what those share who look at a page in the same way. look tells the
// ways apart; read reads the page for all of them.
func (s *Server) view(look any, read func(context.Context) (livePage, error)) (v *view, leave func()) {
	s.views.mu.Lock()
	defer s.views.mu.Unlock()
	v = s.views.all[look]
	if v == nil {
		v = &view{s: s, read: read, stop: make(chan struct{}), news: make(chan struct{})}
		if s.views.all == nil {
			s.views.all = map[any]*view{}
		}
		s.views.all[look] = v
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
			delete(s.views.all, look)
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
	p, err := v.read(ctx)
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			v.s.Log.Error("a page could not be read for those who watch it", "err", err)
		}
		return
	}
	v.page = p
	_, changed := v.feed.Put(p.feed())
	if changed {
		v.frames = map[string]*websocket.PreparedMessage{}
	}
	if now := time.Now(); now.Sub(v.checked) >= v.s.pace.ages {
		v.checked, changed = now, true
		if v.ages, err = prepare(map[string]any{"now": p.live.Now.UnixMilli(), "checked": millisOf(p.checked)}); err != nil {
			v.s.Log.Error("a page could not be sent to those who watch it", "err", err)
		}
	}
	if !changed {
		return
	}
	close(v.news)
	v.news = make(chan struct{})
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
	p := v.page
	f := map[string]any{"version": v.feed.Newest(), "now": p.live.Now.UnixMilli(), "title": p.live.Title, "icon": p.live.Icon}
	var b bytes.Buffer
	ids, whole := v.feed.Since(from)
	if whole {
		if err := p.inside.Render(ctx, &b); err != nil {
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
	for _, x := range p.parts {
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
