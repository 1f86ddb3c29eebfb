package devops

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	w "hubwright/workflows"
)

const (
	requestTimeout = 60 * time.Second
	mostTries      = 4
	mostWaiting    = 40 * time.Second // between the tries of one request: its own time must not run out
)

// newClient goes the Connection's way: its proxy, its roots and the system's.
func newClient(c w.Connection) (*http.Client, string, error) {
	at, err := url.Parse(c.Endpoint)
	if err != nil || at.Host == "" {
		return nil, "", &w.Problem{Code: "devops.address", What: "The address of " + c.Name + " cannot be read", Why: fmt.Sprintf("%q is no https address", c.Endpoint), Fix: "Edit the Connection."}
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if c.CABundle != "" && !roots.AppendCertsFromPEM([]byte(c.CABundle)) {
		return nil, "", &w.Problem{Code: "devops.cabundle", What: "The CA bundle of " + c.Name + " cannot be read", Why: "it holds no certificate in PEM form", Fix: "Edit the Connection and give the root certificate as PEM."}
	}
	tr := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
	}
	if c.HTTPSProxy != "" {
		proxy, err := url.Parse(c.HTTPSProxy)
		if err != nil || proxy.Host == "" {
			return nil, "", &w.Problem{Code: "devops.proxy", What: "The HTTPS proxy of " + c.Name + " is not an address", Why: fmt.Sprintf("%q has not the form http://host:port", c.HTTPSProxy), Fix: "Edit the Connection."}
		}
		tr.Proxy = http.ProxyURL(proxy)
	}
	return &http.Client{Transport: &careful{next: tr}, Timeout: requestTimeout}, at.Hostname(), nil
}

// careful waits when the service is busy, and doesn't take a login page for an
// answer: the service sends one with status 203 to programs whose token ended,
// and the SDK takes that for a success.
type careful struct{ next *http.Transport }

func (t *careful) CloseIdleConnections() { t.next.CloseIdleConnections() }

// errLoginPage is a page that asks a browser to sign in.
var errLoginPage = errors.New("a login page came in place of an answer")

// httpError is an answer that is neither a success nor in the service's own
// words.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return fmt.Sprintf("%d %s", e.status, e.text) }

func (t *careful) RoundTrip(req *http.Request) (*http.Response, error) {
	waited := time.Duration(0)
	for try := 1; ; try++ {
		resp, err := t.next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		if wait, again := busy(resp, req); again && try < mostTries && waited+wait <= mostWaiting && rewind(req) == nil {
			waited += wait
			drain(resp)
			if err := w.Pause(req.Context(), wait); err != nil {
				return nil, err
			}
			continue
		}
		if err := unfit(resp); err != nil {
			drain(resp)
			return nil, err
		}
		return resp, nil
	}
}

// busy says how long to wait before the request is sent again: when the service
// throttles, which it does before it acts, or when a reading met an outage.
func busy(resp *http.Response, req *http.Request) (time.Duration, bool) {
	read := req.Method == http.MethodGet || req.Method == http.MethodOptions
	if resp.StatusCode != http.StatusTooManyRequests && (resp.StatusCode != http.StatusServiceUnavailable || !read) {
		return 0, false
	}
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		seconds = 2
	}
	return time.Duration(seconds) * time.Second, true
}

func rewind(req *http.Request) error {
	if req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	if req.GetBody == nil {
		return errors.ErrUnsupported
	}
	body, err := req.GetBody()
	req.Body = body
	return err
}

func unfit(resp *http.Response) error {
	kind := resp.Header.Get("Content-Type")
	page := strings.HasPrefix(kind, "text/html")
	switch {
	case resp.StatusCode == http.StatusNonAuthoritativeInfo, page && resp.StatusCode < 300, page && resp.StatusCode == http.StatusUnauthorized,
		resp.StatusCode >= 300 && resp.StatusCode < 400:
		return errLoginPage
	case resp.StatusCode >= 300 && resp.ContentLength != 0 && !strings.HasPrefix(kind, "application/json") && !strings.HasPrefix(kind, "text/plain"):
		return &httpError{status: resp.StatusCode, text: http.StatusText(resp.StatusCode)}
	}
	return nil
}

func drain(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	resp.Body.Close()
}
