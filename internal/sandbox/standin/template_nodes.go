package standin

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// nodes describes the VMs of one pool or of the control plane, for the resources that they have in common.
type nodes struct {
	pool     string // value of the poolName tag
	role     string // in the extension's name: agent or master
	prefix   string // expression of the VM names' beginning
	offset   string // expression of the first index
	count    string // expression of how many
	set      string // variable of the availability set
	size     string // the VM size, or an expression
	image    string // what stands before osImageSKU: variables('pool, or parameters('
	settings string // expression of the provisioning script's settings
	diskGB   int    // OS disk, 0 for the image's own
	disks    any
	labels   string
}

func (n nodes) index() string { return "copyIndex(" + n.offset + ")" }
func (n nodes) name() string  { return "concat(" + n.prefix + ", " + n.index() + ")" }
func (n nodes) nic() string   { return "concat(" + n.prefix + ", 'nic-', " + n.index() + ")" }

func compute(kind string, r object) object {
	r["type"], r["apiVersion"], r["location"] = "Microsoft.Compute/"+kind, "[variables('apiVersionCompute')]", "[variables('location')]"
	return r
}

func network(kind string, r object) object {
	r["type"], r["apiVersion"], r["location"] = "Microsoft.Network/"+kind, "[variables('apiVersionNetwork')]", "[variables('location')]"
	return r
}

func availabilitySet(name string, faults, updates *int) object {
	return compute("availabilitySets", object{"name": "[" + variable(name) + "]", "sku": object{"name": "Aligned"},
		"properties": object{"platformFaultDomainCount": *faults, "platformUpdateDomainCount": *updates}})
}

// machine is the VM resource.
func (j *job) machine(n nodes) object {
	disk := object{"createOption": "FromImage", "caching": "ReadWrite"}
	if n.diskGB > 0 {
		disk["diskSizeGB"] = n.diskGB
	}
	image := object{}
	for key, name := range map[string]string{"publisher": "Publisher", "offer": "Offer", "sku": "SKU", "version": "Version"} {
		image[key] = "[" + n.image + "osImage" + name + "')]"
	}
	key := object{"path": "[variables('sshKeyPath')]", "keyData": "[parameters('sshRSAPublicKey')]"}
	return each("vmLoopNode", n.count, compute("virtualMachines", object{
		"name": "[" + n.name() + "]", "tags": n.tags(),
		"dependsOn": []string{"[concat('Microsoft.Network/networkInterfaces/', " + n.prefix + ", 'nic-', " + n.index() + ")]",
			"[concat('Microsoft.Compute/availabilitySets/', " + variable(n.set) + ")]"},
		"properties": object{
			"availabilitySet": object{"id": idOf("Microsoft.Compute/availabilitySets", variable(n.set))},
			"hardwareProfile": object{"vmSize": n.size},
			"networkProfile":  object{"networkInterfaces": []object{{"id": idOf("Microsoft.Network/networkInterfaces", n.nic())}}},
			"osProfile": object{"computerName": "[" + n.name() + "]", "adminUsername": "[parameters('linuxAdminUsername')]", "customData": j.cloudInit(n),
				"linuxConfiguration": object{"disablePasswordAuthentication": true, "ssh": object{"publicKeys": []object{key}}}},
			"storageProfile": object{"imageReference": image, "osDisk": disk, "dataDisks": n.disks},
		},
	}))
}

// tags are how later operations find the VMs and know their version.
func (n nodes) tags() object {
	return object{"aksEngineVersion": "[parameters('aksEngineVersion')]", "creationSource": "[concat(parameters('generatorCode'), '-', " + n.prefix + ", " + n.index() + ")]",
		"orchestrator": "[variables('orchestratorNameVersionTag')]", "poolName": n.pool, "resourceNameSuffix": "[parameters('nameSuffix')]"}
}

