package aksengine_test

import (
	"fmt"
	"strings"
	"testing"

	"hubwright/internal/aksengine"
	"hubwright/workflows"
)

const testKey = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 ana@example"

func good() aksengine.Model {
	m := aksengine.New()
	m.Location = "seattle"
	m.SetVersion("1.33.10")
	p := &m.Properties
	p.CustomCloudProfile = aksengine.CustomCloudProfile{PortalURL: "https://portal.seattle.azurestack.test/", IdentitySystem: workflows.IdentityEntra, AuthenticationMethod: workflows.AuthSecret}
	p.MasterProfile.DNSPrefix = "ratings-sea"
	p.AgentPoolProfiles = []aksengine.AgentPoolProfile{aksengine.NewPool("linuxpool", 3, "Standard_D2_v2")}
	p.LinuxProfile.SSH.PublicKeys = []aksengine.PublicKey{{KeyData: testKey}}
	return m
}

func around() aksengine.Surroundings {
	return aksengine.Surroundings{Location: "seattle", Kubernetes: []string{"1.33.10", "1.34.4", "1.35.0"}, Identity: workflows.IdentityEntra, Principal: true}
}

func TestValidateAcceptsTheDefaults(t *testing.T) {
	if v := aksengine.Validate(good(), around()); len(v) > 0 {
		t.Fatalf("violations: %+v", v)
	}
}

func TestValidateAcceptsVariants(t *testing.T) {
	const sub = "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/"
	tests := map[string]func(*aksengine.Model){
		"one control plane node": func(m *aksengine.Model) { m.Properties.MasterProfile.Count = 1 },
		"azure and calico": func(m *aksengine.Model) {
			k := &m.Properties.OrchestratorProfile.KubernetesConfig
			k.NetworkPlugin, k.NetworkPolicy = "azure", "calico"
		},
		"own ranges": func(m *aksengine.Model) {
			k := &m.Properties.OrchestratorProfile.KubernetesConfig
			k.ClusterSubnet, k.ServiceCIDR, k.DNSServiceIP = "172.16.0.0/16", "172.17.0.0/16", "172.17.0.10"
		},
		"own subnets": func(m *aksengine.Model) {
			m.Properties.MasterProfile.VnetSubnetID = sub + "masters"
			m.Properties.MasterProfile.FirstConsecutiveStaticIP = "10.100.0.200"
			m.Properties.MasterProfile.VnetCIDR = "10.100.0.0/16"
			m.Properties.AgentPoolProfiles[0].VnetSubnetID = strings.Replace(sub, "resourceGroups", "resourcegroups", 1) + "agents"
		},
		"no user, no key, as the engine fills them in": func(m *aksengine.Model) {
			m.Properties.LinuxProfile = aksengine.LinuxProfile{}
		},
		"arc addon": func(m *aksengine.Model) {
			on := true
			m.Properties.OrchestratorProfile.KubernetesConfig.Addons = []aksengine.Addon{{Name: "azure-arc-onboarding", Enabled: &on}, {Name: "cluster-autoscaler"}}
		},
		"location left out": func(m *aksengine.Model) { m.Location = "" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			m := good()
			change(&m)
			if v := aksengine.Validate(m, around()); len(v) > 0 {
				t.Errorf("violations: %+v", v)
			}
		})
	}
}

