package azurestack

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/compute/armcompute"

	w "hubwright/workflows"
)

// Sizes are the VM sizes that the Hub offers.
func (h *Hub) Sizes(ctx context.Context) ([]w.VMSize, error) {
	var out []w.VMSize
	err := h.call(ctx, "Reading the VM sizes", func(ctx context.Context) error {
		client, err := armcompute.NewVirtualMachineSizesClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		for pager := client.NewListPager(h.stack.Region, nil); pager.More(); {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, s := range page.Value {
				out = append(out, w.VMSize{
					Name: val(s.Name), Cores: int(val(s.NumberOfCores)),
					MemoryMB: int(val(s.MemoryInMB)), MaxDisks: int(val(s.MaxDataDiskCount)),
				})
			}
		}
		return nil
	})
	return out, err
}

// Usages are the quotas of compute and network, in this order, and how much of
// each is used.
func (h *Hub) Usages(ctx context.Context) ([]w.Usage, error) {
	var out []w.Usage
	err := h.call(ctx, "Reading the quota", func(ctx context.Context) error {
		client, err := armcompute.NewUsageClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		for pager := client.NewListPager(h.stack.Region, nil); pager.More(); {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, u := range page.Value {
				if u.Name != nil {
					out = append(out, usage(val(u.Name.Value), val(u.Name.LocalizedValue), int64(val(u.CurrentValue)), val(u.Limit)))
				}
			}
		}
		path := h.under("providers", "Microsoft.Network", "locations", h.stack.Region, "usages")
		rows, err := listOf[networkUsage](ctx, h, path, networkVersion, nil)
		for _, u := range rows {
			out = append(out, usage(u.Name.Value, u.Name.LocalizedValue, u.CurrentValue, u.Limit))
		}
		return err
	})
	return out, err
}

// networkUsage is a row of Microsoft.Network's usages, for which the profile
// has no client.
type networkUsage struct {
	Name struct {
		Value          string `json:"value"`
		LocalizedValue string `json:"localizedValue"`
	} `json:"name"`
	CurrentValue int64 `json:"currentValue"`
	Limit        int64 `json:"limit"`
}

func usage(name, title string, current, limit int64) w.Usage {
	if title == "" {
		title = name
	}
	return w.Usage{Name: name, Title: title, Current: current, Limit: limit}
}