// script is the extension that makes a node of a VM. Its command carries secrets, so it is in the protected settings.
func (n nodes) script() object {
	return each("vmLoopNode", n.count, compute("virtualMachines/extensions", object{
		"name":      "[concat(" + n.prefix + ", " + n.index() + ",'/cse', '-" + n.role + "-', " + n.index() + ")]",
		"dependsOn": []string{"[concat('Microsoft.Compute/virtualMachines/', " + n.prefix + ", " + n.index() + ")]"},
		"properties": object{"publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.0", "autoUpgradeMinorVersion": true,
			"settings": object{}, "protectedSettings": object{"commandToExecute": "[concat(" + n.settings + ", '/bin/bash /opt/azure/containers/provision.sh >> /var/log/azure/cluster-provision.log 2>&1')]"}},
	}))
}

func (j *job) poolResources(a *AgentPoolProfile) []any {
	n := nodes{pool: a.Name, role: "agent", prefix: variable(a.Name + "VMNamePrefix"), offset: variable(a.Name + "Offset"),
		count: "sub(" + variable(a.Name+"Count") + ", " + variable(a.Name+"Offset") + ")", set: a.Name + "AvailabilitySet",
		size: "[" + variable(a.Name+"VMSize") + "]", image: "variables('" + a.Name, settings: variable("provisionScriptParametersCommon"), diskGB: a.OSDiskSizeGB}
	n.labels = "kubernetes.azure.com/role=agent,agentpool=" + a.Name + ",storageprofile=managed"
	for key, value := range a.CustomNodeLabels {
		n.labels += "," + key + "=" + value
	}
	for lun, size := range a.DiskSizesGB {
		list, _ := n.disks.([]object)
		n.disks = append(list, object{"lun": lun, "createOption": "Empty", "diskSizeGB": size, "caching": a.DataDiskCachingType})
	}
	subnet := "[" + variable(a.Name+"VnetSubnetID") + "]"
	configs := []object{{"name": "ipconfig1", "properties": object{"primary": true, "privateIPAllocationMethod": "Dynamic",
		"loadBalancerBackendAddressPools": []any{}, "subnet": object{"id": subnet}}}}
	for i := 2; i <= a.IPAddressCount; i++ {
		configs = append(configs, moreAddresses(i, subnet))
	}
	properties := object{"enableAcceleratedNetworking": false, "ipConfigurations": configs}
	j.guard(properties)
	nic := each("loop", n.count, network("networkInterfaces", object{"name": "[" + n.nic() + "]", "dependsOn": j.networkNeeds(), "properties": properties}))
	return []any{nic, availabilitySet(n.set, a.PlatformFaultDomainCount, a.PlatformUpdateDomainCount), j.machine(n), n.script()}
}

// moreAddresses is a further address of a network interface. With Azure CNI, pods have them.
func moreAddresses(i int, subnet string) object {
	return object{"name": fmt.Sprintf("ipconfig%d", i), "properties": object{"privateIPAllocationMethod": "Dynamic", "subnet": object{"id": subnet}}}
}

// guard puts the security group on an interface where it isn't on the subnet.
func (j *job) guard(properties object) {
	if !j.ownNetwork() {
		properties["networkSecurityGroup"] = object{"id": "[variables('nsgID')]"}
	}
}

// networkNeeds is what the network interfaces depend on.
func (j *job) networkNeeds(more ...string) []string {
	if j.ownNetwork() {
		return append([]string{"[variables('vnetID')]"}, more...)
	}
	return append([]string{"[variables('nsgID')]"}, more...)
}

// cloudInit is what a VM does at its first start: it writes the provisioning script and the kubelet's settings.
func (j *job) cloudInit(n nodes) string {
	k := j.props.OrchestratorProfile.KubernetesConfig
	kubelet := fmt.Sprintf("KUBELET_NODE_LABELS=%s\n    KUBERNETES_VERSION=%s\n    MAX_PODS=%s\n", n.labels, j.props.OrchestratorProfile.OrchestratorVersion, k.KubeletConfig["--max-pods"])
	text := "#cloud-config\n\nwrite_files:\n- path: /opt/azure/containers/provision.sh\n  permissions: \"0744\"\n  encoding: base64\n  owner: root\n  content: "
	rest := "\n- path: /etc/default/kubelet\n  permissions: \"0644\"\n  owner: root\n  content: |\n    " + kubelet + "    #EOF\n"
	return "[base64(concat(" + literal(text) + ",variables('cloudInitFiles').provisionScript," + literal(rest) + "))]"
}

