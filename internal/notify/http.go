package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// failure is why a message could not be sent, in words that hold no secret:
// never the URL, whose path is often a token.
type failure struct {
	words string
	after time.Duration // the other side asked to wait so long
}

func (f *failure) Error() string { return f.words }

func failed(format string, args ...any) error { return &failure{words: fmt.Sprintf(format, args...)} }

// roots are the system's certificates and those of the bundle.
func roots(bundle string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if bundle != "" && !pool.AppendCertsFromPEM([]byte(bundle)) {
		return nil, failed("the CA bundle holds no certificate")
	}
	return pool, nil
}

// mayReach refuses addresses that only a machine itself has a reason to ask:
// link-local ones, behind which clouds hand out credentials.
func mayReach(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap()
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || ip == netip.AddrFrom4([4]byte{168, 63, 129, 16}) {
		return failed("the address %s is not one that may be called", ip)
	}
	return nil
}

func dialer() *net.Dialer { return &net.Dialer{Timeout: 10 * time.Second, Control: mayReach} }

// post sends a body and wants a 2xx. It follows no redirect.
func post(ctx context.Context, c Channel, target string, body []byte, header http.Header) error {
	pool, err := roots(c.CABundle)
	if err != nil {
		return err
	}
	t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DialContext: dialer().DialContext, DisableKeepAlives: true,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 20 * time.Second}
	if c.HTTPSProxy != "" {
		proxy, err := url.Parse(c.HTTPSProxy)
		if err != nil {
			return failed("the proxy's address cannot be read")
		}
		t.Proxy = http.ProxyURL(proxy)
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return failed("the URL cannot be read")
	}
	q.Header = header
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("User-Agent", "Hubwright")
	client := http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(q)
	if err != nil {
		return unreachable(q.URL.Hostname(), err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 == 2 {
		return nil
	}
	return refused(q.URL.Hostname(), res)
}

// reason is what Slack says in a word when it refuses: no_service, invalid_token.
var reason = regexp.MustCompile(`^[a-z_]{3,60}$`)

func refused(host string, res *http.Response) error {
	f := &failure{words: fmt.Sprintf("%s answered %d", host, res.StatusCode)}
	if word, err := io.ReadAll(io.LimitReader(res.Body, 61)); err == nil && reason.Match(word) {
		f.words += " (" + string(word) + ")"
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		f.after = min(time.Duration(s)*time.Second, time.Hour)
	}
	return f
}

// unreachable leaves out what net/http puts around an error: the URL.
func unreachable(host string, err error) error {
	var own *failure
	var wrapped *url.Error
	var untrusted *tls.CertificateVerificationError
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	if errors.As(err, &own) {
		return own
	}
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch {
	case errors.As(err, &dns):
		return failed("the name %s is not known here", host)
	case errors.As(err, &untrusted):
		return failed("the certificate of %s is not trusted: %v", host, untrusted.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return failed("%s refused the connection", host)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return failed("%s did not answer in time", host)
	}
	return failed("%s could not be reached: %v", host, err)
}
