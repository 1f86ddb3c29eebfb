package standin

import (
	"crypto/rand"
	"encoding/base64"
	"net"
	"strings"
)

const (
	imageBase         = "mcr.microsoft.com/"
	podSubnet         = "10.244.0.0/16"
	sharedSubnet      = "10.240.0.0/12" // with Azure CNI nodes and pods share it
	nodeSubnet        = "10.240.0.0/16"
	firstMaster       = "10.240.255.5"
	containerdVersion = "1.6.36"
	cniVersion        = "v1.4.59"
)

// cloudManagerVersions are the versions of the cloud controller manager that go with those of Kubernetes.
var cloudManagerVersions = map[string]string{"1.33.10": "1.33.1", "1.34.4": "1.34.8", "1.35.0": "1.35.4"}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func setPtr[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// fillIn settles everything that the model leaves open, up to the certificates. It says whether it made certificates.
func (p *process) fillIn(j *job) (fresh bool, err error) {
	if c := j.props.CustomCloudProfile; c != nil {
		set(&c.AuthenticationMethod, "client_secret")
		set(&c.IdentitySystem, "azure_ad")
		set(&c.DependenciesLocation, "public")
	}
	j.fillMaster()
	j.fillPools()
	p.fillNetwork(j)
	j.fillKubernetes()
	j.fillComponents()
	j.fillSubnets()
	l := j.props.LinuxProfile
	setPtr(&l.RunUnattendedUpgradesOnBootstrap, false)
	setPtr(&l.EnableUnattendedUpgrades, false)
	if j.azureCNI() {
		set(&l.Eth0MTU, 1500)
	}
	if j.props.TelemetryProfile == nil {
		j.props.TelemetryProfile = &TelemetryProfile{}
	}
	if j.props.CertificateProfile.hasAll(j.props.MasterProfile.Count) {
		return false, nil
	}
	return true, p.makeCertificates(j)
}

func (j *job) azureCNI() bool {
	return j.props.OrchestratorProfile.KubernetesConfig.NetworkPlugin == "azure"
}

func (j *job) fillMaster() {
	m := j.props.MasterProfile
	set(&m.AvailabilityProfile, "AvailabilitySet")
	set(&m.StorageProfile, "ManagedDisks")
	set(&m.Distro, "aks-ubuntu-22.04")
	set(&m.OSDiskCachingType, "ReadWrite")
	setPtr(&m.PlatformFaultDomainCount, 3)
	setPtr(&m.PlatformUpdateDomainCount, 3)
	setPtr(&m.CosmosEtcd, false)
	if m.Extensions == nil {
		m.Extensions = []Extension{}
	}
}

func (j *job) fillPools() {
	for _, a := range j.props.AgentPoolProfiles {
		set(&a.OSType, "Linux")
		set(&a.StorageProfile, "ManagedDisks")
		set(&a.Distro, "aks-ubuntu-22.04")
		set(&a.OSDiskCachingType, "ReadWrite")
		set(&a.DataDiskCachingType, "ReadOnly")
		setPtr(&a.PlatformFaultDomainCount, 3)
		setPtr(&a.PlatformUpdateDomainCount, 3)
		setPtr(&a.AcceleratedNetworkingEnabled, false)
		setPtr(&a.AcceleratedNetworkingEnabledWindows, false)
		setPtr(&a.AuditDEnabled, false)
		setPtr(&a.EnableVMSSNodePublicIP, false)
		if a.Extensions == nil {
			a.Extensions = []Extension{}
		}
	}
}

// fillNetwork settles images, network plugin and container runtime, and tells where it overrules the model.
func (p *process) fillNetwork(j *job) {
	k := j.props.OrchestratorProfile.KubernetesConfig
	switch k.NetworkPolicy {
	case "calico":
		set(&k.NetworkPlugin, "kubenet")
	case "cilium":
		k.NetworkPlugin = "cilium"
	case "antrea":
		set(&k.NetworkPlugin, "azure")
	}
	if !strings.EqualFold(k.KubernetesImageBase, imageBase) {
		p.log.warn("apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBase forced to %q", imageBase)
	}
	if !strings.EqualFold(k.KubernetesImageBaseType, "mcr") {
		p.log.warn("apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBaseType forced to %q", "mcr")
	}
	k.KubernetesImageBase, k.KubernetesImageBaseType = imageBase, "mcr"
	set(&k.McrKubernetesImageBase, imageBase)
	set(&k.NetworkPlugin, "kubenet")
	if j.azureCNI() {
		set(&k.NetworkMode, "transparent")
		k.AzureCNIVersion = cniVersion
	}
	if k.ContainerRuntime == "" {
		p.log.warn("The docker runtime is no longer supported for v1.24+ clusters, setting ContainerRuntime to 'containerd'")
		k.ContainerRuntime = "containerd"
	}
	if k.LoadBalancerSku != "Basic" {
		if k.LoadBalancerSku != "" {
			p.log.warn("apimodel: orchestratorProfile.kubernetesConfig.LoadBalancerSku forced to %q", "Basic")
		}
		k.LoadBalancerSku = "Basic"
	}
}

func (j *job) fillKubernetes() {
	k := j.props.OrchestratorProfile.KubernetesConfig
	set(&k.ContainerdVersion, containerdVersion)
	set(&k.EtcdVersion, "3.3.25")
	set(&k.EtcdDiskSizeGB, j.etcdDiskGB())
	set(&k.EtcdStorageLimitGB, 2)
	if isTrue(k.EnableDataEncryptionAtRest) && k.EtcdEncryptionKey == "" {
		key := make([]byte, 32)
		rand.Read(key)
		k.EtcdEncryptionKey = base64.StdEncoding.EncodeToString(key)
	}
	if j.azureCNI() {
		set(&k.ClusterSubnet, sharedSubnet)
	}
	set(&k.ClusterSubnet, podSubnet)
	set(&k.DNSServiceIP, "10.0.0.10")
	set(&k.ServiceCidr, "10.0.0.0/16")
	set(&k.DockerBridgeSubnet, "172.17.0.1/16")
	set(&k.Gchighthreshold, 85)
	set(&k.Gclowthreshold, 80)
	setPtr(&k.UseInstanceMetadata, false)
	setPtr(&k.EnableRbac, true)
	setPtr(&k.EnableSecureKubelet, true)
	k.EnableAggregatedAPIs = *k.EnableRbac
	if k.PrivateCluster == nil {
		k.PrivateCluster = &PrivateCluster{}
	}
	setPtr(&k.PrivateCluster.Enabled, false)
	setPtr(&k.PrivateCluster.EnableHostsConfigAgent, false)
	k.CloudProviderBackoffMode = "v2"
	setPtr(&k.CloudProviderBackoff, true)
	setPtr(&k.CloudProviderRateLimit, true)
	// Tuned to how an Azure Stack Hub throttles.
	set(&k.CloudProviderBackoffDuration, 30)
	set(&k.CloudProviderBackoffRetries, 1)
	set(&k.CloudProviderRateLimitQPS, 100)
	set(&k.CloudProviderRateLimitBucket, 150)
	set(&k.CloudProviderRateLimitQPSWrite, 25)
	set(&k.CloudProviderRateLimitBucketWrite, 30)
	no := false
	k.CloudProviderDisableOutboundSNAT = &no
	set(&k.MaximumLoadBalancerRuleCount, 250)
	set(&k.KubeProxyMode, "iptables")
	set(&k.MicrosoftAptRepositoryURL, "https://packages.microsoft.com")
}

// etcdDiskGB grows with the cluster, up to the largest disk that the Hub has.
func (j *job) etcdDiskGB() string {
	nodes := j.props.MasterProfile.Count
	for _, a := range j.props.AgentPoolProfiles {
		nodes += a.Count
	}
	switch {
	case nodes > 10:
		return "1023"
	case nodes > 3:
		return "512"
	}
	return "256"
}

// fillSubnets settles addresses. On a network of one's own the model has said them.
func (j *job) fillSubnets() {
	m := j.props.MasterProfile
	if m.VnetSubnetID == "" {
		m.FirstConsecutiveStaticIP = firstMaster
		if j.azureCNI() {
			m.FirstConsecutiveStaticIP = lastMasters(j.nodeSubnet())
		}
	}
	pods := 0
	if j.azureCNI() {
		pods = j.maxPods()
	}
	set(&m.IPAddressCount, 1+pods)
	for _, a := range j.props.AgentPoolProfiles {
		count := 1
		if pods > 0 {
			count += pods - j.hostPods()
		}
		set(&a.IPAddressCount, count)
	}
}

// nodeSubnet is the subnet of the nodes on a network that the engine makes.
func (j *job) nodeSubnet() string {
	if j.azureCNI() {
		return j.props.OrchestratorProfile.KubernetesConfig.ClusterSubnet
	}
	return nodeSubnet
}

// lastMasters is the first address of a range for masters near the end of a subnet.
func lastMasters(subnet string) string {
	_, n, err := net.ParseCIDR(subnet)
	if err != nil {
		return firstMaster
	}
	last := lastIP(n).To4()
	if last == nil {
		return firstMaster
	}
	return net.IPv4(last[0], last[1], last[2], 5).String()
}
