package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"hubwright/web/ui"
)

// stillIn says whether the person who asks is logged in still.
func (s *Server) stillIn(c echo.Context) func(context.Context) bool {
	cookie, err := c.Cookie(sessionCookie)
	if err != nil {
		return func(context.Context) bool { return false }
	}
	return func(ctx context.Context) bool {
		_, err := s.Auth.Authenticate(ctx, cookie.Value)
		return err == nil
	}
}

// The codes with which a socket ends when its reader may not read any more.
// The page says so and does not come again by itself.
const closeNotAllowed = 4001

// bar ends a socket whose reader may not read any more.
func bar(conn *websocket.Conn) {
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(closeNotAllowed, "you may not read this any more"), time.Now().Add(goodbye))
}

// watch sends what changes on a live page until the reader leaves, may not read any
// more, or the server stops.
func (s *Server) watch(c echo.Context, look any, read func(context.Context) (livePage, error), allowed func(context.Context) bool) error {
	done, ok := s.sockets.enter()
	if !ok {
		return problemPage(http.StatusServiceUnavailable, "The server is stopping", "somebody stops or restarts it", "Load the page again in a moment.")
	}
	defer done()
	return s.upgrade(c, func(ctx context.Context, conn *websocket.Conn) {
		v, leave := s.view(look, read)
		defer leave()
		w := watcher{reader: reader{conn: conn, pace: s.pace}, view: v, version: c.QueryParam("version"), allowed: allowed}
		w.follow(ctx)
	})
}

type watcher struct {
	reader
	view    *view
	version string // what the page shows
	ages    *websocket.PreparedMessage
	allowed func(context.Context) bool
}

func (w *watcher) follow(ctx context.Context) {
	ping := time.NewTicker(w.pace.ping)
	defer ping.Stop()
	if w.ping() != nil {
		return
	}
	for {
		m, at, more, err := w.view.next(ctx, w.version)
		if err == nil && m != nil {
			err = w.send(m)
			w.version = at
		}
		if ages := w.view.newestAges(); err == nil && ages != nil && ages != w.ages {
			w.ages = ages
			err = w.send(ages)
		}
		if err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-more:
		case <-ping.C:
			if !w.allowed(ctx) {
				bar(w.conn)
				return
			}
			if w.ping() != nil {
				return
			}
		}
	}
}

// viewer is for whom a live page is made. Those who only read see the same,
// whoever they are.
type viewer struct {
	name string
	role ui.Role
}

func viewerOf(c echo.Context) viewer {
	v := viewer{role: me(c).ui()}
	if v.role.Operates() {
		v.name = me(c).Name
	}
	return v
}
