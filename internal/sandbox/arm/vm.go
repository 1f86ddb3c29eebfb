package arm

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// Power states.
const (
	powerRunning     = "running"
	powerStopped     = "stopped"
	powerDeallocated = "deallocated"
)

// longerVM: placing in an availability set and formatting disks take time.
func longerVM(res object) float64 {
	extra := 0.0
	if dig(res, "properties", "availabilitySet") != nil {
		extra += 60
	}
	return extra + 30*float64(len(list(dig(res, "properties", "storageProfile", "dataDisks"))))
}

// fillVM makes up what the compute provider makes up: ids, the OS disk, data
// disks. Secrets of the request are dropped.
func fillVM(h *Hub, a address, res, old object) {
	p := props(res)
	p["vmId"] = newGUID()
	if was := dig(old, "properties", "vmId"); was != nil {
		p["vmId"] = was
	}
	if os := obj(dig(p, "osProfile")); os != nil {
		if custom, ok := member(os, "customData"); ok {
			h.world.secret(a.id).Custom = digest(custom)
		}
		for _, key := range []string{"customData", "adminPassword"} {
			delete(os, key)
		}
		os["secrets"], os["allowExtensionOperations"] = []any{}, true
		if linux := obj(dig(os, "linuxConfiguration")); linux != nil && linux["provisionVMAgent"] == nil {
			linux["provisionVMAgent"] = true
		}
	} else if was := dig(old, "properties", "osProfile"); was != nil {
		p["osProfile"] = was
	}
	storage := obj(dig(p, "storageProfile"))
	if storage == nil {
		storage = object{}
		p["storageProfile"] = storage
	}
	if ref := obj(dig(storage, "imageReference")); ref != nil {
		ref["exactVersion"] = h.exactVersion(ref)
	}
	if was := dig(old, "properties", "storageProfile", "osDisk"); was != nil {
		storage["osDisk"] = was
	} else {
		h.makeOSDisk(a, storage, str(dig(p, "hardwareProfile", "vmSize")))
	}
	if storage["dataDisks"] == nil {
		storage["dataDisks"] = []any{}
	}
	for _, d := range list(storage["dataDisks"]) {
		h.makeDataDisk(a, obj(d), str(dig(p, "hardwareProfile", "vmSize")))
	}
}

func diskType(size string) string {
	if premiumSize.MatchString(size) {
		return "Premium_LRS"
	}
	return "Standard_LRS"
}

func (h *Hub) makeOSDisk(a address, storage object, size string) {
	disk := obj(storage["osDisk"])
	if disk == nil {
		disk = object{"createOption": "FromImage"}
		storage["osDisk"] = disk
	}
	if str(disk["name"]) == "" {
		disk["name"] = a.name + "_OsDisk_1_" + strings.ReplaceAll(newGUID(), "-", "")
	}
	if disk["caching"] == nil {
		disk["caching"] = "ReadWrite"
	}
	if disk["diskSizeGB"] == nil {
		disk["diskSizeGB"] = int64(30)
	}
	disk["osType"] = "Linux"
	h.makeDisk(a, disk, size)
}

func (h *Hub) makeDataDisk(a address, disk object, size string) {
	if str(disk["name"]) == "" {
		disk["name"] = lastPart(str(dig(disk, "managedDisk", "id")))
	}
	if str(disk["name"]) == "" {
		disk["name"] = a.name + "_disk2_" + strings.ReplaceAll(newGUID(), "-", "")
	}
	if disk["caching"] == nil {
		disk["caching"] = "None"
	}
	h.makeDisk(a, disk, size)
}

// makeDisk sees that the disk of a VM exists as a resource.
func (h *Hub) makeDisk(a address, disk object, size string) {
	managed := obj(disk["managedDisk"])
	if managed == nil {
		managed = object{}
		disk["managedDisk"] = managed
	}
	if str(managed["id"]) == "" {
		managed["id"] = h.groupID(a.group) + "/providers/" + typeDisk + "/" + str(disk["name"])
	}
	if str(managed["storageAccountType"]) == "" {
		managed["storageAccountType"] = diskType(size)
	}
	id := str(managed["id"])
	if h.world.get(id) != nil {
		return
	}
	gb, ok := number(disk["diskSizeGB"])
	if !ok {
		gb = 30
	}
	p := object{"provisioningState": stateSucceeded, "diskSizeGB": gb, "diskState": "Attached", "timeCreated": time.Now().UTC().Format(time.RFC3339Nano),
		"creationData": object{"createOption": disk["createOption"]}}
	if disk["osType"] != nil {
		p["osType"] = disk["osType"]
	}
	h.world.put(id, object{"id": id, "name": str(disk["name"]), "type": typeDisk, "location": h.cfg.Region, "sku": object{"name": managed["storageAccountType"]}, "properties": p})
}

// instanceView is how a VM is at this moment.
func (h *Hub) instanceView(vm object) object {
	state := str(dig(vm, "properties", "provisioningState"))
	power := h.world.secret(str(vm["id"])).Power
	statuses := []object{{"code": "ProvisioningState/" + lower(state), "level": "Info", "displayStatus": "Provisioning " + lower(state), "time": time.Now().UTC().Format(time.RFC3339)}}
	if power != "" {
		statuses = append(statuses, object{"code": "PowerState/" + power, "level": "Info", "displayStatus": "VM " + power})
	}
	view := object{"statuses": statuses}
	var extensions []object
	for _, e := range h.world.below(str(vm["id"]) + "/extensions/") {
		extensions = append(extensions, extensionView(e))
	}
	if len(extensions) > 0 {
		view["extensions"] = extensions
	}
	if power == powerRunning {
		view["computerName"], view["osName"], view["osVersion"] = str(dig(vm, "properties", "osProfile", "computerName")), "ubuntu", "22.04"
		view["vmAgent"] = object{"vmAgentVersion": "2.9.1.1", "statuses": []object{{"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready", "message": "Guest Agent is running", "time": time.Now().UTC().Format(time.RFC3339)}}}
	}
	return view
}

