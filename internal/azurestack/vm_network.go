package azurestack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/network/armnetwork"

	w "hubwright/workflows"
)

// VMSpec is what a Linux VM of ours and its network should be.
type VMSpec struct {
	ResourceGroup string
	KeepGroup     bool // the group was there before: its tags are left alone
	SecurityGroup string
	SSHFrom       string // CIDR that may reach port 22
	Network       string
	NetworkCIDR   string
	Subnet        string
	SubnetCIDR    string
	SubnetID      string // of a subnet that is there: no network is made, and the four above are not read
	PublicIP      string
	DNSLabel      string
	Interface     string
	VM            string
	Disk          string
	Size          string
	Image         w.ImageRef
	User          string
	AuthorizedKey string // OpenSSH form
	Tags          map[string]string
}

// Report tells of one piece: before it is looked at (done false), and after
// (done true), then with whether it had to be changed.
type Report = func(percent int, what string, done, changed bool)

// EnsureVMNetwork makes what a VM needs around it: resource group,
// security group, network, public IP and network interface. What is there
// and right is left alone.
func (h *Hub) EnsureVMNetwork(ctx context.Context, s VMSpec, report Report) error {
	pieces := []struct {
		what   string
		ensure func(context.Context) (bool, error)
	}{
		{"resource group " + s.ResourceGroup, func(ctx context.Context) (bool, error) { return h.ensureGroupOf(ctx, s) }},
		{"network security group " + s.SecurityGroup, func(ctx context.Context) (bool, error) { return h.ensureSecurityGroup(ctx, s) }},
		{"virtual network " + s.Network, func(ctx context.Context) (bool, error) { return h.ensureNetwork(ctx, s) }},
		{"public IP " + s.PublicIP, func(ctx context.Context) (bool, error) { return h.ensurePublicIP(ctx, s) }},
		{"network interface " + s.Interface, func(ctx context.Context) (bool, error) { return h.ensureInterface(ctx, s) }},
	}
	if s.SubnetID != "" {
		pieces = slices.Delete(pieces, 2, 3)
	}
	for i, p := range pieces {
		report(100*i/len(pieces), p.what, false, false)
		var changed bool
		err := h.call(ctx, "Making "+p.what, func(ctx context.Context) (err error) {
			changed, err = p.ensure(ctx)
			return err
		})
		if err != nil {
			return err
		}
		report(100*(i+1)/len(pieces), p.what, true, changed)
	}
	return nil
}

// ensureGroupOf leaves the tags of a group alone that was there before.
func (h *Hub) ensureGroupOf(ctx context.Context, s VMSpec) (bool, error) {
	if s.KeepGroup {
		if group, err := h.group(ctx, s.ResourceGroup); group != nil || err != nil {
			return false, err
		}
	}
	return h.ensureGroup(ctx, s.ResourceGroup, s.Tags)
}

const sshRuleName = "AllowInboundSSH"

func (h *Hub) ensureSecurityGroup(ctx context.Context, s VMSpec) (bool, error) {
	client, err := armnetwork.NewSecurityGroupsClient(h.stack.SubscriptionID, h.cred, h.options)
	if err != nil {
		return false, err
	}
	have, err := found(client.Get(ctx, s.ResourceGroup, s.SecurityGroup, nil))
	if err != nil {
		return false, err
	}
	group := armnetwork.SecurityGroup{
		Location: &h.stack.Region, Tags: tagsTo(s.Tags), Properties: &armnetwork.SecurityGroupPropertiesFormat{},
	}
	if have != nil {
		group = have.SecurityGroup
		if group.Properties == nil {
			group.Properties = &armnetwork.SecurityGroupPropertiesFormat{}
		}
	}
	rules, same := withSSHRule(group.Properties.SecurityRules, s.SSHFrom)
	if have != nil && same && !halfMade(group.Properties.ProvisioningState) {
		return false, nil
	}
	group.Properties.SecurityRules = rules
	poller, err := client.BeginCreateOrUpdate(ctx, s.ResourceGroup, s.SecurityGroup, group, nil)
	if err != nil {
		return false, err
	}
	_, err = poller.PollUntilDone(ctx, h.poll())
	return true, err
}

