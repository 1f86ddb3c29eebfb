package standin

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hubwright/internal/sandbox/arm"
)

const (
	templateSchema = "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#"
	networkVersion = "2018-11-01"
)

// What an operation was can be told by the empty deployment that it makes beside the rest.
const (
	deployMark  = "pid-1bda96ec-adf4-4eea-bb9a-8462de5475c0"
	scaleMark   = "pid-bbbafa53-d6a7-4022-84a2-86fcbaec7030" // a pool is added under it too
	upgradeMark = "pid-0d9b5198-7cd7-4252-a890-5658eaf874be"
)

// part is what a template makes of a cluster. Nothing named is the whole cluster.
type part struct {
	mark   string
	pool   string // this pool only
	set    bool   // with its availability set
	master bool   // one control plane VM only
	index  int    // upgrade: the only VM's index
	fixed  bool   // the index is a variable, not a parameter
	count  int    // what the pool's count parameter says
	offset int    // and its offset
}

// template is the ARM template of a part of the cluster.
func (j *job) template(p part) object {
	resources := j.mark(p.mark)
	t := object{"$schema": templateSchema, "contentVersion": "1.0.0.0", "parameters": j.declarations(p), "variables": j.variables(p)}
	switch {
	case p.master:
		resources = append(resources, j.vms(j.masters(), true)...)
	case p.pool != "":
		if f := j.agents(j.props.pool(p.pool)); p.set {
			resources = append(append(resources, f.availabilitySet()), j.vms(f, false)...)
		} else {
			resources = append(resources, j.vms(f, true)...)
		}
	default:
		for _, a := range j.props.AgentPoolProfiles {
			f := j.agents(a)
			resources = append(append(resources, f.availabilitySet()), j.vms(f, false)...)
		}
		m := j.masters()
		resources = append(append(append(resources, m.availabilitySet()), j.vms(m, false)...), j.network()...)
		t["outputs"] = j.outputs()
	}
	t["resources"] = resources
	return t
}

func (j *job) mark(name string) []any {
	if f := j.props.FeatureFlags; f == nil || !f.EnableTelemetry {
		return nil
	}
	empty := object{"$schema": templateSchema, "contentVersion": "1.0.0.0", "resources": []any{}}
	return []any{object{"type": "Microsoft.Resources/deployments", "apiVersion": "2018-05-01", "name": name,
		"properties": object{"mode": "Incremental", "template": empty}}}
}

func (j *job) outputs() object {
	text := func(value string) object { return object{"type": "string", "value": value} }
	out := object{
		"masterFQDN":    text("[reference(resourceId('Microsoft.Network/publicIPAddresses', variables('masterPublicIPAddressName'))).dnsSettings.fqdn]"),
		"resourceGroup": text("[resourceGroup().name]"), "securityGroupName": text("[variables('nsgName')]"), "routeTableName": text("[variables('routeTableName')]"),
		"virtualNetworkName": text(j.vnetName()), "subnetName": text("k8s-subnet"), "vnetResourceGroup": text(""),
		"primaryAvailabilitySetName":  text(""),
		"agentStorageAccountPrefixes": object{"type": "array", "value": []any{}},
	}
	if parts := subnetForm.FindStringSubmatch(j.props.MasterProfile.VnetSubnetID); parts != nil {
		steps := strings.Split(parts[1], "/")
		out["subnetName"], out["vnetResourceGroup"], out["virtualNetworkName"] = text(parts[2]), text(steps[4]), text(steps[len(steps)-1])
	}
	if pools := j.props.AgentPoolProfiles; len(pools) > 0 {
		out["primaryAvailabilitySetName"] = text("[" + j.agents(pools[0]).set() + "]")
	}
	return out
}

// parameter is a parameter of the template: what it is and, unless its default does, the value it gets.
type parameter struct {
	kind     string
	value    any // nil: not given
	standard any // the default, nil for none
	allowed  any
}