// machine is a VM with its addresses. The caller holds mu.
func (h *Hub) machine(vm object) Machine {
	m := Machine{ID: str(vm["id"]), Name: str(vm["name"]), Tags: map[string]string{}, Size: str(dig(vm, "properties", "hardwareProfile", "vmSize"))}
	m.Group = strings.Split(m.ID, "/")[4]
	_, s, _ := sizeOf(m.Size)
	m.Cores, m.MemoryMB, m.On = s.cores, s.memoryMB, h.world.secret(m.ID).Power == powerRunning
	m.Joined = h.world.secret(m.ID).Joined
	for k, v := range obj(vm["tags"]) {
		m.Tags[k] = str(v)
	}
	os := dig(vm, "properties", "osProfile")
	m.User = str(dig(os, "adminUsername"))
	for _, k := range list(dig(os, "linuxConfiguration", "ssh", "publicKeys")) {
		m.AuthorizedKeys = append(m.AuthorizedKeys, str(dig(k, "keyData")))
	}
	for _, n := range list(dig(vm, "properties", "networkProfile", "networkInterfaces")) {
		for _, c := range list(dig(h.world.get(str(dig(n, "id"))), "properties", "ipConfigurations")) {
			if m.PrivateIP == "" {
				m.PrivateIP = str(dig(c, "properties", "privateIPAddress"))
			}
			if m.SSH == "" {
				m.SSH = h.sshAddress(c)
			}
			if ip := h.world.get(str(dig(c, "properties", "publicIPAddress", "id"))); ip != nil && m.PublicIP == "" {
				m.PublicIP, m.FQDN = str(dig(ip, "properties", "ipAddress")), str(dig(ip, "properties", "dnsSettings", "fqdn"))
			}
		}
	}
	return m
}

// powerActions say what a POST on a VM leaves it as, and how long it takes.
var powerActions = map[string]struct {
	after   string
	seconds float64
}{
	"start": {powerRunning, 60}, "restart": {powerRunning, 45}, "redeploy": {powerRunning, 90}, "reapply": {"", 20},
	"poweroff": {powerStopped, 45}, "deallocate": {powerDeallocated, 60},
}

// postAction answers POST on a resource.
func (h *Hub) postAction(r *request) reply {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	a, ok := h.addressOf(r.seg[:len(r.seg)-1])
	verb := r.low[len(r.low)-1]
	_, known := powerActions[verb]
	res := h.world.get(a.id)
	switch {
	case !ok:
		return refuse(noPath(r.URL.Path))
	case res == nil:
		return refuse(noResource(a))
	case a.kind == typeAccount && verb == "listkeys":
		return answer(http.StatusOK, accountKeys(a.name))
	case a.kind != typeVM || !known:
		return refuse(noPath(r.URL.Path))
	case h.flights[lower(a.id)] != nil:
		return refuse(busy(a))
	}
	return h.follow(answer(http.StatusAccepted, nil), h.begin(verb, a.id, ""))
}

// act carries a power action out.
func (h *Hub) act(ctx context.Context, a address, op *operation) armError {
	todo := powerActions[op.Verb]
	if e := h.misfortune(ctx, http.MethodPost, a); e.failed() {
		return e
	}
	h.world.mu.Lock()
	res := h.world.get(a.id)
	if res == nil {
		h.world.mu.Unlock()
		return noResource(a)
	}
	m := h.machine(res)
	h.world.mu.Unlock()
	if m.On && todo.after != powerRunning && todo.after != "" {
		if e := h.power(ctx, m, false); e.failed() {
			return e
		}
	}
	if !h.waitUntil(ctx, op.Begun, todo.seconds*jitter(a.name)) {
		return ended(ctx)
	}
	h.world.mu.Lock()
	if todo.after != "" {
		h.world.secret(a.id).Power = todo.after
		h.assignAddresses(a.id)
		h.world.changed()
		m = h.machine(res)
	}
	h.world.mu.Unlock()
	switch {
	case op.Verb == "restart" || op.Verb == "redeploy":
		if h.cfg.Hooks.VMRestarted == nil {
			return armError{}
		}
		if err := h.cfg.Hooks.VMRestarted(ctx, m); err != nil {
			return conflict("VMAgentStatusCommunicationError", "VM '%s' has not reported status for VM agent or extensions. (%v)", m.Name, err)
		}
	case todo.after == powerRunning:
		return h.power(ctx, m, true)
	}
	return armError{}
}

func (h *Hub) power(ctx context.Context, m Machine, on bool) armError {
	if h.cfg.Hooks.VMPower == nil {
		return armError{}
	}
	if err := h.cfg.Hooks.VMPower(ctx, m, on); err != nil {
		return conflict("VMStartTimedOut", "VM '%s' did not change its power state in the allotted time. (%v)", m.Name, err)
	}
	return armError{}
}
