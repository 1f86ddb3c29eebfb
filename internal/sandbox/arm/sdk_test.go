package arm_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/authorization/armauthorization"
	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/compute/armcompute"
	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/network/armnetwork"
	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/profile/p20200901/resourcemanager/resources/armsubscriptions"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/google/go-cmp/cmp"

	"hubwright/internal/sandbox/faults"
)

func to[T any](v T) *T { return &v }

// must fails the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// done waits for a poller of the SDK.
func done[T any](t *testing.T) func(*runtime.Poller[T], error) T {
	return func(p *runtime.Poller[T], err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return must[T](t)(p.PollUntilDone(context.Background(), poll()))
	}
}

// helperVM makes what a helper VM needs, in order, through the real SDK.
func (s *stage) helperVM(t *testing.T) (vm armcompute.VirtualMachine, ip armnetwork.PublicIPAddress) {
	t.Helper()
	ctx, opts, loc := context.Background(), s.options(), to("seattle")
	groups := must[*armresources.ResourceGroupsClient](t)(armresources.NewResourceGroupsClient(sub, s, opts))
	must[armresources.ResourceGroupsClientCreateOrUpdateResponse](t)(groups.CreateOrUpdate(ctx, "helper", armresources.ResourceGroup{Location: loc}, nil))

	nsgs := must[*armnetwork.SecurityGroupsClient](t)(armnetwork.NewSecurityGroupsClient(sub, s, opts))
	nsg := done[armnetwork.SecurityGroupsClientCreateOrUpdateResponse](t)(nsgs.BeginCreateOrUpdate(ctx, "helper", "nsg", armnetwork.SecurityGroup{Location: loc, Properties: &armnetwork.SecurityGroupPropertiesFormat{
		SecurityRules: []*armnetwork.SecurityRule{{Name: to("ssh"), Properties: &armnetwork.SecurityRulePropertiesFormat{Priority: to(int32(100)), Direction: to(armnetwork.SecurityRuleDirectionInbound),
			Access: to(armnetwork.SecurityRuleAccessAllow), Protocol: to(armnetwork.SecurityRuleProtocolTCP), SourceAddressPrefix: to("10.1.0.0/16"), SourcePortRange: to("*"),
			DestinationAddressPrefix: to("*"), DestinationPortRange: to("22")}}}}}, nil))

	vnets := must[*armnetwork.VirtualNetworksClient](t)(armnetwork.NewVirtualNetworksClient(sub, s, opts))
	vnet := done[armnetwork.VirtualNetworksClientCreateOrUpdateResponse](t)(vnets.BeginCreateOrUpdate(ctx, "helper", "vnet", armnetwork.VirtualNetwork{Location: loc, Properties: &armnetwork.VirtualNetworkPropertiesFormat{
		AddressSpace: &armnetwork.AddressSpace{AddressPrefixes: []*string{to("10.100.0.0/24")}},
		Subnets:      []*armnetwork.Subnet{{Name: to("default"), Properties: &armnetwork.SubnetPropertiesFormat{AddressPrefix: to("10.100.0.0/25"), NetworkSecurityGroup: &armnetwork.SecurityGroup{ID: nsg.ID}}}}}}, nil))

	ips := must[*armnetwork.PublicIPAddressesClient](t)(armnetwork.NewPublicIPAddressesClient(sub, s, opts))
	pip := done[armnetwork.PublicIPAddressesClientCreateOrUpdateResponse](t)(ips.BeginCreateOrUpdate(ctx, "helper", "ip", armnetwork.PublicIPAddress{Location: loc, Properties: &armnetwork.PublicIPAddressPropertiesFormat{
		PublicIPAllocationMethod: to(armnetwork.IPAllocationMethodDynamic), DNSSettings: &armnetwork.PublicIPAddressDNSSettings{DomainNameLabel: to("jump-1")}}}, nil))
	if pip.Properties.IPAddress != nil {
		t.Errorf("a dynamic address before anything uses it: %s", *pip.Properties.IPAddress)
	}

	nics := must[*armnetwork.InterfacesClient](t)(armnetwork.NewInterfacesClient(sub, s, opts))
	nic := done[armnetwork.InterfacesClientCreateOrUpdateResponse](t)(nics.BeginCreateOrUpdate(ctx, "helper", "nic", armnetwork.Interface{Location: loc, Properties: &armnetwork.InterfacePropertiesFormat{
		IPConfigurations: []*armnetwork.InterfaceIPConfiguration{{Name: to("one"), Properties: &armnetwork.InterfaceIPConfigurationPropertiesFormat{
			Subnet: vnet.Properties.Subnets[0], PublicIPAddress: &armnetwork.PublicIPAddress{ID: pip.ID}}}}}}, nil))
	if got := *nic.Properties.IPConfigurations[0].Properties.PrivateIPAddress; got != "10.100.0.4" {
		t.Errorf("first private address %s, want 10.100.0.4", got)
	}

	vms := must[*armcompute.VirtualMachinesClient](t)(armcompute.NewVirtualMachinesClient(sub, s, opts))
	made := done[armcompute.VirtualMachinesClientCreateOrUpdateResponse](t)(vms.BeginCreateOrUpdate(ctx, "helper", "jump", armcompute.VirtualMachine{Location: loc, Properties: &armcompute.VirtualMachineProperties{
		HardwareProfile: &armcompute.HardwareProfile{VMSize: to(armcompute.VirtualMachineSizeTypesStandardA2V2)},
		StorageProfile: &armcompute.StorageProfile{ImageReference: &armcompute.ImageReference{Publisher: to("Canonical"), Offer: to("0001-com-ubuntu-server-jammy"), SKU: to("22_04-lts"), Version: to("latest")},
			OSDisk: &armcompute.OSDisk{CreateOption: to(armcompute.DiskCreateOptionTypesFromImage), ManagedDisk: &armcompute.ManagedDiskParameters{StorageAccountType: to(armcompute.StorageAccountTypesStandardLRS)}}},
		OSProfile: &armcompute.OSProfile{ComputerName: to("jump"), AdminUsername: to("azureuser"), LinuxConfiguration: &armcompute.LinuxConfiguration{DisablePasswordAuthentication: to(true),
			SSH: &armcompute.SSHConfiguration{PublicKeys: []*armcompute.SSHPublicKey{{Path: to("/home/azureuser/.ssh/authorized_keys"), KeyData: to(s.sshKey)}}}}},
		NetworkProfile: &armcompute.NetworkProfile{NetworkInterfaces: []*armcompute.NetworkInterfaceReference{{ID: nic.ID}}}}}, nil))
	got := must[armnetwork.PublicIPAddressesClientGetResponse](t)(ips.Get(ctx, "helper", "ip", nil))
	return made.VirtualMachine, got.PublicIPAddress
}

