package audit

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// place is a Sink that can be away.
type place struct {
	mu   sync.Mutex
	away bool
	got  []int64
}

func (*place) Name() string  { return "place" }
func (*place) Where() string { return "there" }

func (p *place) Send(_ context.Context, c Checkpoint) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away {
		return errors.New("nobody is there")
	}
	p.got = append(p.got, c.Seq)
	return nil
}

func (p *place) set(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
}

func courier(t *testing.T, path string, all []Checkpoint, s Sink) *Courier {
	t.Helper()
	c, err := NewCourier(path, all, []Sink{s}, func() time.Time { return time.Unix(100, 0) }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatASinkDidNotTakeWaits(t *testing.T) {
	path, p := filepath.Join(t.TempDir(), "sent"), &place{}
	c := courier(t, path, []Checkpoint{{Seq: 1}, {Seq: 2}}, p)
	c.Flush(t.Context()) // a new Sink needs the newest alone
	p.set(true)
	c.Add(Checkpoint{Seq: 3})
	c.Add(Checkpoint{Seq: 4})
	c.Flush(t.Context())
	s := c.Status()[0]
	if s.SentSeq != 2 || s.Waiting != 2 || s.FailingFrom.IsZero() || s.Err == nil {
		t.Errorf("away: %+v", s)
	}
	p.set(false)
	again := courier(t, path, []Checkpoint{{Seq: 1}, {Seq: 2}, {Seq: 3}, {Seq: 4}}, p) // after a restart
	again.Flush(t.Context())
	if diff := cmp.Diff([]int64{2, 3, 4}, p.got); diff != "" {
		t.Error(diff)
	}
	if s := again.Status()[0]; s.SentSeq != 4 || s.Waiting != 0 || !s.FailingFrom.IsZero() || s.Err != nil {
		t.Errorf("back: %+v", s)
	}
	c.Flush(t.Context())
	if s := c.Status()[0]; s.Waiting != 0 || !s.FailingFrom.IsZero() {
		t.Errorf("tried again: %+v", s)
	}
}

func TestASinkThatStaysAwayCostsNoMemory(t *testing.T) {
	p := &place{away: true}
	c := courier(t, filepath.Join(t.TempDir(), "sent"), nil, p)
	for i := range mostWait + 10 {
		c.Add(Checkpoint{Seq: int64(i + 1)})
	}
	if s := c.Status()[0]; s.Waiting != mostWait {
		t.Errorf("%d wait", s.Waiting)
	}
	p.set(false)
	c.Flush(t.Context())
	if len(p.got) != mostWait || p.got[mostWait-1] != mostWait+10 {
		t.Errorf("%d came, the last is %d", len(p.got), p.got[len(p.got)-1])
	}
}

// Run sends what comes while it goes on.
func TestTheCourierRuns(t *testing.T) {
	p := &place{}
	c := courier(t, filepath.Join(t.TempDir(), "sent"), nil, p)
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { c.Run(ctx) })
	c.Add(Checkpoint{Seq: 7})
	for late := time.After(30 * time.Second); c.Status()[0].SentSeq != 7; {
		select {
		case <-late:
			t.Fatalf("%+v", c.Status())
		case <-time.After(time.Millisecond):
		}
	}
	stop()
	work.Wait()
}

// listener takes one message and gives it as it came.
func listener(t *testing.T, l net.Listener, framed bool) <-chan string {
	t.Helper()
	out := make(chan string, 1)
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		length, err := r.ReadString(' ')
		n, nerr := strconv.Atoi(strings.TrimSpace(length))
		if err != nil || nerr != nil || !framed {
			return
		}
		msg := make([]byte, n)
		if _, err := io.ReadFull(r, msg); err == nil {
			out <- string(msg)
		}
	}()
	return out
}

func signed(t *testing.T) (Checkpoint, string, ed25519.PublicKey) {
	t.Helper()
	key, err := SigningKey(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "book")
	b, err := OpenBook(path, key)
	if err != nil {
		t.Fatal(err)
	}
	c, wrote, err := b.Write(t.Context(), newRecord(3), time.Unix(1763888400, 0))
	if err != nil || !wrote {
		t.Fatal(wrote, err)
	}
	return c, path, key.Public().(ed25519.PublicKey)
}

