package helpervm

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

// shortPatience is for a host that should be up.
const shortPatience = 30 * time.Second

// waitForSSH scans the host key, holds it against the pinned one, and logs in
// once.
func (f flow) waitForSSH(ctx context.Context, s *State, log w.Log) error {
	limit := shortPatience
	if s.creates() {
		limit = vm.Patience
	}
	x := vm.Waiting{Limit: limit, Clock: f.Clock, Pause: f.Pause, Final: func(p *w.Problem) bool { return final(p, s) }}
	return x.Await(ctx, log, func() error { return f.meet(ctx, s, log) })
}

// final says that waiting does not help. A new VM refuses the key until
// cloud-init has put it in place.
func final(p *w.Problem, s *State) bool {
	switch p.Code {
	case "ssh.hostkey", "ssh.key":
		return true
	case "ssh.auth":
		return s.existing()
	}
	return false
}

func (f flow) meet(ctx context.Context, s *State, log w.Log) error {
	t := s.login()
	key, fingerprint, err := f.ScanHostKey(ctx, t)
	if err != nil {
		return err
	}
	first := s.pinned() == ""
	if err := s.acceptHostKey(key, fingerprint); err != nil {
		return err
	}
	t.HostKey = key
	if t.PrivateKey, err = f.Vault.Open(ctx, s.keyRef()); err != nil {
		return err
	}
	host, err := f.Dial(ctx, t)
	if err != nil {
		return err
	}
	defer host.Close()
	if first {
		s.changed("pinned host key")
		log.Good("Pinned the host key of %s: %s", t.Host, fingerprint)
	} else {
		log.Good("%s shows its pinned host key %s.", t.Host, fingerprint)
	}
	s.Found.HostKey, s.Found.Fingerprint = key, fingerprint
	return nil
}

// target is the full login, with the key from the vault.
func (f flow) target(ctx context.Context, s *State) (Target, error) {
	t := s.login()
	t.HostKey = s.Found.HostKey
	key, err := f.Vault.Open(ctx, s.keyRef())
	t.PrivateKey = key
	return t, err
}

func (f flow) dial(ctx context.Context, s *State) (Host, error) {
	t, err := f.target(ctx, s)
	if err != nil {
		return nil, err
	}
	return f.Dial(ctx, t)
}

func (f flow) inspect(ctx context.Context, s *State, log w.Log) error {
	host, err := f.dial(ctx, s)
	if err != nil {
		return err
	}
	defer host.Close()
	facts, err := lookAt(ctx, host, s.where())
	if err != nil {
		return err
	}
	if err := facts.unfit(s.where(), s.Source); err != nil {
		return err
	}
	if err := facts.full(s.where()); err != nil {
		return err
	}
	s.Found.OS, s.Found.Home = facts.os, facts.home
	sudo := "sudo asks for a password"
	if facts.sudo {
		sudo = "sudo works"
	}
	log.Good("%s on %s, %.1f GiB free in %s, %s.", facts.os, facts.machine, float64(facts.freeKiB)/(1<<20), facts.home, sudo)
	return nil
}

// env is the beginning of a script that speaks to the world as AKS Engine
// will.
func (f flow) env(s *State) string {
	lines := "unset NO_PROXY no_proxy\n"
	if s.Stack.Proxy != "" {
		lines += "export HTTPS_PROXY=" + f.Quote(s.Stack.Proxy) + "\n"
	}
	return lines
}

func (f flow) installCA(ctx context.Context, s *State, log w.Log) error {
	stack, err := f.Records.Stack(ctx, s.Stack.ID)
	if err != nil {
		return err
	}
	host, err := f.dial(ctx, s)
	if err != nil {
		return err
	}
	defer host.Close()
	out, err := host.Run(ctx, "set -- "+f.Quote("hubwright-"+vm.Slug(stack.Region))+"\n"+caScript, strings.NewReader(stack.CABundle))
	if err != nil {
		return err
	}
	if out.ExitCode != 0 {
		return &w.Problem{Code: "helper.ca", What: "The Hub's root certificate could not be installed on " + s.where(),
			Why: firstLine(out.Stderr), Fix: "Look whether the user's home can be written to, then try again.", Detail: out.Stderr}
	}
	s.tellCA(out.Stdout, log)
	return f.tryHub(ctx, s, host, log)
}

// tellCA reads what the script says it changed.
func (s *State) tellCA(said string, log w.Log) {
	for line := range strings.Lines(said) {
		switch strings.TrimSpace(line) {
		case "system=changed":
			s.changed("the machine's trusted roots")
			log.Good("Added the Hub's root certificate to the machine's trusted roots.")
		case "system=none":
			log.Info("The machine's own list of roots is left alone; AKS Engine gets its bundle.")
		case "bundle=changed":
			s.changed("AKS Engine's CA bundle")
			log.Good("Wrote ~/%s: what the machine trusts, and the Hub.", bundlePath)
		case "bundle=same":
			log.Info("~/%s is as it should be.", bundlePath)
		}
	}
}

const bundlePath = ".hubwright/ca-bundle.pem"

// tryHub asks the Hub from the machine, with the bundle: both the way and the
// trust are needed later.
func (f flow) tryHub(ctx context.Context, s *State, host Host, log w.Log) error {
	script := f.env(s) + "command -v curl >/dev/null 2>&1 || exit 127\n" +
		`curl -sS --cacert "$HOME/` + bundlePath + `" -o /dev/null -w '%{http_code}' --max-time 30 ` +
		f.Quote(s.Stack.Endpoint+"/metadata/endpoints?api-version=2015-01-01")
	out, err := host.Run(ctx, script, nil)
	switch {
	case err != nil:
		return err
	case out.ExitCode == 127:
		log.Warn("There is no curl on the machine, so the way to the Hub is not tried.")
		return nil
	case out.ExitCode == 0 && strings.TrimSpace(out.Stdout) == "200":
		log.Good("The machine reaches %s and trusts it.", s.Stack.Endpoint)
		return nil
	case out.ExitCode == 0:
		return &w.Problem{Code: "helper.hub", What: "The machine does not reach the Hub", Why: "The metadata endpoint answered " + strings.TrimSpace(out.Stdout) + ".",
			Fix: "Look whether a proxy or firewall answers in place of the Hub."}
	}
	if p, ok := problem.FromText(out.Stderr); ok {
		return problem.Wrap(p, "The machine does not reach the Hub")
	}
	return &w.Problem{Code: "helper.hub", What: "The machine does not reach the Hub", Why: firstLine(out.Stderr),
		Fix: "Check name resolution, firewall and proxy on the machine's network.", Detail: out.Stderr}
}

// asProblem is the Problem of a script that ended badly.
func asProblem(code, what, fix string, out Output) error {
	if p, ok := problem.FromText(out.Stderr); ok {
		return problem.Wrap(p, what)
	}
	why := firstLine(out.Stderr)
	if why == "" {
		why = fmt.Sprintf("It ended with exit code %d.", out.ExitCode)
	}
	return &w.Problem{Code: code, What: what, Why: why, Fix: fix, Detail: out.Stderr}
}
