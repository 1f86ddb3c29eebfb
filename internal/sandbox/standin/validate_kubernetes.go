package standin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxDiskGB is the largest managed disk of an Azure Stack Hub.
const maxDiskGB = 1023

var etcdVersions = strings.Fields(`2.2.5 2.3.0 2.3.1 2.3.2 2.3.3 2.3.4 2.3.5 2.3.6 2.3.7 2.3.8
	3.0.0 3.0.1 3.0.2 3.0.3 3.0.4 3.0.5 3.0.6 3.0.7 3.0.8 3.0.9 3.0.10 3.0.11 3.0.12 3.0.13 3.0.14 3.0.15 3.0.16 3.0.17
	3.1.0 3.1.1 3.1.2 3.1.2 3.1.3 3.1.4 3.1.5 3.1.6 3.1.7 3.1.8 3.1.9 3.1.10
	3.2.0 3.2.1 3.2.2 3.2.3 3.2.4 3.2.5 3.2.6 3.2.7 3.2.8 3.2.9 3.2.11 3.2.12 3.2.13 3.2.14 3.2.15 3.2.16 3.2.23 3.2.24 3.2.25 3.2.26
	3.3.0 3.3.1 3.3.8 3.3.9 3.3.10 3.3.13 3.3.15 3.3.18 3.3.19 3.3.22 3.3.25`)

var containerdVersions = strings.Fields(`1.3.2 1.3.3 1.3.4 1.3.5 1.3.6 1.3.7 1.3.8 1.3.9 1.4.4 1.4.6 1.4.7 1.4.8 1.4.9 1.4.11
	1.5.11 1.5.13 1.5.16 1.6.21 1.6.28 1.6.36`)

// networkPairs are the plugins with the policies that go with them.
var networkPairs = [][2]string{
	{"", ""}, {"azure", ""}, {"azure", "azure"}, {"kubenet", ""}, {"flannel", ""}, {"cilium", "cilium"}, {"kubenet", "calico"},
	{"azure", "calico"}, {"", "calico"}, {"", "cilium"}, {"antrea", "antrea"}, {"azure", "antrea"}, {"", "antrea"}, {"", "azure"}, {"", "none"},
}

// validateOrchestrator checks the version and the Kubernetes configuration of the cluster.
func (p *process) validateOrchestrator(props *Properties) error {
	o := props.OrchestratorProfile
	version := resolveVersion(o.OrchestratorRelease, o.OrchestratorVersion)
	if version == "" {
		where := ""
		if props.isAzureStack() {
			where = " on Azure Stack"
		}
		if props.hasWindows() {
			where += ` with OsType "Windows"`
		}
		return fmt.Errorf("the following OrchestratorProfile configuration is not supported%s: OrchestratorType: %q, OrchestratorRelease: %q, OrchestratorVersion: %q. Please use one of the following versions: %v",
			where, o.OrchestratorType, o.OrchestratorRelease, o.OrchestratorVersion, creatableVersions)
	}
	if k := o.KubernetesConfig; k != nil {
		for _, check := range []func() error{
			k.validateNetwork, k.validateDurations, k.validateServices, k.validateParts,
			func() error { return p.validateFeatures(k) },
			func() error { return validateForAzureStack(props, k) },
			k.validateEtcdLimit,
		} {
			if err := check(); err != nil {
				return err
			}
		}
		if runtime := k.ContainerRuntime; !slices.Contains([]string{"", "docker", "containerd"}, runtime) {
			return fmt.Errorf("unknown containerRuntime %q specified", runtime)
		}
	}
	return nil
}

const inConfig = "OrchestratorProfile.KubernetesConfig."

func (k *KubernetesConfig) validateNetwork() error {
	if k.ClusterSubnet != "" {
		_, subnet, err := net.ParseCIDR(k.ClusterSubnet)
		if err != nil {
			return fmt.Errorf(inConfig+"ClusterSubnet '%s' is an invalid subnet", k.ClusterSubnet)
		}
		if ones, bits := subnet.Mask.Size(); k.NetworkPlugin == "azure" && bits-ones <= 8 {
			return fmt.Errorf(inConfig+"ClusterSubnet '%s' must reserve at least 9 bits for nodes", k.ClusterSubnet)
		}
	}
	if k.DockerBridgeSubnet != "" {
		if _, _, err := net.ParseCIDR(k.DockerBridgeSubnet); err != nil {
			return fmt.Errorf(inConfig+"DockerBridgeSubnet '%s' is an invalid subnet", k.DockerBridgeSubnet)
		}
	}
	if k.MaxPods != 0 && k.MaxPods < 5 {
		return fmt.Errorf(inConfig+"MaxPods '%d' must be at least 5", k.MaxPods)
	}
	return nil
}

