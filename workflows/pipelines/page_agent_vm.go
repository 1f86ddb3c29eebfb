package pipelines

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

// In which network the agent's VM stands.
const (
	NetHelper   = "helper"   // the helper VM's
	NetExisting = "existing" // another one that is there
	NetNew      = "new"
)

// The ways for SSH.
const (
	reachProxy  = "proxy"
	reachDirect = "direct"
)

func (s *State) ownVM() bool { return s.setsUp() && s.Where == WhereOwn }

// vmBefore is the VM that a former run made or began.
func (s *State) vmBefore() w.OwnVM {
	if s.Before.AgentHost.VM == nil {
		return w.OwnVM{}
	}
	return *s.Before.AgentHost.VM
}

func (f flow) vmPage() w.Page[State] {
	had := func(pick func(v w.OwnVM) string, usual func(s *State) string) func(*State) string {
		return func(s *State) string { return cmp.Or(pick(s.vmBefore()), usual(s)) }
	}
	say := func(v string) func(*State) string { return func(*State) string { return v } }
	base := func(s *State) string { return vm.Base(s.Deployment, s.SiteName, "agent") }
	return w.Page[State]{
		ID: "vm", Title: "The agent's VM", When: func(s *State) bool { return s.ownVM() },
		Why: "It is made on the Hub as the helper VM is: Linux, a public IP, and SSH with a key of its own as the only way in.",
		Fields: []w.Field[State]{
			{Name: "vm", Label: "VM name", Kind: w.FieldText, Lookup: f.lookVMLabel, Help: "Also its name on the Hub, which must be free in the whole region.", Default: had(func(v w.OwnVM) string { return v.Name }, base)},
			{Name: "size", Label: "Size", Kind: w.FieldSelect, Options: f.vmSizes, Default: had(func(v w.OwnVM) string { return v.Size }, say(vm.UsualSize))},
			{Name: "vm_image", Label: "Image", Kind: w.FieldSelect, Help: "The Ubuntu images in the Hub's marketplace.", Placeholder: vm.UsualImage, Options: f.vmImages, Default: had(imageOf, say(vm.UsualImage))},
			{Name: "group", Label: "Resource group", Kind: w.FieldText, Help: "One that does not exist is made, and deleted with the VM.", Default: had(func(v w.OwnVM) string { return v.ResourceGroup }, base)},
			{Name: "network", Label: "Network", Kind: w.FieldRadio, Reloads: true, Options: networks, Default: had(func(w.OwnVM) string { return "" }, usualNetwork)},
			{Name: "subnet", Label: "Resource ID of the subnet", Kind: w.FieldText, When: func(s *State) bool { return s.Net == NetExisting }, Default: had(func(v w.OwnVM) string { return v.SubnetID }, say("")),
				Placeholder: "/subscriptions/…/virtualNetworks/…/subnets/…"},
			{Name: "range", Label: "Network range", Kind: w.FieldText, When: func(s *State) bool { return s.Net == NetNew }, Default: had(func(v w.OwnVM) string { return v.NetworkCIDR }, say("10.101.0.0/24")),
				Help: "An IPv4 range in CIDR form that does not overlap with networks that you connect to it."},
			{Name: "ssh", Label: "SSH is allowed from", Kind: w.FieldText, Help: "The range in which this server is, as the Hub sees it. Nothing else is let in.", Default: had(func(v w.OwnVM) string { return v.SSHFrom }, say(vm.UsualSource))},
			{Name: "reach", Label: "SSH goes", Kind: w.FieldRadio, When: func(s *State) bool { return s.Proxy != "" }, Default: usualReach, Options: fixed(
				w.Option{Value: reachProxy, Label: "Through the stack's HTTPS proxy", Note: "The proxy must allow CONNECT to the SSH port."},
				w.Option{Value: reachDirect, Label: "Directly"},
			)},
		},
		Bind: bindVM,
	}
}

func imageOf(v w.OwnVM) string {
	if v.Image == (w.ImageRef{}) {
		return ""
	}
	return v.Image.URN()
}

func networks(_ context.Context, s *State) ([]w.Option, error) {
	helper := w.Option{Value: NetHelper, Label: "The helper VM's", Note: "From there the helper VM reaches the Hub. Machines in one network reach each other's ports; SSH asks for each one's own key."}
	if s.HelperSubnet == "" {
		helper.Disabled, helper.Note = true, "The helper VM was not made by Hubwright, so its network is not known."
	}
	return []w.Option{helper, {Value: NetExisting, Label: "Another one on the Hub", Note: "It stays when the VM is deleted."}, {Value: NetNew, Label: "A new one", Note: "Deleted with the VM."}}, nil
}