// allParameters are the parameters of the template by name.
func (j *job) allParameters(p part) map[string]parameter {
	c, m := j.props.CertificateProfile, j.props.MasterProfile
	k, l := j.props.OrchestratorProfile.KubernetesConfig, j.props.LinuxProfile
	text := func(v string) parameter { return parameter{kind: "string", value: v} }
	size := func(v string) parameter { return parameter{kind: "string", value: v, allowed: sizes()} }
	all := map[string]parameter{
		"aksEngineVersion": text(j.engine), "location": text(j.model.Location), "nameSuffix": {kind: "string", standard: j.suffix()},
		"linuxAdminUsername": text(l.AdminUsername), "sshRSAPublicKey": text(l.SSH.PublicKeys[0].KeyData),
		"masterVMSize": size(m.VMSize), "masterOffset": {kind: "int", standard: 0, allowed: []int{0, 1, 2, 3, 4}},
		"kubeClusterCidr": text(k.ClusterSubnet), "networkPolicy": text(k.NetworkPolicy), "etcdDiskSizeGB": text(k.EtcdDiskSizeGB),
		"networkPlugin":    {kind: "string", value: k.NetworkPlugin, allowed: []string{"kubenet", "azure"}},
		"containerRuntime": {kind: "string", value: k.ContainerRuntime, allowed: []string{"containerd"}},
	}
	for _, file := range c.files() {
		name, number := file.parameter, ""
		if file.peer >= 0 {
			number = strconv.Itoa(file.peer)
		}
		b64 := base64.StdEncoding.EncodeToString
		all[name+"Certificate"+number] = text(b64([]byte(*file.cert)))
		all[name+"PrivateKey"+number] = parameter{kind: "securestring", value: b64([]byte(*file.key))}
	}
	if spp := j.props.ServicePrincipalProfile; spp != nil {
		all["servicePrincipalClientId"] = parameter{kind: "securestring", value: spp.ClientID}
		all["servicePrincipalClientSecret"] = parameter{kind: "securestring", value: spp.Secret}
	}
	image := func(prefix, distro string) {
		i := imageOf(distro)
		all[prefix+"osImagePublisher"], all[prefix+"osImageOffer"] = text(i.publisher), text(i.offer)
		all[prefix+"osImageSKU"], all[prefix+"osImageVersion"] = text(i.sku), text(i.version)
	}
	image("", m.Distro)
	for _, a := range j.props.AgentPoolProfiles {
		count, offset := parameter{kind: "int", value: a.Count}, parameter{kind: "int", standard: 0}
		if a.Name == p.pool {
			count.value = p.count
			if p.offset > 0 {
				offset.value = p.offset
			}
		}
		all[a.Name+"Count"], all[a.Name+"Offset"], all[a.Name+"VMSize"] = count, offset, size(a.VMSize)
		image(a.Name, a.Distro)
	}
	return all
}

// sizes are those that the templates allow: a Hub's, without the basic ones.
func sizes() []string {
	return slices.DeleteFunc(arm.SizeNames(), func(name string) bool { return strings.HasPrefix(name, "Basic_") })
}

func (j *job) declarations(p part) object {
	out := object{}
	for name, p := range j.allParameters(p) {
		d := object{"type": p.kind}
		if p.standard != nil {
			d["defaultValue"] = p.standard
		}
		if p.allowed != nil {
			d["allowedValues"] = p.allowed
		}
		out[name] = d
	}
	return out
}

// parameters are the values that go with the template.
func (j *job) parameters(p part) object {
	out := object{}
	for name, p := range j.allParameters(p) {
		if p.value != nil {
			out[name] = object{"value": p.value}
		}
	}
	return out
}

// variables are the values that expressions share, and those by which the operations say which VMs they make.
func (j *job) variables(p part) object {
	m := j.props.MasterProfile
	v := object{
		"orchestratorNameVersionTag": "Kubernetes:" + j.props.OrchestratorProfile.OrchestratorVersion,
		"masterCount":                m.Count, "masterOffset": "[parameters('masterOffset')]",
		"masterPublicIPAddressName": "[concat('k8s-master-ip-" + m.DNSPrefix + "-', parameters('nameSuffix'))]",
		"masterLbID":                idOf("Microsoft.Network/loadBalancers", "concat('k8s-master-lb-', parameters('nameSuffix'))"),
		"masterInternalLbID":        idOf("Microsoft.Network/loadBalancers", "concat('k8s-master-internal-lb-', parameters('nameSuffix'))"),
		"nsgName":                   "[concat('k8s-master-', parameters('nameSuffix'), '-nsg')]",
		"routeTableName":            "[concat('k8s-master-', parameters('nameSuffix'), '-routetable')]",
		"masterAddresses":           j.masterAddresses(), "kubernetesAPIServerIP": j.apiAddress(),
		"etcdDiskSizeGB": "[int(parameters('etcdDiskSizeGB'))]",
		"masterSubnetID": j.subnetID(m.VnetSubnetID), "provision": j.provision(false), "provisionMaster": j.provision(true),
	}
	if p.master {
		v["masterCount"], v["masterOffset"] = p.index+1, p.index
	}
	for _, a := range j.props.AgentPoolProfiles {
		v[a.Name+"Offset"] = "[parameters('" + a.Name + "Offset')]"
		if p.fixed && a.Name == p.pool {
			v[a.Name+"Offset"] = p.index
		}
	}
	return v
}

func (j *job) vnetName() string { return "[concat('k8s-vnet-', parameters('nameSuffix'))]" }

// subnetID is the subnet of some VMs: the model's, or the engine's own.
func (j *job) subnetID(own string) string {
	if own != "" {
		return own
	}
	return "[resourceId('Microsoft.Network/virtualNetworks/subnets', concat('k8s-vnet-', parameters('nameSuffix')), 'k8s-subnet')]"
}

// idOf is the id of a resource of the group, whose name is an expression.
func idOf(kind, name string) string {
	return fmt.Sprintf("[resourceId('%s', %s)]", kind, name)
}
