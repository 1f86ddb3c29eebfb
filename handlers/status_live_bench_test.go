package handlers

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hubwright/internal/auth"
	"hubwright/internal/live"
	"hubwright/internal/monitor"
)

const (
	liveViewers  = 1000
	watchedFor   = 20 * time.Second // of each way
	probesAMoved = 100              // a probe in so many finds something new
)

// BenchmarkThousandViewers has a thousand people look at the page of 20
// Deployments on 40 Sites while the clusters are probed once a minute each: by
// the socket, and by asking for the part that changes every ten seconds, as
// the page does when no socket gets through. The readers are in the same
// process and do nothing with what they get; what they cost is in the numbers
// of both.
func BenchmarkThousandViewers(b *testing.B) {
	for _, way := range []struct {
		name string
		view func(r *statusRig, addr string, stop chan struct{}, got *atomic.Int64, n int)
	}{{"live", viewLive}, {"polled", viewPolled}} {
		b.Run(way.name, func(b *testing.B) {
			var cpu, wall time.Duration
			var bytesSent, messages int64
			var memory uint64
			for b.Loop() {
				r := newStatusRig(b)
				r.fill()
				server := httptest.NewServer(r.handler)
				before := inUse()
				var got atomic.Int64
				stop := make(chan struct{})
				var readers sync.WaitGroup
				for n := range liveViewers {
					readers.Go(func() { way.view(r, server.Listener.Addr().String(), stop, &got, n) })
				}
				r.arrived(way.name == "live")
				memory = max(memory, inUse()-min(before, inUse()))
				begunCPU, begun, sent := cpuTime(), time.Now(), got.Load()
				messages += r.probeFor(watchedFor)
				cpu, wall = cpu+cpuTime()-begunCPU, wall+time.Since(begun)
				bytesSent += got.Load() - sent
				close(stop)
				r.handler.Close()
				readers.Wait()
				server.Close()
			}
			b.ReportMetric(100*cpu.Seconds()/wall.Seconds(), "%-of-a-core")
			b.ReportMetric(float64(memory)/1e6, "MB-for-viewers")
			b.ReportMetric(float64(bytesSent)/wall.Seconds()/1e6, "MB/s-sent")
			b.ReportMetric(float64(messages)/wall.Seconds(), "probes/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// arrived waits until all watch.
func (r *statusRig) arrived(sockets bool) {
	late := time.Now().Add(patience)
	for sockets {
		r.handler.views.mu.Lock()
		v := r.handler.views.all[look{}]
		there := v != nil && v.watchers == liveViewers
		r.handler.views.mu.Unlock()
		if there {
			break
		}
		if time.Now().After(late) {
			r.t.Fatal("not all viewers came")
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(2 * time.Second) // the first page of each
}

// probeFor probes each of forty Sites once a minute, as the Monitor does.
func (r *statusRig) probeFor(d time.Duration) (probes int64) {
	begun := time.Now()
	tick := time.NewTicker(time.Minute / time.Duration(len(r.sites)))
	defer tick.Stop()
	for i := 0; time.Since(begun) < d; i++ {
		<-tick.C
		r.later(time.Minute / time.Duration(len(r.sites)))
		health := monitor.Up
		if i%probesAMoved == 7 {
			health = monitor.Degraded
		}
		r.probeSite(i%len(r.sites), health)
		r.news.Notify(live.Status)
		probes++
	}
	return probes
}

// probeSite finds nothing but another health.
func (r *statusRig) probeSite(i int, health monitor.Health) {
	r.t.Helper()
	id := r.sites[i].ID
	p := monitor.Probe{SiteID: id, ClusterID: "clu_" + id, At: r.now, Health: health, Ready: 6, Want: 6, Version: "1.33.10", CertificateEnds: r.now.Truncate(24*time.Hour).AddDate(1, 0, 0)}
	if health != monitor.Up {
		p.Ready = 5
	}
	r.ok(r.db.SaveProbe(context.Background(), p))
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// viewLive is a socket whose bytes are counted and thrown away.
func viewLive(r *statusRig, addr string, stop chan struct{}, got *atomic.Int64, _ int) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		r.t.Error(err)
		return
	}
	go func() { <-stop; conn.Close() }()
	_, _ = io.WriteString(conn, "GET /status/socket HTTP/1.1\r\nHost: "+addr+"\r\nCookie: "+r.cookies[auth.RoleViewer]+
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\r\n")
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		got.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// viewPolled asks every ten seconds over a connection that it keeps.
func viewPolled(r *statusRig, addr string, stop chan struct{}, got *atomic.Int64, n int) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		r.t.Error(err)
		return
	}
	go func() { <-stop; conn.Close() }()
	in := bufio.NewReader(conn)
	ask := []byte("GET /status HTTP/1.1\r\nHost: " + addr + "\r\nCookie: " + r.cookies[auth.RoleViewer] + "\r\nHX-Request: true\r\nAccept-Encoding: gzip\r\n\r\n")
	first := time.NewTimer(time.Duration(n) * 10 * time.Second / liveViewers)
	defer first.Stop()
	select {
	case <-first.C:
	case <-stop:
		return
	}
	again := time.NewTicker(10 * time.Second)
	defer again.Stop()
	for {
		if _, err := conn.Write(ask); err != nil {
			return
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return
		}
		size, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		got.Add(size)
		if err != nil {
			return
		}
		select {
		case <-again.C:
		case <-stop:
			return
		}
	}
}

// A viewer that asks for compressed messages gets the same bytes as the others.
func TestSocketsAreCompressedOnce(t *testing.T) {
	r := newStatusRig(t)
	r.fill()
	server := r.serve()
	var got atomic.Int64
	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() { viewLive(r, server.Listener.Addr().String(), stop, &got, 0) })
	for late := time.Now().Add(patience); got.Load() < 3000; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("nothing came")
		}
	}
	page := r.get(auth.RoleViewer, "/status", asFragment)
	close(stop)
	readers.Wait()
	if n := int(got.Load()); n > len(page)/3 {
		t.Errorf("%d bytes for a page of %d", n, len(page))
	}
	if bytes.Contains([]byte(page), []byte("hubwright_session")) || !strings.Contains(page, "part-") {
		t.Error("the page is not what is watched")
	}
}
