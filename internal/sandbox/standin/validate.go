package standin

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxDiskGB = 1023 // the largest managed disk of a Hub
	inConfig  = "OrchestratorProfile.KubernetesConfig."
)

var (
	dnsPrefixForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,43}[A-Za-z0-9]$`)
	poolNameForm  = regexp.MustCompile(`^[a-z][a-z0-9]{0,11}$`)
	subnetForm    = regexp.MustCompile(`(?i)^(/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+)/subnets/([^/]+)$`)
)

// rule is a condition that a model breaks, and what is said of it.
type rule struct {
	broken  bool
	message string
}

// first gives the message of the first broken rule.
func first(rules ...rule) error {
	for _, r := range rules {
		if r.broken {
			return errors.New(r.message)
		}
	}
	return nil
}

// checkKubernetes checks the version and the Kubernetes settings of a new cluster. It is done while the model is read,
// before anything is asked of the Hub.
func checkKubernetes(props *Properties) error {
	o := props.OrchestratorProfile
	if resolveVersion(o.OrchestratorRelease, o.OrchestratorVersion) == "" {
		where := ""
		if props.isAzureStack() {
			where = " on Azure Stack"
		}
		return fmt.Errorf("the following OrchestratorProfile configuration is not supported%s: OrchestratorType: %q, OrchestratorRelease: %q, OrchestratorVersion: %q. Please use one of the following versions: %v",
			where, o.OrchestratorType, o.OrchestratorRelease, o.OrchestratorVersion, creatableVersions)
	}
	k := o.KubernetesConfig
	if k == nil {
		return nil
	}
	for _, check := range []func() error{k.checkPods, k.checkPatience, k.checkServices, k.checkNetwork} {
		if err := check(); err != nil {
			return err
		}
	}
	etcd, _ := strconv.Atoi(k.EtcdDiskSizeGB)
	named := o.OrchestratorVersion != "" // a model that names only a release passes
	return first(
		rule{k.LoadBalancerSKU == "Standard" && !k.ExcludeMasterFromStandardLB, `standard loadBalancerSku should exclude master nodes. Please set KubernetesConfig "ExcludeMasterFromStandardLB" to "true"`},
		rule{named && !isTrue(k.UseCloudControllerManager), "useCloudControllerManager should be set to true for Kubernetes v1.21+ clusters on Azure Stack Hub"},
		rule{named && k.ContainerRuntime == "docker", "Docker runtime is no longer supported for v1.24+ clusters, use containerd containerRuntime value instead"},
		rule{isTrue(k.UseInstanceMetadata), "useInstanceMetadata shouldn't be set to true as feature not yet supported on Azure Stack"},
		rule{etcd > maxDiskGB, fmt.Sprintf("EtcdDiskSizeGB max size supported on Azure Stack is %d", maxDiskGB)},
	)
}

func (k *KubernetesConfig) checkPods() error {
	if k.ClusterSubnet != "" {
		pods, err := netip.ParsePrefix(k.ClusterSubnet)
		if err != nil {
			return fmt.Errorf(inConfig+"ClusterSubnet '%s' is an invalid subnet", k.ClusterSubnet)
		}
		if k.NetworkPlugin == "azure" && pods.Addr().BitLen()-pods.Bits() < 9 {
			return fmt.Errorf(inConfig+"ClusterSubnet '%s' must reserve at least 9 bits for nodes", k.ClusterSubnet)
		}
	}
	return first(rule{k.MaxPods != 0 && k.MaxPods < 5, fmt.Sprintf(inConfig+"MaxPods '%d' must be at least 5", k.MaxPods)})
}

// checkPatience compares how long a silent node is waited for with how often nodes report.
func (k *KubernetesConfig) checkPatience() error {
	grace, err1 := time.ParseDuration(k.ControllerManagerConfig["--node-monitor-grace-period"])
	every, err2 := time.ParseDuration(k.KubeletConfig["--node-status-update-frequency"])
	if err1 != nil || err2 != nil || grace >= 4*every {
		return nil
	}
	return fmt.Errorf("%s requires that --node-monitor-grace-period(%f)s be larger than nodeStatusUpdateFrequency(%f)s by at least a factor of 4; ",
		program, grace.Seconds(), every.Seconds())
}

func (k *KubernetesConfig) checkServices() error {
	if k.DNSServiceIP == "" && k.ServiceCIDR == "" {
		return nil
	}
	services, errCIDR := netip.ParsePrefix(k.ServiceCIDR)
	ip, errIP := netip.ParseAddr(k.DNSServiceIP)
	dns := fmt.Sprintf(inConfig+"DNSServiceIP '%s' ", k.DNSServiceIP)
	of := fmt.Sprintf(" of ServiceCidr '%s'", k.ServiceCIDR)
	if err := first(
		rule{k.DNSServiceIP == "", inConfig + "DNSServiceIP must be specified when ServiceCidr is"},
		rule{k.ServiceCIDR == "", inConfig + "ServiceCidr must be specified when DNSServiceIP is"},
		rule{errIP != nil, dns + "is an invalid IP address"},
		rule{errCIDR != nil, fmt.Sprintf(inConfig+"ServiceCidr '%s' is an invalid CIDR subnet", k.ServiceCIDR)},
	); err != nil {
		return err
	}
	return first(
		rule{!services.Contains(ip), dns + fmt.Sprintf("is not within the ServiceCidr '%s'", k.ServiceCIDR)},
		rule{!services.Contains(ip.Next()), dns + "cannot be the broadcast address" + of},
		rule{ip == services.Masked().Addr().Next(), dns + "cannot be the first IP" + of},
	)
}

// policies are the network policies that go with a plugin. With none named, the plugin follows from the policy.
var policies = map[string][]string{"": {"", "azure", "calico", "cilium", "antrea"}, "kubenet": {"", "calico"}, "azure": {"", "azure", "calico"},
	"cilium": {"", "cilium"}, "antrea": {"", "antrea"}, "flannel": {""}}

func (k *KubernetesConfig) checkNetwork() error {
	with, known := policies[k.NetworkPlugin]
	return first(
		rule{!known, fmt.Sprintf("unknown networkPlugin '%s' specified", k.NetworkPlugin)},
		rule{!slices.Contains(policies[""], k.NetworkPolicy), fmt.Sprintf("unknown networkPolicy '%s' specified", k.NetworkPolicy)},
		rule{!slices.Contains(with, k.NetworkPolicy), fmt.Sprintf("networkPolicy '%s' is not supported with networkPlugin '%s'", k.NetworkPolicy, k.NetworkPlugin)},
	)
}

// validate checks the rest of a model, once its names are settled. The first problem is the one that is told.
func (p *process) validate(m *Model) error {
	return validate(m, func() {
		if m.Properties.MasterProfile.Count == 1 {
			p.log.warn("Running only 1 control plane VM not recommended for production clusters, use 3 or 5 for control plane redundancy")
		}
	})
}

func validate(m *Model, warn func()) error {
	props := m.Properties
	if err := checkCloud(m); err != nil {
		return err
	}
	master := props.MasterProfile
	if err := first(
		rule{props.LinuxProfile == nil, "missing Properties.LinuxProfile"},
		rule{!slices.Contains([]int{1, 3, 5}, master.Count), "MasterProfile count needs to be 1, 3, or 5"},
		rule{master.VMSize == "", "missing Properties.MasterProfile.VMSize"},
		badDisk(master.OSDiskSizeGB),
	); err != nil {
		return err
	}
	for i, a := range props.AgentPoolProfiles {
		if err := first(
			rule{a.Count < 1 || a.Count > 1000, "AgentPoolProfile count needs to be in the range [1,1000]"},
			rule{a.VMSize == "", fmt.Sprintf("missing Properties.AgentPoolProfiles[%d].VMSize", i)},
			badDisk(a.OSDiskSizeGB),
		); err != nil {
			return err
		}
	}
	warn()
	if !dnsPrefixForm.MatchString(master.DNSPrefix) {
		return fmt.Errorf("DNSPrefix '%s' is invalid. The DNSPrefix must contain between 3 and 45 characters and can contain only letters, numbers, and hyphens.  It must start with a letter and must end with a letter or a number. (length was %d)", master.DNSPrefix, len(master.DNSPrefix))
	}
	for _, check := range []func(*Properties) error{checkPools, checkAddons, checkSubnets, checkHub} {
		if err := check(props); err != nil {
			return err
		}
	}
	return nil
}

func badDisk(gb int) rule {
	return rule{gb < 0 || gb > maxDiskGB, fmt.Sprintf("Invalid os disk size of %d specified.  The range of valid values are [1, 1023]", gb)}
}

func checkCloud(m *Model) error {
	c := m.Properties.CustomCloudProfile
	if c == nil || !m.Properties.isAzureStack() {
		return nil
	}
	return first(
		rule{!strings.HasPrefix(c.PortalURL, "https://portal."+m.Location+"."), fmt.Sprintf("portalURL needs to start with https://portal.%s. ", m.Location)},
		rule{!slices.Contains([]string{"", "public", "china", "german", "usgovernment"}, c.DependenciesLocation),
			fmt.Sprintf("The %s dependenciesLocation is not supported. The supported vaules are [ public china german usgovernment]", c.DependenciesLocation)},
	)
}

func checkPools(props *Properties) error {
	seen := map[string]bool{}
	for _, a := range props.AgentPoolProfiles {
		if err := first(
			rule{!poolNameForm.MatchString(a.Name), fmt.Sprintf("pool name '%s' is invalid. A pool name must start with a lowercase letter, have max length of 12, and only have characters a-z0-9", a.Name)},
			rule{seen[a.Name], fmt.Sprintf("profile name '%s' already exists, profile names must be unique across pools", a.Name)},
			rule{isTrue(a.AcceleratedNetworkingEnabled), "AcceleratedNetworkingEnabled or AcceleratedNetworkingEnabledWindows shouldn't be set to true as feature is not yet supported on Azure Stack"},
		); err != nil {
			return err
		}
		seen[a.Name] = true
	}
	return nil
}

func checkAddons(props *Properties) error {
	on := map[string]bool{}
	for _, a := range props.OrchestratorProfile.KubernetesConfig.Addons {
		on[a.Name] = on[a.Name] || isTrue(a.Enabled)
	}
	return first(
		rule{on["cluster-autoscaler"], `cluster-autoscaler addon can only be used with VirtualMachineScaleSets. Please specify "availabilityProfile": "VirtualMachineScaleSets"`},
		rule{on["container-monitoring"], "The container monitoring addon has been deprecated and disabled, please remove it from your cluster configuration before creating a new cluster"},
		rule{on["kube-dns"] && on["coredns"], "Both kube-dns and coredns addons are enabled, only one of these may be enabled on a cluster"},
	)
}

// checkSubnets checks a network of one's own: subnets for all or for none, and in one network.
func checkSubnets(props *Properties) error {
	m := props.MasterProfile
	ids := []string{m.VnetSubnetID}
	for _, a := range props.AgentPoolProfiles {
		ids = append(ids, a.VnetSubnetID)
	}
	if slices.ContainsFunc(ids, func(id string) bool { return (id == "") != (ids[0] == "") }) {
		return errors.New("Multiple VNET Subnet configurations specified.  The master profile and each agent pool profile must all specify a custom VNET Subnet, or none at all")
	}
	if ids[0] == "" {
		return nil
	}
	var networks []string
	for _, id := range ids {
		parts := subnetForm.FindStringSubmatch(id)
		if parts == nil {
			return errors.New("Unable to parse vnetSubnetID. Please use a vnetSubnetID with format /subscriptions/SUB_ID/resourceGroups/RG_NAME/providers/Microsoft.Network/virtualNetworks/VNET_NAME/subnets/SUBNET_NAME")
		}
		networks = append(networks, parts[1])
	}
	_, errIP := netip.ParseAddr(m.FirstConsecutiveStaticIP)
	_, errCIDR := netip.ParsePrefix(m.VnetCIDR)
	return first(
		rule{len(slices.Compact(networks)) > 1, "Multiple VNETS specified.  The master profile and each agent pool must reference the same VNET (but it is ok to reference different subnets on that VNET)"},
		rule{errIP != nil, fmt.Sprintf("MasterProfile.FirstConsecutiveStaticIP (with VNET Subnet specification) '%s' is an invalid IP address", m.FirstConsecutiveStaticIP)},
		rule{m.VnetCIDR != "" && errCIDR != nil, fmt.Sprintf("MasterProfile.VnetCidr '%s' contains invalid cidr notation", m.VnetCIDR)},
	)
}

// checkHub refuses what only other clouds have.
func checkHub(props *Properties) error {
	if plugin := props.OrchestratorProfile.KubernetesConfig.NetworkPlugin; !slices.Contains([]string{"", "kubenet", "azure"}, plugin) {
		return fmt.Errorf("kubernetesConfig.networkPlugin '%s' is not supported on Azure Stack clouds", plugin)
	}
	const rest = ".availabilityProfile should be set to 'AvailabilitySet' on Azure Stack clouds"
	if props.MasterProfile.AvailabilityProfile == "VirtualMachineScaleSets" {
		return errors.New("masterProfile" + rest)
	}
	for _, a := range props.AgentPoolProfiles {
		if a.AvailabilityProfile != "AvailabilitySet" {
			return fmt.Errorf("agentPoolProfiles[%s]"+rest, a.Name)
		}
	}
	return nil
}

func isTrue(b *bool) bool { return b != nil && *b }
