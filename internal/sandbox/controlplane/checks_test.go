package controlplane_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hubwright/internal/sandbox/controlplane"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

func checkVersion(t *testing.T, api *kubernetes.Clientset, want string) {
	t.Helper()
	v, err := api.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if v.GitVersion != want || "v"+v.Major+"."+v.Minor != want[:strings.LastIndexByte(want, '.')] {
		t.Errorf("version %s, major %q, minor %q; want %s", v.GitVersion, v.Major, v.Minor, want)
	}
}

func checkNodes(t *testing.T, api *kubernetes.Clientset, version string) {
	t.Helper()
	list, err := api.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, node := range list.Items {
		got[node.Name] = node.Status.NodeInfo.KubeletVersion + " " + string(ready(&node))
	}
	want := map[string]string{}
	for n := range 3 {
		want[fmt.Sprintf("k8s-master-35064155-%d", n)] = version + " True"
		want[fmt.Sprintf("k8s-linuxpool-35064155-%d", n)] = version + " True"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	for _, node := range list.Items {
		if strings.Contains(node.Name, "-master-0") {
			checkMaster(t, &node)
		}
		if strings.Contains(node.Name, "-linuxpool-1") {
			checkAgent(t, &node)
		}
	}
}

func ready(node *corev1.Node) corev1.ConditionStatus {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status
		}
	}
	return "none"
}

func checkMaster(t *testing.T, node *corev1.Node) {
	t.Helper()
	for key, want := range map[string]string{
		"kubernetes.azure.com/role": "master", "kubernetes.io/role": "master", "node-role.kubernetes.io/master": "",
		"node.kubernetes.io/exclude-from-external-load-balancers": "true", "kubernetes.azure.com/cluster": "rg-one",
	} {
		if got, ok := node.Labels[key]; !ok || got != want {
			t.Errorf("master: label %s = %q (there: %v), want %q", key, got, ok, want)
		}
	}
	if want := "azure:///subscriptions/a1b2/resourceGroups/rg-one/providers/Microsoft.Compute/virtualMachines/k8s-master-35064155-0"; node.Spec.ProviderID != want {
		t.Errorf("master: providerID = %s, want %s", node.Spec.ProviderID, want)
	}
	tainted := slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool {
		return taint.Key == "node-role.kubernetes.io/control-plane" && taint.Value == "true" && taint.Effect == corev1.TaintEffectNoSchedule
	})
	if !tainted {
		t.Errorf("master: taints = %v", node.Spec.Taints)
	}
}

func checkAgent(t *testing.T, node *corev1.Node) {
	t.Helper()
	for key, want := range map[string]string{
		"kubernetes.azure.com/role": "agent", "agentpool": "linuxpool", "storageprofile": "managed", "storagetier": "Premium_LRS",
		"node-role.kubernetes.io/agent": "", "tier": "web", "node.kubernetes.io/instance-type": "Standard_D4_v2",
		"topology.kubernetes.io/region": "seattle",
	} {
		if got, ok := node.Labels[key]; !ok || got != want {
			t.Errorf("agent: label %s = %q (there: %v), want %q", key, got, ok, want)
		}
	}
	got := node.Status.NodeInfo
	want := corev1.NodeSystemInfo{
		OSImage: "Ubuntu 22.04.5 LTS", KernelVersion: "5.15.0-1084-azure", ContainerRuntimeVersion: "containerd://1.6.36",
		OperatingSystem: "linux", Architecture: "amd64", KubeletVersion: "v1.33.10", KubeProxyVersion: "v1.33.10",
		MachineID: got.MachineID, SystemUUID: got.SystemUUID, BootID: got.BootID,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("agent: nodeInfo (-want +got):\n%s", diff)
	}
	addresses := []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.240.0.5"}, {Type: corev1.NodeHostName, Address: node.Name}}
	if diff := cmp.Diff(addresses, node.Status.Addresses); diff != "" {
		t.Errorf("agent: addresses (-want +got):\n%s", diff)
	}
	if cpu, memory := node.Status.Capacity.Cpu().String(), node.Status.Capacity.Memory().String(); cpu != "8" || memory != "28Gi" {
		t.Errorf("agent: %s CPUs and %s of memory", cpu, memory)
	}
	if port := node.Status.DaemonEndpoints.KubeletEndpoint.Port; port != 10250 {
		t.Errorf("agent: kubelet port %d", port)
	}
}

func checkAnonymous(t *testing.T, m *controlplane.Manager, spec controlplane.Spec) {
	spec.PKI.Client, spec.PKI.ClientKey = nil, nil
	_, err := client(t, m, spec).CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsUnauthorized(err) {
		t.Errorf("listing nodes without a certificate: %v", err)
	}
}

