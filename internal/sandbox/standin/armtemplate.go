package standin

import (
	"encoding/base64"
	"fmt"
)

type object = map[string]any

func value(v any) object { return object{"value": v} }

// parameters are the values that go with the template.
func (j *job) parameters() object {
	c, m := j.props.CertificateProfile, j.props.MasterProfile
	b64 := func(s string) object { return value(base64.StdEncoding.EncodeToString([]byte(s))) }
	p := object{
		"nameSuffix": value(j.suffix), "masterVMSize": value(m.VMSize), "masterEndpointDNSNamePrefix": value(m.DNSPrefix), "location": value(j.cs.Location),
		"linuxAdminUsername": value(j.props.LinuxProfile.AdminUsername), "sshRSAPublicKey": value(j.props.LinuxProfile.SSH.PublicKeys[0].KeyData),
		"servicePrincipalClientId": value(j.props.ServicePrincipalProfile.ClientID), "servicePrincipalClientSecret": value(j.props.ServicePrincipalProfile.Secret),
		"kubeClusterCidr": value(j.props.OrchestratorProfile.KubernetesConfig.ClusterSubnet), "networkPlugin": value(j.props.OrchestratorProfile.KubernetesConfig.NetworkPlugin),
		"osImageSKU": value(imageSKU), "osImageVersion": value(imageVersion), "firstConsecutiveStaticIP": value(m.FirstConsecutiveStaticIP),
		"caCertificate": b64(c.CaCertificate), "caPrivateKey": b64(c.CaPrivateKey), "apiServerCertificate": b64(c.APIServerCertificate), "apiServerPrivateKey": b64(c.APIServerPrivateKey),
		"clientCertificate": b64(c.ClientCertificate), "clientPrivateKey": b64(c.ClientPrivateKey), "kubeConfigCertificate": b64(c.KubeConfigCertificate), "kubeConfigPrivateKey": b64(c.KubeConfigPrivateKey),
		"etcdServerCertificate": b64(c.EtcdServerCertificate), "etcdServerPrivateKey": b64(c.EtcdServerPrivateKey), "etcdClientCertificate": b64(c.EtcdClientCertificate), "etcdClientPrivateKey": b64(c.EtcdClientPrivateKey),
	}
	for i := range c.EtcdPeerCertificates {
		p[fmt.Sprintf("etcdPeerCertificate%d", i)], p[fmt.Sprintf("etcdPeerPrivateKey%d", i)] = b64(c.EtcdPeerCertificates[i]), b64(c.EtcdPeerPrivateKeys[i])
	}
	for _, a := range j.props.AgentPoolProfiles {
		p[a.Name+"Count"], p[a.Name+"VMSize"], p[a.Name+"Offset"] = value(a.Count), value(a.VMSize), value(0)
	}
	return p
}

// template is the ARM template of the whole cluster.
func (j *job) template() object {
	declared := object{}
	for name, v := range j.parameters() {
		kind := "string"
		switch v.(object)["value"].(type) {
		case int:
			kind = "int"
		}
		if len(name) > 10 && (name[len(name)-10:] == "PrivateKey" || name == "servicePrincipalClientSecret") {
			kind = "securestring"
		}
		declared[name] = object{"type": kind}
	}
	declared["masterOffset"] = object{"type": "int", "defaultValue": 0, "allowedValues": []int{0, 1, 2, 3, 4}}
	resources := []any{object{
		"type": "Microsoft.Resources/deployments", "apiVersion": "2018-05-01", "name": "pid-1bda96ec-adf4-4eea-bb9a-8462de5475c0",
		"properties": object{"mode": "Incremental", "template": object{"$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": []any{}}},
	}}
	for i, a := range j.props.AgentPoolProfiles {
		resources = append(resources, j.pool(i, a)...)
	}
	resources = append(resources, j.network()...)
	resources = append(resources, j.masters()...)
	return object{
		"$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
		"parameters": declared, "variables": j.variables(), "resources": resources,
		"outputs": object{
			"masterFQDN":    object{"type": "string", "value": "[reference(concat('Microsoft.Network/publicIPAddresses/', variables('masterPublicIPAddressName'))).dnsSettings.fqdn]"},
			"resourceGroup": object{"type": "string", "value": "[variables('resourceGroup')]"}, "subnetName": object{"type": "string", "value": "[variables('subnetName')]"},
			"virtualNetworkName": object{"type": "string", "value": "[variables('virtualNetworkName')]"}, "securityGroupName": object{"type": "string", "value": "[variables('nsgName')]"},
			"primaryAvailabilitySetName": object{"type": "string", "value": fmt.Sprintf("[variables('%sAvailabilitySet')]", j.props.AgentPoolProfiles[0].Name)},
		},
	}
}

