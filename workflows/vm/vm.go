// Package vm is what those workflows share that make a Linux VM of their own
// on a Hub: what is asked, looked up, promised, made and taken away. Whose VM
// it is, where its key lies and what goes onto it is the workflow's own.
package vm

import (
	"context"
	"strings"

	w "hubwright/workflows"
)

// Hub is the Azure Stack Hub. Errors are *workflows.Problem.
type Hub interface {
	Login(ctx context.Context) error
	Usages(ctx context.Context) ([]w.Usage, error)
	Sizes(ctx context.Context) ([]w.VMSize, error)
	// Images are a publisher's images, oldest version first.
	Images(ctx context.Context, publisher string) ([]w.ImageRef, error)
	HasImage(ctx context.Context, ref w.ImageRef) (found bool, available []string, err error)
	// DNSLabelTaken names the public IP's resource ID where it can be seen.
	DNSLabelTaken(ctx context.Context, label string) (taken bool, byWhat string, err error)
	ResourceGroupTags(ctx context.Context, group string) (exists bool, tags map[string]string, err error)
	VMs(ctx context.Context, group string) ([]w.VM, error)
	PublicIP(ctx context.Context, group, name string) (address, fqdn string, err error)
	// EnsureVMNetwork and EnsureVM observe, then make what is missing.
	EnsureVMNetwork(ctx context.Context, s Spec, report func(percent int, what string, done, changed bool)) error
	// EnsureVM tells "created", "started", or "" when it did nothing.
	EnsureVM(ctx context.Context, s Spec) (did string, err error)
}

// Remover takes a VM away. Errors are *workflows.Problem.
type Remover interface {
	// VMParts are the pieces that there are, in the order in which they can be
	// deleted.
	VMParts(ctx context.Context, s Spec) ([]w.VMPart, error)
	// DeleteVMPart returns when the piece is gone.
	DeleteVMPart(ctx context.Context, p w.VMPart) error
	// DeleteEmptyGroup leaves a group alone in which something is.
	DeleteEmptyGroup(ctx context.Context, s Spec) (gone bool, err error)
}

// Spec is what the VM and its network should be.
type Spec struct {
	ResourceGroup string
	KeepGroup     bool // the group was there before: its tags are left alone
	SecurityGroup string
	SSHFrom       string // CIDR that may reach port 22
	Network       string
	NetworkCIDR   string
	Subnet        string
	SubnetCIDR    string
	SubnetID      string // of a subnet that is there: no network is made
	PublicIP      string
	DNSLabel      string
	Interface     string
	VM            string
	Disk          string
	Size          string
	Image         w.ImageRef
	User          string
	AuthorizedKey string
	Tags          map[string]string
}

const subnetName = "default"

// Named gives the pieces the names that follow from the VM's.
func (s Spec) Named() Spec {
	s.SecurityGroup, s.PublicIP, s.Interface, s.Disk = s.VM+"-nsg", s.VM+"-ip", s.VM+"-nic", s.VM+"-osdisk"
	s.Network, s.Subnet = s.VM+"-vnet", subnetName
	return s
}

// SubnetOf is the resource ID of the subnet that was made for a VM.
func SubnetOf(subscription, group, vm string) string {
	return "/subscriptions/" + subscription + "/resourceGroups/" + group + "/providers/Microsoft.Network/virtualNetworks/" + vm + "-vnet/subnets/" + subnetName
}

// Base is the beginning of every name that is proposed: ratings-seattle-helper.
func Base(deployment, site, role string) string {
	base := Slug(deployment + "-" + site)
	if base == "" || base[0] < 'a' || base[0] > 'z' {
		base = strings.Trim("hub-"+base, "-")
	}
	return strings.Trim(base[:min(len(base), 45)], "-") + "-" + role
}

// Slug makes a text fit for names and tags.
func Slug(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}
