package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"hubwright/workflows"
)

// dialTimeout bounds connecting, key exchange and login together.
const dialTimeout = 20 * time.Second

// Target is a host and how to log in there.
type Target struct {
	Host       string
	Port       int // 0 is 22
	User       string
	PrivateKey []byte // PEM
	HostKey    string // pinned, authorized_keys form; "" refuses
	Proxy      string // http://host:port, whose CONNECT leads there; "" for a direct way
}

func (t Target) address() string {
	port := t.Port
	if port == 0 {
		port = 22
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(port))
}

// Dial logs in. It never connects to a host whose key is not the pinned one.
// Errors are *workflows.Problem (ssh.refused, ssh.timeout, ssh.name,
// ssh.network, ssh.proxy, ssh.hostkey, ssh.auth, ssh.key, ssh.lost,
// ssh.protocol), or the context's error when it was cancelled. The context
// bounds the dialling only; Close ends the connection.
func Dial(ctx context.Context, t Target) (*Host, error) {
	signer, err := parseSigner(t.PrivateKey)
	if err != nil {
		return nil, err
	}
	pin, err := newPin(t)
	if err != nil {
		return nil, err
	}
	client, err := handshake(ctx, t, &ssh.ClientConfig{
		User:              t.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   pin.check,
		HostKeyAlgorithms: pin.algorithms(),
	})
	if err != nil {
		return nil, pin.explain(dialProblem(ctx, t, err))
	}
	return newHost(t, client), nil
}

// ScanHostKey asks a host for its key without logging in, to be shown to a
// person and then pinned. Only the host, the port and the proxy of t are used.
func ScanHostKey(ctx context.Context, t Target) (authorizedKey, fingerprint string, err error) {
	var seen ssh.PublicKey
	enough := errors.New("the key is known")
	client, err := handshake(ctx, t, &ssh.ClientConfig{
		User:              "hubwright",
		HostKeyAlgorithms: hostKeyPreference(),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			seen = key
			return enough
		},
	})
	if err == nil {
		client.Close()
	}
	if seen == nil {
		return "", "", dialProblem(ctx, t, err)
	}
	return authorizedLine(seen), ssh.FingerprintSHA256(seen), nil
}

func handshake(ctx context.Context, t Target, cfg *ssh.ClientConfig) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := DialVia(ctx, t.Proxy, t.address())
	if err != nil {
		return nil, err
	}
	return shake(ctx, conn, t.address(), cfg)
}

// shake logs in over a connection, which it closes when that fails.
func shake(ctx context.Context, conn net.Conn, address string, cfg *ssh.ClientConfig) (*ssh.Client, error) {
	// The handshake knows no context: the deadline reaches it through the
	// connection.
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	c, channels, requests, err := ssh.NewClientConn(conn, address, cfg)
	if !stop() && err == nil {
		c.Close()
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// hostKeyPreference leaves out SHA-1 and DSA.
func hostKeyPreference() []string {
	return []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
	}
}

// pin holds a host to the one key that a person accepted.
type pin struct {
	host string
	want ssh.PublicKey
	got  ssh.PublicKey // what the host showed, when it was another one
}

func newPin(t Target) (*pin, error) {
	if strings.TrimSpace(t.HostKey) == "" {
		return nil, &workflows.Problem{Code: codeHostKey, What: "The host key of " + t.Host + " is not known",
			Why: "Without it nobody could tell the host from an impostor.", Fix: "Look at the host key, compare its fingerprint, and accept it."}
	}
	want, _, _, _, err := ssh.ParseAuthorizedKey([]byte(t.HostKey))
	if err != nil {
		return nil, &workflows.Problem{Code: codeHostKey, What: "The pinned host key of " + t.Host + " cannot be read",
			Why: err.Error(), Fix: "Accept the host's key again."}
	}
	return &pin{host: t.Host, want: want}, nil
}

// algorithms makes the host show the pinned key rather than another of its
// keys.
func (p *pin) algorithms() []string {
	if p.want.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{p.want.Type()}
}

func (p *pin) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	if bytes.Equal(key.Marshal(), p.want.Marshal()) {
		return nil
	}
	p.got = key
	return errors.New("host key differs")
}

// explain replaces err when the host key was the reason of it.
func (p *pin) explain(err error) error {
	shown := "no key of that kind"
	var problem *workflows.Problem
	switch {
	case p.got != nil:
		shown = ssh.FingerprintSHA256(p.got)
	case errors.As(err, &problem) && strings.Contains(problem.Detail, "common algorithm for host key"):
	default:
		return err
	}
	return &workflows.Problem{
		Code: codeHostKey,
		What: "The host key of " + p.host + " has changed",
		Why:  fmt.Sprintf("Pinned is %s (%s); the host shows %s.", ssh.FingerprintSHA256(p.want), p.want.Type(), shown),
		Fix:  "If the host was reinstalled, accept its new key. If not, somebody may sit in between: do not go on.",
	}
}