func (j *job) variables() object {
	v := object{
		"location": "[parameters('location')]", "resourceGroup": "[resourceGroup().name]", "masterCount": j.props.MasterProfile.Count, "masterOffset": "[parameters('masterOffset')]",
		"orchestratorNameVersionTag": "Kubernetes:" + j.props.OrchestratorProfile.OrchestratorVersion, "subnetName": "k8s-subnet",
		"virtualNetworkName": "[concat('k8s-vnet-', parameters('nameSuffix'))]", "vnetID": "[resourceId('Microsoft.Network/virtualNetworks', variables('virtualNetworkName'))]",
		"vnetSubnetID": "[concat(variables('vnetID'), '/subnets/', variables('subnetName'))]", "nsgName": "[concat('k8s-master-', parameters('nameSuffix'), '-nsg')]",
		"nsgID":          "[resourceId('Microsoft.Network/networkSecurityGroups', variables('nsgName'))]",
		"routeTableName": "[concat('k8s-master-', parameters('nameSuffix'), '-routetable')]", "routeTableID": "[resourceId('Microsoft.Network/routeTables', variables('routeTableName'))]",
		"masterVMNamePrefix": "[concat('k8s-master-', parameters('nameSuffix'), '-')]", "masterAvailabilitySet": "[concat('master-availabilityset-', parameters('nameSuffix'))]",
		"masterPublicIPAddressName": "[concat('k8s-master-ip-', parameters('masterEndpointDNSNamePrefix'), '-', parameters('nameSuffix'))]",
		"masterLbName":              "[concat('k8s-master-lb-', parameters('nameSuffix'))]", "masterLbID": "[resourceId('Microsoft.Network/loadBalancers', variables('masterLbName'))]",
		"masterInternalLbName": "[concat('k8s-master-internal-lb-', parameters('nameSuffix'))]", "masterInternalLbID": "[resourceId('Microsoft.Network/loadBalancers', variables('masterInternalLbName'))]",
		"sshKeyPath": "[concat('/home/', parameters('linuxAdminUsername'), '/.ssh/authorized_keys')]",
	}
	if id := j.props.MasterProfile.VnetSubnetID; id != "" {
		v["vnetSubnetID"] = id
	}
	var ips []string
	ips = append(ips, masterIPs(j.props)...)
	v["masterPrivateIpAddrs"] = ips
	for _, a := range j.props.AgentPoolProfiles {
		v[a.Name+"VMNamePrefix"] = fmt.Sprintf("[concat('k8s-%s-', parameters('nameSuffix'), '-')]", a.Name)
		v[a.Name+"AvailabilitySet"] = fmt.Sprintf("[concat('%s-availabilitySet-', parameters('nameSuffix'))]", a.Name)
		v[a.Name+"Offset"] = fmt.Sprintf("[parameters('%sOffset')]", a.Name)
	}
	return v
}

func (j *job) ownVNet() bool { return j.props.MasterProfile.VnetSubnetID != "" }

// tags are on every VM; upgrade and scale find machines by them.
func (j *job) tags(pool, vmName string) object {
	return object{
		"aksEngineVersion": j.engineVersion(), "creationSource": "[concat('aksengine-', " + vmName + ")]", "orchestrator": "[variables('orchestratorNameVersionTag')]",
		"poolName": pool, "resourceNameSuffix": "[parameters('nameSuffix')]",
	}
}

