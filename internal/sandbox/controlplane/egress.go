package controlplane

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// kubeletPort is where kubelets listen, so the only port that kube-apiserver has a reason to dial on a node.
const kubeletPort = "10250"

// Dial is one connection that kube-apiserver wanted to make.
type Dial struct {
	Time   time.Time
	Target string // host:port as kube-apiserver named it
	// To is where it was led instead, "" when it was refused.
	To string
}

// egress is the HTTP CONNECT proxy that kube-apiserver must use for everything but etcd. It listens on a unix socket,
// leads every kubelet to kwok, the metrics server to ours, and refuses all else, because behind a Service, a pod or a webhook's URL there is only an
// address off loopback.
type egress struct {
	listener net.Listener
	socket   string
	routes   map[string]string // from host:port, or from a port anywhere, to host:port
	log      func(format string, args ...any)

	mu    sync.Mutex
	dials []Dial
	open  map[net.Conn]bool
	wg    sync.WaitGroup
}

// keptDials bounds the memory of dials: the availability checks of one broken APIService alone make one a second.
const keptDials = 1000

const shortPrefix = "hw-egress-"

// startEgress listens in the cluster's folder, or elsewhere where that path is too long for a socket.
func startEgress(dir string, routes map[string]string, log func(string, ...any)) (*egress, error) {
	socket := filepath.Join(dir, "egress.sock")
	if len(socket) > 100 { // sockaddr_un holds 107 bytes
		memory := filepath.Join(dir, "egress.folder")
		if left, err := os.ReadFile(memory); err == nil && strings.HasPrefix(filepath.Base(string(left)), shortPrefix) {
			_ = os.RemoveAll(string(left)) // by a killed process
		}
		short, err := os.MkdirTemp("", shortPrefix)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(memory, []byte(short), 0o600)); err != nil {
			return nil, err
		}
		socket = filepath.Join(short, "s")
	}
	_ = os.Remove(socket) // left by a killed process
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("the egress proxy: %w", err)
	}
	e := &egress{listener: listener, socket: socket, routes: routes, log: log, open: map[net.Conn]bool{}}
	e.wg.Add(1)
	go e.accept()
	return e, nil
}

func (e *egress) accept() {
	defer e.wg.Done()
	for {
		conn, err := e.listener.Accept()
		if err != nil {
			return
		}
		if !e.track(conn) {
			conn.Close()
			return
		}
		go func() {
			defer e.wg.Done()
			defer e.untrack(conn)
			e.serve(conn)
		}()
	}
}

// track counts a connection so that close can end it; false after close.
func (e *egress) track(conn net.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open == nil {
		return false
	}
	e.open[conn] = true
	e.wg.Add(1)
	return true
}

func (e *egress) untrack(conn net.Conn) {
	conn.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.open, conn)
}

// serve answers one CONNECT.
func (e *egress) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	request, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	to := ""
	if request.Method == http.MethodConnect {
		to = e.route(request.Host)
	}
	e.note(Dial{Time: time.Now(), Target: request.Host, To: to})
	if to == "" {
		refuse(conn)
		return
	}
	up, err := net.DialTimeout("tcp", to, 5*time.Second)
	if err != nil {
		refuse(conn)
		return
	}
	defer up.Close()
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(up, in)
		_ = up.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(conn, up)
}

func refuse(conn net.Conn) {
	_, _ = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
}

// route is the whole policy: a kubelet is kwok, the metrics server is the sandbox's own, there is nothing else.
func (e *egress) route(target string) string {
	_, port, err := net.SplitHostPort(target)
	if err != nil {
		return ""
	}
	if to := e.routes[target]; to != "" {
		return to
	}
	return e.routes[":"+port]
}

func (e *egress) note(d Dial) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if d.To == "" {
		seen := false
		for i := range e.dials {
			seen = seen || e.dials[i].Target == d.Target
		}
		if !seen {
			e.log("egress refused: kube-apiserver wanted to dial %s", d.Target)
		}
	}
	if e.dials = append(e.dials, d); len(e.dials) > keptDials {
		e.dials = append([]Dial(nil), e.dials[keptDials/2:]...)
	}
}

// seen returns the dials so far, oldest first.
func (e *egress) seen() []Dial {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Dial(nil), e.dials...)
}

// close ends the proxy and its connections.
func (e *egress) close() {
	e.listener.Close()
	e.mu.Lock()
	for conn := range e.open {
		conn.Close()
	}
	e.open = nil
	e.mu.Unlock()
	e.wg.Wait()
	if filepath.Base(e.socket) == "s" {
		_ = os.Remove(filepath.Dir(e.socket))
	}
}
