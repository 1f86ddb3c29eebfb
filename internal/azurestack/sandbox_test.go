package azurestack_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"hubwright/internal/azurestack"
	"hubwright/internal/sandbox"
	w "hubwright/workflows"
)

type secretOf map[w.SecretRef]string

func (s secretOf) Open(_ context.Context, ref w.SecretRef) ([]byte, error) {
	if v, ok := s[ref]; ok {
		return []byte(v), nil
	}
	return nil, errors.New("no such secret")
}

// world starts the emulated Hubs without clusters: none is asked for here.
func world(t *testing.T) sandbox.Seed {
	t.Helper()
	x, err := sandbox.Start(t.Context(), sandbox.Options{Dir: t.TempDir(), ProxyAddr: "127.0.0.1:0", Speed: 2000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x.Seed()
}

// TestAgainstTheEmulatedHubs goes once through everything, on a Hub with
// Entra ID and one with AD FS, with both kinds of credential.
func TestAgainstTheEmulatedHubs(t *testing.T) {
	seed := world(t)
	if len(seed.Stacks) != 2 {
		t.Fatalf("%d stacks", len(seed.Stacks))
	}
	for _, st := range seed.Stacks {
		for _, method := range []w.AuthMethod{w.AuthCertificate, w.AuthSecret} {
			t.Run(st.Name+"/"+string(method), func(t *testing.T) {
				// The Entra login and github.com have another authority than the Hub.
				bundle := st.CABundle + "\n" + seed.PublicCA
				meta, region, err := azurestack.Discover(t.Context(), st.ARMEndpoint, bundle, st.Proxy)
				if err != nil {
					t.Fatal(err)
				}
				if string(meta.Identity) != st.IdentitySystem || meta.TenantID != st.TenantID || region != st.Region {
					t.Errorf("discovered %+v, region %s", meta, region)
				}
				stack := w.Stack{
					Name: st.Name, ARMEndpoint: st.ARMEndpoint, Region: region, Metadata: meta, TenantID: meta.TenantID,
					SubscriptionID: st.SubscriptionID, CABundle: bundle, HTTPSProxy: st.Proxy,
					Credential: w.Credential{Method: method, ClientID: st.ClientID, Secret: "secret", Certificate: "cert"},
				}
				hub, err := azurestack.New(secretOf{"secret": st.ClientSecret, "cert": st.Certificate + "\n" + st.CertificateKey}).Open(t.Context(), stack)
				if err != nil {
					t.Fatal(err)
				}
				readEverything(t, hub)
				makeHelperVM(t, hub, fmt.Sprintf("try-%s", strings.ReplaceAll(string(method), "_", "-")))
			})
		}
	}
}

func readEverything(t *testing.T, hub *azurestack.Hub) {
	t.Helper()
	ctx := t.Context()
	for what, err := range map[string]error{
		"Resolve": last(hub.Resolve(ctx)), "TLS": hub.TLS(ctx), "Login": hub.Login(ctx),
		"RegisterProvider": hub.RegisterProvider(ctx, "Microsoft.Compute"),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if sub, err := hub.Subscription(ctx); err != nil || sub.State != "Enabled" {
		t.Errorf("Subscription = %+v, %v", sub, err)
	}
	if ok, detail, err := hub.CanContribute(ctx); !ok || err != nil {
		t.Errorf("CanContribute = %v %q %v", ok, detail, err)
	}
	if list, err := hub.Providers(ctx, "Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage"); err != nil || len(list) != 3 || !list[0].Registered {
		t.Errorf("Providers = %+v, %v", list, err)
	}
	base := w.ImageRef{Publisher: "microsoft-aks", Offer: "aks", SKU: "aks-engine-azurestack-ubuntu-2204", Version: "2026.139.1"}
	if found, available, err := hub.HasImage(ctx, base); !found || err != nil {
		t.Errorf("HasImage = %v %v %v", found, available, err)
	}
	if found, available, err := hub.HasExtension(ctx, "Microsoft.Azure.Extensions", "CustomScript", "2.0.6"); !found || err != nil {
		t.Errorf("HasExtension = %v %v %v", found, available, err)
	}
	if sizes, err := hub.Sizes(ctx); err != nil || !slices.ContainsFunc(sizes, func(s w.VMSize) bool { return s.Name == "Standard_F2" && s.Cores == 2 }) {
		t.Errorf("Sizes = %v, %v", sizes, err)
	}
	usages, err := hub.Usages(ctx)
	for _, name := range []string{"cores", "virtualMachines", "PublicIPAddresses", "NetworkInterfaces"} {
		if !slices.ContainsFunc(usages, func(u w.Usage) bool { return u.Name == name && u.Limit > 0 }) {
			t.Errorf("no usage %s: %v %v", name, usages, err)
		}
	}
	if list, err := hub.Deployments(ctx, "nothing-here"); len(list) != 0 || err != nil {
		t.Errorf("Deployments = %v, %v", list, err)
	}
}

func makeHelperVM(t *testing.T, hub *azurestack.Hub, name string) {
	t.Helper()
	ctx := t.Context()
	images, err := hub.Images(ctx, "Canonical")
	if err != nil || len(images) == 0 {
		t.Fatalf("Images = %v, %v", images, err)
	}
	spec := azurestack.VMSpec{
		ResourceGroup: name, SecurityGroup: name + "-nsg", SSHFrom: "192.0.2.0/24", Network: name + "-vnet", NetworkCIDR: "10.100.0.0/16",
		Subnet: "default", SubnetCIDR: "10.100.1.0/24", PublicIP: name + "-ip", DNSLabel: name, Interface: name + "-nic",
		VM: name, Disk: name + "-osdisk", Size: "Standard_F2", Image: images[len(images)-1], User: "azureuser",
		AuthorizedKey: authorizedKey(t), Tags: map[string]string{"product": "hubwright"},
	}
	if taken, by, err := hub.DNSLabelTaken(ctx, name); taken || err != nil {
		t.Errorf("before: taken %v by %q, %v", taken, by, err)
	}
	for n, want := range []struct {
		changed int
		did     string
	}{{5, azurestack.Created}, {0, ""}} {
		changed := 0
		err := hub.EnsureVMNetwork(ctx, spec, func(_ int, _ string, _, did bool) {
			if did {
				changed++
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		did, err := hub.EnsureVM(ctx, spec)
		if err != nil || did != want.did || changed != want.changed {
			t.Errorf("time %d: %d pieces changed, VM %q, %v", n+1, changed, did, err)
		}
	}
	address, fqdn, err := hub.PublicIP(ctx, name, spec.PublicIP)
	if err != nil || !strings.HasPrefix(address, "127.") || !strings.HasPrefix(fqdn, name+".") {
		t.Errorf("PublicIP = %q %q %v", address, fqdn, err)
	}
	if taken, by, err := hub.DNSLabelTaken(ctx, name); !taken || !strings.HasSuffix(by, "/"+spec.PublicIP) || err != nil {
		t.Errorf("after: taken %v by %q, %v", taken, by, err)
	}
	exists, tags, err := hub.ResourceGroupTags(ctx, name)
	if d := cmp.Diff(spec.Tags, tags); d != "" || !exists || err != nil {
		t.Error(exists, d, err)
	}
	vms, err := hub.VMs(ctx, name)
	if err != nil || len(vms) != 1 || vms[0].Size != "Standard_F2" || vms[0].ProvisioningState != "Succeeded" {
		t.Errorf("VMs = %+v, %v", vms, err)
	}
	made := spec
	spec.AuthorizedKey = authorizedKey(t)
	var p *w.Problem
	if _, err := hub.EnsureVM(ctx, spec); !errors.As(err, &p) || p.Code != "helper.key" {
		t.Errorf("another key: %v", err)
	}
	p = nil
	spec.VM, spec.Size = name+"2", "Standard_Nonsense"
	if _, err := hub.EnsureVM(ctx, spec); !errors.As(err, &p) || p.Fix == "" {
		t.Errorf("a size that does not exist: %v", err)
	}
	removeVM(t, hub, made)
}

// removeVM takes a VM away piece by piece, its group last, and again.
func removeVM(t *testing.T, hub *azurestack.Hub, s azurestack.VMSpec) {
	t.Helper()
	ctx := t.Context()
	parts, err := hub.VMParts(ctx, s)
	if err != nil || len(parts) != 6 || parts[0].Kind != "VM" || parts[0].Tags["product"] != "hubwright" {
		t.Fatalf("VMParts = %+v, %v", parts, err)
	}
	if gone, err := hub.DeleteEmptyGroup(ctx, s); gone || err != nil {
		t.Errorf("a group with a VM in it: gone %v, %v", gone, err)
	}
	for _, p := range append(parts, parts[0]) {
		if err := hub.DeleteVMPart(ctx, p); err != nil {
			t.Errorf("deleting the %s: %v", p.Kind, err)
		}
	}
	if left, err := hub.VMParts(ctx, s); len(left) != 0 || err != nil {
		t.Errorf("left: %+v, %v", left, err)
	}
	other := s
	other.Network, other.PublicIP, other.Interface, other.SecurityGroup, other.VM, other.DNSLabel = "o-vnet", "o-ip", "o-nic", "o-nsg", "o", s.DNSLabel+"-o"
	if err := hub.EnsureVMNetwork(ctx, other, func(int, string, bool, bool) {}); err != nil {
		t.Fatal(err)
	}
	if gone, err := hub.DeleteEmptyGroup(ctx, s); gone || err != nil {
		t.Errorf("a group with somebody's network in it: gone %v, %v", gone, err)
	}
	rest, err := hub.VMParts(ctx, other)
	if err != nil || len(rest) != 4 {
		t.Errorf("somebody's: %+v, %v", rest, err)
	}
	for _, p := range rest {
		if err := hub.DeleteVMPart(ctx, p); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if gone, err := hub.DeleteEmptyGroup(ctx, s); !gone || err != nil {
			t.Errorf("the group: gone %v, %v", gone, err)
		}
	}
	if parts, err := hub.VMParts(ctx, s); len(parts) != 0 || err != nil {
		t.Errorf("without its group: %+v, %v", parts, err)
	}
}

func authorizedKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(public))
}

func last[T any](_ T, err error) error { return err }