func TestAHelperVMThroughTheSDK(t *testing.T) {
	s := raise(t, nil)
	ctx, opts := context.Background(), s.options()
	vm, ip := s.helperVM(t)
	if *vm.Properties.ProvisioningState != "Succeeded" || *vm.Properties.StorageProfile.OSDisk.OSType != armcompute.OperatingSystemTypesLinux {
		t.Errorf("VM: %+v", vm.Properties)
	}
	if *ip.Properties.IPAddress != "127.40.1.4" || *ip.Properties.DNSSettings.Fqdn != "jump-1.seattle.cloudapp.azurestack.test" || ip.Properties.IPConfiguration == nil {
		t.Errorf("public IP: %+v", ip.Properties)
	}
	if diff := cmp.Diff([]string{"up jump"}, s.happened()); diff != "" {
		t.Errorf("hooks (-want +got)\n%s", diff)
	}
	m := s.hub.Machines()[0]
	if m.PublicIP != "127.40.1.4" || m.User != "azureuser" || m.AuthorizedKeys[0] != s.sshKey || m.FQDN != *ip.Properties.DNSSettings.Fqdn || !m.On || m.Cores != 2 {
		t.Errorf("machine: %+v", m)
	}

	vms := must[*armcompute.VirtualMachinesClient](t)(armcompute.NewVirtualMachinesClient(sub, s, opts))
	view := must[armcompute.VirtualMachinesClientInstanceViewResponse](t)(vms.InstanceView(ctx, "helper", "jump", nil))
	if len(view.Statuses) != 2 || *view.Statuses[1].Code != "PowerState/running" {
		t.Errorf("instance view: %+v", view.Statuses)
	}
	done[armcompute.VirtualMachinesClientRestartResponse](t)(vms.BeginRestart(ctx, "helper", "jump", nil))
	done[armcompute.VirtualMachinesClientDeallocateResponse](t)(vms.BeginDeallocate(ctx, "helper", "jump", nil))
	full := must[armcompute.VirtualMachinesClientGetResponse](t)(vms.Get(ctx, "helper", "jump", &armcompute.VirtualMachinesClientGetOptions{Expand: to("instanceView")}))
	if code := *full.Properties.InstanceView.Statuses[1].Code; code != "PowerState/deallocated" {
		t.Errorf("power: %s", code)
	}
	done[armcompute.VirtualMachinesClientStartResponse](t)(vms.BeginStart(ctx, "helper", "jump", nil))
	if diff := cmp.Diff([]string{"power false jump", "power true jump", "restarted jump", "up jump"}, s.happened()); diff != "" {
		t.Errorf("hooks (-want +got)\n%s", diff)
	}
}

