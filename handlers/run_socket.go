package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"hubwright/internal/engine"
	"hubwright/web/run"
	"hubwright/web/ui"
)

const (
	socketBatch    = 2000
	pingEvery      = 20 * time.Second
	writeDeadline  = 10 * time.Second
	pongDeadline   = 2*pingEvery + writeDeadline
	panelEvery     = 300 * time.Millisecond
	lookAgainEvery = 5 * time.Second // should a notification ever be missed
)

// The default check of the upgrader refuses other origins.
var upgrader = websocket.Upgrader{ReadBufferSize: 1 << 10, WriteBufferSize: 32 << 10, EnableCompression: true}

// runSocket is one reader of a run. It has a cursor of its own and reads from
// the store at its own pace: a slow reader slows only itself.
func (s *Server) runSocket(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	role := me(c).ui()
	conn, err := upgrader.Upgrade(c.Response(), c.Request(), nil)
	if err != nil {
		return nil // the upgrader has answered
	}
	defer conn.Close()
	// Subscribe first, then read from the cursor: nothing falls between.
	news, cancelNews := s.Live.Subscribe(engine.Topic(r.ID))
	defer cancelNews()
	ctx, cancel := context.WithCancel(c.Request().Context())
	defer cancel()
	go readPongs(conn, cancel)
	rd := &reader{s: s, conn: conn, runID: r.ID, role: role, after: intParam(c, "after", 0)}
	rd.follow(ctx, news)
	return nil
}

// readPongs notices that the other side is gone.
func readPongs(conn *websocket.Conn, gone func()) {
	defer gone()
	conn.SetReadLimit(1 << 10)
	_ = conn.SetReadDeadline(time.Now().Add(pongDeadline))
	conn.SetPongHandler(func(string) error { return conn.SetReadDeadline(time.Now().Add(pongDeadline)) })
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
	}
}

type reader struct {
	s         *Server
	conn      *websocket.Conn
	runID     string
	role      ui.Role
	after     int64
	lastPanel []byte
	panelAt   time.Time
}

func (r *reader) follow(ctx context.Context, news <-chan struct{}) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	again := time.NewTicker(lookAgainEvery)
	defer again.Stop()
	soon := time.NewTimer(panelEvery)
	defer soon.Stop()
	for {
		ended, err := r.catchUp(ctx)
		if err != nil {
			return
		}
		if ended {
			_ = r.send(map[string]any{"ended": true})
			_ = r.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "ended"), time.Now().Add(writeDeadline))
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-again.C:
		case <-soon.C:
			soon.Reset(panelEvery)
		case <-ping.C:
			if r.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeDeadline)) != nil {
				return
			}
		}
	}
}

// catchUp sends every line after the cursor and, where it changed, the panel.
// It says whether the run has ended and everything of it was sent.
func (r *reader) catchUp(ctx context.Context) (ended bool, err error) {
	for {
		lines, err := r.s.Store.ReadLog(ctx, r.runID, r.after, socketBatch)
		if err != nil {
			return false, err
		}
		if len(lines) == 0 {
			break
		}
		if err := r.send(map[string]any{"lines": wire(lines)}); err != nil {
			return false, err
		}
		r.after = lines[len(lines)-1].N
	}
	if time.Since(r.panelAt) < panelEvery {
		return false, nil
	}
	run, err := r.s.Store.Run(ctx, r.runID)
	if err != nil {
		return false, err
	}
	if err := r.sendPanel(ctx); err != nil {
		return false, err
	}
	return run.Status.Ended() && r.after >= run.Lines, nil
}

func (r *reader) sendPanel(ctx context.Context) error {
	rec, err := r.s.Store.Run(ctx, r.runID)
	if err != nil {
		return err
	}
	p, err := r.s.runProps(ctx, rec, r.role)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := run.Panel(p).Render(ctx, &b); err != nil {
		return err
	}
	r.panelAt = time.Now()
	if bytes.Equal(b.Bytes(), r.lastPanel) {
		return nil
	}
	r.lastPanel = bytes.Clone(b.Bytes())
	return r.send(map[string]any{"panel": b.String()})
}

func (r *reader) send(frame any) error {
	b, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	if err := r.conn.SetWriteDeadline(time.Now().Add(writeDeadline)); err != nil {
		return err
	}
	return r.conn.WriteMessage(websocket.TextMessage, b)
}