func (j *job) engineVersion() string { return "v0.85.0" }

func availabilitySet(variable string) object {
	return object{
		"type": "Microsoft.Compute/availabilitySets", "apiVersion": "2020-06-01", "name": "[variables('" + variable + "')]", "location": "[variables('location')]",
		"sku": object{"name": "Aligned"}, "properties": object{"platformFaultDomainCount": 3, "platformUpdateDomainCount": 3},
	}
}

// vmProperties are common to all nodes.
func (j *job) vmProperties(sizeParameter, setVariable, name, nic string) object {
	return object{
		"availabilitySet": object{"id": "[resourceId('Microsoft.Compute/availabilitySets', variables('" + setVariable + "'))]"},
		"hardwareProfile": object{"vmSize": "[parameters('" + sizeParameter + "')]"},
		"networkProfile":  object{"networkInterfaces": []any{object{"id": "[resourceId('Microsoft.Network/networkInterfaces', " + nic + ")]"}}},
		"osProfile": object{
			"computerName": "[" + name + "]", "adminUsername": "[parameters('linuxAdminUsername')]", "customData": "[base64(concat('#cloud-config', parameters('nameSuffix')))]",
			"linuxConfiguration": object{"disablePasswordAuthentication": true, "ssh": object{"publicKeys": []any{object{"path": "[variables('sshKeyPath')]", "keyData": "[parameters('sshRSAPublicKey')]"}}}},
		},
		"storageProfile": object{
			"imageReference": object{"publisher": imagePublisher, "offer": imageOffer, "sku": "[parameters('osImageSKU')]", "version": "[parameters('osImageVersion')]"},
			"osDisk":         object{"createOption": "FromImage", "caching": "ReadWrite"},
		},
	}
}

// script is the CustomScript extension that joins a machine to the cluster.
func script(vmPrefix, index, copyName, kind string, count any, first string) object {
	return object{
		"type": "Microsoft.Compute/virtualMachines/extensions", "apiVersion": "2020-06-01", "location": "[variables('location')]",
		"copy":      object{"name": copyName, "count": count},
		"name":      fmt.Sprintf("[concat(%s, %s, '/cse-%s-', %s)]", vmPrefix, index, kind, index),
		"dependsOn": []any{fmt.Sprintf("[concat('Microsoft.Compute/virtualMachines/', %s, %s)]", vmPrefix, index)},
		"properties": object{
			"publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.0", "autoUpgradeMinorVersion": true, "settings": object{},
			"protectedSettings": object{"commandToExecute": "[concat('/opt/azure/containers/provision.sh ', " + first + ")]"},
		},
	}
}

func (j *job) pool(_ int, a *AgentPoolProfile) []any {
	n := a.Name
	prefix, offset := "variables('"+n+"VMNamePrefix')", "variables('"+n+"Offset')"
	index := "copyIndex(" + offset + ")"
	count := "[sub(parameters('" + n + "Count'), " + offset + ")]"
	nic := "concat(" + prefix + ", 'nic-', " + index + ")"
	name := "concat(" + prefix + ", " + index + ")"
	subnet := "[variables('vnetSubnetID')]"
	if a.VnetSubnetID != "" {
		subnet = a.VnetSubnetID
	}
	var needs []any
	if !j.ownVNet() {
		needs = append(needs, "[variables('vnetID')]")
	}
	return []any{
		object{
			"type": "Microsoft.Network/networkInterfaces", "apiVersion": "2018-11-01", "location": "[variables('location')]", "dependsOn": needs,
			"copy": object{"name": n + "NicLoop", "count": count}, "name": "[" + nic + "]", "tags": j.tags(n, name),
			"properties": object{"enableIPForwarding": true, "ipConfigurations": []any{object{"name": "ipconfig1", "properties": object{"primary": true, "privateIPAllocationMethod": "Dynamic", "subnet": object{"id": subnet}}}}},
		},
		availabilitySet(n + "AvailabilitySet"),
		object{
			"type": "Microsoft.Compute/virtualMachines", "apiVersion": "2020-06-01", "location": "[variables('location')]",
			"copy": object{"name": n + "VMLoop", "count": count}, "name": "[" + name + "]", "tags": j.tags(n, name),
			"dependsOn":  []any{"[concat('Microsoft.Network/networkInterfaces/', " + nic + ")]", "[concat('Microsoft.Compute/availabilitySets/', variables('" + n + "AvailabilitySet'))]"},
			"properties": j.vmProperties(n+"VMSize", n+"AvailabilitySet", name, nic),
		},
		script(prefix, index, n+"CSELoop", "agent", count, "parameters('clientPrivateKey')"),
	}
}

