package azurestack

import (
	"context"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/resources/armresources"

	w "hubwright/workflows"
)

const (
	computeVersion = "2020-06-01" // of VMs, in the hybrid profile
	diskVersion    = "2019-07-01"
)

// vmParts are the pieces of a VM that have its name, in the order in which a
// Hub lets go of them. Its resource group is none of them.
func (h *Hub) vmParts(s VMSpec) []w.VMPart {
	at := func(kind, version, provider, typ, name string) w.VMPart {
		return w.VMPart{Kind: kind, Name: name, Version: version, ID: h.under("resourceGroups", s.ResourceGroup, "providers", provider, typ, name)}
	}
	const compute, network = "Microsoft.Compute", "Microsoft.Network"
	parts := []w.VMPart{
		at("VM", computeVersion, compute, "virtualMachines", s.VM),
		at("network interface", networkVersion, network, "networkInterfaces", s.Interface),
		at("disk", diskVersion, compute, "disks", s.Disk),
		at("public IP", networkVersion, network, "publicIPAddresses", s.PublicIP),
		at("network security group", networkVersion, network, "networkSecurityGroups", s.SecurityGroup),
	}
	if s.SubnetID != "" {
		return parts
	}
	return append(parts, at("virtual network", networkVersion, network, "virtualNetworks", s.Network))
}

// VMParts are those pieces of a VM and its network that there are, in the
// order in which DeleteVMPart can take them away.
func (h *Hub) VMParts(ctx context.Context, s VMSpec) ([]w.VMPart, error) {
	var out []w.VMPart
	err := h.call(ctx, "Looking for the VM "+s.VM, func(ctx context.Context) error {
		client, err := armresources.NewClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		for _, p := range h.vmParts(s) {
			have, err := found(client.GetByID(ctx, p.ID, p.Version, nil))
			if err != nil {
				return err
			}
			if have != nil {
				p.Tags = tagsFrom(have.Tags)
				out = append(out, p)
			}
		}
		return nil
	})
	return out, err
}

// DeleteVMPart deletes a piece and waits until it is gone. One that is gone
// already is no error.
func (h *Hub) DeleteVMPart(ctx context.Context, p w.VMPart) error {
	return h.call(ctx, "Deleting the "+p.Kind+" "+p.Name, func(ctx context.Context) error {
		client, err := armresources.NewClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		poller, err := client.BeginDeleteByID(ctx, p.ID, p.Version, nil)
		if notFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = poller.PollUntilDone(ctx, h.poll())
		return err
	})
}

// DeleteEmptyGroup deletes the resource group of a VM that is gone, unless
// something else is in it: then gone is false.
func (h *Hub) DeleteEmptyGroup(ctx context.Context, s VMSpec) (gone bool, err error) {
	there, err := h.VMParts(ctx, s)
	if err != nil || len(there) > 0 {
		return false, err
	}
	err = h.call(ctx, "Deleting the resource group "+s.ResourceGroup, func(ctx context.Context) error {
		others, err := h.hasOthers(ctx, s)
		if err != nil || others {
			return err
		}
		client, err := armresources.NewResourceGroupsClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		poller, err := client.BeginDelete(ctx, s.ResourceGroup, nil)
		if err == nil {
			_, err = poller.PollUntilDone(ctx, h.poll())
		}
		if notFound(err) {
			err = nil
		}
		gone = err == nil
		return err
	})
	return gone, err
}

// hasOthers says whether the VM's resource group lists something that is no
// piece of the VM. Its own may be listed for a while after they are gone.
func (h *Hub) hasOthers(ctx context.Context, s VMSpec) (bool, error) {
	client, err := armresources.NewClient(h.stack.SubscriptionID, h.cred, h.options)
	if err != nil {
		return false, err
	}
	ours := h.vmParts(s)
	for pager := client.NewListByResourceGroupPager(s.ResourceGroup, nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if notFound(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		for _, r := range page.Value {
			if !slices.ContainsFunc(ours, func(p w.VMPart) bool { return strings.EqualFold(p.ID, val(r.ID)) }) {
				return true, nil
			}
		}
	}
	return false, nil
}
