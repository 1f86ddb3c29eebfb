// Package proxy is the one door of the emulated world: an HTTP CONNECT proxy
// on loopback. It terminates TLS for the names that the sandbox plays, passes
// raw bytes for registered names and ports, and refuses everything else.
package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubwright/internal/sandbox/loopback"
)

// requestTime is how long a client may take to say where it wants to go.
const requestTime = 15 * time.Second

// Dialer opens the inner side of a tunnel.
type Dialer func(ctx context.Context) (net.Conn, error)

// Verdict is what a Gate says about one CONNECT.
type Verdict struct {
	Delay  time.Duration // waited before anything else
	Status int           // answered instead of connecting, when not 0
	Drop   bool          // the connection is closed without an answer
	// Cert, when not nil, makes the certificate of a name that the door plays.
	Cert func(name string) (*tls.Certificate, error)
}

// Config are the settings of a Server.
type Config struct {
	Addr    string                                // loopback address to listen on
	Domains []string                              // our own domains: unknown names below them do not exist (502); foreign ones are refused (403)
	Gate    func(host string, port int) Verdict   // nil lets all pass
	Seen    func(host string, port int, code int) // told of every CONNECT and its answer; may be nil
	// Route finds the way to names that are not fixed, for CONNECT and for
	// plain HTTP; nil says that there is none. May be nil.
	Route func(host string, port int) Dialer
	Log   *slog.Logger
}

// Server is the door. Its methods may be called at any time from any goroutine.
type Server struct {
	cfg  Config
	ln   net.Listener
	http *http.Server
	hand *handover

	mu      sync.Mutex
	names   map[string]site
	tunnels map[string]Dialer
	refused map[string]int
	open    map[net.Conn]string // with where they lead, once they said so
	closed  bool
	wg      sync.WaitGroup
}

type site struct {
	cert    func(name string) (*tls.Certificate, error)
	handler http.Handler
}

// Listen binds the door; Serve opens it.
func Listen(cfg Config) (*Server, error) {
	ln, err := loopback.Listen(cfg.Addr)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, ln: ln, hand: newHandover(ln.Addr()),
		names: map[string]site{}, tunnels: map[string]Dialer{},
		refused: map[string]int{}, open: map[net.Conn]string{},
	}
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.dispatch),
		ReadHeaderTimeout: time.Minute,
		ConnContext:       withHost,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Addr is the address that the door listens on.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// URL is what a client sets as its HTTPS proxy.
func (s *Server) URL() string { return "http://" + s.Addr() }

// Terminate makes the door play host on port 443 with certificates of cert.
func (s *Server) Terminate(host string, cert func(string) (*tls.Certificate, error), h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[strings.ToLower(host)] = site{cert, h}
}

// Tunnel leads CONNECT host:port to dial's connection, byte by byte. A second
// call for the same name and port replaces the first.
func (s *Server) Tunnel(host string, port int, dial Dialer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tunnels[key(host, port)] = dial
}

// Forget removes a tunnel.
func (s *Server) Forget(host string, port int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tunnels, key(host, port))
}

// Refused counts the refused targets ("host:port") that are not ours: an empty
// map shows that nobody tried to leave the sandbox.
func (s *Server) Refused() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]int, len(s.refused))
	for k, v := range s.refused {
		out[k] = v
	}
	return out
}

// Serve accepts clients until Close.
func (s *Server) Serve() error {
	go s.http.Serve(s.hand)
	for {
		c, err := s.ln.Accept()
		if err != nil {
			if s.isClosed() {
				return nil
			}
			return err
		}
		if !s.track(c) {
			c.Close()
			return nil
		}
		go func() {
			defer s.wg.Done()
			s.meet(c)
		}()
	}
}

// Close ends the door, its tunnels and its connections.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.hand.Close()
	err := s.ln.Close()
	err = errors.Join(err, s.http.Close())
	s.wg.Wait()
	return err
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// track counts a connection in; the caller's goroutine must call wg.Done.
func (s *Server) track(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.open[c] = ""
	s.wg.Add(1)
	return true
}

func (s *Server) leads(c net.Conn, where string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.open[c]; ok {
		s.open[c] = where
	}
}

// Cut breaks the connections that lead to a "host:port" which match likes, and
// says how many there were.
func (s *Server) Cut(match func(where string) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for c, where := range s.open {
		if where != "" && match(where) {
			c.Close()
			n++
		}
	}
	return n
}

