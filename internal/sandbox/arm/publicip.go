package arm

import (
	"net/http"
	"regexp"
)

var dnsLabel = regexp.MustCompile(`^[a-z][a-z0-9-]{1,61}[a-z0-9]$`)

func checkPublicIP(h *Hub, a address, body, _ object) armError {
	if sku := str(dig(body, "sku", "name")); sku != "" && !same(sku, "Basic") {
		return bad("SkuNotSupported", "The SKU '%s' of public IP address %s is not supported. Supported SKUs are Basic.", sku, a.name)
	}
	if v := str(dig(body, "properties", "publicIPAddressVersion")); v != "" && !same(v, "IPv4") {
		return bad("IPv6NotSupported", "The IP version '%s' of public IP address %s is not supported.", v, a.name)
	}
	if n, ok := number(dig(body, "properties", "idleTimeoutInMinutes")); ok && (n < 4 || n > 30) {
		return bad("InvalidIdleTimeout", "The idle timeout of public IP address %s must be from 4 to 30 minutes, not %d.", a.name, n)
	}
	label := str(dig(body, "properties", "dnsSettings", "domainNameLabel"))
	if label == "" {
		return armError{}
	}
	if !dnsLabel.MatchString(label) {
		return bad("InvalidDomainNameLabel", "The domain name label %s is invalid. It must conform to the following regular expression: %s.", label, dnsLabel)
	}
	if owner := h.labelOwner(label); owner != "" && !same(owner, a.id) {
		return bad("DnsRecordInUse", "DNS record %s is already used by another public IP.", h.publicName(label))
	}
	return armError{}
}

func (h *Hub) publicName(label string) string {
	return label + "." + h.cfg.Region + ".cloudapp." + h.cfg.Domain
}

// labelOwner is the id of the public IP that has a DNS label, "" when none has.
func (h *Hub) labelOwner(label string) string {
	for _, ip := range h.world.ofType(typePublicIP) {
		if label != "" && same(str(dig(ip, "properties", "dnsSettings", "domainNameLabel")), label) {
			return str(ip["id"])
		}
	}
	return ""
}

// fillPublicIP gives a static address at once; a dynamic one comes with the
// machine that uses it.
func fillPublicIP(h *Hub, a address, res, old object) {
	fillNetwork(h, a, res, old)
	p := props(res)
	for key, usual := range map[string]any{"publicIPAllocationMethod": "Dynamic", "publicIPAddressVersion": "IPv4", "idleTimeoutInMinutes": int64(4)} {
		if p[key] == nil {
			p[key] = usual
		}
	}
	if res["sku"] == nil {
		res["sku"] = object{"name": "Basic"}
	}
	delete(p, "ipAddress")
	if was := dig(old, "properties", "ipAddress"); was != nil {
		p["ipAddress"] = was
	} else if same(str(p["publicIPAllocationMethod"]), "Static") {
		p["ipAddress"] = h.freePublicIP()
	}
	if dns := obj(p["dnsSettings"]); dns != nil && str(dns["domainNameLabel"]) != "" {
		dns["fqdn"] = h.publicName(str(dns["domainNameLabel"]))
	}
}

// publicIPUser is the id of the configuration that a public IP belongs to.
func (h *Hub) publicIPUser(id string) string {
	for _, user := range append(h.world.ofType(typeNIC), h.world.ofType(typeLB)...) {
		for _, key := range []string{"ipConfigurations", "frontendIPConfigurations"} {
			for _, c := range list(dig(user, "properties", key)) {
				if same(str(dig(c, "properties", "publicIPAddress", "id")), id) {
					return str(dig(c, "id"))
				}
			}
		}
	}
	return ""
}

func showPublicIP(h *Hub, res object) {
	if user := h.publicIPUser(str(res["id"])); user != "" {
		props(res)["ipConfiguration"] = object{"id": user}
	}
}

func keepPublicIP(h *Hub, a address, _ object) armError {
	if user := h.publicIPUser(a.id); user != "" {
		return bad("PublicIPAddressCannotBeDeleted", "Public IP address %s can not be deleted since it is still allocated to resource %s. In order to delete the public IP, disassociate/detach the Public IP address from the resource. To learn how to do this, see aka.ms/deletepublicip.", a.id, user)
	}
	return armError{}
}

// assignAddresses gives a running machine the dynamic public addresses that it
// asked for, and takes them from a deallocated one. The caller holds mu.
func (h *Hub) assignAddresses(vmID string) {
	power := h.world.secret(vmID).Power
	for _, n := range list(dig(h.world.get(vmID), "properties", "networkProfile", "networkInterfaces")) {
		for _, c := range list(dig(h.world.get(str(dig(n, "id"))), "properties", "ipConfigurations")) {
			p := obj(dig(h.world.get(str(dig(c, "properties", "publicIPAddress", "id"))), "properties"))
			if p == nil || same(str(p["publicIPAllocationMethod"]), "Static") {
				continue
			}
			switch {
			case power == powerDeallocated:
				delete(p, "ipAddress")
			case str(p["ipAddress"]) == "":
				p["ipAddress"] = h.freePublicIP()
			}
			h.world.changed()
		}
	}
}

// checkName answers whether a DNS label is free.
func (h *Hub) checkName(r *request) reply {
	label := r.URL.Query().Get("domainNameLabel")
	if !dnsLabel.MatchString(label) {
		return refuse(bad("InvalidDomainNameLabel", "The domain name label %s is invalid. It must conform to the following regular expression: %s.", label, dnsLabel))
	}
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	return answer(http.StatusOK, object{"available": h.labelOwner(label) == ""})
}

// PublicAddress is the address that a public name of the Hub leads to, "" when
// there is no such name.
func (h *Hub) PublicAddress(fqdn string) string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	for _, ip := range h.world.ofType(typePublicIP) {
		if name := str(dig(ip, "properties", "dnsSettings", "fqdn")); name != "" && same(name, fqdn) {
			return str(dig(ip, "properties", "ipAddress"))
		}
	}
	return ""
}

// PublicName is the name of a public address, "" when it has none.
func (h *Hub) PublicName(address string) string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	for _, ip := range h.world.ofType(typePublicIP) {
		if str(dig(ip, "properties", "ipAddress")) == address {
			return str(dig(ip, "properties", "dnsSettings", "fqdn"))
		}
	}
	return ""
}
