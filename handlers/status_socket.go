package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"
)

// statusSocket tells of changes to the page of all Deployments.
func (s *Server) statusSocket(c echo.Context) error {
	return s.watchStatus(c, look{wall: isWall(c)}, s.stillIn(c))
}

// deploymentSocket tells of changes to the page of one Deployment.
func (s *Server) deploymentSocket(c echo.Context) error {
	id, err := id(c)
	if err == nil {
		_, err = s.Store.Deployment(c.Request().Context(), id)
	}
	if err != nil {
		return err
	}
	return s.watchStatus(c, look{deploymentID: id, wall: isWall(c)}, s.stillIn(c))
}

// sharedSocket tells of changes to the page behind a link.
func (s *Server) sharedSocket(c echo.Context) error {
	token := c.Param("token")
	share, err := s.openShare(c, token)
	if err != nil {
		return err
	}
	hash := shareHash(token)
	open := func(ctx context.Context) bool {
		again, err := s.Store.ShareByToken(ctx, hash)
		return err == nil && again.Opens(s.Clock())
	}
	return s.watchStatus(c, look{deploymentID: share.DeploymentID, wall: isWall(c), shared: true}, open)
}

func isWall(c echo.Context) bool { return c.QueryParam("view") == "wall" }

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

// watchStatus sends what changes until the reader leaves, may not read any
// more, or the server stops.
func (s *Server) watchStatus(c echo.Context, l look, allowed func(context.Context) bool) error {
	done, ok := s.sockets.enter()
	if !ok {
		return problemPage(http.StatusServiceUnavailable, "The server is stopping", "somebody stops or restarts it", "Load the page again in a moment.")
	}
	defer done()
	conn, err := upgrader.Upgrade(c.Response(), c.Request(), nil)
	if err != nil {
		return nil // the upgrader has answered
	}
	defer conn.Close()
	defer s.sockets.endWithServer(conn)()
	ctx, cancel := context.WithCancel(s.sockets.ctx)
	defer cancel()
	go readPongs(conn, 2*s.pace.ping+s.pace.write, cancel)
	v, leave := s.statusView(l)
	defer leave()
	w := statusWatcher{reader: reader{conn: conn, pace: s.pace}, view: v, version: c.QueryParam("version"), allowed: allowed}
	w.follow(ctx)
	return nil
}

type statusWatcher struct {
	reader
	view    *view
	version string // what the page shows
	ages    *websocket.PreparedMessage
	allowed func(context.Context) bool
}

func (w *statusWatcher) follow(ctx context.Context) {
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
