package arm

import (
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// fillNetwork gives ids to the parts of a network resource, so that others can
// refer to them, and a GUID to the whole.
func fillNetwork(_ *Hub, a address, res, old object) {
	p := props(res)
	p["resourceGuid"] = newGUID()
	if was := dig(old, "properties", "resourceGuid"); was != nil {
		p["resourceGuid"] = was
	}
	for key, v := range p {
		for _, item := range list(v) {
			part := obj(item)
			if part == nil || str(part["name"]) == "" {
				continue
			}
			part["id"] = a.id + "/" + key + "/" + str(part["name"])
			part["type"] = a.kind + "/" + key
			props(part)["provisioningState"] = stateSucceeded
		}
	}
}

// twiceNamed finds a name that two parts share.
func twiceNamed(items []any) string {
	seen := map[string]bool{}
	for _, it := range items {
		name := str(dig(it, "name"))
		if seen[lower(name)] {
			return name
		}
		seen[lower(name)] = true
	}
	return ""
}

func checkVNet(h *Hub, a address, body, old object) armError {
	p := dig(body, "properties")
	space, e := prefixes(list(dig(p, "addressSpace", "addressPrefixes")), a.name)
	if e.failed() {
		return e
	}
	if len(space) == 0 {
		return bad("InvalidRequestFormat", "Cannot parse the request: virtual network '%s' has no address space.", a.name)
	}
	subnets := list(dig(p, "subnets"))
	if name := twiceNamed(subnets); name != "" {
		return bad("InvalidRequestFormat", "Cannot parse the request: the subnet '%s' is given twice.", name)
	}
	var taken []netip.Prefix
	for _, s := range subnets {
		if e := h.checkSubnet(a, s, space, &taken); e.failed() {
			return e
		}
	}
	for _, s := range list(dig(old, "properties", "subnets")) {
		if i := indexOf(subnets, str(dig(s, "name"))); i < 0 {
			if e := h.subnetFree(str(dig(s, "id"))); e.failed() {
				return e
			}
		}
	}
	return armError{}
}

func indexOf(items []any, name string) int {
	for i, it := range items {
		if same(str(dig(it, "name")), name) {
			return i
		}
	}
	return -1
}

func prefixes(raw []any, vnet string) ([]netip.Prefix, armError) {
	var out []netip.Prefix
	for _, r := range raw {
		p, err := netip.ParsePrefix(str(r))
		if err != nil || !p.Addr().Is4() {
			return nil, bad("InvalidAddressPrefixFormat", "Address prefix %s of resource %s is not formatted correctly. It should follow CIDR notation, for example 10.0.0.0/24.", str(r), vnet)
		}
		if p.Masked() != p {
			return nil, bad("InvalidCIDRNotation", "The address prefix %s in resource %s has an invalid CIDR notation. For the given prefix length, the address prefix should be %s.", p, vnet, p.Masked())
		}
		out = append(out, p)
	}
	return out, armError{}
}

func (h *Hub) checkSubnet(a address, s any, space []netip.Prefix, taken *[]netip.Prefix) armError {
	name := str(dig(s, "name"))
	list, e := prefixes([]any{dig(s, "properties", "addressPrefix")}, a.name+"/"+name)
	if e.failed() {
		return e
	}
	p := list[0]
	within := false
	for _, sp := range space {
		within = within || sp.Contains(p.Addr()) && sp.Bits() <= p.Bits()
	}
	if !within || p.Bits() > 29 {
		return bad("NetcfgInvalidSubnet", "Subnet '%s' is not valid in virtual network '%s'.", name, a.name)
	}
	for _, t := range *taken {
		if t.Overlaps(p) {
			return bad("NetcfgSubnetRangesOverlap", "Subnet '%s' is not valid because its IP address range overlaps with that of an existing subnet in virtual network '%s'.", name, a.name)
		}
	}
	*taken = append(*taken, p)
	for _, key := range []string{"networkSecurityGroup", "routeTable"} {
		if id := str(dig(s, "properties", key, "id")); id != "" && h.world.get(id) == nil {
			return unknownReference(id, a.id+"/subnets/"+name)
		}
	}
	return armError{}
}

// subnetFree refuses a subnet that something is in.
func (h *Hub) subnetFree(id string) armError {
	for _, user := range h.inSubnet(id) {
		return bad("InUseSubnetCannotBeDeleted", "Subnet %s is in use by %s and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.", lastPart(id), user)
	}
	return armError{}
}

// inSubnet lists the ids of the IP configurations in a subnet.
func (h *Hub) inSubnet(id string) []string {
	var out []string
	for _, user := range append(h.world.ofType(typeNIC), h.world.ofType(typeLB)...) {
		for _, key := range []string{"ipConfigurations", "frontendIPConfigurations"} {
			for _, c := range list(dig(user, "properties", key)) {
				if same(str(dig(c, "properties", "subnet", "id")), id) {
					out = append(out, str(dig(c, "id")))
				}
			}
		}
	}
	return out
}

func showVNet(h *Hub, res object) {
	for _, s := range list(dig(res, "properties", "subnets")) {
		if users := h.inSubnet(str(dig(s, "id"))); len(users) > 0 {
			props(obj(s))["ipConfigurations"] = ids(users)
		}
	}
}

func ids(list []string) []any {
	out := []any{}
	for _, id := range list {
		out = append(out, object{"id": id})
	}
	return out
}

func keepVNet(h *Hub, _ address, res object) armError {
	for _, s := range list(dig(res, "properties", "subnets")) {
		if e := h.subnetFree(str(dig(s, "id"))); e.failed() {
			return e
		}
	}
	return armError{}
}

// checkIP answers whether an address of a virtual network is free.
func (h *Hub) checkIP(vnet object, ip string) reply {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return refuse(bad("InvalidIPAddress", "The IP address '%s' is not valid.", ip))
	}
	for _, s := range list(dig(vnet, "properties", "subnets")) {
		p, err := netip.ParsePrefix(str(dig(s, "properties", "addressPrefix")))
		if err == nil && p.Contains(addr) {
			return answer(http.StatusOK, object{"available": !h.takenIPs(str(dig(s, "id")))[ip], "availableIPAddresses": []string{}})
		}
	}
	return refuse(bad("PrivateIPAddressNotInAnySubnet", "Private static IP address %s does not belong to the range of any subnet.", ip))
}

