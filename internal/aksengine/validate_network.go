package aksengine

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Addresses that the engine takes when the model names none.
const (
	DefaultPodCIDR     = "10.244.0.0/16"
	DefaultServiceCIDR = "10.0.0.0/16"
	DefaultDNSIP       = "10.0.0.10"
	DefaultVnetCIDR    = "10.240.0.0/12" // with azure, also the pods' addresses
	DefaultNodeCIDR    = "10.240.0.0/16"
)

// internalLBOffset is how far behind the first control plane address the
// internal load balancer's lies.
const internalLBOffset = 10

// NetworkPolicies are the policies that go with a plugin, by plugin. "" is none.
func NetworkPolicies(plugin string) []string {
	switch plugin {
	case "kubenet":
		return []string{"", "calico"}
	case "azure":
		return []string{"", "azure", "calico"}
	case "cilium":
		return []string{"", "cilium"}
	case "antrea":
		return []string{"", "antrea"}
	case "flannel":
		return []string{""}
	}
	return nil
}

func (f *findings) network(m Model) {
	const at = "orchestratorProfile.kubernetesConfig."
	k := m.Properties.OrchestratorProfile.KubernetesConfig
	policies := NetworkPolicies(k.NetworkPlugin)
	switch {
	case policies == nil:
		f.add(at+"networkPlugin", fmt.Sprintf("unknown networkPlugin '%s' specified", k.NetworkPlugin), "There is no network plugin %q. Choose kubenet or azure.", k.NetworkPlugin)
	case !slices.Contains([]string{"", "azure", "calico", "cilium", "antrea"}, k.NetworkPolicy):
		f.add(at+"networkPolicy", fmt.Sprintf("unknown networkPolicy '%s' specified", k.NetworkPolicy), "There is no network policy %q.", k.NetworkPolicy)
	case !slices.Contains(policies, k.NetworkPolicy):
		f.add(at+"networkPolicy", fmt.Sprintf("networkPolicy '%s' is not supported with networkPlugin '%s'", k.NetworkPolicy, k.NetworkPlugin), "The network policy %s does not go with the plugin %s.", k.NetworkPolicy, k.NetworkPlugin)
	}
	pods, podsOK := f.podSubnet(k)
	services, servicesOK := f.services(k)
	nodes, nodesOK := f.nodeRange(m)
	if podsOK && servicesOK && pods.Overlaps(services) {
		f.add(at+"serviceCidr", "", "The services' range %s overlaps with the pods' range %s.", services, pods)
	}
	if podsOK && nodesOK && k.NetworkPlugin != "azure" && pods.Overlaps(nodes) {
		f.add(at+"clusterSubnet", "", "The pods' range %s overlaps with the nodes' range %s.", pods, nodes)
	}
	if servicesOK && nodesOK && services.Overlaps(nodes) {
		f.add(at+"serviceCidr", "", "The services' range %s overlaps with the nodes' range %s.", services, nodes)
	}
}

func (f *findings) podSubnet(k KubernetesConfig) (netip.Prefix, bool) {
	const path = "orchestratorProfile.kubernetesConfig.clusterSubnet"
	text := k.ClusterSubnet
	if text == "" {
		text = DefaultPodCIDR
		if k.NetworkPlugin == "azure" {
			text = DefaultVnetCIDR
		}
	}
	p, ok := cidr(text)
	if !ok {
		f.add(path, fmt.Sprintf("OrchestratorProfile.KubernetesConfig.ClusterSubnet '%s' is an invalid subnet", text), "%q is not an address range such as %s.", text, DefaultPodCIDR)
		return p, false
	}
	if host := 32 - p.Bits(); k.NetworkPlugin == "azure" && host < azureCNIHostBits {
		f.add(path, fmt.Sprintf("OrchestratorProfile.KubernetesConfig.ClusterSubnet '%s' must reserve at least 9 bits for nodes", text), "With the azure plugin the range must be /%d or larger, because pods take their addresses from it.", 32-azureCNIHostBits)
	}
	return p, true
}

func (f *findings) services(k KubernetesConfig) (netip.Prefix, bool) {
	const at, long = "orchestratorProfile.kubernetesConfig.", "OrchestratorProfile.KubernetesConfig."
	if k.ServiceCIDR == "" && k.DNSServiceIP == "" {
		return netip.MustParsePrefix(DefaultServiceCIDR), true
	}
	if k.ServiceCIDR == "" {
		f.add(at+"serviceCidr", long+"ServiceCidr must be specified when DNSServiceIP is", "Give the services' range too when you choose the DNS service's address.")
		return netip.Prefix{}, false
	}
	p, ok := cidr(k.ServiceCIDR)
	if !ok {
		f.add(at+"serviceCidr", fmt.Sprintf(long+"ServiceCidr '%s' is an invalid CIDR subnet", k.ServiceCIDR), "%q is not an address range such as %s.", k.ServiceCIDR, DefaultServiceCIDR)
		return p, false
	}
	if k.DNSServiceIP == "" {
		f.add(at+"dnsServiceIP", long+"DNSServiceIP must be specified when ServiceCidr is", "Give the DNS service's address too when you choose the services' range.")
		return p, true
	}
	ip, err := netip.ParseAddr(k.DNSServiceIP)
	switch {
	case err != nil || !ip.Is4():
		f.add(at+"dnsServiceIP", fmt.Sprintf(long+"DNSServiceIP '%s' is an invalid IP address", k.DNSServiceIP), "%q is not an IP address such as %s.", k.DNSServiceIP, DefaultDNSIP)
	case !p.Contains(ip):
		f.add(at+"dnsServiceIP", fmt.Sprintf(long+"DNSServiceIP '%s' is not within the ServiceCidr '%s'", ip, k.ServiceCIDR), "The DNS service's address %s is outside the services' range %s.", ip, p)
	case ip == p.Addr().Next():
		f.add(at+"dnsServiceIP", fmt.Sprintf(long+"DNSServiceIP '%s' cannot be the first IP of ServiceCidr '%s'", ip, k.ServiceCIDR), "The first address of the services' range belongs to the API server's service. Choose another for DNS, such as the tenth.")
	case ip == lastAddr(p) || ip == p.Addr():
		f.add(at+"dnsServiceIP", fmt.Sprintf(long+"DNSServiceIP '%s' cannot be the broadcast address of ServiceCidr '%s'", ip, k.ServiceCIDR), "The lowest and the highest address of a range cannot be used. Choose another for DNS.")
	}
	return p, true
}

