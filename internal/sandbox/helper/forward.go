package helper

import (
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"
)

// forward serves a direct-tcpip channel (ssh -L). It leads to loopback and to names that the sandbox resolves, never
// elsewhere.
func (m *machine) forward(_ *ssh.Server, _ *gossh.ServerConn, request gossh.NewChannel, ctx ssh.Context) {
	var to struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := gossh.Unmarshal(request.ExtraData(), &to); err != nil {
		request.Reject(gossh.ConnectionFailed, err.Error())
		return
	}
	addr, ok := m.resolve(to.Host, int(to.Port))
	if !ok {
		m.opts.Log("helper VM %s: no way to %s:%d", m.Name, to.Host, to.Port)
		request.Reject(gossh.Prohibited, "administratively prohibited: "+to.Host+" is not in the sandbox")
		return
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		request.Reject(gossh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := request.Accept()
	if err != nil {
		conn.Close()
		return
	}
	go gossh.DiscardRequests(requests)
	join(channel, conn)
}

func (m *machine) resolve(host string, port int) (string, bool) {
	if isLoopback(host) {
		return net.JoinHostPort(host, strconv.Itoa(port)), true
	}
	if m.opts.Resolve == nil {
		return "", false
	}
	addr, ok := m.opts.Resolve(m.Name, host, port)
	if !ok {
		return "", false
	}
	at, _, err := net.SplitHostPort(addr)
	return addr, err == nil && isLoopback(at)
}

type halfCloser interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// join copies both ways until both are done.
func join(channel gossh.Channel, conn net.Conn) {
	var both sync.WaitGroup
	pass := func(to halfCloser, from io.Reader) {
		io.Copy(to, from)
		to.CloseWrite()
	}
	both.Go(func() { pass(channel, conn) })
	both.Go(func() { pass(conn.(*net.TCPConn), channel) })
	both.Wait()
	channel.Close()
	conn.Close()
}
