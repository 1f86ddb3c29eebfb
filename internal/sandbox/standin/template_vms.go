package standin

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// fleet is a row of like VMs: the control plane, or a pool. Its texts are expressions unless said otherwise.
type fleet struct {
	Machines
	name      string // plain: master, or the pool's
	role      string // plain, in the extension's name: master, agent
	count     string
	size      string
	image     string // plain: what the names of the image parameters begin with
	provision string
	subnet    string // plain, or an expression in brackets
	labels    map[string]string
	etcd      bool
}

func (j *job) masters() fleet {
	m := j.props.MasterProfile
	return fleet{Machines: m.Machines, name: "master", role: "master", count: "variables('masterCount')", size: "parameters('masterVMSize')",
		provision: "variables('provisionMaster')", subnet: "[variables('masterSubnetID')]", etcd: true, labels: map[string]string{"kubernetes.azure.com/role": "master",
			"node.kubernetes.io/exclude-from-external-load-balancers": "true", "node.kubernetes.io/exclude-disruption": "true"}}
}

func (j *job) agents(a *AgentPoolProfile) fleet {
	labels := map[string]string{"kubernetes.azure.com/role": "agent", "agentpool": a.Name, "storageprofile": "managed"}
	maps.Copy(labels, a.CustomNodeLabels)
	return fleet{Machines: a.Machines, name: a.Name, role: "agent", count: "parameters('" + a.Name + "Count')", size: "parameters('" + a.Name + "VMSize')",
		image: a.Name, provision: "variables('provision')", subnet: j.subnetID(a.VnetSubnetID), labels: labels}
}

func (f fleet) offset() string { return "variables('" + f.name + "Offset')" }
func (f fleet) prefix() string { return "'k8s-" + f.name + "-', parameters('nameSuffix'), '-'" }

// each is the name of the VM of a round, or of something of its, that comes between or behind.
func (f fleet) each(between, behind string) string {
	name := "concat(" + f.prefix()
	if between != "" {
		name += ", '" + between + "'"
	}
	name += ", copyIndex(" + f.offset() + ")"
	if behind != "" {
		name += ", " + behind
	}
	return name + ")"
}

func (f fleet) set() string {
	if f.name == "master" {
		return "concat('master-availabilityset-', parameters('nameSuffix'))"
	}
	return "concat('" + f.name + "-availabilitySet-', parameters('nameSuffix'))"
}

func (f fleet) availabilitySet() object {
	return resource("Microsoft.Compute/availabilitySets", computeVersion, "["+f.set()+"]", object{"platformFaultDomainCount": 3, "platformUpdateDomainCount": 3},
		object{"sku": object{"name": "Aligned"}})
}

// resource is one in the cluster's region.
func resource(kind, version, name string, properties, more object) object {
	r := object{"type": kind, "apiVersion": version, "name": name, "location": "[parameters('location')]", "properties": properties}
	maps.Copy(r, more)
	return r
}

// vms are the resources of a fleet: an interface, a machine and the extension that makes a node of it. Those of a
// cluster that exists find their surroundings there.
func (j *job) vms(f fleet, exists bool) []any {
	loop := func(needs ...string) object {
		return object{"copy": object{"name": f.name + "Loop", "count": "[sub(" + f.count + ", " + f.offset() + ")]"}, "dependsOn": needs, "tags": f.tags()}
	}
	nic := loop()
	if !exists {
		nic = loop(j.interfaceNeeds(f)...)
	}
	nic["copy"].(object)["name"] = f.name + "NICLoop"
	needs := []string{idOf("Microsoft.Network/networkInterfaces", f.each("nic-", ""))}
	if !exists {
		needs = append(needs, idOf("Microsoft.Compute/availabilitySets", f.set()))
	}
	script := loop(idOf("Microsoft.Compute/virtualMachines", f.each("", "")))
	script["copy"].(object)["name"] = f.name + "ExtensionLoop"
	return []any{
		resource("Microsoft.Network/networkInterfaces", networkVersion, "["+f.each("nic-", "")+"]", j.interfaces(f), nic),
		resource("Microsoft.Compute/virtualMachines", computeVersion, "["+f.each("", "")+"]", f.machine(exists), loop(needs...)),
		resource("Microsoft.Compute/virtualMachines/extensions", computeVersion, "["+f.each("", "'/cse-"+f.role+"-', copyIndex("+f.offset()+")")+"]", object{
			"publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.0", "autoUpgradeMinorVersion": true,
			"settings": object{}, "protectedSettings": object{"commandToExecute": "[" + f.provision + "]"}}, script),
	}
}

// tags are how later operations find the VMs and know their version.
func (f fleet) tags() object {
	return object{"aksEngineVersion": "[parameters('aksEngineVersion')]", "creationSource": "[concat('aksengine-', " + f.each("", "") + ")]",
		"orchestrator": "[variables('orchestratorNameVersionTag')]", "poolName": f.name, "resourceNameSuffix": "[parameters('nameSuffix')]"}
}

