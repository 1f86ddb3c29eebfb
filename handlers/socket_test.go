package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hubwright/internal/auth"
)

const (
	password    = "correct horse battery"
	readerCount = 200
	lineCount   = 400
	batchSize   = 20
	patience    = time.Minute // more than a busy machine needs
)

// frame is what a reader gets.
type frame struct {
	Lines [][]any `json:"lines"`
	Ended bool    `json:"ended"`
	Ping  int     `json:"ping"`
}

// readOn reads until the run has ended, and says after which line it stopped.
func readOn(conn *websocket.Conn, after int) (int, error) {
	for {
		var f frame
		if err := conn.ReadJSON(&f); err != nil {
			return after, fmt.Errorf("after line %d: %w", after, err)
		}
		for _, l := range f.Lines {
			if int(l[0].(float64)) != after+1 || l[4] != lineText(after+1) {
				return after, fmt.Errorf("line %v came after line %d", l, after)
			}
			after++
		}
		if f.Ended {
			if after != lineCount {
				return after, fmt.Errorf("the end came after line %d", after)
			}
			return after, nil
		}
	}
}

// TestEveryReaderGetsEveryLine has 200 readers on one run, beside one that
// stops reading: it delays nobody, and when it reads again it misses nothing.
func TestEveryReaderGetsEveryLine(t *testing.T) {
	r := newLogRig(t, func(p *pace) { p.write = patience })
	stuck := r.connect(0, holdsLittle)
	var connected, done sync.WaitGroup
	door := make(chan bool, 4)
	for i := range readerCount {
		connected.Add(1)
		done.Go(func() {
			door <- true
			conn, _, err := r.dial(0)
			<-door
			connected.Done()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			if _, err := readOn(conn, 0); err != nil {
				t.Errorf("reader %d: %v", i, err)
			}
		})
	}
	connected.Wait()
	r.write()
	done.Wait()
	if t.Failed() {
		return
	}
	r.awaitReaders(1) // all have read all, and the server still waits for one
	if _, err := readOn(stuck, 0); err != nil {
		t.Errorf("the reader that had stopped: %v", err)
	}
}

// A reader that stops for long is let go and comes back with its cursor.
func TestStuckReaderIsLetGoAndComesBack(t *testing.T) {
	r := newLogRig(t, func(p *pace) { p.write = time.Second })
	stuck := r.connect(0, holdsLittle)
	r.awaitReaders(1)
	r.write()
	r.awaitReaders(0)
	got, err := readOn(stuck, 0)
	if err == nil {
		t.Fatal("the server waited, and sent everything")
	}
	if _, err := readOn(r.connect(int64(got)), got); err != nil {
		t.Error(err)
	}
}

// TestSocketPings: control frames are hidden from a page, so there are pings
// that it sees too; and who does not answer is let go.
func TestSocketPings(t *testing.T) {
	r := newLogRig(t, func(p *pace) { p.ping, p.write = 10*time.Millisecond, 500*time.Millisecond })
	conn := r.connect(0)
	control, seen := 0, 0
	conn.SetPingHandler(func(string) error { control++; return nil }) // it does not answer
	for seen < 5 {
		var f frame
		if err := conn.ReadJSON(&f); err != nil {
			t.Fatal(err)
		}
		seen += f.Ping
	}
	if control == 0 {
		t.Error("there is no ping that the browser answers")
	}
	for {
		var f frame
		if conn.ReadJSON(&f) != nil {
			break
		}
	}
	r.awaitReaders(0)
}

// TestCloseEndsSockets: also one that is stuck in a write, and so that nothing
// reads the store afterwards.
func TestCloseEndsSockets(t *testing.T) {
	r := newLogRig(t, func(p *pace) { p.write = 10 * patience })
	conns := []*websocket.Conn{r.connect(0), r.connect(0)}
	r.connect(0, holdsLittle)
	r.awaitReaders(3)
	var done sync.WaitGroup
	for _, conn := range conns {
		done.Go(func() {
			var err error
			for f := new(frame); err == nil; err = conn.ReadJSON(f) {
			}
			if !websocket.IsCloseError(err, websocket.CloseGoingAway, websocket.CloseNormalClosure) {
				t.Errorf("the socket ended with %v", err)
			}
		})
	}
	r.write()
	r.handler.Close()
	if n := r.readers(); n != 0 {
		t.Errorf("%d sockets are open after Close", n)
	}
	if err := r.db.Close(); err != nil {
		t.Error(err)
	}
	done.Wait()
}

func TestClosedServerTakesNoSocket(t *testing.T) {
	r := newLogRig(t, nil)
	r.handler.Close()
	conn, res, err := r.dial(0)
	if err == nil {
		conn.Close()
		t.Fatal("a stopping server opened a socket")
	}
	if res == nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answer %v, %v", res, err)
	}
}

func TestSocketGoesOnFromItsCursor(t *testing.T) {
	r := newLogRig(t, nil)
	r.write()
	if _, err := readOn(r.connect(lineCount-5), lineCount-5); err != nil {
		t.Error(err)
	}
}

func TestSocketRefusesOtherOrigins(t *testing.T) {
	r := newLogRig(t, nil)
	conn, res, err := r.dial(0, func(_ *websocket.Dialer, h http.Header) { h.Set("Origin", "https://evil.example.com") })
	if err == nil {
		conn.Close()
		t.Fatal("a page of another site may read the log")
	}
	if res == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("answer %v, %v", res, err)
	}
}

// TestEveryRouteDeclaresARole keeps a new route from being open by mistake.
func TestEveryRouteDeclaresARole(t *testing.T) {
	open := map[string]bool{"/healthz": true, "/setup": true, "/login": true, "/shared/:token": true, "/shared/:token/socket": true}
	for _, r := range (&Server{}).table() {
		if r.role == public && !open[r.path] {
			t.Errorf("%s %s needs no login", r.method, r.path)
		}
		if r.method == http.MethodPost && (r.role == auth.RoleViewer || r.role == auth.RoleAuditor) && !ownAffair(r.path) {
			t.Errorf("a viewer or an auditor may POST %s", r.path)
		}
	}
}

// ownAffair says whether a route is about what is a person's own: its handler
// looks whose it is.
func ownAffair(path string) bool {
	return path == "/logout" || path == "/notifications/mine" || strings.HasPrefix(path, "/tokens") || strings.HasPrefix(path, "/notifications/channels/:id/")
}