func TestDeletingInOrder(t *testing.T) {
	s := raise(t, nil)
	ctx, opts := context.Background(), s.options()
	s.helperVM(t)
	base := subPath + "/resourceGroups/helper/providers/"
	for path, code := range map[string]string{
		"Microsoft.Network/networkInterfaces/nic":                "NicInUse",
		"Microsoft.Network/publicIPAddresses/ip":                 "PublicIPAddressCannotBeDeleted",
		"Microsoft.Network/virtualNetworks/vnet":                 "InUseSubnetCannotBeDeleted",
		"Microsoft.Network/networkSecurityGroups/nsg":            "InUseNetworkSecurityGroupCannotBeDeleted",
		"Microsoft.Network/virtualNetworks/vnet/subnets/default": "InUseSubnetCannotBeDeleted",
	} {
		if r := s.call("DELETE", base+path, nil); r.code() != code {
			t.Errorf("DELETE %s: %d %s, want %s", path, r.status, r.code(), code)
		}
	}
	vms := must[*armcompute.VirtualMachinesClient](t)(armcompute.NewVirtualMachinesClient(sub, s, opts))
	done[armcompute.VirtualMachinesClientDeleteResponse](t)(vms.BeginDelete(ctx, "helper", "jump", nil))
	if _, err := vms.Get(ctx, "helper", "jump", nil); !isCode(err, http.StatusNotFound, "ResourceNotFound") {
		t.Errorf("after the deletion: %v", err)
	}
	if diff := cmp.Diff([]string{"going jump", "gone jump", "up jump"}, s.happened()); diff != "" {
		t.Errorf("hooks (-want +got)\n%s", diff)
	}
	// What the VM used stays, and can go now.
	for _, path := range []string{"Microsoft.Network/networkInterfaces/nic", "Microsoft.Network/publicIPAddresses/ip", "Microsoft.Network/virtualNetworks/vnet", "Microsoft.Network/networkSecurityGroups/nsg"} {
		if r := s.settled("DELETE", base+path, nil); r.status >= 400 || r.body["status"] != "Succeeded" {
			t.Errorf("DELETE %s: %d %s", path, r.status, r.raw)
		}
		if r := s.call("DELETE", base+path, nil); r.status != 204 {
			t.Errorf("DELETE %s again: %d, want 204", path, r.status)
		}
	}
	left := s.hub.Resources("helper")
	if len(left) != 1 || !strings.HasPrefix(left[0], "Microsoft.Compute/disks jump_OsDisk_1_") {
		t.Errorf("left: %v, want the OS disk only", left)
	}
	groups := must[*armresources.ResourceGroupsClient](t)(armresources.NewResourceGroupsClient(sub, s, opts))
	done[armresources.ResourceGroupsClientDeleteResponse](t)(groups.BeginDelete(ctx, "helper", nil))
	ok := must[armresources.ResourceGroupsClientCheckExistenceResponse](t)(groups.CheckExistence(ctx, "helper", nil))
	if ok.Success || len(s.hub.Resources("")) != 0 {
		t.Errorf("the group is still there: %v %v", ok.Success, s.hub.Resources(""))
	}
}