func (j *job) network() []any {
	var out []any
	if !j.ownVNet() {
		out = append(out, object{
			"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2018-11-01", "name": "[variables('virtualNetworkName')]", "location": "[variables('location')]",
			"dependsOn": []any{"[concat('Microsoft.Network/routeTables/', variables('routeTableName'))]", "[concat('Microsoft.Network/networkSecurityGroups/', variables('nsgName'))]"},
			"properties": object{
				"addressSpace": object{"addressPrefixes": []any{"10.0.0.0/8"}},
				"subnets": []any{object{"name": "[variables('subnetName')]", "properties": object{"addressPrefix": "10.240.0.0/16",
					"networkSecurityGroup": object{"id": "[variables('nsgID')]"}, "routeTable": object{"id": "[variables('routeTableID')]"}}}},
			},
		})
	}
	rule := func(name string, priority int, port string) object {
		return object{"name": name, "properties": object{"priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": port}}
	}
	out = append(out,
		object{"type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2018-11-01", "name": "[variables('nsgName')]", "location": "[variables('location')]",
			"properties": object{"securityRules": []any{rule("allow_kube_tls", 100, "443-443"), rule("allow_ssh", 101, "22-22")}}},
		object{"type": "Microsoft.Network/routeTables", "apiVersion": "2018-11-01", "name": "[variables('routeTableName')]", "location": "[variables('location')]", "properties": object{}},
		object{"type": "Microsoft.Network/publicIPAddresses", "apiVersion": "2018-11-01", "name": "[variables('masterPublicIPAddressName')]", "location": "[variables('location')]",
			"sku": object{"name": "Basic"}, "properties": object{"publicIPAllocationMethod": "Static", "dnsSettings": object{"domainNameLabel": "[parameters('masterEndpointDNSNamePrefix')]"}}},
		j.publicBalancer(),
	)
	if j.props.MasterProfile.Count > 1 {
		out = append(out, j.internalBalancer())
	}
	return out
}

func (j *job) publicBalancer() object {
	frontend := object{"id": "[concat(variables('masterLbID'), '/frontendIPConfigurations/', variables('masterLbName'))]"}
	var nat []any
	for i := range j.props.MasterProfile.Count {
		port := 2200 + i
		if i == 0 {
			port = 22
		}
		nat = append(nat, object{"name": fmt.Sprintf("[concat('SSH-', variables('masterVMNamePrefix'), %d)]", i),
			"properties": object{"frontendIPConfiguration": frontend, "protocol": "Tcp", "frontendPort": port, "backendPort": 22, "enableFloatingIP": false}})
	}
	return object{
		"type": "Microsoft.Network/loadBalancers", "apiVersion": "2018-11-01", "name": "[variables('masterLbName')]", "location": "[variables('location')]",
		"dependsOn": []any{"[concat('Microsoft.Network/publicIPAddresses/', variables('masterPublicIPAddressName'))]"}, "sku": object{"name": "Basic"},
		"properties": object{
			"frontendIPConfigurations": []any{object{"name": "[variables('masterLbName')]", "properties": object{"publicIPAddress": object{"id": "[resourceId('Microsoft.Network/publicIPAddresses', variables('masterPublicIPAddressName'))]"}}}},
			"backendAddressPools":      []any{object{"name": "[concat('master-pool-', parameters('nameSuffix'))]", "properties": object{}}},
			"loadBalancingRules":       []any{object{"name": "LBRuleHTTPS", "properties": object{"frontendIPConfiguration": frontend, "protocol": "Tcp", "frontendPort": 443, "backendPort": 443, "loadDistribution": "Default", "idleTimeoutInMinutes": 5}}},
			"probes":                   []any{object{"name": "tcpHTTPSProbe", "properties": object{"protocol": "Tcp", "port": 443, "intervalInSeconds": 5, "numberOfProbes": 2}}},
			"inboundNatRules":          nat,
		},
	}
}

