package standin

import (
	"fmt"
	"strconv"
)

// masterResources are the control plane, with the network that it shares with the pools.
func (j *job) masterResources() []any {
	m := j.props.MasterProfile
	out := []any{availabilitySet("masterAvailabilitySet", m.PlatformFaultDomainCount, m.PlatformUpdateDomainCount)}
	if j.ownNetwork() {
		out = append(out, j.virtualNetwork())
	}
	out = append(out, securityGroup())
	if !j.azureCNI() {
		out = append(out, network("routeTables", object{"name": "[variables('routeTableName')]"}))
	}
	address := network("publicIPAddresses", object{"name": "[variables('masterPublicIPAddressName')]", "sku": object{"name": "[variables('loadBalancerSku')]"},
		"properties": object{"publicIPAllocationMethod": "Static", "dnsSettings": object{"domainNameLabel": "[variables('masterFqdnPrefix')]"}}})
	out = append(out, j.masterInterfaces(), address, j.publicBalancer())
	if m.Count > 1 {
		out = append(out, j.internalBalancer())
	}
	n := j.masterNodes()
	script := n.script()
	script["tags"] = object{}
	return append(out, j.machine(n), script)
}

func (j *job) masterNodes() nodes {
	m := j.props.MasterProfile
	size, _ := strconv.Atoi(j.props.OrchestratorProfile.KubernetesConfig.EtcdDiskSizeGB)
	n := nodes{pool: "master", role: "master", prefix: variable("masterVMNamePrefix"), offset: variable("masterOffset"),
		count: "sub(variables('masterCount'), variables('masterOffset'))", set: "masterAvailabilitySet", size: m.VMSize, image: "parameters('",
		settings: "variables('provisionScriptParametersCommon'),variables('provisionScriptParametersMaster')", diskGB: m.OSDiskSizeGB,
		labels: "kubernetes.azure.com/role=master,node.kubernetes.io/exclude-from-external-load-balancers=true,node.kubernetes.io/exclude-disruption=true"}
	n.disks = []object{{"lun": 0, "createOption": "Empty", "diskSizeGB": size, "name": "[concat(" + n.prefix + ", " + n.index() + ",'-etcddisk')]"}}
	return n
}

func (j *job) virtualNetwork() object {
	needs := []string{"[concat('Microsoft.Network/networkSecurityGroups/', variables('nsgName'))]"}
	subnet := object{"addressPrefix": "[parameters('masterSubnet')]", "networkSecurityGroup": object{"id": "[variables('nsgID')]"}}
	if !j.azureCNI() {
		needs = append(needs, "[concat('Microsoft.Network/routeTables/', variables('routeTableName'))]")
		subnet["routeTable"] = object{"id": "[variables('routeTableID')]"}
	}
	return network("virtualNetworks", object{"name": "[variables('virtualNetworkName')]", "dependsOn": needs, "properties": object{
		"addressSpace": object{"addressPrefixes": []string{"[parameters('vnetCidr')]"}},
		"subnets":      []object{{"name": "[variables('subnetName')]", "properties": subnet}},
	}})
}

func securityGroup() object {
	rule := func(name, what, ports string, priority int) object {
		return object{"name": name, "properties": object{"access": "Allow", "direction": "Inbound", "protocol": "Tcp", "priority": priority, "description": "Allow " + what + " to master",
			"sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": ports}}
	}
	return network("networkSecurityGroups", object{"name": "[variables('nsgName')]", "properties": object{"securityRules": []object{
		rule("allow_ssh", "SSH traffic", "22-22", 101), rule("allow_kube_tls", "kube-apiserver (tls) traffic", "443-443", 100)}}})
}

