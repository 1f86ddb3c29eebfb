package aksengine

import (
	"fmt"
	"hash/fnv"
	"math/rand"
	"strconv"
	"strings"
)

// NameSuffix is the eight digits that the engine derives from the DNS prefix
// and puts into every resource's name.
func NameSuffix(dnsPrefix string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(dnsPrefix))
	// The engine seeds the old generator; any other gives other digits.
	r := rand.New(rand.NewSource(int64(h.Sum64())))
	return fmt.Sprintf("%08d", r.Uint32())[:8]
}

// MasterName is the VM and node name of control plane node i.
func MasterName(suffix string, i int) string { return fmt.Sprintf("k8s-master-%s-%d", suffix, i) }

// AgentName is the VM and node name of node i of a pool.
func AgentName(pool, suffix string, i int) string {
	return fmt.Sprintf("k8s-%s-%s-%d", pool, suffix, i)
}

// NICName is the name of a VM's network interface.
func NICName(vm string) string {
	i := strings.LastIndexByte(vm, '-') + 1
	return vm[:i] + "nic-" + vm[i:]
}

// PublicIPName is the name of the API server's public IP address.
func PublicIPName(dnsPrefix string) string {
	return "k8s-master-ip-" + dnsPrefix + "-" + NameSuffix(dnsPrefix)
}

// VMNames are all nodes of a fresh deployment of the model.
func (m Model) VMNames() []string {
	suffix := NameSuffix(m.Properties.MasterProfile.DNSPrefix)
	var names []string
	for i := range m.Properties.MasterProfile.Count {
		names = append(names, MasterName(suffix, i))
	}
	for _, p := range m.Properties.AgentPoolProfiles {
		for i := range p.Count {
			names = append(names, AgentName(p.Name, suffix, i))
		}
	}
	return names
}

// Resource is a kind of Azure resource that a deployment makes.
type Resource struct {
	Type  string // Microsoft.Compute/virtualMachines
	Title string // "Virtual machine"
	Name  string // of the only one, or a pattern: "k8s-linuxpool-12345678-0 … -2"
	Count int
}

// Resources are all that a fresh deployment of the model makes in the resource
// group, in the order in which people think of them.
func (m Model) Resources() []Resource {
	p := m.Properties
	dns := p.MasterProfile.DNSPrefix
	sfx := NameSuffix(dns)
	masters := p.MasterProfile.Count
	out := []Resource{}
	add := func(typ, title, name string, count int) {
		if count > 0 {
			out = append(out, Resource{typ, title, name, count})
		}
	}
	if p.MasterProfile.VnetSubnetID == "" {
		add("Microsoft.Network/virtualNetworks", "Virtual network", "k8s-vnet-"+sfx, 1)
	}
	add("Microsoft.Network/networkSecurityGroups", "Network security group", "k8s-master-"+sfx+"-nsg", 1)
	if p.OrchestratorProfile.KubernetesConfig.NetworkPlugin != "azure" {
		add("Microsoft.Network/routeTables", "Route table", "k8s-master-"+sfx+"-routetable", 1)
	}
	add("Microsoft.Network/publicIPAddresses", "Public IP address", PublicIPName(dns), 1)
	add("Microsoft.Network/loadBalancers", "Load balancer", "k8s-master-lb-"+sfx, 1)
	if masters > 1 {
		add("Microsoft.Network/loadBalancers", "Internal load balancer", "k8s-master-internal-lb-"+sfx, 1)
	}
	add("Microsoft.Compute/availabilitySets", "Availability set", "master-availabilityset-"+sfx, 1)
	nodes(add, "master", sfx, masters)
	for _, pool := range p.AgentPoolProfiles {
		add("Microsoft.Compute/availabilitySets", "Availability set", pool.Name+"-availabilitySet-"+sfx, 1)
		nodes(add, pool.Name, sfx, pool.Count)
	}
	return out
}

func nodes(add func(typ, title, name string, count int), pool, sfx string, count int) {
	base := "k8s-" + pool + "-" + sfx
	add("Microsoft.Network/networkInterfaces", "Network interface", numbered(base+"-nic-", count), count)
	add("Microsoft.Compute/virtualMachines", "Virtual machine", numbered(base+"-", count), count)
	kind := "agent"
	if pool == "master" {
		kind = "master"
	}
	add("Microsoft.Compute/virtualMachines/extensions", "Node set-up script", numbered("cse-"+kind+"-", count), count)
	if pool == "master" {
		add("Microsoft.Compute/disks", "etcd disk", strings.ReplaceAll(numbered(base+"-", count), " … -", "-etcddisk … -")+"-etcddisk", count)
	}
	add("Microsoft.Compute/disks", "OS disk", "one for each VM", count)
}

func numbered(base string, count int) string {
	if count == 1 {
		return base + "0"
	}
	return base + "0 … -" + strconv.Itoa(count-1)
}