// checkSystem looks for what "kubectl cluster-info" and AKS Engine look for in kube-system.
func checkSystem(t *testing.T, api *kubernetes.Clientset) {
	services, err := api.CoreV1().Services("kube-system").List(t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/cluster-service=true"})
	if err != nil || len(services.Items) != 1 {
		t.Fatalf("cluster services = %v, %v", services, err)
	}
	if s := services.Items[0]; s.Name != "kube-dns" || s.Labels["kubernetes.io/name"] != "CoreDNS" || s.Spec.ClusterIP != "10.0.0.10" {
		t.Errorf("cluster service = %s %v %s", s.Name, s.Labels, s.Spec.ClusterIP)
	}
	for _, component := range []string{"kube-addon-manager", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		pod, err := api.CoreV1().Pods("kube-system").Get(t.Context(), component+"-k8s-master-35064155-2", metav1.GetOptions{})
		if err != nil {
			t.Error(err)
			continue
		}
		if pod.Status.Phase != corev1.PodRunning || pod.Annotations[corev1.MirrorPodAnnotationKey] == "" || !pod.Status.ContainerStatuses[0].Ready {
			t.Errorf("%s: %s, mirror %q", pod.Name, pod.Status.Phase, pod.Annotations[corev1.MirrorPodAnnotationKey])
		}
	}
	eventually(t, 30*time.Second, func() error {
		ds, err := api.AppsV1().DaemonSets("kube-system").Get(t.Context(), "kube-proxy", metav1.GetOptions{})
		if err == nil && ds.Status.NumberReady != 6 {
			err = fmt.Errorf("kube-proxy is ready on %d nodes", ds.Status.NumberReady)
		}
		return err
	})
}

// checkWorkload runs a Deployment and finds its pods in what a drain would move.
func checkWorkload(t *testing.T, m *controlplane.Manager, api *kubernetes.Clientset) {
	ctx := t.Context()
	err := api.RESTClient().Post().AbsPath("/apis/apps/v1/namespaces/default/deployments").Body(mustJSON(map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"},
		"spec": map[string]any{
			"replicas": 3, "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"app": "web"}},
				"spec":     map[string]any{"containers": []map[string]any{{"name": "web", "image": "web:1"}}},
			},
		},
	})).Do(ctx).Error()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, func() error {
		web, err := api.AppsV1().Deployments("default").Get(ctx, "web", metav1.GetOptions{})
		if err == nil && web.Status.AvailableReplicas != 3 {
			err = fmt.Errorf("%d replicas available", web.Status.AvailableReplicas)
		}
		return err
	})
	count := 0
	for n := range 3 {
		names, err := m.Undrained(ctx, "one", agent(n, "").Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasPrefix(name, "default/web-") {
				count++
			}
			if strings.Contains(name, "kube-proxy") {
				t.Errorf("a DaemonSet's pod counts as undrained: %s", name)
			}
		}
	}
	if count != 3 {
		t.Errorf("%d of 3 pods count as undrained", count)
	}
	if names, err := m.Undrained(ctx, "one", master(0, "").Name); err != nil || slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "kube-apiserver") }) {
		t.Errorf("undrained on a master: %v, %v", names, err)
	}
}

