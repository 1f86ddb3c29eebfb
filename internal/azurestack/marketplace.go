package azurestack

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/compute/armcompute"

	w "hubwright/workflows"
)

// HasImage says whether exactly this image is in the Hub's marketplace; the
// version "latest" (or none) asks for any. available are the versions of the
// same SKU, oldest first; when it has none, "sku:version" of the offer's
// other SKUs.
func (h *Hub) HasImage(ctx context.Context, ref w.ImageRef) (found bool, available []string, err error) {
	err = h.call(ctx, "Looking into the marketplace", func(ctx context.Context) error {
		client, err := armcompute.NewVirtualMachineImagesClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		any := ref.Version == "" || strings.EqualFold(ref.Version, "latest")
		if !any {
			_, err := client.Get(ctx, h.stack.Region, ref.Publisher, ref.Offer, ref.SKU, ref.Version, nil)
			if err != nil && !notFound(err) {
				return err
			}
			found = err == nil
		}
		if available, err = h.imageVersions(ctx, client, ref); err != nil {
			return err
		}
		found = found || (any && len(available) > 0)
		if len(available) == 0 {
			available, err = h.otherSKUs(ctx, client, ref)
		}
		return err
	})
	return found, available, err
}

func (h *Hub) imageVersions(ctx context.Context, client *armcompute.VirtualMachineImagesClient, ref w.ImageRef) ([]string, error) {
	got, err := client.List(ctx, h.stack.Region, ref.Publisher, ref.Offer, ref.SKU, nil)
	if notFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return namesOf(got.VirtualMachineImageResourceArray), nil
}

func (h *Hub) otherSKUs(ctx context.Context, client *armcompute.VirtualMachineImagesClient, ref w.ImageRef) ([]string, error) {
	skus, err := client.ListSKUs(ctx, h.stack.Region, ref.Publisher, ref.Offer, nil)
	if notFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, sku := range namesOf(skus.VirtualMachineImageResourceArray) {
		versions, err := h.imageVersions(ctx, client, w.ImageRef{Publisher: ref.Publisher, Offer: ref.Offer, SKU: sku})
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			out = append(out, sku+":"+v)
		}
	}
	return out, nil
}

// Images are all images of a publisher in the Hub's marketplace, by offer and
// SKU, oldest version first. A publisher that the Hub does not have has none.
func (h *Hub) Images(ctx context.Context, publisher string) ([]w.ImageRef, error) {
	var out []w.ImageRef
	err := h.call(ctx, "Looking into the marketplace", func(ctx context.Context) error {
		client, err := armcompute.NewVirtualMachineImagesClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		offers, err := client.ListOffers(ctx, h.stack.Region, publisher, nil)
		if notFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, offer := range namesOf(offers.VirtualMachineImageResourceArray) {
			skus, err := client.ListSKUs(ctx, h.stack.Region, publisher, offer, nil)
			if err != nil && !notFound(err) {
				return err
			}
			for _, sku := range namesOf(skus.VirtualMachineImageResourceArray) {
				ref := w.ImageRef{Publisher: publisher, Offer: offer, SKU: sku}
				versions, err := h.imageVersions(ctx, client, ref)
				if err != nil {
					return err
				}
				for _, ref.Version = range versions {
					out = append(out, ref)
				}
			}
		}
		return nil
	})
	return out, err
}

// HasExtension says whether the marketplace has a VM extension at minVersion
// or newer. available are its versions, oldest first.
func (h *Hub) HasExtension(ctx context.Context, publisher, typ, minVersion string) (found bool, available []string, err error) {
	err = h.call(ctx, "Looking for the VM extension", func(ctx context.Context) error {
		client, err := armcompute.NewVirtualMachineExtensionImagesClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		got, err := client.ListVersions(ctx, h.stack.Region, publisher, typ, nil)
		if notFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, v := range got.VirtualMachineExtensionImageArray {
			available = append(available, val(v.Name))
		}
		slices.SortFunc(available, compareVersions)
		n := len(available)
		found = n > 0 && compareVersions(available[n-1], minVersion) >= 0
		return nil
	})
	return found, available, err
}

func namesOf(list []*armcompute.VirtualMachineImageResource) []string {
	var out []string
	for _, r := range list {
		if name := val(r.Name); name != "" {
			out = append(out, name)
		}
	}
	slices.SortFunc(out, compareVersions)
	return out
}

// compareVersions orders dotted numbers by value ("2.0.10" after "2.0.6") and
// everything else by text.
func compareVersions(a, b string) int {
	as, bs := splitVersion(a), splitVersion(b)
	for i := range min(len(as), len(bs)) {
		x, xerr := strconv.Atoi(as[i])
		y, yerr := strconv.Atoi(bs[i])
		c := strings.Compare(as[i], bs[i])
		if xerr == nil && yerr == nil {
			c = x - y
		}
		if c != 0 {
			return c
		}
	}
	return len(as) - len(bs)
}

func splitVersion(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return !unicode.IsDigit(r) && !unicode.IsLetter(r) })
}
