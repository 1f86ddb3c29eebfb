package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	w "hubwright/workflows"
)

// sizeNeeds is what a VM size must have at least.
type sizeNeeds struct {
	cores, memoryMB, disks int
	forWhat                string
}

var (
	masterNeeds = sizeNeeds{cores: 2, memoryMB: 3584, disks: 1, forWhat: "a control plane node"}
	poolNeeds   = sizeNeeds{cores: 2, memoryMB: 3584, forWhat: "a worker node"}
)

// unfit is why a size cannot be used, "" when it can.
func (n sizeNeeds) unfit(v w.VMSize) string {
	switch {
	case strings.HasPrefix(v.Name, "Basic_"):
		return "basic sizes cannot be behind a load balancer"
	case v.Cores < n.cores:
		return fmt.Sprintf("too small: %s needs %d cores", n.forWhat, n.cores)
	case v.MemoryMB < n.memoryMB:
		return fmt.Sprintf("too small: %s needs %.1f GiB", n.forWhat, float64(n.memoryMB)/1024)
	case v.MaxDisks < n.disks:
		return "takes no data disk, which etcd needs"
	}
	return ""
}

func (f flow) sizeOptions(ctx context.Context, s *State, need sizeNeeds) ([]w.Option, error) {
	hub, err := f.OpenHub(ctx, s.Stack)
	if err != nil {
		return nil, err
	}
	sizes, err := hub.Sizes(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(sizes, func(a, b w.VMSize) int {
		if a.Cores != b.Cores {
			return a.Cores - b.Cores
		}
		if a.MemoryMB != b.MemoryMB {
			return a.MemoryMB - b.MemoryMB
		}
		return strings.Compare(a.Name, b.Name)
	})
	var fit, unfit []w.Option
	for _, v := range sizes {
		o := w.Option{Value: v.Name, Label: v.Name, Note: fmt.Sprintf("%d cores, %s GiB", v.Cores, gib(v.MemoryMB))}
		if why := need.unfit(v); why != "" {
			o.Note += "; " + why
			o.Disabled = true
			unfit = append(unfit, o)
			continue
		}
		fit = append(fit, o)
	}
	return append(fit, unfit...), nil
}

func gib(mb int) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(mb)/1024), ".0")
}

// demand is what the cluster takes of a quota, and what an upgrade takes for a
// while on top.
type demand struct {
	usage string // as ARM names it
	title string
	need  int64
	extra int64
}

// demands is the quota arithmetic. Cores of sizes that the Hub does not have
// are not counted; another check tells of those.
func demands(s *State, sizes []w.VMSize) []demand {
	cores := map[string]int64{}
	for _, v := range sizes {
		cores[strings.ToLower(v.Name)] = int64(v.Cores)
	}
	vms := demand{"virtualMachines", "VMs", int64(s.nodes()), int64(len(s.Pools))}
	core := demand{"cores", "cores", cores[strings.ToLower(s.MasterSize)] * int64(s.MasterCount), 0}
	for _, p := range s.Pools {
		c := cores[strings.ToLower(p.Size)]
		core.need += c * int64(p.Count)
		core.extra += c
	}
	balancers := demand{"LoadBalancers", "load balancers", 1, 0}
	if s.MasterCount > 1 {
		balancers.need++
	}
	out := []demand{
		core, vms,
		{"availabilitySets", "availability sets", int64(1 + len(s.Pools)), 0},
		{"PublicIPAddresses", "public IP addresses", 1, 0},
		{"NetworkInterfaces", "network interfaces", vms.need, vms.extra},
		balancers,
		{"NetworkSecurityGroups", "network security groups", 1, 0},
	}
	if s.Vnet != VnetOwn {
		out = append(out, demand{"VirtualNetworks", "virtual networks", 1, 0})
	}
	return out
}

// shortage compares demands with what is free. Usages that the Hub does not
// tell of are not limits.
func shortage(all []demand, usages []w.Usage) (missing, tight []string, free map[string]int64) {
	free = map[string]int64{}
	for _, u := range usages {
		free[strings.ToLower(u.Name)] = u.Free()
	}
	for _, d := range all {
		left, known := free[strings.ToLower(d.usage)]
		switch {
		case !known:
		case left < d.need:
			missing = append(missing, fmt.Sprintf("%d %s are needed, %d are free", d.need, d.title, max(left, 0)))
		case left < d.need+d.extra:
			tight = append(tight, fmt.Sprintf("%d %s are needed and %d more during an upgrade, %d are free", d.need, d.title, d.extra, left))
		}
	}
	return missing, tight, free
}

// quotaSentence is the arithmetic in words, for beside the fields.
func (f flow) quotaSentence(ctx context.Context, s *State) string {
	hub, err := f.OpenHub(ctx, s.Stack)
	if err != nil {
		return ""
	}
	sizes, err := hub.Sizes(ctx)
	if err != nil {
		return ""
	}
	usages, err := hub.Usages(ctx)
	if err != nil {
		return ""
	}
	return needSentence(demands(s, sizes), usages)
}

func needSentence(all []demand, usages []w.Usage) string {
	_, _, free := shortage(all, usages)
	var need, extra, left []string
	for _, d := range all {
		if d.usage != "cores" && d.usage != "virtualMachines" {
			continue
		}
		need = append(need, fmt.Sprintf("%d %s", d.need, d.title))
		extra = append(extra, fmt.Sprintf("%d", d.extra))
		if n, ok := free[strings.ToLower(d.usage)]; ok {
			left = append(left, fmt.Sprintf("%d %s", n, d.title))
		}
	}
	slices.Reverse(need)
	slices.Reverse(extra)
	slices.Reverse(left)
	text := "With these answers: " + strings.Join(need, " and ") + ", plus " + strings.Join(extra, " and ") + " during upgrades."
	if len(left) > 0 {
		text += " Free: " + strings.Join(left, ", ") + "."
	}
	return text
}
