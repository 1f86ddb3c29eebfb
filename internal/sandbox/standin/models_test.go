package standin

import (
	"strings"
	"testing"
)

type node = map[string]any

func props(m node) node      { return at(m, "properties") }
func kubernetes(m node) node { return at(m, "properties", "orchestratorProfile", "kubernetesConfig") }
func master(m node) node     { return at(m, "properties", "masterProfile") }
func pool(m node) node       { return at(m, "properties", "agentPoolProfiles") }
func cloud(m node) node      { return at(m, "properties", "customCloudProfile") }

func put(in func(node) node, key string, value any) func(node) {
	return func(m node) { in(m)[key] = value }
}

func addons(list ...any) func(node) { return put(kubernetes, "addons", list) }

func addon(name string, enabled bool) any { return node{"name": name, "enabled": enabled} }

func services(cidr, ip string) func(node) {
	return func(m node) { kubernetes(m)["serviceCidr"], kubernetes(m)["dnsServiceIP"] = cidr, ip }
}

const subnet = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/virtualNetworks/"

func networks(masters, pools, first, cidr string) func(node) {
	return func(m node) {
		master(m)["vnetSubnetID"], pool(m)["vnetSubnetID"] = masters, pools
		master(m)["firstConsecutiveStaticIP"], master(m)["vnetCidr"] = first, cidr
	}
}

// Where a model is refused decides what the Hub has seen by then.
const (
	whileReading = "loading API model: error parsing the api model: " // before any request but the metadata
	afterReading = "loading API model: "
	afterLogin   = "validating API model after populating values: " // the resource group is there
)

