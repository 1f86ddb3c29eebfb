package azurestack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/compute/armcompute"

	w "hubwright/workflows"
)

// What EnsureVM did.
const (
	Created = "created"
	Started = "started"
)

// EnsureVM makes a Linux VM, with a managed disk and the SSH key as the only
// way in, and starts it when it is stopped. A VM that is there is
// never made anew or resized. did is Created (also when a former attempt had
// begun to), Started, or "" when it was up.
func (h *Hub) EnsureVM(ctx context.Context, s VMSpec) (did string, err error) {
	err = h.call(ctx, "Making the VM "+s.VM, func(ctx context.Context) error {
		client, err := armcompute.NewVirtualMachinesClient(h.stack.SubscriptionID, h.cred, h.options)
		if err != nil {
			return err
		}
		have, waited, err := h.settledVM(ctx, client, s)
		if err != nil {
			return err
		}
		if have == nil || have.Properties == nil || !strings.EqualFold(val(have.Properties.ProvisioningState), "Succeeded") {
			did = Created // putting the same VM again heals one whose creation failed
			return h.putVM(ctx, client, s)
		}
		if waited {
			did = Created
		}
		if err := keyFits(have.VirtualMachine, s); err != nil || running(have.Properties) {
			return err
		}
		if did == "" {
			did = Started
		}
		poller, err := client.BeginStart(ctx, s.ResourceGroup, s.VM, nil)
		if err != nil {
			return err
		}
		_, err = poller.PollUntilDone(ctx, h.poll())
		return err
	})
	return did, err
}

func (h *Hub) putVM(ctx context.Context, client *armcompute.VirtualMachinesClient, s VMSpec) error {
	poller, err := client.BeginCreateOrUpdate(ctx, s.ResourceGroup, s.VM, h.vm(s), nil)
	if err != nil {
		return err
	}
	_, err = poller.PollUntilDone(ctx, h.poll())
	return err
}

func (h *Hub) vm(s VMSpec) armcompute.VirtualMachine {
	nic := h.under("resourceGroups", s.ResourceGroup, "providers", "Microsoft.Network", "networkInterfaces", s.Interface)
	return armcompute.VirtualMachine{
		Location: &h.stack.Region, Tags: tagsTo(s.Tags),
		Properties: &armcompute.VirtualMachineProperties{
			HardwareProfile: &armcompute.HardwareProfile{VMSize: ptr(armcompute.VirtualMachineSizeTypes(s.Size))},
			StorageProfile: &armcompute.StorageProfile{
				ImageReference: &armcompute.ImageReference{
					Publisher: &s.Image.Publisher, Offer: &s.Image.Offer, SKU: &s.Image.SKU, Version: &s.Image.Version,
				},
				OSDisk: &armcompute.OSDisk{
					Name: &s.Disk, OSType: ptr(armcompute.OperatingSystemTypesLinux),
					CreateOption: ptr(armcompute.DiskCreateOptionTypesFromImage), Caching: ptr(armcompute.CachingTypesReadWrite),
					ManagedDisk: &armcompute.ManagedDiskParameters{StorageAccountType: ptr(armcompute.StorageAccountTypesStandardLRS)},
				},
			},
			OSProfile: &armcompute.OSProfile{
				ComputerName: &s.VM, AdminUsername: &s.User,
				LinuxConfiguration: &armcompute.LinuxConfiguration{
					DisablePasswordAuthentication: ptr(true), ProvisionVMAgent: ptr(true),
					SSH: &armcompute.SSHConfiguration{PublicKeys: []*armcompute.SSHPublicKey{{
						Path: ptr("/home/" + s.User + "/.ssh/authorized_keys"), KeyData: &s.AuthorizedKey,
					}}},
				},
			},
			NetworkProfile: &armcompute.NetworkProfile{NetworkInterfaces: []*armcompute.NetworkInterfaceReference{{
				ID: &nic, Properties: &armcompute.NetworkInterfaceReferenceProperties{Primary: ptr(true)},
			}}},
		},
	}
}

// keyFits refuses a VM that was made with another user or key: neither can be
// changed from outside, and SSH would only say "permission denied" later.
func keyFits(vm armcompute.VirtualMachine, s VMSpec) error {
	p := vm.Properties
	if p == nil || p.OSProfile == nil || p.OSProfile.LinuxConfiguration == nil || p.OSProfile.LinuxConfiguration.SSH == nil {
		return nil // not told: SSH itself will say
	}
	wrong := func(why string) error {
		return &w.Problem{
			Code: "helper.key", What: fmt.Sprintf("The VM %s exists and cannot be entered", s.VM), Why: why,
			Fix: "Give the private key and user that it was made with (own key), or choose another name for the VM.",
		}
	}
	if user := val(p.OSProfile.AdminUsername); user != "" && user != s.User {
		return wrong(fmt.Sprintf("It was made for the user %s, and the answers say %s.", user, s.User))
	}
	keys := p.OSProfile.LinuxConfiguration.SSH.PublicKeys
	fits := slices.ContainsFunc(keys, func(k *armcompute.SSHPublicKey) bool {
		return keyBody(val(k.KeyData)) == keyBody(s.AuthorizedKey)
	})
	if len(keys) > 0 && !fits {
		return wrong("It was made with another SSH key than the one that is to be used now.")
	}
	return nil
}

// keyBody is type and key without the comment.
func keyBody(authorizedKey string) string {
	fields := strings.Fields(authorizedKey)
	return strings.Join(fields[:min(2, len(fields))], " ")
}

// settledVM is the VM, nil when there is none, after what is under way with it
// has come to an end: a former attempt may have left its creation going. waited
// says that it had to be waited for.
func (h *Hub) settledVM(ctx context.Context, client *armcompute.VirtualMachinesClient, s VMSpec) (have *armcompute.VirtualMachinesClientGetResponse, waited bool, err error) {
	for {
		have, err := found(client.Get(ctx, s.ResourceGroup, s.VM, &armcompute.VirtualMachinesClientGetOptions{Expand: ptr("instanceView")}))
		if err != nil || have == nil || have.Properties == nil {
			return have, waited, err
		}
		switch strings.ToLower(val(have.Properties.ProvisioningState)) {
		case "creating", "updating", "migrating":
			waited = true
		default:
			return have, waited, nil
		}
		if err := wait(ctx, h.every); err != nil {
			return nil, waited, err
		}
	}
}

// running says that the VM is up, or that its power state is not told.
func running(p *armcompute.VirtualMachineProperties) bool {
	if p.InstanceView == nil {
		return true
	}
	for _, s := range p.InstanceView.Statuses {
		if state, ok := strings.CutPrefix(val(s.Code), "PowerState/"); ok {
			return strings.EqualFold(state, "running") || strings.EqualFold(state, "starting")
		}
	}
	return true
}