func usualNetwork(s *State) string {
	switch v := s.vmBefore(); {
	case v.NetworkCIDR != "":
		return NetNew
	case v.SubnetID != "" && !strings.EqualFold(v.SubnetID, s.HelperSubnet):
		return NetExisting
	case s.HelperSubnet == "":
		return NetNew
	}
	return NetHelper
}

func usualReach(s *State) string {
	if s.Proxy == "" || s.Before.AgentHost.VM != nil && !s.Before.AgentHost.ViaProxy {
		return reachDirect
	}
	return reachProxy
}

func (f flow) vmSizes(ctx context.Context, s *State) ([]w.Option, error) {
	return vm.SizeOptions(ctx, f.opening(s), "too little memory for an agent")
}

func (f flow) vmImages(ctx context.Context, s *State) ([]w.Option, error) {
	return vm.ImageOptions(ctx, f.opening(s))
}

func bindVM(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, message string) {
		if message != "" {
			errs = append(errs, w.FieldError{Field: field, Message: message})
		}
	}
	v := w.OwnVM{Name: strings.ToLower(a.Get("vm")), ResourceGroup: a.Get("group"), Size: a.Get("size")}
	var why string
	bad("vm", cmp.Or(vm.BadName(v.Name), vm.BadLabel(v.Name)))
	bad("size", vm.BadSize(v.Size))
	v.Image, why = vm.ReadImage(a.Get("vm_image"))
	bad("vm_image", why)
	bad("group", vm.BadGroup(v.ResourceGroup))
	switch s.Net = a.Get("network"); {
	case s.Net == NetHelper && s.HelperSubnet != "":
		v.SubnetID = s.HelperSubnet
	case s.Net == NetExisting:
		if v.SubnetID = a.Get("subnet"); !strings.HasPrefix(v.SubnetID, "/subscriptions/") || !strings.Contains(v.SubnetID, "/subnets/") || len(v.SubnetID) > 500 {
			bad("subnet", "Give the subnet's resource ID. It begins with /subscriptions/ and ends with /subnets/ and its name.")
		}
	case s.Net == NetNew:
		network, why := vm.ReadRange(a.Get("range"), 8, 29)
		v.NetworkCIDR = vm.Text(network)
		bad("range", why)
	default:
		bad("network", "Choose the network of the VM.")
	}
	v.SSHFrom, why = vm.ReadSource(a.Get("ssh"))
	bad("ssh", why)
	reach := a.Get("reach")
	if s.Proxy == "" {
		reach = reachDirect
	}
	if reach != reachProxy && reach != reachDirect {
		bad("reach", "Choose the way for SSH.")
	}
	if b := s.vmBefore(); sameVM(b, v) {
		v.OwnGroup, s.Host = b.OwnGroup, s.Before.AgentHost
	}
	s.VM, s.Host.ViaProxy = v, reach == reachProxy
	return errs
}

func sameVM(a, b w.OwnVM) bool {
	return a.Name == b.Name && strings.EqualFold(a.ResourceGroup, b.ResourceGroup)
}

// strayed keeps the machine of a Site's agent from being lost sight of.
func strayed(s *State) []w.FieldError {
	b := s.Before
	made, is := b.AgentHost.VM != nil, s.Where == WhereOwn
	switch {
	case !s.installs() && !onPods(s) || b.Agent == "" && !made:
		return nil
	case made && is && !sameVM(*b.AgentHost.VM, s.VM):
		return []w.FieldError{{Page: "vm", Field: "vm", Message: fmt.Sprintf("A run made the VM %s in the resource group %s for the agent. Keep both names, or take it away first (first page).", b.AgentHost.VM.Name, b.AgentHost.VM.ResourceGroup)}}
	case made && !is:
		return []w.FieldError{{Page: "agents", Field: "where", Message: "A run made the VM " + b.AgentHost.VM.Name + " for the agent. Keep it, or take it away first (first page)."}}
	case b.Agent != "" && (b.Agent != s.Agent || made != is || !made && b.AgentHost.Address != s.Host.Address || b.AgentPods.Namespace != s.Pods.Namespace):
		return []w.FieldError{{Page: "agents", Field: "where", Message: "The agent " + b.Agent + " was set up in another place or under another name. Keep both, or take it away first (first page)."}}
	}
	return nil
}
