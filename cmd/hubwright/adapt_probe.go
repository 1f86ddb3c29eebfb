package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hubwright/internal/problem"
	"hubwright/internal/remote"
	"hubwright/workflows"
	"hubwright/workflows/app"
)

const probeTime = 10 * time.Second

// probe sends one request to an address, for a host that need not be in DNS.
// It goes the Stack's way, and does not follow redirects.
func probe(ctx context.Context, s workflows.Stack, asked app.Probe) (app.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	p := target(asked)
	var trusted atomic.Bool
	t := toEndpoint(s, p, &trusted)
	defer t.CloseIdleConnections()
	req, err := p.request(ctx)
	if err != nil {
		return app.Answer{}, err
	}
	began := time.Now()
	res, err := t.RoundTrip(req)
	if err != nil {
		return app.Answer{}, problem.Network(err, "the application")
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 1<<20)
	return app.Answer{Status: res.StatusCode, Took: time.Since(began), Trusted: trusted.Load(), Server: cmp.Or(res.Header.Get("X-Served-By"), res.Header.Get("Server"))}, nil
}

// target is where requests go.
type target app.Probe

func (p target) request(ctx context.Context) (*http.Request, error) {
	scheme := "http"
	if p.TLS {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(p.Address, strconv.Itoa(p.Port))+p.Path, nil)
	if err != nil {
		return nil, err
	}
	req.Host = cmp.Or(p.Host, p.Address)
	req.Header.Set("User-Agent", "hubwright")
	return req, nil
}

// toEndpoint leads to an address the Stack's way. Whether its certificate is
// trusted is told, not demanded: Traffic Manager does not look at it either.
func toEndpoint(s workflows.Stack, p target, trusted *atomic.Bool) *http.Transport {
	return &http.Transport{
		TLSClientConfig: &tls.Config{
			ServerName: p.Host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, //nolint:gosec // see above
			VerifyConnection: func(c tls.ConnectionState) error { trusted.Store(verified(c, s.CABundle, p.Host) == nil); return nil },
		},
		// A tunnel for plain requests as well: a proxy would put the address in
		// the place of the host, and the ingress would not know whom it is for.
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return remote.DialVia(ctx, s.HTTPSProxy, addr)
		},
		MaxIdleConnsPerHost: loaders,
	}
}

// loaders is how many requests of a load test are under way at most.
const loaders = 16

// load sends requests to an endpoint, so many a second, until ctx ends. When
// answers take longer than that allows it sends fewer.
func load(ctx context.Context, s workflows.Stack, e workflows.Endpoint, perSecond int) (answered, failed int64) {
	p := target{Address: e.Address, Port: e.Port, TLS: e.TLS, Host: e.Host, Path: e.Path}
	var good, bad atomic.Int64
	client := &http.Client{Transport: toEndpoint(s, p, new(atomic.Bool)), Timeout: probeTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	ticks := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticks.Stop()
	var all sync.WaitGroup
	for range min(loaders, perSecond) {
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case <-ticks.C:
				}
				if answers200(ctx, client, p) {
					good.Add(1)
				} else if ctx.Err() == nil {
					bad.Add(1)
				}
			}
		})
	}
	all.Wait()
	return good.Load(), bad.Load()
}

func answers200(ctx context.Context, client *http.Client, p target) bool {
	req, err := p.request(ctx)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, err = io.CopyN(io.Discard, res.Body, 1<<20)
	return res.StatusCode == http.StatusOK && (err == nil || errors.Is(err, io.EOF))
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
