package arm

import "strings"

// ClusterName is the API server's public name of the cluster with that suffix
// in a resource group, "" when there is none.
func (h *Hub) ClusterName(group, suffix string) string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	_, fqdn := h.masterAddress(group, suffix)
	return fqdn
}

// masterAddress is the control plane's public address. The caller holds mu.
func (h *Hub) masterAddress(group, suffix string) (ip, fqdn string) {
	prefix := lower(h.groupID(group) + "/")
	for _, r := range h.world.ofType(typePublicIP) {
		name := str(r["name"])
		if strings.HasPrefix(name, "k8s-master-ip-") && strings.HasSuffix(name, suffix) && strings.HasPrefix(lower(str(r["id"])), prefix) {
			return str(dig(r, "properties", "ipAddress")), str(dig(r, "properties", "dnsSettings", "fqdn"))
		}
	}
	return "", ""
}
