package problem

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"

	"hubwright/workflows"
)

// Network is the Problem of a failed connection. What names the other side:
// "the Hub", "the helper VM".
func Network(err error, what string) *workflows.Problem {
	if err == nil {
		return nil
	}
	var p *workflows.Problem
	if errors.As(err, &p) && p != nil {
		return p
	}
	if p, ok := network(err, what); ok {
		return p
	}
	if what == "" {
		what = "the other side"
	}
	return &workflows.Problem{
		Code: "net.failed", What: "Talking to " + what + " failed", Why: sentence(err.Error()),
		Fix:    "Look whether it is up and whether the way there (proxy, firewall, VPN) is open, then try again.",
		Detail: err.Error(),
	}
}

// FromText finds a failure of the network or of a token service in text that
// another program printed.
func FromText(text string) (*workflows.Problem, bool) {
	if p, ok := fromToken(text); ok {
		return p, true
	}
	return network(errors.New(text), "")
}

type netKind struct {
	code      string
	is        func(error) bool // nil: by words alone
	words     []string         // parts of the error's text, lower case
	what, why string           // %s is the other side
	fix       string
}

// The order matters: the outer failure (proxy) hides the inner one (refused).
var netKinds = []netKind{
	{
		code: "net.proxy", words: []string{"proxyconnect", "proxy authentication required"},
		what: "The HTTPS proxy does not let us through to %s",
		why:  "The connection broke at the proxy, before it reached %s.",
		fix:  "Look whether %s is up and whether the proxy has a way to it; check the HTTPS proxy of the stack: address, port, and whether it allows CONNECT to this name.",
	},
	{
		code: "net.dns", is: isA[*net.DNSError], words: []string{"no such host", "server misbehaving", "name or service not known", "temporary failure in name resolution"},
		what: "The name of %s is not known",
		why:  "Name resolution found no address.",
		fix:  "Check the spelling of the endpoint and of the region, and that this machine uses a DNS server that knows the stamp's domain (or set the stack's HTTPS proxy).",
	},
	{
		code: "tls.authority", is: isA[x509.UnknownAuthorityError], words: []string{"certificate signed by unknown authority", "self-signed certificate", "self signed certificate", "unable to get local issuer certificate"},
		what: "The certificate of %s is not trusted",
		why:  "It is signed by a certificate authority that is not in the list of trusted ones; most stamps have their own.",
		fix:  "Upload the stamp's root certificate as the stack's CA bundle, or compare the fingerprint that is shown and trust it. On a helper VM, run the Helper VM workflow again: it installs it.",
	},
	{
		code: "tls.name", is: isA[x509.HostnameError], words: []string{"certificate is valid for", "doesn't contain any ip sans", "cannot validate certificate for"},
		what: "The certificate of %s is for another name",
		why:  "The name that was asked for is not among the certificate's names.",
		fix:  "Check the endpoint's spelling. If a proxy or load balancer stands between, it must not answer with its own certificate.",
	},
	{
		code: "tls.expired", words: []string{"certificate has expired or is not yet valid"},
		what: "The certificate of %s is not valid today",
		why:  "It has expired or is not valid yet, or the clock of one side is wrong.",
		fix:  "Compare the clocks. If they are right, ask the stamp's operator to renew the certificate.",
	},
	{
		code: "tls.protocol", is: isA[tls.RecordHeaderError], words: []string{"first record does not look like a tls handshake", "server gave http response to https client"},
		what: "There is no HTTPS where %s should be",
		why:  "The other side answered, but not with TLS.",
		fix:  "Check the port and the scheme of the endpoint, and that no captive portal or proxy answers instead.",
	},
	{
		code: "net.refused", is: isErrno(syscall.ECONNREFUSED), words: []string{"connection refused"},
		what: "The connection to %s was refused",
		why:  "The machine answers, but nothing listens on that port.",
		fix:  "Look whether the service is started and the port is right, then try again.",
	},
	{
		code: "net.unreachable", is: isErrno(syscall.EHOSTUNREACH, syscall.ENETUNREACH), words: []string{"no route to host", "network is unreachable", "host is down"},
		what: "There is no way to %s",
		why:  "The network has no route there.",
		fix:  "Check VPN, routing and firewall between this server and the stamp.",
	},
	{
		code: "net.timeout", is: isTimeout, words: []string{"i/o timeout", "context deadline exceeded", "client.timeout exceeded", "tls handshake timeout", "connection timed out"},
		what: "There was no answer from %s in time",
		why:  "Packets are dropped on the way (often a firewall), or the other side is overloaded.",
		fix:  "Check firewall, VPN and proxy. If the stamp is being updated just now, wait and try again.",
	},
	{
		code: "net.reset", is: isErrno(syscall.ECONNRESET, syscall.EPIPE), words: []string{"connection reset by peer", "broken pipe", "unexpected eof", "use of closed network connection"},
		what: "The connection to %s broke off",
		why:  "The other side, or something between, closed it in the middle.",
		fix:  "Try again. If it happens again, look at proxies and firewalls with short idle time-outs.",
	},
}

func network(err error, what string) (*workflows.Problem, bool) {
	text := strings.ToLower(err.Error())
	for _, k := range netKinds {
		if !k.matches(err, text) {
			continue
		}
		if what == "" {
			what = otherSide(err.Error())
		}
		return &workflows.Problem{
			Code: k.code, What: strings.ReplaceAll(k.what, "%s", what), Why: strings.ReplaceAll(k.why, "%s", what),
			Fix: strings.ReplaceAll(k.fix, "%s", what), Detail: err.Error(),
		}, true
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return network(errors.New("unexpected EOF: "+err.Error()), what)
	}
	return nil, false
}

func (k netKind) matches(err error, lower string) bool {
	if k.is != nil && k.is(err) {
		return true
	}
	for _, w := range k.words {
		if strings.Contains(lower, w) {
			return true
		}
	}
	return false
}

var urlHost = regexp.MustCompile(`(?:https?://|dial tcp |lookup )([A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?)`)

// otherSide is the host that an error text names, in a form for sentences.
func otherSide(text string) string {
	if m := urlHost.FindStringSubmatch(text); m != nil {
		return strings.TrimSuffix(m[1], ":443")
	}
	return "the other side"
}

func isA[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}

func isErrno(all ...syscall.Errno) func(error) bool {
	return func(err error) bool {
		for _, e := range all {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
