package remote

import (
	"context"
	"net"

	"golang.org/x/crypto/ssh"
)

// Through logs in to another host by way of this one, as ssh -J does; this one
// resolves the name. Without a pinned HostKey any key is taken: that is for
// hosts which were made anew and have shown theirs to nobody, behind a host
// that is known. The proxy of t is not used. Closing h ends it, too.
func (h *Host) Through(ctx context.Context, t Target) (*Host, error) {
	signer, err := parseSigner(t.PrivateKey)
	if err != nil {
		return nil, err
	}
	cfg := &ssh.ClientConfig{
		User: t.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyAlgorithms: hostKeyPreference(), HostKeyCallback: func(string, net.Addr, ssh.PublicKey) error { return nil },
	}
	explain := func(err error) error { return err }
	if t.HostKey != "" {
		pin, err := newPin(t)
		if err != nil {
			return nil, err
		}
		cfg.HostKeyAlgorithms, cfg.HostKeyCallback, explain = pin.algorithms(), pin.check, pin.explain
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := h.DialTCP(ctx, "tcp", t.address())
	if err != nil {
		return nil, err
	}
	client, err := shake(ctx, conn, t.address(), cfg)
	if err != nil {
		return nil, explain(dialProblem(ctx, t, err))
	}
	return newHost(t, client), nil
}
