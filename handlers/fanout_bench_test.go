package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hubwright/internal/engine"
	"hubwright/internal/redact"
	"hubwright/workflows"
)

const (
	fanoutLines = 40_000
	fanoutBatch = 500 // 64 KiB, as the log's writer stores them when they come fast
	slowLines   = 4_000
)

// BenchmarkFanout masks, stores and sends lines to 200 readers through the
// product, and says how that compares, in the same process, with only sending
// them (a raw gorilla broadcast of the same JSON) and with one commit a line.
func BenchmarkFanout(b *testing.B) {
	r := newLogRig(b, nil)
	r.roomy()
	raw := newRawBroadcast(b)
	var product, oneByOne, only time.Duration
	rounds := 0
	for b.Loop() {
		for range 3 { // in turns, so that a busy machine is busy for all
			product += r.fanOut(fanoutLines, fanoutBatch)
			oneByOne += r.fanOut(slowLines, 1)
			only += raw.fanOut(fanoutLines, fanoutBatch)
			rounds++
		}
	}
	rate := func(lines int, d time.Duration) float64 { return float64(lines*rounds) / d.Seconds() }
	ours := rate(fanoutLines, product)
	b.ReportMetric(ours, "lines/s")
	b.ReportMetric(ours*readerCount, "lines-delivered/s")
	b.ReportMetric(ours/rate(fanoutLines, only), "x-raw-broadcast")
	b.ReportMetric(ours/rate(slowLines, oneByOne), "x-one-commit-a-line")
	b.ReportMetric(0, "ns/op") // an operation is several measurements
}

// roomy takes the tight connections away.
func (r *logRig) roomy() {
	server := httptest.NewServer(r.handler)
	r.t.Cleanup(server.Close)
	r.server = server
}

func benchBatch(from, n int) []workflows.LogLine {
	out := make([]workflows.LogLine, n)
	for i := range out {
		out[i] = workflows.LogLine{N: int64(from + i + 1), At: time.Now(), StepID: "deploy", Attempt: 1, Level: workflows.LevelOutput,
			Text: fmt.Sprintf("\x1b[36mINFO\x1b[0m[%04d] Deployment operation %d of 41: Microsoft.Compute/virtualMachines k8s-linuxpool-12345678-%d Running", from+i, i%41, i%6)}
	}
	return out
}

// fanOut is how long a new run of so many lines takes from the first line to
// the last reader's end.
func (r *logRig) fanOut(lines, batch int) time.Duration {
	r.t.Helper()
	r.newRun()
	masker := redact.New()
	masker.Add("Pr1ncipal-s3cret-of-the-bench")
	var readers sync.WaitGroup
	for range readerCount {
		conn, _, err := r.dial(0)
		if err != nil {
			r.t.Fatal(err)
		}
		readers.Go(func() { drain(r.t, conn, []byte(`{"ended`)) })
	}
	begun := time.Now()
	for n := 0; n < lines; n += batch {
		part := benchBatch(n, batch)
		for i := range part {
			part[i].Text = masker.Mask(part[i].Text)
		}
		if _, err := r.db.AppendLog(context.Background(), r.runID, part, nil); err != nil {
			r.t.Fatal(err)
		}
		r.news.Notify(engine.Topic(r.runID))
	}
	r.finish()
	readers.Wait()
	return time.Since(begun)
}

// drain reads until a message that begins with last.
func drain(t testing.TB, conn *websocket.Conn, last []byte) {
	defer conn.Close()
	head := make([]byte, len(last))
	for {
		_, message, err := conn.NextReader()
		if err == nil {
			_, err = io.ReadFull(message, head)
		}
		if err == nil {
			_, err = io.Copy(io.Discard, message)
		}
		if err != nil {
			t.Error(err)
			return
		}
		if bytes.Equal(head, last) {
			return
		}
	}
}

// rawBroadcast sends what it is given to all its sockets, and does nothing
// else.
type rawBroadcast struct {
	t      testing.TB
	server *httptest.Server
	joined chan chan []byte
}

func newRawBroadcast(t testing.TB) *rawBroadcast {
	raw := &rawBroadcast{t: t, joined: make(chan chan []byte)}
	raw.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		up := websocket.Upgrader{}
		conn, err := up.Upgrade(w, q, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		messages := make(chan []byte, 64)
		raw.joined <- messages
		for m := range messages {
			if conn.WriteMessage(websocket.TextMessage, m) != nil {
				return
			}
		}
	}))
	t.Cleanup(raw.server.Close)
	return raw
}

func (raw *rawBroadcast) fanOut(lines, batch int) time.Duration {
	var readers sync.WaitGroup
	var sockets []chan []byte
	for range readerCount {
		conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(raw.server.URL, "http"), nil)
		if err != nil {
			raw.t.Fatal(err)
		}
		sockets = append(sockets, <-raw.joined)
		readers.Go(func() { drain(raw.t, conn, []byte(`{"ended`)) })
	}
	send := func(v any) {
		m, err := json.Marshal(v)
		if err != nil {
			raw.t.Fatal(err)
		}
		for _, s := range sockets {
			s <- m
		}
	}
	begun := time.Now()
	for n := 0; n < lines; n += batch {
		send(map[string]any{"lines": wire(benchBatch(n, batch))})
	}
	send(map[string]any{"ended": true})
	readers.Wait()
	took := time.Since(begun)
	for _, s := range sockets {
		close(s)
	}
	return took
}
