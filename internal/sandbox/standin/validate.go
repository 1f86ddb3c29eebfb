package standin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
)

var distros = []string{"", "ubuntu", "ubuntu-18.04", "ubuntu-18.04-gen2", "ubuntu-20.04", "ubuntu-22.04", "flatcar",
	"aks-ubuntu-16.04", "aks-ubuntu-18.04", "aks-ubuntu-20.04", "aks-ubuntu-22.04", "acc-16.04"}

var (
	dnsPrefixFormat = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]{1,43}[A-Za-z0-9])$`)
	poolNameFormat  = regexp.MustCompile(`^([a-z][a-z0-9]{0,11})$`)
	subnetIDFormat  = regexp.MustCompile(`^/subscriptions/([^/]*)/resourceGroups/([^/]*)/providers/Microsoft.Network/virtualNetworks/([^/]*)/subnets/([^/]*)$`)
	labelFormat     = regexp.MustCompile(`^(([a-zA-Z0-9-]+[.])*[a-zA-Z0-9-]+[/])?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`)
	labelTextFormat = regexp.MustCompile(`^([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`)
)

// validate checks a whole model, in the order of the real engine: the first problem is the one that is told.
func (p *process) validate(cs *ContainerService) error {
	props := cs.Properties
	for _, check := range []func() error{
		func() error { return validateCloud(cs) },
		func() error { return validateFields(props) },
		func() error { return p.validateOrchestrator(props) },
		func() error { return p.validateMaster(props) },
		func() error { return p.validatePools(props) },
		func() error { return p.validateLinux(props) },
		func() error { return p.validateAddons(props) },
		func() error { return validateVNet(props) },
		func() error { return validatePrincipal(props) },
		func() error { return validateSupport(props) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func validateCloud(cs *ContainerService) error {
	c := cs.Properties.CustomCloudProfile
	if c == nil || !cs.Properties.isAzureStack() {
		return nil
	}
	switch {
	case c.PortalURL == "":
		return errors.New("portalURL needs to be specified when AzureStackCloud CustomCloudProfile is provided")
	case !strings.HasPrefix(c.PortalURL, "https://portal."+cs.Location+"."):
		return fmt.Errorf("portalURL needs to start with https://portal.%s. ", cs.Location)
	case !slices.Contains([]string{"", "client_secret", "client_certificate"}, c.AuthenticationMethod):
		return errors.New("authenticationMethod allowed values are 'client_certificate' and 'client_secret'")
	case !slices.Contains([]string{"", "azure_ad", "adfs"}, c.IdentitySystem):
		return errors.New("identitySystem allowed values are 'azure_ad' and 'adfs'")
	case !slices.Contains([]string{"", "public", "china", "german", "usgovernment"}, c.DependenciesLocation):
		return fmt.Errorf("The %s dependenciesLocation is not supported. The supported vaules are [ public china german usgovernment]", c.DependenciesLocation)
	}
	return nil
}

// validateFields checks presence and range of the plain fields.
func validateFields(props *Properties) error {
	m := props.MasterProfile
	switch {
	case m == nil:
		return errors.New("missing Properties.MasterProfile")
	case m.Count != 1 && m.Count != 3 && m.Count != 5:
		return errors.New("MasterProfile count needs to be 1, 3, or 5")
	case m.DNSPrefix == "":
		return errors.New("missing Properties.MasterProfile.DNSPrefix")
	case m.VMSize == "":
		return errors.New("missing Properties.MasterProfile.VMSize")
	case m.OSDiskSizeGB < 0 || m.OSDiskSizeGB > 2048:
		return diskError(m.OSDiskSizeGB)
	case m.IPAddressCount < 0 || m.IPAddressCount > 256:
		return errors.New("MasterProfile.IPAddressCount needs to be in the range [1,256]")
	case !slices.Contains([]string{"", "StorageAccount", "ManagedDisks"}, m.StorageProfile):
		return fmt.Errorf("Unknown storageProfile '%s'. Specify either StorageAccount or ManagedDisks", m.StorageProfile)
	}
	for i, a := range props.AgentPoolProfiles {
		if err := validatePoolFields(i, a); err != nil {
			return err
		}
	}
	switch l := props.LinuxProfile; {
	case l == nil:
		return errors.New("missing Properties.LinuxProfile")
	case l.AdminUsername == "":
		return errors.New("Namespace Properties.LinuxProfile.AdminUsername is not caught, Key: 'Properties.LinuxProfile.AdminUsername' Error:Field validation for 'AdminUsername' failed on the 'required' tag")
	}
	return nil
}

func validatePoolFields(i int, a *AgentPoolProfile) error {
	switch {
	case a.Name == "":
		return fmt.Errorf("missing Properties.AgentPoolProfiles[%d].Name", i)
	case a.Count < 1 || a.Count > 1000:
		return errors.New("AgentPoolProfile count needs to be in the range [1,1000]")
	case a.VMSize == "":
		return fmt.Errorf("missing Properties.AgentPoolProfiles[%d].VMSize", i)
	case a.OSDiskSizeGB < 0 || a.OSDiskSizeGB > 2048:
		return diskError(a.OSDiskSizeGB)
	case slices.ContainsFunc(a.Ports, func(port int) bool { return port < 1 || port > 65535 }):
		return errors.New("AgentPoolProfile Ports must be in the range[1, 65535]")
	case !slices.Contains([]string{"", "StorageAccount", "ManagedDisks", "Ephemeral"}, a.StorageProfile):
		return fmt.Errorf("Unknown storageProfile '%s'. Specify StorageAccount, ManagedDisks, or Ephemeral", a.StorageProfile)
	case len(a.DiskSizesGB) > 4 || slices.ContainsFunc(a.DiskSizesGB, func(size int) bool { return size < 1 || size > 32767 }):
		return errors.New("A maximum of 4 disks may be specified, The range of valid disk size values are [1, 1023]")
	case a.IPAddressCount < 0 || a.IPAddressCount > 256:
		return errors.New("AgentPoolProfile.IPAddressCount needs to be in the range [1,256]")
	}
	return nil
}

func diskError(size int) error {
	return fmt.Errorf("Invalid os disk size of %d specified.  The range of valid values are [1, 1023]", size)
}

func (p *process) validateMaster(props *Properties) error {
	m := props.MasterProfile
	if m.Count == 1 {
		p.log.warn("Running only 1 control plane VM not recommended for production clusters, use 3 or 5 for control plane redundancy")
	}
	if m.SinglePlacementGroup != nil && m.AvailabilityProfile == "AvailabilitySet" {
		return errors.New("singlePlacementGroup is only supported with VirtualMachineScaleSets")
	}
	if err := p.validateDistro(m.Distro); err != nil {
		return err
	}
	if isTrue(m.AuditDEnabled) && m.Distro != "" && !isUbuntu(m.Distro) {
		return errors.New("auditd was enabled for master vms, but an Ubuntu-based distro was not selected")
	}
	if !isCaching(m.OSDiskCachingType) {
		return fmt.Errorf("Invalid masterProfile osDiskCachingType value \"%s\", please use one of the following versions: [ None ReadWrite ReadOnly]", m.OSDiskCachingType)
	}
	if !dnsPrefixFormat.MatchString(m.DNSPrefix) {
		return fmt.Errorf("DNSPrefix '%s' is invalid. The DNSPrefix must contain between 3 and 45 characters and can contain only letters, numbers, and hyphens.  It must start with a letter and must end with a letter or a number. (length was %d)", m.DNSPrefix, len(m.DNSPrefix))
	}
	return nil
}

func (p *process) validateDistro(distro string) error {
	if distro == "aks-ubuntu-16.04" || distro == "ubuntu" {
		p.log.warn("The '%s' distro uses Ubuntu 16.04-LTS, which is End of Life (EOL) and will no longer receive security updates", distro)
	}
	switch {
	case distro == "aks-docker-engine" || distro == "aks":
		return fmt.Errorf("The %s distro is deprecated, please use aks-ubuntu-16.04 instead", distro)
	case distro == "aks-1804":
		return fmt.Errorf("The %s distro is deprecated, please use aks-ubuntu-18.04 instead", distro)
	case !slices.Contains(distros, distro):
		return fmt.Errorf("The %s distro is not supported", distro)
	}
	return nil
}

func isUbuntu(distro string) bool { return strings.Contains(distro, "ubuntu") || distro == "acc-16.04" }

func isCaching(kind string) bool {
	return slices.Contains([]string{"", "None", "ReadWrite", "ReadOnly"}, kind)
}

func (p *process) validatePools(props *Properties) error {
	seen := map[string]bool{}
	for _, a := range props.AgentPoolProfiles {
		if !poolNameFormat.MatchString(a.Name) {
			return fmt.Errorf("pool name '%s' is invalid. A pool name must start with a lowercase letter, have max length of 12, and only have characters a-z0-9", a.Name)
		}
		if seen[a.Name] {
			return fmt.Errorf("profile name '%s' already exists, profile names must be unique across pools", a.Name)
		}
		seen[a.Name] = true
		if err := p.validatePool(a, props.AgentPoolProfiles[0]); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) validatePool(a, first *AgentPoolProfile) error {
	switch {
	case !slices.Contains([]string{"", "Linux", "Windows"}, a.OSType):
		return errors.New("AgentPoolProfile.osType must be either Linux or Windows")
	case isTrue(a.AcceleratedNetworkingEnabled) || isTrue(a.AcceleratedNetworkingEnabledWindows):
		return errors.New("AcceleratedNetworkingEnabled or AcceleratedNetworkingEnabledWindows shouldn't be set to true as feature is not yet supported on Azure Stack")
	case isTrue(a.AuditDEnabled) && a.Distro != "" && !isUbuntu(a.Distro):
		return fmt.Errorf("You have enabled auditd in agent pool %s, but you did not specify an Ubuntu-based distro", a.Name)
	case a.DNSPrefix != "":
		return errors.New("AgentPoolProfile.DNSPrefix must be empty for Kubernetes")
	case len(a.Ports) > 0:
		return errors.New("AgentPoolProfile.Ports must be empty for Kubernetes")
	case len(a.DiskSizesGB) > 0 && a.StorageProfile != "StorageAccount" && a.StorageProfile != "ManagedDisks":
		return errors.New("property 'StorageProfile' must be set to either 'StorageAccount' or 'ManagedDisks' when attaching disks")
	case !slices.Contains([]string{"", "AvailabilitySet", "VirtualMachineScaleSets"}, a.AvailabilityProfile):
		return fmt.Errorf("unknown availability profile type '%s' for agent pool '%s'.  Specify either AvailabilitySet, or VirtualMachineScaleSets", a.AvailabilityProfile, a.Name)
	case a.Role != "":
		return fmt.Errorf("Role %q is not supported", a.Role)
	}
	if err := validateLabels(a.CustomNodeLabels); err != nil {
		return err
	}
	switch {
	case a.AvailabilityProfile != first.AvailabilityProfile:
		return errors.New("mixed mode availability profiles are not allowed. Please set either VirtualMachineScaleSets or AvailabilitySet in availabilityProfile for all agent pools")
	case a.SinglePlacementGroup != nil && a.AvailabilityProfile == "AvailabilitySet":
		return errors.New("singlePlacementGroup is only supported with VirtualMachineScaleSets")
	}
	if err := p.validateDistro(a.Distro); err != nil {
		return err
	}
	if !isCaching(a.OSDiskCachingType) {
		return fmt.Errorf("Invalid osDiskCachingType value \"%s\" for agentPoolProfile \"%s\", please use one of the following versions: [ None ReadWrite ReadOnly]", a.OSDiskCachingType, a.Name)
	}
	if !isCaching(a.DataDiskCachingType) {
		return fmt.Errorf("Invalid dataDiskCachingType value \"%s\" for agentPoolProfile \"%s\", please use one of the following versions: [ None ReadWrite ReadOnly]", a.DataDiskCachingType, a.Name)
	}
	return nil
}

func validateLabels(labels map[string]string) error {
	for key, value := range labels {
		if !labelFormat.MatchString(key) {
			return fmt.Errorf("Label key '%s' is invalid. Valid label keys have two segments: an optional prefix and name, separated by a slash (/). The name segment is required and must be 63 characters or less, beginning and ending with an alphanumeric character ([a-z0-9A-Z]) with dashes (-), underscores (_), dots (.), and alphanumerics between. The prefix is optional. If specified, the prefix must be a DNS subdomain: a series of DNS labels separated by dots (.), not longer than 253 characters in total, followed by a slash (/)", key)
		}
		if value != "" && !labelTextFormat.MatchString(value) {
			return fmt.Errorf("Label value '%s' is invalid. Valid label values must be 63 characters or less and must be empty or begin and end with an alphanumeric character ([a-z0-9A-Z]) with dashes (-), underscores (_), dots (.), and alphanumerics between", value)
		}
	}
	return nil
}

func (p *process) validateLinux(props *Properties) error {
	l := props.LinuxProfile
	if mtu := l.Eth0MTU; mtu != 0 {
		if props.OrchestratorProfile.KubernetesConfig.NetworkPlugin == "kubenet" {
			return errors.New("Custom linuxProfile eth0MTU value not allowed when using Kubenet")
		}
		if mtu != 1500 && mtu != 3900 {
			return fmt.Errorf("Invalid linuxProfile eth0MTU value \"%d\", please use one of the following values: 1500, 3900", mtu)
		}
	}
	for _, key := range l.SSH.PublicKeys {
		if key.KeyData == "" {
			return errors.New("KeyData in LinuxProfile.SSH.PublicKeys cannot be empty string")
		}
	}
	if l.EnableUnattendedUpgrades == nil {
		p.log.warn("linuxProfile.enableUnattendedUpgrades configuration was not declared, your cluster nodes will be configured to run unattended-upgrade by default")
	}
	return nil
}

func validateVNet(props *Properties) error {
	m := props.MasterProfile
	custom := m.VnetSubnetID != ""
	for _, a := range props.AgentPoolProfiles {
		if (a.VnetSubnetID != "") != custom {
			return errors.New("Multiple VNET Subnet configurations specified.  The master profile and each agent pool profile must all specify a custom VNET Subnet, or none at all")
		}
	}
	if !custom {
		return nil
	}
	if strings.Contains(m.VnetSubnetID, "..") {
		return errors.New("VnetSubnetID contains path traversal pattern")
	}
	errFormat := errors.New("Unable to parse vnetSubnetID. Please use a vnetSubnetID with format /subscriptions/SUB_ID/resourceGroups/RG_NAME/providers/Microsoft.Network/virtualNetworks/VNET_NAME/subnets/SUBNET_NAME")
	parts := subnetIDFormat.FindStringSubmatch(m.VnetSubnetID)
	if parts == nil {
		return errFormat
	}
	for _, a := range props.AgentPoolProfiles {
		if strings.Contains(a.VnetSubnetID, "..") {
			return fmt.Errorf("Agent pool %s VnetSubnetID contains path traversal pattern", a.Name)
		}
		theirs := subnetIDFormat.FindStringSubmatch(a.VnetSubnetID)
		if theirs == nil {
			return errFormat
		}
		if !slices.Equal(theirs[1:4], parts[1:4]) {
			return errors.New("Multiple VNETS specified.  The master profile and each agent pool must reference the same VNET (but it is ok to reference different subnets on that VNET)")
		}
	}
	if net.ParseIP(m.FirstConsecutiveStaticIP) == nil {
		return fmt.Errorf("MasterProfile.FirstConsecutiveStaticIP (with VNET Subnet specification) '%s' is an invalid IP address", m.FirstConsecutiveStaticIP)
	}
	if m.VnetCidr != "" {
		if _, _, err := net.ParseCIDR(m.VnetCidr); err != nil {
			return fmt.Errorf("MasterProfile.VnetCidr '%s' contains invalid cidr notation", m.VnetCidr)
		}
	}
	return nil
}

func validatePrincipal(props *Properties) error {
	k, spp := props.OrchestratorProfile.KubernetesConfig, props.ServicePrincipalProfile
	if k == nil || k.UseManagedIdentity == nil || *k.UseManagedIdentity {
		return nil
	}
	switch {
	case spp == nil:
		return errors.New("ServicePrincipalProfile must be specified")
	case spp.ClientID == "":
		return errors.New("the service principal client ID must be specified")
	case (spp.Secret == "") == (spp.KeyvaultSecretRef == nil):
		return errors.New("either the service principal client secret or keyvault secret reference must be specified")
	}
	return nil
}

func validateSupport(props *Properties) error {
	if !props.isAzureStack() {
		return nil
	}
	if plugin := props.OrchestratorProfile.KubernetesConfig.NetworkPlugin; plugin != "azure" && plugin != "kubenet" && plugin != "" {
		return fmt.Errorf("kubernetesConfig.networkPlugin '%s' is not supported on Azure Stack clouds", plugin)
	}
	if props.MasterProfile.AvailabilityProfile == "VirtualMachineScaleSets" {
		return errors.New("masterProfile.availabilityProfile should be set to 'AvailabilitySet' on Azure Stack clouds")
	}
	for _, a := range props.AgentPoolProfiles {
		if a.AvailabilityProfile != "AvailabilitySet" {
			return fmt.Errorf("agentPoolProfiles[%s].availabilityProfile should be set to 'AvailabilitySet' on Azure Stack clouds", a.Name)
		}
	}
	return nil
}

func (p *process) validateAddons(props *Properties) error {
	enabled := map[string]bool{}
	for _, a := range props.OrchestratorProfile.KubernetesConfig.Addons {
		if a.Data != "" {
			if len(a.Config) > 0 || len(a.Containers) > 0 {
				return errors.New("Config and containers should be empty when addon.Data is specified")
			}
			if _, err := base64.StdEncoding.DecodeString(a.Data); err != nil {
				return fmt.Errorf("Addon %s's data should be base64 encoded", a.Name)
			}
		}
		if a.Mode != "" && a.Mode != "EnsureExists" && a.Mode != "Reconcile" {
			return fmt.Errorf("addon %s has a mode configuration '%s', must be either EnsureExists or Reconcile", a.Name, a.Mode)
		}
		if !isTrue(a.Enabled) {
			if a.Name == "azure-cloud-provider" {
				return errors.New("azure-cloud-provider add-on is required, it cannot be disabled")
			}
			continue
		}
		enabled[a.Name] = true
		if err := p.validateAddon(props, a); err != nil {
			return err
		}
	}
	if enabled["kube-dns"] && enabled["coredns"] {
		return errors.New("Both kube-dns and coredns addons are enabled, only one of these may be enabled on a cluster")
	}
	return nil
}

func (p *process) validateAddon(props *Properties, a KubernetesAddon) error {
	k := props.OrchestratorProfile.KubernetesConfig
	inSets := slices.ContainsFunc(props.AgentPoolProfiles, func(a *AgentPoolProfile) bool { return a.AvailabilityProfile == "AvailabilitySet" })
	switch {
	case a.Name == "cluster-autoscaler" && inSets:
		return errors.New(`cluster-autoscaler addon can only be used with VirtualMachineScaleSets. Please specify "availabilityProfile": "VirtualMachineScaleSets"`)
	case a.Name == "aad" && (props.AADProfile == nil || props.AADProfile.AdminGroupID == ""):
		return errors.New("aad addon can't be enabled without a valid aadProfile w/ adminGroupID")
	case a.Name == "cloud-node-manager" && !isTrue(k.UseCloudControllerManager):
		return fmt.Errorf("%s add-on requires useCloudControllerManager to be true", a.Name)
	case a.Name == "cilium":
		return errors.New("cilium addon is not supported on Kubernetes v1.16.0 or greater")
	case a.Name == "antrea" && k.NetworkPolicy != "antrea":
		return errors.New("antrea addon may only be enabled if the networkPolicy=antrea")
	case a.Name == "flannel":
		return errors.New("flannel addon is deprecated for new clusters")
	case a.Name == "rescheduler":
		return errors.New("The rescheduler addon has been deprecated and disabled, please remove it from your cluster configuration before creating a new cluster")
	case a.Name == "container-monitoring":
		return errors.New("The container monitoring addon has been deprecated and disabled, please remove it from your cluster configuration before creating a new cluster")
	case a.Name == "azure-arc-onboarding":
		return validateArc(a.Config)
	case a.Name == "kubernetes-dashboard":
		p.log.warn("The kube-dashboard addon is deprecated, we recommend you install the dashboard yourself, see https://github.com/kubernetes/dashboard")
	case a.Name == "pod-security-policy":
		p.log.warn("The PodSecurityPolicy admission was removed in Kubernetes v1.25+. The pod security standards will be enforced by the built-in PodSecurity admission controller instead. See https://github.com/Azure/aks-engine-azurestack/blob/master/docs/topics/pod-security.md")
	}
	return nil
}

func validateArc(config map[string]string) error {
	var missing []string
	for _, key := range []string{"location", "tenantID", "subscriptionID", "resourceGroup", "clusterName", "clientID", "clientSecret"} {
		if config[key] == "" {
			missing = append(missing, fmt.Sprintf("azure-arc-onboarding addon configuration must have a '%s' property", key))
		}
	}
	if len(missing) > 0 {
		return errors.New(strings.Join(missing, "; "))
	}
	return nil
}
