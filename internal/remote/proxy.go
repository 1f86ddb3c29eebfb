package remote

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"hubwright/workflows"
)

// DialVia opens a TCP connection to addr, through an HTTP proxy's CONNECT when
// there is one. The proxy resolves the name then.
func DialVia(ctx context.Context, proxy, addr string) (net.Conn, error) {
	var d net.Dialer
	if proxy == "" {
		return d.DialContext(ctx, "tcp", addr)
	}
	u, err := url.Parse(proxy)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, &workflows.Problem{Code: codeProxy, What: "The proxy's address is not usable",
			Why: "It must look like http://host:port.", Fix: "Correct the Stack's HTTPS proxy."}
	}
	hostport := u.Host
	if u.Port() == "" {
		hostport = net.JoinHostPort(u.Hostname(), "80")
	}
	conn, err := d.DialContext(ctx, "tcp", hostport)
	if err != nil {
		return nil, proxyProblem(ctx, hostport, "The proxy itself cannot be reached.", err.Error(), err)
	}
	tunnel, err := connect(ctx, conn, u, addr)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return tunnel, nil
}

func connect(ctx context.Context, conn net.Conn, proxy *url.URL, addr string) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if proxy.User != nil {
		password, _ := proxy.User.Password()
		token := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
		req.Header.Set("Proxy-Authorization", "Basic "+token)
	}
	if err := req.Write(conn); err != nil {
		return nil, proxyProblem(ctx, proxy.Host, "The proxy broke off.", err.Error(), err)
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, proxyProblem(ctx, proxy.Host, "The proxy's answer is no HTTP.", err.Error(), err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, proxyProblem(ctx, proxy.Host,
			fmt.Sprintf("The proxy refused the way to %s: %s.", addr, resp.Status), resp.Status, nil)
	}
	return &readAheadConn{Conn: conn, r: r}, nil
}

func proxyProblem(ctx context.Context, proxy, why, detail string, cause error) error {
	if cause != nil && ctx.Err() != nil {
		return errors.Join(ctx.Err(), cause)
	}
	return &workflows.Problem{Code: codeProxy, What: "No way through the proxy " + proxy, Why: why,
		Fix: "Look whether the machine is up, at the proxy's address, and whether the proxy may CONNECT to that port.", Detail: detail}
}

// readAheadConn gives back what was read together with the proxy's answer: an
// SSH server speaks first, so its greeting may already be there.
type readAheadConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *readAheadConn) Read(p []byte) (int, error) { return c.r.Read(p) }
