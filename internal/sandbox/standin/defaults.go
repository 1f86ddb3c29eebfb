package standin

import (
	"maps"
	"net/netip"
	"strconv"
	"strings"
)

const (
	imageBase    = "mcr.microsoft.com/"
	podSubnet    = "10.244.0.0/16"
	sharedSubnet = "10.240.0.0/12" // with Azure CNI nodes and pods share it
	nodeSubnet   = "10.240.0.0/16"
	firstMaster  = "10.240.255.5"
	usualDistro  = "aks-ubuntu-22.04"
	smallCluster = 3 // nodes, for which half a disk is enough for etcd
)

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
	j.props.MasterProfile.fillIn()
	for _, a := range j.props.AgentPoolProfiles {
		a.fillIn()
		if a.Distro == "ubuntu" {
			p.log.warn("The 'ubuntu' distro uses Ubuntu 16.04-LTS, which is End of Life (EOL) and will no longer receive security updates")
		}
	}
	p.fillNetwork(j)
	j.fillKubernetes()
	j.fillComponents()
	l := j.props.LinuxProfile
	setPtr(&l.RunUnattendedUpgradesOnBootstrap, false)
	setPtr(&l.EnableUnattendedUpgrades, false)
	if j.props.CertificateProfile.hasAll(j.props.MasterProfile.Count) {
		return false, nil
	}
	return true, p.makeCertificates(j)
}

func (m *Machines) fillIn() {
	set(&m.AvailabilityProfile, "AvailabilitySet")
	set(&m.StorageProfile, "ManagedDisks")
	set(&m.Distro, usualDistro)
}

func (a *AgentPoolProfile) fillIn() {
	set(&a.OSType, "Linux")
	setPtr(&a.AcceleratedNetworkingEnabled, false)
	a.Machines.fillIn()
}

func (j *job) azureCNI() bool {
	return j.props.OrchestratorProfile.KubernetesConfig.NetworkPlugin == "azure"
}

// fillNetwork settles images, network and container runtime, and tells where it overrules the model.
func (p *process) fillNetwork(j *job) {
	k := j.props.OrchestratorProfile.KubernetesConfig
	if !strings.EqualFold(k.KubernetesImageBase, imageBase) {
		p.log.warn("apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBase forced to %q", imageBase)
	}
	if !strings.EqualFold(k.KubernetesImageBaseType, "mcr") {
		p.log.warn("apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBaseType forced to %q", "mcr")
	}
	k.KubernetesImageBase, k.KubernetesImageBaseType = imageBase, "mcr"
	if k.ContainerRuntime == "" {
		p.log.warn("The docker runtime is no longer supported for v1.24+ clusters, setting ContainerRuntime to 'containerd'")
		k.ContainerRuntime = "containerd"
	}
	if k.NetworkPlugin == "" && k.NetworkPolicy == "azure" {
		k.NetworkPlugin, k.NetworkPolicy = "azure", ""
	}
	set(&k.NetworkPlugin, "kubenet")
	k.LoadBalancerSKU = "Basic"
	if j.azureCNI() {
		set(&k.ClusterSubnet, sharedSubnet)
	}
	set(&k.ClusterSubnet, podSubnet)
	set(&k.DNSServiceIP, "10.0.0.10")
	set(&k.ServiceCIDR, "10.0.0.0/16")
	if m := j.props.MasterProfile; j.ownNetwork() {
		m.FirstConsecutiveStaticIP = firstMaster
		if j.azureCNI() {
			m.FirstConsecutiveStaticIP = lastMasters(k.ClusterSubnet)
		}
	}
}

func (j *job) fillKubernetes() {
	k := j.props.OrchestratorProfile.KubernetesConfig
	etcd := "512"
	if j.props.nodes() <= smallCluster {
		etcd = "256"
	}
	set(&k.EtcdDiskSizeGB, etcd)
	setPtr(&k.UseInstanceMetadata, false)
	setPtr(&k.EnableRBAC, true)
	// Tuned to how an Azure Stack Hub throttles.
	setPtr(&k.CloudProviderBackoff, true)
	setPtr(&k.CloudProviderRateLimit, true)
	set(&k.CloudProviderBackoffDuration, 30)
	set(&k.CloudProviderBackoffRetries, 1)
	set(&k.CloudProviderRateLimitQPS, 100)
	set(&k.CloudProviderRateLimitBucket, 150)
	set(&k.CloudProviderRateLimitQPSWrite, 25)
	set(&k.CloudProviderRateLimitBucketWrite, 30)
}

// fillComponents settles the flags of the Kubernetes components by which a cluster differs from another, and adds the
// addons that every cluster has. What the model says stays.
func (j *job) fillComponents() {
	k, m := j.props.OrchestratorProfile.KubernetesConfig, j.props.MasterProfile
	routes := strconv.FormatBool(!j.azureCNI())
	pods := 110
	if j.azureCNI() {
		pods = 30
	}
	set(&k.MaxPods, pods)
	k.APIServerConfig = with(k.APIServerConfig, map[string]string{"--anonymous-auth": "false", "--authorization-mode": "Node,RBAC",
		"--service-account-issuer": "https://kubernetes.default.svc.cluster.local", "--service-cluster-ip-range": k.ServiceCIDR})
	k.ControllerManagerConfig = with(k.ControllerManagerConfig, map[string]string{"--cluster-cidr": k.ClusterSubnet, "--cluster-name": m.DNSPrefix,
		"--node-monitor-grace-period": "5m", "--route-reconciliation-period": "1m"})
	k.CloudControllerManagerConfig = with(k.CloudControllerManagerConfig, map[string]string{"--cloud-provider": "azure", "--cluster-cidr": k.ClusterSubnet,
		"--cluster-name": m.DNSPrefix, "--configure-cloud-routes": routes})
	k.KubeletConfig = with(k.KubeletConfig, map[string]string{"--cloud-provider": "external", "--cluster-dns": k.DNSServiceIP,
		"--max-pods": strconv.Itoa(k.MaxPods), "--node-status-update-frequency": "1m"})
	has := map[string]bool{}
	for _, a := range k.Addons {
		has[a.Name] = true
	}
	on := true
	for _, name := range []string{"metrics-server", "coredns", "kube-proxy", "cloud-node-manager", "ip-masq-agent", "audit-policy", "azure-cloud-provider"} {
		if !has[name] {
			k.Addons = append(k.Addons, Addon{Name: name, Enabled: &on})
		}
	}
}

// with is the flags that a model has, and the defaults for the rest.
func with(flags, defaults map[string]string) map[string]string {
	if defaults == nil {
		defaults = map[string]string{}
	}
	maps.Copy(defaults, flags)
	return defaults
}

// ownNetwork says whether the engine makes the network, as it does unless the model names subnets.
func (j *job) ownNetwork() bool { return j.props.MasterProfile.VnetSubnetID == "" }

// nodeSubnet is the subnet of the nodes on a network that the engine makes.
func (j *job) nodeSubnet() string {
	if j.azureCNI() {
		return j.props.OrchestratorProfile.KubernetesConfig.ClusterSubnet
	}
	return nodeSubnet
}

// lastMasters is the first address of the range for masters, near the end of a subnet.
func lastMasters(subnet string) string {
	n, err := netip.ParsePrefix(subnet)
	if err != nil || !n.Addr().Is4() {
		return firstMaster
	}
	last := n.Masked().Addr().As4()
	for i := range 32 - n.Bits() {
		last[3-i/8] |= 1 << (i % 8)
	}
	last[3] = 5
	return netip.AddrFrom4(last).String()
}
