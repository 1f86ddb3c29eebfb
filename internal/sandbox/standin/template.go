package standin

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

const (
	templateSchema = "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#"
	telemetryName  = "pid-1bda96ec-adf4-4eea-bb9a-8462de5475c0" // by which a deploy can be told from other operations
)

// template is the ARM template of the whole cluster.
func (j *job) template() object {
	var resources []any
	if f := j.props.FeatureFlags; f != nil && f.EnableTelemetry {
		empty := object{"$schema": templateSchema, "contentVersion": "1.0.0.0", "resources": []any{}}
		resources = append(resources, object{"type": "Microsoft.Resources/deployments", "apiVersion": "2018-05-01", "name": telemetryName,
			"properties": object{"mode": "Incremental", "template": empty}})
	}
	for _, a := range j.props.AgentPoolProfiles {
		resources = append(resources, j.poolResources(a)...)
	}
	resources = append(resources, j.masterResources()...)
	return object{"$schema": templateSchema, "contentVersion": "1.0.0.0", "parameters": j.declarations(), "variables": j.variables(),
		"resources": resources, "outputs": outputs()}
}

func outputs() object {
	out := object{
		"masterFQDN":                  output("string", "reference(concat('Microsoft.Network/publicIPAddresses/', variables('masterPublicIPAddressName'))).dnsSettings.fqdn"),
		"agentStorageAccountSuffix":   output("string", "variables('storageAccountBaseName')"),
		"agentStorageAccountPrefixes": output("array", "variables('storageAccountPrefixes')"),
		"securityGroupName":           output("string", "variables('nsgName')"),
		"vnetResourceGroup":           output("string", "variables('virtualNetworkResourceGroupName')"),
	}
	for _, name := range []string{"primaryAvailabilitySetName", "primaryScaleSetName", "resourceGroup", "routeTableName", "subnetName", "virtualNetworkName"} {
		out[name] = output("string", "variables('"+name+"')")
	}
	return out
}

func output(kind, expression string) object {
	return object{"type": kind, "value": "[" + expression + "]"}
}

// ownNetwork says whether the engine makes the network, as it does unless the model names subnets.
func (j *job) ownNetwork() bool { return j.props.MasterProfile.VnetSubnetID == "" }

// parameter is a parameter of the template: what it is and, unless its default does, the value it gets.
type parameter struct {
	kind     string
	value    any // nil: not given
	standard any // the default, nil for none
	allowed  any
}

