package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hubwright/static"
	"hubwright/web/layout"
	"hubwright/web/run"
	"hubwright/web/ui"
	"hubwright/workflows"
)

// logServer speaks the run page's side of the protocol over made-up lines.
type logServer struct {
	url string

	mu       sync.Mutex
	lines    []json.RawMessage
	pages    map[string][]byte // answers that were asked before
	flatPage []byte
	sockets  map[*websocket.Conn]*sync.Mutex
	frozen   []*websocket.Conn
	cursors  []int // the after= of each socket that was asked for
	refuse   bool  // no socket gets through
	ended    bool
	props    run.Props
}

func newLogServer(t testing.TB, lines int) *logServer {
	t.Helper()
	s := &logServer{pages: map[string][]byte{}, sockets: map[*websocket.Conn]*sync.Mutex{}}
	for range lines {
		s.lines = append(s.lines, s.line(len(s.lines)+1))
	}
	s.props = run.Props{Role: ui.RoleOperator, CanCancel: true, Run: workflows.Run{ID: "r1", Number: 7, Title: "Deploy the cluster on Orlando", Status: workflows.RunRunning, Percent: 10, Attempt: 1, Lines: int64(lines), CreatedBy: "ana", StartedAt: time.Now()},
		Steps: []workflows.StepRun{{StepID: "prepare", Title: "Write the API model", Status: workflows.StepSucceeded, FirstLine: 1}, {StepID: "deploy", Title: "Deploy", Status: workflows.StepRunning, FirstLine: 1001}}}
	mux := http.NewServeMux()
	mux.Handle(static.Prefix, static.Handler())
	mux.HandleFunc("GET /runs/r1", s.page)
	mux.HandleFunc("GET /runs/r1/panel", s.panel)
	mux.HandleFunc("GET /runs/r1/log", s.log)
	mux.HandleFunc("GET /runs/r1/log/search", s.search)
	mux.HandleFunc("GET /runs/r1/socket", s.socket)
	mux.HandleFunc("GET /flat", s.flat)
	srv := httptest.NewServer(mux)
	s.url = srv.URL
	t.Cleanup(func() {
		s.cut()
		srv.Close()
	})
	return s
}

func (s *logServer) line(n int) json.RawMessage {
	step, level, text := "deploy", "output", fmt.Sprintf("\x1b[36mINFO\x1b[0m[%04d] resource Microsoft.Compute/virtualMachines/k8s-linuxpool-29145839-%d is <still> being made, line %d", n, n%7, n)
	if n <= 1000 {
		step = "prepare"
	}
	switch {
	case n%997 == 0:
		level, text = "error", fmt.Sprintf("needle %d: QuotaExceeded", n)
	case n%50 == 0:
		level, text = "phase", fmt.Sprintf("Part %d", n/50)
	}
	b, _ := json.Marshal([]any{n, 1795426872000 + int64(n)*40, level, step, text})
	return b
}

func (s *logServer) page(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	p := s.props
	s.mu.Unlock()
	w.Header().Set("Content-Security-Policy", strings.Replace(csp, "connect-src 'self'", "connect-src 'self' ws://127.0.0.1:*", 1))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = layout.Page(layout.Frame{Title: p.WindowTitle(), User: "ana", Role: p.Role, Active: layout.NavRuns, Icon: p.Icon(), Script: "run.js", Body: run.Page(p)}).Render(r.Context(), w)
}

func (s *logServer) panel(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	p := s.props
	s.mu.Unlock()
	_ = run.Panel(p).Render(r.Context(), w)
}

// log answers pages; a page of which nothing can change is kept, so that the
// time that a test measures is the browser's.
func (s *logServer) log(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.Atoi(r.FormValue("after"))
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	s.mu.Lock()
	defer s.mu.Unlock()
	body, ok := s.pages[r.URL.RawQuery]
	if !ok {
		to := min(len(s.lines), after+limit)
		lines := []json.RawMessage{}
		if after < to {
			lines = s.lines[after:to]
		}
		body, _ = json.Marshal(map[string]any{"lines": lines, "last": to, "ended": s.ended && to == len(s.lines)})
		if to == after+limit {
			s.pages[r.URL.RawQuery] = body
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

// flat is the plainest page that shows the lines: what no viewer can undercut.
func (s *logServer) flat(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flatPage == nil {
		var b bytes.Buffer
		b.WriteString("<!doctype html><title>flat</title><pre>")
		for _, raw := range s.lines {
			var l [5]any
			_ = json.Unmarshal(raw, &l)
			b.WriteString(html.EscapeString(l[4].(string)) + "\n")
		}
		s.flatPage = b.Bytes()
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(s.flatPage)
}

func (s *logServer) search(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hits := []int{}
	for i, l := range s.lines {
		if bytes.Contains(l, []byte(r.FormValue("q"))) {
			hits = append(hits, i+1)
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"hits": hits, "total": len(hits)})
}

func (s *logServer) socket(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.Atoi(r.FormValue("after"))
	s.mu.Lock()
	s.cursors = append(s.cursors, after)
	refuse := s.refuse
	s.mu.Unlock()
	if refuse {
		http.Error(w, "no sockets here", http.StatusBadGateway)
		return
	}
	up := websocket.Upgrader{}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.sockets[conn] = &sync.Mutex{}
	missed := append([]json.RawMessage{}, s.lines[after:]...)
	s.mu.Unlock()
	if len(missed) > 0 {
		s.send(map[string]any{"lines": missed})
	}
}

func (s *logServer) send(frame any) {
	s.mu.Lock()
	sockets := map[*websocket.Conn]*sync.Mutex{}
	for c, m := range s.sockets {
		sockets[c] = m
	}
	s.mu.Unlock()
	for c, m := range sockets {
		m.Lock()
		_ = c.WriteJSON(frame)
		m.Unlock()
	}
}

// grow adds lines, and sends them to whom it reaches.
func (s *logServer) grow(n int) {
	s.mu.Lock()
	from := len(s.lines)
	for range n {
		s.lines = append(s.lines, s.line(len(s.lines)+1))
	}
	fresh := append([]json.RawMessage{}, s.lines[from:]...)
	s.mu.Unlock()
	s.send(map[string]any{"lines": fresh})
}

// change alters the run, and sends its panel.
func (s *logServer) change(t *testing.T, alter func(*run.Props)) {
	t.Helper()
	s.mu.Lock()
	alter(&s.props)
	p := s.props
	s.mu.Unlock()
	var b bytes.Buffer
	if err := run.Panel(p).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	s.send(map[string]any{"panel": b.String()})
}

// freeze leaves all sockets open, but nothing comes from them any more.
func (s *logServer) freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sockets {
		s.frozen = append(s.frozen, c)
		delete(s.sockets, c)
	}
}

// cutInFrame ends all sockets in the middle of a frame.
func (s *logServer) cutInFrame() {
	s.mu.Lock()
	for c := range s.sockets {
		const text, long = 0x81, 126 // and a length of 4096
		_, _ = c.NetConn().Write([]byte{text, long, 0x10, 0, '{', '"'})
	}
	s.mu.Unlock()
	s.cut()
}

// cut ends all sockets without a word.
func (s *logServer) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sockets {
		_ = c.NetConn().Close()
		delete(s.sockets, c)
	}
	for _, c := range s.frozen {
		_ = c.NetConn().Close()
	}
	s.frozen = nil
}

func (s *logServer) setRefuse(on bool) {
	s.mu.Lock()
	s.refuse = on
	s.mu.Unlock()
}

func (s *logServer) lastCursor() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.cursors) == 0 {
		return -1
	}
	return s.cursors[len(s.cursors)-1]
}
