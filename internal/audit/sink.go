package audit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// Syslog sends a checkpoint as one message of RFC 5424: facility "log audit",
// severity "informational", with the checkpoint's JSON as its text. Over tcp
// and tls messages have their length in front (RFC 5425 and 6587); udp cannot
// tell whether anybody heard it.
type Syslog struct {
	network, addr, host string
	tls                 *tls.Config // nil without TLS
}

const (
	auditInfo     = 13<<3 | 6 // facility and severity
	syslogPort    = "514"
	syslogTLSPort = "6514"
)

// NewSyslog reads an address such as tls://log.example.com:6514, tcp://... or
// udp://.... roots nil are the system's.
func NewSyslog(address string, roots *x509.CertPool) (*Syslog, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Path != "" || u.User != nil {
		return nil, errors.New("it is not like tls://log.example.com:6514")
	}
	s := &Syslog{network: u.Scheme, host: hostName()}
	port := syslogPort
	switch u.Scheme {
	case "tls":
		s.network, s.tls, port = "tcp", &tls.Config{ServerName: u.Hostname(), RootCAs: roots, MinVersion: tls.VersionTLS12}, syslogTLSPort
	case "tcp", "udp":
	default:
		return nil, errors.New("it begins with tls://, tcp:// or udp://")
	}
	s.addr = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
	return s, nil
}

func hostName() string {
	if h, err := os.Hostname(); err == nil && h != "" {
		return h
	}
	return "-"
}

// Name is syslog.
func (s *Syslog) Name() string { return "syslog" }

// Where is the address with its scheme.
func (s *Syslog) Where() string {
	if s.tls != nil {
		return "tls://" + s.addr
	}
	return s.network + "://" + s.addr
}

// Send opens a connection for each message: there is one a minute at most.
func (s *Syslog) Send(ctx context.Context, c Checkpoint) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	msg := fmt.Appendf(nil, "<%d>1 %s %s hubwright %d audit-checkpoint - %s", auditInfo, c.At.UTC().Format(time.RFC3339), s.host, os.Getpid(), body)
	if s.network == "tcp" {
		msg = append(strconv.AppendInt(nil, int64(len(msg)), 10), append([]byte{' '}, msg...)...)
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := conn.Write(msg); err != nil {
		return fmt.Errorf("sending to %s: %w", s.Where(), err)
	}
	return conn.Close()
}

func (s *Syslog) dial(ctx context.Context) (net.Conn, error) {
	if s.tls != nil {
		return (&tls.Dialer{Config: s.tls}).DialContext(ctx, s.network, s.addr)
	}
	return (&net.Dialer{}).DialContext(ctx, s.network, s.addr)
}

// Webhook posts a checkpoint as JSON. Any 2xx is an acknowledgement.
type Webhook struct {
	url    *url.URL
	token  string
	client *http.Client
}

// Refused is the answer of a webhook that took nothing.
type Refused struct{ Status string }

func (r *Refused) Error() string { return "it answered " + r.Status }

// NewWebhook posts to the address; token, if there is one, goes into the
// Authorization header as a bearer. roots nil are the system's.
func NewWebhook(address, token string, roots *x509.CertPool) (*Webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("it is not like https://example.com/hubwright")
	}
	if u.User != nil {
		return nil, errors.New("a name and password do not belong into the address; use a token")
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &Webhook{url: u, token: token, client: &http.Client{Transport: t, CheckRedirect: noRedirect}}, nil
}

// noRedirect keeps the token where it was meant to go.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Name is webhook.
func (h *Webhook) Name() string { return "webhook" }

// Where is the address without its query, which may hold a secret.
func (h *Webhook) Where() string { return h.url.Scheme + "://" + h.url.Host + h.url.Path }

// Send posts one checkpoint.
func (h *Webhook) Send(ctx context.Context, c Checkpoint) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if h.token != "" {
		req.Header.Set("Authorization", "Bearer "+h.token)
	}
	res, err := h.client.Do(req)
	if err != nil {
		var ue *url.Error // it has the whole address in its text
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return fmt.Errorf("posting to %s: %w", h.Where(), err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return &Refused{res.Status}
	}
	return nil
}