func TestAGroupIsDeletedWithAllThatIsUnderWay(t *testing.T) {
	s := raise(t, nil)
	s.group("rg")
	rule, _ := faults.Preset("stuck-creating", "seattle")
	if _, err := s.faults.Add(rule); err != nil {
		t.Fatal(err)
	}
	s.call("PUT", deploymentPath("d"), s.template())
	s.until("some machines", func() bool { return len(s.happened()) == 4 })
	r := s.call("DELETE", subPath+"/resourcegroups/rg", nil)
	if r.status != 202 || r.header.Get("Location") == "" {
		t.Fatalf("DELETE: %d %v", r.status, r.header)
	}
	if r := s.call("PUT", groupPath+"/providers/Microsoft.Network/routeTables/late", obj("location", "seattle")); r.code() != "ResourceGroupBeingDeleted" {
		t.Errorf("PUT into a group that goes: %d %s", r.status, r.code())
	}
	s.until("the group is gone", func() bool { return s.call("GET", subPath+"/resourcegroups/rg", nil).status == 404 })
	if left := s.hub.Resources(""); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	gone := 0
	for _, e := range s.happened() {
		if strings.HasPrefix(e, "gone ") {
			gone++
		}
	}
	if gone != 5 {
		t.Errorf("%d machines gone, want 5: %v", gone, s.happened())
	}
}

func TestReadersOfTheProfile(t *testing.T) {
	s := raise(t, nil)
	ctx, opts := context.Background(), s.options()
	subs := must[*armsubscriptions.Client](t)(armsubscriptions.NewClient(s, opts))
	if got := must[armsubscriptions.ClientGetResponse](t)(subs.Get(ctx, sub, nil)); *got.State != armsubscriptions.SubscriptionStateEnabled {
		t.Errorf("subscription: %+v", got)
	}
	images := must[*armcompute.VirtualMachineImagesClient](t)(armcompute.NewVirtualMachineImagesClient(sub, s, opts))
	must[armcompute.VirtualMachineImagesClientGetResponse](t)(images.Get(ctx, "seattle", "microsoft-aks", "aks", "aks-engine-azurestack-ubuntu-2204", "2026.139.1", nil))
	all := must[armcompute.VirtualMachineImagesClientListResponse](t)(images.List(ctx, "seattle", "microsoft-aks", "aks", "aks-engine-azurestack-ubuntu-2204", nil))
	if len(all.VirtualMachineImageResourceArray) != 2 {
		t.Errorf("%d image versions, want 2", len(all.VirtualMachineImageResourceArray))
	}
	publishers := must[armcompute.VirtualMachineImagesClientListPublishersResponse](t)(images.ListPublishers(ctx, "seattle", nil))
	if len(publishers.VirtualMachineImageResourceArray) != 3 {
		t.Errorf("%d publishers, want 3", len(publishers.VirtualMachineImageResourceArray))
	}
	if _, err := images.Get(ctx, "seattle", "microsoft-aks", "aks", "aks-engine-azurestack-ubuntu-2204", "2020.1.1", nil); !isCode(err, 404, "NotFound") || !strings.Contains(err.Error(), "Artifact: VMImage was not found.") {
		t.Errorf("missing image: %v", err)
	}
	extensions := must[*armcompute.VirtualMachineExtensionImagesClient](t)(armcompute.NewVirtualMachineExtensionImagesClient(sub, s, opts))
	versions := must[armcompute.VirtualMachineExtensionImagesClientListVersionsResponse](t)(extensions.ListVersions(ctx, "seattle", "Microsoft.Azure.Extensions", "customscript", nil))
	if len(versions.VirtualMachineExtensionImageArray) != 1 || *versions.VirtualMachineExtensionImageArray[0].Name != "2.0.6" {
		t.Errorf("CustomScript versions: %+v", versions)
	}
	sizes := must[*armcompute.VirtualMachineSizesClient](t)(armcompute.NewVirtualMachineSizesClient(sub, s, opts))
	page := must[armcompute.VirtualMachineSizesClientListResponse](t)(sizes.NewListPager("seattle", nil).NextPage(ctx))
	found := false
	for _, v := range page.Value {
		found = found || *v.Name == "Standard_D2_v2" && *v.NumberOfCores == 2 && *v.MemoryInMB == 7168
	}
	if !found || len(page.Value) < 80 {
		t.Errorf("sizes: %d, D2_v2 right: %v", len(page.Value), found)
	}
	usage := must[*armcompute.UsageClient](t)(armcompute.NewUsageClient(sub, s, opts))
	rows := must[armcompute.UsageClientListResponse](t)(usage.NewListPager("seattle", nil).NextPage(ctx))
	if len(rows.Value) != 4 || *rows.Value[1].Name.Value != "cores" || *rows.Value[1].Limit != 100 {
		t.Errorf("usages: %d rows", len(rows.Value))
	}
	perms := must[*armauthorization.PermissionsClient](t)(armauthorization.NewPermissionsClient(sub, s, opts))
	s.group("rg")
	granted := must[armauthorization.PermissionsClientListForResourceGroupResponse](t)(perms.NewListForResourceGroupPager("rg", nil).NextPage(ctx))
	if len(granted.Value) != 1 || *granted.Value[0].Actions[0] != "*" || len(granted.Value[0].NotActions) == 0 {
		t.Errorf("permissions: %+v", granted.Value)
	}
}

