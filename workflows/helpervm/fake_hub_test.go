package helpervm

import (
	"context"
	"strings"

	w "hubwright/workflows"
)

// hub is a Hub that remembers what was made on it.
type hub struct {
	loginErr, err error
	usages        []w.Usage
	sizes         []w.VMSize
	images        []w.ImageRef
	taken, by     string
	group         map[string]string // tags, nil: no group
	made          map[string]bool
	specs         []Spec
	vmErr         error
}

func (h *hub) Login(context.Context) error               { return h.loginErr }
func (h *hub) Usages(context.Context) ([]w.Usage, error) { return h.usages, h.err }
func (h *hub) Sizes(context.Context) ([]w.VMSize, error) { return h.sizes, h.err }

func (h *hub) Images(_ context.Context, publisher string) ([]w.ImageRef, error) {
	var out []w.ImageRef
	for _, i := range h.images {
		if i.Publisher == publisher {
			out = append(out, i)
		}
	}
	return out, h.err
}

func (h *hub) HasImage(_ context.Context, ref w.ImageRef) (bool, []string, error) {
	var available []string
	found := false
	for _, i := range h.images {
		if i.Publisher == ref.Publisher && i.Offer == ref.Offer && i.SKU == ref.SKU {
			available = append(available, i.Version)
			found = found || i.Version == ref.Version || ref.Version == "latest"
		}
	}
	return found, available, h.err
}

func (h *hub) DNSLabelTaken(_ context.Context, label string) (bool, string, error) {
	return label == h.taken, h.by, h.err
}

func (h *hub) ResourceGroupTags(context.Context, string) (bool, map[string]string, error) {
	return h.group != nil, h.group, h.err
}

func (h *hub) VMs(context.Context, string) ([]w.VM, error) {
	var out []w.VM
	for name := range h.made {
		if vm, ok := strings.CutPrefix(name, "vm "); ok {
			out = append(out, w.VM{Name: vm})
		}
	}
	return out, h.err
}

func (h *hub) PublicIP(context.Context, string, string) (string, string, error) {
	return "127.0.10.1", "ratings-seattle-helper.seattle.cloudapp.azurestack.test", h.err
}

func (h *hub) EnsureVMNetwork(_ context.Context, s Spec, report func(int, string, bool, bool)) error {
	if h.err != nil {
		return h.err
	}
	h.specs = append(h.specs, s)
	report(0, "virtual network "+s.Network, false, false)
	report(100, "virtual network "+s.Network, true, h.make("net "+s.Network))
	return nil
}

func (h *hub) EnsureVM(_ context.Context, s Spec) (string, error) {
	if h.vmErr != nil {
		return "", h.vmErr
	}
	if h.make("vm " + s.VM) {
		return "created", nil
	}
	return "", nil
}

func (h *hub) make(what string) bool {
	if h.made[what] {
		return false
	}
	if h.made == nil {
		h.made = map[string]bool{}
	}
	h.made[what] = true
	return true
}
