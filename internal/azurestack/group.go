package azurestack

import (
	"context"
	"maps"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/resources/armresources"
)

// ResourceGroupTags says whether a resource group exists, and its tags.
func (h *Hub) ResourceGroupTags(ctx context.Context, name string) (exists bool, tags map[string]string, err error) {
	err = h.call(ctx, "Reading the resource group", func(ctx context.Context) error {
		group, err := h.group(ctx, name)
		if group != nil {
			exists, tags = true, tagsFrom(group.Tags)
		}
		return err
	})
	return exists, tags, err
}

// EnsureResourceGroup makes a resource group with these tags. One that exists
// keeps its own tags and gets those that it lacks.
func (h *Hub) EnsureResourceGroup(ctx context.Context, name string, tags map[string]string) error {
	_, err := h.ensureGroup(ctx, name, tags)
	return err
}

func (h *Hub) ensureGroup(ctx context.Context, name string, tags map[string]string) (changed bool, err error) {
	err = h.call(ctx, "Making the resource group", func(ctx context.Context) error {
		group, err := h.group(ctx, name)
		if err != nil {
			return err
		}
		client, err := armresources.NewResourceGroupsClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		if group == nil {
			changed = true
			_, err := client.CreateOrUpdate(ctx, name, armresources.ResourceGroup{
				Location: &h.stack.Region, Tags: tagsTo(tags),
			}, nil)
			return err
		}
		merged, lacking := withTags(group.Tags, tags)
		if !lacking {
			return nil
		}
		changed = true
		_, err = client.Update(ctx, name, armresources.ResourceGroupPatchable{Tags: merged}, nil)
		return err
	})
	return changed, err
}

// group is nil when there is none of that name.
func (h *Hub) group(ctx context.Context, name string) (*armresources.ResourceGroup, error) {
	client, err := armresources.NewResourceGroupsClient(h.stack.SubscriptionID, h.cred, h.options)
	if err != nil {
		return nil, err
	}
	got, err := client.Get(ctx, name, nil)
	if notFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &got.ResourceGroup, nil
}

// withTags adds the tags that are lacking. What somebody else set stays.
func withTags(have map[string]*string, want map[string]string) (merged map[string]*string, lacking bool) {
	merged = maps.Clone(have)
	if merged == nil {
		merged = map[string]*string{}
	}
	for k, v := range want {
		if _, ok := merged[k]; !ok {
			merged[k], lacking = ptr(v), true
		}
	}
	return merged, lacking
}
