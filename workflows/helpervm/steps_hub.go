package helpervm

import (
	"context"
	"errors"
	"fmt"

	w "hubwright/workflows"
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
	vm, err := f.Records.HelperVM(ctx, s.SiteID)
	if errors.Is(err, w.ErrNotFound) {
		vm, err = w.HelperVM{SiteID: s.SiteID}, nil
	}
	if err != nil {
		return err
	}
	want := vm
	if vm.Existing || vm.VMName != s.VM || vm.ResourceGroup != s.ResourceGroup {
		// Another machine than before: nothing of the old one holds for it.
		want = w.HelperVM{ID: vm.ID, SiteID: s.SiteID, ResourceGroup: s.ResourceGroup, VMName: s.VM}
	}
	want.PrivateKey, want.User, want.Port, want.Address = s.Found.PrivateKey, s.User, 22, s.fqdn()
	if vm.Address != "" && sameMachine(vm, want) {
		want.Address = vm.Address
	}
	return f.save(ctx, vm, want)
}

func sameMachine(a, b w.HelperVM) bool {
	return a.Existing == b.Existing && a.VMName == b.VMName && a.ResourceGroup == b.ResourceGroup
}

func (f flow) ensureNetwork(ctx context.Context, s *State, log w.Log) error {
	hub, err := f.hub(ctx, s)
	if err != nil {
		return err
	}
	return hub.EnsureHelperNetwork(ctx, s.spec(), func(percent int, what string, done, changed bool) {
		switch {
		case !done:
			log.Progress(percent, what)
		case changed:
			s.changed(what)
			log.Good("Made the %s.", what)
			log.Progress(percent, what)
		default:
			log.Info("The %s is there and as it should be.", what)
		}
	})
}

func (f flow) ensureMachine(ctx context.Context, s *State, log w.Log) error {
	hub, err := f.hub(ctx, s)
	if err != nil {
		return err
	}
	log.Progress(-1, "the VM "+s.VM)
	did, err := hub.EnsureHelperVM(ctx, s.spec())
	if err != nil {
		return err
	}
	switch did {
	case "created":
		s.changed("VM " + s.VM)
		// A new machine has a new host key, whatever the record says.
		s.Forget, s.Found.HostKey = true, ""
		log.Good("Made the VM %s (%s, %s).", s.VM, s.Size, s.Image.URN())
	case "started":
		s.changed("VM " + s.VM + " (started)")
		log.Good("Started the VM %s, which was stopped.", s.VM)
	default:
		log.Info("The VM %s is there and runs.", s.VM)
	}
	address, fqdn, err := hub.PublicIP(ctx, s.ResourceGroup, s.spec().PublicIP)
	if err != nil {
		return err
	}
	if fqdn == "" {
		fqdn = s.fqdn()
	}
	// Behind the proxy the proxy resolves the name; without one the address
	// works also where nobody delegated the Hub's domain.
	s.Found.Address = fqdn
	if s.Reach == ReachDirect && address != "" {
		s.Found.Address = address
	}
	log.Info("Its public IP is %s, its name %s.", orNone(address), fqdn)
	return nil
}

func orNone(v string) string {
	if v == "" {
		return "not told"
	}
	return v
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

// save writes the record when it differs.
func (f flow) save(ctx context.Context, have, want w.HelperVM) error {
	if fmt.Sprint(have) == fmt.Sprint(want) {
		return nil
	}
	want.UpdatedAt = f.Clock()
	return f.Records.SaveHelperVM(ctx, &want)
}
