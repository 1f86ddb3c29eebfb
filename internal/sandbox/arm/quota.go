package arm

import (
	"net/http"
	"sort"

	"hubwright/internal/sandbox/faults"
)

// size is a VM size that the Hub offers.
type size struct {
	cores, memoryMB, disks int
}

var sizes = map[string]size{
	"Standard_A1_v2": {1, 2048, 2}, "Standard_A2_v2": {2, 4096, 4}, "Standard_A4_v2": {4, 8192, 8},
	"Standard_D1_v2": {1, 3584, 4}, "Standard_D2_v2": {2, 7168, 8}, "Standard_D3_v2": {4, 14336, 16}, "Standard_D4_v2": {8, 28672, 32}, "Standard_D5_v2": {16, 57344, 64},
	"Standard_DS1_v2": {1, 3584, 4}, "Standard_DS2_v2": {2, 7168, 8}, "Standard_DS3_v2": {4, 14336, 16}, "Standard_DS4_v2": {8, 28672, 32}, "Standard_DS5_v2": {16, 57344, 64},
	"Standard_D2_v3": {2, 8192, 4}, "Standard_D4_v3": {4, 16384, 8}, "Standard_D8_v3": {8, 32768, 16},
	"Standard_F2": {2, 4096, 8}, "Standard_F4": {4, 8192, 16}, "Standard_F2s_v2": {2, 4096, 4}, "Standard_F4s_v2": {4, 8192, 8}, "Standard_F8s_v2": {8, 16384, 16},
}

func sizeList() []object {
	var names []string
	for n := range sizes {
		names = append(names, n)
	}
	sort.Strings(names)
	var out []object
	for _, n := range names {
		s := sizes[n]
		out = append(out, object{"name": n, "numberOfCores": s.cores, "memoryInMB": s.memoryMB, "maxDataDiskCount": s.disks, "osDiskSizeInMB": 1047552, "resourceDiskSizeInMB": s.memoryMB * 2})
	}
	return out
}

// row is one quota: its limit by default and what counts against it.
type row struct {
	name, title string
	limit       int64
	kind        string // resource type; "" for cores
}

var computeRows = []row{
	{"availabilitySets", "Availability Sets", 10, "Microsoft.Compute/availabilitySets"},
	{"cores", "Total Regional vCPUs", 100, ""},
	{"virtualMachines", "Virtual Machines", 50, typeVM},
}

var networkRows = []row{
	{"VirtualNetworks", "Virtual Networks", 50, "Microsoft.Network/virtualNetworks"},
	{"NetworkSecurityGroups", "Network Security Groups", 50, "Microsoft.Network/networkSecurityGroups"},
	{"PublicIPAddresses", "Public IP Addresses", 50, typePublicIP},
	{"NetworkInterfaces", "Network Interfaces", 100, typeNIC},
	{"LoadBalancers", "Load Balancers", 50, "Microsoft.Network/loadBalancers"},
}

// used counts what a quota row holds now. The caller holds mu.
func (h *Hub) used(r row) int64 {
	if r.kind != "" {
		return int64(len(h.world.ofType(r.kind)))
	}
	n := 0
	for _, vm := range h.world.ofType(typeVM) {
		n += sizes[str(dig(vm, "properties", "hardwareProfile", "vmSize"))].cores
	}
	return int64(n)
}

func (h *Hub) limit(r row) int64 {
	effect, _, hit := h.cfg.Faults.Strike(faults.Event{At: faults.AtQuota, Stamp: h.cfg.Region, Name: r.name})
	if hit && effect.Limit != nil {
		return *effect.Limit
	}
	return r.limit
}

func (h *Hub) usages(w http.ResponseWriter, namespace string) {
	rows := computeRows
	if namespace == "microsoft.network" {
		rows = networkRows
	}
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	var out []object
	for _, r := range rows {
		out = append(out, object{
			"name": object{"value": r.name, "localizedValue": r.title}, "unit": "Count", "currentValue": h.used(r), "limit": h.limit(r),
			"id": h.subID() + "/providers/" + namespace + "/locations/" + h.cfg.Region + "/usages/" + r.name,
		})
	}
	writeJSON(w, http.StatusOK, object{"value": out})
}

// exceeds says which quota new resources would exceed. want counts by row
// name. The caller holds mu.
func (h *Hub) exceeds(want map[string]int64) (armError, bool) {
	for _, rows := range [][]row{computeRows, networkRows} {
		for _, r := range rows {
			if want[r.name] == 0 {
				continue
			}
			now, limit := h.used(r), h.limit(r)
			if now+want[r.name] > limit {
				return fail(http.StatusConflict, "OperationNotAllowed",
					"Operation results in exceeding quota limits of %s. Maximum allowed: %d, Current in use: %d, Additional requested: %d.",
					r.title, limit, now, want[r.name]), true
			}
		}
	}
	return armError{}, false
}

// wants counts what a new resource takes of the quotas. The caller holds mu.
func (h *Hub) wants(want map[string]int64, id, kind string, body object) {
	if _, there := h.world.Resources[lower(id)]; there {
		return
	}
	for _, rows := range [][]row{computeRows, networkRows} {
		for _, r := range rows {
			if r.kind != "" && lower(r.kind) == lower(kind) {
				want[r.name]++
			}
		}
	}
	if lower(kind) == lower(typeVM) {
		want["cores"] += int64(sizes[str(dig(body, "properties", "hardwareProfile", "vmSize"))].cores)
	}
}
