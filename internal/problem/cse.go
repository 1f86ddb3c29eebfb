package problem

import (
	"fmt"
	"strconv"

	"hubwright/workflows"
)

type cseWords struct{ name, why, fix string }

const (
	fixEgress  = "Check from a VM in the cluster's subnet that the registries and packages are reachable (route table, firewall, proxy), or use a base image of exactly this engine version, which carries them; then retry."
	fixAPI     = "Check that the nodes resolve and reach the API server's name and port 443: DNS servers of the network, load balancer, network security group; then retry."
	fixControl = "Read /var/log/azure/cluster-provision.log and the kubelet's journal on a control plane node over SSH, then retry."
	fixHubAPI  = "Check that the nodes reach the Hub's ARM and login endpoints and trust its certificate, and that the service principal is valid; then retry."
	fixImage   = "Read /var/log/azure/cluster-provision.log on that VM over SSH. If it stays, compare the base image's version with the one that the engine needs; then retry."
)

// cseCodes are the exit codes of AKS Engine's node set-up script.
var cseCodes = map[int]cseWords{
	4:   {"ERR_SYSTEMCTL_START_FAIL", "A system service did not start.", fixImage},
	6:   {"ERR_FILE_WATCH_TIMEOUT", "A file that the set-up waits for never came.", fixImage},
	11:  {"ERR_ETCD_RUNNING_TIMEOUT", "etcd did not start in time; its members do not reach each other or the disk is too slow.", fixControl},
	15:  {"ERR_ETCD_CONFIG_FAIL", "etcd could not be configured.", fixControl},
	27:  {"ERR_MOBY_INSTALL_TIMEOUT", "The container runtime could not be installed in time.", fixEgress},
	30:  {"ERR_K8S_RUNNING_TIMEOUT", "Kubernetes did not come up in time on this node; with an own subnet, mostly a route table or DNS that does not fit.", fixAPI},
	31:  {"ERR_K8S_DOWNLOAD_TIMEOUT", "Kubernetes could not be downloaded in time.", fixEgress},
	33:  {"ERR_IMG_DOWNLOAD_TIMEOUT", "A container image could not be downloaded in time.", fixEgress},
	34:  {"ERR_KUBELET_START_FAIL", "The kubelet did not start.", fixControl},
	35:  {"ERR_CONTAINER_IMG_PULL_TIMEOUT", "A container image could not be pulled in time.", fixEgress},
	36:  {"ERR_ADDONS_START_FAIL", "The cluster's addons did not start.", fixControl},
	41:  {"ERR_CNI_DOWNLOAD_TIMEOUT", "The network plugin could not be downloaded in time.", fixEgress},
	49:  {"ERR_MODPROBE_FAIL", "A kernel module could not be loaded.", fixImage},
	50:  {"ERR_OUTBOUND_CONN_FAIL", "The node has no connection to the outside; on a stamp without internet, the base image is not the one that carries everything.", fixEgress},
	51:  {"ERR_K8S_API_SERVER_CONN_FAIL", "The node does not reach the cluster's API server.", fixAPI},
	52:  {"ERR_K8S_API_SERVER_DNS_LOOKUP_FAIL", "The node cannot resolve the name of the cluster's API server.", fixAPI},
	53:  {"ERR_K8S_API_SERVER_AZURE_DNS_LOOKUP_FAIL", "The stamp's DNS cannot resolve the name of the cluster's API server.", fixAPI},
	99:  {"ERR_APT_UPDATE_TIMEOUT", "The package lists could not be updated in time.", fixEgress},
	100: {"ERR_CSE_PROVISION_SCRIPT_NOT_READY_TIMEOUT", "The set-up script itself was not on the VM after 20 minutes: cloud-init failed or is stuck.", "Read /var/log/cloud-init-output.log on that VM over SSH, then retry."},
	101: {"ERR_APT_DIST_UPGRADE_TIMEOUT", "The system's packages could not be upgraded in time.", fixEgress},
	120: {"ERR_AZURE_STACK_GET_ARM_TOKEN", "The node got no token from the Hub's login service.", fixHubAPI},
	121: {"ERR_AZURE_STACK_GET_NETWORK_CONFIGURATION", "The node could not read its network from the Hub's Resource Manager.", fixHubAPI},
	122: {"ERR_AZURE_STACK_GET_SUBNET_PREFIX", "The node could not read its subnet from the Hub's Resource Manager.", fixHubAPI},
	123: {"ERR_AZURE_STACK_GET_SDN_INTERFACES", "The node could not read its network interfaces from the Hub.", fixHubAPI},
	124: {"timeout", "A part of the set-up was stopped because it took too long.", fixEgress},
	180: {"ERR_CLUSTER_INIT_FAIL", "The cluster could not be initialised.", fixControl},
}

// CSEName is the engine's name for an exit code of the node set-up script, ""
// when it has none.
func CSEName(exitCode int) string { return cseCodes[exitCode].name }

// FromCSE is the Problem of a node whose set-up script ended with exitCode. VM
// names the node and may be empty.
func FromCSE(exitCode int, vm string) *workflows.Problem {
	if vm == "" {
		vm = "a node"
	}
	w, ok := cseCodes[exitCode]
	if !ok {
		w = cseWords{why: "The set-up script does not say more.", fix: "Read /var/log/azure/cluster-provision.log on that VM over SSH, correct the cause, and retry."}
	}
	code := strconv.Itoa(exitCode)
	if w.name != "" {
		code += ", " + w.name
	}
	return &workflows.Problem{
		Code: "cse." + strconv.Itoa(exitCode),
		What: fmt.Sprintf("The set-up of %s failed (exit code %s)", vm, code),
		Why:  w.why, Fix: w.fix, Link: docEngine,
	}
}