// allParameters are the parameters of the template by name.
func (j *job) allParameters() map[string]parameter {
	c, m := j.props.CertificateProfile, j.props.MasterProfile
	k, l := j.props.OrchestratorProfile.KubernetesConfig, j.props.LinuxProfile
	text := func(v string) parameter { return parameter{kind: "string", value: v} }
	secret := func(v string) parameter { return parameter{kind: "securestring", value: v} }
	b64 := func(v string) string { return base64.StdEncoding.EncodeToString([]byte(v)) }
	all := map[string]parameter{
		"aksEngineVersion": text(j.engine), "generatorCode": text("aksengine"), "orchestratorName": text("k8s"), "location": text(j.cs.Location),
		"nameSuffix": {kind: "string", standard: j.suffix()}, "masterEndpointDNSNamePrefix": text(m.DNSPrefix), "targetEnvironment": text("AzureStackCloud"),
		"fqdnEndpointSuffix": text(strings.TrimPrefix(j.fqdn(), m.DNSPrefix+"."+j.cs.Location+".")), "linuxAdminUsername": text(l.AdminUsername),
		"sshRSAPublicKey": text(l.SSH.PublicKeys[0].KeyData), "masterVMSize": text(m.VMSize), "firstConsecutiveStaticIP": text(m.FirstConsecutiveStaticIP),
		"masterOffset":    {kind: "int", standard: 0, allowed: []int{0, 1, 2, 3, 4}},
		"kubeClusterCidr": text(k.ClusterSubnet), "kubeDNSServiceIP": text(k.DNSServiceIP), "dockerBridgeCidr": text(k.DockerBridgeSubnet),
		"networkPolicy":     {kind: "string", value: k.NetworkPolicy, allowed: []string{"", "none", "azure", "calico", "cilium", "antrea"}},
		"networkPlugin":     {kind: "string", value: k.NetworkPlugin, allowed: []string{"kubenet", "azure", "flannel", "cilium", "antrea"}},
		"networkMode":       {kind: "string", value: k.NetworkMode, allowed: []string{"", "transparent", "bridge"}},
		"containerRuntime":  {kind: "string", value: k.ContainerRuntime, allowed: []string{"docker", "containerd"}},
		"containerdVersion": {kind: "string", value: k.ContainerdVersion, allowed: containerdVersions},
		"gcHighThreshold":   {kind: "int", value: k.Gchighthreshold}, "gcLowThreshold": {kind: "int", value: k.Gclowthreshold},
		"etcdVersion": text(k.EtcdVersion), "etcdDiskSizeGB": text(k.EtcdDiskSizeGB), "etcdEncryptionKey": text(k.EtcdEncryptionKey),
		"enableAggregatedAPIs": {kind: "bool", value: k.EnableAggregatedAPIs},
	}
	if spp := j.props.ServicePrincipalProfile; spp != nil {
		all["servicePrincipalClientId"], all["servicePrincipalClientSecret"] = secret(spp.ClientID), secret(spp.Secret)
	}
	both := func(name, cert, key string) {
		number := ""
		if name, number, _ = strings.Cut(name, " "); number != "" {
			all[name+"Certificate"+number], all[name+"PrivateKey"+number] = text(b64(cert)), secret(b64(key))
			return
		}
		all[name+"Certificate"], all[name+"PrivateKey"] = text(b64(cert)), secret(b64(key))
	}
	both("ca", c.CaCertificate, c.CaPrivateKey)
	both("apiServer", c.APIServerCertificate, c.APIServerPrivateKey)
	both("client", c.ClientCertificate, c.ClientPrivateKey)
	both("kubeConfig", c.KubeConfigCertificate, c.KubeConfigPrivateKey)
	both("etcdServer", c.EtcdServerCertificate, c.EtcdServerPrivateKey)
	both("etcdClient", c.EtcdClientCertificate, c.EtcdClientPrivateKey)
	for i := range c.EtcdPeerCertificates {
		both("etcdPeer "+strconv.Itoa(i), c.EtcdPeerCertificates[i], c.EtcdPeerPrivateKeys[i])
	}
	j.addNetworkParameters(all)
	j.addImage(all, "", m.Distro)
	for _, a := range j.props.AgentPoolProfiles {
		all[a.Name+"Count"] = parameter{kind: "int", value: a.Count}
		all[a.Name+"Offset"] = parameter{kind: "int", standard: 0}
		all[a.Name+"VMSize"] = text(a.VMSize)
		j.addImage(all, a.Name, a.Distro)
	}
	return all
}

func (j *job) addImage(all map[string]parameter, pool, distro string) {
	i := imageOf(distro)
	for name, v := range map[string]string{"Publisher": i.publisher, "Offer": i.offer, "SKU": i.sku, "Version": i.version} {
		all[pool+"osImage"+name] = parameter{kind: "string", value: v}
	}
}

func (j *job) addNetworkParameters(all map[string]parameter) {
	m := j.props.MasterProfile
	text := func(v string) parameter { return parameter{kind: "string", value: v} }
	if j.ownNetwork() {
		all["masterSubnet"], all["agentSubnet"] = text(j.nodeSubnet()), text("")
		all["vnetCidr"] = parameter{kind: "string", standard: "10.0.0.0/8"}
		for _, a := range j.props.AgentPoolProfiles {
			all[a.Name+"Subnet"] = text(j.nodeSubnet())
		}
		return
	}
	all["masterVnetSubnetID"] = text(m.VnetSubnetID)
	all["vnetCidr"] = parameter{kind: "string", standard: "10.0.0.0/8"}
	if m.VnetCidr != "" {
		all["vnetCidr"] = text(m.VnetCidr)
	}
	for _, a := range j.props.AgentPoolProfiles {
		all[a.Name+"VnetSubnetID"] = text(a.VnetSubnetID)
	}
}

func (j *job) declarations() object {
	out := object{}
	for name, p := range j.allParameters() {
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
func (j *job) parameters() object {
	out := object{}
	for name, p := range j.allParameters() {
		if p.value == nil {
			continue
		}
		// Two names come in another case than they are declared in. ARM doesn't mind.
		if name == "gcHighThreshold" || name == "gcLowThreshold" {
			name = strings.ToLower(name)
		}
		out[name] = object{"value": p.value}
	}
	return out
}

// each is a resource of which there is one for every VM of a loop.
func each(loop, count string, r object) object {
	r["copy"] = object{"name": loop, "count": "[" + count + "]"}
	return r
}

// quoted is a string as a literal of a template expression.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func variable(name string) string { return "variables('" + name + "')" }

func idOf(kind, name string) string {
	return fmt.Sprintf("[resourceId('%s',%s)]", kind, name)
}
