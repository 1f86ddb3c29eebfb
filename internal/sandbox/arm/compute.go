package arm

import (
	"strings"
	"time"
)

// checkExtension refuses extensions of no VM, or that the Hub doesn't have.
func checkExtension(h *Hub, a address, body, _ object) armError {
	p := dig(body, "properties")
	publisher, kind, version := str(dig(p, "publisher")), str(dig(p, "type")), str(dig(p, "typeHandlerVersion"))
	if h.world.get(parent(a.id)) == nil {
		return notFound("ParentResourceNotFound", "Can not perform requested operation on nested resource. Parent resource '%s' not found.", strings.Split(a.name, "/")[0])
	}
	for _, v := range h.extensionVersions(publisher, kind) {
		if v == version || strings.HasPrefix(v, version+".") {
			return armError{}
		}
	}
	return notFound("VMExtensionHandlerNotFound", "VM extension handler '%s' version '%s' with publisher '%s' was not found. Ask the operator of the Hub to download it.", kind, version, publisher)
}

func fillExtension(_ *Hub, _ address, res, _ object) {
	delete(props(res), "protectedSettings")
}

// longerExtension: a control plane node's script also starts etcd and the API
// server.
func longerExtension(res object) float64 {
	if strings.HasPrefix(str(res["name"]), "cse-master-") {
		return 220
	}
	return 0
}

func extensionView(res object) object {
	state := str(dig(res, "properties", "provisioningState"))
	return object{"name": res["name"], "type": str(dig(res, "properties", "publisher")) + "." + str(dig(res, "properties", "type")), "typeHandlerVersion": "2.0.6",
		"statuses": []object{{"code": "ProvisioningState/" + lower(state), "level": "Info", "displayStatus": "Provisioning " + lower(state), "message": "Enable " + lower(state) + ": "}}}
}

func checkSet(_ *Hub, _ address, body, _ object) armError {
	p := dig(body, "properties")
	if n, ok := number(dig(p, "platformFaultDomainCount")); ok && (n < 1 || n > 3) {
		return invalid("platformFaultDomainCount", "The specified fault domain count %d must fall in the range 1 to 3.", n)
	}
	if n, ok := number(dig(p, "platformUpdateDomainCount")); ok && (n < 1 || n > 20) {
		return invalid("platformUpdateDomainCount", "The specified update domain count %d must fall in the range 1 to 20.", n)
	}
	return armError{}
}

func fillSet(_ *Hub, _ address, res, _ object) {
	p := props(res)
	for key, usual := range map[string]int64{"platformFaultDomainCount": 2, "platformUpdateDomainCount": 5} {
		if p[key] == nil {
			p[key] = usual
		}
	}
	if res["sku"] == nil {
		res["sku"] = object{"name": "Classic"}
	}
}

func showSet(h *Hub, res object) {
	vms := []object{}
	for _, vm := range h.world.ofType(typeVM) {
		if same(str(dig(vm, "properties", "availabilitySet", "id")), str(res["id"])) {
			vms = append(vms, object{"id": vm["id"]})
		}
	}
	props(res)["virtualMachines"] = vms
}

func keepSet(h *Hub, a address, res object) armError {
	showing := clone(res)
	showSet(h, showing)
	if vms, _ := props(showing)["virtualMachines"].([]object); len(vms) > 0 {
		return conflict("OperationNotAllowed", "Availability Set '%s' cannot be deleted. Before deleting an Availability Set please ensure that it does not contain any VM.", a.name)
	}
	return armError{}
}

func checkDisk(_ *Hub, _ address, body, _ object) armError {
	if gb, ok := number(dig(body, "properties", "diskSizeGB")); ok && (gb < 1 || gb > 1023) {
		return invalid("diskSizeGB", "The specified disk size %d GB is not supported. The size must be from 1 to 1023 GB.", gb)
	}
	if str(dig(body, "properties", "creationData", "createOption")) == "" {
		return invalid("creationData", "Required parameter 'creationData' is missing (null).")
	}
	return armError{}
}

func fillDisk(_ *Hub, _ address, res, old object) {
	p := props(res)
	p["timeCreated"] = time.Now().UTC().Format(time.RFC3339Nano)
	if was := dig(old, "properties", "timeCreated"); was != nil {
		p["timeCreated"] = was
	}
	if res["sku"] == nil {
		res["sku"] = object{"name": "Standard_LRS"}
	}
}

func showDisk(h *Hub, res object) {
	props(res)["diskState"] = "Unattached"
	if owner := h.diskOwner(str(res["id"])); owner != "" {
		res["managedBy"], props(res)["diskState"] = owner, "Attached"
	}
}

func keepDisk(h *Hub, a address, _ object) armError {
	if owner := h.diskOwner(a.id); owner != "" {
		return conflict("OperationNotAllowed", "Disk %s is attached to VM %s.", a.name, owner)
	}
	return armError{}
}
