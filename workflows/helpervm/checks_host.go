package helpervm

import (
	"context"
	"fmt"
	"strings"

	w "hubwright/workflows"
)

func (f flow) checkKey(ctx context.Context, s *State) w.Finding {
	public, err := f.publicKey(ctx, s)
	if err != nil {
		return failed(err)
	}
	kind, _, _ := strings.Cut(public, " ")
	if s.creates() && kind != "ssh-rsa" {
		return w.Warn(fmt.Sprintf("It is a key of the type %s.", kind),
			"The images and agents of many Hubs take RSA keys only. Give an RSA key of 3072 bits, or let Hubwright generate one.")
	}
	return w.Passed(fmt.Sprintf("It is a key of the type %s without passphrase.", kind))
}

// publicKey opens the private key of the answers and takes its public half.
func (f flow) publicKey(ctx context.Context, s *State) (string, error) {
	plain, err := f.Vault.Open(ctx, s.keyRef())
	if err != nil {
		return "", err
	}
	return f.PublicKey(plain)
}

func (f flow) checkHostKey(ctx context.Context, s *State) w.Finding {
	key, fingerprint, err := f.ScanHostKey(ctx, s.login())
	if err != nil {
		return failed(err)
	}
	if err := s.acceptHostKey(key, fingerprint); err != nil {
		return failed(err)
	}
	if s.pinned() != "" {
		return w.Passed(fmt.Sprintf("It answers with its pinned host key %s.", fingerprint))
	}
	return w.Passed(fmt.Sprintf("It answers with the host key %s. Compare it with the host's own console.", fingerprint))
}

func (f flow) checkHostLogin(ctx context.Context, s *State) w.Finding {
	host, skip := f.visit(ctx, s)
	if host == nil {
		return skip
	}
	defer host.Close()
	return w.Passed(fmt.Sprintf("%s may log in at %s.", s.User, s.Address))
}

func (f flow) checkLinux(ctx context.Context, s *State) w.Finding {
	return f.checkFacts(ctx, s, func(facts facts) w.Finding {
		if err := facts.unfit(s.Address, s.Source); err != nil {
			return failed(err)
		}
		return w.Passed(fmt.Sprintf("%s, kernel %s.", facts.os, facts.machine))
	})
}

func (f flow) checkDisk(ctx context.Context, s *State) w.Finding {
	return f.checkFacts(ctx, s, func(facts facts) w.Finding {
		if err := facts.full(s.Address); err != nil {
			return failed(err)
		}
		return w.Passed(fmt.Sprintf("%.1f GiB are free in %s.", float64(facts.freeKiB)/(1<<20), facts.home))
	})
}

func (f flow) checkFacts(ctx context.Context, s *State, judge func(facts) w.Finding) w.Finding {
	host, skip := f.visit(ctx, s)
	if host == nil {
		return skip
	}
	defer host.Close()
	facts, err := lookAt(ctx, host, s.Address)
	if err != nil {
		return failed(err)
	}
	return judge(facts)
}

func (f flow) checkOutbound(ctx context.Context, s *State) w.Finding {
	host, skip := f.visit(ctx, s)
	if host == nil {
		return skip
	}
	defer host.Close()
	// Here only the way counts; the certificate is judged when the Hub's roots
	// are installed.
	out, err := host.Run(ctx, f.env(s)+"curl -sS -k -o /dev/null -w '%{http_code}' --max-time 20 https://github.com/", nil)
	switch {
	case err != nil:
		return failed(err)
	case out.ExitCode == 127:
		return w.Fail("The host has no curl.", "Install it: sudo apt-get install curl. Or choose the archive.")
	case out.ExitCode != 0:
		return w.Fail("The host does not reach github.com. "+curlWhy(out.ExitCode)+" It said: "+firstLine(out.Stderr)+".",
			"Open the way, set the stack's HTTPS proxy, or choose the archive that an admin gave to Hubwright.")
	}
	return w.Passed("github.com answers with " + strings.TrimSpace(out.Stdout) + ".")
}

// visit logs in to the existing host for a look. Before a key is pinned it
// takes the one that is shown: nothing secret is sent, and the fingerprint
// is on the page.
func (f flow) visit(ctx context.Context, s *State) (Host, w.Finding) {
	t := s.login()
	key, fingerprint, err := f.ScanHostKey(ctx, t)
	if err == nil {
		err = s.acceptHostKey(key, fingerprint)
	}
	if err != nil {
		return nil, w.Skip("Cannot be known yet: the host does not answer as it should.")
	}
	t.HostKey = key
	if t.PrivateKey, err = f.Vault.Open(ctx, s.keyRef()); err != nil {
		return nil, failed(err)
	}
	host, err := f.Dial(ctx, t)
	if err != nil {
		return nil, failed(err)
	}
	return host, w.Finding{}
}

// acceptHostKey compares with the pinned key and with the fingerprint that
// the person expects.
func (s *State) acceptHostKey(key, fingerprint string) error {
	if pinned := s.pinned(); pinned != "" && keyBody(pinned) != keyBody(key) {
		return &w.Problem{
			Code: "ssh.hostkey", What: "The host key of " + s.where() + " has changed",
			Why: "It shows " + fingerprint + ", which is not the pinned one. Either the machine was made anew, or somebody stands between.",
			Fix: "Compare the fingerprint on the machine's own console. Only when it is right, tick \"Forget the pinned host key\" on the first page.",
		}
	}
	if s.existing() && s.Fingerprint != "" && s.Fingerprint != fingerprint {
		return &w.Problem{
			Code: "ssh.hostkey", What: "The host key is not the expected one",
			Why: "The host shows " + fingerprint + ", and the answers expect " + s.Fingerprint + ".",
			Fix: "Compare the fingerprint on the host's own console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub. There may be several keys of different types.",
		}
	}
	return nil
}

// keyBody is type and key without the comment.
func keyBody(authorizedKey string) string {
	fields := strings.Fields(authorizedKey)
	return strings.Join(fields[:min(2, len(fields))], " ")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return clip(line)
}
