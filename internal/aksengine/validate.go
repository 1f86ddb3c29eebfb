package aksengine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"hubwright/workflows"
)

// Violation is a rule of the engine, or of ours, that a model breaks.
type Violation struct {
	Path    string // in the model: "masterProfile.count", "agentPoolProfiles[0].name"
	Message string // for the person
	Engine  string // what the engine itself would say, "" where it would not notice
}

// Surroundings are what the rules compare a model with.
type Surroundings struct {
	Location   string   // the region that --location names
	Kubernetes []string // versions that the engine can create
	Identity   workflows.IdentitySystem
	// Principal says that the service principal comes with the command line, so
	// that the model needs none.
	Principal bool
}

// findings collects violations.
type findings []Violation

func (f *findings) add(path, engine, message string, args ...any) {
	*f = append(*f, Violation{Path: path, Engine: engine, Message: fmt.Sprintf(message, args...)})
}

// Limits of the engine and of the support terms.
const (
	MaxPoolCount     = 1000
	MaxNodes         = 50 // Kubernetes nodes a subscription
	maxOSDiskGB      = 1023
	maxCustomData    = 87380 // characters of base64
	minPods          = 5
	azureCNIHostBits = 9
)

// Validate applies every rule that the engine applies to a model for Azure
// Stack Hub, and some that it lacks. No violations: the engine accepts it.
func Validate(m Model, s Surroundings) []Violation {
	var f findings
	f.cloud(m, s)
	f.orchestrator(m.Properties.OrchestratorProfile, s)
	f.masters(m.Properties.MasterProfile)
	f.pools(m.Properties.AgentPoolProfiles)
	f.linux(m.Properties.LinuxProfile)
	f.principal(m.Properties.ServicePrincipalProfile, s)
	f.kubernetes(m.Properties.OrchestratorProfile.KubernetesConfig)
	f.addons(m.Properties.OrchestratorProfile.KubernetesConfig.Addons)
	f.network(m)
	f.subnets(m.Properties)
	return f
}

func (f *findings) cloud(m Model, s Surroundings) {
	if m.APIVersion != "vlabs" {
		f.add("apiVersion", "unrecognized APIVersion '"+m.APIVersion+"'", "The API model's version must be vlabs.")
	}
	if m.Location != "" && m.Location != s.Location {
		f.add("location", "--location does not match api model location",
			"The API model is for region %s, but the stack's region is %s.", m.Location, s.Location)
	}
	cc := m.Properties.CustomCloudProfile
	prefix := "https://portal." + s.Location + "."
	if !strings.HasPrefix(cc.PortalURL, prefix) || len(cc.PortalURL) == len(prefix) {
		f.add("customCloudProfile.portalURL", "portalURL needs to start with "+prefix+" ",
			"The portal's address must begin with %s followed by the stamp's domain. Correct the stack's portal URL or region.", prefix)
	}
	if cc.IdentitySystem != "" && s.Identity != "" && cc.IdentitySystem != s.Identity {
		f.add("customCloudProfile.identitySystem", "",
			"The API model says identity system %s, but the stamp uses %s. The engine would not notice and log in the wrong way.", cc.IdentitySystem, s.Identity)
	}
	if !slices.Contains([]string{"", "public", "china", "german", "usgovernment"}, cc.DependenciesLocation) {
		f.add("customCloudProfile.dependenciesLocation", "The dependenciesLocation is not one of the supported values",
			"The dependencies' location must be empty, public, china, german or usgovernment.")
	}
}

func (f *findings) orchestrator(o OrchestratorProfile, s Surroundings) {
	if slices.Contains(s.Kubernetes, o.OrchestratorVersion) && o.OrchestratorRelease == release(o.OrchestratorVersion) {
		return
	}
	engine := fmt.Sprintf("the following OrchestratorProfile configuration is not supported on Azure Stack: OrchestratorType: %q, OrchestratorRelease: %q, OrchestratorVersion: %q. Please use one of the following versions: %v",
		"Kubernetes", o.OrchestratorRelease, o.OrchestratorVersion, s.Kubernetes)
	if o.OrchestratorVersion == "" {
		f.add("orchestratorProfile.orchestratorVersion", engine, "Choose a Kubernetes version.")
		return
	}
	if slices.Contains(s.Kubernetes, o.OrchestratorVersion) {
		f.add("orchestratorProfile.orchestratorRelease", engine, "Release %s does not belong to version %s.", o.OrchestratorRelease, o.OrchestratorVersion)
		return
	}
	f.add("orchestratorProfile.orchestratorVersion", engine,
		"This engine cannot make Kubernetes %s. It offers %s.", o.OrchestratorVersion, strings.Join(s.Kubernetes, ", "))
}

