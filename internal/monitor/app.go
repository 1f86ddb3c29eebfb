package monitor

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"hubwright/workflows"
)

// AppSample is what an application answered.
type AppSample struct {
	Status          int // of HTTP
	Took            time.Duration
	CertificateEnds time.Time // of the one that it showed; zero without TLS
}

// AppProbe is one look at a Site's application, as its users see it.
type AppProbe struct {
	SiteID          string
	At              time.Time // when it ended
	Health          Health
	Status          int // of HTTP, 0 when nothing answered
	Took            time.Duration
	CertificateEnds time.Time // zero if unknown
	Problem         string    // why it is not up, for people who are logged in
}

// judgeApp takes a redirect for an answer, too: whoever answers so works, and
// where it leads is not this Site's to say.
func judgeApp(e workflows.Endpoint, s AppSample, why string, at time.Time) AppProbe {
	p := AppProbe{SiteID: e.SiteID, At: at, Health: Up, Status: s.Status, Took: s.Took, CertificateEnds: s.CertificateEnds, Problem: why}
	switch {
	case s.Status == 0:
		p.Health = Down
	case s.Status >= 500:
		p.Health, p.Problem = Down, fmt.Sprintf("It answered %d", s.Status)
	case s.Status >= 400:
		p.Health, p.Problem = Degraded, fmt.Sprintf("It answered %d", s.Status)
	}
	return p
}

// AskApp asks an application once with GET, through the proxy if there is one. It follows no redirect, keeps no
// connection and reads no more than the beginning of the answer. A certificate
// that is not trusted is no failure of the application: load balancers don't
// look at it either; when it ends is told. Errors are words without addresses.
func AskApp(ctx context.Context, e workflows.Endpoint, proxy string) (AppSample, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, appURL(e), nil)
	if err != nil {
		return AppSample{}, errors.New("Its address cannot be read")
	}
	if e.Host != "" {
		q.Host = e.Host
	}
	q.Header.Set("User-Agent", "Hubwright status probe")
	t := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		// Looked at below: see above.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: e.Host}} //nolint:gosec
	if proxy != "" {
		through, err := url.Parse(proxy)
		if err != nil {
			return AppSample{}, errors.New("The Stack's proxy cannot be read")
		}
		t.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
			return connect(ctx, through.Host, address)
		}
	}
	client := http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	begun := time.Now()
	res, err := client.Do(q)
	if err != nil {
		return AppSample{}, appFailure(err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10)
	s := AppSample{Status: res.StatusCode, Took: time.Since(begun)}
	if res.TLS != nil && len(res.TLS.PeerCertificates) > 0 {
		s.CertificateEnds = res.TLS.PeerCertificates[0].NotAfter
	}
	return s, nil
}

var errProxy = errors.New("the proxy refused")

// connect reaches an address through an HTTP proxy with CONNECT, also where
// http.Transport would not: for plain HTTP.
func connect(ctx context.Context, proxy, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", proxy)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err = fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", address, address); err == nil {
		var res *http.Response
		// Nothing of what follows is read ahead: the other side waits for us.
		if res, err = http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodConnect}); err == nil {
			if res.StatusCode == http.StatusOK {
				return conn, nil
			}
			err = errProxy
		}
	}
	conn.Close()
	return nil, err
}

func appURL(e workflows.Endpoint) string {
	host, scheme := e.DNSName, "http"
	if host == "" {
		host = e.Address
	}
	if e.TLS {
		scheme = "https"
	}
	u := url.URL{Scheme: scheme, Host: net.JoinHostPort(host, strconv.Itoa(e.Port)), Path: e.Path}
	return u.String()
}

func appFailure(err error) error {
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns):
		return errors.New("Its name is not known")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("It refused the connection")
	case errors.Is(err, errProxy):
		return errors.New("The Stack's proxy found no way to it")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("It did not answer in time")
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return errors.New("It cut the connection")
	}
	return errors.New("It could not be reached")
}
