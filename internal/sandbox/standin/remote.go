package standin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// nodeFlags say how the nodes of a cluster are reached.
type nodeFlags struct{ host, key string }

func (n *nodeFlags) add(f *pflag.FlagSet, required string) {
	f.StringVar(&n.host, "ssh-host", "", "FQDN, or IP address, of an SSH listener that can reach all nodes in the cluster"+required)
	f.StringVar(&n.key, "linux-ssh-private-key", "", "path to a valid private SSH key to access the cluster's Linux nodes"+required)
}

// lacking refuses a command without the flags that it can't do without.
func lacking(flags *pflag.FlagSet, names ...string) error {
	var absent []string
	for _, name := range names {
		if !flags.Changed(name) {
			absent = append(absent, fmt.Sprintf("%q", name))
		}
	}
	if absent == nil {
		return nil
	}
	slices.Sort(absent)
	return fmt.Errorf("required flag(s) %s not set", strings.Join(absent, ", "))
}

func mustExist(file, flag string) error {
	if _, err := os.Stat(file); file != "" && err != nil {
		return fmt.Errorf("specified %s does not exist (%s)", flag, file)
	}
	return nil
}

// plainError is an error that no usage follows.
type plainError struct{ error }

func (e plainError) Unwrap() error { return e.error }

// remote runs commands on the nodes of a cluster, through a host that reaches them all. Each command has a connection of
// its own.
type remote struct {
	host      string
	key, user string // file, name
	checkHost ssh.HostKeyCallback
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
}

func (p *process) openRemote(j *job, n nodeFlags) *remote {
	return &remote{host: n.host, key: n.key, user: j.props.LinuxProfile.AdminUsername, checkHost: p.checkHost, dial: p.dial}
}

func (r *remote) config() (*ssh.ClientConfig, error) {
	text, err := os.ReadFile(r.key)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("creating public key authentication method: parsing ssh private key content: %w", err)
	}
	return &ssh.ClientConfig{User: r.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: r.checkHost}, nil
}

// checkHost knows hosts by the file that the engine keeps. A host that is new there is added.
func (p *process) checkHost(name string, address net.Addr, key ssh.PublicKey) error {
	file := filepath.Join(p.getenv("HOME"), "."+program, "known_hosts")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	check, err := knownhosts.New(file)
	if err != nil {
		return err
	}
	err = check(name, address, key)
	var unknown *knownhosts.KeyError
	if err == nil || !errors.As(err, &unknown) {
		return err
	}
	if len(unknown.Want) > 0 {
		return fmt.Errorf("Strict host key check failed: %w", err)
	}
	host, _, _ := net.SplitHostPort(name)
	p.log.warn("Permanently added '%s' (%s) to the list of known hosts (%s)", host, key.Type(), file)
	_, err = fmt.Fprintln(f, knownhosts.Line([]string{name}, key))
	return err
}

// check logs in to the host that reaches the nodes.
func (r *remote) check(ctx context.Context) error {
	config, err := r.config()
	if err != nil {
		return fmt.Errorf("validating ssh configuration: creating ssh client config: %w", err)
	}
	client, err := r.login(ctx, config)
	if err != nil {
		return fmt.Errorf("validating ssh configuration: dialing ssh (%s): %w", r.host, err)
	}
	return client.Close()
}

// reach connects to the host that reaches the nodes.
func (r *remote) reach(ctx context.Context) (*ssh.Client, error) {
	config, err := r.config()
	if err != nil {
		return nil, fmt.Errorf("creating SSH client: creating jumpbox client config: %w", err)
	}
	client, err := r.login(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("creating SSH client: dialing jumpbox (%s): %w", r.host, err)
	}
	return client, nil
}

func (r *remote) login(ctx context.Context, config *ssh.ClientConfig) (*ssh.Client, error) {
	address := net.JoinHostPort(r.host, "22")
	conn, err := r.dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// run runs a command on a node and returns what it prints.
func (r *remote) run(ctx context.Context, node, command string, stdin []byte) ([]byte, error) {
	jump, err := r.reach(ctx)
	if err != nil {
		return nil, err
	}
	defer jump.Close()
	stop := context.AfterFunc(ctx, func() { jump.Close() })
	defer stop()
	conn, err := jump.DialContext(ctx, "tcp", net.JoinHostPort(node, "22"))
	if err != nil {
		return nil, fmt.Errorf("dialing node (%s): %w", node, err)
	}
	inner, err := r.config()
	if err != nil {
		return nil, err
	}
	inner.HostKeyCallback = ssh.InsecureIgnoreHostKey() // the way there was checked, and nodes are made anew
	c, channels, requests, err := ssh.NewClientConn(conn, node, inner)
	if err != nil {
		return nil, fmt.Errorf("dialing node (%s): %w", node, err)
	}
	session, err := ssh.NewClient(c, channels, requests).NewSession()
	if err != nil {
		return nil, err
	}
	var out, errOut bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = bytes.NewReader(stdin), &out, &errOut
	if err := session.Run(command); err != nil {
		return nil, fmt.Errorf("executing command on node %s: %w: %s", node, err, strings.TrimSpace(errOut.String()))
	}
	return out.Bytes(), nil
}

// upload writes a file on a node.
func (r *remote) upload(ctx context.Context, node, file, mode string, text []byte) error {
	_, err := r.run(ctx, node, fmt.Sprintf(`sudo bash -c "mkdir -p $(dirname %[1]s); cat /dev/stdin > %[1]s; chmod %[2]s %[1]s; chown root:root %[1]s"`, file, mode), text)
	return err
}
