package cluster

import (
	"context"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

func (f flow) networkPage() w.Page[State] {
	own := func(s *State) bool { return s.Vnet == VnetOwn }
	return w.Page[State]{
		ID: "network", Title: "Network", Why: "How pods get addresses, and in which network the nodes are. None of it can be changed later.",
		Fields: []w.Field[State]{
			{
				Name: "networkPlugin", Label: "Network plugin", Kind: w.FieldRadio, Reloads: true, Default: func(*State) string { return "kubenet" },
				Options: func(context.Context, *State) ([]w.Option, error) {
					return []w.Option{
						{Value: "kubenet", Label: "kubenet", Note: "Pods have a range of their own; a route table leads to them. The well-tried way on Azure Stack Hub."},
						{Value: "azure", Label: "azure", Note: "Pods have addresses of the virtual network, so it must be large: 30 for each node."},
					}, nil
				},
			},
			{
				Name: "networkPolicy", Label: "Network policy", Kind: w.FieldSelect, Optional: true, Default: func(*State) string { return "" },
				Options: func(_ context.Context, s *State) ([]w.Option, error) { return policyOptions(s.NetworkPlugin), nil },
			},
			{
				Name: "podCIDR", Label: "Pods' address range", Kind: w.FieldText, Default: func(*State) string { return aksengine.DefaultPodCIDR },
				When: func(s *State) bool { return s.NetworkPlugin != "azure" },
			},
			{
				Name: "serviceCIDR", Label: "Services' address range", Kind: w.FieldText, Default: func(*State) string { return aksengine.DefaultServiceCIDR },
				Help: "Seen inside the cluster only. It must not overlap with anything that pods talk to.",
			},
			{Name: "dnsIP", Label: "DNS service's address", Kind: w.FieldText, Default: func(*State) string { return aksengine.DefaultDNSIP }, Help: "Inside the services' range, not its first address."},
			{
				Name: "vnet", Label: "Virtual network", Kind: w.FieldRadio, Reloads: true, Default: func(*State) string { return VnetNew },
				Options: func(context.Context, *State) ([]w.Option, error) {
					return []w.Option{
						{Value: VnetNew, Label: "Make a new one", Note: "In the cluster's resource group, with the nodes in " + aksengine.DefaultNodeCIDR + "."},
						{Value: VnetOwn, Label: "Use an own one", Note: "You give its subnets. With kubenet, their route table must be the cluster's: attach it after the deployment."},
					}, nil
				},
			},
			{Name: "masterSubnet", Label: "Control plane's subnet", Kind: w.FieldText, When: own, Help: "The whole resource id, from /subscriptions/ to /subnets/<name>."},
			{Name: "agentSubnet", Label: "Workers' subnet", Kind: w.FieldText, When: own, Help: "In the same virtual network; may be the same subnet."},
			{Name: "vnetCIDR", Label: "Virtual network's address range", Kind: w.FieldText, When: own, Placeholder: "10.100.0.0/16"},
			{Name: "firstIP", Label: "Control plane's first address", Kind: w.FieldText, When: own, Placeholder: "10.100.0.200",
				Help: "In the control plane's subnet. It, the next ones for each further node, and the one ten further must be free."},
		},
		Bind: bindNetwork,
	}
}

func policyOptions(plugin string) []w.Option {
	notes := map[string]string{
		"":       "Every pod may talk to every pod.",
		"calico": "Network policies are enforced by Calico.",
		"azure":  "Network policies are enforced by Azure's own. Experimental on Azure Stack Hub.",
	}
	var out []w.Option
	for _, p := range aksengine.NetworkPolicies(plugin) {
		label := p
		if p == "" {
			label = "none"
		}
		out = append(out, w.Option{Value: p, Label: label, Note: notes[p]})
	}
	return out
}

func bindNetwork(a w.Answers, s *State) []w.FieldError {
	s.NetworkPlugin, s.NetworkPolicy = a.Get("networkPlugin"), a.Get("networkPolicy")
	s.PodCIDR, s.ServiceCIDR, s.DNSIP, s.Vnet = a.Get("podCIDR"), a.Get("serviceCIDR"), a.Get("dnsIP"), a.Get("vnet")
	s.MasterSubnet, s.AgentSubnet, s.VnetCIDR, s.FirstIP = a.Get("masterSubnet"), a.Get("agentSubnet"), a.Get("vnetCIDR"), a.Get("firstIP")
	var errs []w.FieldError
	need := func(field, value, message string) {
		if value == "" {
			errs = append(errs, w.FieldError{Field: field, Message: message})
		}
	}
	if s.NetworkPlugin != "azure" && s.NetworkPlugin != "kubenet" {
		// The engine knows more, but they were never tried on Azure Stack Hub.
		errs = append(errs, w.FieldError{Field: "networkPlugin", Message: "Choose kubenet or azure."})
	}
	switch s.Vnet {
	case VnetNew:
	case VnetOwn:
		need("masterSubnet", s.MasterSubnet, "Give the control plane's subnet.")
		need("agentSubnet", s.AgentSubnet, "Give the workers' subnet.")
		need("vnetCIDR", s.VnetCIDR, "Give the virtual network's address range.")
	default:
		errs = append(errs, w.FieldError{Field: "vnet", Message: "Choose a new virtual network or an own one."})
	}
	return errs
}