// One broken model for each rule: the field, the words that a person reads and
// those of the engine.
func TestValidateRules(t *testing.T) {
	const k8s = "orchestratorProfile.kubernetesConfig."
	const sub = "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/"
	yes := true
	kube := func(f func(k *aksengine.KubernetesConfig)) func(m *aksengine.Model) {
		return func(m *aksengine.Model) { f(&m.Properties.OrchestratorProfile.KubernetesConfig) }
	}
	master := func(f func(p *aksengine.MasterProfile)) func(m *aksengine.Model) {
		return func(m *aksengine.Model) { f(&m.Properties.MasterProfile) }
	}
	pool := func(f func(p *aksengine.AgentPoolProfile)) func(m *aksengine.Model) {
		return func(m *aksengine.Model) { f(&m.Properties.AgentPoolProfiles[0]) }
	}
	addon := func(names ...string) func(m *aksengine.Model) {
		return kube(func(k *aksengine.KubernetesConfig) {
			for _, n := range names {
				k.Addons = append(k.Addons, aksengine.Addon{Name: n, Enabled: &yes})
			}
		})
	}
	subnets := func(masterID, agentID, first, vnet string) func(m *aksengine.Model) {
		return func(m *aksengine.Model) {
			p := &m.Properties.MasterProfile
			p.VnetSubnetID, p.FirstConsecutiveStaticIP, p.VnetCIDR = masterID, first, vnet
			m.Properties.AgentPoolProfiles[0].VnetSubnetID = agentID
		}
	}
	tests := []struct {
		name          string
		change        func(m *aksengine.Model)
		path, message string
		engine        string
	}{
		{"api version", func(m *aksengine.Model) { m.APIVersion = "v9" }, "apiVersion", "must be vlabs", "unrecognized APIVersion"},
		{"count 2", master(func(p *aksengine.MasterProfile) { p.Count = 2 }), "masterProfile.count", "1, 3 or 5 nodes, not 2", "MasterProfile count needs to be 1, 3, or 5"},
		{"count 0", master(func(p *aksengine.MasterProfile) { p.Count = 0 }), "masterProfile.count", "1, 3 or 5 nodes, not 0", "MasterProfile count needs to be 1, 3, or 5"},
		{"no prefix", master(func(p *aksengine.MasterProfile) { p.DNSPrefix = "" }), "masterProfile.dnsPrefix", "Give the cluster a DNS prefix", "apimodel: missing masterProfile.dnsPrefix and --dns-prefix was not specified"},
		{"short prefix", master(func(p *aksengine.MasterProfile) { p.DNSPrefix = "ab" }), "masterProfile.dnsPrefix", "3 to 45", "DNSPrefix 'ab' is invalid. The DNSPrefix must contain between 3 and 45 characters and can contain only letters, numbers, and hyphens.  It must start with a letter and must end with a letter or a number. (length was 2)"},
		{"long prefix", master(func(p *aksengine.MasterProfile) { p.DNSPrefix = strings.Repeat("a", 46) }), "masterProfile.dnsPrefix", "3 to 45", "(length was 46)"},
		{"prefix with a digit in front", master(func(p *aksengine.MasterProfile) { p.DNSPrefix = "1abc" }), "masterProfile.dnsPrefix", "begin with a letter", "is invalid"},
		{"prefix with a hyphen at the end", master(func(p *aksengine.MasterProfile) { p.DNSPrefix = "abc-" }), "masterProfile.dnsPrefix", "end with a letter or digit", "is invalid"},
		{"prefix with an underscore", master(func(p *aksengine.MasterProfile) { p.DNSPrefix = "a_c" }), "masterProfile.dnsPrefix", "hyphens", "is invalid"},
		{"prefix with capitals", master(func(p *aksengine.MasterProfile) { p.DNSPrefix = "Ratings" }), "masterProfile.dnsPrefix", "in lower case", ""},
		{"no master size", master(func(p *aksengine.MasterProfile) { p.VMSize = "" }), "masterProfile.vmSize", "Choose a VM size", "missing Properties.MasterProfile.VMSize"},
		{"no agent size", pool(func(p *aksengine.AgentPoolProfile) { p.VMSize = "" }), "agentPoolProfiles[0].vmSize", "Choose a VM size", "missing AgentPoolProfile.VMSize"},
		{"pool of none", pool(func(p *aksengine.AgentPoolProfile) { p.Count = 0 }), "agentPoolProfiles[0].count", "1 to 1000 nodes, not 0", "AgentPoolProfile count needs to be in the range [1,1000]"},
		{"pool too large", pool(func(p *aksengine.AgentPoolProfile) { p.Count = 1001 }), "agentPoolProfiles[0].count", "not 1001", "AgentPoolProfile count needs to be in the range [1,1000]"},
		{"no pools", func(m *aksengine.Model) { m.Properties.AgentPoolProfiles = nil }, "agentPoolProfiles", "at least one node pool", ""},
		{"pool name", pool(func(p *aksengine.AgentPoolProfile) { p.Name = "Linux-Pool" }), "agentPoolProfiles[0].name", "at most 12 lower-case letters", "pool name 'Linux-Pool' is invalid. A pool name must start with a lowercase letter, have max length of 12, and only have characters a-z0-9"},
		{"long pool name", pool(func(p *aksengine.AgentPoolProfile) { p.Name = "abcdefghijklm" }), "agentPoolProfiles[0].name", "at most 12", "is invalid"},
		{"pool called master", pool(func(p *aksengine.AgentPoolProfile) { p.Name = "master" }), "agentPoolProfiles[0].name", "cannot be called master", ""},
		{"same name twice", func(m *aksengine.Model) {
			m.Properties.AgentPoolProfiles = append(m.Properties.AgentPoolProfiles, m.Properties.AgentPoolProfiles[0])
		}, "agentPoolProfiles[1].name", "Two pools are called linuxpool", "profile name 'linuxpool' already exists, profile names must be unique across pools"},
		{"scale set", pool(func(p *aksengine.AgentPoolProfile) { p.AvailabilityProfile = "VirtualMachineScaleSets" }), "agentPoolProfiles[0].availabilityProfile", "needs availability sets", "agentPoolProfiles[linuxpool].availabilityProfile should be set to 'AvailabilitySet' on Azure Stack clouds"},
		{"scale set of masters", master(func(p *aksengine.MasterProfile) { p.AvailabilityProfile = "VirtualMachineScaleSets" }), "masterProfile.availabilityProfile", "needs availability sets", "on Azure Stack clouds"},
		{"accelerated networking", pool(func(p *aksengine.AgentPoolProfile) { p.AcceleratedNetworkingEnabled = true }), "agentPoolProfiles[0].AcceleratedNetworkingEnabled", "no accelerated networking", "AcceleratedNetworkingEnabled or AcceleratedNetworkingEnabledWindows shouldn't be set to true as feature is not yet supported on Azure Stack"},
		{"OS disk", pool(func(p *aksengine.AgentPoolProfile) { p.OSDiskSizeGB = 4096 }), "agentPoolProfiles[0].osDiskSizeGB", "1 to 1023 GB, not 4096", "Invalid os disk size of 4096 specified.  The range of valid values are [1, 1023]"},
		{"master OS disk", master(func(p *aksengine.MasterProfile) { p.OSDiskSizeGB = -1 }), "masterProfile.osDiskSizeGB", "not -1", "Invalid os disk size of -1"},
		{"etcd disk", kube(func(k *aksengine.KubernetesConfig) { k.EtcdDiskSizeGB = "2048" }), k8s + "etcdDiskSizeGB", "at most 1023 GB", "EtcdDiskSizeGB max size supported on Azure Stack is 1023"},
		{"agent distro", pool(func(p *aksengine.AgentPoolProfile) { p.Distro = "aks-ubuntu-18.04" }), "agentPoolProfiles[0].distro", "no longer supported", "invalid agent pool profile distro 'aks-ubuntu-18.04'"},
		{"master distro", master(func(p *aksengine.MasterProfile) { p.Distro = "aks-ubuntu-16.04" }), "masterProfile.distro", "Use aks-ubuntu-22.04", "invalid master profile distro 'aks-ubuntu-16.04'"},
		{"distro of another engine", master(func(p *aksengine.MasterProfile) { p.Distro = "ubuntu" }), "masterProfile.distro", "not the one that this engine was made for", "OS base image not available in target cloud: some VM images are missing on the target cloud"},
		{"version", func(m *aksengine.Model) { m.SetVersion("1.32.9") }, "orchestratorProfile.orchestratorVersion", "cannot make Kubernetes 1.32.9. It offers 1.33.10, 1.34.4, 1.35.0", `the following OrchestratorProfile configuration is not supported on Azure Stack: OrchestratorType: "Kubernetes", OrchestratorRelease: "1.32", OrchestratorVersion: "1.32.9". Please use one of the following versions: [1.33.10 1.34.4 1.35.0]`},
		{"no version", func(m *aksengine.Model) { m.SetVersion("") }, "orchestratorProfile.orchestratorVersion", "Choose a Kubernetes version", "is not supported on Azure Stack"},
		{"release", func(m *aksengine.Model) { m.Properties.OrchestratorProfile.OrchestratorRelease = "1.34" }, "orchestratorProfile.orchestratorRelease", "Release 1.34 does not belong to version 1.33.10", `OrchestratorRelease: "1.34", OrchestratorVersion: "1.33.10"`},
		{"portal", func(m *aksengine.Model) {
			m.Properties.CustomCloudProfile.PortalURL = "https://portal.orlando.azurestack.test/"
		}, "customCloudProfile.portalURL", "must begin with https://portal.seattle.", "portalURL needs to start with https://portal.seattle. "},
		{"no portal", func(m *aksengine.Model) { m.Properties.CustomCloudProfile.PortalURL = "" }, "customCloudProfile.portalURL", "must begin with", "portalURL needs to start with"},
		{"identity system", func(m *aksengine.Model) { m.Properties.CustomCloudProfile.IdentitySystem = workflows.IdentityADFS }, "customCloudProfile.identitySystem", "says identity system adfs, but the stamp uses azure_ad", ""},
		{"dependencies", func(m *aksengine.Model) { m.Properties.CustomCloudProfile.DependenciesLocation = "mars" }, "customCloudProfile.dependenciesLocation", "public, china", "dependenciesLocation"},
		{"location", func(m *aksengine.Model) { m.Location = "orlando" }, "location", "for region orlando, but the stack's region is seattle", "--location does not match api model location"},
		{"junk key", func(m *aksengine.Model) {
			m.Properties.LinuxProfile.SSH.PublicKeys = []aksengine.PublicKey{{KeyData: "hello"}}
		}, "linuxProfile.ssh.publicKeys", "not an SSH public key", ""},
		{"key with another type inside", func(m *aksengine.Model) {
			m.Properties.LinuxProfile.SSH.PublicKeys = []aksengine.PublicKey{{KeyData: strings.Replace(testKey, "ssh-rsa", "ssh-dss", 1)}}
		}, "linuxProfile.ssh.publicKeys", "not an SSH public key", ""},
		{"user", func(m *aksengine.Model) { m.Properties.LinuxProfile.AdminUsername = "Ana B" }, "linuxProfile.adminUsername", "lower-case letters", ""},
		{"root", func(m *aksengine.Model) { m.Properties.LinuxProfile.AdminUsername = "root" }, "linuxProfile.adminUsername", "reserved", ""},
		{"plugin", kube(func(k *aksengine.KubernetesConfig) { k.NetworkPlugin = "foo" }), k8s + "networkPlugin", `no network plugin "foo"`, "unknown networkPlugin 'foo' specified"},
		{"policy", kube(func(k *aksengine.KubernetesConfig) { k.NetworkPolicy = "bogus" }), k8s + "networkPolicy", `no network policy "bogus"`, "unknown networkPolicy 'bogus' specified"},
		{"policy of another plugin", kube(func(k *aksengine.KubernetesConfig) { k.NetworkPolicy = "azure" }), k8s + "networkPolicy", "azure does not go with the plugin kubenet", "networkPolicy 'azure' is not supported with networkPlugin 'kubenet'"},
		{"instance metadata", kube(func(k *aksengine.KubernetesConfig) { k.UseInstanceMetadata = &yes }), k8s + "useInstanceMetadata", "no instance metadata service", "useInstanceMetadata shouldn't be set to true as feature not yet supported on Azure Stack"},
		{"controller manager", kube(func(k *aksengine.KubernetesConfig) { k.UseCloudControllerManager = nil }), k8s + "useCloudControllerManager", "must be on", "useCloudControllerManager should be set to true for Kubernetes v1.21+ clusters on Azure Stack Hub"},
		{"docker", kube(func(k *aksengine.KubernetesConfig) { k.ContainerRuntime = "docker" }), k8s + "containerRuntime", "Use containerd", "Docker runtime is no longer supported for v1.24+ clusters, use containerd containerRuntime value instead"},
		{"DNS without services", kube(func(k *aksengine.KubernetesConfig) { k.DNSServiceIP = "10.0.0.10" }), k8s + "serviceCidr", "Give the services' range too", "OrchestratorProfile.KubernetesConfig.ServiceCidr must be specified when DNSServiceIP is"},
		{"services without DNS", kube(func(k *aksengine.KubernetesConfig) { k.ServiceCIDR = "10.0.0.0/16" }), k8s + "dnsServiceIP", "Give the DNS service's address too", "OrchestratorProfile.KubernetesConfig.DNSServiceIP must be specified when ServiceCidr is"},
		{"services no range", kube(func(k *aksengine.KubernetesConfig) { k.ServiceCIDR, k.DNSServiceIP = "10.0.0.0/99", "10.0.0.10" }), k8s + "serviceCidr", `"10.0.0.0/99" is not an address range`, "ServiceCidr '10.0.0.0/99' is an invalid CIDR subnet"},
		{"DNS no address", kube(func(k *aksengine.KubernetesConfig) { k.ServiceCIDR, k.DNSServiceIP = "10.0.0.0/16", "ten" }), k8s + "dnsServiceIP", `"ten" is not an IP address`, "DNSServiceIP 'ten' is an invalid IP address"},
		{"DNS outside", kube(func(k *aksengine.KubernetesConfig) { k.ServiceCIDR, k.DNSServiceIP = "10.0.0.0/16", "10.1.0.10" }), k8s + "dnsServiceIP", "outside the services' range", "is not within the ServiceCidr"},
		{"DNS first", kube(func(k *aksengine.KubernetesConfig) { k.ServiceCIDR, k.DNSServiceIP = "10.0.0.0/16", "10.0.0.1" }), k8s + "dnsServiceIP", "first address", "cannot be the first IP"},
		{"DNS broadcast", kube(func(k *aksengine.KubernetesConfig) { k.ServiceCIDR, k.DNSServiceIP = "10.0.0.0/16", "10.0.255.255" }), k8s + "dnsServiceIP", "highest address", "broadcast"},
		{"pods no range", kube(func(k *aksengine.KubernetesConfig) { k.ClusterSubnet = "10.244.0.0/99" }), k8s + "clusterSubnet", "is not an address range", "ClusterSubnet '10.244.0.0/99' is an invalid subnet"},
		{"pods IPv6", kube(func(k *aksengine.KubernetesConfig) { k.ClusterSubnet = "fd00::/64" }), k8s + "clusterSubnet", "is not an address range", "invalid subnet"},
		{"pods too few with azure", kube(func(k *aksengine.KubernetesConfig) { k.NetworkPlugin, k.ClusterSubnet = "azure", "10.240.0.0/24" }), k8s + "clusterSubnet", "/23 or larger", "must reserve at least 9 bits"},
		{"max pods", kube(func(k *aksengine.KubernetesConfig) { k.MaxPods = 3 }), k8s + "maxPods", "at least 5 pods, not 3", "MaxPods '3' must be at least 5"},
		{"grace period", kube(func(k *aksengine.KubernetesConfig) {
			k.ControllerManagerConfig["--node-monitor-grace-period"] = "3m"
		}), k8s + "controllerManagerConfig", "at least four times", "be larger than nodeStatusUpdateFrequency(60.000000)s by at least a factor of 4"},
		{"standard balancer", kube(func(k *aksengine.KubernetesConfig) { k.LoadBalancerSKU = "Standard" }), k8s + "loadBalancerSku", "left out of it", `standard loadBalancerSku should exclude master nodes. Please set KubernetesConfig "ExcludeMasterFromStandardLB" to "true"`},
		{"container monitoring", addon("container-monitoring"), k8s + "addons", "Take it out", "The container monitoring addon has been deprecated and disabled, please remove it from your cluster configuration before creating a new cluster"},
		{"autoscaler", addon("cluster-autoscaler"), k8s + "addons", "needs scale sets", `cluster-autoscaler addon can only be used with VirtualMachineScaleSets. Please specify "availabilityProfile": "VirtualMachineScaleSets"`},
		{"two DNS", addon("coredns", "kube-dns"), k8s + "addons", "Only one", "Both kube-dns and coredns addons are enabled"},
		{"addon not for the Hub", addon("aad-pod-identity"), k8s + "addons", "does not work on Azure Stack Hub", ""},
		{"custom data", kube(func(k *aksengine.KubernetesConfig) {
			k.Addons = []aksengine.Addon{{Name: "mine", Data: strings.Repeat("x", 87381)}}
		}), k8s + "addons", "87380", "Custom data is too long"},
		{"subnet of masters only", subnets(sub+"a", "", "10.100.0.5", ""), "agentPoolProfiles[0].vnetSubnetId", "control plane and every pool need a subnet", "Multiple VNET Subnet configurations specified."},
		{"subnet of agents only", subnets("", sub+"a", "10.100.0.5", ""), "masterProfile.vnetSubnetId", "control plane and every pool need a subnet", "Multiple VNET Subnet configurations specified."},
		{"two networks", subnets(sub+"a", strings.Replace(sub, "/v/", "/w/", 1)+"b", "10.100.0.5", ""), "agentPoolProfiles[0].vnetSubnetId", "in one virtual network", "Multiple VNETS specified."},
		{"subnet's id", subnets("subnet-1", sub+"a", "10.100.0.5", ""), "masterProfile.vnetSubnetId", "not a subnet's resource id", "subnet-1"},
		{"first address", subnets(sub+"a", sub+"b", "", ""), "masterProfile.firstConsecutiveStaticIP", "first of the control plane's addresses", "is an invalid IP address"},
		{"network range", subnets(sub+"a", sub+"b", "10.100.0.5", "10.100.0.0/40"), "masterProfile.vnetCidr", "is not an address range", "contains invalid cidr notation"},
		{"first address outside", subnets(sub+"a", sub+"b", "10.101.0.5", "10.100.0.0/16"), "masterProfile.firstConsecutiveStaticIP", "not all inside the virtual network", ""},
		{"addresses run over", subnets(sub+"a", sub+"b", "10.100.0.250", "10.100.0.0/24"), "masterProfile.firstConsecutiveStaticIP", "10.100.0.250 to 10.100.1.4", ""},
		{"pods over services", kube(func(k *aksengine.KubernetesConfig) { k.ClusterSubnet = "10.0.0.0/14" }), k8s + "serviceCidr", "overlaps with the pods' range", ""},
		{"pods over nodes", kube(func(k *aksengine.KubernetesConfig) { k.ClusterSubnet = "10.240.0.0/14" }), k8s + "clusterSubnet", "overlaps with the nodes' range", ""},
		{"services over nodes", kube(func(k *aksengine.KubernetesConfig) { k.ServiceCIDR, k.DNSServiceIP = "10.240.0.0/20", "10.240.0.10" }), k8s + "serviceCidr", "overlaps with the nodes' range", ""},
		{"principal without id", func(m *aksengine.Model) {
			m.Properties.ServicePrincipalProfile = &aksengine.ServicePrincipalProfile{Secret: "x"}
		}, "servicePrincipalProfile.clientId", "no client id", "the service principal client ID must be specified"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := good()
			tt.change(&m)
			got := aksengine.Validate(m, around())
			for _, v := range got {
				if v.Path == tt.path && strings.Contains(v.Message, tt.message) && strings.Contains(v.Engine, tt.engine) && (tt.engine != "" || v.Engine == "") {
					return
				}
			}
			t.Errorf("wanted %s: %q (engine %q)\ngot %+v", tt.path, tt.message, tt.engine, got)
		})
	}
}