func (j *job) internalBalancer() object {
	return object{
		"type": "Microsoft.Network/loadBalancers", "apiVersion": "2018-11-01", "name": "[variables('masterInternalLbName')]", "location": "[variables('location')]",
		"dependsOn": j.vnetNeeds(), "sku": object{"name": "Basic"},
		"properties": object{
			"frontendIPConfigurations": []any{object{"name": "[variables('masterInternalLbName')]", "properties": object{"privateIPAddress": internalLB, "privateIPAllocationMethod": "Static", "subnet": object{"id": "[variables('vnetSubnetID')]"}}}},
			"backendAddressPools":      []any{object{"name": "[concat('master-pool-', parameters('nameSuffix'))]", "properties": object{}}},
			"loadBalancingRules":       []any{object{"name": "InternalLBRuleHTTPS", "properties": object{"protocol": "Tcp", "frontendPort": 443, "backendPort": 4443}}},
		},
	}
}

func (j *job) vnetNeeds() []any {
	if j.ownVNet() {
		return []any{}
	}
	return []any{"[variables('vnetID')]"}
}

func (j *job) masters() []any {
	index := "copyIndex(variables('masterOffset'))"
	count := "[sub(variables('masterCount'), variables('masterOffset'))]"
	prefix := "variables('masterVMNamePrefix')"
	nic := "concat(" + prefix + ", 'nic-', " + index + ")"
	name := "concat(" + prefix + ", " + index + ")"
	needs := append(j.vnetNeeds(), "[variables('masterLbID')]")
	if j.props.MasterProfile.Count > 1 {
		needs = append(needs, "[variables('masterInternalLbID')]")
	}
	props := j.vmProperties("masterVMSize", "masterAvailabilitySet", name, nic)
	props["storageProfile"].(object)["dataDisks"] = []any{object{"createOption": "Empty", "diskSizeGB": "[int(" + quote(j.props.OrchestratorProfile.KubernetesConfig.EtcdDiskSizeGB) + ")]", "lun": 0, "name": "[concat(" + prefix + ", " + index + ", '-etcddisk')]"}}
	return []any{
		availabilitySet("masterAvailabilitySet"),
		object{
			"type": "Microsoft.Network/networkInterfaces", "apiVersion": "2018-11-01", "location": "[variables('location')]", "dependsOn": needs,
			"copy": object{"name": "nicLoopNode", "count": count}, "name": "[" + nic + "]",
			"properties": object{"enableIPForwarding": true, "ipConfigurations": []any{object{"name": "ipconfig1", "properties": object{"primary": true, "privateIPAllocationMethod": "Static",
				"privateIPAddress": "[variables('masterPrivateIpAddrs')[" + index + "]]", "subnet": object{"id": "[variables('vnetSubnetID')]"}}}}},
		},
		object{
			"type": "Microsoft.Compute/virtualMachines", "apiVersion": "2020-06-01", "location": "[variables('location')]",
			"copy": object{"name": "vmLoopNode", "count": count}, "name": "[" + name + "]", "tags": j.tags("master", name),
			"dependsOn":  []any{"[concat('Microsoft.Network/networkInterfaces/', " + nic + ")]", "[concat('Microsoft.Compute/availabilitySets/', variables('masterAvailabilitySet'))]"},
			"properties": props,
		},
		script(prefix, index, "masterCSELoop", "master", count, "parameters('apiServerPrivateKey')"),
	}
}

func quote(s string) string { return "'" + s + "'" }
