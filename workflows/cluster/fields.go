package cluster

import (
	"regexp"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// place is a field of the wizard.
type place struct{ page, field string }

const k8sPath = "orchestratorProfile.kubernetesConfig."

// places says which answer decides a part of the API model.
var places = map[string]place{
	"orchestratorProfile.orchestratorVersion": {"version", "kubernetes"},
	"orchestratorProfile.orchestratorRelease": {"version", "kubernetes"},
	"masterProfile.distro":                    {"version", "kubernetes"},
	"masterProfile.count":                     {"controlplane", "masters"},
	"masterProfile.vmSize":                    {"controlplane", "masterSize"},
	"masterProfile.osDiskSizeGB":              {"controlplane", "masterSize"},
	"masterProfile.availabilityProfile":       {"controlplane", "masters"},
	"masterProfile.dnsPrefix":                 {"access", "dnsPrefix"},
	"masterProfile.vnetSubnetId":              {"network", "masterSubnet"},
	"masterProfile.vnetCidr":                  {"network", "vnetCIDR"},
	"masterProfile.firstConsecutiveStaticIP":  {"network", "firstIP"},
	"agentPoolProfiles":                       {"pools", "pools.0.name"},
	k8sPath + "networkPlugin":                 {"network", "networkPlugin"},
	k8sPath + "networkPolicy":                 {"network", "networkPolicy"},
	k8sPath + "clusterSubnet":                 {"network", "podCIDR"},
	k8sPath + "serviceCidr":                   {"network", "serviceCIDR"},
	k8sPath + "dnsServiceIP":                  {"network", "dnsIP"},
	"linuxProfile.adminUsername":              {"access", "adminUser"},
	"linuxProfile.ssh.publicKeys":             {"access", "sshPublicKey"},
}

var poolPath = regexp.MustCompile(`^agentPoolProfiles\[(\d+)\]\.(\w+)$`)

// fieldOf puts a violation at the field whose answer caused it. What no answer
// decides (the portal's address, the principal) comes from the stack.
func fieldOf(v aksengine.Violation) w.FieldError {
	at, ok := places[v.Path]
	if m := poolPath.FindStringSubmatch(v.Path); m != nil {
		item := "pools." + m[1] + "."
		switch m[2] {
		case "count":
			at = place{"pools", item + "count"}
		case "vmSize", "osDiskSizeGB":
			at = place{"pools", item + "size"}
		case "vnetSubnetId":
			at = place{"network", "agentSubnet"}
		default:
			at = place{"pools", item + "name"}
		}
	} else if !ok {
		at = place{"credentials", "principal"}
	}
	return w.FieldError{Page: at.page, Field: at.field, Message: v.Message}
}
