package arm

import (
	"encoding/base64"
	"regexp"
	"strings"
)

const maxCustomData = 87380 // characters in base64

var (
	adminName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.\-]{0,63}$`)
	computerName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.\-]{0,62}[A-Za-z0-9])?$`)
	// premiumSize are the sizes whose name says that they may have premium disks.
	premiumSize = regexp.MustCompile(`(?i)^standard_(ds\d|f\d+s|[de]\d+s_v3)`)
)

var forbiddenAdmins = map[string]bool{"admin": true, "administrator": true, "root": true, "guest": true, "test": true, "user": true, "user1": true, "a": true, "1": true, "owner": true, "server": true, "support": true, "sys": true, "backup": true, "console": true, "sql": true, "video": true, "adm": true, "john": true, "david": true}

func invalid(target, format string, args ...any) armError {
	return bad("InvalidParameter", format, args...).at(target)
}

func unknownReference(id, by string) armError {
	return bad("InvalidResourceReference", "Resource %s referenced by resource %s was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.", id, by)
}

// checkVM is what the compute provider refuses at once.
func checkVM(h *Hub, a address, body, old object) armError {
	for _, check := range []func(*Hub, address, object, object) armError{checkSize, checkChange, checkImage, checkDisks, checkLogin, checkPlaces} {
		if e := check(h, a, body, old); e.failed() {
			return e
		}
	}
	return armError{}
}

func checkSize(_ *Hub, _ address, body, _ object) armError {
	hardware := obj(dig(body, "properties", "hardwareProfile"))
	name, _, ok := sizeOf(str(dig(hardware, "vmSize")))
	if !ok {
		return invalid("vmSize", "The value %s provided for the VM size is not valid. The valid sizes in the current region are: %s. Find out more on the valid VM sizes in each region at https://aka.ms/azure-regionservices.", str(dig(hardware, "vmSize")), joined(SizeNames()))
	}
	hardware["vmSize"] = name
	return armError{}
}

// checkChange refuses changes that can't be made to a VM that exists.
func checkChange(h *Hub, a address, body, old object) armError {
	if old == nil {
		return armError{}
	}
	custom := dig(body, "properties", "osProfile", "customData")
	if was := h.world.secret(a.id).Custom; custom != nil && was != digest(custom) {
		return conflict("PropertyChangeNotAllowed", "Changing property 'osProfile.customData' is not allowed.").at("osProfile.customData")
	}
	for _, path := range [][]string{{"osProfile", "adminUsername"}, {"osProfile", "computerName"}, {"availabilitySet", "id"}} {
		full := append([]string{"properties"}, path...)
		is, was := str(dig(body, full...)), str(dig(old, full...))
		if is != "" && was != "" && !same(is, was) {
			name := strings.Join(path, ".")
			return conflict("PropertyChangeNotAllowed", "Changing property '%s' is not allowed.", name).at(name)
		}
	}
	return armError{}
}

func checkImage(h *Hub, _ address, body, old object) armError {
	ref := dig(body, "properties", "storageProfile", "imageReference")
	if ref == nil {
		if old == nil && !same(str(dig(body, "properties", "storageProfile", "osDisk", "createOption")), "Attach") {
			return invalid("imageReference", "Required parameter 'imageReference' is missing (null).")
		}
		return armError{}
	}
	urn := []string{str(dig(ref, "publisher")), str(dig(ref, "offer")), str(dig(ref, "sku")), str(dig(ref, "version"))}
	for _, item := range h.imageVersions(urn[0], urn[1], urn[2]) {
		if urn[3] == "latest" || item == urn[3] {
			return armError{}
		}
	}
	return bad("PlatformImageNotFound", "The platform image '%s' is not available. Verify that all fields in the storage profile are correct. For more details about storage profile information, please refer to https://aka.ms/storageprofile.", strings.Join(urn, ":")).at("imageReference")
}

func checkDisks(h *Hub, a address, body, _ object) armError {
	size := str(dig(body, "properties", "hardwareProfile", "vmSize"))
	storage := dig(body, "properties", "storageProfile")
	data := list(dig(storage, "dataDisks"))
	for _, d := range append([]any{dig(storage, "osDisk")}, data...) {
		kind := str(dig(d, "managedDisk", "storageAccountType"))
		switch {
		case kind != "" && kind != "Standard_LRS" && kind != "Premium_LRS":
			return invalid("managedDisk.storageAccountType", "The storage account type '%s' is not supported. Supported types are Standard_LRS and Premium_LRS.", kind)
		case kind == "Premium_LRS" && !premiumSize.MatchString(size):
			return invalid("osDisk.managedDisk.storageAccountType", "Requested operation cannot be performed because storage account type 'Premium_LRS' is not supported for VM size '%s'.", size)
		}
		if gb, ok := number(dig(d, "diskSizeGB")); ok && (gb < 1 || gb > 1023) {
			return invalid("diskSizeGB", "The specified disk size %d GB is not supported. The size must be from 1 to 1023 GB.", gb)
		}
	}
	_, s, _ := sizeOf(size)
	if len(data) > s.disks {
		return conflict("OperationNotAllowed", "The maximum number of data disks allowed to be attached to a VM of this size is %d.", s.disks)
	}
	for _, d := range data {
		id := str(dig(d, "managedDisk", "id"))
		if !same(str(dig(d, "createOption")), "Attach") {
			continue
		}
		switch owner := h.diskOwner(id); {
		case h.world.get(id) == nil:
			return unknownReference(id, a.id)
		case owner != "" && !same(owner, a.id):
			return conflict("AttachDiskWhileBeingDetached", "Disk '%s' cannot be attached because it belongs to the VM '%s'.", lastPart(id), lastPart(owner))
		}
	}
	return armError{}
}

