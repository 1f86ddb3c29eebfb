package azurestack

import (
	"context"
	"encoding/json"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/compute/armcompute"
	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/resources/armresources"

	w "hubwright/workflows"
)

// Deployments are the template deployments of a resource group, newest first
// as ARM lists them. A group that does not exist has none.
func (h *Hub) Deployments(ctx context.Context, group string) ([]w.ARMDeployment, error) {
	var out []w.ARMDeployment
	err := h.call(ctx, "Listing the deployments", func(ctx context.Context) error {
		client, err := armresources.NewDeploymentsClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		for pager := client.NewListByResourceGroupPager(group, nil); pager.More(); {
			page, err := pager.NextPage(ctx)
			if notFound(err) {
				return nil
			}
			if err != nil {
				return err
			}
			for _, d := range page.Value {
				out = append(out, deployment(d))
			}
		}
		return nil
	})
	return out, err
}

func deployment(d *armresources.DeploymentExtended) w.ARMDeployment {
	out := w.ARMDeployment{Name: val(d.Name)}
	if p := d.Properties; p != nil {
		out.State, out.At = val(p.ProvisioningState), val(p.Timestamp)
		if p.Error != nil {
			out.Error = jsonText(map[string]any{"error": p.Error})
		}
	}
	return out
}

// DeploymentOperations are the resources of a deployment and how far each is.
func (h *Hub) DeploymentOperations(ctx context.Context, group, name string) ([]w.DeploymentOperation, error) {
	var out []w.DeploymentOperation
	err := h.call(ctx, "Reading the deployment's operations", func(ctx context.Context) error {
		client, err := armresources.NewDeploymentOperationsClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		for pager := client.NewListPager(group, name, nil); pager.More(); {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, o := range page.Value {
				if o.Properties != nil {
					out = append(out, operation(o))
				}
			}
		}
		return nil
	})
	return out, err
}

func operation(o *armresources.DeploymentOperation) w.DeploymentOperation {
	p := o.Properties
	out := w.DeploymentOperation{
		ID: val(o.OperationID), State: val(p.ProvisioningState), StatusCode: val(p.StatusCode), At: val(p.Timestamp),
	}
	if t := p.TargetResource; t != nil {
		out.ResourceType, out.ResourceName = val(t.ResourceType), val(t.ResourceName)
	}
	if out.State == "Failed" {
		out.Message = jsonText(p.StatusMessage)
	}
	return out
}

func jsonText(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case string:
		return t
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// VMs are the virtual machines of a resource group. A group that does not
// exist has none.
func (h *Hub) VMs(ctx context.Context, group string) ([]w.VM, error) {
	var out []w.VM
	err := h.call(ctx, "Listing the VMs", func(ctx context.Context) error {
		client, err := armcompute.NewVirtualMachinesClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		for pager := client.NewListPager(group, nil); pager.More(); {
			page, err := pager.NextPage(ctx)
			if notFound(err) {
				return nil
			}
			if err != nil {
				return err
			}
			for _, m := range page.Value {
				out = append(out, machine(m))
			}
		}
		return nil
	})
	return out, err
}

func machine(m *armcompute.VirtualMachine) w.VM {
	out := w.VM{Name: val(m.Name), Tags: tagsFrom(m.Tags)}
	if p := m.Properties; p != nil {
		out.ProvisioningState = val(p.ProvisioningState)
		if p.HardwareProfile != nil {
			out.Size = string(val(p.HardwareProfile.VMSize))
		}
	}
	return out
}

func tagsFrom(in map[string]*string) map[string]string {
	out := make(map[string]string, len(in))
	for k, v := range in {
		out[k] = val(v)
	}
	return out
}

func tagsTo(in map[string]string) map[string]*string {
	out := make(map[string]*string, len(in))
	for k, v := range in {
		out[k] = ptr(v)
	}
	return out
}

// VMExtensions are the names of the extensions on a VM.
func (h *Hub) VMExtensions(ctx context.Context, group, vm string) ([]string, error) {
	var out []string
	err := h.call(ctx, "Asking for the extensions of "+vm, func(ctx context.Context) error {
		client, err := armcompute.NewVirtualMachinesClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		view, err := client.InstanceView(ctx, group, vm, nil)
		for _, e := range view.Extensions {
			out = append(out, val(e.Name))
		}
		return err
	})
	return out, err
}
