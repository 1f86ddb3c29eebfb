package handlers

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"hubwright/internal/audit"
	"hubwright/internal/notify"
	"hubwright/web/ui"
	"hubwright/workflows"
)

const testEvery = 10 * time.Second // of one channel

// testPace keeps the Test button from being a mail cannon.
type testPace struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (p *testPace) take(id string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.last[id]) < testEvery {
		return false
	}
	if p.last == nil || len(p.last) > manyMissers {
		p.last = map[string]time.Time{}
	}
	p.last[id] = now
	return true
}

// testChannel sends a test at once and says how it went.
func (s *Server) testChannel(c echo.Context) error {
	ch, err := s.readChannel(c)
	if err != nil {
		return err
	}
	back := "/notifications/channels/" + ch.ID
	if ch.Owner != "" {
		back = "/notifications"
	}
	if !s.tried.take(ch.ID, s.Clock()) {
		return see(c, back, ui.ToneWarn, "A test was sent a moment ago. Wait ten seconds.")
	}
	e := notify.Event{Key: "test:" + strconv.FormatInt(s.Clock().UnixNano(), 36), Kind: "test", At: s.Clock(), Title: "Test of the channel " + ch.Name,
		Text: me(c).Name + " pressed Test. Nothing happened.", URL: strings.TrimSuffix(s.PublicURL, "/") + "/notifications", Tone: notify.Info}
	if err := s.recordChannel(c, audit.ChannelTest, ch); err != nil {
		return err
	}
	if err := s.Sender.Send(c.Request().Context(), ch, e); err != nil {
		return see(c, back, ui.ToneBad, ui.Short("The test was not sent: "+err.Error()+".", 400))
	}
	return see(c, back, ui.ToneOK, "The test was taken by "+ui.Short(ch.Address, 100)+".")
}

func (s *Server) retryDelivery(c echo.Context) error {
	ch, err := s.readChannel(c)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(c.Param("delivery"), 10, 64)
	if err != nil {
		return workflows.ErrNotFound
	}
	if err := s.Store.RetryDelivery(c.Request().Context(), ch.ID, n); err != nil {
		return err
	}
	s.Sender.Wake()
	return see(c, "/notifications/channels/"+ch.ID, ui.ToneOK, "It is tried again now.")
}
