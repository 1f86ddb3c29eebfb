package arm

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

func checkNIC(h *Hub, a address, body, _ object) armError {
	p := dig(body, "properties")
	configs := list(dig(p, "ipConfigurations"))
	if len(configs) == 0 {
		return bad("NetworkInterfaceMustHaveAtLeastOneIpConfiguration", "Network interface %s must have one or more IP configurations.", a.id)
	}
	if id := str(dig(p, "networkSecurityGroup", "id")); id != "" && h.world.get(id) == nil {
		return unknownReference(id, a.id)
	}
	for _, c := range configs {
		if e := h.checkIPConfiguration(a, c); e.failed() {
			return e
		}
	}
	return armError{}
}

func (h *Hub) checkIPConfiguration(a address, c any) armError {
	p, id := dig(c, "properties"), a.id+"/ipConfigurations/"+str(dig(c, "name"))
	subnet := str(dig(p, "subnet", "id"))
	if subnet == "" {
		return bad("SubnetRequired", "IP configuration %s must refer to a subnet.", id)
	}
	prefix, ok := h.subnetPrefix(subnet)
	if !ok {
		return unknownReference(subnet, id)
	}
	if ip := str(dig(p, "privateIPAddress")); ip != "" && same(str(dig(p, "privateIPAllocationMethod")), "Static") {
		addr, err := netip.ParseAddr(ip)
		if err != nil || !prefix.Contains(addr) {
			return bad("PrivateIPAddressNotInSubnet", "Private static IP address %s does not belong to the range of subnet prefix %s.", ip, prefix)
		}
		if owner := h.ipOwner(subnet, ip); owner != "" && !same(owner, a.id) {
			return bad("PrivateIPAddressInUse", "IP configuration %s is using the private IP address %s which is already allocated to resource %s.", id, ip, owner)
		}
	}
	if ip := str(dig(p, "publicIPAddress", "id")); ip != "" {
		if h.world.get(ip) == nil {
			return unknownReference(ip, id)
		}
		if user := h.publicIPUser(ip); user != "" && !strings.HasPrefix(lower(user), lower(a.id)+"/") {
			return bad("PublicIPAddressInUse", "Resource %s is referencing public IP address %s that is already allocated to resource %s.", id, ip, user)
		}
	}
	for _, key := range []string{"loadBalancerBackendAddressPools", "loadBalancerInboundNatRules"} {
		for _, ref := range list(dig(p, key)) {
			if to := str(dig(ref, "id")); h.shown(to) == nil {
				return unknownReference(to, id)
			}
		}
	}
	return armError{}
}

// fillNIC gives a NIC its addresses; what it had, it keeps.
func fillNIC(h *Hub, a address, res, old object) {
	fillNetwork(h, a, res, old)
	p := props(res)
	p["macAddress"] = dig(old, "properties", "macAddress")
	if p["macAddress"] == nil {
		id := newGUID()
		p["macAddress"] = strings.ToUpper("00-15-5D-" + id[:2] + "-" + id[2:4] + "-" + id[4:6])
	}
	if p["enableIPForwarding"] == nil {
		p["enableIPForwarding"] = true
	}
	p["enableAcceleratedNetworking"], p["dnsSettings"] = false, object{"dnsServers": []any{}}
	configs := list(p["ipConfigurations"])
	for i, c := range configs {
		ip := props(obj(c))
		subnet := str(dig(ip, "subnet", "id"))
		if was := indexOf(list(dig(old, "properties", "ipConfigurations")), str(dig(c, "name"))); was >= 0 && str(ip["privateIPAddress"]) == "" {
			before := list(dig(old, "properties", "ipConfigurations"))[was]
			if same(str(dig(before, "properties", "subnet", "id")), subnet) {
				ip["privateIPAddress"] = dig(before, "properties", "privateIPAddress")
			}
		}
		if str(ip["privateIPAddress"]) == "" {
			ip["privateIPAddress"] = h.freeIP(subnet, configs)
		}
		if ip["primary"] == nil {
			ip["primary"] = i == 0
		}
		ip["privateIPAddressVersion"] = "IPv4"
		if ip["privateIPAllocationMethod"] == nil {
			ip["privateIPAllocationMethod"] = "Dynamic"
		}
	}
}

