package azurestack

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/network/armnetwork"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	w "hubwright/workflows"
)

// DNSLabelTaken says whether <label>.<region>.cloudapp.<fqdn> is in use. byWhat
// is the resource ID of the public IP that has it, "" when that is outside
// the subscription and cannot be seen.
func (h *Hub) DNSLabelTaken(ctx context.Context, label string) (taken bool, byWhat string, err error) {
	err = h.call(ctx, "Looking whether the name is free", func(ctx context.Context) error {
		client, err := armnetwork.NewPublicIPAddressesClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		for pager := client.NewListAllPager(nil); pager.More(); {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, ip := range page.Value {
				if strings.EqualFold(labelOf(ip), label) {
					taken, byWhat = true, val(ip.ID)
					return nil
				}
			}
		}
		var answer struct {
			Available *bool `json:"available"`
		}
		path := h.under("providers", "Microsoft.Network", "locations", h.stack.Region, "CheckDnsNameAvailability")
		err = h.get(ctx, path, networkVersion, url.Values{"domainNameLabel": {label}}, &answer)
		if unsupported(err) {
			return nil // what the subscription has is all that can be known
		}
		taken = answer.Available != nil && !*answer.Available
		return err
	})
	return taken, byWhat, err
}

func labelOf(ip *armnetwork.PublicIPAddress) string {
	if ip.Properties == nil || ip.Properties.DNSSettings == nil {
		return ""
	}
	return val(ip.Properties.DNSSettings.DomainNameLabel)
}

// PublicIP is the address and full name of a public IP. The address is "" as
// long as it has none.
func (h *Hub) PublicIP(ctx context.Context, group, name string) (address, fqdn string, err error) {
	err = h.call(ctx, "Reading the public IP", func(ctx context.Context) error {
		client, err := armnetwork.NewPublicIPAddressesClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		got, err := client.Get(ctx, group, name, nil)
		if err != nil {
			return err
		}
		if p := got.Properties; p != nil {
			address = val(p.IPAddress)
			if p.DNSSettings != nil {
				fqdn = val(p.DNSSettings.Fqdn)
			}
		}
		return nil
	})
	return address, fqdn, err
}

// SubnetExists says whether the subnet with this resource ID exists and which
// address prefix it has.
func (h *Hub) SubnetExists(ctx context.Context, subnetID string) (exists bool, prefix string, err error) {
	group, vnet, subnet, ok := splitSubnetID(subnetID)
	if !ok {
		return false, "", &w.Problem{
			Code: "subnet.id", What: "This is not the resource ID of a subnet",
			Why: "It has not the form /subscriptions/…/resourceGroups/…/providers/Microsoft.Network/virtualNetworks/…/subnets/….",
			Fix: "Copy the ID from the virtual network's properties in the portal and add /subnets/<name>.",
		}
	}
	err = h.call(ctx, "Reading the subnet", func(ctx context.Context) error {
		client, err := armnetwork.NewSubnetsClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		got, err := client.Get(ctx, group, vnet, subnet, nil)
		if notFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		exists = true
		if got.Properties != nil {
			prefix = val(got.Properties.AddressPrefix)
		}
		return nil
	})
	return exists, prefix, err
}

// splitSubnetID reads a subnet's resource ID. The subscription in it is not
// looked at: the Stack has one.
func splitSubnetID(id string) (group, vnet, subnet string, ok bool) {
	parts := strings.Split(strings.Trim(id, "/"), "/")
	want := []string{"subscriptions", "", "resourcegroups", "", "providers", "microsoft.network", "virtualnetworks", "", "subnets", ""}
	if len(parts) != len(want) {
		return "", "", "", false
	}
	for i, word := range want {
		if parts[i] == "" || (word != "" && !strings.EqualFold(parts[i], word)) {
			return "", "", "", false
		}
	}
	return parts[3], parts[7], parts[9], true
}

// found makes "there is none" of a 404.
func found[T any](got T, err error) (*T, error) {
	var e *azcore.ResponseError
	if errors.As(err, &e) && e.StatusCode == 404 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &got, nil
}