func showRoutes(h *Hub, res object) {
	props(res)["subnets"] = ids(h.subnetsWith("routeTable", str(res["id"])))
}

func keepRoutes(h *Hub, a address, _ object) armError {
	if users := h.subnetsWith("routeTable", a.id); len(users) > 0 {
		return bad("InUseRouteTableCannotBeDeleted", "Route table %s is in use by %s and cannot be deleted.", a.name, users[0])
	}
	return armError{}
}

// subnetsWith lists the subnets that refer to a resource.
func (h *Hub) subnetsWith(key, id string) []string {
	var out []string
	for _, v := range h.world.ofType(typeVNet) {
		for _, s := range list(dig(v, "properties", "subnets")) {
			if same(str(dig(s, "properties", key, "id")), id) {
				out = append(out, str(dig(s, "id")))
			}
		}
	}
	return out
}

var rulePrefix = regexp.MustCompile(`^(\*|Internet|VirtualNetwork|AzureLoadBalancer)$`)

func checkNSG(_ *Hub, a address, body, _ object) armError {
	rules := list(dig(body, "properties", "securityRules"))
	if name := twiceNamed(rules); name != "" {
		return bad("InvalidRequestFormat", "Cannot parse the request: the security rule '%s' is given twice.", name)
	}
	taken := map[string]string{}
	for _, r := range rules {
		p, name := dig(r, "properties"), str(dig(r, "name"))
		id := a.id + "/securityRules/" + name
		n, ok := number(dig(p, "priority"))
		direction, access, protocol := str(dig(p, "direction")), str(dig(p, "access")), str(dig(p, "protocol"))
		switch {
		case !ok || n < 100 || n > 4096:
			return bad("SecurityRuleInvalidPriority", "Security rule has invalid Priority. Value provided: %d. Allowed range 100-4096.", n)
		case !same(direction, "Inbound") && !same(direction, "Outbound"):
			return bad("SecurityRuleInvalidDirection", "Security rule %s has an invalid direction '%s'.", id, direction)
		case !same(access, "Allow") && !same(access, "Deny"):
			return bad("SecurityRuleInvalidAccess", "Security rule %s has an invalid access '%s'.", id, access)
		case !same(protocol, "Tcp") && !same(protocol, "Udp") && protocol != "*":
			return bad("SecurityRuleInvalidProtocol", "Security rule %s has the protocol '%s'. Supported protocols are Tcp, Udp and *.", id, protocol)
		}
		for _, key := range []string{"sourceAddressPrefix", "destinationAddressPrefix"} {
			value := str(dig(p, key))
			if _, err := netip.ParsePrefix(value); err == nil || rulePrefix.MatchString(value) || value == "" && list(dig(p, key+"es")) != nil {
				continue
			}
			if _, err := netip.ParseAddr(value); err != nil {
				return bad("SecurityRuleInvalidAddressPrefix", "Security rule parameter %s for rule with Id %s cannot be specified with existing value '%s'. Expected is an IP address, a prefix in CIDR notation, a service tag or *.", strings.ToUpper(key[:1])+key[1:], id, value)
			}
		}
		slot := lower(direction) + "/" + strconv.FormatInt(n, 10)
		if other := taken[slot]; other != "" {
			return bad("SecurityRuleConflict", "Security rule %s conflicts with rule %s. Rules cannot have the same Priority and Direction.", name, other)
		}
		taken[slot] = name
	}
	return armError{}
}