func checkLogin(_ *Hub, _ address, body, old object) armError {
	os := obj(dig(body, "properties", "osProfile"))
	if os == nil {
		if old == nil {
			return invalid("osProfile", "Required parameter 'osProfile' is missing (null).")
		}
		return armError{}
	}
	user := str(dig(os, "adminUsername"))
	linux := dig(os, "linuxConfiguration")
	keys := list(dig(linux, "ssh", "publicKeys"))
	custom := str(dig(os, "customData"))
	_, err := base64.StdEncoding.DecodeString(custom)
	switch {
	case !adminName.MatchString(user) || forbiddenAdmins[lower(user)]:
		return invalid("adminUsername", "The Admin Username specified is not allowed.")
	case !computerName.MatchString(str(dig(os, "computerName"))):
		return invalid("computerName", "Linux host name cannot exceed 64 characters in length or contain the following characters: ` ~ ! @ # $ %% ^ & * ( ) = + _ [ ] { } \\ | ; : ' \" , < > / ?.")
	case err != nil || len(custom) > maxCustomData:
		return invalid("customData", "Custom data in OSProfile must be in Base64 encoding and with a maximum length of %d characters.", maxCustomData)
	case len(keys) == 0 && str(dig(os, "adminPassword")) == "":
		return invalid("linuxConfiguration", "Authentication using either SSH or by user name and password must be enabled in Linux profile.")
	}
	for _, k := range keys {
		if path := str(dig(k, "path")); path != "/home/"+user+"/.ssh/authorized_keys" {
			return invalid("linuxConfiguration.ssh.publicKeys.path", "Destination path for SSH public keys is currently limited to its default value /home/%s/.ssh/authorized_keys due to a known issue in Linux provisioning agent.", user)
		}
		if !isSSHKey(str(dig(k, "keyData"))) {
			return invalid("linuxConfiguration.ssh.publicKeys.keyData", "The value of parameter linuxConfiguration.ssh.publicKeys.keyData is invalid.")
		}
	}
	return armError{}
}

// isSSHKey accepts public keys in OpenSSH form.
func isSSHKey(s string) bool {
	kind, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	data, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil || len(raw) < 4+len(kind) {
		return false
	}
	return (kind == "ssh-rsa" || kind == "ssh-ed25519") && string(raw[4:4+len(kind)]) == kind
}

// checkPlaces looks after what a VM refers to.
func checkPlaces(h *Hub, a address, body, _ object) armError {
	if set := str(dig(body, "properties", "availabilitySet", "id")); set != "" && h.world.get(set) == nil {
		return unknownReference(set, a.id)
	}
	nics := list(dig(body, "properties", "networkProfile", "networkInterfaces"))
	if len(nics) == 0 {
		return invalid("networkProfile", "Required parameter 'networkProfile' is missing (null).")
	}
	for _, n := range nics {
		id := str(dig(n, "id"))
		if h.world.get(id) == nil {
			return unknownReference(id, a.id)
		}
		if owner := h.nicOwner(id); owner != "" && !same(owner, a.id) {
			return bad("NicInUse", "Network Interface %s is used by existing resource %s. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.", id, owner)
		}
	}
	return armError{}
}

func (h *Hub) nicOwner(id string) string {
	for _, vm := range h.world.ofType(typeVM) {
		for _, n := range list(dig(vm, "properties", "networkProfile", "networkInterfaces")) {
			if same(str(dig(n, "id")), id) {
				return str(vm["id"])
			}
		}
	}
	return ""
}

func (h *Hub) diskOwner(id string) string {
	for _, vm := range h.world.ofType(typeVM) {
		storage := dig(vm, "properties", "storageProfile")
		for _, d := range append([]any{dig(storage, "osDisk")}, list(dig(storage, "dataDisks"))...) {
			if same(str(dig(d, "managedDisk", "id")), id) {
				return str(vm["id"])
			}
		}
	}
	return ""
}
