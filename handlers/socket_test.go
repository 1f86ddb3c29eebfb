package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hubwright/internal/auth"
	"hubwright/internal/engine"
	"hubwright/internal/live"
	"hubwright/store"
	"hubwright/workflows"
)

const (
	password    = "correct horse battery"
	readerCount = 200
	lineCount   = 400
)

// logRig is a server with one run whose log grows.
type logRig struct {
	t      *testing.T
	db     *store.DB
	news   *live.Hub
	server *httptest.Server
	cookie string
	runID  string
}

func newLogRig(t *testing.T) *logRig {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	people := auth.New(db, time.Now)
	token, _, err := people.SetupToken(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := people.CompleteSetup(ctx, token, "ana", password); err != nil {
		t.Fatal(err)
	}
	session, _, err := people.Login(ctx, "ana", password, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	r := &logRig{t: t, db: db, news: live.New(), cookie: sessionCookie + "=" + session}
	run := &workflows.Run{WorkflowID: "tiny", Title: "Do it", Status: workflows.RunQueued, Attempt: 1, CreatedBy: "ana", CreatedAt: time.Now()}
	if err := db.InTx(ctx, func(tx engine.Tx) error { return db.CreateRun(ctx, tx, run, nil, []byte("{}")) }); err != nil {
		t.Fatal(err)
	}
	r.runID = run.ID
	if err := db.StartRun(ctx, run.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	r.server = httptest.NewServer(New(Deps{Store: db, Auth: people, Live: r.news, Log: slog.New(slog.DiscardHandler), Clock: time.Now, PublicURL: "http://127.0.0.1"}))
	t.Cleanup(r.server.Close)
	return r
}

func (r *logRig) dial(after int64, origin string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{"Cookie": {r.cookie}}
	if origin != "" {
		h.Set("Origin", origin)
	}
	url := fmt.Sprintf("ws%s/runs/%s/socket?after=%d", strings.TrimPrefix(r.server.URL, "http"), r.runID, after)
	return websocket.DefaultDialer.Dial(url, h)
}

func (r *logRig) write() {
	r.t.Helper()
	ctx := context.Background()
	for n := 0; n < lineCount; n += 20 {
		var lines []workflows.LogLine
		for i := range 20 {
			lines = append(lines, workflows.LogLine{At: time.Now(), StepID: "a", Attempt: 1, Level: workflows.LevelOutput, Text: fmt.Sprintf("line %d", n+i+1)})
		}
		if _, err := r.db.AppendLog(ctx, r.runID, lines, nil); err != nil {
			r.t.Error(err)
		}
		r.news.Notify(engine.Topic(r.runID))
	}
	err := r.db.InTx(ctx, func(tx engine.Tx) error {
		return r.db.FinishRun(ctx, tx, r.runID, workflows.RunSucceeded, nil, time.Now())
	})
	if err != nil {
		r.t.Error(err)
	}
	r.news.Notify(engine.Topic(r.runID))
}

// frame is what a reader gets.
type frame struct {
	Lines [][]any `json:"lines"`
	Ended bool    `json:"ended"`
}

// TestEveryReaderGetsEveryLine has 200 readers on one run, beside one that
// never reads: it delays nobody.
func TestEveryReaderGetsEveryLine(t *testing.T) {
	r := newLogRig(t)
	stuck, _, err := r.dial(0, "")
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	var wg sync.WaitGroup
	for i := range readerCount {
		conn, _, err := r.dial(0, "")
		if err != nil {
			t.Fatal(err)
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer conn.Close()
			if err := readAll(conn); err != nil {
				t.Errorf("reader %d: %v", i, err)
			}
		}()
	}
	r.write()
	wg.Wait()
}

func readAll(conn *websocket.Conn) error {
	next := 1
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return err
	}
	for {
		var f frame
		if err := conn.ReadJSON(&f); err != nil {
			return fmt.Errorf("after line %d: %w", next-1, err)
		}
		for _, l := range f.Lines {
			if int(l[0].(float64)) != next || l[4] != fmt.Sprintf("line %d", next) {
				return fmt.Errorf("line %v came as %d", l, next)
			}
			next++
		}
		if f.Ended {
			if next != lineCount+1 {
				return fmt.Errorf("the end came after line %d", next-1)
			}
			return nil
		}
	}
}

func TestSocketGoesOnFromItsCursor(t *testing.T) {
	r := newLogRig(t)
	r.write()
	conn, _, err := r.dial(lineCount-5, "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var f frame
	for f.Lines == nil {
		if err := conn.ReadJSON(&f); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.Lines) != 5 || int(f.Lines[0][0].(float64)) != lineCount-4 {
		t.Errorf("got %d lines from %v", len(f.Lines), f.Lines[0][0])
	}
}

func TestSocketRefusesOtherOrigins(t *testing.T) {
	r := newLogRig(t)
	conn, res, err := r.dial(0, "https://evil.example.com")
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
	open := map[string]bool{"/healthz": true, "/setup": true, "/login": true}
	for _, r := range (&Server{}).table() {
		if r.role == public && !open[r.path] {
			t.Errorf("%s %s needs no login", r.method, r.path)
		}
		if r.method == http.MethodPost && r.role == auth.RoleViewer && r.path != "/logout" {
			t.Errorf("a viewer may POST %s", r.path)
		}
	}
}
