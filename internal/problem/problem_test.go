package problem_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"hubwright/internal/problem"
	"hubwright/workflows"
)

func TestFrom(t *testing.T) {
	own := &workflows.Problem{Code: "x.y", What: "w", Why: "y", Fix: "f"}
	tests := []struct {
		name string
		err  error
		code string
	}{
		{"ours", fmt.Errorf("outer: %w", own), "x.y"},
		{"cancelled", fmt.Errorf("a: %w", context.Canceled), "cancelled"},
		{"deadline", fmt.Errorf("a: %w", context.DeadlineExceeded), "net.timeout"},
		{"refused", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "net.refused"},
		{"no host", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "management.x", IsNotFound: true}}, "net.dns"},
		{"authority", fmt.Errorf("get: %w", x509.UnknownAuthorityError{}), "tls.authority"},
		{"wrong name", x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}, "tls.name"},
		{"expired", errors.New("x509: certificate has expired or is not yet valid: current time"), "tls.expired"},
		{"no TLS", errors.New("http: server gave HTTP response to HTTPS client"), "tls.protocol"},
		{"no route", os.NewSyscallError("connect", syscall.EHOSTUNREACH), "net.unreachable"},
		{"timeout", os.ErrDeadlineExceeded, "net.timeout"},
		{"reset", os.NewSyscallError("read", syscall.ECONNRESET), "net.reset"},
		{"EOF", fmt.Errorf("Get \"https://a.b\": %w", io.EOF), "net.reset"},
		{"proxy", errors.New(`Get "https://management.x": proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused`), "net.proxy"},
		{"locked", &workflows.LockedError{Run: workflows.Run{Number: 4, Title: "Deploy", CreatedBy: "ana"}}, "locked"},
		{"other", errors.New("kaput"), "unexpected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := problem.From(tt.err)
			if p.Code != tt.code {
				t.Errorf("Code = %q, want %q", p.Code, tt.code)
			}
			complete(t, p)
		})
	}
	if problem.From(nil) != nil {
		t.Error("From(nil) is not nil")
	}
}

func TestNetworkNamesTheOtherSide(t *testing.T) {
	refused := os.NewSyscallError("connect", syscall.ECONNREFUSED)
	contains(t, "What", problem.Network(refused, "the helper VM").What, "the helper VM")
	contains(t, "What", problem.Network(errors.New("odd"), "the helper VM").What, "the helper VM")
	contains(t, "What", problem.From(errors.New(`Get "https://management.x.y:443/a": EOF: connection reset by peer`)).What, "management.x.y ")
	if problem.Network(nil, "x") != nil {
		t.Error("Network(nil) is not nil")
	}
}

func TestWrapKeepsCauseAndRemedy(t *testing.T) {
	in := &workflows.Problem{Code: "arm.QuotaExceeded", What: "The quota is too small", Why: "10 allowed.", Fix: "Ask.", Detail: "d", Link: "l"}
	p := problem.Wrap(in, "The cluster could not be deployed")
	want := workflows.Problem{Code: "arm.QuotaExceeded", What: "The cluster could not be deployed", Why: "The quota is too small: 10 allowed.", Fix: "Ask.", Detail: "d", Link: "l"}
	if *p != want {
		t.Errorf("got %+v", p)
	}
	if in.What != "The quota is too small" {
		t.Error("the inner problem was changed")
	}
	if got := problem.Wrap(errors.New("kaput"), "It failed"); got.Why != "kaput." {
		t.Errorf("Why = %q", got.Why)
	}
	if problem.Wrap(nil, "x") != nil {
		t.Error("Wrap(nil) is not nil")
	}
}

func TestFromText(t *testing.T) {
	p, ok := problem.FromText(`tls: failed to verify certificate: x509: certificate signed by unknown authority`)
	if !ok || p.Code != "tls.authority" {
		t.Errorf("got %+v, %v", p, ok)
	}
	if _, ok := problem.FromText("all is well"); ok {
		t.Error("found a failure in a good text")
	}
	p, ok = problem.FromText("RESPONSE 401 AADSTS7000215: bad")
	if !ok || p.Code != "token.AADSTS7000215" {
		t.Errorf("got %+v, %v", p, ok)
	}
}