func (j *job) masterInterfaces() object {
	n := j.masterNodes()
	pools := []object{{"id": "[concat(variables('masterLbID'), '/backendAddressPools/', variables('masterLbBackendPoolName'))]"}}
	needs := []string{"[variables('masterLbName')]"}
	if j.props.MasterProfile.Count > 1 {
		pools = append(pools, object{"id": "[concat(variables('masterInternalLbID'), '/backendAddressPools/', variables('masterLbBackendPoolName'))]"})
		needs = append([]string{"[variables('masterInternalLbName')]"}, needs...)
	}
	configs := []object{{"name": "ipconfig1", "properties": object{
		"primary": true, "privateIPAllocationMethod": "Static", "privateIPAddress": "[variables('masterPrivateIpAddrs')[" + n.index() + "]]",
		"subnet": object{"id": "[variables('vnetSubnetID')]"}, "loadBalancerBackendAddressPools": pools,
		"loadBalancerInboundNatRules": []object{{"id": "[concat(variables('masterLbID'),'/inboundNatRules/SSH-'," + n.prefix + "," + n.index() + ")]"}},
	}}}
	for i := 2; i <= j.props.MasterProfile.IPAddressCount; i++ {
		more := moreAddresses(i, "[variables('vnetSubnetID')]")
		more["properties"].(object)["primary"] = false
		configs = append(configs, more)
	}
	properties := object{"ipConfigurations": configs}
	j.guard(properties)
	return each("nicLoopNode", n.count, network("networkInterfaces", object{"name": "[" + n.nic() + "]", "dependsOn": j.networkNeeds(needs...), "properties": properties}))
}

// sshPort is where the public load balancer leads to a master's SSH server.
func sshPort(master int) int {
	if master == 0 {
		return 22
	}
	return 2200 + master
}

func (j *job) publicBalancer() object {
	frontend := object{"id": "[variables('masterLbIPConfigID')]"}
	var nat []object
	for i := range j.props.MasterProfile.Count {
		nat = append(nat, object{"name": fmt.Sprintf("[concat('SSH-', variables('masterVMNamePrefix'), %d)]", i), "properties": object{
			"protocol": "Tcp", "frontendPort": sshPort(i), "backendPort": 22, "enableFloatingIP": false, "frontendIPConfiguration": frontend}})
	}
	ip := object{"publicIPAddress": object{"id": idOf("Microsoft.Network/publicIpAddresses", "variables('masterPublicIPAddressName')")}}
	properties := balancer("masterLb", ip, "LBRuleHTTPS", 443)
	properties["inboundNatRules"] = nat
	properties["loadBalancingRules"].([]object)[0]["properties"].(object)["loadDistribution"] = "Default"
	return network("loadBalancers", object{"name": "[variables('masterLbName')]", "sku": object{"name": "[variables('loadBalancerSku')]"},
		"dependsOn": []string{"[concat('Microsoft.Network/publicIPAddresses/', variables('masterPublicIPAddressName'))]"}, "properties": properties})
}

// internalBalancer is how nodes reach the API servers. Masters reach themselves through it by another port.
func (j *job) internalBalancer() object {
	ip := object{"privateIPAddress": "[variables('kubernetesAPIServerIP')]", "privateIPAllocationMethod": "Static", "subnet": object{"id": "[variables('vnetSubnetID')]"}}
	return network("loadBalancers", object{"name": "[variables('masterInternalLbName')]", "sku": object{"name": "[variables('loadBalancerSku')]"},
		"dependsOn": j.networkNeeds(), "properties": balancer("masterInternalLb", ip, "InternalLBRuleHTTPS", 4443)})
}

// balancer is the properties of a load balancer with one frontend, one pool and one rule. Its variables begin with name.
func balancer(name string, frontend object, rule string, port int) object {
	return object{
		"frontendIPConfigurations": []object{{"name": "[variables('" + name + "IPConfigName')]", "properties": frontend}},
		"backendAddressPools":      []object{{"name": "[variables('masterLbBackendPoolName')]"}},
		"loadBalancingRules": []object{{"name": rule, "properties": object{
			"protocol": "Tcp", "frontendPort": 443, "backendPort": port, "enableFloatingIP": false, "idleTimeoutInMinutes": 5,
			"frontendIPConfiguration": object{"id": "[variables('" + name + "IPConfigID')]"}, "probe": object{"id": "[concat(variables('" + name + "ID'),'/probes/tcpHTTPSProbe')]"},
			"backendAddressPool": object{"id": "[concat(variables('" + name + "ID'), '/backendAddressPools/', variables('masterLbBackendPoolName'))]"},
		}}},
		"probes": []object{{"name": "tcpHTTPSProbe", "properties": object{"protocol": "Tcp", "port": port, "intervalInSeconds": 5, "numberOfProbes": 2}}},
	}
}
