package stacktest

import (
	"context"
	"fmt"
	"strings"

	w "hubwright/workflows"
)

// room is what a usual cluster takes: three control plane and three worker
// nodes of two cores, the VM that an upgrade adds, and what lies around them.
var room = []struct {
	name, title string
	count       int64
}{
	{"virtualMachines", "VMs", 7},
	{"cores", "cores", 14},
	{"availabilitySets", "availability sets", 2},
	{"NetworkInterfaces", "network interfaces", 7},
	{"PublicIPAddresses", "public IPs", 2},
	{"LoadBalancers", "load balancers", 2},
	{"VirtualNetworks", "virtual networks", 1},
	{"NetworkSecurityGroups", "network security groups", 1},
}

func lookQuota(ctx context.Context, _ tester, v view) (w.Finding, error) {
	usages, err := v.hub.Usages(ctx)
	if err != nil {
		return w.Finding{}, err
	}
	byName := map[string]w.Usage{}
	for _, u := range usages {
		byName[strings.ToLower(u.Name)] = u
	}
	var short, free []string
	for _, r := range room {
		u, told := byName[strings.ToLower(r.name)]
		if !told {
			continue
		}
		free = append(free, fmt.Sprintf("%d %s", u.Free(), r.title))
		if u.Free() < r.count {
			short = append(short, fmt.Sprintf("%d %s needed, %d of %d free", r.count, r.title, max(u.Free(), 0), u.Limit))
		}
	}
	switch {
	case len(free) == 0:
		return w.Warn("The Hub tells no quota that we know.", "Ask the Hub's operator whether there is room for 7 VMs with 14 cores."), nil
	case len(short) > 0:
		return w.Fail("Too little for three and three nodes and one more: "+strings.Join(short, "; ")+".",
			"Delete what is not needed, make the cluster smaller, or ask the Hub's operator for a larger quota (it can take two hours to apply)."), nil
	}
	return w.Passed("Needs 6 VMs and 12 cores, plus 1 and 2 for upgrades; free: " + strings.Join(free[:min(2, len(free))], ", ") + "."), nil
}
