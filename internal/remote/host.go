package remote

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"hubwright/workflows"
)

const (
	// An idle TCP connection through firewalls and NAT is forgotten after a
	// few minutes, and a host that lost power never says goodbye.
	keepaliveEvery  = 15 * time.Second
	keepaliveAnswer = 15 * time.Second

	// OpenSSH allows ten sessions a connection, refuses more, and forgets ended
	// ones a moment after we do.
	maxSessions = 6
)

// Host is a logged-in connection. It may be used by several goroutines.
type Host struct {
	target   Target
	client   *ssh.Client
	sessions chan struct{}
	closing  sync.Once
	done     chan struct{}
}

func newHost(t Target, client *ssh.Client) *Host {
	h := &Host{target: t, client: client, sessions: make(chan struct{}, maxSessions), done: make(chan struct{})}
	h.target.PrivateKey = nil
	go h.keepalive()
	return h
}

// Close ends the connection. Jobs go on.
func (h *Host) Close() error {
	err := net.ErrClosed
	h.closing.Do(func() {
		close(h.done)
		err = h.client.Close()
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// keepalive closes a connection whose other end has gone silent, so that
// whoever waits for it hears of it.
func (h *Host) keepalive() {
	gone := make(chan struct{})
	go func() {
		h.client.Wait()
		close(gone)
	}()
	tick := time.NewTicker(keepaliveEvery)
	defer tick.Stop()
	for {
		select {
		case <-h.done:
			return
		case <-gone:
			return
		case <-tick.C:
		}
		giveUp := time.AfterFunc(keepaliveAnswer, func() { h.client.Close() })
		// Any answer will do, also "unknown request".
		_, _, err := h.client.SendRequest("keepalive@openssh.com", true, nil)
		giveUp.Stop()
		if err != nil {
			h.client.Close()
			return
		}
	}
}

// DialTCP opens a connection from the host to addr, as ssh -L does. The host
// resolves the name.
func (h *Host) DialTCP(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := h.client.DialContext(ctx, network, addr)
	if err == nil {
		return conn, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) {
		return nil, h.sessionProblem(ctx, err)
	}
	p := &workflows.Problem{Code: codeForwarding, What: "No tunnel through " + h.target.Host + " to " + addr, Detail: err.Error()}
	if refused.Reason == ssh.Prohibited {
		p.Why = "The host does not allow tunnels."
		p.Fix = "Set AllowTcpForwarding yes in its sshd_config."
	} else {
		p.Why = "From that host, too, there is no way: " + refused.Message + "."
		p.Fix = "Look at name resolution and routes on that host."
	}
	return nil, p
}
