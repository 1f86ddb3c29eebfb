package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hubwright/internal/auth"
	"hubwright/internal/engine"
	"hubwright/internal/live"
	"hubwright/store"
	"hubwright/workflows"
)

// logRig is a server with one run whose log grows.
type logRig struct {
	t       testing.TB
	db      *store.DB
	news    *live.Hub
	handler *Server
	server  *httptest.Server
	cookie  string
	runID   string
}

func newLogRig(t testing.TB, change func(*pace)) *logRig {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
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
	r.newRun()
	r.handler = New(Deps{Store: db, Engine: &engine.Engine{}, Auth: people, Live: r.news, Log: slog.New(slog.DiscardHandler), Clock: time.Now, PublicURL: "http://127.0.0.1"})
	if change != nil {
		change(&r.handler.pace)
	}
	r.server = httptest.NewUnstartedServer(r.handler)
	r.server.Listener = tightListener{r.server.Listener}
	r.server.Start()
	t.Cleanup(func() {
		r.handler.Close()
		r.server.Close()
	})
	return r
}

func (r *logRig) newRun() {
	r.t.Helper()
	ctx := context.Background()
	run := &workflows.Run{WorkflowID: "tiny", Title: "Do it", Status: workflows.RunQueued, Attempt: 1, CreatedBy: "ana", CreatedAt: time.Now()}
	err := r.db.InTx(ctx, func(tx engine.Tx) error { return r.db.CreateRun(ctx, tx, run, nil, []byte("{}")) })
	if err == nil {
		err = r.db.StartRun(ctx, run.ID, time.Now())
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.runID = run.ID
}

// tightListener gives connections that hold little, so that a reader that does
// not read is felt soon.
type tightListener struct{ net.Listener }

const tight = 16 << 10 // the kernel takes twice as much; the log is many times this

func (l tightListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(tight)
	}
	return c, err
}

func (r *logRig) dial(after int64, change ...func(*websocket.Dialer, http.Header)) (*websocket.Conn, *http.Response, error) {
	h := http.Header{"Cookie": {r.cookie}}
	d := websocket.Dialer{HandshakeTimeout: patience}
	for _, f := range change {
		f(&d, h)
	}
	return d.Dial(fmt.Sprintf("ws%s/runs/%s/socket?after=%d", strings.TrimPrefix(r.server.URL, "http"), r.runID, after), h)
}

func (r *logRig) connect(after int64, change ...func(*websocket.Dialer, http.Header)) *websocket.Conn {
	r.t.Helper()
	conn, _, err := r.dial(after, change...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	return conn
}

// holdsLittle is a reader whose machine holds hardly more than what it has read.
func holdsLittle(d *websocket.Dialer, _ http.Header) {
	d.NetDialContext = (&net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		failed := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, tight) })
		return errors.Join(failed, err)
	}}).DialContext
}

// readers is how many sockets the server has open.
func (r *logRig) readers() int {
	k := r.handler.sockets
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, w := range k.runs {
		n += w.readers
	}
	return n
}

func (r *logRig) awaitReaders(want int) {
	r.t.Helper()
	for late := time.Now().Add(patience); r.readers() != want; runtime.Gosched() {
		if time.Now().After(late) {
			r.t.Fatalf("%d sockets are open, want %d", r.readers(), want)
		}
	}
}

// lineText is as long as an engine's line.
func lineText(n int) string {
	return fmt.Sprintf("line %d %s", n, strings.Repeat(".", 150))
}

func (r *logRig) write() {
	r.t.Helper()
	ctx := context.Background()
	for n := 0; n < lineCount; n += batchSize {
		var lines []workflows.LogLine
		for i := range batchSize {
			lines = append(lines, workflows.LogLine{At: time.Now(), StepID: "a", Attempt: 1, Level: workflows.LevelOutput, Text: lineText(n + i + 1)})
		}
		if _, err := r.db.AppendLog(ctx, r.runID, lines, nil); err != nil {
			r.t.Error(err)
		}
		r.news.Notify(engine.Topic(r.runID))
	}
	r.finish()
}

func (r *logRig) finish() {
	r.t.Helper()
	ctx := context.Background()
	err := r.db.InTx(ctx, func(tx engine.Tx) error {
		return r.db.FinishRun(ctx, tx, r.runID, workflows.RunSucceeded, nil, time.Now())
	})
	if err != nil {
		r.t.Error(err)
	}
	r.news.Notify(engine.Topic(r.runID))
}
