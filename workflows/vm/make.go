package vm

import (
	"cmp"
	"context"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// EnsureNetwork makes what the VM needs around it, and tells changed of each
// piece that was not in place.
func EnsureNetwork(ctx context.Context, hub Hub, s Spec, log w.Log, changed func(what string)) error {
	return hub.EnsureVMNetwork(ctx, s, func(percent int, what string, done, did bool) {
		switch {
		case !done:
			log.Progress(percent, what)
		case did:
			changed(what)
			log.Good("Made the %s.", what)
			log.Progress(percent, what)
		default:
			log.Info("The %s is there and as it should be.", what)
		}
	})
}

// EnsureMachine makes or starts the VM. fresh says that it was made just now,
// so that a host key that was known is none any more.
func EnsureMachine(ctx context.Context, hub Hub, s Spec, log w.Log, changed func(what string)) (fresh bool, err error) {
	log.Progress(-1, "the VM "+s.VM)
	did, err := hub.EnsureVM(ctx, s)
	if err != nil {
		return false, err
	}
	switch did {
	case "created":
		changed("VM " + s.VM)
		log.Good("Made the VM %s (%s, %s).", s.VM, s.Size, s.Image.URN())
	case "started":
		changed("VM " + s.VM + " (started)")
		log.Good("Started the VM %s, which was stopped.", s.VM)
	default:
		log.Info("The VM %s is there and runs.", s.VM)
	}
	return did == "created", nil
}

// Address is where the VM is reached. Behind the proxy the proxy resolves the
// name; without one the address works also where nobody delegated the Hub's
// domain.
func Address(ctx context.Context, hub Hub, s Spec, fqdn string, viaProxy bool, log w.Log) (string, error) {
	address, name, err := hub.PublicIP(ctx, s.ResourceGroup, s.PublicIP)
	if err != nil {
		return "", err
	}
	name = cmp.Or(name, fqdn)
	log.Info("Its public IP is %s, its name %s.", cmp.Or(address, "not told"), name)
	if !viaProxy && address != "" {
		return address, nil
	}
	return name, nil
}

const (
	betweenTries = 3 * time.Second
	// Patience is how long a VM may take to let us in after ARM says that it is
	// made: cloud-init adds user and key at the end of its boot.
	Patience = 12 * time.Minute
)

// Waiting is how SSH is waited for.
type Waiting struct {
	Limit time.Duration
	Clock func() time.Time
	Pause func(ctx context.Context, d time.Duration) error
	// Final says that waiting does not help.
	Final func(*w.Problem) bool
}

// Await tries until it succeeds, and says each new reason once.
func (x Waiting) Await(ctx context.Context, log w.Log, try func() error) error {
	end := x.Clock().Add(x.Limit)
	said := ""
	for {
		err := try()
		if err == nil {
			return nil
		}
		p := problem.From(err)
		if ctx.Err() != nil || x.Final(p) || x.Clock().After(end) {
			return err
		}
		if p.What != said {
			log.Info("Not yet: %s", p.What)
			said = p.What
		}
		log.Progress(-1, "waiting for SSH")
		if err := x.Pause(ctx, betweenTries); err != nil {
			return err
		}
	}
}