func (k *KubernetesConfig) validateDurations() error {
	const frequency, grace = "--node-status-update-frequency", "--node-monitor-grace-period"
	parse := func(flags map[string]string, name string) (time.Duration, error) {
		text, ok := flags[name]
		if !ok {
			return 0, nil
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, fmt.Errorf("%s '%s' is not a valid duration", name, text)
		}
		return d, nil
	}
	update, err := parse(k.KubeletConfig, frequency)
	if err != nil {
		return err
	}
	patience, err := parse(k.ControllerManagerConfig, grace)
	if err != nil {
		return err
	}
	_, hasUpdate := k.KubeletConfig[frequency]
	_, hasGrace := k.ControllerManagerConfig[grace]
	if hasUpdate && hasGrace && patience.Seconds()/update.Seconds() < 4 {
		return fmt.Errorf("%s requires that --node-monitor-grace-period(%f)s be larger than nodeStatusUpdateFrequency(%f)s by at least a factor of 4; ",
			program, patience.Seconds(), update.Seconds())
	}
	for _, name := range []string{"--pod-eviction-timeout", "--route-reconciliation-period"} {
		if _, err := parse(k.ControllerManagerConfig, name); err != nil {
			return err
		}
	}
	return nil
}

func (k *KubernetesConfig) validateServices() error {
	if k.DNSServiceIP == "" && k.ServiceCidr == "" {
		return nil
	}
	switch {
	case k.DNSServiceIP == "":
		return errors.New(inConfig + "DNSServiceIP must be specified when ServiceCidr is")
	case k.ServiceCidr == "":
		return errors.New(inConfig + "ServiceCidr must be specified when DNSServiceIP is")
	}
	ip := net.ParseIP(k.DNSServiceIP)
	if ip == nil {
		return fmt.Errorf(inConfig+"DNSServiceIP '%s' is an invalid IP address", k.DNSServiceIP)
	}
	_, services, err := net.ParseCIDR(k.ServiceCidr)
	if err != nil {
		return fmt.Errorf(inConfig+"ServiceCidr '%s' is an invalid CIDR subnet", k.ServiceCidr)
	}
	switch {
	case !services.Contains(ip):
		return fmt.Errorf(inConfig+"DNSServiceIP '%s' is not within the ServiceCidr '%s'", k.DNSServiceIP, k.ServiceCidr)
	case ip.Equal(lastIP(services)):
		return fmt.Errorf(inConfig+"DNSServiceIP '%s' cannot be the broadcast address of ServiceCidr '%s'", k.DNSServiceIP, k.ServiceCidr)
	case ip.Equal(firstIP(services)):
		return fmt.Errorf(inConfig+"DNSServiceIP '%s' cannot be the first IP of ServiceCidr '%s'", k.DNSServiceIP, k.ServiceCidr)
	}
	return nil
}

// firstIP is the first address of a subnet after the one that names it.
func firstIP(n *net.IPNet) net.IP {
	ip := slices.Clone(n.IP)
	ip[len(ip)-1]++
	return ip
}

func lastIP(n *net.IPNet) net.IP {
	ip := slices.Clone(n.IP)
	for i := range ip {
		ip[i] |= ^n.Mask[i]
	}
	return ip
}

func (k *KubernetesConfig) validateParts() error {
	if mode := k.KubeProxyMode; mode != "" && mode != "iptables" && mode != "ipvs" {
		return fmt.Errorf("Invalid KubeProxyMode %v. Allowed modes are iptables and ipvs", mode)
	}
	if k.EtcdVersion != "" && !slices.Contains(etcdVersions, k.EtcdVersion) {
		return fmt.Errorf("Invalid etcd version \"%s\", please use one of the following versions: %s", k.EtcdVersion, etcdVersions)
	}
	if k.ContainerdVersion != "" && !slices.Contains(containerdVersions, k.ContainerdVersion) {
		return fmt.Errorf("Invalid containerd version \"%s\", please use one of the following versions: %s", k.ContainerdVersion, containerdVersions)
	}
	plugin, policy := k.NetworkPlugin, k.NetworkPolicy
	switch {
	case plugin == "flannel":
		return errors.New("networkPlugin 'flannel' has been deprecated and is no longer supported for new cluster creation")
	case !slices.Contains([]string{"", "kubenet", "azure", "cilium", "antrea"}, plugin):
		return fmt.Errorf("unknown networkPlugin '%s' specified", plugin)
	case !slices.Contains([]string{"", "calico", "cilium", "antrea", "azure", "none"}, policy):
		return fmt.Errorf("unknown networkPolicy '%s' specified", policy)
	case !slices.Contains(networkPairs, [2]string{plugin, policy}):
		return fmt.Errorf("networkPolicy '%s' is not supported with networkPlugin '%s'", policy, plugin)
	}
	return k.validateModes()
}

