package azure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

const (
	dialTimeout    = 10 * time.Second
	answerTimeout  = 60 * time.Second
	requestTimeout = 90 * time.Second
)

// transporter is what the SDK sends its requests through.
type transporter struct{ client *http.Client }

// newTransporter trusts the system's roots and those in caBundle (PEM, may be
// empty) and goes through httpsProxy (http://host:port, may be empty).
func newTransporter(caBundle, httpsProxy string) (*transporter, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if caBundle != "" && !roots.AppendCertsFromPEM([]byte(caBundle)) {
		return nil, &w.Problem{
			Code: "connection.cabundle", What: "The CA bundle of this Connection cannot be read", Why: "It holds no certificate in PEM form.",
			Fix: "Open the Connection's settings and give the root certificates as PEM text (it begins with -----BEGIN CERTIFICATE-----).",
		}
	}
	tr := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: answerTimeout, IdleConnTimeout: 90 * time.Second,
		MaxIdleConnsPerHost: 8, ForceAttemptHTTP2: true,
	}
	if httpsProxy != "" {
		u, err := proxyURL(httpsProxy)
		if err != nil {
			return nil, err
		}
		tr.Proxy = http.ProxyURL(u)
		tr.OnProxyConnectResponse = refusedByProxy
	}
	return &transporter{client: &http.Client{Transport: tr, Timeout: requestTimeout}}, nil
}

func proxyURL(proxy string) (*url.URL, error) {
	u, err := url.Parse(proxy)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, &w.Problem{
			Code: "connection.proxy", What: "The HTTPS proxy of this Connection is not an address", Why: fmt.Sprintf("%q has not the form http://host:port.", proxy),
			Fix: "Open the Connection's settings and correct the proxy, or empty it for a direct way.",
		}
	}
	return u, nil
}

func refusedByProxy(_ context.Context, proxy *url.URL, req *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &w.Problem{
		Code: "net.proxy", What: "The proxy does not lead to " + strings.TrimSuffix(req.URL.Host, ":443"), Why: fmt.Sprintf("%s answered %s.", proxy.Host, resp.Status),
		Fix: "Check that the proxy has a way there and allows it, or choose a direct way in the Connection's settings.",
	}
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

type witnessKey struct{}

// witness remembers the last failure below the SDK within one call.
type witness struct{ err error }

// call runs one conversation with Azure and makes a Problem of its error.
// doing says what it is about: "Reading the profile".
func (c *Cloud) call(ctx context.Context, doing string, talk func(context.Context) error) error {
	wit := &witness{}
	err := talk(context.WithValue(ctx, witnessKey{}, wit))
	var known *w.Problem
	var login *azidentity.AuthenticationFailedError
	var answer *azcore.ResponseError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &login):
		return c.loginProblem(login, wit)
	case errors.As(err, &answer):
		if answer.StatusCode == http.StatusUnauthorized && c.forget != nil {
			c.forget()
		}
		return answerProblem(answer, doing)
	}
	return problem.Network(err, hostOf(c.conn.Endpoint))
}

func (c *Cloud) loginProblem(e *azidentity.AuthenticationFailedError, wit *witness) *w.Problem {
	if e.RawResponse != nil {
		body, _ := runtime.Payload(e.RawResponse)
		return problem.FromARM(e.RawResponse.StatusCode, body)
	}
	if wit.err != nil {
		return problem.Network(wit.err, hostOf(c.conn.LoginEndpoint))
	}
	return &w.Problem{
		Code: "login.failed", What: "Entra ID does not let the service principal in", Why: "The token service could not be spoken to.",
		Fix: "Check tenant and login endpoint in the Connection's settings.", Detail: e.Error(),
	}
}

// answerProblem reads ARM's error document. What Azure refuses because of what
// it was sent is told in Azure's words: they name the property.
func answerProblem(e *azcore.ResponseError, doing string) *w.Problem {
	var body []byte
	if e.RawResponse != nil {
		body, _ = runtime.Payload(e.RawResponse)
	}
	p := problem.FromARM(e.StatusCode, body)
	p.Why = strings.ReplaceAll(p.Why, "The Hub answered", "Azure answered")
	p.What = strings.ReplaceAll(p.What, "The Hub", "Azure")
	if e.StatusCode == http.StatusBadRequest || e.StatusCode == http.StatusConflict {
		p.What = doing + " was refused by Azure"
		p.Fix = "Correct what the reason names, then try again."
	}
	return p
}

func worthRetrying(resp *http.Response, err error) bool {
	if err != nil {
		var p *w.Problem
		var untrusted *tls.CertificateVerificationError
		var unknown *net.DNSError
		var slow net.Error
		return !(errors.As(err, &p) || errors.As(err, &untrusted) ||
			(errors.As(err, &unknown) && unknown.IsNotFound) || (errors.As(err, &slow) && slow.Timeout()))
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func notFound(err error) bool {
	var e *azcore.ResponseError
	return errors.As(err, &e) && e.StatusCode == http.StatusNotFound
}

func hostOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	return u.Hostname()
}