// withSSHRule puts our rule among the group's own. same says that it was
// there and right.
func withSSHRule(rules []*armnetwork.SecurityRule, from string) (out []*armnetwork.SecurityRule, same bool) {
	want := &armnetwork.SecurityRule{Name: ptr(sshRuleName), Properties: &armnetwork.SecurityRulePropertiesFormat{
		Description: ptr("SSH to the VM"), Priority: ptr[int32](100),
		Direction: ptr(armnetwork.SecurityRuleDirectionInbound), Access: ptr(armnetwork.SecurityRuleAccessAllow),
		Protocol: ptr(armnetwork.SecurityRuleProtocolTCP), SourcePortRange: ptr("*"), DestinationPortRange: ptr("22"),
		SourceAddressPrefix: &from, DestinationAddressPrefix: ptr("*"),
	}}
	taken := map[int32]bool{}
	for _, r := range rules {
		if strings.EqualFold(val(r.Name), sshRuleName) {
			same = sameRule(r.Properties, want.Properties)
			continue
		}
		out = append(out, r)
		if r.Properties != nil && val(r.Properties.Direction) == armnetwork.SecurityRuleDirectionInbound {
			taken[val(r.Properties.Priority)] = true
		}
	}
	for p := int32(100); taken[p]; p++ {
		want.Properties.Priority = ptr(p + 1)
	}
	return append(out, want), same
}

func sameRule(have, want *armnetwork.SecurityRulePropertiesFormat) bool {
	return have != nil &&
		val(have.Access) == val(want.Access) && val(have.Direction) == val(want.Direction) &&
		strings.EqualFold(string(val(have.Protocol)), string(val(want.Protocol))) &&
		val(have.DestinationPortRange) == val(want.DestinationPortRange) &&
		strings.EqualFold(val(have.SourceAddressPrefix), val(want.SourceAddressPrefix))
}

func (h *Hub) ensureNetwork(ctx context.Context, s VMSpec) (bool, error) {
	client, err := armnetwork.NewVirtualNetworksClient(h.stack.SubscriptionID, h.cred, h.options)
	if err != nil {
		return false, err
	}
	have, err := found(client.Get(ctx, s.ResourceGroup, s.Network, nil))
	if err != nil {
		return false, err
	}
	network := armnetwork.VirtualNetwork{
		Location: &h.stack.Region, Tags: tagsTo(s.Tags), Properties: &armnetwork.VirtualNetworkPropertiesFormat{
			AddressSpace: &armnetwork.AddressSpace{AddressPrefixes: []*string{&s.NetworkCIDR}},
		},
	}
	subnetThere := false
	if have != nil {
		network = have.VirtualNetwork
		if network.Properties == nil {
			network.Properties = &armnetwork.VirtualNetworkPropertiesFormat{}
		}
		ok, err := subnetFits(network.Properties, s)
		if err != nil || ok && !halfMade(network.Properties.ProvisioningState) {
			return false, err
		}
		subnetThere = ok
	}
	if !subnetThere {
		network.Properties.Subnets = append(network.Properties.Subnets, &armnetwork.Subnet{
			Name: &s.Subnet, Properties: &armnetwork.SubnetPropertiesFormat{AddressPrefix: &s.SubnetCIDR},
		})
	}
	poller, err := client.BeginCreateOrUpdate(ctx, s.ResourceGroup, s.Network, network, nil)
	if err != nil {
		return false, err
	}
	_, err = poller.PollUntilDone(ctx, h.poll())
	return true, err
}

// halfMade says that making a resource has failed: putting it again heals it.
func halfMade(provisioningState *string) bool {
	return strings.EqualFold(val(provisioningState), "Failed")
}

// subnetFits says that the network that exists has our subnet. A subnet of
// that name with other addresses is never changed: machines may live in it.
func subnetFits(p *armnetwork.VirtualNetworkPropertiesFormat, s VMSpec) (bool, error) {
	for _, sub := range p.Subnets {
		if !strings.EqualFold(val(sub.Name), s.Subnet) {
			continue
		}
		if sub.Properties != nil && val(sub.Properties.AddressPrefix) == s.SubnetCIDR {
			return true, nil
		}
		have := ""
		if sub.Properties != nil {
			have = val(sub.Properties.AddressPrefix)
		}
		return false, &w.Problem{
			Code: "helper.subnet",
			What: fmt.Sprintf("The subnet %s of %s exists with other addresses", s.Subnet, s.Network),
			Why:  fmt.Sprintf("It has %s, and the answers ask for %s. Machines may live in it, so it is not changed.", have, s.SubnetCIDR),
			Fix:  fmt.Sprintf("Answer with %s, or choose another resource group.", have),
		}
	}
	return false, nil
}