func TestValidatePrincipal(t *testing.T) {
	s := around()
	s.Principal = false
	m := good()
	wantViolation(t, aksengine.Validate(m, s), "servicePrincipalProfile", "ServicePrincipalProfile must be specified")
	m.Properties.ServicePrincipalProfile = &aksengine.ServicePrincipalProfile{ClientID: "c"}
	wantViolation(t, aksengine.Validate(m, s), "servicePrincipalProfile.secret", "either the service principal client secret")
	m.Properties.ServicePrincipalProfile.Secret = "s"
	if v := aksengine.Validate(m, s); len(v) > 0 {
		t.Errorf("violations: %+v", v)
	}
}

func wantViolation(t *testing.T, got []aksengine.Violation, path, engine string) {
	t.Helper()
	if len(got) != 1 || got[0].Path != path || !strings.Contains(got[0].Engine, engine) {
		t.Errorf("got %+v, want %s: %s", got, path, engine)
	}
}

func FuzzValidate(f *testing.F) {
	f.Add("10.0.0.0/16", "10.0.0.10", "10.244.0.0/16", "abc", testKey)
	f.Add("0.0.0.0/0", "255.255.255.255", "::/0", "", "ssh-rsa AAAA")
	f.Fuzz(func(t *testing.T, services, dns, pods, prefix, key string) {
		m := good()
		k := &m.Properties.OrchestratorProfile.KubernetesConfig
		k.ServiceCIDR, k.DNSServiceIP, k.ClusterSubnet = services, dns, pods
		m.Properties.MasterProfile.DNSPrefix = prefix
		m.Properties.MasterProfile.VnetCIDR = pods
		m.Properties.MasterProfile.FirstConsecutiveStaticIP = dns
		m.Properties.MasterProfile.VnetSubnetID = prefix
		m.Properties.LinuxProfile.SSH.PublicKeys = []aksengine.PublicKey{{KeyData: key}}
		for _, v := range aksengine.Validate(m, around()) {
			if v.Message == "" {
				t.Error(fmt.Sprintf("no words for %+v", v))
			}
		}
	})
}
