package pipelines

import (
	"context"
	"strings"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

func (f flow) vmSteps() []w.Step[State] {
	own := func(s *State) bool { return s.ownVM() }
	return []w.Step[State]{
		{ID: "vm-key", Title: "Note the VM and take its key", Why: "What is noted before it is made can be found and taken away, whatever happens.", When: own, Timeout: time.Minute, Run: f.noteVM},
		{ID: "vm-network", Title: "Make the VM's network and public IP", Why: "The machine needs an address, and a firewall that lets nothing in but SSH from where you said.", When: own, Timeout: 10 * time.Minute, Weight: 2, Run: f.vmNetwork},
		{ID: "vm", Title: "Make the VM", Why: "The agent runs on it.", When: own, Timeout: 20 * time.Minute, Weight: 8, Run: f.vmMachine},
		{ID: "vm-ssh", Title: "Wait for SSH and look outwards", Why: "Its host key is pinned. It has to reach Azure DevOps on port 443.", When: own, Timeout: 10 * time.Minute, Weight: 3, Run: f.vmSSH},
	}
}

func (f flow) hub(ctx context.Context, s *State) (Hub, error) {
	site, err := f.Records.Site(ctx, s.SiteID)
	if err != nil {
		return nil, err
	}
	stack, err := f.Records.Stack(ctx, site.StackID)
	if err != nil {
		return nil, err
	}
	return f.OpenHub(ctx, stack)
}

// opening opens the Hub for what all VMs share.
func (f flow) opening(s *State) func(context.Context) (vm.Hub, error) {
	return func(ctx context.Context) (vm.Hub, error) { return f.hub(ctx, s) }
}

// vmSpec is what the Hub should hold.
func (s *State) vmSpec() vm.Spec {
	v := s.VM
	return vm.Spec{
		ResourceGroup: v.ResourceGroup, KeepGroup: !v.OwnGroup, SSHFrom: v.SSHFrom, NetworkCIDR: v.NetworkCIDR, SubnetCIDR: v.NetworkCIDR, SubnetID: v.SubnetID,
		DNSLabel: v.Name, VM: v.Name, Size: v.Size, Image: v.Image, User: vm.UsualUser, Tags: vm.Tags("agent-vm", s.Deployment, s.SiteName, s.SiteID),
	}.Named()
}

// vmName is the VM's full name on the Hub.
func (s *State) vmName() string { return s.VM.Name + "." + s.Domain }

// lockedSpec is the spec with the public half of the VM's key.
func (f flow) lockedSpec(ctx context.Context, s *State) (vm.Spec, error) {
	spec := s.vmSpec()
	private, err := f.Vault.Open(ctx, s.Host.PrivateKey)
	if err != nil {
		return spec, err
	}
	spec.AuthorizedKey, err = f.PublicKey(private)
	return spec, err
}

// noteVM records the VM with its key before anything of it is made. One that
// is there keeps its size and network.
func (f flow) noteVM(ctx context.Context, s *State, log w.Log) error {
	hub, err := f.hub(ctx, s)
	if err != nil {
		return err
	}
	known := s.Before.AgentHost.VM != nil
	parts, err := hub.VMParts(ctx, s.vmSpec())
	if err != nil {
		return err
	}
	if p := vm.Foreign(parts, s.vmSpec(), known); p != nil {
		return &w.Problem{Code: "pipelines.vm", What: "Another " + p.Kind + " is called " + p.Name, Why: "no run for this Site made it, so it is left alone", Fix: "Choose another name for the agent's VM, or another resource group."}
	}
	exists, _, err := hub.ResourceGroupTags(ctx, s.VM.ResourceGroup)
	if err != nil {
		return err
	}
	s.VM.OwnGroup = s.vmBefore().OwnGroup || !exists
	login := s.Before.AgentHost
	switch there := len(parts) > 0 && parts[0].Kind == "VM"; {
	case there:
		from := s.VM.SSHFrom
		s.VM = s.vmBefore()
		s.VM.SSHFrom = from
		log.Info("The VM %s is there: it keeps its size and its network", s.VM.Name)
	default:
		login.HostKey, login.Address = "", ""
	}
	if !known {
		login = w.HostLogin{User: vm.UsualUser, Port: 22}
		if login.PrivateKey, err = f.newKey(ctx, s, log); err != nil {
			return err
		}
	}
	noted := s.VM
	login.VM, login.ViaProxy = &noted, s.Host.ViaProxy
	s.Host = login
	return f.intend(ctx, s, func(b *w.ServiceConnection) { b.AgentHost = login })
}

func (f flow) newKey(ctx context.Context, s *State, log w.Log) (w.SecretRef, error) {
	private, public, err := f.NewKeyPair("hubwright " + s.VM.Name)
	if err != nil {
		return "", err
	}
	log.Good("Generated an SSH key; the private half is sealed. Public key: %s", public)
	return f.Vault.Seal(ctx, "SSH key of the agent's VM "+s.VM.Name, private)
}

func (f flow) vmNetwork(ctx context.Context, s *State, log w.Log) error {
	hub, err := f.hub(ctx, s)
	if err != nil {
		return err
	}
	spec, err := f.lockedSpec(ctx, s)
	if err != nil {
		return err
	}
	return vm.EnsureNetwork(ctx, hub, spec, log, s.did)
}

func (f flow) vmMachine(ctx context.Context, s *State, log w.Log) error {
	hub, err := f.hub(ctx, s)
	if err != nil {
		return err
	}
	spec, err := f.lockedSpec(ctx, s)
	if err != nil {
		return err
	}
	ctx, done := w.Settled(ctx)
	defer done()
	if _, err := vm.EnsureMachine(ctx, hub, spec, log, s.did); err != nil {
		return err
	}
	s.Found.VM = true
	if s.Host.Address, err = vm.Address(ctx, hub, spec, s.vmName(), s.Host.ViaProxy, log); err != nil {
		return err
	}
	return f.intend(ctx, s, func(b *w.ServiceConnection) { b.AgentHost = s.Host })
}

// vmSSH waits until the VM lets us in, pins its host key, and sees whether it
// reaches Azure DevOps.
func (f flow) vmSSH(ctx context.Context, s *State, log w.Log) error {
	s.Host = s.Before.AgentHost // it may have been met before a server died
	x := vm.Waiting{Limit: vm.Patience, Clock: f.Clock, Pause: f.Pause, Final: func(p *w.Problem) bool { return p.Code == "ssh.hostkey" || p.Code == "ssh.key" }}
	if err := x.Await(ctx, log, func() error { return f.meetVM(ctx, s, log) }); err != nil {
		return err
	}
	host, err := f.openHost(ctx, s)
	if err != nil {
		return err
	}
	defer host.Close()
	why, err := f.reaches(ctx, s, host)
	if err != nil {
		return err
	}
	if why != "" {
		return &w.Problem{Code: "pipelines.outbound", What: "The VM " + s.VM.Name + " does not reach Azure DevOps", Why: why, Fix: s.openTheWay() + " Then retry from this step."}
	}
	log.Good("%s reaches %s", s.VM.Name, s.Organization)
	return nil
}

// meetVM logs in and pins the host key that is shown first.
func (f flow) meetVM(ctx context.Context, s *State, log w.Log) error {
	key, fingerprint, err := f.ScanHostKey(ctx, s.target())
	if err != nil {
		return err
	}
	first := s.Host.HostKey == ""
	if !first && strings.TrimSpace(key) != strings.TrimSpace(s.Host.HostKey) {
		return &w.Problem{Code: "ssh.hostkey", What: "The host key of the VM " + s.VM.Name + " has changed", Why: "It shows " + fingerprint + ", which is not the pinned one. Somebody may stand between, or made the VM anew.",
			Fix: "Compare the fingerprint on the machine's own console. When the VM was made anew, take the agent away (first page) and set it up again."}
	}
	t := s.target()
	t.HostKey = key
	if t.PrivateKey, err = f.Vault.Open(ctx, s.Host.PrivateKey); err != nil {
		return err
	}
	host, err := f.Dial(ctx, t)
	if err != nil {
		return err
	}
	defer host.Close()
	if !first {
		return nil
	}
	s.Host.HostKey = key
	if err := f.intend(ctx, s, func(b *w.ServiceConnection) { b.AgentHost = s.Host }); err != nil {
		return err
	}
	log.Good("Pinned the host key of %s: %s", s.Host.Address, fingerprint)
	s.did("pinned host key of " + s.VM.Name)
	return nil
}

// removeVM deletes the VM that was made for the agent, with all that was made
// with it, and nothing else.
func (f flow) removeVM(ctx context.Context, s *State, log w.Log) error {
	if s.Before.AgentHost.VM == nil {
		return nil
	}
	hub, err := f.hub(ctx, s)
	if err != nil {
		return err
	}
	s.VM = *s.Before.AgentHost.VM
	if err := vm.Remove(ctx, hub, s.vmSpec(), s.VM.OwnGroup, log); err != nil {
		return err
	}
	s.Before.AgentHost = w.HostLogin{}
	return f.Records.SaveServiceConnection(context.WithoutCancel(ctx), &s.Before)
}

// vmLeft is what the record says of the VM, with what it cannot know.
func (s *State) vmLeft(add func(label, value, doubt string)) {
	h := s.Before.AgentHost
	if h.VM == nil {
		return
	}
	doubt := ""
	switch {
	case s.removes():
		doubt = ", as far as it is not deleted"
	case h.HostKey == "" && !s.Found.VM:
		doubt = ", as far as the run came"
	}
	add("VM", h.VM.Name+" in the resource group "+h.VM.ResourceGroup+", "+withIt(*h.VM), doubt)
}

// withIt is what is made and deleted with the VM.
func withIt(v w.OwnVM) string {
	out := "with its disk, network interface, public IP and security group"
	if v.SubnetID == "" {
		out = strings.Replace(out, " and ", ", ", 1) + " and network"
	}
	return out
}

func (f flow) planVM(s *State, p *w.Plan) {
	p.Duration = "about ten minutes"
	p.Summary = append(p.Summary, w.SummaryItem{Label: "The agent's VM", Value: s.VM.Name + ", " + s.VM.Size + ", " + s.VM.Image.URN(), Page: "vm"})
	p.Changes = append(p.Changes, vm.Changes(s.vmSpec(), s.vmName())...)
	p.Commands = append(p.Commands, vm.Command(s.vmSpec(), s.Region, "agent.pub", f.Quote))
}
