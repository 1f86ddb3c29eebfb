package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"hubwright/internal/engine"
	"hubwright/web/run"
	"hubwright/web/ui"
)

const (
	socketBatch = 2000
	keepFrames  = 16 // for readers that are a little behind
)

// watched is what the readers of one run share. Each asks with a cursor of its
// own; what one asked for is there for those who ask the same, so that two
// hundred readers cost hardly more reading, rendering and compressing than one.
// It is never locked while something is sent.
type watched struct {
	s       *Server
	runID   string
	readers int // guarded by sockets.mu

	mu     sync.Mutex
	lines  map[int64]linesFrame // by cursor
	made   []int64              // the cursors of lines, oldest first
	panels map[ui.Role]panelFrame
}

// moment is when something was read, and how much news there had been.
type moment struct {
	news uint64
	at   time.Time
}

type linesFrame struct {
	moment
	message *websocket.PreparedMessage // nil: there was nothing after the cursor
	last    int64
}

type panelFrame struct {
	moment
	message *websocket.PreparedMessage
	html    []byte
	ended   bool
	lines   int64 // of the run
}

func newWatched(s *Server, runID string) *watched {
	return &watched{s: s, runID: runID, lines: map[int64]linesFrame{}, panels: map[ui.Role]panelFrame{}}
}

// now is asked for before reading: news that comes while reading makes what
// was read old.
func (w *watched) now() moment {
	return moment{news: w.s.Live.Count(engine.Topic(w.runID)), at: time.Now()}
}

func (w *watched) isNewest(m, now moment) bool {
	return m.news == now.news && now.at.Sub(m.at) < w.s.pace.again
}

// linesAfter gives the next lines after a cursor.
func (w *watched) linesAfter(ctx context.Context, after int64) (linesFrame, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	f, ok := w.lines[after]
	if ok && (f.message != nil || w.isNewest(f.moment, now)) {
		return f, nil
	}
	lines, err := w.s.Store.ReadLog(ctx, w.runID, after, socketBatch)
	if err != nil {
		return linesFrame{}, err
	}
	f = linesFrame{moment: now, last: after}
	if len(lines) > 0 {
		f.last = lines[len(lines)-1].N
		if f.message, err = prepare(map[string]any{"lines": wire(lines)}); err != nil {
			return linesFrame{}, err
		}
	}
	if !ok {
		w.made = append(w.made, after)
	}
	w.lines[after] = f
	if len(w.made) > keepFrames {
		delete(w.lines, w.made[0])
		w.made = w.made[1:]
	}
	return f, nil
}

// panel gives the panel as a role sees it. When there is news, but the panel
// was made a moment ago, it says when to ask again.
func (w *watched) panel(ctx context.Context, role ui.Role) (panelFrame, time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	old, ok := w.panels[role]
	if ok && w.isNewest(old.moment, now) {
		return old, 0, nil
	}
	if left := w.s.pace.panel - now.at.Sub(old.at); ok && left > 0 {
		return old, left, nil
	}
	p, err := w.render(ctx, role, old)
	if err != nil {
		return panelFrame{}, 0, err
	}
	p.moment = now
	w.panels[role] = p
	return p, 0, nil
}

func (w *watched) render(ctx context.Context, role ui.Role, old panelFrame) (panelFrame, error) {
	rec, err := w.s.Store.Run(ctx, w.runID)
	if err != nil {
		return panelFrame{}, err
	}
	props, err := w.s.runProps(ctx, rec, role)
	if err != nil {
		return panelFrame{}, err
	}
	var b bytes.Buffer
	if err := run.Panel(props).Render(ctx, &b); err != nil {
		return panelFrame{}, err
	}
	p := panelFrame{html: b.Bytes(), message: old.message, ended: rec.Status.Ended(), lines: rec.Lines}
	if old.message == nil || !bytes.Equal(p.html, old.html) {
		p.message, err = prepare(map[string]any{"panel": b.String()})
	}
	return p, err
}

func prepare(frame any) (*websocket.PreparedMessage, error) {
	b, err := json.Marshal(frame)
	if err != nil {
		return nil, err
	}
	return websocket.NewPreparedMessage(websocket.TextMessage, b)
}
