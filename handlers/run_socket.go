package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"hubwright/internal/engine"
	"hubwright/web/ui"
)

// pace is how often a socket does what it does by the clock.
type pace struct {
	ping  time.Duration // the page takes a socket for dead when several are missing
	write time.Duration // after it, who does not read is let go: it can come back with its cursor
	panel time.Duration // the panel is made at most so often
	again time.Duration // what was read counts as old even without news

	status time.Duration // the status page is read again at most so often
	ages   time.Duration // how old its answers are is told so often
}

var usualPace = pace{ping: 20 * time.Second, write: 10 * time.Second, panel: 300 * time.Millisecond, again: 5 * time.Second,
	status: time.Second, ages: 10 * time.Second}

// goodbye is how long a socket may take to hear that the server stops.
const goodbye = 200 * time.Millisecond

// The default check of the upgrader refuses other origins.
var upgrader = websocket.Upgrader{ReadBufferSize: 1 << 10, WriteBufferSize: 4 << 10, EnableCompression: true}

// runSocket is one reader of a run. It has a cursor of its own and reads at
// its own pace: a slow reader slows only itself.
func (s *Server) runSocket(c echo.Context) error {
	r, err := s.readRun(c)
	if err != nil {
		return err
	}
	// Subscribe first, then read from the cursor: nothing falls between.
	news, cancelNews := s.Live.Subscribe(engine.Topic(r.ID))
	defer cancelNews()
	w, leave, ok := s.sockets.join(s, r.ID)
	if !ok {
		return problemPage(http.StatusServiceUnavailable, "The server is stopping", "somebody stops or restarts it", "Load the page again in a moment.")
	}
	defer leave()
	return s.upgrade(c, func(ctx context.Context, conn *websocket.Conn) {
		rd := &reader{watched: w, conn: conn, pace: s.pace, role: me(c).ui(), allowed: s.stillIn(c), after: intParam(c, "after", 0)}
		rd.follow(ctx, news)
	})
}

// upgrade makes a socket of a request and serves it until the reader leaves or
// the server stops.
func (s *Server) upgrade(c echo.Context, serve func(context.Context, *websocket.Conn)) error {
	conn, err := upgrader.Upgrade(c.Response(), c.Request(), nil)
	if err != nil {
		return nil // the upgrader has answered
	}
	defer conn.Close()
	defer s.sockets.endWithServer(conn)()
	ctx, cancel := context.WithCancel(s.sockets.ctx)
	defer cancel()
	go readPongs(conn, 2*s.pace.ping+s.pace.write, cancel)
	serve(ctx, conn)
	return nil
}

// readPongs notices that the other side is gone.
func readPongs(conn *websocket.Conn, silence time.Duration, gone func()) {
	defer gone()
	conn.SetReadLimit(1 << 10)
	_ = conn.SetReadDeadline(time.Now().Add(silence))
	conn.SetPongHandler(func(string) error { return conn.SetReadDeadline(time.Now().Add(silence)) })
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
	}
}

type reader struct {
	watched *watched
	conn    *websocket.Conn
	pace    pace
	role    ui.Role
	allowed func(context.Context) bool // the person is logged in still
	after   int64
	panel   *websocket.PreparedMessage // sent last
}

func (r *reader) follow(ctx context.Context, news <-chan struct{}) {
	ping := time.NewTicker(r.pace.ping)
	defer ping.Stop()
	again := time.NewTicker(r.pace.again)
	defer again.Stop()
	soon := time.NewTimer(r.pace.panel)
	defer soon.Stop()
	if r.ping() != nil {
		return
	}
	for {
		ended, due, err := r.catchUp(ctx)
		if err != nil {
			return
		}
		if ended {
			r.sayEnded()
			return
		}
		if due > 0 {
			soon.Reset(due)
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-again.C:
		case <-soon.C:
		case <-ping.C:
			if !r.allowed(ctx) {
				bar(r.conn)
				return
			}
			if r.ping() != nil {
				return
			}
		}
	}
}

// catchUp sends every line after the cursor and, where it changed, the panel.
// It says whether the run has ended and everything of it was sent, and when a
// newer panel can be had, if there is one.
func (r *reader) catchUp(ctx context.Context) (ended bool, due time.Duration, err error) {
	for {
		f, err := r.watched.linesAfter(ctx, r.after)
		if err != nil {
			return false, 0, err
		}
		if f.message == nil {
			break
		}
		if err := r.send(f.message); err != nil {
			return false, 0, err
		}
		r.after = f.last
	}
	p, due, err := r.watched.panel(ctx, r.role)
	if err != nil {
		return false, 0, err
	}
	if p.message != r.panel {
		if err := r.send(p.message); err != nil {
			return false, 0, err
		}
		r.panel = p.message
	}
	return p.ended && r.after >= p.lines, due, nil
}

// ping sends two: the browser answers the first without telling the page, and
// shows the page the second.
func (r *reader) ping() error {
	if err := r.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(r.pace.write)); err != nil {
		return err
	}
	return r.write(func() error { return r.conn.WriteMessage(websocket.TextMessage, []byte(`{"ping":1}`)) })
}

func (r *reader) send(m *websocket.PreparedMessage) error {
	return r.write(func() error { return r.conn.WritePreparedMessage(m) })
}

func (r *reader) write(do func() error) error {
	if err := r.conn.SetWriteDeadline(time.Now().Add(r.pace.write)); err != nil {
		return err
	}
	return do()
}

func (r *reader) sayEnded() {
	err := r.write(func() error { return r.conn.WriteMessage(websocket.TextMessage, []byte(`{"ended":true}`)) })
	if err == nil {
		_ = r.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "ended"), time.Now().Add(r.pace.write))
	}
}
