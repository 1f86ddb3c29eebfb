package pipelines

import (
	"context"
	"errors"
	"slices"
	"strings"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

// hub is a Hub that remembers what was made on it.
type hub struct{ b *bed }

func (h hub) Login(context.Context) error { return h.b.fails["login"] }

func (h hub) Usages(context.Context) ([]w.Usage, error) {
	u := w.Usage{Name: "virtualMachines", Title: "VMs", Limit: 5}
	if h.b.full {
		u.Current = 5
	}
	return []w.Usage{u}, nil
}

func (h hub) Sizes(context.Context) ([]w.VMSize, error) {
	return []w.VMSize{{Name: "Standard_F2", Cores: 2, MemoryMB: 4096}, {Name: "Standard_A0", Cores: 1, MemoryMB: 768}}, nil
}

func (h hub) Images(context.Context, string) ([]w.ImageRef, error) {
	return []w.ImageRef{{Publisher: vm.Ubuntu, Offer: vm.UsualOffer, SKU: "22_04-lts", Version: "22.04.1"}}, nil
}

func (h hub) HasImage(_ context.Context, ref w.ImageRef) (bool, []string, error) {
	return ref.Publisher == vm.Ubuntu, []string{"22.04.1"}, nil
}

func (h hub) DNSLabelTaken(_ context.Context, label string) (bool, string, error) {
	return label == "taken", "", nil
}

func (h hub) SubnetExists(_ context.Context, id string) (bool, string, error) {
	return strings.Contains(id, "/help/"), "10.100.1.0/24", nil
}

func (h hub) VMs(context.Context, string) ([]w.VM, error) { return nil, nil }

func (h hub) ResourceGroupTags(ctx context.Context, group string) (bool, map[string]string, error) {
	if err := h.b.tick(ctx); err != nil {
		return false, nil, err
	}
	_, exists := h.b.groups[group]
	return exists, nil, nil
}

func (h hub) PublicIP(ctx context.Context, _, name string) (string, string, error) {
	if err := h.b.tick(ctx); err != nil {
		return "", "", err
	}
	vm, _ := strings.CutSuffix(name, "-ip")
	return "192.0.2.7", vm + ".seattle.cloudapp.azurestack.test", nil
}

// order is how a Hub lets go of the pieces.
var order = []string{"VM", "network interface", "disk", "public IP", "network security group", "virtual network"}

func (h hub) find(kind, name string) int {
	return slices.IndexFunc(h.b.parts, func(p w.VMPart) bool { return p.Kind == kind && p.Name == name })
}

// make makes a piece; false says that it was there.
func (h hub) make(kind, name string, tags map[string]string) bool {
	if h.find(kind, name) >= 0 {
		return false
	}
	if kind == "disk" {
		tags = nil
	}
	h.b.parts = append(h.b.parts, w.VMPart{Kind: kind, Name: name, ID: kind + "/" + name, Tags: tags})
	return true
}

func (h hub) EnsureVMNetwork(ctx context.Context, s vm.Spec, report func(int, string, bool, bool)) error {
	h.b.ensured++
	pieces := [][2]string{{"network security group", s.SecurityGroup}, {"public IP", s.PublicIP}, {"network interface", s.Interface}}
	if s.SubnetID == "" {
		pieces = append(pieces, [2]string{"virtual network", s.Network})
	}
	if err := h.b.tick(ctx); err != nil {
		return err
	}
	if _, there := h.b.groups[s.ResourceGroup]; !there {
		h.b.groups[s.ResourceGroup] = false
	}
	for i, p := range pieces {
		if err := h.b.tick(ctx); err != nil {
			return err
		}
		report(i, p[0]+" "+p[1], true, h.make(p[0], p[1], s.Tags))
	}
	return nil
}

func (h hub) EnsureVM(ctx context.Context, s vm.Spec) (string, error) {
	if err := h.b.tick(ctx); err != nil {
		return "", err
	}
	if err := h.b.fails["vm"]; err != nil {
		return "", err
	}
	if s.AuthorizedKey != "ssh-rsa PUBLIC of private" || h.b.row == nil || h.b.row.AgentHost.VM == nil {
		h.b.t.Errorf("a VM is made with the key %q, recorded: %+v", s.AuthorizedKey, h.b.row)
	}
	if !h.make("VM", s.VM, s.Tags) {
		return "", nil
	}
	h.make("disk", s.Disk, nil)
	h.b.specs = append(h.b.specs, s)
	return "created", h.b.tick(ctx) // made, and nobody may live to hear of it
}

func (h hub) VMParts(ctx context.Context, s vm.Spec) ([]w.VMPart, error) {
	if err := h.b.tick(ctx); err != nil {
		return nil, err
	}
	var out []w.VMPart
	for i, name := range []string{s.VM, s.Interface, s.Disk, s.PublicIP, s.SecurityGroup, s.Network} {
		if at := h.find(order[i], name); at >= 0 && (i < 5 || s.SubnetID == "") {
			out = append(out, h.b.parts[at])
		}
	}
	return out, nil
}

func (h hub) DeleteVMPart(ctx context.Context, p w.VMPart) error {
	if err := h.b.tick(ctx); err != nil {
		return err
	}
	for _, other := range h.b.parts {
		if slices.Index(order, other.Kind) < slices.Index(order, p.Kind) && len(other.Tags) > 0 && other.Tags["site-id"] == p.Tags["site-id"] {
			return errors.New(p.Kind + " is in use by the " + other.Kind)
		}
	}
	if p.Kind == "VM" { // and all that was on it
		h.b.files, h.b.own = map[string]bool{}, 0
		for id := range h.b.jobs {
			h.b.jobs[id] = "exited"
		}
	}
	h.b.parts = slices.DeleteFunc(h.b.parts, func(x w.VMPart) bool { return x.ID == p.ID })
	return nil
}

func (h hub) DeleteEmptyGroup(ctx context.Context, s vm.Spec) (bool, error) {
	if err := h.b.tick(ctx); err != nil {
		return false, err
	}
	if h.b.groups[s.ResourceGroup] || len(h.b.parts) > 0 {
		return false, nil
	}
	delete(h.b.groups, s.ResourceGroup)
	return true, nil
}