func (h *Hub) ensurePublicIP(ctx context.Context, s VMSpec) (bool, error) {
	client, err := armnetwork.NewPublicIPAddressesClient(h.stack.SubscriptionID, h.cred, h.options)
	if err != nil {
		return false, err
	}
	have, err := found(client.Get(ctx, s.ResourceGroup, s.PublicIP, nil))
	if err != nil {
		return false, err
	}
	ip := armnetwork.PublicIPAddress{
		Location: &h.stack.Region, Tags: tagsTo(s.Tags),
		SKU: &armnetwork.PublicIPAddressSKU{Name: ptr(armnetwork.PublicIPAddressSKUNameBasic)}, // a Hub has no other
		Properties: &armnetwork.PublicIPAddressPropertiesFormat{
			PublicIPAllocationMethod: ptr(armnetwork.IPAllocationMethodStatic),
			PublicIPAddressVersion:   ptr(armnetwork.IPVersionIPv4),
		},
	}
	if have != nil {
		made := have.Properties != nil && !halfMade(have.Properties.ProvisioningState)
		if made && strings.EqualFold(labelOf(&have.PublicIPAddress), s.DNSLabel) {
			return false, nil
		}
		if have.Properties != nil {
			ip = have.PublicIPAddress
		}
	}
	ip.Properties.DNSSettings = &armnetwork.PublicIPAddressDNSSettings{DomainNameLabel: &s.DNSLabel}
	poller, err := client.BeginCreateOrUpdate(ctx, s.ResourceGroup, s.PublicIP, ip, nil)
	if err != nil {
		return false, err
	}
	_, err = poller.PollUntilDone(ctx, h.poll())
	return true, err
}

func (h *Hub) ensureInterface(ctx context.Context, s VMSpec) (bool, error) {
	client, err := armnetwork.NewInterfacesClient(h.stack.SubscriptionID, h.cred, h.options)
	if err != nil {
		return false, err
	}
	have, err := found(client.Get(ctx, s.ResourceGroup, s.Interface, nil))
	if err != nil {
		return false, err
	}
	network := func(kind, name string) *string {
		return ptr(h.under("resourceGroups", s.ResourceGroup, "providers", "Microsoft.Network", kind, name))
	}
	subnet := ptr(*network("virtualNetworks", s.Network) + "/subnets/" + s.Subnet)
	if s.SubnetID != "" {
		subnet = &s.SubnetID
	}
	if have != nil && interfaceFits(have.Properties, *subnet, *network("publicIPAddresses", s.PublicIP), *network("networkSecurityGroups", s.SecurityGroup)) {
		return false, nil
	}
	nic := armnetwork.Interface{
		Location: &h.stack.Region, Tags: tagsTo(s.Tags), Properties: &armnetwork.InterfacePropertiesFormat{
			NetworkSecurityGroup: &armnetwork.SecurityGroup{ID: network("networkSecurityGroups", s.SecurityGroup)},
			IPConfigurations: []*armnetwork.InterfaceIPConfiguration{{
				Name: ptr("ipconfiguration1"), Properties: &armnetwork.InterfaceIPConfigurationPropertiesFormat{
					Primary: ptr(true), PrivateIPAllocationMethod: ptr(armnetwork.IPAllocationMethodDynamic),
					Subnet:          &armnetwork.Subnet{ID: subnet},
					PublicIPAddress: &armnetwork.PublicIPAddress{ID: network("publicIPAddresses", s.PublicIP)},
				},
			}},
		},
	}
	poller, err := client.BeginCreateOrUpdate(ctx, s.ResourceGroup, s.Interface, nic, nil)
	if err != nil {
		return false, err
	}
	_, err = poller.PollUntilDone(ctx, h.poll())
	return true, err
}

func interfaceFits(p *armnetwork.InterfacePropertiesFormat, subnet, publicIP, securityGroup string) bool {
	if p == nil || halfMade(p.ProvisioningState) || p.NetworkSecurityGroup == nil || !strings.EqualFold(val(p.NetworkSecurityGroup.ID), securityGroup) {
		return false
	}
	for _, c := range p.IPConfigurations {
		if c.Properties == nil || c.Properties.Subnet == nil || c.Properties.PublicIPAddress == nil {
			continue
		}
		if strings.EqualFold(val(c.Properties.Subnet.ID), subnet) && strings.EqualFold(val(c.Properties.PublicIPAddress.ID), publicIP) {
			return true
		}
	}
	return false
}