func (k *KubernetesConfig) validateModes() error {
	switch mode := k.NetworkMode; {
	case !slices.Contains([]string{"", "bridge", "transparent"}, mode):
		return fmt.Errorf("unknown networkMode '%s' specified", mode)
	case mode != "" && k.NetworkPlugin != "azure":
		return errors.New("networkMode requires network plugin to be 'azure'")
	case mode == "bridge" && k.NetworkPolicy == "calico":
		return fmt.Errorf("networkMode '%s' is not supported by calico", mode)
	}
	if base := k.KubernetesImageBaseType; !slices.Contains([]string{"", "gcr", "mcr"}, base) {
		return fmt.Errorf("Invalid kubernetesImageBaseType value \"%s\", please use one of the following versions: [ gcr mcr]", base)
	}
	if dir, ok := k.ContainerRuntimeConfig["dataDir"]; ok && dir == "" {
		return fmt.Errorf(inConfig+"ContainerRuntimeConfig.DataDir '%s' is invalid: must not be empty", dir)
	} else if ok && !strings.HasPrefix(dir, "/") {
		return fmt.Errorf(inConfig+"ContainerRuntimeConfig.DataDir '%s' is invalid: must be absolute path", dir)
	}
	return nil
}

func (p *process) validateFeatures(k *KubernetesConfig) error {
	withoutRBAC := k.EnableRbac != nil && !*k.EnableRbac
	if k.EnableAggregatedAPIs && withoutRBAC {
		return errors.New("enableAggregatedAPIs requires the enableRbac feature as a prerequisite")
	}
	if isTrue(k.EnableDataEncryptionAtRest) && k.EtcdEncryptionKey != "" {
		if _, err := base64.StdEncoding.DecodeString(k.EtcdEncryptionKey); err != nil {
			return errors.New("etcdEncryptionKey must be base64 encoded. Please provide a valid base64 encoded value or leave the etcdEncryptionKey empty to auto-generate the value")
		}
	}
	if isTrue(k.EnablePodSecurityPolicy) {
		p.log.warn("EnablePodSecurityPolicy is deprecated in favor of the addon pod-security-policy.")
		if withoutRBAC {
			return errors.New("enablePodSecurityPolicy requires the enableRbac feature as a prerequisite")
		}
	}
	sku := k.LoadBalancerSku
	switch {
	case sku != "" && !strings.EqualFold(sku, "Standard") && !strings.EqualFold(sku, "Basic"):
		return errors.New("Invalid value for loadBalancerSku, only Standard and Basic are supported")
	case sku == "Standard" && !isTrue(k.ExcludeMasterFromStandardLB):
		return errors.New(`standard loadBalancerSku should exclude master nodes. Please set KubernetesConfig "ExcludeMasterFromStandardLB" to "true"`)
	case sku == "Basic" && k.LoadBalancerOutboundIPs != nil:
		return errors.New("kubernetesConfig.loadBalancerOutboundIPs configuration only supported for Standard loadBalancerSku=Standard")
	case k.MaximumLoadBalancerRuleCount < 0:
		return errors.New("maximumLoadBalancerRuleCount shouldn't be less than 0")
	}
	if k.DockerEngineVersion != "" {
		p.log.warn("docker-engine is deprecated in favor of moby, but you passed in a dockerEngineVersion configuration. This will be ignored.")
	}
	return nil
}

func validateForAzureStack(props *Properties, k *KubernetesConfig) error {
	if !props.isAzureStack() {
		return nil
	}
	// The engine looks at the version as it stands in the model: a model that names only a release passes here.
	named := props.OrchestratorProfile.OrchestratorVersion != ""
	switch {
	case named && !isTrue(k.UseCloudControllerManager):
		return errors.New("useCloudControllerManager should be set to true for Kubernetes v1.21+ clusters on Azure Stack Hub")
	case named && k.ContainerRuntime == "docker":
		return errors.New("Docker runtime is no longer supported for v1.24+ clusters, use containerd containerRuntime value instead")
	case isTrue(k.UseInstanceMetadata):
		return errors.New("useInstanceMetadata shouldn't be set to true as feature not yet supported on Azure Stack")
	case k.EtcdDiskSizeGB == "":
		return nil
	}
	size, err := strconv.Atoi(k.EtcdDiskSizeGB)
	if err != nil {
		return errors.New("could not convert EtcdDiskSizeGB to int")
	}
	if size > maxDiskGB {
		return fmt.Errorf("EtcdDiskSizeGB max size supported on Azure Stack is %d", maxDiskGB)
	}
	return nil
}

func (k *KubernetesConfig) validateEtcdLimit() error {
	if limit := k.EtcdStorageLimitGB; limit != 0 && limit < 2 {
		return fmt.Errorf("EtcdStorageLimitGB value of %d is too small, the minimum allowed is 2", limit)
	}
	return nil
}
