package helpervm

import (
	"fmt"
	"strings"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

func (f flow) networkPage() w.Page[State] {
	return w.Page[State]{
		ID: "network", Title: "Network", When: func(s *State) bool { return s.creates() },
		Why: "The VM gets a network of its own, away from the clusters, and a public name on the Hub.",
		Fields: []w.Field[State]{
			{Name: "group", Label: "Resource group", Kind: w.FieldText, Help: "It is made when it does not exist.",
				Default: func(s *State) string {
					if k := s.Known; k != nil && k.ResourceGroup != "" {
						return k.ResourceGroup
					}
					return s.base()
				}},
			{Name: "network", Label: "Network range", Kind: w.FieldText, Placeholder: "10.100.0.0/16",
				Help:    "An IPv4 range in CIDR form that does not overlap with networks that you connect to it.",
				Default: func(*State) string { return "10.100.0.0/16" }},
			{Name: "subnet", Label: "Subnet range", Kind: w.FieldText, Placeholder: "10.100.1.0/24",
				Help: "A part of the network range.", Default: func(*State) string { return "10.100.1.0/24" }},
			{Name: "ssh", Label: "SSH is allowed from", Kind: w.FieldText, Placeholder: "192.0.2.0/24",
				Help:    "The range in which this server is, as the Hub sees it. 0.0.0.0/0 opens SSH to the world.",
				Default: func(*State) string { return vm.UsualSource }},
			{Name: "label", Label: "DNS label", Kind: w.FieldText, Help: "The name on the Hub; it must be free in the whole region.", Lookup: f.lookLabel,
				Default: func(s *State) string { return s.base() }},
			reachField(ReachProxy), // the VM lies where the Hub lies
		},
		Bind: bindNetwork,
	}
}

// reachField asks for SSH's way. usual is the way that a machine of that kind
// has when the record knows none.
func reachField(usual string) w.Field[State] {
	return w.Field[State]{
		Name: "reach", Label: "SSH goes", Kind: w.FieldRadio,
		When: func(s *State) bool { return s.Stack.Proxy != "" },
		Default: func(s *State) string {
			known := s.Known != nil && s.Known.EngineVersion != "" && s.Known.Existing == s.existing()
			switch {
			case s.Stack.Proxy == "":
				return ReachDirect
			case known && s.Known.ViaProxy:
				return ReachProxy
			case known:
				return ReachDirect
			}
			return usual
		},
		Options: fixed(
			w.Option{Value: ReachProxy, Label: "Through the stack's HTTPS proxy", Note: "The proxy must allow CONNECT to the SSH port."},
			w.Option{Value: ReachDirect, Label: "Directly"},
		),
	}
}

func bindNetwork(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, message string) {
		if message != "" {
			errs = append(errs, w.FieldError{Field: field, Message: message})
		}
	}
	s.ResourceGroup, s.DNSLabel = a.Get("group"), strings.ToLower(a.Get("label"))
	bad("group", vm.BadGroup(s.ResourceGroup))
	bad("label", vm.BadLabel(s.DNSLabel))
	network, why := vm.ReadRange(a.Get("network"), 8, 29)
	bad("network", why)
	subnet, why := vm.ReadRange(a.Get("subnet"), 8, 29)
	if why == "" && network.IsValid() && (!network.Contains(subnet.Addr()) || subnet.Bits() < network.Bits()) {
		why = fmt.Sprintf("%s is not a part of the network range %s.", subnet, network)
	}
	bad("subnet", why)
	s.SSHFrom, why = vm.ReadSource(a.Get("ssh"))
	bad("ssh", why)
	s.NetworkCIDR, s.SubnetCIDR = vm.Text(network), vm.Text(subnet)
	return append(errs, bindReach(a, s)...)
}

func bindReach(a w.Answers, s *State) []w.FieldError {
	s.Reach = a.Get("reach")
	if s.Reach == ReachProxy && s.Stack.Proxy == "" {
		s.Reach = ReachDirect
	}
	if s.Reach != ReachProxy && s.Reach != ReachDirect {
		return []w.FieldError{{Field: "reach", Message: "Choose the way for SSH."}}
	}
	return nil
}
