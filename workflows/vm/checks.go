package vm

import (
	"context"
	"fmt"
	"strings"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// Ask opens the Hub for a check, or says why the check cannot look. When it is
// the login that fails, the check of the login says so, and this one does not
// repeat it.
func Ask[H Hub](ctx context.Context, open func(context.Context) (H, error), look func(H) (w.Finding, error)) w.Finding {
	hub, err := open(ctx)
	if err != nil {
		return w.Skip("Cannot be known yet: " + problem.From(err).What + ".")
	}
	found, err := look(hub)
	if err == nil {
		return found
	}
	if hub.Login(ctx) != nil {
		return w.Skip("Cannot be known yet: the Hub does not let us in.")
	}
	return problem.Finding(err)
}

// CheckLogin sees whether the Hub lets us in.
func CheckLogin[H Hub](ctx context.Context, open func(context.Context) (H, error), stack string) w.Finding {
	hub, err := open(ctx)
	if err == nil {
		err = hub.Login(ctx)
	}
	if err != nil {
		return problem.Finding(err)
	}
	return w.Passed(stack + " gave the service principal a token.")
}

// CheckLabel sees whether the name is free or the VM's own.
func CheckLabel(ctx context.Context, hub Hub, s Spec, fqdn, remedy string) (w.Finding, error) {
	taken, by, err := hub.DNSLabelTaken(ctx, s.DNSLabel)
	if err != nil {
		return w.Finding{}, err
	}
	group, name := resource(by)
	switch {
	case !taken:
		return w.Passed(fqdn + " is free."), nil
	case strings.EqualFold(group, s.ResourceGroup) && strings.EqualFold(name, s.PublicIP):
		return w.Passed(fmt.Sprintf("%s belongs to this VM's own public IP.", fqdn)), nil
	case name != "":
		return w.Fail(fmt.Sprintf("%s is taken: it belongs to the public IP %s in the resource group %s.", fqdn, name, group), remedy), nil
	}
	return w.Fail(fqdn+" is taken by somebody in another subscription.", remedy), nil
}

// resource reads group and name from a resource ID.
func resource(id string) (group, name string) {
	parts := strings.Split(strings.Trim(id, "/"), "/")
	if len(parts) < 8 {
		return "", ""
	}
	return parts[3], parts[len(parts)-1]
}

// CheckSource warns of an SSH port that is open to all.
func CheckSource(from string) w.Finding {
	if strings.HasSuffix(from, "/0") {
		return w.Warn("Everybody who can reach the Hub's public addresses may knock on port 22.",
			"Give the range of this server, such as 192.0.2.10/32. Or accept with a reason.")
	}
	return w.Passed("Only " + from + " may reach port 22.")
}

// CheckQuota sees whether there is room for the VM.
func CheckQuota(ctx context.Context, hub Hub, s Spec, stack string) (w.Finding, error) {
	if vms, err := hub.VMs(ctx, s.ResourceGroup); err == nil {
		for _, vm := range vms {
			if strings.EqualFold(vm.Name, s.VM) {
				return w.Passed(fmt.Sprintf("%s exists already; it needs nothing more.", s.VM)), nil
			}
		}
	}
	sizes, err := hub.Sizes(ctx)
	if err != nil {
		return w.Finding{}, err
	}
	count := int64(-1)
	for _, z := range sizes {
		if strings.EqualFold(z.Name, s.Size) {
			count = int64(z.Cores)
		}
	}
	if count < 0 {
		return w.Fail(fmt.Sprintf("%s does not offer the size %s.", stack, s.Size), "Choose another size."), nil
	}
	usages, err := hub.Usages(ctx)
	if err != nil {
		return w.Finding{}, err
	}
	return room(usages, count, s.SubnetID == ""), nil
}

// room says whether one VM with that many cores fits.
func room(usages []w.Usage, count int64, network bool) w.Finding {
	type need struct {
		name, title string
		count       int64
	}
	needs := []need{
		{"virtualMachines", "VM", 1}, {"cores", "cores", count}, {"NetworkInterfaces", "network interface", 1},
		{"PublicIPAddresses", "public IP", 1}, {"NetworkSecurityGroups", "network security group", 1},
	}
	if network {
		needs = append(needs, need{"VirtualNetworks", "virtual network", 1})
	}
	var short, free []string
	for _, n := range needs {
		for _, u := range usages {
			if !strings.EqualFold(u.Name, n.name) {
				continue
			}
			free = append(free, fmt.Sprintf("%d %s", max(u.Free(), 0), u.Title))
			if u.Free() < n.count {
				short = append(short, fmt.Sprintf("%d %s needed, %d of %d free", n.count, n.title, max(u.Free(), 0), u.Limit))
			}
		}
	}
	if len(short) > 0 {
		return w.Fail("Too little: "+strings.Join(short, "; ")+".",
			"Choose a smaller size, delete what is not needed, or ask the Hub's operator for a larger quota.")
	}
	if len(free) == 0 {
		return w.Warn("The Hub tells no quota that we know.", "Ask the Hub's operator whether one more VM fits.")
	}
	return w.Passed(fmt.Sprintf("Needs 1 VM and %s; free: %s.", cores(int(count)), strings.Join(free[:min(2, len(free))], ", ")))
}

// ImageRemedy is what to do when the VM's image is not in the marketplace.
const ImageRemedy = "Choose an image that is there, or ask the Hub's operator to download it."

// CheckImage sees whether an image is in the marketplace.
func CheckImage(ctx context.Context, hub Hub, ref w.ImageRef, remedy string) (w.Finding, error) {
	found, available, err := hub.HasImage(ctx, ref)
	switch {
	case err != nil:
		return w.Finding{}, err
	case found:
		return w.Passed(ref.URN() + " is there."), nil
	case len(available) == 0:
		return w.Fail(ref.URN()+" is not there, nor any of its kind.", remedy), nil
	}
	return w.Fail(fmt.Sprintf("%s is not there; there is %s.", ref.URN(), strings.Join(available, ", ")), remedy), nil
}
