package arm

import (
	"fmt"
	"net/netip"
	"strings"
)

// enrich adds to a new resource what ARM itself fills in. The caller holds mu.
func (h *Hub) enrich(a address, res, old object) {
	props := obj(res["properties"])
	if strings.EqualFold(a.namespace, "Microsoft.Network") {
		h.nameParts(a.id, props)
	}
	switch lower(a.kind) {
	case lower(typePublicIP):
		h.enrichPublicIP(props, old)
	case lower(typeNIC):
		h.enrichNIC(a, props, old)
	case lower(typeVM):
		h.enrichVM(a, res, old)
	}
}

// nameParts gives ids to the parts of a network resource, so that others can
// refer to them.
func (h *Hub) nameParts(id string, props object) {
	for key, v := range props {
		for _, part := range list(v) {
			p := obj(part)
			if p == nil || str(p["name"]) == "" || p["properties"] == nil && p["id"] != nil {
				continue
			}
			p["id"] = id + "/" + key + "/" + str(p["name"])
			if pp := obj(p["properties"]); pp != nil {
				pp["provisioningState"] = "Succeeded"
			}
		}
	}
}

func (h *Hub) enrichPublicIP(props, old object) {
	ip := str(dig(old, "properties", "ipAddress"))
	if ip == "" {
		ip = fmt.Sprintf("%s%d", h.cfg.IPPrefix, h.world.NextIP)
		h.world.NextIP++
	}
	props["ipAddress"] = ip
	if dns := obj(dig(props, "dnsSettings")); dns != nil {
		if label := str(dig(dns, "domainNameLabel")); label != "" {
			dns["fqdn"] = label + "." + h.cfg.Region + ".cloudapp." + h.cfg.Domain
		}
	}
}

// labelOwner is the id of the public IP that has a DNS label.
func (h *Hub) labelOwner(label string) (string, bool) {
	if label == "" {
		return "", false
	}
	for _, ip := range h.world.ofType(typePublicIP) {
		if strings.EqualFold(str(dig(ip, "properties", "dnsSettings", "domainNameLabel")), label) {
			return str(ip["id"]), true
		}
	}
	return "", false
}

func (h *Hub) enrichNIC(a address, props, old object) {
	for i, c := range list(props["ipConfigurations"]) {
		p := obj(dig(c, "properties"))
		if p == nil {
			continue
		}
		if olds := list(dig(old, "properties", "ipConfigurations")); str(p["privateIPAddress"]) == "" && i < len(olds) {
			p["privateIPAddress"] = dig(olds[i], "properties", "privateIPAddress")
		}
		if str(p["privateIPAddress"]) == "" {
			p["privateIPAddress"] = h.freeIP(str(dig(p, "subnet", "id")))
		}
		if pip := h.world.Resources[lower(str(dig(p, "publicIPAddress", "id")))]; pip != nil {
			obj(pip["properties"])["ipConfiguration"] = object{"id": obj(c)["id"]}
		}
	}
	if props["virtualMachine"] == nil && old != nil {
		props["virtualMachine"] = dig(old, "properties", "virtualMachine")
	}
	props["macAddress"] = "00-15-5D-" + strings.ToUpper(fmt.Sprintf("%06X", len(h.world.Resources)+4096))[:2] + "-00-" + fmt.Sprintf("%02X", len(a.name))
}

// freeIP is the first address of a subnet that no NIC has; the first four
// belong to the fabric.
func (h *Hub) freeIP(subnetID string) string {
	prefix, err := netip.ParsePrefix(h.subnetPrefix(subnetID))
	if err != nil {
		return "10.0.0.4"
	}
	taken := map[string]bool{}
	for _, nic := range h.world.ofType(typeNIC) {
		for _, c := range list(dig(nic, "properties", "ipConfigurations")) {
			taken[str(dig(c, "properties", "privateIPAddress"))] = true
		}
	}
	ip := prefix.Masked().Addr()
	for range 4 {
		ip = ip.Next()
	}
	for taken[ip.String()] {
		ip = ip.Next()
	}
	return ip.String()
}