// What a syslog server kept is a book of checkpoints to verify with.
func checkMessage(t *testing.T, msg string, want Checkpoint, pub ed25519.PublicKey) {
	t.Helper()
	head, _, _ := strings.Cut(msg, "{")
	f := strings.Fields(head)
	if len(f) != 7 || f[0] != "<110>1" || f[1] != "2025-11-23T09:00:00Z" || f[3] != "hubwright" || f[5] != "audit-checkpoint" || f[6] != "-" {
		t.Errorf("head %q", head)
	}
	kept := filepath.Join(t.TempDir(), "syslog")
	if err := os.WriteFile(kept, []byte(msg+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := ReadBook(kept)
	if err != nil || len(all) != 1 || all[0] != want {
		t.Fatalf("%+v, %v", all, err)
	}
	wrong, err := CheckBook(t.Context(), all, pub, hashes{want.Seq: want.Hash})
	if err != nil || len(wrong) > 0 {
		t.Errorf("%q, %v", wrong, err)
	}
}

type hashes map[int64]string

func (h hashes) AuditHash(_ context.Context, seq int64) (string, error) { return h[seq], nil }

func TestSyslog(t *testing.T) {
	c, _, pub := signed(t)
	send := func(t *testing.T, address string, roots *x509.CertPool) {
		t.Helper()
		s, err := NewSyslog(address, roots)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("tcp", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		got := listener(t, l, true)
		send(t, "tcp://"+l.Addr().String(), nil)
		checkMessage(t, <-got, c, pub)
	})
	t.Run("tls", func(t *testing.T) {
		web := httptest.NewUnstartedServer(nil)
		web.StartTLS()
		defer web.Close()
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(web.Certificate())
		got := listener(t, l, true)
		send(t, "tls://"+l.Addr().String(), roots)
		checkMessage(t, <-got, c, pub)
		other, err := NewSyslog("tls://"+l.Addr().String(), x509.NewCertPool())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if conn, err := l.Accept(); err == nil {
				_, _ = conn.Read(make([]byte, 1))
				conn.Close()
			}
		}()
		if err := other.Send(t.Context(), c); err == nil {
			t.Error("a certificate of somebody unknown was believed")
		}
	})
	t.Run("udp", func(t *testing.T) {
		l, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		send(t, "udp://"+l.LocalAddr().String(), nil)
		buf := make([]byte, 2048)
		n, _, err := l.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		checkMessage(t, string(buf[:n]), c, pub)
	})
	for _, bad := range []string{"", "log.example.com", "http://log.example.com", "tcp://", "tcp://a/b", "tcp://u:p@a"} {
		if _, err := NewSyslog(bad, nil); err == nil {
			t.Errorf("%q is an address", bad)
		}
	}
	if s, err := NewSyslog("tls://log.example.com", nil); err != nil || s.Where() != "tls://log.example.com:6514" {
		t.Errorf("%v, %v", s, err)
	}
}

func TestWebhook(t *testing.T) {
	c, _, _ := signed(t)
	status := http.StatusNoContent
	var got Checkpoint
	var auth string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth = r.Header.Get("Authorization")
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.Method != http.MethodPost {
			status = http.StatusBadRequest
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer srv.Close()
	h, err := NewWebhook(srv.URL+"/in?key=secret", "t0ken", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Send(t.Context(), c); err != nil || got != c || auth != "Bearer t0ken" {
		t.Errorf("%v, %+v with %q", err, got, auth)
	}
	for _, refused := range []int{http.StatusForbidden, http.StatusFound, http.StatusServiceUnavailable} {
		status = refused
		var r *Refused
		if err := h.Send(t.Context(), c); !errors.As(err, &r) || !strings.Contains(r.Status, strconv.Itoa(refused)) {
			t.Errorf("%d: %v", refused, err)
		}
	}
	srv.Close()
	if err := h.Send(t.Context(), c); err == nil || strings.Contains(err.Error()+h.Where(), "secret") {
		t.Errorf("nobody there: %v", err)
	}
	for _, bad := range []string{"", "ftp://a", "https://u:p@a/b", "a"} {
		if _, err := NewWebhook(bad, "", nil); err == nil {
			t.Errorf("%q is an address", bad)
		}
	}
}
