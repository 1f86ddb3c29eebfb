package operate

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// Shells is how the engine reaches the cluster's nodes over SSH.
type Shells struct {
	SSHHost string      // name or address; the engine goes to port 22
	SSHKey  w.SecretRef // private key of the nodes' user
	// ForgetHost drops the host key that the engine knows of SSHHost: a control
	// plane VM that was made anew has another one.
	ForgetHost bool
}

// knownHosts is where the engine keeps host keys.
const knownHosts = ".aks-engine-azurestack/known_hosts"

// NodeKey is the path of the nodes' private key, while a command needs it.
func (c *Change) NodeKey() string { return c.Folder() + "/nodes.key" }

// Via is Shells for a command line.
func (c *Change) Via(s Shells) aksengine.Shells {
	return aksengine.Shells{Host: s.SSHHost, Key: Home(c.NodeKey())}
}

// ShellsPage asks how the nodes are reached. Hubwright holds the key of the
// clusters that it made one for.
func ShellsPage[S any](of func(*S) (*Change, *Shells)) w.Page[S] {
	return w.Page[S]{
		ID: "ssh", Title: "Way to the nodes", Why: "AKS Engine logs in to the nodes over SSH, from the helper VM.",
		Fields: []w.Field[S]{
			{
				Name: "host", Label: "SSH host", Kind: w.FieldText, Default: func(s *S) string { c, _ := of(s); return c.Cluster.FQDN },
				Help: "A name or an address whose port 22 leads to a node. The API server's name does: its load balancer leads port 22 to the first control plane VM. Give the public address where the helper VM cannot resolve the name.",
			},
			{
				Name: "key", Label: "Private SSH key of the nodes", Kind: w.FieldSecretArea, When: func(s *S) bool { c, _ := of(s); return c.Cluster.SSHKey == "" },
				Help: "Without a passphrase: the one that belongs to the public key which the cluster was deployed with. It is sealed here and lies on the helper VM only while the engine works.",
			},
			{
				Name: "forget", Label: "Take the host key that the host shows now", Kind: w.FieldCheckbox, Optional: true,
				Help: "The engine refuses a host key other than the one it saw first. After an upgrade the first control plane VM is a new one and has a new key.",
			},
		},
		Bind: func(a w.Answers, s *S) []w.FieldError { c, sh := of(s); return bindShells(a, c, sh) },
	}
}

var sshHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$`)

func bindShells(a w.Answers, c *Change, s *Shells) []w.FieldError {
	var errs []w.FieldError
	s.SSHHost, s.SSHKey, s.ForgetHost = a.Get("host"), c.Cluster.SSHKey, a.Get("forget") != ""
	if !sshHost.MatchString(s.SSHHost) {
		errs = append(errs, w.FieldError{Field: "host", Message: "Give a host's name or address, without user and port."})
	}
	if s.SSHKey == "" {
		s.SSHKey = w.SecretRef(a.Get("key"))
	}
	if s.SSHKey == "" {
		errs = append(errs, w.FieldError{Field: "key", Message: "Give the nodes' private key: the cluster was deployed with a public key of your own, so Hubwright does not hold it."})
	}
	return errs
}

// ShellsCheck looks whether port 22 of the SSH host answers the helper VM.
func ShellsCheck[S any](e Engine, of func(*S) (*Change, *Shells)) w.Check[S] {
	return w.Check[S]{
		ID: "ssh", Title: "SSH to the nodes works from the helper VM", Why: "The engine logs in to every node, on port 22 and without a proxy.", Page: "ssh", Severity: w.SeverityBlock, Waivable: true, Timeout: slow,
		Run: func(ctx context.Context, s *S) w.Finding { c, sh := of(s); return e.checkShells(ctx, c, sh) },
	}
}

func (e Engine) checkShells(ctx context.Context, c *Change, s *Shells) w.Finding {
	if _, err := e.NodeKey(ctx, s); err != nil {
		return problem.Finding(err)
	}
	host, err := e.OpenHost(ctx, c.SiteID)
	if err != nil {
		return problem.Finding(err)
	}
	defer host.Close()
	switch answers, err := e.shellsAnswer(ctx, s, host); {
	case err != nil:
		return problem.Finding(err)
	case !answers:
		return w.Fail(fmt.Sprintf("Port 22 of %s does not answer the helper VM as an SSH server.", s.SSHHost),
			"If the helper VM cannot resolve the name, give the public address of the cluster's load balancer. Else look whether the network security group lets the helper VM through to port 22.")
	}
	return w.Passed(fmt.Sprintf("Port 22 of %s answers.", s.SSHHost))
}

func (e Engine) shellsAnswer(ctx context.Context, s *Shells, host Host) (bool, error) {
	const hello = `exec 3<>"/dev/tcp/$0/22" && head -c 4 <&3`
	out, err := host.Run(ctx, "timeout 15 bash -c "+e.Quote(hello, s.SSHHost), nil)
	return out.ExitCode == 0 && strings.HasPrefix(out.Stdout, "SSH-"), err
}

// shellsLimit is how long a control plane VM may take to restart.
const shellsLimit = 5 * time.Minute

// AwaitShells waits until the SSH host answers: its VM may be restarting. When
// it does not, the engine is left to say why.
func (e Engine) AwaitShells(ctx context.Context, s *Shells, host Host, log w.Log) error {
	for until := e.Clock().Add(shellsLimit); e.Clock().Before(until); {
		answers, err := e.shellsAnswer(ctx, s, host)
		if err != nil || answers {
			return err
		}
		log.Progress(-1, "waiting for port 22 of "+s.SSHHost)
		if err := e.Pause(ctx, e.Poll); err != nil {
			return err
		}
	}
	log.Warn("Port 22 of %s does not answer.", s.SSHHost)
	return nil
}

// NodeKey is the nodes' private key.
func (e Engine) NodeKey(ctx context.Context, s *Shells) ([]byte, error) {
	key, err := e.Vault.Open(ctx, s.SSHKey)
	if err != nil && !errors.Is(err, w.ErrNotFound) {
		return nil, err
	}
	if text := string(key); err != nil || !strings.Contains(text, "PRIVATE KEY-----") || strings.Contains(text, "ENCRYPTED") {
		return nil, &w.Problem{Code: "cluster.sshkey", What: "The nodes' SSH key cannot be used", Why: "It is not a private key in PEM without a passphrase.", Fix: "Begin anew and give the private key that belongs to the public key which the cluster was deployed with."}
	}
	return key, nil
}

// PutKey writes the nodes' private key on the helper VM.
func (e Engine) PutKey(ctx context.Context, c *Change, s *Shells, host Host, log w.Log) error {
	key, err := e.NodeKey(ctx, s)
	if err != nil {
		return err
	}
	log.Mask(string(key))
	if err := Upload(ctx, host, c.NodeKey(), key); err != nil {
		return err
	}
	if !s.ForgetHost {
		return nil
	}
	file := e.Quote(knownHosts)
	out, err := host.Run(ctx, "[ ! -f "+file+" ] || { awk -v host="+e.Quote(s.SSHHost)+" '$1 != host' "+file+" > "+file+".new && mv "+file+".new "+file+"; }", nil)
	return RanWell(out, err, "The host key that the engine knows could not be dropped")
}

// Sweep removes paths from the helper VM, the nodes' key among them, unless
// the command may still need them.
func (e Engine) Sweep(ctx context.Context, c *Change, log w.Log, paths ...string) error {
	host, err := e.OpenHost(ctx, c.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	if c.JobBase != "" {
		state, _, _, err := host.JobState(ctx, c.JobID())
		if err != nil {
			return err
		}
		if state == JobRunning {
			log.Warn("The command still runs on the helper VM and needs the nodes' key: it stays at ~/%s. Retry this run when the command has ended; it is removed then.", c.NodeKey())
			return nil
		}
	}
	out, err := host.Run(ctx, "rm -rf -- "+e.Quote(append(paths, c.NodeKey())...), nil)
	if err := RanWell(out, err, "The nodes' key could not be removed from the helper VM"); err != nil {
		return err
	}
	log.Good("The nodes' private key is not on the helper VM any more.")
	return nil
}
