package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"

	"hubwright/workflows"
)

// Codes of the problems that this package makes.
const (
	codeRefused    = "ssh.refused"
	codeTimeout    = "ssh.timeout"
	codeNetwork    = "ssh.network"
	codeName       = "ssh.name"
	codeProxy      = "ssh.proxy"
	codeHostKey    = "ssh.hostkey"
	codeAuth       = "ssh.auth"
	codeLost       = "ssh.lost"
	codeProtocol   = "ssh.protocol"
	codeForwarding = "ssh.forwarding"
	codeRemote     = "ssh.remote"
	codeJobAbsent  = "job.absent"
	codeJobLost    = "job.lost"
	codeJobChanged = "job.changed"
)

// passing says whether an error is one that time or the network heals, so
// that trying again is worth while.
func passing(err error) bool {
	var p *workflows.Problem
	if !errors.As(err, &p) {
		return false
	}
	switch p.Code {
	case codeRefused, codeTimeout, codeNetwork, codeName, codeProxy, codeLost, codeProtocol:
		return true
	}
	return false
}

// dialProblem puts a failed connection into words. A cancelled context stays
// what it is: nobody needs to be told about it.
func dialProblem(ctx context.Context, t Target, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	var p *workflows.Problem
	if errors.As(err, &p) {
		return p
	}
	p = &workflows.Problem{What: "No SSH connection to " + t.address(), Detail: err.Error()}
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		p.Code, p.Why = codeRefused, "The host answers, but nothing listens on that port."
		p.Fix = "Look whether the SSH server runs and whether the port is right."
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		p.Code, p.Why = codeTimeout, "There was no answer in time."
		p.Fix = "Look whether the host is up, and whether a network security group or firewall lets SSH through from here."
	case errors.As(err, &dns):
		p.Code, p.Why = codeName, "The name "+dns.Name+" does not resolve from here."
		p.Fix = "Look at the name and at the DNS servers of the machine on which Hubwright runs."
	case strings.Contains(err.Error(), "unable to authenticate"):
		p.Code, p.Why = codeAuth, "The host does not accept the key for user "+t.User+"."
		p.Fix = "Add the public key to ~/.ssh/authorized_keys of that user, or give the right user and key."
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF):
		p.Code, p.Why = codeLost, "The other side closed the connection before it was set up."
		p.Fix = "Try again. If it stays so, look into the SSH server's log: it may limit who connects or how often."
	case strings.Contains(err.Error(), "ssh:"):
		p.Code, p.Why = codeProtocol, "What answers there does not speak SSH as expected."
		p.Fix = "Look whether the port is the SSH server's, and whether the server is a current OpenSSH."
	default:
		p.Code, p.Why = codeNetwork, "The network says: "+err.Error()+"."
		p.Fix = "Look at the way from the machine on which Hubwright runs to the host."
	}
	return p
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// sessionProblem puts the failure of a command that had a connection into
// words.
func (h *Host) sessionProblem(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if ctx.Err() != nil {
		return &workflows.Problem{Code: codeTimeout, What: "A command on " + h.target.Host + " took too long",
			Why: "It did not end in the time it was given.", Fix: "Look at the load of that host, then try again."}
	}
	var open *ssh.OpenChannelError
	if errors.As(err, &open) {
		return &workflows.Problem{Code: codeProtocol, What: h.target.Host + " refused another session", Why: open.Message,
			Fix: "Raise MaxSessions in its sshd_config, or close other sessions of this connection."}
	}
	return &workflows.Problem{Code: codeLost, What: "The SSH connection to " + h.target.Host + " was lost",
		Why: "The connection ended while a command was running.", Fix: "It is tried again by itself where that is safe; else try again.",
		Detail: err.Error()}
}

// remoteProblem is for one of our own scripts that failed on the other host.
func (h *Host) remoteProblem(what string, code int, stderr string) *workflows.Problem {
	why := strings.TrimSpace(stderr)
	if why == "" {
		why = fmt.Sprintf("the script ended with code %d", code)
	}
	return &workflows.Problem{Code: codeRemote, What: what + " on " + h.target.Host + " failed", Why: why,
		Fix: "Look at free disk space and permissions of that user's home folder."}
}