func (h *Hub) subnetPrefix(subnetID string) string {
	cut := strings.LastIndex(lower(subnetID), "/subnets/")
	if cut < 0 {
		return ""
	}
	vnet := h.world.Resources[lower(subnetID[:cut])]
	for _, s := range list(dig(vnet, "properties", "subnets")) {
		if strings.EqualFold(str(obj(s)["name"]), subnetID[cut+len("/subnets/"):]) {
			return str(dig(s, "properties", "addressPrefix"))
		}
	}
	return ""
}

func (h *Hub) enrichVM(a address, res, old object) {
	props := obj(res["properties"])
	props["vmId"] = newGUID()
	if old != nil {
		props["vmId"] = dig(old, "properties", "vmId")
	}
	if p := obj(props["osProfile"]); p != nil {
		delete(p, "customData")
		delete(p, "adminPassword")
	}
	storage := obj(props["storageProfile"])
	if storage == nil {
		storage = object{}
		props["storageProfile"] = storage
	}
	if was := dig(old, "properties", "storageProfile", "osDisk"); was != nil {
		storage["osDisk"] = was
	} else {
		h.makeOSDisk(a, storage)
	}
	for _, d := range list(storage["dataDisks"]) {
		disk := obj(d)
		id := h.groupID(a.group) + "/providers/" + typeDisk + "/" + str(disk["name"])
		if managed := str(dig(disk, "managedDisk", "id")); managed != "" {
			id = managed
		} else {
			disk["managedDisk"] = object{"id": id}
		}
		h.makeDisk(id, str(disk["name"]))
	}
	for _, n := range list(dig(props, "networkProfile", "networkInterfaces")) {
		if nic := h.world.Resources[lower(str(obj(n)["id"]))]; nic != nil {
			obj(nic["properties"])["virtualMachine"] = object{"id": a.id}
		}
	}
}

func (h *Hub) makeOSDisk(a address, storage object) {
	disk := obj(storage["osDisk"])
	if disk == nil {
		disk = object{"createOption": "FromImage"}
		storage["osDisk"] = disk
	}
	if str(disk["name"]) == "" {
		disk["name"] = a.name + "_OsDisk_1_" + strings.ReplaceAll(newGUID(), "-", "")
	}
	id := h.groupID(a.group) + "/providers/" + typeDisk + "/" + str(disk["name"])
	kind := str(dig(disk, "managedDisk", "storageAccountType"))
	if kind == "" {
		kind = "Premium_LRS"
	}
	disk["osType"], disk["managedDisk"] = "Linux", object{"id": id, "storageAccountType": kind}
	if disk["diskSizeGB"] == nil {
		disk["diskSizeGB"] = 30
	}
	h.makeDisk(id, str(disk["name"]))
}

func (h *Hub) makeDisk(id, name string) {
	if h.world.Resources[lower(id)] == nil {
		h.world.Resources[lower(id)] = object{"id": id, "name": name, "type": typeDisk, "location": h.cfg.Region, "properties": object{"provisioningState": "Succeeded"}}
	}
}

// machine is a VM with its addresses. The caller holds mu.
func (h *Hub) machine(vm object) Machine {
	m := Machine{ID: str(vm["id"]), Name: str(vm["name"]), Tags: map[string]string{}, Size: str(dig(vm, "properties", "hardwareProfile", "vmSize"))}
	parts := strings.Split(m.ID, "/")
	if len(parts) > 4 {
		m.Group = parts[4]
	}
	for k, v := range obj(vm["tags"]) {
		m.Tags[k] = str(v)
	}
	m.User = str(dig(vm, "properties", "osProfile", "adminUsername"))
	for _, k := range list(dig(vm, "properties", "osProfile", "linuxConfiguration", "ssh", "publicKeys")) {
		m.AuthorizedKeys = append(m.AuthorizedKeys, str(dig(k, "keyData")))
	}
	for _, n := range list(dig(vm, "properties", "networkProfile", "networkInterfaces")) {
		nic := h.world.Resources[lower(str(obj(n)["id"]))]
		for _, c := range list(dig(nic, "properties", "ipConfigurations")) {
			m.PrivateIP = str(dig(c, "properties", "privateIPAddress"))
			if pip := h.world.Resources[lower(str(dig(c, "properties", "publicIPAddress", "id")))]; pip != nil {
				m.PublicIP, m.FQDN = str(dig(pip, "properties", "ipAddress")), str(dig(pip, "properties", "dnsSettings", "fqdn"))
			}
		}
	}
	return m
}