var (
	dnsPrefixForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,43}[A-Za-z0-9]$`)
	poolNameForm  = regexp.MustCompile(`^[a-z][a-z0-9]{0,11}$`)
	userForm      = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
)

func (f *findings) masters(p MasterProfile) {
	if !slices.Contains([]int{1, 3, 5}, p.Count) {
		f.add("masterProfile.count", "MasterProfile count needs to be 1, 3, or 5", "The control plane can have 1, 3 or 5 nodes, not %d.", p.Count)
	}
	switch {
	case p.DNSPrefix == "":
		f.add("masterProfile.dnsPrefix", "apimodel: missing masterProfile.dnsPrefix and --dns-prefix was not specified", "Give the cluster a DNS prefix.")
	case !dnsPrefixForm.MatchString(p.DNSPrefix):
		f.add("masterProfile.dnsPrefix",
			fmt.Sprintf("DNSPrefix '%s' is invalid. The DNSPrefix must contain between 3 and 45 characters and can contain only letters, numbers, and hyphens.  It must start with a letter and must end with a letter or a number. (length was %d)", p.DNSPrefix, len(p.DNSPrefix)),
			"The DNS prefix must have 3 to 45 letters, digits and hyphens, begin with a letter and end with a letter or digit.")
	case p.DNSPrefix != strings.ToLower(p.DNSPrefix):
		f.add("masterProfile.dnsPrefix", "", "Write the DNS prefix in lower case. The engine takes capital letters, but the Hub refuses them for a public name.")
	}
	if p.VMSize == "" {
		f.add("masterProfile.vmSize", "missing Properties.MasterProfile.VMSize", "Choose a VM size for the control plane.")
	}
	f.distro("masterProfile.distro", "master profile", p.Distro)
	f.osDisk("masterProfile.osDiskSizeGB", p.OSDiskSizeGB)
	if p.AvailabilityProfile == "VirtualMachineScaleSets" {
		f.add("masterProfile.availabilityProfile", "masterProfile.availabilityProfile should be set to 'AvailabilitySet' on Azure Stack clouds",
			"Azure Stack Hub needs availability sets; scale sets cannot be used for the control plane.")
	}
}

func (f *findings) distro(path, what, distro string) {
	switch distro {
	case Distro, "":
	case "aks-ubuntu-16.04", "aks-ubuntu-18.04":
		f.add(path, "invalid "+what+" distro '"+distro+"'", "%s is no longer supported on Azure Stack Hub. Use %s.", distro, Distro)
	default:
		f.add(path, "OS base image not available in target cloud: some VM images are missing on the target cloud",
			"The base image of %s is not the one that this engine was made for. Use %s.", distro, Distro)
	}
}

func (f *findings) osDisk(path string, gb int) {
	if gb < 0 || gb > maxOSDiskGB {
		f.add(path, fmt.Sprintf("Invalid os disk size of %d specified.  The range of valid values are [1, 1023]", gb),
			"An OS disk can have 1 to %d GB, not %d.", maxOSDiskGB, gb)
	}
}

func (f *findings) pools(pools []AgentPoolProfile) {
	if len(pools) == 0 {
		f.add("agentPoolProfiles", "", "Give the cluster at least one node pool; without one no application can run.")
	}
	seen := map[string]bool{}
	for i, p := range pools {
		at := fmt.Sprintf("agentPoolProfiles[%d].", i)
		switch {
		case !poolNameForm.MatchString(p.Name):
			f.add(at+"name", fmt.Sprintf("pool name '%s' is invalid. A pool name must start with a lowercase letter, have max length of 12, and only have characters a-z0-9", p.Name),
				"A pool's name must begin with a lower-case letter and have at most 12 lower-case letters and digits.")
		case p.Name == "master":
			f.add(at+"name", "", "A pool cannot be called master: its VMs would have the names of the control plane's.")
		case seen[p.Name]:
			f.add(at+"name", fmt.Sprintf("profile name '%s' already exists, profile names must be unique across pools", p.Name),
				"Two pools are called %s. Each needs a name of its own.", p.Name)
		}
		seen[p.Name] = true
		if p.Count < 1 || p.Count > MaxPoolCount {
			f.add(at+"count", "AgentPoolProfile count needs to be in the range [1,1000]", "A pool can have 1 to %d nodes, not %d.", MaxPoolCount, p.Count)
		}
		if p.VMSize == "" {
			f.add(at+"vmSize", "missing AgentPoolProfile.VMSize", "Choose a VM size for the pool.")
		}
		f.osDisk(at+"osDiskSizeGB", p.OSDiskSizeGB)
		f.distro(at+"distro", "agent pool profile", p.Distro)
		if p.AvailabilityProfile != "AvailabilitySet" {
			f.add(at+"availabilityProfile", fmt.Sprintf("agentPoolProfiles[%s].availabilityProfile should be set to 'AvailabilitySet' on Azure Stack clouds", p.Name),
				"Azure Stack Hub needs availability sets; %q cannot be used.", p.AvailabilityProfile)
		}
		if p.AcceleratedNetworkingEnabled {
			f.add(at+"AcceleratedNetworkingEnabled", "AcceleratedNetworkingEnabled or AcceleratedNetworkingEnabledWindows shouldn't be set to true as feature is not yet supported on Azure Stack",
				"Azure Stack Hub has no accelerated networking. Switch it off.")
		}
	}
}

var reservedUsers = []string{"root", "admin", "administrator", "user", "guest", "test", "daemon", "bin", "sys", "nobody", "sshd", "ubuntu"}

func (f *findings) linux(l LinuxProfile) {
	name := l.AdminUsername
	switch {
	case name == "": // the engine fills in azureuser
	case !userForm.MatchString(name):
		f.add("linuxProfile.adminUsername", "", "A user name on the nodes has at most 32 lower-case letters, digits, hyphens and underscores, and begins with a letter.")
	case slices.Contains(reservedUsers, name):
		f.add("linuxProfile.adminUsername", "", "The name %s is reserved on the nodes. Choose another, such as azureuser.", name)
	}
	for _, k := range l.SSH.PublicKeys {
		if k.KeyData != "" && !sshKeyForm(k.KeyData) {
			f.add("linuxProfile.ssh.publicKeys", "", "This is not an SSH public key in OpenSSH form (one line that begins with ssh-rsa). The engine would take it, but nobody could log in to the nodes.")
		}
	}
}

func (f *findings) principal(p *ServicePrincipalProfile, s Surroundings) {
	switch {
	case p == nil || *p == ServicePrincipalProfile{}:
		if s.Principal {
			return
		}
		f.add("servicePrincipalProfile", "ServicePrincipalProfile must be specified", "The cluster needs a service principal for its own work on the stamp.")
	case p.ClientID == "":
		f.add("servicePrincipalProfile.clientId", "the service principal client ID must be specified", "The service principal has no client id.")
	case p.Secret == "":
		f.add("servicePrincipalProfile.secret", "either the service principal client secret or keyvault secret reference must be specified", "The service principal has neither secret nor certificate.")
	}
}

func (f *findings) kubernetes(k KubernetesConfig) {
	const at = "orchestratorProfile.kubernetesConfig."
	if k.UseInstanceMetadata != nil && *k.UseInstanceMetadata {
		f.add(at+"useInstanceMetadata", "useInstanceMetadata shouldn't be set to true as feature not yet supported on Azure Stack", "Azure Stack Hub has no instance metadata service. Switch useInstanceMetadata off.")
	}
	if k.UseCloudControllerManager == nil || !*k.UseCloudControllerManager {
		f.add(at+"useCloudControllerManager", "useCloudControllerManager should be set to true for Kubernetes v1.21+ clusters on Azure Stack Hub", "The cloud controller manager must be on.")
	}
	if k.ContainerRuntime == "docker" {
		f.add(at+"containerRuntime", "Docker runtime is no longer supported for v1.24+ clusters, use containerd containerRuntime value instead", "Docker is no longer possible as container runtime. Use containerd.")
	}
	if k.MaxPods != 0 && k.MaxPods < minPods {
		f.add(at+"maxPods", fmt.Sprintf("OrchestratorProfile.KubernetesConfig.MaxPods '%d' must be at least 5", k.MaxPods), "A node must be allowed at least %d pods, not %d.", minPods, k.MaxPods)
	}
	if gb := atoi(k.EtcdDiskSizeGB); gb > maxOSDiskGB {
		f.add(at+"etcdDiskSizeGB", "EtcdDiskSizeGB max size supported on Azure Stack is 1023", "The etcd disk can have at most %d GB on Azure Stack Hub.", maxOSDiskGB)
	}
	if strings.EqualFold(k.LoadBalancerSKU, "standard") && (k.ExcludeMasterFromStandardLB == nil || !*k.ExcludeMasterFromStandardLB) {
		f.add(at+"loadBalancerSku", `standard loadBalancerSku should exclude master nodes. Please set KubernetesConfig "ExcludeMasterFromStandardLB" to "true"`, "With a Standard load balancer the control plane must be left out of it (excludeMasterFromStandardLB).")
	}
	f.gracePeriod(k)
}

func (f *findings) gracePeriod(k KubernetesConfig) {
	grace, err1 := time.ParseDuration(k.ControllerManagerConfig["--node-monitor-grace-period"])
	every, err2 := time.ParseDuration(k.KubeletConfig["--node-status-update-frequency"])
	if err1 != nil || err2 != nil || grace >= 4*every {
		return
	}
	f.add("orchestratorProfile.kubernetesConfig.controllerManagerConfig",
		fmt.Sprintf("aks-engine-azurestack requires that --node-monitor-grace-period(%f)s be larger than nodeStatusUpdateFrequency(%f)s by at least a factor of 4; ", grace.Seconds(), every.Seconds()),
		"A node may be silent for %s before it counts as lost, but reports only every %s. The first must be at least four times the second.", grace, every)
}

// notOnHub are addons that the engine's documentation rules out on Azure Stack
// Hub, though its code lets some of them pass.
var notOnHub = []string{"aad-pod-identity", "aci-connector", "blobfuse-flexvolume", "keyvault-flexvolume", "nvidia-device-plugin", "rescheduler", "smb-flexvolume"}

func (f *findings) addons(addons []Addon) {
	const at = "orchestratorProfile.kubernetesConfig.addons"
	on := map[string]bool{}
	data := 0
	for _, a := range addons {
		on[a.Name] = on[a.Name] || a.On()
		data += len(a.Data)
		if a.On() && slices.Contains(notOnHub, a.Name) {
			f.add(at, "", "The addon %s does not work on Azure Stack Hub. Take it out.", a.Name)
		}
	}
	if on["container-monitoring"] {
		f.add(at, "The container monitoring addon has been deprecated and disabled, please remove it from your cluster configuration before creating a new cluster", "The addon container-monitoring is gone from the engine. Take it out; monitoring is a step of its own.")
	}
	if on["cluster-autoscaler"] {
		f.add(at, `cluster-autoscaler addon can only be used with VirtualMachineScaleSets. Please specify "availabilityProfile": "VirtualMachineScaleSets"`, "The addon cluster-autoscaler needs scale sets, which Azure Stack Hub clusters cannot have. Take it out.")
	}
	if on["coredns"] && on["kube-dns"] {
		f.add(at, "Both kube-dns and coredns addons are enabled, only one of these may be enabled on a cluster", "Only one of the addons coredns and kube-dns can be on.")
	}
	if data > maxCustomData {
		f.add(at, fmt.Sprintf("Custom data is too long: %d", data), "The addons are larger (%d characters) than what a VM can be given at its start (%d). Install some of them after the deployment.", data, maxCustomData)
	}
}

// PoolName says whether the engine takes it as a pool's name.
func PoolName(name string) bool { return poolNameForm.MatchString(name) }
