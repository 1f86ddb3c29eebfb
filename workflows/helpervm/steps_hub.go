package helpervm

import (
	"context"
	"errors"
	"fmt"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

// takeKey makes sure that there is a private key in the vault and that the
// record knows it before a machine is made with it: a run that stops half-way
// must not leave a VM that nobody can enter.
func (f flow) takeKey(ctx context.Context, s *State, log w.Log) error {
	if s.keyRef() == "" {
		private, _, err := f.NewKeyPair("hubwright " + s.VM)
		if err != nil {
			return err
		}
		ref, err := f.Vault.Seal(ctx, "SSH key of the helper VM "+s.VM, private)
		if err != nil {
			return err
		}
		s.Found.PrivateKey = ref
		log.Good("Generated an SSH key; the private half is sealed.")
	}
	s.Found.PrivateKey = s.keyRef()
	public, err := f.publicKey(ctx, s)
	if err != nil {
		return err
	}
	s.Found.AuthorizedKey = public
	log.Info("Public key: %s", public)
	if !s.creates() {
		return nil
	}
	return f.rememberKey(ctx, s, false)
}

// rememberKey writes the key into the record before the run has ended. A
// record of another machine is left alone: it is in use until this one is
// ready. fresh says that the machine was made just now with this key.
func (f flow) rememberKey(ctx context.Context, s *State, fresh bool) error {
	have, err := f.Records.HelperVM(ctx, s.SiteID)
	if errors.Is(err, w.ErrNotFound) {
		have, err = w.HelperVM{SiteID: s.SiteID, ResourceGroup: s.ResourceGroup, VMName: s.VM, Address: s.fqdn()}, nil
	}
	if err != nil || have.Existing || have.VMName != s.VM || have.ResourceGroup != s.ResourceGroup {
		return err
	}
	want := have
	switch {
	case fresh:
		want.HostKey = ""
	case have.PrivateKey != "":
		return nil // a machine may have been made with that one
	}
	want.PrivateKey, want.User, want.Port, want.ViaProxy = s.Found.PrivateKey, s.User, 22, s.Reach == ReachProxy
	return f.save(ctx, have, want)
}

func (f flow) ensureNetwork(ctx context.Context, s *State, log w.Log) error {
	hub, err := f.hub(ctx, s)
	if err != nil {
		return err
	}
	return vm.EnsureNetwork(ctx, hub, s.spec(), log, s.changed)
}

func (f flow) ensureMachine(ctx context.Context, s *State, log w.Log) error {
	hub, err := f.hub(ctx, s)
	if err != nil {
		return err
	}
	fresh, err := vm.EnsureMachine(ctx, hub, s.spec(), log, s.changed)
	if err != nil {
		return err
	}
	if fresh {
		// A new machine has a new host key, whatever the record says.
		s.Forget, s.Found.HostKey = true, ""
		if err := f.rememberKey(ctx, s, true); err != nil {
			return err
		}
	}
	s.Found.Address, err = vm.Address(ctx, hub, s.spec(), s.fqdn(), s.Reach == ReachProxy, log)
	return err
}

// record keeps what was found. It writes nothing when nothing is new.
func (f flow) record(ctx context.Context, s *State, log w.Log) error {
	have, err := f.Records.HelperVM(ctx, s.SiteID)
	if err != nil && !errors.Is(err, w.ErrNotFound) {
		return err
	}
	t := s.login()
	want := have
	want.SiteID, want.Existing = s.SiteID, s.existing()
	want.Address, want.Port, want.User = t.Host, t.Port, t.User
	want.PrivateKey, want.HostKey, want.ViaProxy = s.Found.PrivateKey, s.Found.HostKey, t.Proxy != ""
	want.OS, want.EngineVersion, want.Kubernetes = s.Found.OS, s.Found.Engine, s.Found.Kubernetes
	want.ResourceGroup, want.VMName = "", ""
	if s.creates() {
		want.ResourceGroup, want.VMName = s.ResourceGroup, s.VM
	}
	if err := f.save(ctx, have, want); err != nil {
		return err
	}
	if len(s.Found.Changed) == 0 {
		log.Good("All was in place already. Nothing was changed.")
		return nil
	}
	log.Good("%s is the helper VM of %s.", t.Host, s.SiteName)
	return nil
}

// save writes the record when it differs. The texts are compared, because an
// empty list comes back from the store as none.
func (f flow) save(ctx context.Context, have, want w.HelperVM) error {
	if fmt.Sprint(have) == fmt.Sprint(want) {
		return nil
	}
	want.UpdatedAt = f.Clock()
	return f.Records.SaveHelperVM(ctx, &want)
}
