package azurestack

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hubwright/internal/problem"
)

// CertInfo is one certificate that a Hub showed.
type CertInfo struct {
	Subject, Issuer string
	SHA256          string // fingerprint, upper-case hex with colons
	NotAfter        time.Time
	IsCA            bool
	PEM             string
}

// Fingerprint looks at the certificates that a Hub shows, leaf first, without
// trusting them, so that a person can compare and trust. trustedBySystem says
// that the system's roots suffice.
func Fingerprint(ctx context.Context, armEndpoint, httpsProxy string) (chain []CertInfo, trustedBySystem bool, err error) {
	base, _, err := splitEndpoint(armEndpoint)
	if err != nil {
		return nil, false, err
	}
	// Verification is off on purpose: nothing but the handshake travels over
	// this connection, and its outcome is shown to a person.
	certs, err := handshake(ctx, base, httpsProxy, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err != nil {
		return nil, false, err
	}
	between := x509.NewCertPool()
	for i, c := range certs {
		chain = append(chain, certInfo(c))
		if i > 0 {
			between.AddCert(c)
		}
	}
	_, verr := certs[0].Verify(x509.VerifyOptions{DNSName: hostOf(base), Intermediates: between})
	return chain, verr == nil, nil
}

// handshake makes one TLS connection to the endpoint and returns what it
// showed.
func handshake(ctx context.Context, base, httpsProxy string, conf *tls.Config) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout+tlsTimeout)
	defer cancel()
	addr := hostPort(base)
	raw, err := dialThrough(ctx, addr, httpsProxy)
	if err != nil {
		return nil, problem.Network(err, hostOf(base))
	}
	conf.ServerName = hostOf(base)
	conn := tls.Client(raw, conf)
	defer conn.Close()
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, problem.Network(err, hostOf(base))
	}
	return conn.ConnectionState().PeerCertificates, nil
}

// dialThrough opens a TCP connection to addr, through an HTTP CONNECT proxy
// when there is one.
func dialThrough(ctx context.Context, addr, httpsProxy string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialTimeout}
	if httpsProxy == "" {
		return dialer.DialContext(ctx, "tcp", addr)
	}
	proxy, err := proxyURL(httpsProxy)
	if err != nil {
		return nil, err
	}
	conn, err := dialProxy(ctx, dialer, proxy)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := connect(ctx, conn, proxy, addr); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func dialProxy(ctx context.Context, dialer *net.Dialer, proxy *url.URL) (net.Conn, error) {
	addr := proxy.Host
	if proxy.Port() == "" {
		addr = net.JoinHostPort(proxy.Hostname(), map[string]string{"http": "80", "https": "443"}[proxy.Scheme])
	}
	if proxy.Scheme == "https" {
		return (&tls.Dialer{NetDialer: dialer, Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext(ctx, "tcp", addr)
	}
	return dialer.DialContext(ctx, "tcp", addr)
}

// connect asks the proxy for a tunnel. It reads byte by byte up to the end of
// the header, so that nothing of the tunnel is swallowed.
func connect(ctx context.Context, conn net.Conn, proxy *url.URL, addr string) error {
	head := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\n"
	if proxy.User != nil {
		req := &http.Request{Header: http.Header{}}
		password, _ := proxy.User.Password()
		req.SetBasicAuth(proxy.User.Username(), password)
		head += "Proxy-Authorization: " + req.Header.Get("Authorization") + "\r\n"
	}
	if _, err := conn.Write([]byte(head + "\r\n")); err != nil {
		return err
	}
	var answer strings.Builder
	one := make([]byte, 1)
	for !strings.HasSuffix(answer.String(), "\r\n\r\n") && answer.Len() < 16<<10 {
		if _, err := conn.Read(one); err != nil {
			return err
		}
		answer.Write(one)
	}
	status, _, _ := strings.Cut(answer.String(), "\r\n")
	if fields := strings.Fields(status); len(fields) < 2 || fields[1] != "200" {
		_, text, _ := strings.Cut(status, " ")
		code := &http.Response{Status: text}
		return refusedByProxy(ctx, proxy, &http.Request{URL: &url.URL{Host: addr}}, code)
	}
	return nil
}

func certInfo(c *x509.Certificate) CertInfo {
	sum := sha256.Sum256(c.Raw)
	hex := make([]string, len(sum))
	for i, b := range sum {
		hex[i] = fmt.Sprintf("%02X", b)
	}
	return CertInfo{
		Subject: nameOf(c.Subject.CommonName, c.Subject.String()), Issuer: nameOf(c.Issuer.CommonName, c.Issuer.String()),
		SHA256: strings.Join(hex, ":"), NotAfter: c.NotAfter, IsCA: c.IsCA,
		PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
	}
}

func nameOf(common, full string) string {
	if common != "" {
		return common
	}
	return full
}

func hostPort(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return u.Host
}

// Resolve says which addresses the ARM endpoint's name has. Behind a proxy it
// is the proxy that resolves: then a tunnel is tried and no address returned.
func (h *Hub) Resolve(ctx context.Context) (addrs []string, err error) {
	if h.stack.HTTPSProxy != "" {
		conn, err := dialThrough(ctx, hostPort(h.base), h.stack.HTTPSProxy)
		if err != nil {
			return nil, problem.Network(err, hostOf(h.base))
		}
		return nil, conn.Close()
	}
	addrs, err = net.DefaultResolver.LookupHost(ctx, hostOf(h.base))
	if err != nil {
		return nil, problem.Network(err, hostOf(h.base))
	}
	return addrs, nil
}

// TLS makes a handshake with the ARM endpoint as every request does, against
// the system's roots and the Stack's CA bundle.
func (h *Hub) TLS(ctx context.Context) error {
	roots, err := rootsOf(h.stack.CABundle)
	if err != nil {
		return err
	}
	_, err = handshake(ctx, h.base, h.stack.HTTPSProxy, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	return err
}