func checkLoadBalancer(t *testing.T, api *kubernetes.Clientset) {
	ctx := t.Context()
	for name, annotations := range map[string]map[string]string{
		"public": nil, "internal": {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"},
	} {
		_, err := api.CoreV1().Services("default").Create(ctx, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		prefix := map[string]string{"public": "127.", "internal": "10.240."}[name]
		eventually(t, 20*time.Second, func() error {
			s, err := api.CoreV1().Services("default").Get(ctx, name, metav1.GetOptions{})
			if err == nil && (len(s.Status.LoadBalancer.Ingress) != 1 || !strings.HasPrefix(s.Status.LoadBalancer.Ingress[0].IP, prefix)) {
				err = fmt.Errorf("%s has %v", name, s.Status.LoadBalancer.Ingress)
			}
			return err
		})
	}
}

// checkDisk claims a disk before and after the driver is there, and gives it back.
func checkDisk(t *testing.T, api *kubernetes.Clientset) {
	ctx := t.Context()
	claims := api.CoreV1().PersistentVolumeClaims("default")
	_, err := claims.Create(ctx, &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Gi")}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	phase := func(want corev1.PersistentVolumeClaimPhase) func() error {
		return func() error {
			claim, err := claims.Get(ctx, "data", metav1.GetOptions{})
			if err == nil && (claim.Status.Phase != want || claim.Annotations["volume.kubernetes.io/storage-provisioner"] == "") {
				err = fmt.Errorf("claim is %s for class %v, %v", claim.Status.Phase, claim.Spec.StorageClassName, claim.Annotations)
			}
			return err
		}
	}
	eventually(t, 20*time.Second, phase(corev1.ClaimPending))
	_, err = api.StorageV1().CSIDrivers().Create(ctx, &storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: "disk.csi.azure.com"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, phase(corev1.ClaimBound))
	if err := claims.Delete(ctx, "data", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, func() error {
		volumes, err := api.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
		if err == nil && len(volumes.Items) > 0 {
			err = fmt.Errorf("volume %s is still there", volumes.Items[0].Status.Phase)
		}
		return err
	})
}

// checkLogs asks for a container's log, which kube-apiserver fetches from 10.240.x.x:10250.
func checkLogs(t *testing.T, m *controlplane.Manager, api *kubernetes.Clientset) {
	text, err := api.CoreV1().Pods("kube-system").GetLogs("kube-scheduler-k8s-master-35064155-1", &corev1.PodLogOptions{}).DoRaw(t.Context())
	if err != nil || !strings.Contains(string(text), "simulated") {
		t.Errorf("logs = %q, %v", text, err)
	}
	led := slices.ContainsFunc(m.Dials("one"), func(d controlplane.Dial) bool {
		return d.Target == "10.240.255.6:10250" && strings.HasPrefix(d.To, "127.")
	})
	if !led {
		t.Errorf("the kubelet's address is not among the dials: %v", m.Dials("one"))
	}
}

func checkPower(t *testing.T, m *controlplane.Manager, api *kubernetes.Clientset) {
	ctx := t.Context()
	name := agent(1, "").Name
	before, err := api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.NodePower(ctx, "one", name, false); err != nil {
		t.Fatal(err)
	}
	after, err := api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// Upgrades copy both from an old node to a new one, which would switch that off.
	if diff := cmp.Diff([]map[string]string{before.Annotations, before.Labels}, []map[string]string{after.Annotations, after.Labels}); diff != "" {
		t.Errorf("switching the node off changed what people copy: %s", diff)
	}
	eventually(t, 20*time.Second, func() error {
		node, err := api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		unreachable := slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool { return taint.Key == corev1.TaintNodeUnreachable })
		if ready(node) != corev1.ConditionUnknown || !unreachable {
			return fmt.Errorf("ready %s, taints %v", ready(node), node.Spec.Taints)
		}
		return nil
	})
	if err := m.NodePower(ctx, "one", name, true); err != nil {
		t.Fatal(err)
	}
	if err := m.NodePower(ctx, "one", "no-such-node", false); err != nil {
		t.Errorf("switching off what is not there: %v", err)
	}
	if err := m.NodePower(ctx, "one", "no-such-node", true); err == nil {
		t.Error("switching on what is not there is no error")
	}
}

func checkRemove(t *testing.T, m *controlplane.Manager, api *kubernetes.Clientset) {
	ctx := t.Context()
	name := agent(2, "").Name
	for range 2 { // the second time there is nothing to do
		if err := m.RemoveNode(ctx, "one", name); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 10*time.Second, func() error {
		pods, err := api.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
		if err == nil && len(pods.Items) > 0 {
			err = fmt.Errorf("%d pods are left", len(pods.Items))
		}
		return err
	})
	if _, err := api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the node is still there: %v", err)
	}
}

// checkUpgrade stops the cluster and has it come back one minor version later, as an upgrade of the masters does.
func checkUpgrade(t *testing.T, m *controlplane.Manager, spec controlplane.Spec) {
	ctx := t.Context()
	before := uids(t, client(t, m, spec))
	if err := m.NodePower(ctx, "one", master(1, "").Name, false); err != nil {
		t.Fatal(err)
	}
	if err := m.Stop("one"); err != nil {
		t.Fatal(err)
	}
	if m.Endpoint("one") != "" {
		t.Error("a stopped cluster has an endpoint")
	}
	spec.Version = "1.34.4"
	if err := m.Ensure(ctx, spec); err != nil {
		t.Fatal(err)
	}
	if err := m.AddNode(ctx, "one", master(1, "1.34.4")); err != nil {
		t.Fatal(err)
	}
	if err := m.AddNode(ctx, "one", agent(2, "1.34.4")); err != nil {
		t.Fatal(err)
	}
	api := client(t, m, spec)
	checkVersion(t, api, "v1.34.4")
	after := uids(t, api)
	for name, uid := range before {
		if after[name] != uid {
			t.Errorf("%s was %s and is %q", name, uid, after[name])
		}
	}
	node, err := api.CoreV1().Nodes().Get(ctx, master(1, "").Name, metav1.GetOptions{})
	if err != nil || node.Status.NodeInfo.KubeletVersion != "v1.34.4" || ready(node) != corev1.ConditionTrue {
		t.Errorf("the upgraded master: %v, %v", node, err)
	}
	pod, err := api.CoreV1().Pods("kube-system").Get(ctx, "kube-apiserver-k8s-master-35064155-1", metav1.GetOptions{})
	if err != nil || !strings.HasSuffix(pod.Spec.Containers[0].Image, ":v1.34.4") {
		t.Errorf("the upgraded static pod: %v, %v", pod, err)
	}
}

// uids identifies the objects that must outlive restarts.
func uids(t *testing.T, api *kubernetes.Clientset) map[string]string {
	t.Helper()
	found := map[string]string{}
	nodes, err := api.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes.Items {
		found["node "+node.Name] = string(node.UID)
	}
	web, err := api.AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found["deployment web"] = string(web.UID)
	return found
}
