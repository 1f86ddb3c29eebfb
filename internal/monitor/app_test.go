package monitor

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hubwright/workflows"
)

// answering is an application that answers as its path says, and its Endpoint.
func answering(t *testing.T, useTLS bool) (workflows.Endpoint, *int) {
	t.Helper()
	followed := 0
	h := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/away":
			http.Redirect(w, q, "/elsewhere", http.StatusFound)
		case "/elsewhere":
			followed++
		case "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/closed":
			w.WriteHeader(http.StatusForbidden)
		case "/cut":
			panic(http.ErrAbortHandler)
		default:
			if q.Host != "ratings.example.org" {
				w.WriteHeader(http.StatusNotFound)
			}
		}
	})
	s := httptest.NewUnstartedServer(h)
	if useTLS {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	at := netip.MustParseAddrPort(s.Listener.Addr().String())
	return workflows.Endpoint{SiteID: "site_1", Address: at.Addr().String(), Host: "ratings.example.org", Port: int(at.Port()), TLS: useTLS, Path: "/"}, &followed
}

func TestApplicationsAreAsked(t *testing.T) {
	for _, useTLS := range []bool{false, true} {
		e, followed := answering(t, useTLS)
		for path, want := range map[string]AppProbe{
			"/":       {Health: Up, Status: 200},
			"/away":   {Health: Up, Status: 302},
			"/broken": {Health: Down, Status: 503, Problem: "It answered 503"},
			"/closed": {Health: Degraded, Status: 403, Problem: "It answered 403"},
			"/cut":    {Health: Down, Problem: "It cut the connection"},
		} {
			e.Path = path
			s, err := AskApp(t.Context(), e, "")
			why := ""
			if err != nil {
				why = err.Error()
			}
			p := judgeApp(e, s, why, noon)
			if p.Health != want.Health || p.Status != want.Status || p.Problem != want.Problem {
				t.Errorf("TLS %v, %s: %+v", useTLS, path, p)
			}
			if got := !p.CertificateEnds.IsZero(); got != (useTLS && p.Status > 0) {
				t.Errorf("TLS %v, %s: its certificate ends %s", useTLS, path, p.CertificateEnds)
			}
		}
		if *followed > 0 {
			t.Error("a redirect was followed")
		}
	}
}

// Plain HTTP goes through the Stack's proxy with CONNECT as well.
func TestApplicationBehindAProxy(t *testing.T) {
	e, _ := answering(t, false)
	target := net.JoinHostPort(e.Address, "0")
	target = target[:len(target)-1]
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method != http.MethodConnect || q.Host[:len(target)] != target {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		up, err := net.Dial("tcp", q.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer up.Close()
		down, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer down.Close()
		_, _ = down.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		buf := make([]byte, 4096)
		n, _ := down.Read(buf)
		_, _ = up.Write(buf[:n])
		n, _ = up.Read(buf)
		_, _ = down.Write(buf[:n])
	}))
	t.Cleanup(proxy.Close)
	if s, err := AskApp(t.Context(), e, proxy.URL); err != nil || s.Status != 200 {
		t.Errorf("through the proxy: %+v %v", s, err)
	}
	e.Address = "127.9.9.9"
	if _, err := AskApp(t.Context(), e, proxy.URL); err == nil || err.Error() != "The Stack's proxy found no way to it" {
		t.Errorf("an address that the proxy refuses: %v", err)
	}
}

// An application that hangs delays no cluster and no other application, and is
// not asked twice at once.
func TestHangingApplicationDelaysOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forever := make(chan struct{})
		var asked atomic.Int32
		r := &rig{clusters: []workflows.Cluster{made(0)}, saved: map[string][]Probe{}, ask: well,
			apps: []workflows.Endpoint{{SiteID: "site_0"}, {SiteID: "site_9"}}}
		r.askApp = func(ctx context.Context, e workflows.Endpoint) (AppSample, error) {
			if e.SiteID == "site_0" {
				return AppSample{Status: 200}, nil
			}
			asked.Add(1)
			<-forever // deaf
			return AppSample{}, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		m := New(Config{Records: r, Ask: r.ask, AskApp: r.askApp, Saved: func() {}, Words: error.Error, Every: every, Limit: limit, Clock: time.Now})
		ended := make(chan struct{})
		go func() { defer close(ended); m.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		cancel()
		<-ended
		close(forever)
		by := map[string][]AppProbe{}
		for _, p := range r.savedApp {
			by[p.SiteID] = append(by[p.SiteID], p)
		}
		if len(r.of("site_0")) < 9 || len(by["site_0"]) < 9 || by["site_0"][0].Health != Up {
			t.Errorf("the others: %d, %d", len(r.of("site_0")), len(by["site_0"]))
		}
		hung := by["site_9"]
		if asked.Load() != 1 || len(hung) != 1 || hung[0].Health != Down || hung[0].Problem != "It did not answer within 10s" {
			t.Errorf("asked %d times: %+v", asked.Load(), hung)
		}
	})
}

// How Sites stand behind a name is asked like everything else: who does not
// answer is not known, and delays nobody.
func TestNamesAreAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{saved: map[string][]Probe{}, names: []workflows.TrafficProfile{{DeploymentID: "dep_1"}, {DeploymentID: "dep_2"}, {DeploymentID: "dep_3"}}}
		ctx, cancel := context.WithCancel(t.Context())
		var known Rotations
		m := New(Config{Records: r, Saved: func() {}, Words: error.Error, Every: every, Limit: limit, Clock: time.Now, Rotations: &known,
			AskName: func(ctx context.Context, dep string) ([]workflows.SiteRotation, error) {
				switch dep {
				case "dep_1":
					return []workflows.SiteRotation{{SiteID: "site_1", InRotation: true, Health: workflows.SiteOnline}}, nil
				case "dep_2":
					return nil, errors.New("the login was refused")
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}})
		ended := make(chan struct{})
		go func() { defer close(ended); m.Run(ctx) }()
		time.Sleep(3 * time.Minute)
		cancel()
		<-ended
		a, _ := known.Of("dep_1")
		b, _ := known.Of("dep_2")
		c, _ := known.Of("dep_3")
		if !a.Sites["site_1"].InRotation || time.Since(a.At) > 2*every || b.Problem != "the login was refused" || c.Problem != "It did not answer within 10s" {
			t.Errorf("%+v\n%+v\n%+v", a, b, c)
		}
	})
}

// Histories of the first format are read as they were.
func TestFirstFormatIsRead(t *testing.T) {
	b := []byte{firstFormat}
	b = append(b, 0x90, 0xa4, 0x02) // some day
	b = append(b, 1, 5, 0, 2, 0, 1, 1)
	b = append(b, 0, 0)
	var h History
	if err := h.UnmarshalBinary(b); err != nil || len(h.days.slots) != 1 || h.days.slots[0] != (Counts{Up: 5, Degraded: 2, Down: 257}) {
		t.Errorf("%+v %v", h, err)
	}
	if err := h.UnmarshalBinary(b[:7]); !errors.Is(err, errHistory) {
		t.Errorf("a damaged one: %v", err)
	}
}