// nodeRange is where the nodes' own addresses lie, as far as it is known.
func (f *findings) nodeRange(m Model) (netip.Prefix, bool) {
	p := m.Properties.MasterProfile
	if p.VnetSubnetID == "" {
		return netip.MustParsePrefix(DefaultNodeCIDR), true
	}
	return cidr(p.VnetCIDR)
}

var subnetIDForm = regexp.MustCompile(`(?i)^(/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+)/subnets/[^/]+$`)

// VnetOf is the virtual network of a subnet's id, in lower case.
func VnetOf(subnetID string) (string, bool) {
	m := subnetIDForm.FindStringSubmatch(subnetID)
	if m == nil {
		return "", false
	}
	return strings.ToLower(m[1]), true
}

func (f *findings) subnets(p Properties) {
	own, all := 0, 1+len(p.AgentPoolProfiles)
	paths := []string{"masterProfile.vnetSubnetId"}
	ids := []string{p.MasterProfile.VnetSubnetID}
	for i, a := range p.AgentPoolProfiles {
		paths = append(paths, fmt.Sprintf("agentPoolProfiles[%d].vnetSubnetId", i))
		ids = append(ids, a.VnetSubnetID)
	}
	vnets := map[string]bool{}
	for i, id := range ids {
		if id == "" {
			continue
		}
		own++
		vnet, ok := VnetOf(id)
		if !ok {
			f.add(paths[i], "Unable to parse vnetSubnetID: "+id, "This is not a subnet's resource id (/subscriptions/…/resourceGroups/…/providers/Microsoft.Network/virtualNetworks/…/subnets/…).")
			continue
		}
		vnets[vnet] = true
	}
	if own == 0 {
		return
	}
	for i, id := range ids {
		if id == "" && own < all {
			f.add(paths[i], "Multiple VNET Subnet configurations specified.  The master profile and each agent pool profile must all specify a custom VNET Subnet, or none at all.", "With an own virtual network, the control plane and every pool need a subnet.")
		}
	}
	if len(vnets) > 1 {
		f.add(paths[len(paths)-1], "Multiple VNETS specified.  The master profile and each agent pool must reference the same VNET (but it is ok to reference different subnets on that VNET)", "All subnets must be in one virtual network.")
	}
	f.firstIP(p.MasterProfile)
}

func (f *findings) firstIP(p MasterProfile) {
	const path = "masterProfile.firstConsecutiveStaticIP"
	ip, err := netip.ParseAddr(p.FirstConsecutiveStaticIP)
	if err != nil || !ip.Is4() {
		f.add(path, fmt.Sprintf("MasterProfile.FirstConsecutiveStaticIP (with VNET Subnet specification) '%s' is an invalid IP address", p.FirstConsecutiveStaticIP), "%q is not an IP address. Give the first of the control plane's addresses in its subnet.", p.FirstConsecutiveStaticIP)
	}
	if p.VnetCIDR == "" {
		return
	}
	vnet, ok := cidr(p.VnetCIDR)
	if !ok {
		f.add("masterProfile.vnetCidr", fmt.Sprintf("MasterProfile.VnetCidr '%s' contains invalid cidr notation", p.VnetCIDR), "%q is not an address range such as 10.100.0.0/16.", p.VnetCIDR)
		return
	}
	if err != nil || !ip.Is4() {
		return
	}
	last := plus(ip, max(p.Count-1, internalLBOffset))
	if !vnet.Contains(ip) || !vnet.Contains(last) {
		f.add(path, "", "The control plane takes the addresses %s to %s, which are not all inside the virtual network %s.", ip, last, vnet)
	}
}

func cidr(text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() {
		return netip.Prefix{}, false
	}
	return p.Masked(), true
}

func plus(ip netip.Addr, n int) netip.Addr {
	b := ip.As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(n))
	return netip.AddrFrom4(b)
}

func lastAddr(p netip.Prefix) netip.Addr {
	return plus(p.Masked().Addr(), 1<<(32-p.Bits())-1)
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// sshKeyForm says whether the text is an RSA, ECDSA or Ed25519 public key in
// OpenSSH form: the type in front is the type inside.
func sshKeyForm(text string) bool {
	parts := strings.Fields(text)
	if len(parts) < 2 || strings.ContainsAny(strings.TrimSpace(text), "\r\n") {
		return false
	}
	blob, err := base64.StdEncoding.DecodeString(parts[1])
	if err != nil || len(blob) < 4 {
		return false
	}
	n := int(binary.BigEndian.Uint32(blob))
	return n <= len(blob)-4 && string(blob[4:4+n]) == parts[0] && len(blob) > 4+n
}