func TestBadModels(t *testing.T) {
	const in = "OrchestratorProfile.KubernetesConfig."
	for _, tc := range []struct {
		name    string
		change  func(node)
		when    string
		message string
	}{
		{"unknown field", put(props, "bogus", 1), whileReading, "Unknown JSON tag bogus"},
		{"unknown field deep down", put(kubernetes, "bogus", 1), whileReading, "Unknown JSON tag bogus"},
		{"wrong type", put(master, "count", "three"), whileReading, "json: cannot unmarshal string into Go struct field MasterProfile.properties.masterProfile.count of type int"},
		{"version of the model", func(m node) { m["apiVersion"] = "v2" }, whileReading, "unrecognized APIVersion 'v2'"},
		{"Kubernetes version", put(func(m node) node { return at(m, "properties", "orchestratorProfile") }, "orchestratorVersion", "1.32.9"), whileReading,
			`the following OrchestratorProfile configuration is not supported on Azure Stack: OrchestratorType: "Kubernetes", OrchestratorRelease: "1.33", OrchestratorVersion: "1.32.9". Please use one of the following versions: [1.33.10 1.34.4 1.35.0]`},
		{"portal of another region", put(cloud, "portalURL", "https://portal.local.azurestack.test/"), whileReading, "portalURL needs to start with https://portal.seattle. "},
		{"no portal", put(cloud, "portalURL", ""), whileReading, "portalURL needs to start with https://portal.seattle. "},
		{"location", func(m node) { m["location"] = "local" }, afterReading, "--location does not match api model location"},
		{"no control plane", func(m node) { delete(props(m), "masterProfile") }, afterReading, "MasterProfile can't be nil"},
		{"no DNS prefix", put(master, "dnsPrefix", ""), afterReading, "apimodel: missing masterProfile.dnsPrefix and --dns-prefix was not specified"},
		{"old distro", put(pool, "distro", "aks-ubuntu-18.04"), afterReading, "invalid agent pool profile distro 'aks-ubuntu-18.04'"},
		{"old distro of masters", put(master, "distro", "aks-ubuntu-16.04"), afterReading, "invalid master profile distro 'aks-ubuntu-16.04'"},

		{"network plugin", put(kubernetes, "networkPlugin", "foo"), whileReading, "unknown networkPlugin 'foo' specified"},
		{"network policy", put(kubernetes, "networkPolicy", "bogus"), whileReading, "unknown networkPolicy 'bogus' specified"},
		{"plugin and policy", put(kubernetes, "networkPolicy", "azure"), whileReading, "networkPolicy 'azure' is not supported with networkPlugin 'kubenet'"},
		{"instance metadata", put(kubernetes, "useInstanceMetadata", true), whileReading, "useInstanceMetadata shouldn't be set to true as feature not yet supported on Azure Stack"},
		{"no cloud controller", put(kubernetes, "useCloudControllerManager", false), whileReading, "useCloudControllerManager should be set to true for Kubernetes v1.21+ clusters on Azure Stack Hub"},
		{"docker", put(kubernetes, "containerRuntime", "docker"), whileReading, "Docker runtime is no longer supported for v1.24+ clusters, use containerd containerRuntime value instead"},
		{"services without DNS", services("10.0.0.0/16", ""), whileReading, in + "DNSServiceIP must be specified when ServiceCidr is"},
		{"DNS without services", services("", "10.0.0.10"), whileReading, in + "ServiceCidr must be specified when DNSServiceIP is"},
		{"DNS outside", services("10.0.0.0/16", "10.1.0.1"), whileReading, in + "DNSServiceIP '10.1.0.1' is not within the ServiceCidr '10.0.0.0/16'"},
		{"DNS first", services("10.0.0.0/16", "10.0.0.1"), whileReading, in + "DNSServiceIP '10.0.0.1' cannot be the first IP of ServiceCidr '10.0.0.0/16'"},
		{"DNS last", services("10.0.0.0/16", "10.0.255.255"), whileReading, in + "DNSServiceIP '10.0.255.255' cannot be the broadcast address of ServiceCidr '10.0.0.0/16'"},
		{"pod subnet", put(kubernetes, "clusterSubnet", "10.244.0.0/99"), whileReading, in + "ClusterSubnet '10.244.0.0/99' is an invalid subnet"},
		{"few pods", put(kubernetes, "maxPods", 3), whileReading, in + "MaxPods '3' must be at least 5"},
		{"impatience", put(kubernetes, "controllerManagerConfig", node{"--node-monitor-grace-period": "3m"}), whileReading,
			"aks-engine-azurestack requires that --node-monitor-grace-period(180.000000)s be larger than nodeStatusUpdateFrequency(60.000000)s by at least a factor of 4; "},
		{"etcd disk", put(kubernetes, "etcdDiskSizeGB", "2048"), whileReading, "EtcdDiskSizeGB max size supported on Azure Stack is 1023"},
		{"standard balancer", put(kubernetes, "loadBalancerSku", "Standard"), whileReading, `standard loadBalancerSku should exclude master nodes. Please set KubernetesConfig "ExcludeMasterFromStandardLB" to "true"`},

		{"master count", put(master, "count", 2), afterLogin, "MasterProfile count needs to be 1, 3, or 5"},
		{"DNS prefix", put(master, "dnsPrefix", "ab"), afterLogin, "DNSPrefix 'ab' is invalid. The DNSPrefix must contain between 3 and 45 characters and can contain only letters, numbers, and hyphens.  It must start with a letter and must end with a letter or a number. (length was 2)"},
		{"no size", put(master, "vmSize", ""), afterLogin, "missing Properties.MasterProfile.VMSize"},
		{"pool count", put(pool, "count", 1001), afterLogin, "AgentPoolProfile count needs to be in the range [1,1000]"},
		{"pool name", put(pool, "name", "Linux-Pool"), afterLogin, "pool name 'Linux-Pool' is invalid. A pool name must start with a lowercase letter, have max length of 12, and only have characters a-z0-9"},
		{"same pool twice", func(m node) { props(m)["agentPoolProfiles"] = []any{pool(m), pool(m)} }, afterLogin, "profile name 'linuxpool' already exists, profile names must be unique across pools"},
		{"scale set", put(pool, "availabilityProfile", "VirtualMachineScaleSets"), afterLogin, "agentPoolProfiles[linuxpool].availabilityProfile should be set to 'AvailabilitySet' on Azure Stack clouds"},
		{"accelerated networking", put(pool, "acceleratedNetworkingEnabled", true), afterLogin, "AcceleratedNetworkingEnabled or AcceleratedNetworkingEnabledWindows shouldn't be set to true as feature is not yet supported on Azure Stack"},
		{"disk", put(pool, "osDiskSizeGB", 4096), afterLogin, "Invalid os disk size of 4096 specified.  The range of valid values are [1, 1023]"},
		{"plugin of other clouds", func(m node) { kubernetes(m)["networkPlugin"], kubernetes(m)["networkPolicy"] = "cilium", "cilium" }, afterLogin, "kubernetesConfig.networkPlugin 'cilium' is not supported on Azure Stack clouds"},
		{"place of dependencies", put(cloud, "dependenciesLocation", "mars"), afterLogin, "The mars dependenciesLocation is not supported. The supported vaules are [ public china german usgovernment]"},
		{"half a network", put(master, "vnetSubnetID", subnet+"v/subnets/a"), afterLogin, "Multiple VNET Subnet configurations specified.  The master profile and each agent pool profile must all specify a custom VNET Subnet, or none at all"},
		{"two networks", networks(subnet+"v/subnets/a", subnet+"w/subnets/a", "10.1.0.9", ""), afterLogin, "Multiple VNETS specified.  The master profile and each agent pool must reference the same VNET (but it is ok to reference different subnets on that VNET)"},
		{"network without address", networks(subnet+"v/subnets/a", subnet+"v/subnets/b", "", ""), afterLogin, "MasterProfile.FirstConsecutiveStaticIP (with VNET Subnet specification) '' is an invalid IP address"},
		{"network range", networks(subnet+"v/subnets/a", subnet+"v/subnets/b", "10.1.0.9", "q"), afterLogin, "MasterProfile.VnetCidr 'q' contains invalid cidr notation"},
		{"container monitoring", addons(addon("container-monitoring", true)), afterLogin, "The container monitoring addon has been deprecated and disabled, please remove it from your cluster configuration before creating a new cluster"},
		{"autoscaler", addons(addon("cluster-autoscaler", true)), afterLogin, `cluster-autoscaler addon can only be used with VirtualMachineScaleSets. Please specify "availabilityProfile": "VirtualMachineScaleSets"`},
		{"two DNS servers", addons(addon("kube-dns", true), addon("coredns", true)), afterLogin, "Both kube-dns and coredns addons are enabled, only one of these may be enabled on a cluster"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, r := newHub(t), newRun(t)
			r.main(h, r.deployArgs(model(t, r.dir, tc.change))...)
			first, _, _ := strings.Cut(r.stderr, "\nUsage:\n")
			if want := "Error: " + tc.when + tc.message; r.code != 1 || first != want {
				t.Errorf("exit %d\n got %s\nwant %s", r.code, first, want)
			}
			made := strings.Contains(strings.Join(h.seen(), "\n"), "PUT management.seattle.azurestack.test/subscriptions/"+subscriptionID+"/resourcegroups/rg1")
			if made != (tc.when == afterLogin) {
				t.Errorf("resource group made: %t, after these requests:\n%s", made, strings.Join(h.seen(), "\n"))
			}
		})
	}
}

func TestWarningsOfModels(t *testing.T) {
	h, r := newHub(t), newRun(t)
	r.main(h, r.deployArgs(model(t, r.dir, func(m node) {
		master(m)["count"] = 1
		at(m, "properties", "linuxProfile")["adminUsername"] = ""
	}))...)
	if r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	var got []string
	for line := range strings.Lines(r.stdout) {
		if text, ok := strings.CutPrefix(line, "\x1b[33mWARN\x1b[0m[0000] "); ok {
			got = append(got, strings.TrimSpace(text))
		}
	}
	want := []string{
		"apimodel: no linuxProfile.adminUsername was specified. Will use 'azureuser'.",
		"Running only 1 control plane VM not recommended for production clusters, use 3 or 5 for control plane redundancy",
		`apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBase forced to "mcr.microsoft.com/"`,
		`apimodel: orchestratorProfile.kubernetesConfig.kubernetesImageBaseType forced to "mcr"`,
		"The docker runtime is no longer supported for v1.24+ clusters, setting ContainerRuntime to 'containerd'",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("warnings:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