func (s *Server) forgetConn(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// meet reads one client's first request and leads it where it wants to go.
func (s *Server) meet(c net.Conn) {
	kept := false
	defer func() {
		if !kept {
			s.forgetConn(c)
		}
	}()
	br := bufio.NewReader(c)
	c.SetReadDeadline(time.Now().Add(requestTime))
	req, err := http.ReadRequest(br)
	if err != nil {
		c.Close()
		return
	}
	c.SetReadDeadline(time.Time{})
	if req.Method != http.MethodConnect {
		s.plain(c, req)
		return
	}
	host, portText, err := net.SplitHostPort(req.Host)
	port, perr := strconv.Atoi(portText)
	if err != nil || perr != nil {
		say(c, http.StatusBadRequest, "CONNECT needs host:port, got "+strconv.Quote(req.Host))
		return
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	s.leads(c, key(host, port))
	var v Verdict
	if s.cfg.Gate != nil {
		v = s.cfg.Gate(host, port)
		if v.Delay > 0 && !s.hand.wait(v.Delay) {
			c.Close()
			return
		}
		if v.Drop {
			s.seen(host, port, 0)
			c.Close()
			return
		}
		if v.Status != 0 {
			s.seen(host, port, v.Status)
			say(c, v.Status, "cannot reach "+req.Host)
			return
		}
	}
	kept = s.connect(c, br, host, port, v.Cert)
}

// connect leads a client on. It says whether the connection lives on, and will
// be forgotten when it is closed.
func (s *Server) connect(c net.Conn, br *bufio.Reader, host string, port int, cert func(string) (*tls.Certificate, error)) bool {
	s.mu.Lock()
	page, terminated := s.names[host]
	if cert != nil {
		page.cert = cert
	}
	dial := s.tunnels[key(host, port)]
	s.mu.Unlock()
	if dial == nil && !terminated {
		dial = s.route(host, port)
	}
	switch {
	case dial != nil:
		s.tunnel(c, br, host, port, dial)
	case terminated && port == 443:
		s.seen(host, port, http.StatusOK)
		s.terminate(c, br, host, page)
		return true
	case terminated || s.ours(host):
		s.seen(host, port, http.StatusBadGateway)
		say(c, http.StatusBadGateway, fmt.Sprintf("%s: no such name, or nothing listens on port %d", host, port))
	default:
		s.mu.Lock()
		s.refused[key(host, port)]++
		s.mu.Unlock()
		s.cfg.Log.Warn("refused to leave the sandbox", "host", host, "port", port)
		s.seen(host, port, http.StatusForbidden)
		say(c, http.StatusForbidden, host+" is not part of the sandbox, and nothing of it leaves loopback")
	}
	return false
}

func (s *Server) terminate(c net.Conn, br *bufio.Reader, host string, page site) {
	inner := &guest{Conn: c, r: br, host: host, gone: func() { s.forgetConn(c) }}
	if _, err := io.WriteString(c, established); err != nil {
		inner.Close()
		return
	}
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return page.cert(host)
		},
	}
	if !s.hand.give(tls.Server(inner, cfg)) {
		inner.Close()
	}
}

func (s *Server) tunnel(c net.Conn, br *bufio.Reader, host string, port int, dial Dialer) {
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	far, err := dial(ctx)
	if err != nil {
		s.seen(host, port, http.StatusBadGateway)
		say(c, http.StatusBadGateway, fmt.Sprintf("%s:%d does not answer: %v", host, port, err))
		return
	}
	defer far.Close()
	s.seen(host, port, http.StatusOK)
	if _, err := io.WriteString(c, established); err != nil {
		return
	}
	pipe(&guest{Conn: c, r: br}, far)
}

func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	host, _ := r.Context().Value(hostKey{}).(string)
	s.mu.Lock()
	page, ok := s.names[host]
	s.mu.Unlock()
	if !ok {
		http.Error(w, "misdirected request", http.StatusMisdirectedRequest)
		return
	}
	page.handler.ServeHTTP(w, r)
}

func (s *Server) route(host string, port int) Dialer {
	if s.cfg.Route == nil {
		return nil
	}
	return s.cfg.Route(host, port)
}

func (s *Server) ours(host string) bool {
	for _, d := range s.cfg.Domains {
		if host == d || strings.HasSuffix(host, "."+d) {
			return true
		}
	}
	return false
}

func (s *Server) seen(host string, port, code int) {
	if s.cfg.Seen != nil {
		s.cfg.Seen(host, port, code)
	}
}

func key(host string, port int) string {
	return net.JoinHostPort(strings.ToLower(host), strconv.Itoa(port))
}