// fillNSG adds the rules that every security group has.
func fillNSG(h *Hub, a address, res, old object) {
	p := props(res)
	if p["securityRules"] == nil {
		p["securityRules"] = []any{}
	}
	rule := func(name, about, direction, access string, priority int64, from, to string) any {
		return object{"name": name, "properties": object{"description": about, "protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*",
			"sourceAddressPrefix": from, "destinationAddressPrefix": to, "access": access, "priority": priority, "direction": direction}}
	}
	p["defaultSecurityRules"] = []any{
		rule("AllowVnetInBound", "Allow inbound traffic from all VMs in VNET", "Inbound", "Allow", 65000, "VirtualNetwork", "VirtualNetwork"),
		rule("AllowAzureLoadBalancerInBound", "Allow inbound traffic from azure load balancer", "Inbound", "Allow", 65001, "AzureLoadBalancer", "*"),
		rule("DenyAllInBound", "Deny all inbound traffic", "Inbound", "Deny", 65500, "*", "*"),
		rule("AllowVnetOutBound", "Allow outbound traffic from all VMs to all VMs in VNET", "Outbound", "Allow", 65000, "VirtualNetwork", "VirtualNetwork"),
		rule("AllowInternetOutBound", "Allow outbound traffic from all VMs to Internet", "Outbound", "Allow", 65001, "*", "Internet"),
		rule("DenyAllOutBound", "Deny all outbound traffic", "Outbound", "Deny", 65500, "*", "*"),
	}
	fillNetwork(h, a, res, old)
}

func (h *Hub) nicsWithGroup(id string) []string {
	var out []string
	for _, nic := range h.world.ofType(typeNIC) {
		if same(str(dig(nic, "properties", "networkSecurityGroup", "id")), id) {
			out = append(out, str(nic["id"]))
		}
	}
	return out
}

func showNSG(h *Hub, res object) {
	for key, users := range map[string][]string{"networkInterfaces": h.nicsWithGroup(str(res["id"])), "subnets": h.subnetsWith("networkSecurityGroup", str(res["id"]))} {
		if len(users) > 0 {
			props(res)[key] = ids(users)
		}
	}
}

func keepNSG(h *Hub, a address, _ object) armError {
	users := append(h.nicsWithGroup(a.id), h.subnetsWith("networkSecurityGroup", a.id)...)
	if len(users) > 0 {
		return bad("InUseNetworkSecurityGroupCannotBeDeleted", "Network security group %s cannot be deleted because it is in use by the following resources: %s. In order to delete the Network security group, remove the association with the resource(s). To learn how to do this, see aka.ms/deletensg.", a.id, joined(users))
	}
	return armError{}
}
