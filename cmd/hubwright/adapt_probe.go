package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hubwright/internal/problem"
	"hubwright/workflows"
	"hubwright/workflows/app"
)

const probeTime = 10 * time.Second

// probe sends one request to an address, for a host that need not be in DNS.
// It goes the Stack's way, and does not follow redirects.
func probe(ctx context.Context, s workflows.Stack, p app.Probe) (app.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	trusted := false
	t := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		ServerName: p.Host, MinVersion: tls.VersionTLS12,
		// Whether it is trusted is told, not demanded: Traffic Manager does not look at it either.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyConnection:   func(c tls.ConnectionState) error { trusted = verified(c, s.CABundle, p.Host) == nil; return nil },
	}}
	if s.HTTPSProxy != "" {
		u, err := url.Parse(s.HTTPSProxy)
		if err != nil {
			return app.Answer{}, err
		}
		t.Proxy = http.ProxyURL(u)
	}
	defer t.CloseIdleConnections()
	scheme := "http"
	if p.TLS {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(p.Address, strconv.Itoa(p.Port))+p.Path, nil)
	if err != nil {
		return app.Answer{}, err
	}
	req.Host = cmp.Or(p.Host, p.Address)
	req.Header.Set("User-Agent", "hubwright")
	began := time.Now()
	res, err := t.RoundTrip(req)
	if err != nil {
		return app.Answer{}, problem.Network(err, "the application")
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 1<<20)
	return app.Answer{Status: res.StatusCode, Took: time.Since(began), Trusted: trusted, Server: cmp.Or(res.Header.Get("X-Served-By"), res.Header.Get("Server"))}, nil
}

func verified(c tls.ConnectionState, bundle, host string) error {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	roots.AppendCertsFromPEM([]byte(bundle))
	between := x509.NewCertPool()
	for _, cert := range c.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	_, err = c.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host})
	return err
}
