package azurestack

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

const (
	dialTimeout    = 10 * time.Second
	tlsTimeout     = 10 * time.Second
	answerTimeout  = 60 * time.Second // to the first header; ARM thinks long at times
	requestTimeout = 90 * time.Second
)

// transporter is what the SDK sends its requests through: one for ARM and the
// token service of a Stack, so that both trust and travel alike.
type transporter struct {
	client *http.Client
}

// newTransporter trusts the system's roots and those in caBundle (PEM, may be
// empty) and goes through httpsProxy (http://host:port, may be empty). The
// proxies of the process's environment are not used.
func newTransporter(caBundle, httpsProxy string) (*transporter, error) {
	roots, err := rootsOf(caBundle)
	if err != nil {
		return nil, err
	}
	tr := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  answerTimeout,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    8,
		ForceAttemptHTTP2:      true,
		OnProxyConnectResponse: refusedByProxy,
	}
	if httpsProxy != "" {
		u, err := proxyURL(httpsProxy)
		if err != nil {
			return nil, err
		}
		tr.Proxy = http.ProxyURL(u)
	}
	return &transporter{client: &http.Client{Transport: tr, Timeout: requestTimeout}}, nil
}

// Do sends one request. A failure on the way is also told to the context's
// witness, because the token library drops the error's type.
func (t *transporter) Do(req *http.Request) (*http.Response, error) {
	resp, err := t.client.Do(req)
	if err != nil {
		if wit, ok := req.Context().Value(witnessKey{}).(*witness); ok {
			wit.err = err
		}
	}
	return resp, err
}

func (t *transporter) close() { t.client.CloseIdleConnections() }

type witnessKey struct{}

// witness remembers the last failure below the SDK within one call.
type witness struct{ err error }

func withWitness(ctx context.Context) (context.Context, *witness) {
	wit := &witness{}
	return context.WithValue(ctx, witnessKey{}, wit), wit
}

func rootsOf(caBundle string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if caBundle != "" && !pool.AppendCertsFromPEM([]byte(caBundle)) {
		return nil, &w.Problem{
			Code: "stack.cabundle",
			What: "The CA bundle of this stack cannot be read",
			Why:  "It holds no certificate in PEM form.",
			Fix:  "Open the stack's settings and give the Hub's root certificate as PEM text (it begins with -----BEGIN CERTIFICATE-----).",
		}
	}
	return pool, nil
}

func proxyURL(proxy string) (*url.URL, error) {
	u, err := url.Parse(proxy)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, &w.Problem{
			Code: "stack.proxy",
			What: "The HTTPS proxy of this stack is not an address",
			Why:  fmt.Sprintf("%q has not the form http://host:port.", proxy),
			Fix:  "Open the stack's settings and correct the proxy, or empty it for a direct way.",
		}
	}
	return u, nil
}

func refusedByProxy(_ context.Context, proxy *url.URL, req *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &w.Problem{
		Code: "net.proxy",
		What: "The proxy does not lead to " + strings.TrimSuffix(cmp.Or(req.URL.Host, req.URL.Opaque, req.Host), ":443"),
		Why:  fmt.Sprintf("%s answered %s.", proxy.Host, resp.Status),
		Fix:  "Look whether the Hub is up and whether the proxy has a way to it; check that the name is right and that the proxy allows it, or choose a direct way in the stack's settings.",
	}
}

// get is one unauthenticated GET whose answer is read whole, at most
// a mebibyte of it.
func (t *transporter) get(ctx context.Context, link string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, nil, problem.From(err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := t.client.Do(req)
	if err != nil {
		return nil, nil, problem.Network(err, req.URL.Hostname())
	}
	defer resp.Body.Close()
	body, err := readUpTo(resp.Body, 1<<20)
	if err != nil {
		return nil, nil, problem.Network(err, req.URL.Hostname())
	}
	return resp, body, nil
}
