package standin

import (
	"encoding/json"
	"fmt"
	"strings"
)

// variables are those of the template that its resources, outputs and later operations look at.
func (j *job) variables() object {
	m := j.props.MasterProfile
	first := ""
	if len(j.props.AgentPoolProfiles) > 0 {
		first = "[concat('" + j.props.AgentPoolProfiles[0].Name + "-availabilitySet-',parameters('nameSuffix'))]"
	}
	environment, _ := json.Marshal(j.props.CustomCloudProfile.Environment)
	v := object{
		"apiVersionCompute": computeVersion, "apiVersionNetwork": "2018-11-01", "apiVersionStorage": "2019-06-01", "apiVersionDeployments": "2018-06-01",
		"locations": []string{"[resourceGroup().location]", "[parameters('location')]"},
		// The second of the two whenever the model names a location.
		"location":      "[variables('locations')[mod(add(2,length(parameters('location'))),add(1,length(parameters('location'))))]]",
		"resourceGroup": "[resourceGroup().name]", "subscriptionId": "[subscription().subscriptionId]", "tenantId": "[subscription().tenantId]",
		"orchestratorNameVersionTag": "Kubernetes:" + j.props.OrchestratorProfile.OrchestratorVersion, "maxVMsPerPool": 100, "vmType": "standard",
		"masterCount": m.Count, "masterOffset": "[parameters('masterOffset')]", "masterFqdnPrefix": m.DNSPrefix, "loadBalancerSku": "Basic",
		"masterVMNamePrefix": "k8s-master-" + j.suffix() + "-", "masterVMNames": j.masterNames(),
		"masterAvailabilitySet": "[concat('master-availabilityset-', parameters('nameSuffix'))]",
		"nsgName":               "[concat(variables('masterVMNamePrefix'), 'nsg')]", "nsgID": "[resourceId('Microsoft.Network/networkSecurityGroups',variables('nsgName'))]",
		"routeTableName": "[concat(variables('masterVMNamePrefix'),'routetable')]", "routeTableID": "[resourceId('Microsoft.Network/routeTables', variables('routeTableName'))]",
		"masterPublicIPAddressName": "[concat(parameters('orchestratorName'), '-master-ip-', variables('masterFqdnPrefix'), '-', parameters('nameSuffix'))]",
		"masterLbName":              "[concat(parameters('orchestratorName'), '-master-lb-', parameters('nameSuffix'))]",
		"masterLbID":                "[resourceId('Microsoft.Network/loadBalancers',variables('masterLbName'))]",
		"masterLbIPConfigName":      "[concat(parameters('orchestratorName'), '-master-lbFrontEnd-', parameters('nameSuffix'))]",
		"masterLbIPConfigID":        "[concat(variables('masterLbID'),'/frontendIPConfigurations/', variables('masterLbIPConfigName'))]",
		"masterLbBackendPoolName":   "[concat(parameters('orchestratorName'), '-master-pool-', parameters('nameSuffix'))]",
		"sshKeyPath":                "[concat('/home/',parameters('linuxAdminUsername'),'/.ssh/authorized_keys')]", "sshNatPorts": []int{22, 2201, 2202, 2203, 2204},
		"masterFirstAddrOctets": "[split(parameters('firstConsecutiveStaticIP'),'.')]", "masterFirstAddrOctet4": "[variables('masterFirstAddrOctets')[3]]",
		"masterFirstAddrPrefix": "[concat(variables('masterFirstAddrOctets')[0],'.',variables('masterFirstAddrOctets')[1],'.',variables('masterFirstAddrOctets')[2],'.')]",
		"masterPrivateIpAddrs":  masterAddresses(), "kubernetesAPIServerIP": "[parameters('firstConsecutiveStaticIP')]",
		"kubeconfigServer":           "[concat('https://', variables('masterFqdnPrefix'), '.', variables('location'), '.', parameters('fqdnEndpointSuffix'))]",
		"primaryAvailabilitySetName": first, "primaryScaleSetName": "", "storageAccountBaseName": "", "storageAccountPrefixes": []string{},
		"enableTelemetry": j.props.FeatureFlags != nil && j.props.FeatureFlags.EnableTelemetry, "environmentJSON": string(environment),
		"customCloudIdentifySystem": j.props.CustomCloudProfile.IdentitySystem, "customCloudAuthenticationMethod": j.props.CustomCloudProfile.AuthenticationMethod,
		"cloudInitFiles": object{"provisionScript": provisionScript()}, "etcdPeerCertificates": j.peers("Certificate"), "etcdPeerPrivateKeys": j.peers("PrivateKey"),
		"provisionScriptParametersCommon": j.commonSettings(), "provisionScriptParametersMaster": masterSettings(),
	}
	if m.Count > 1 {
		v["masterInternalLbIPOffset"] = balancerAfter
		v["masterInternalLbName"] = "[concat(parameters('orchestratorName'), '-master-internal-lb-', parameters('nameSuffix'))]"
		v["masterInternalLbID"] = "[resourceId('Microsoft.Network/loadBalancers',variables('masterInternalLbName'))]"
		v["masterInternalLbIPConfigName"] = "[concat(parameters('orchestratorName'), '-master-internal-lbFrontEnd-', parameters('nameSuffix'))]"
		v["masterInternalLbIPConfigID"] = "[concat(variables('masterInternalLbID'),'/frontendIPConfigurations/', variables('masterInternalLbIPConfigName'))]"
		v["kubernetesAPIServerIP"] = "[concat(variables('masterFirstAddrPrefix'), add(variables('masterInternalLbIPOffset'), int(variables('masterFirstAddrOctet4'))))]"
	}
	j.addNetworkVariables(v)
	for i, a := range j.props.AgentPoolProfiles {
		j.addPoolVariables(v, i, a)
	}
	return v
}

