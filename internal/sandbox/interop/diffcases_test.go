//go:build interop

package interop

import "strings"

// input is what both programs are given. The steps run one after the other in
// one folder and against one Hub, and each is an input of its own.
type input struct {
	name    string
	changes []string // of the API model: "masterProfile.count=2", below properties; "/location=..." at the top; "a.b=" alone deletes
	cluster bool     // needs a cluster that lives
	ownPKI  bool     // the programs make the certificates, which takes seconds; else the model brings them
	steps   []step1
}

// step1 is one command line. A file is written before it, when it names one.
type step1 struct {
	args string
	file string // "pool.json {...}"
}

const (
	cloudFlags  = " --azure-env AzureStackCloud -l seattle -g rg1 -s SUBSCRIPTION --client-id CLIENT --identity-system azure_ad"
	secretFlags = cloudFlags + " --client-secret SECRET"
	deployLine  = "deploy -m model.json -o out" + secretFlags
	onCluster   = " -m out/apimodel.json" + secretFlags
	apiName     = "k111.seattle.cloudapp.azurestack.test"
	nobody      = "127.0.0.99" // where no SSH server is
)

func lines(args ...string) []step1 {
	var out []step1
	for _, a := range args {
		out = append(out, step1{args: a})
	}
	return out
}

// inputs are all that both programs are given.
func inputs() []input {
	all := []input{
		{name: "help", steps: lines("", "--help", "help scale", "deploy --help", "generate --help", "scale --help", "addpool --help", "upgrade --help", "get-versions --help",
			"version --help", "rotate-certs --help", "get-logs --help", "bogus", "deplo", "--bogus", "deploy --bogus", "deploy -x", "deploy --location")},
		{name: "version", steps: lines("version", "version -o json", "version -o yaml")},
		{name: "versions", steps: lines("get-versions --azure-env AzureStackCloud", "get-versions --azure-env AzureStackCloud -o json", "get-versions --version 1.33.5", "get-versions --version 1.30.10",
			"get-versions --version 1.29.0", "get-versions --version 1.35.0", "get-versions --version 1.33.10 -o json", "get-versions -o yaml", "get-versions --windows --azure-env AzureStackCloud")},
		{name: "command lines", steps: lines("deploy", "deploy -m nofile -l x", "deploy a b", "deploy -m model.json", "generate", "generate -m nofile", "scale", "addpool", "upgrade",
			"scale -m nofile -c 3"+secretFlags, "upgrade -m nofile -k 1.34.4"+secretFlags, "addpool -m nofile -p nofile"+secretFlags,
			"rotate-certs", "rotate-certs -m nofile"+secretFlags, "rotate-certs -m nofile --ssh-host x --linux-ssh-private-key nofile"+secretFlags,
			"get-logs", "get-logs -m nofile -l seattle", "get-logs -m nofile -l seattle --ssh-host x --linux-ssh-private-key nofile")},
		{name: "who logs in", steps: lines("deploy -m model.json -o out -l seattle --azure-env AzureStackCloud",
			"deploy -m model.json -o out -l seattle --client-id CLIENT -s SUBSCRIPTION", deployLine+" --azure-env=Mars", deployLine+" --identity-system=mars",
			deployLine+" --auth-method=client_certificate", deployLine+" --auth-method=bogus", deployLine+" --client-id=bogus", deployLine+" --subscription-id=bogus",
			deployLine+" --ca-certificate-path=x", "deploy -m model.json -o out"+cloudFlags+" --client-secret wrong")},
		{name: "another location", steps: lines(strings.Replace(deployLine, "-l seattle", "-l orlando", 1))},
		{name: "deploy", ownPKI: true, steps: lines(deployLine, deployLine, deployLine+" -f -m out/apimodel.json")},
		{name: "deploy one master", changes: []string{`masterProfile.count=1`, `agentPoolProfiles.0.count=1`}, steps: lines(deployLine)},
		{name: "deploy five masters, three pools", changes: []string{`masterProfile.count=5`,
			`agentPoolProfiles.1={"name":"two","count":1,"vmSize":"Standard_D2_v2","distro":"aks-ubuntu-22.04","availabilityProfile":"AvailabilitySet","osDiskSizeGB":100,"customNodeLabels":{"disk":"fast"}}`,
			`agentPoolProfiles.2={"name":"three","count":1,"vmSize":"Standard_D2_v2","availabilityProfile":"AvailabilitySet"}`}, steps: lines(deployLine)},
		{name: "deploy Azure CNI", changes: []string{`orchestratorProfile.kubernetesConfig.networkPlugin="azure"`}, steps: lines(deployLine)},
		{name: "deploy 1.35 without telemetry", changes: []string{`orchestratorProfile.orchestratorRelease="1.35"`, `orchestratorProfile.orchestratorVersion="1.35.0"`, `featureFlags.enableTelemetry=false`}, steps: lines(deployLine)},
		{name: "deploy without SSH key", changes: []string{`masterProfile.count=1`, `linuxProfile.ssh.publicKeys.0.keyData=""`, `linuxProfile.adminUsername=""`}, steps: lines(deployLine,
			"rotate-certs --linux-ssh-private-key out/azureuser_rsa --ssh-host "+nobody+onCluster, "get-logs -l seattle -m out/apimodel.json --linux-ssh-private-key out/azureuser_rsa --ssh-host "+nobody)},
		{name: "generate", ownPKI: true, changes: []string{`/location="seattle"`}, steps: lines("generate -m model.json -o out --client-id CLIENT --client-secret SECRET --set masterProfile.count=1,agentPoolProfiles[0].count=1", "generate -m model.json -o out2", "generate -m model.json -o out3 --parameters-only --client-id CLIENT --client-secret SECRET")},
		{name: "day two", changes: []string{`masterProfile.count=1`}, steps: append(lines(deployLine,
			"scale"+onCluster, "scale -c 2"+onCluster, "scale -c 0"+onCluster, "scale -c 1"+onCluster, "scale -c 3 --node-pool bogus"+onCluster, "scale -c 3"+onCluster,
			"upgrade"+onCluster, "upgrade -k 1.35.0"+onCluster, "upgrade -k 1.33.10"+onCluster, "upgrade -k bogus"+onCluster, "upgrade -k 1.36.0"+onCluster, "upgrade -k 1.29.0"+onCluster,
			"rotate-certs"+onCluster, "rotate-certs --ssh-host "+nobody+onCluster, "rotate-certs --linux-ssh-private-key nofile --ssh-host "+nobody+onCluster,
			"rotate-certs --certificate-profile nofile --linux-ssh-private-key nofile --ssh-host "+nobody+onCluster,
			"rotate-certs --linux-ssh-private-key out/apimodel.json --ssh-host "+nobody+onCluster,
			"get-logs -m out/apimodel.json", "get-logs -l seattle -m out/apimodel.json --ssh-host "+nobody, "get-logs -l seattle -m out/apimodel.json --linux-ssh-private-key nofile --ssh-host "+nobody,
			"get-logs -l seattle -m out/apimodel.json --linux-ssh-private-key out/apimodel.json --linux-script nofile --ssh-host "+nobody,
			"get-logs -l seattle -m out/apimodel.json --linux-ssh-private-key out/apimodel.json --output-directory nofolder --ssh-host "+nobody,
			"scale -c 3 -m out/apimodel.json"+cloudFlags+" --client-secret wrong", "addpool"+onCluster, "addpool -p nofile"+onCluster, strings.Replace("scale -c 3"+onCluster, "-l seattle", "-l orlando", 1)),
			step1{"addpool -p pool.json" + onCluster, `pool.json {"name":`},
			step1{"addpool -p pool.json" + onCluster, `pool.json {"bogus":1}`},
			step1{"addpool -p pool.json" + onCluster, `pool.json {"name":"linuxpool","count":1,"vmSize":"Standard_D2_v2","availabilityProfile":"AvailabilitySet"}`},
			step1{"addpool -p pool.json" + onCluster, `pool.json {"name":"Two","count":1,"vmSize":"Standard_D2_v2","availabilityProfile":"AvailabilitySet"}`},
			step1{"addpool -p pool.json" + onCluster, `pool.json {"name":"set","count":1,"vmSize":"Standard_D2_v2","availabilityProfile":"VirtualMachineScaleSets"}`},
			step1{"addpool -p pool.json" + onCluster, `pool.json {"name":"two","count":2,"vmSize":"Standard_D2_v2","distro":"aks-ubuntu-22.04","availabilityProfile":"AvailabilitySet"}`},
			step1{"scale -c 4" + onCluster, ""})},
		{name: "a cluster's life", cluster: true, ownPKI: true, changes: []string{`masterProfile.count=1`, `agentPoolProfiles.0.count=1`, `orchestratorProfile.kubernetesConfig.addons=[{"name":"metrics-server","enabled":false}]`}, steps: lines(deployLine,
			"scale -c 2 --apiserver "+apiName+onCluster, "scale -c 2 --apiserver "+apiName+onCluster, "scale -c 1 --apiserver "+apiName+onCluster,
			"upgrade -k 1.34.4 --control-plane-only"+onCluster, "upgrade -k 1.34.4 --force"+onCluster, "upgrade -k 1.35.0"+onCluster)},
	}
	return append(all, brokenModels()...)
}

