package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hubwright/internal/sandbox/loopback"
	"hubwright/internal/sandbox/pki"
	"hubwright/internal/sandbox/proxy"
)

type world struct {
	*proxy.Server
	ca   *pki.Authority
	seen chan string
}

func open(t *testing.T, gate func(string, int) proxy.Verdict) *world {
	t.Helper()
	ca, err := pki.Open(t.TempDir(), "root", "Test Root")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{ca: ca, seen: make(chan string, 64)}
	w.Server, err = proxy.Listen(proxy.Config{
		Addr: "127.0.0.1:0", Domains: []string{"azurestack.test"}, Gate: gate,
		Seen: func(h string, p, c int) { w.seen <- fmt.Sprintf("%s:%d=%d", h, p, c) },
		Log:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- w.Serve() }()
	t.Cleanup(func() {
		w.Close()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return w
}

func (w *world) client(t *testing.T) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.ca.PEM())
	u, _ := url.Parse(w.URL())
	tr := &http.Transport{Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func TestTerminatesKnownNames(t *testing.T) {
	w := open(t, nil)
	w.Terminate("Management.Seattle.azurestack.test", w.ca.Server, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(rw, "%s %s %s", r.Method, r.Host, b)
	}))
	c := w.client(t)
	for range 2 { // the second uses the kept connection
		resp, err := c.Post("https://management.seattle.azurestack.test/x", "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got, want := string(b), "POST management.seattle.azurestack.test hello"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := <-w.seen; got != "management.seattle.azurestack.test:443=200" {
		t.Errorf("seen %s", got)
	}
}

func TestRefusesWhatIsNotOurs(t *testing.T) {
	w := open(t, func(host string, _ int) proxy.Verdict {
		if host == "down.azurestack.test" {
			return proxy.Verdict{Status: http.StatusGatewayTimeout}
		}
		return proxy.Verdict{Drop: host == "silent.azurestack.test"}
	})
	cases := []struct{ request, status string }{
		{"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", "403"},
		{"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", "403"},
		{"CONNECT nobody.azurestack.test:443 HTTP/1.1\r\nHost: nobody.azurestack.test:443\r\n\r\n", "502"},
		{"CONNECT down.azurestack.test:443 HTTP/1.1\r\nHost: down.azurestack.test:443\r\n\r\n", "504"},
		{"CONNECT silent.azurestack.test:443 HTTP/1.1\r\nHost: silent.azurestack.test:443\r\n\r\n", ""},
		{"CONNECT nonsense HTTP/1.1\r\nHost: nonsense\r\n\r\n", "400"},
		{"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n", "403"},
		{"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "405"},
	}
	for _, c := range cases {
		conn, err := loopback.Dial(t.Context(), "tcp", w.Addr())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, c.request)
		b, _ := io.ReadAll(conn)
		conn.Close()
		_, rest, _ := strings.Cut(string(b), " ")
		if status, _, _ := strings.Cut(rest, " "); status != c.status {
			t.Errorf("%q: status %q, want %q", c.request, status, c.status)
		}
	}
	if got := w.Refused()["example.com:443"]; got != 2 {
		t.Errorf("refused %v, want example.com:443 twice", w.Refused())
	}
	if w.Refused()["nobody.azurestack.test:443"] != 0 {
		t.Errorf("a name of our own domain counts as an escape: %v", w.Refused())
	}
}

func TestTunnelsRawBytes(t *testing.T) {
	w := open(t, nil)
	ln, err := loopback.Listen("127.40.1.7:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { // speaks first, then echoes until half-close
				defer c.Close()
				io.WriteString(c, "SSH-2.0-test\r\n")
				io.Copy(c, c)
			}()
		}
	}()
	w.Tunnel("jump.seattle.cloudapp.azurestack.test", 22, func(ctx context.Context) (net.Conn, error) {
		return loopback.Dial(ctx, "tcp", ln.Addr().String())
	})
	conn, err := loopback.Dial(t.Context(), "tcp", w.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "CONNECT jump.seattle.cloudapp.azurestack.test:22 HTTP/1.1\r\nHost: x\r\n\r\nearly bytes\n")
	conn.(*net.TCPConn).CloseWrite()
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, &http.Request{Method: http.MethodConnect})
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("CONNECT: %v %v", resp, err)
	}
	b, _ := io.ReadAll(br)
	if got, want := string(b), "SSH-2.0-test\r\nearly bytes\n"; got != want {
		t.Errorf("tunnel gave %q, want %q", got, want)
	}

	w.Forget("jump.seattle.cloudapp.azurestack.test", 22)
	again, err := loopback.Dial(t.Context(), "tcp", w.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	io.WriteString(again, "CONNECT jump.seattle.cloudapp.azurestack.test:22 HTTP/1.1\r\nHost: x\r\n\r\n")
	b, _ = io.ReadAll(again)
	if !strings.HasPrefix(string(b), "HTTP/1.1 502 ") {
		t.Errorf("a forgotten tunnel answered %q", b)
	}
}

func TestListensOnLoopbackOnly(t *testing.T) {
	if s, err := proxy.Listen(proxy.Config{Addr: "0.0.0.0:0", Log: slog.New(slog.DiscardHandler)}); err == nil {
		s.Close()
		t.Error("the door opened on all interfaces")
	}
}
