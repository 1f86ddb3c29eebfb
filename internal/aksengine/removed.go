package aksengine

import (
	"slices"

	"hubwright/workflows"
)

// RemovedAPIs are the APIs that Kubernetes took away and that people write
// manifests of.
func RemovedAPIs() []workflows.RemovedAPI {
	var all []workflows.RemovedAPI
	gone := func(minor int, version, instead string, kinds ...string) {
		for _, k := range kinds {
			all = append(all, workflows.RemovedAPI{Version: version, Kind: k, GoneIn: minor, Instead: instead})
		}
	}
	gone(16, "extensions/v1beta1", "apps/v1", "DaemonSet", "Deployment", "ReplicaSet")
	gone(16, "extensions/v1beta1", "networking.k8s.io/v1", "NetworkPolicy")
	gone(16, "apps/v1beta1", "apps/v1", "Deployment", "StatefulSet")
	gone(16, "apps/v1beta2", "apps/v1", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")
	gone(22, "extensions/v1beta1", "networking.k8s.io/v1", "Ingress")
	gone(22, "networking.k8s.io/v1beta1", "networking.k8s.io/v1", "Ingress", "IngressClass")
	gone(22, "apiextensions.k8s.io/v1beta1", "apiextensions.k8s.io/v1", "CustomResourceDefinition")
	gone(22, "admissionregistration.k8s.io/v1beta1", "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
	gone(22, "apiregistration.k8s.io/v1beta1", "apiregistration.k8s.io/v1", "APIService")
	gone(22, "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
	gone(22, "scheduling.k8s.io/v1beta1", "scheduling.k8s.io/v1", "PriorityClass")
	gone(22, "storage.k8s.io/v1beta1", "storage.k8s.io/v1", "CSIDriver", "StorageClass")
	gone(25, "batch/v1beta1", "batch/v1", "CronJob")
	gone(25, "policy/v1beta1", "policy/v1", "PodDisruptionBudget")
	gone(25, "policy/v1beta1", "", "PodSecurityPolicy")
	gone(25, "autoscaling/v2beta1", "autoscaling/v2", "HorizontalPodAutoscaler")
	gone(25, "node.k8s.io/v1beta1", "node.k8s.io/v1", "RuntimeClass")
	gone(26, "autoscaling/v2beta2", "autoscaling/v2", "HorizontalPodAutoscaler")
	gone(26, "flowcontrol.apiserver.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "PriorityLevelConfiguration")
	gone(29, "flowcontrol.apiserver.k8s.io/v1beta2", "flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "PriorityLevelConfiguration")
	gone(32, "flowcontrol.apiserver.k8s.io/v1beta3", "flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "PriorityLevelConfiguration")
	return all
}

// Minor is the minor number of a Kubernetes version, 0 when it is none.
func Minor(version string) int {
	n, _ := numbers(version)
	return n[1]
}

// DiskDriver is the version of the Azure Disk CSI driver that belongs to a
// Kubernetes version on Azure Stack Hub.
func DiskDriver(kubernetes string) string {
	pins := []struct {
		from    int // minor version
		version string
	}{{34, "1.34.3"}, {33, "1.33.7"}, {32, "1.32.11"}, {31, "1.31.12"}, {28, "1.29.12"}, {27, "1.28.3"}, {26, "1.26.5"}}
	for _, p := range pins {
		if Minor(kubernetes) >= p.from {
			return p.version
		}
	}
	return "1.10.0"
}

// Older says whether a version is older than another one. What is no version
// is not older.
func Older(a, b string) bool {
	x, xok := numbers(a)
	y, yok := numbers(b)
	return xok && yok && slices.Compare(x[:], y[:]) < 0
}

// HubListed says whether an engine is listed for a build of Azure Stack Hub;
// known is false when our list says nothing of the build, or ends before the
// engine.
func HubListed(engine, build string) (listed, known bool) {
	v, ok := numbers(engine)
	if !ok {
		return false, false
	}
	for _, b := range hubBuilds() {
		least, _ := numbers(b.least)
		most, _ := numbers(b.most)
		listed = listed || b.hub == build && slices.Compare(v[:], least[:]) >= 0 && slices.Compare(v[:], most[:]) <= 0
		known = known || b.hub == build
	}
	return listed, known && HubBuilds(engine) != ""
}
