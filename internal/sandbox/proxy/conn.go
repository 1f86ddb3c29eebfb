package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const established = "HTTP/1.1 200 Connection established\r\n\r\n"

type hostKey struct{}

// guest is a client's connection after CONNECT: what was read ahead comes
// first, and it knows which name was asked for.
type guest struct {
	net.Conn
	r    io.Reader
	host string
	gone func() // told when it is closed; may be nil
}

func (g *guest) Close() error {
	if g.gone != nil {
		g.gone()
	}
	return g.Conn.Close()
}

func (g *guest) Read(p []byte) (int, error) { return g.r.Read(p) }

// CloseWrite passes a half-close on, where the connection can do it.
func (g *guest) CloseWrite() error { return closeWrite(g.Conn) }

func withHost(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		if g, ok := t.NetConn().(*guest); ok {
			return context.WithValue(ctx, hostKey{}, g.host)
		}
	}
	return ctx
}

// handover is a listener that is fed by the door.
type handover struct {
	addr net.Addr
	c    chan net.Conn
	done chan struct{}
	once sync.Once
}

func newHandover(addr net.Addr) *handover {
	return &handover{addr: addr, c: make(chan net.Conn), done: make(chan struct{})}
}

func (h *handover) give(c net.Conn) bool {
	select {
	case h.c <- c:
		return true
	case <-h.done:
		return false
	}
}

// wait answers true after d, and false at once when the door is closed.
func (h *handover) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-h.done:
		return false
	}
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.c:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handover) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (h *handover) Addr() net.Addr { return h.addr }

// pipe copies both ways until both sides have ended.
func pipe(a, b net.Conn) {
	var wg sync.WaitGroup
	one := func(dst, src net.Conn) {
		defer wg.Done()
		io.Copy(dst, src)
		if closeWrite(dst) != nil {
			dst.Close()
		}
	}
	wg.Add(2)
	go one(a, b)
	go one(b, a)
	wg.Wait()
}

func closeWrite(c net.Conn) error {
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return c.Close()
}

// explain answers those who take the door for an ordinary server or proxy.
func (s *Server) explain(c net.Conn, req *http.Request) {
	if req.URL.IsAbs() {
		s.mu.Lock()
		if !s.ours(req.URL.Hostname()) {
			s.refused[req.URL.Host]++
		}
		s.mu.Unlock()
		say(c, http.StatusForbidden, "This proxy only answers CONNECT, and nothing of the sandbox leaves loopback. Use https.")
		return
	}
	say(c, http.StatusMethodNotAllowed,
		"This is the sandbox's door, an HTTPS proxy. Set HTTPS_PROXY=http://"+s.Addr()+" and ask for a name of the sandbox.")
}

func say(c net.Conn, code int, text string) {
	defer c.Close()
	extra := ""
	if code == http.StatusMethodNotAllowed {
		extra = "Allow: CONNECT\r\n"
	}
	text += "\n"
	fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n%sConnection: close\r\n\r\n%s",
		code, http.StatusText(code), len(text), extra, text)
}