func TestProvidersRegister(t *testing.T) {
	s := raise(t, nil)
	ctx := context.Background()
	s.hub.SetRegistered("Microsoft.Compute", false)
	client := must[*armresources.ProvidersClient](t)(armresources.NewProvidersClient(sub, s, s.options()))
	state := func() string {
		return *must[armresources.ProvidersClientGetResponse](t)(client.Get(ctx, "microsoft.compute", nil)).RegistrationState
	}
	if got := state(); got != "NotRegistered" {
		t.Fatalf("state %s", got)
	}
	got := must[armresources.ProvidersClientRegisterResponse](t)(client.Register(ctx, "Microsoft.Compute", nil))
	if *got.RegistrationState != "Registering" {
		t.Errorf("answer %s, want Registering", *got.RegistrationState)
	}
	s.until("the registration", func() bool { return state() == "Registered" })
	pager, n := client.NewListPager(nil), 0
	for pager.More() {
		page := must[armresources.ProvidersClientListResponse](t)(pager.NextPage(ctx))
		n += len(page.Value)
	}
	if n < 5 {
		t.Errorf("%d providers", n)
	}
}

func TestTheSDKLivesThroughThrottlingAndCuts(t *testing.T) {
	s := raise(t, nil)
	for _, kind := range []string{"throttled", "server-error", "connection-cut"} {
		rule, _ := faults.Preset(kind, "seattle")
		rule.Effect.RetryAfter = 0
		rule.Effect.Header = map[string]string{"Retry-After-Ms": "5"}
		id, err := s.faults.Add(rule)
		if err != nil {
			t.Fatal(err)
		}
		client := must[*armsubscriptions.Client](t)(armsubscriptions.NewClient(s, s.options()))
		if _, err := client.Get(context.Background(), sub, nil); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if st := s.faults.List(); st[0].Struck < 2 {
			t.Errorf("%s struck %d times", kind, st[0].Struck)
		}
		s.faults.Lift(id)
	}
}

func isCode(err error, status int, code string) bool {
	var re *azcore.ResponseError
	return errors.As(err, &re) && re.StatusCode == status && re.ErrorCode == code
}