// brokenModels break each rule of the API model, one at a time.
func brokenModels() []input {
	const (
		config = "orchestratorProfile.kubernetesConfig."
		subnet = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/virtualNetworks/"
	)
	addons := func(list string) string { return config + "addons=[" + list + "]" }
	custom := func(masters, pools, first, cidr string) []string {
		return []string{`masterProfile.vnetSubnetId="` + masters + `"`, `agentPoolProfiles.0.vnetSubnetId="` + pools + `"`, `masterProfile.firstConsecutiveStaticIP="` + first + `"`, `masterProfile.vnetCidr="` + cidr + `"`}
	}
	var out []input
	for _, m := range []struct {
		name    string
		changes []string
	}{
		{"unknown field", []string{`bogus=1`}},
		{"unknown field deep down", []string{config + `bogus=1`}},
		{"wrong type", []string{`masterProfile.count="three"`}},
		{"version of the model", []string{`/apiVersion="v2"`}},
		{"no version of the model", []string{`/apiVersion=`}},
		{"Kubernetes version", []string{`orchestratorProfile.orchestratorVersion="1.32.9"`}},
		{"Kubernetes release", []string{`orchestratorProfile.orchestratorRelease="1.34"`}},
		{"portal of another region", []string{`customCloudProfile.portalURL="https://portal.local.azurestack.test/"`}},
		{"no portal", []string{`customCloudProfile.portalURL=""`}},
		{"location", []string{`/location="local"`}},
		{"no control plane", []string{`masterProfile=`}},
		{"no pools", []string{`agentPoolProfiles=`}},
		{"no Linux profile", []string{`linuxProfile=`}},
		{"no DNS prefix", []string{`masterProfile.dnsPrefix=""`}},
		{"old distro", []string{`agentPoolProfiles.0.distro="aks-ubuntu-18.04"`}},
		{"old distro of masters", []string{`masterProfile.distro="aks-ubuntu-16.04"`}},
		{"missing image", []string{`agentPoolProfiles.0.distro="aks-ubuntu-20.04"`}},
		{"generic image", []string{`agentPoolProfiles.0.distro="ubuntu"`}},
		{"network plugin", []string{config + `networkPlugin="foo"`}},
		{"network policy", []string{config + `networkPolicy="bogus"`}},
		{"plugin and policy", []string{config + `networkPolicy="azure"`}},
		{"instance metadata", []string{config + `useInstanceMetadata=true`}},
		{"no cloud controller", []string{config + `useCloudControllerManager=false`}},
		{"docker", []string{config + `containerRuntime="docker"`}},
		{"services without DNS", []string{config + `serviceCidr="10.0.0.0/16"`}},
		{"DNS without services", []string{config + `dnsServiceIP="10.0.0.10"`}},
		{"DNS outside", []string{config + `serviceCidr="10.0.0.0/16"`, config + `dnsServiceIP="10.1.0.1"`}},
		{"DNS first", []string{config + `serviceCidr="10.0.0.0/16"`, config + `dnsServiceIP="10.0.0.1"`}},
		{"DNS last", []string{config + `serviceCidr="10.0.0.0/16"`, config + `dnsServiceIP="10.0.255.255"`}},
		{"DNS no address", []string{config + `serviceCidr="10.0.0.0/16"`, config + `dnsServiceIP="x"`}},
		{"services no subnet", []string{config + `serviceCidr="x"`, config + `dnsServiceIP="10.0.0.10"`}},
		{"pod subnet", []string{config + `clusterSubnet="10.244.0.0/99"`}},
		{"small pod subnet", []string{config + `clusterSubnet="10.244.0.0/30"`, config + `networkPlugin="azure"`}},
		{"few pods", []string{config + `maxPods=3`}},
		{"impatience", []string{config + `controllerManagerConfig={"--node-monitor-grace-period":"3m"}`}},
		{"etcd disk", []string{config + `etcdDiskSizeGB="2048"`}},
		{"standard balancer", []string{config + `loadBalancerSku="Standard"`}},
		{"master count", []string{`masterProfile.count=2`}},
		{"DNS prefix", []string{`masterProfile.dnsPrefix="ab"`}},
		{"DNS prefix with a line", []string{`masterProfile.dnsPrefix="a_b_c"`}},
		{"no size", []string{`masterProfile.vmSize=""`}},
		{"no size of a pool", []string{`agentPoolProfiles.0.vmSize=""`}},
		{"pool count", []string{`agentPoolProfiles.0.count=1001`}},
		{"pool of none", []string{`agentPoolProfiles.0.count=0`}},
		{"pool name", []string{`agentPoolProfiles.0.name="Linux-Pool"`}},
		{"same pool twice", []string{`agentPoolProfiles.1={"name":"linuxpool","count":2,"vmSize":"Standard_D2_v2","distro":"aks-ubuntu-22.04","availabilityProfile":"AvailabilitySet"}`}},
		{"scale set", []string{`agentPoolProfiles.0.availabilityProfile="VirtualMachineScaleSets"`}},
		{"scale set of masters", []string{`masterProfile.availabilityProfile="VirtualMachineScaleSets"`}},
		{"accelerated networking", []string{`agentPoolProfiles.0.AcceleratedNetworkingEnabled=true`}},
		{"disk", []string{`agentPoolProfiles.0.osDiskSizeGB=4096`}},
		{"disk of masters", []string{`masterProfile.osDiskSizeGB=4096`}},
		{"plugin of other clouds", []string{config + `networkPlugin="cilium"`, config + `networkPolicy="cilium"`}},
		{"place of dependencies", []string{`customCloudProfile.dependenciesLocation="mars"`}},
		{"half a network", []string{`masterProfile.vnetSubnetId="` + subnet + `v/subnets/a"`}},
		{"two networks", custom(subnet+"v/subnets/a", subnet+"w/subnets/a", "10.1.0.9", "")},
		{"network without address", custom(subnet+"v/subnets/a", subnet+"v/subnets/b", "", "")},
		{"network range", custom(subnet+"v/subnets/a", subnet+"v/subnets/b", "10.1.0.9", "q")},
		{"container monitoring", []string{addons(`{"name":"container-monitoring","enabled":true}`)}},
		{"autoscaler", []string{addons(`{"name":"cluster-autoscaler","enabled":true}`)}},
		{"two DNS servers", []string{addons(`{"name":"kube-dns","enabled":true},{"name":"coredns","enabled":true}`)}},
		{"VM size that no Hub has", []string{`agentPoolProfiles.0.vmSize="Standard_Z99"`}},
	} {
		out = append(out, input{name: "model: " + m.name, changes: m.changes, ownPKI: true, steps: lines(deployLine)})
	}
	return out
}