func (f fleet) machine(exists bool) object {
	image, disk := object{}, object{"createOption": "FromImage", "caching": "ReadWrite"}
	for _, key := range []string{"publisher", "offer", "SKU", "version"} {
		image[strings.ToLower(key)] = "[parameters('" + f.image + "osImage" + strings.ToUpper(key[:1]) + key[1:] + "')]"
	}
	if f.OSDiskSizeGB > 0 {
		disk["diskSizeGB"] = f.OSDiskSizeGB
	}
	storage := object{"imageReference": image, "osDisk": disk}
	if f.etcd {
		storage["dataDisks"] = []object{f.etcdDisk(exists)}
	}
	key := object{"path": "[concat('/home/', parameters('linuxAdminUsername'), '/.ssh/authorized_keys')]", "keyData": "[parameters('sshRSAPublicKey')]"}
	return object{
		"availabilitySet": object{"id": idOf("Microsoft.Compute/availabilitySets", f.set())},
		"hardwareProfile": object{"vmSize": "[" + f.size + "]"},
		"networkProfile":  object{"networkInterfaces": []object{{"id": idOf("Microsoft.Network/networkInterfaces", f.each("nic-", ""))}}},
		"osProfile": object{"computerName": "[" + f.each("", "") + "]", "adminUsername": "[parameters('linuxAdminUsername')]", "customData": f.cloudInit(),
			"linuxConfiguration": object{"disablePasswordAuthentication": true, "ssh": object{"publicKeys": []object{key}}}},
		"storageProfile": storage,
	}
}

// etcdDisk outlives its VM: a master that is made again finds its data there.
func (f fleet) etcdDisk(exists bool) object {
	name := f.each("", "'-etcddisk'")
	if exists {
		return object{"lun": 0, "createOption": "attach", "name": "[" + name + "]", "managedDisk": object{"id": idOf("Microsoft.Compute/disks", name)}}
	}
	return object{"lun": 0, "createOption": "Empty", "name": "[" + name + "]", "diskSizeGB": "[variables('etcdDiskSizeGB')]"}
}

// cloudInit is what a VM does at its first start. It tells the kubelet its labels.
func (f fleet) cloudInit() string {
	var labels []string
	for _, key := range slices.Sorted(maps.Keys(f.labels)) {
		labels = append(labels, key+"="+f.labels[key])
	}
	text := "#cloud-config\nwrite_files:\n- path: /etc/default/kubelet\n  owner: root\n  content: |\n    KUBELET_NODE_LABELS=" + strings.Join(labels, ",") + "\n"
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// interfaces are the properties of the fleet's network interfaces. With Azure CNI pods have addresses there too.
func (j *job) interfaces(f fleet) object {
	subnet := object{"id": f.subnet}
	first := object{"primary": true, "privateIPAllocationMethod": "Dynamic", "subnet": subnet}
	if f.name == "master" {
		behind := func(balancer string) object {
			return object{"id": "[concat(variables('" + balancer + "'), '/backendAddressPools/masters')]"}
		}
		pools := []object{behind("masterLbID")}
		if f.Count > 1 {
			pools = append(pools, behind("masterInternalLbID"))
		}
		maps.Copy(first, object{"privateIPAllocationMethod": "Static", "privateIPAddress": "[variables('masterAddresses')[copyIndex(" + f.offset() + ")]]",
			"loadBalancerBackendAddressPools": pools,
			"loadBalancerInboundNatRules":     []object{{"id": "[concat(variables('masterLbID'), '/inboundNatRules/SSH-', " + f.each("", "") + ")]"}}})
	}
	configs := []object{{"name": "ipconfig1", "properties": first}}
	if j.azureCNI() {
		for i := range j.props.OrchestratorProfile.KubernetesConfig.MaxPods {
			configs = append(configs, object{"name": fmt.Sprintf("ipconfig%d", i+2),
				"properties": object{"primary": false, "privateIPAllocationMethod": "Dynamic", "subnet": subnet}})
		}
	}
	out := object{"ipConfigurations": configs}
	if !j.ownNetwork() { // else the subnet has it
		out["networkSecurityGroup"] = object{"id": idOf("Microsoft.Network/networkSecurityGroups", "variables('nsgName')")}
	}
	return out
}

// interfaceNeeds is what must be there before the interfaces.
func (j *job) interfaceNeeds(f fleet) []string {
	needs := []string{idOf("Microsoft.Network/networkSecurityGroups", "variables('nsgName')")}
	if j.ownNetwork() {
		needs = []string{idOf("Microsoft.Network/virtualNetworks", "concat('k8s-vnet-', parameters('nameSuffix'))")}
	}
	if f.name == "master" {
		needs = append(needs, "[variables('masterLbID')]")
		if f.Count > 1 {
			needs = append(needs, "[variables('masterInternalLbID')]")
		}
	}
	return needs
}

// provision is the command that makes a node of a VM. It carries what the node must know, secrets too.
func (j *job) provision(master bool) string {
	o := j.props.OrchestratorProfile
	parts := []string{"'KUBERNETES_VERSION=" + o.OrchestratorVersion + "'", "' RESOURCE_GROUP='", "resourceGroup().name", "' SUBSCRIPTION='", "subscription().subscriptionId"}
	add := func(name string) { parts = append(parts, "' "+strings.ToUpper(name)+"='", "parameters('"+name+"')") }
	if j.props.ServicePrincipalProfile != nil {
		add("servicePrincipalClientId")
		add("servicePrincipalClientSecret")
	}
	for _, file := range j.props.CertificateProfile.files() {
		if onAgents := file.parameter == "client"; file.peer < 0 && (master || onAgents) {
			add(file.parameter + "Certificate")
			add(file.parameter + "PrivateKey")
		}
	}
	if master {
		for i := range j.props.CertificateProfile.EtcdPeerCertificates {
			add("etcdPeerCertificate" + strconv.Itoa(i))
			add("etcdPeerPrivateKey" + strconv.Itoa(i))
		}
	} else {
		add("caCertificate")
		add("apiServerCertificate")
	}
	return "[concat(" + strings.Join(append(parts, "' /bin/bash /opt/azure/containers/provision.sh >> /var/log/azure/cluster-provision.log 2>&1'"), ", ") + ")]"
}