func showNIC(h *Hub, res object) {
	if vm := h.nicOwner(str(res["id"])); vm != "" {
		props(res)["virtualMachine"], props(res)["primary"] = object{"id": vm}, true
	}
}

func keepNIC(h *Hub, a address, _ object) armError {
	if vm := h.nicOwner(a.id); vm != "" {
		return bad("NicInUse", "Network Interface %s is used by existing resource %s. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.", a.id, vm)
	}
	return armError{}
}

// subnetPrefix is the range of a subnet; false when there is no such subnet.
func (h *Hub) subnetPrefix(id string) (netip.Prefix, bool) {
	vnet := h.world.get(parent(id))
	i := indexOf(list(dig(vnet, "properties", "subnets")), lastPart(id))
	if i < 0 {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(str(dig(list(dig(vnet, "properties", "subnets"))[i], "properties", "addressPrefix")))
	return p, err == nil
}

// eachPrivateIP calls do for every private address in a subnet.
func (h *Hub) eachPrivateIP(subnet string, do func(ip, owner string)) {
	for _, user := range append(h.world.ofType(typeNIC), h.world.ofType(typeLB)...) {
		for _, key := range []string{"ipConfigurations", "frontendIPConfigurations"} {
			for _, c := range list(dig(user, "properties", key)) {
				if same(str(dig(c, "properties", "subnet", "id")), subnet) {
					do(str(dig(c, "properties", "privateIPAddress")), str(user["id"]))
				}
			}
		}
	}
}

func (h *Hub) takenIPs(subnet string) map[string]bool {
	out := map[string]bool{}
	h.eachPrivateIP(subnet, func(ip, _ string) { out[ip] = true })
	return out
}

func (h *Hub) ipOwner(subnet, ip string) string {
	owner := ""
	h.eachPrivateIP(subnet, func(has, by string) {
		if has == ip {
			owner = by
		}
	})
	return owner
}

// freeIP is the first address of a subnet that nobody has; the first four
// belong to the fabric. others are configurations that are being made.
func (h *Hub) freeIP(subnet string, others []any) string {
	prefix, _ := h.subnetPrefix(subnet)
	taken := h.takenIPs(subnet)
	for _, c := range others {
		taken[str(dig(c, "properties", "privateIPAddress"))] = true
	}
	ip := prefix.Addr()
	for range 4 {
		ip = ip.Next()
	}
	for prefix.Contains(ip) && taken[ip.String()] {
		ip = ip.Next()
	}
	return ip.String()
}

func checkLB(h *Hub, a address, body, _ object) armError {
	p := dig(body, "properties")
	fronts := list(dig(p, "frontendIPConfigurations"))
	for _, f := range fronts {
		id := a.id + "/frontendIPConfigurations/" + str(dig(f, "name"))
		ip, subnet := str(dig(f, "properties", "publicIPAddress", "id")), str(dig(f, "properties", "subnet", "id"))
		switch {
		case ip == "" && subnet == "":
			return bad("LoadBalancerFrontendIPConfigurationRequired", "Frontend IP configuration %s must refer to either a public IP address or a subnet.", id)
		case ip != "" && h.world.get(ip) == nil:
			return unknownReference(ip, id)
		case ip != "":
			if user := h.publicIPUser(ip); user != "" && !strings.HasPrefix(lower(user), lower(a.id)+"/") {
				return bad("PublicIPAddressInUse", "Resource %s is referencing public IP address %s that is already allocated to resource %s.", id, ip, user)
			}
		default:
			prefix, ok := h.subnetPrefix(subnet)
			if !ok {
				return unknownReference(subnet, id)
			}
			want := str(dig(f, "properties", "privateIPAddress"))
			if addr, err := netip.ParseAddr(want); want != "" && (err != nil || !prefix.Contains(addr)) {
				return bad("PrivateIPAddressNotInSubnet", "Private static IP address %s does not belong to the range of subnet prefix %s.", want, prefix)
			}
			if owner := h.ipOwner(subnet, want); want != "" && owner != "" && !same(owner, a.id) {
				return bad("PrivateIPAddressInUse", "IP configuration %s is using the private IP address %s which is already allocated to resource %s.", id, want, owner)
			}
		}
	}
	for _, key := range []string{"loadBalancingRules", "inboundNatRules"} {
		for _, r := range list(dig(p, key)) {
			front := str(dig(r, "properties", "frontendIPConfiguration", "id"))
			if front != "" && (!same(parent(front), a.id) || indexOf(fronts, lastPart(front)) < 0) {
				return unknownReference(front, a.id+"/"+key+"/"+str(dig(r, "name")))
			}
		}
	}
	return armError{}
}

func fillLB(h *Hub, a address, res, old object) {
	fillNetwork(h, a, res, old)
	if res["sku"] == nil {
		res["sku"] = object{"name": "Basic"}
	}
	fronts := list(props(res)["frontendIPConfigurations"])
	for _, f := range fronts {
		p := props(obj(f))
		subnet := str(dig(p, "subnet", "id"))
		if subnet == "" || str(p["privateIPAddress"]) != "" {
			continue
		}
		if i := indexOf(list(dig(old, "properties", "frontendIPConfigurations")), str(dig(f, "name"))); i >= 0 {
			p["privateIPAddress"] = dig(list(dig(old, "properties", "frontendIPConfigurations"))[i], "properties", "privateIPAddress")
		}
		if str(p["privateIPAddress"]) == "" {
			p["privateIPAddress"] = h.freeIP(subnet, fronts)
		}
	}
}

func showLB(h *Hub, res object) {
	for _, pool := range list(dig(res, "properties", "backendAddressPools")) {
		var members []string
		for _, nic := range h.world.ofType(typeNIC) {
			for _, c := range list(dig(nic, "properties", "ipConfigurations")) {
				for _, ref := range list(dig(c, "properties", "loadBalancerBackendAddressPools")) {
					if same(str(dig(ref, "id")), str(dig(pool, "id"))) {
						members = append(members, str(dig(c, "id")))
					}
				}
			}
		}
		if members != nil {
			props(obj(pool))["backendIPConfigurations"] = ids(members)
		}
	}
}

// sshAddress is where a load balancer's NAT rules lead from to port 22 of an
// IP configuration, "" when they don't.
func (h *Hub) sshAddress(ipConfiguration any) string {
	for _, ref := range list(dig(ipConfiguration, "properties", "loadBalancerInboundNatRules")) {
		id := str(dig(ref, "id"))
		lb := h.world.get(parent(id))
		rules, fronts := list(dig(lb, "properties", "inboundNatRules")), list(dig(lb, "properties", "frontendIPConfigurations"))
		i := indexOf(rules, lastPart(id))
		if i < 0 {
			continue
		}
		rule := dig(rules[i], "properties")
		j := indexOf(fronts, lastPart(str(dig(rule, "frontendIPConfiguration", "id"))))
		from, ok := number(dig(rule, "frontendPort"))
		to, _ := number(dig(rule, "backendPort"))
		if j < 0 || !ok || to != 22 {
			continue
		}
		ip := h.world.get(str(dig(fronts[j], "properties", "publicIPAddress", "id")))
		if addr := str(dig(ip, "properties", "ipAddress")); addr != "" {
			return net.JoinHostPort(addr, strconv.FormatInt(from, 10))
		}
	}
	return ""
}

// firstPublic and lastPublic bound what is given out of the public range.
const firstPublic, lastPublic = 4, 250

// freePublicIP is the first public address that nobody has.
func (h *Hub) freePublicIP() string {
	taken := map[string]bool{}
	for _, ip := range h.world.ofType(typePublicIP) {
		taken[str(dig(ip, "properties", "ipAddress"))] = true
	}
	for n := firstPublic; n <= lastPublic; n++ {
		if ip := fmt.Sprintf("%s%d", h.cfg.IPPrefix, n); !taken[ip] {
			return ip
		}
	}
	return ""
}
