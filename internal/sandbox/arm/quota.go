package arm

import (
	"net/http"

	"hubwright/internal/sandbox/faults"
)

// row is one quota: its limit by default and what counts against it.
type row struct {
	name, title string
	limit       int64
	kind        string // resource type; "" for cores
}

var quotaRows = map[string][]row{
	"microsoft.compute": {
		{"availabilitySets", "Availability Sets", 10, typeSet},
		{"cores", "Total Regional vCPUs", 100, ""},
		{"virtualMachines", "Virtual Machines", 50, typeVM},
		{"virtualMachineScaleSets", "Virtual Machine Scale Sets", 100, "Microsoft.Compute/virtualMachineScaleSets"},
	},
	"microsoft.network": {
		{"VirtualNetworks", "Virtual Networks", 50, typeVNet},
		{"NetworkSecurityGroups", "Network Security Groups", 50, typeNSG},
		{"PublicIPAddresses", "Public IP Addresses", 50, typePublicIP},
		{"NetworkInterfaces", "Network Interfaces", 100, typeNIC},
		{"LoadBalancers", "Load Balancers", 50, typeLB},
		{"RouteTables", "Route Tables", 100, typeRoutes},
	},
	"microsoft.storage": {{"StorageAccounts", "Storage Accounts", 20, typeAccount}},
}

// used counts what a quota row holds now. The caller holds mu, here and below.
func (h *Hub) used(r row) int64 {
	if r.kind != "" {
		return int64(len(h.world.ofType(r.kind)))
	}
	n := 0
	for _, vm := range h.world.ofType(typeVM) {
		_, s, _ := sizeOf(str(dig(vm, "properties", "hardwareProfile", "vmSize")))
		n += s.cores
	}
	return int64(n)
}

func (h *Hub) limit(r row) int64 {
	effect, _, hit := h.cfg.Faults.Strike(faults.Event{At: faults.AtQuota, Stamp: h.cfg.Region, Name: r.name})
	if hit && effect.Limit != nil {
		return *effect.Limit
	}
	if own, ok := h.cfg.Quotas[r.name]; ok {
		return own
	}
	return r.limit
}

func (h *Hub) usages(namespace string) reply {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	out := []object{}
	for _, r := range quotaRows[lower(namespace)] {
		u := object{"name": object{"value": r.name, "localizedValue": r.title}, "unit": "Count", "currentValue": h.used(r), "limit": h.limit(r)}
		if same(namespace, "Microsoft.Network") {
			u["id"] = h.subID() + "/providers/" + namespace + "/locations/" + h.cfg.Region + "/usages/" + r.name
		}
		out = append(out, u)
	}
	return answer(http.StatusOK, object{"value": out})
}

// exceeds says which quota new resources would exceed. want counts by row
// name.
func (h *Hub) exceeds(want map[string]int64) (armError, bool) {
	for _, rows := range quotaRows {
		for _, r := range rows {
			if want[r.name] == 0 {
				continue
			}
			now, limit := h.used(r), h.limit(r)
			if now+want[r.name] > limit {
				what := r.title
				if r.name == "cores" {
					what = "Core"
				}
				return conflict("OperationNotAllowed", "Operation results in exceeding quota limits of %s. Maximum allowed: %d, Current in use: %d, Additional requested: %d.", what, limit, now, want[r.name]), true
			}
		}
	}
	return armError{}, false
}

// wants counts what a new resource takes of the quotas.
func (h *Hub) wants(want map[string]int64, id, kind string, body object) {
	if h.world.get(id) != nil {
		return
	}
	for _, rows := range quotaRows {
		for _, r := range rows {
			if same(r.kind, kind) {
				want[r.name]++
			}
		}
	}
	if same(kind, typeVM) {
		_, s, _ := sizeOf(str(dig(body, "properties", "hardwareProfile", "vmSize")))
		want["cores"] += int64(s.cores)
	}
}
