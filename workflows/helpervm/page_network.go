package helpervm

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	w "hubwright/workflows"
)

var (
	groupName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.()-]{0,88}[A-Za-z0-9_()-]$`)
	dnsLabel  = regexp.MustCompile(`^[a-z][a-z0-9-]{1,61}[a-z0-9]$`)
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
				Default: func(*State) string { return "10.0.0.0/8" }},
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
	bad := func(field, format string, args ...any) {
		errs = append(errs, w.FieldError{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	s.ResourceGroup, s.DNSLabel = a.Get("group"), strings.ToLower(a.Get("label"))
	if !groupName.MatchString(s.ResourceGroup) {
		bad("group", "Use 2 to 90 letters, digits, hyphens, underscores, dots or brackets, not ending with a dot.")
	}
	if !dnsLabel.MatchString(s.DNSLabel) {
		bad("label", "Use 3 to 63 small letters, digits and hyphens, beginning with a letter, not ending with a hyphen.")
	}
	network, why := prefix(a.Get("network"), 8, 29)
	if why != "" {
		bad("network", "%s", why)
	}
	subnet, why := prefix(a.Get("subnet"), 8, 29)
	switch {
	case why != "":
		bad("subnet", "%s", why)
	case network.IsValid() && (!network.Contains(subnet.Addr()) || subnet.Bits() < network.Bits()):
		bad("subnet", "%s is not a part of the network range %s.", subnet, network)
	}
	from := a.Get("ssh")
	if addr, err := netip.ParseAddr(from); err == nil && addr.Is4() {
		from += "/32"
	}
	source, why := prefix(from, 0, 32)
	if why != "" {
		bad("ssh", "%s", why)
	}
	s.NetworkCIDR, s.SubnetCIDR, s.SSHFrom = text(network), text(subnet), text(source)
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

// prefix reads an IPv4 range whose host bits are zero.
func prefix(v string, minBits, maxBits int) (p netip.Prefix, why string) {
	p, err := netip.ParsePrefix(v)
	switch {
	case v == "":
		return netip.Prefix{}, "Give a range in CIDR form, such as 10.100.0.0/16."
	case err != nil || !p.Addr().Is4():
		return netip.Prefix{}, fmt.Sprintf("%q is not an IPv4 range in CIDR form, such as 10.100.0.0/16.", clip(v))
	case p.Masked() != p:
		return netip.Prefix{}, fmt.Sprintf("%s is an address inside a range; the range itself is %s.", v, p.Masked())
	case p.Bits() < minBits || p.Bits() > maxBits:
		return netip.Prefix{}, fmt.Sprintf("The part behind the slash must be %d to %d.", minBits, maxBits)
	}
	return p, ""
}

func text(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

// clip keeps a long answer out of a message.
func clip(v string) string {
	if r := []rune(v); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return v
}