// provisionScript stands where the script is that sets a node up. No sandbox VM runs it.
func provisionScript() string {
	return base64.StdEncoding.EncodeToString([]byte("#!/bin/bash\n# Nodes of the sandbox are set up by the sandbox.\nexit 0\n"))
}

// commonSettings are the settings of the provisioning script on every node, as an expression.
func (j *job) commonSettings() string {
	k, o := j.props.OrchestratorProfile.KubernetesConfig, j.props.OrchestratorProfile
	plain := strings.Join([]string{"ADMINUSER=" + j.props.LinuxProfile.AdminUsername, "KUBERNETES_VERSION=" + o.OrchestratorVersion,
		"NETWORK_PLUGIN=" + k.NetworkPlugin, "NETWORK_POLICY=" + k.NetworkPolicy, "CONTAINER_RUNTIME=" + k.ContainerRuntime, "CONTAINERD_VERSION=" + k.ContainerdVersion,
		"ETCD_VERSION=" + k.EtcdVersion, "LOAD_BALANCER_SKU=" + k.LoadBalancerSku, "CLOUDPROVIDER_BACKOFF_RETRIES=" + strconv.Itoa(k.CloudProviderBackoffRetries),
		"IDENTITY_SYSTEM=" + j.props.CustomCloudProfile.IdentitySystem}, " ")
	expression := "concat(" + literal(plain+" LOCATION=") + ",variables('location'),' RESOURCE_GROUP=',variables('resourceGroup'),' SUBSCRIPTION_ID=',variables('subscriptionId')" +
		",' TENANT_ID=',variables('tenantId'),' APISERVER_PUBLIC_KEY=',parameters('apiServerCertificate'),' KUBELET_PRIVATE_KEY=',parameters('clientPrivateKey')"
	if j.props.ServicePrincipalProfile != nil {
		expression += ",' SERVICE_PRINCIPAL_CLIENT_ID=',parameters('servicePrincipalClientId'),' SERVICE_PRINCIPAL_CLIENT_SECRET=''',parameters('servicePrincipalClientSecret'),''''"
	}
	return "[" + expression + ",' ')]"
}

// masterSettings are those that only masters get.
func masterSettings() string {
	parts := []string{"'MASTER_NODE=true MASTER_VM_NAME='", "variables('masterVMNames')[variables('masterOffset')]"}
	for name, parameter := range map[string]string{"APISERVER_PRIVATE_KEY": "apiServerPrivateKey", "CA_CERTIFICATE": "caCertificate", "CA_PRIVATE_KEY": "caPrivateKey",
		"KUBECONFIG_CERTIFICATE": "kubeConfigCertificate", "KUBECONFIG_KEY": "kubeConfigPrivateKey", "ETCD_SERVER_CERTIFICATE": "etcdServerCertificate",
		"ETCD_SERVER_PRIVATE_KEY": "etcdServerPrivateKey", "ETCD_CLIENT_CERTIFICATE": "etcdClientCertificate", "ETCD_CLIENT_PRIVATE_KEY": "etcdClientPrivateKey"} {
		parts = append(parts, "' "+name+"='", "parameters('"+parameter+"')")
	}
	parts = append(parts, "' ETCD_PEER_CERTIFICATES='", "string(variables('etcdPeerCertificates'))", "' ETCD_PEER_PRIVATE_KEYS='", "string(variables('etcdPeerPrivateKeys'))", "' '")
	return "[concat(" + strings.Join(parts, ",") + ")]"
}
