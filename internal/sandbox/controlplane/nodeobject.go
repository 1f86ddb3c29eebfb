package controlplane

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"strings"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	masterPool = "master"
	// bootOff stands for the boot id of a node whose VM is switched off. The stages of the multi-call binary read it.
	bootOff = "off"
)

// nodeObject is the Node as the kubelet and the scripts of AKS Engine's masters leave it.
func nodeObject(n Node, s *Spec) (*corev1.Node, error) {
	name := strings.ToLower(n.Name)
	taints, err := parseTaints(n.Taints)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", name, err)
	}
	if n.Pool == masterPool {
		taints = append(taints, corev1.Taint{Key: "node-role.kubernetes.io/control-plane", Value: "true", Effect: corev1.TaintEffectNoSchedule})
	}
	cpus, memory := cmp.Or(n.CPUs, 2), cmp.Or(n.MemoryMiB, 7168)
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(int64(cpus), resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(int64(memory)<<20, resource.BinarySI),
		corev1.ResourceEphemeralStorage: resource.MustParse("30298176Ki"),
		corev1.ResourcePods:             *resource.NewQuantity(110, resource.DecimalSI),
	}
	allocatable := capacity.DeepCopy()
	// The kubelet evicts pods before the last 750 MiB are gone (eviction-hard).
	allocatable[corev1.ResourceMemory] = *resource.NewQuantity(int64(max(memory-750, 256))<<20, resource.BinarySI)
	version := "v" + strings.TrimPrefix(n.Version, "v")
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: nodeLabels(n, s)},
		Spec: corev1.NodeSpec{
			ProviderID: fmt.Sprintf("azure:///subscriptions/%s/resourceGroups/%s/providers/Microsoft.Compute/virtualMachines/%s",
				n.Subscription, n.ResourceGroup, n.Name),
			Taints: taints,
		},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: allocatable,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: n.IP}, {Type: corev1.NodeHostName, Address: name},
			},
			NodeInfo: corev1.NodeSystemInfo{
				MachineID:  strings.ReplaceAll(stableID("machine", s.ID, name), "-", ""),
				SystemUUID: stableID("system", s.ID, name), BootID: uuid.NewString(),
				OSImage: "Ubuntu 22.04.5 LTS", KernelVersion: "5.15.0-1084-azure", ContainerRuntimeVersion: "containerd://1.6.36",
				OperatingSystem: "linux", Architecture: "amd64", KubeletVersion: version, KubeProxyVersion: version,
			},
		},
	}, nil
}

func nodeLabels(n Node, s *Spec) map[string]string {
	name := strings.ToLower(n.Name)
	region := ""
	if parts := strings.Split(s.FQDN, "."); len(parts) > 2 {
		region = parts[1]
	}
	labels := map[string]string{
		"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
		"beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64",
		"node.kubernetes.io/instance-type": n.VMSize, "beta.kubernetes.io/instance-type": n.VMSize,
		"topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": "0",
		"kubernetes.azure.com/cluster": cmp.Or(s.ResourceGroup, n.ResourceGroup),
	}
	role := map[string]string{
		"kubernetes.azure.com/role": "agent", "kubernetes.io/role": "agent", "node-role.kubernetes.io/agent": "",
		"agentpool": n.Pool, "storageprofile": "managed", "storagetier": cmp.Or(n.StorageTier, "Premium_LRS"),
	}
	if n.Pool == masterPool {
		role = map[string]string{
			"kubernetes.azure.com/role": "master", "kubernetes.io/role": "master", "node-role.kubernetes.io/master": "",
			"node.kubernetes.io/exclude-from-external-load-balancers": "true", "node.kubernetes.io/exclude-disruption": "true",
		}
	}
	maps.Copy(labels, role)
	maps.Copy(labels, n.Labels)
	return labels
}

// stableID is a UUID made from its arguments, the same in each run.
func stableID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	id, _ := uuid.FromBytes(sum[:16])
	return id.String()
}

// parseTaints reads "key=value:Effect" or "key:Effect".
func parseTaints(texts []string) ([]corev1.Taint, error) {
	var taints []corev1.Taint
	for _, text := range texts {
		at := strings.LastIndexByte(text, ':')
		if at <= 0 {
			return nil, fmt.Errorf("taint %q: want key=value:Effect", text)
		}
		key, value, _ := strings.Cut(text[:at], "=")
		switch effect := corev1.TaintEffect(text[at+1:]); effect {
		case corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
			taints = append(taints, corev1.Taint{Key: key, Value: value, Effect: effect})
		default:
			return nil, fmt.Errorf("taint %q: effect %q is none", text, effect)
		}
	}
	return taints, nil
}