func (j *job) addNetworkVariables(v object) {
	if j.ownNetwork() {
		v["subnetName"] = "k8s-subnet"
		v["virtualNetworkName"] = "[concat(parameters('orchestratorName'), '-vnet-', parameters('nameSuffix'))]"
		v["virtualNetworkResourceGroupName"] = "''"
		v["vnetID"] = "[resourceId('Microsoft.Network/virtualNetworks',variables('virtualNetworkName'))]"
		v["vnetSubnetID"] = "[concat(variables('vnetID'),'/subnets/',variables('subnetName'))]"
		return
	}
	id := j.props.MasterProfile.VnetSubnetID
	v["subnetName"] = id[strings.LastIndexByte(id, '/')+1:]
	v["vnetSubnetID"] = "[parameters('masterVnetSubnetID')]"
	v["virtualNetworkName"] = "[split(parameters('masterVnetSubnetID'), '/')[8]]"
	v["virtualNetworkResourceGroupName"] = "[split(parameters('masterVnetSubnetID'), '/')[4]]"
}

func (j *job) addPoolVariables(v object, index int, a *AgentPoolProfile) {
	n := a.Name
	v[n+"Index"] = index
	v[n+"VMNamePrefix"] = "k8s-" + n + "-" + j.suffix() + "-"
	v[n+"AvailabilitySet"] = "[concat('" + n + "-availabilitySet-', parameters('nameSuffix'))]"
	for _, name := range []string{"Count", "Offset", "VMSize", "osImagePublisher", "osImageOffer", "osImageSKU", "osImageVersion"} {
		v[n+name] = "[parameters('" + n + name + "')]"
	}
	v[n+"VnetSubnetID"] = "[variables('vnetSubnetID')]"
	v[n+"SubnetName"] = "[variables('subnetName')]"
	if !j.ownNetwork() {
		v[n+"VnetSubnetID"] = "[parameters('" + n + "VnetSubnetID')]"
		v[n+"SubnetName"] = "[parameters('" + n + "VnetSubnetID')]"
	}
	v[n+"SubnetResourceGroup"] = "[split(variables('" + n + "VnetSubnetID'), '/')[4]]"
	v[n+"Vnet"] = "[split(variables('" + n + "VnetSubnetID'), '/')[8]]"
}

// masterNames and masterAddresses are as many as there can be masters.
func (j *job) masterNames() (names []string) {
	for i := range 5 {
		names = append(names, fmt.Sprintf("[concat(variables('masterVMNamePrefix'), '%d')]", i))
	}
	return names
}

func masterAddresses() (addresses []string) {
	for i := range 5 {
		addresses = append(addresses, fmt.Sprintf("[concat(variables('masterFirstAddrPrefix'), add(%d, int(variables('masterFirstAddrOctet4'))))]", i))
	}
	return addresses
}

func (j *job) peers(what string) (names []string) {
	for i := range j.props.MasterProfile.Count {
		names = append(names, fmt.Sprintf("[parameters('etcdPeer%s%d')]", what, i))
	}
	return names
}
