package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

func (f flow) checkProviders(ctx context.Context, s *State) w.Finding {
	return f.WithHub(ctx, &s.Ground, func(hub operate.Hub) w.Finding {
		names := []string{"Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage"}
		providers, err := hub.Providers(ctx, names...)
		if err != nil {
			return problem.Finding(err)
		}
		var missing []string
		for _, name := range names {
			if !slices.ContainsFunc(providers, func(p w.Provider) bool { return strings.EqualFold(p.Namespace, name) && p.Registered }) {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			return linked(w.Fail("Not registered: "+strings.Join(missing, ", ")+".",
				"Run the stack's test, which registers them, or do it in the user portal under Resource providers."), docPrereq)
		}
		return w.Passed("Compute, network and storage are registered.")
	})
}

func (f flow) checkExtension(ctx context.Context, s *State) w.Finding {
	return f.WithHub(ctx, &s.Ground, func(hub operate.Hub) w.Finding {
		want := aksengine.CustomScript
		found, available, err := hub.HasExtension(ctx, want.Publisher, want.Type, want.MinVersion)
		switch {
		case err != nil:
			return problem.Finding(err)
		case found:
			return w.Passed(fmt.Sprintf("%s %s or newer is there.", want.Type, want.MinVersion))
		}
		has := "none"
		if len(available) > 0 {
			has = strings.Join(available, ", ")
		}
		return linked(w.Fail(fmt.Sprintf("%s.%s %s is not there; the stamp has %s.", want.Publisher, want.Type, want.MinVersion, has),
			"Ask the stamp's operator to download \"Custom Script for Linux 2.0\" into the marketplace."), docPrereq)
	})
}

func (f flow) checkSizes(ctx context.Context, s *State) w.Finding {
	return f.WithHub(ctx, &s.Ground, func(hub operate.Hub) w.Finding {
		sizes, err := hub.Sizes(ctx)
		if err != nil {
			return problem.Finding(err)
		}
		var wrong []string
		look := func(name string, need sizeNeeds) {
			i := slices.IndexFunc(sizes, func(v w.VMSize) bool { return strings.EqualFold(v.Name, name) })
			if i < 0 {
				wrong = append(wrong, name+" is not offered")
			} else if why := need.unfit(sizes[i]); why != "" {
				wrong = append(wrong, name+": "+why)
			}
		}
		look(s.MasterSize, masterNeeds)
		for _, p := range s.Pools {
			look(p.Size, poolNeeds)
		}
		if wrong = slices.Compact(wrong); len(wrong) > 0 {
			return w.Fail(operate.Capital(strings.Join(wrong, "; "))+".", "Choose sizes from the lists, which show what this stamp offers.")
		}
		return w.Passed("All of them are offered.")
	})
}

func (f flow) checkQuota(ctx context.Context, s *State) w.Finding {
	return f.WithHub(ctx, &s.Ground, func(hub operate.Hub) w.Finding {
		sizes, err := hub.Sizes(ctx)
		if err != nil {
			return problem.Finding(err)
		}
		usages, err := hub.Usages(ctx)
		if err != nil {
			return problem.Finding(err)
		}
		all := demands(s, sizes)
		missing, tight, _ := shortage(all, usages)
		sum := needSentence(all, usages)
		const remedy = "Ask the stamp's operator to raise the quota (it takes up to two hours to count), delete what is not needed, or choose fewer or smaller VMs."
		switch {
		case len(missing) > 0:
			return linked(w.Fail(operate.Capital(strings.Join(missing, "; "))+". "+sum, remedy), docTrouble)
		case len(tight) > 0:
			return linked(w.Warn("Enough for the cluster, not for upgrading it: "+strings.Join(tight, "; ")+".", remedy), docTrouble)
		}
		return w.Passed(sum)
	})
}

func (f flow) checkNodeLimit(ctx context.Context, s *State) w.Finding {
	want := s.nodes()
	if want > aksengine.MaxNodes {
		return w.Fail(fmt.Sprintf("The cluster alone would have %d nodes.", want), fmt.Sprintf("Choose at most %d, control plane included.", aksengine.MaxNodes))
	}
	return f.WithHub(ctx, &s.Ground, func(hub operate.Hub) w.Finding {
		usages, err := hub.Usages(ctx)
		if err != nil {
			return problem.Finding(err)
		}
		for _, u := range usages {
			if !strings.EqualFold(u.Name, "virtualMachines") {
				continue
			}
			if int(u.Current)+want > aksengine.MaxNodes {
				return w.Warn(fmt.Sprintf("The subscription has %d VMs and would get %d more. As far as they are nodes, that is more than %d.", u.Current, want, aksengine.MaxNodes),
					"Count the nodes of other clusters in the subscription, or use another subscription.")
			}
			return w.Passed(fmt.Sprintf("%s in the subscription and %d more.", operate.Plural(int(u.Current), "VM"), want))
		}
		return w.Passed(fmt.Sprintf("%d nodes; the Hub does not say how many VMs there are.", want))
	})
}

func (f flow) checkLabel(ctx context.Context, s *State) w.Finding {
	found, err := f.lookLabel(ctx, s)
	if err != nil {
		return problem.Finding(err)
	}
	return found
}

// lookLabel asks the Hub whether the API server can have its name.
func (f flow) lookLabel(ctx context.Context, s *State) (w.Finding, error) {
	hub, err := f.OpenHub(ctx, s.Stack)
	if err != nil {
		return w.Finding{}, err
	}
	taken, by, err := hub.DNSLabelTaken(ctx, s.DNSPrefix)
	switch {
	case err != nil:
		return w.Finding{}, err
	case !taken:
		return w.Passed(s.fqdn() + " is free."), nil
	case s.ours(by):
		return w.Warn(s.fqdn()+" belongs to a half-made deployment of this same cluster.", "The run goes on with it. To begin anew instead, delete the resource group first."), nil
	}
	if by == "" {
		by = "something that this service principal cannot see"
	}
	return w.Fail(fmt.Sprintf("%s is taken by %s.", s.fqdn(), by), "Choose another DNS prefix."), nil
}

// ours says whether a resource id is the public IP address that this cluster
// has, or will have.
func (s *State) ours(id string) bool {
	want := fmt.Sprintf("/resourceGroups/%s/providers/Microsoft.Network/publicIPAddresses/%s", s.ResourceGroup, aksengine.PublicIPName(s.DNSPrefix))
	return strings.HasSuffix(strings.ToLower(id), strings.ToLower(want))
}

func (f flow) checkGroup(ctx context.Context, s *State) w.Finding {
	return f.WithHub(ctx, &s.Ground, func(hub operate.Hub) w.Finding {
		exists, _, err := hub.ResourceGroupTags(ctx, s.ResourceGroup)
		if err != nil {
			return problem.Finding(err)
		}
		if !exists {
			return w.Passed(s.ResourceGroup + " is not there yet and will be made.")
		}
		vms, err := hub.VMs(ctx, s.ResourceGroup)
		if err != nil {
			return problem.Finding(err)
		}
		suffix, mine := aksengine.NameSuffix(s.DNSPrefix), 0
		for _, vm := range vms {
			other := vm.Tags["resourceNameSuffix"]
			switch {
			case other == suffix || strings.Contains(vm.Name, suffix):
				mine++
			case other != "":
				return w.Fail(fmt.Sprintf("%s holds the cluster with the name suffix %s (%s).", s.ResourceGroup, other, vm.Name), "Choose another resource group.")
			default:
				return w.Fail(fmt.Sprintf("%s holds the VM %s, which is not part of this cluster.", s.ResourceGroup, vm.Name), "Choose a resource group that holds nothing else.")
			}
		}
		if mine > 0 {
			return w.Warn(fmt.Sprintf("%s holds %d VMs of a half-made deployment of this same cluster.", s.ResourceGroup, mine),
				"The run goes on with them. To begin anew instead, delete the resource group first.")
		}
		return w.Passed(s.ResourceGroup + " is there and holds no VMs.")
	})
}

func (f flow) checkSubnets(ctx context.Context, s *State) w.Finding {
	return f.WithHub(ctx, &s.Ground, func(hub operate.Hub) w.Finding {
		var found, wrong []string
		ids := []string{s.MasterSubnet, s.AgentSubnet}
		for i, id := range slices.Compact(ids) {
			exists, prefix, err := hub.SubnetExists(ctx, id)
			switch {
			case err != nil:
				return problem.Finding(err)
			case !exists:
				wrong = append(wrong, id+" is not there")
				continue
			}
			found = append(found, prefix)
			within, err := netip.ParsePrefix(prefix)
			if err != nil {
				continue
			}
			if first, err := netip.ParseAddr(s.FirstIP); i == 0 && err == nil && !within.Contains(first) {
				wrong = append(wrong, fmt.Sprintf("the control plane's first address %s is not in its subnet %s", s.FirstIP, prefix))
			}
			for _, text := range []string{s.PodCIDR, s.ServiceCIDR} {
				if p, err := netip.ParsePrefix(text); err == nil && s.NetworkPlugin != "azure" && p.Overlaps(within) {
					wrong = append(wrong, fmt.Sprintf("the range %s overlaps with the subnet %s", text, prefix))
				}
			}
		}
		if len(wrong) > 0 {
			return linked(w.Fail(operate.Capital(strings.Join(wrong, "; "))+".", "Correct the subnets' ids, the first address or the ranges."), docOwnVnet)
		}
		return w.Passed("They are there: " + strings.Join(found, " and ") + ".")
	})
}
