package standin

import (
	"fmt"
	"net"
)

// masters' addresses follow each other; there can be five.
const maxMasters = 5

func (j *job) masterAddresses() (list []string) {
	first := net.ParseIP(j.props.MasterProfile.FirstConsecutiveStaticIP)
	for i := range maxMasters {
		list = append(list, after(first, i).String())
	}
	return list
}

// apiAddress is where nodes reach the API server: the internal load balancer, or the only master.
func (j *job) apiAddress() string {
	first := net.ParseIP(j.props.MasterProfile.FirstConsecutiveStaticIP)
	if j.props.MasterProfile.Count == 1 {
		return first.String()
	}
	return after(first, balancerAfter).String()
}

// network is what all nodes share, and the way in to the control plane.
func (j *job) network() []any {
	var out []any
	if j.ownNetwork() {
		out = append(out, j.virtualNetwork())
	}
	out = append(out, securityGroup())
	if !j.azureCNI() {
		out = append(out, resource("Microsoft.Network/routeTables", networkVersion, "[variables('routeTableName')]", object{}, nil))
	}
	out = append(out, resource("Microsoft.Network/publicIPAddresses", networkVersion, "[variables('masterPublicIPAddressName')]", object{
		"publicIPAllocationMethod": "Static", "dnsSettings": object{"domainNameLabel": j.props.MasterProfile.DNSPrefix}}, nil), j.publicBalancer())
	if j.props.MasterProfile.Count > 1 {
		out = append(out, j.internalBalancer())
	}
	return out
}

func (j *job) virtualNetwork() object {
	group := idOf("Microsoft.Network/networkSecurityGroups", "variables('nsgName')")
	needs, subnet := []string{group}, object{"addressPrefix": j.nodeSubnet(), "networkSecurityGroup": object{"id": group}}
	if !j.azureCNI() {
		table := idOf("Microsoft.Network/routeTables", "variables('routeTableName')")
		needs, subnet["routeTable"] = append(needs, table), object{"id": table}
	}
	return resource("Microsoft.Network/virtualNetworks", networkVersion, j.vnetName(), object{
		"addressSpace": object{"addressPrefixes": []string{"10.0.0.0/8"}},
		"subnets":      []object{{"name": "k8s-subnet", "properties": subnet}}}, object{"dependsOn": needs})
}

func securityGroup() object {
	allow := func(name, port string, priority int) object {
		return object{"name": name, "properties": object{"access": "Allow", "direction": "Inbound", "protocol": "Tcp", "priority": priority,
			"sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": port}}
	}
	return resource("Microsoft.Network/networkSecurityGroups", networkVersion, "[variables('nsgName')]",
		object{"securityRules": []object{allow("allow_kube_tls", "443", 100), allow("allow_ssh", "22", 101)}}, nil)
}

// sshPort is where the public load balancer leads to a master's SSH server.
func sshPort(master int) int {
	if master == 0 {
		return 22
	}
	return 2200 + master
}

func (j *job) publicBalancer() object {
	const id = "masterLbID"
	address := idOf("Microsoft.Network/publicIPAddresses", "variables('masterPublicIPAddressName')")
	properties := balancer(id, object{"publicIPAddress": object{"id": address}}, "LBRuleHTTPS", 443)
	var ssh []object
	for i := range j.props.MasterProfile.Count {
		ssh = append(ssh, object{"name": fmt.Sprintf("[concat('SSH-k8s-master-', parameters('nameSuffix'), '-%d')]", i), "properties": object{
			"protocol": "Tcp", "frontendPort": sshPort(i), "backendPort": 22, "frontendIPConfiguration": frontOf(id)}})
	}
	properties["inboundNatRules"] = ssh
	return resource("Microsoft.Network/loadBalancers", networkVersion, "[concat('k8s-master-lb-', parameters('nameSuffix'))]", properties, object{"dependsOn": []string{address}})
}

// internalBalancer is how nodes reach the API servers. Masters reach themselves through it by another port.
func (j *job) internalBalancer() object {
	front := object{"privateIPAddress": "[variables('kubernetesAPIServerIP')]", "privateIPAllocationMethod": "Static", "subnet": object{"id": "[variables('masterSubnetID')]"}}
	more := object{}
	if j.ownNetwork() {
		more["dependsOn"] = []string{idOf("Microsoft.Network/virtualNetworks", "concat('k8s-vnet-', parameters('nameSuffix'))")}
	}
	return resource("Microsoft.Network/loadBalancers", networkVersion, "[concat('k8s-master-internal-lb-', parameters('nameSuffix'))]",
		balancer("masterInternalLbID", front, "InternalLBRuleHTTPS", 4443), more)
}

func frontOf(id string) object {
	return object{"id": "[concat(variables('" + id + "'), '/frontendIPConfigurations/front')]"}
}

// balancer is the properties of a load balancer with one front and one rule. id is the variable with its id.
func balancer(id string, front object, name string, port int) object {
	return object{
		"frontendIPConfigurations": []object{{"name": "front", "properties": front}},
		"backendAddressPools":      []object{{"name": "masters"}},
		"probes":                   []object{{"name": "tcpHTTPSProbe", "properties": object{"protocol": "Tcp", "port": port, "intervalInSeconds": 5, "numberOfProbes": 2}}},
		"loadBalancingRules": []object{{"name": name, "properties": object{"protocol": "Tcp", "frontendPort": 443, "backendPort": port,
			"frontendIPConfiguration": frontOf(id), "probe": object{"id": "[concat(variables('" + id + "'), '/probes/tcpHTTPSProbe')]"},
			"backendAddressPool": object{"id": "[concat(variables('" + id + "'), '/backendAddressPools/masters')]"}}}},
	}
}
