package standin

import (
	"maps"
	"slices"
	"strconv"
)

// fillComponents settles the flags of the Kubernetes components and the addons. Flags of the model stay.
func (j *job) fillComponents() {
	o := j.props.OrchestratorProfile
	k := o.KubernetesConfig
	routes := strconv.FormatBool(!j.azureCNI())
	certs := "/etc/kubernetes/certs/"
	k.KubeletConfig = with(k.KubeletConfig, j.kubeletFlags())
	k.ControllerManagerConfig = with(k.ControllerManagerConfig, map[string]string{
		"--allocate-node-cidrs": routes, "--configure-cloud-routes": routes, "--cluster-cidr": k.ClusterSubnet, "--cluster-name": j.props.MasterProfile.DNSPrefix,
		"--cluster-signing-cert-file": certs + "ca.crt", "--cluster-signing-key-file": certs + "ca.key", "--root-ca-file": certs + "ca.crt",
		"--service-account-private-key-file": certs + "apiserver.key", "--use-service-account-credentials": "true",
		"--node-monitor-grace-period": "5m", "--route-reconciliation-period": "1m", "--leader-elect": "true", "--profiling": "false", "--v": "2",
	})
	delete(k.ControllerManagerConfig, "--pod-eviction-timeout") // gone from Kubernetes 1.27 on
	k.CloudControllerManagerConfig = with(k.CloudControllerManagerConfig, map[string]string{
		"--allocate-node-cidrs": routes, "--configure-cloud-routes": routes, "--cluster-cidr": k.ClusterSubnet, "--cluster-name": j.props.MasterProfile.DNSPrefix,
		"--cloud-config": "/etc/kubernetes/azure.json", "--cloud-provider": "azure", "--controllers": "*,-cloud-node", "--route-reconciliation-period": "10s", "--v": "2",
	})
	k.APIServerConfig = with(k.APIServerConfig, map[string]string{
		"--anonymous-auth": "false", "--authorization-mode": "Node,RBAC", "--client-ca-file": certs + "ca.crt", "--secure-port": "443",
		"--etcd-servers": "https://127.0.0.1:2379", "--etcd-cafile": certs + "ca.crt", "--etcd-certfile": certs + "etcdclient.crt", "--etcd-keyfile": certs + "etcdclient.key",
		"--service-account-issuer": "https://kubernetes.default.svc.cluster.local", "--service-account-key-file": certs + "apiserver.key",
		"--service-account-signing-key-file": certs + "apiserver.key", "--service-cluster-ip-range": k.ServiceCidr,
		"--tls-cert-file": certs + "apiserver.crt", "--tls-private-key-file": certs + "apiserver.key", "--tls-min-version": "VersionTLS12", "--profiling": "false", "--v": "2",
	})
	k.SchedulerConfig = with(k.SchedulerConfig, map[string]string{"--leader-elect": "true", "--profiling": "false", "--v": "2"})
	j.fillNodeFlags()
	j.fillAddons()
	if k.Components == nil {
		k.Components = components(o.OrchestratorVersion)
	}
}

// with is the flags that a model has, and the defaults for the rest.
func with(flags, defaults map[string]string) map[string]string {
	out := maps.Clone(defaults)
	maps.Copy(out, flags)
	return out
}

func (j *job) kubeletFlags() map[string]string {
	k := j.props.OrchestratorProfile.KubernetesConfig
	pods := "110"
	if j.azureCNI() {
		pods = "30"
	}
	if k.MaxPods != 0 {
		pods = strconv.Itoa(k.MaxPods)
	}
	return map[string]string{
		"--anonymous-auth": "false", "--authentication-token-webhook": "true", "--authorization-mode": "Webhook", "--client-ca-file": "/etc/kubernetes/certs/ca.crt",
		"--cloud-provider": "external", "--cluster-dns": k.DNSServiceIP, "--cluster-domain": "cluster.local", "--max-pods": pods, "--node-status-update-frequency": "1m",
		"--container-runtime-endpoint": "unix:///run/containerd/containerd.sock", "--kubeconfig": "/var/lib/kubelet/kubeconfig",
		"--pod-manifest-path": "/etc/kubernetes/manifests", "--rotate-certificates": "true", "--v": "2",
		"--image-gc-high-threshold": strconv.Itoa(k.Gchighthreshold), "--image-gc-low-threshold": strconv.Itoa(k.Gclowthreshold),
	}
}

// fillNodeFlags gives each pool its own kubelet flags and kernel settings.
func (j *job) fillNodeFlags() {
	cluster := j.props.OrchestratorProfile.KubernetesConfig.KubeletConfig
	sysctl := map[string]string{"net.core.somaxconn": "16384", "net.ipv4.ip_forward": "1", "net.ipv4.tcp_retries2": "8"}
	node := func(config **KubernetesConfig, more map[string]string) {
		if *config == nil {
			*config = &KubernetesConfig{}
		}
		flags := with(cluster, map[string]string{"--protect-kernel-defaults": "true", "--resolv-conf": "/run/systemd/resolve/resolv.conf"})
		maps.Copy(flags, more)
		(*config).KubeletConfig = with((*config).KubeletConfig, flags)
	}
	m := j.props.MasterProfile
	node(&m.KubernetesConfig, map[string]string{"--register-with-taints": "node-role.kubernetes.io/control-plane=true:NoSchedule"})
	m.SysctldConfig = with(m.SysctldConfig, sysctl)
	for _, a := range j.props.AgentPoolProfiles {
		node(&a.KubernetesConfig, nil)
		a.SysctldConfig = with(a.SysctldConfig, sysctl)
	}
}

func (j *job) maxPods() int {
	n, _ := strconv.Atoi(j.props.OrchestratorProfile.KubernetesConfig.KubeletConfig["--max-pods"])
	return n
}

// addonsWithoutPodAddress run on the network of the node.
var addonsWithoutPodAddress = []string{"aad-pod-identity", "azure-npm-daemonset", "azuredisk-csi-driver", "azurefile-csi-driver", "calico-daemonset",
	"cloud-node-manager", "ip-masq-agent", "kube-proxy", "csi-secrets-store"}

func (j *job) hostPods() int {
	n := 0
	for _, a := range j.props.OrchestratorProfile.KubernetesConfig.Addons {
		if isTrue(a.Enabled) && slices.Contains(addonsWithoutPodAddress, a.Name) {
			n++
		}
	}
	return n
}

// fillAddons adds the addons that every cluster has, and marks the others as off.
func (j *job) fillAddons() {
	o := j.props.OrchestratorProfile
	k := o.KubernetesConfig
	v2, oss := imageBase+"oss/v2/kubernetes/", imageBase+"oss/kubernetes/"
	on := map[string][]KubernetesContainerSpec{
		"metrics-server":     {{Name: "metrics-server", Image: oss + "metrics-server:v0.5.2"}},
		"cloud-node-manager": {{Name: "cloud-node-manager", Image: v2 + "azure-cloud-node-manager:v" + cloudManagerVersions[o.OrchestratorVersion]}},
		"ip-masq-agent":      {{Name: "ip-masq-agent", Image: oss + "ip-masq-agent:v2.8.0"}},
		"coredns":            {{Name: "coredns", Image: oss + "coredns:v1.9.4"}},
		"kube-proxy":         {{Name: "kube-proxy", Image: v2 + "kube-proxy:v" + o.OrchestratorVersion}},
		"audit-policy":       nil, "azure-cloud-provider": nil,
	}
	if k.NetworkPolicy == "calico" {
		on["calico-daemonset"] = nil
	}
	if k.NetworkPolicy == "azure" {
		on["azure-npm-daemonset"] = nil
	}
	for _, name := range []string{"metrics-server", "cloud-node-manager", "ip-masq-agent", "coredns", "kube-proxy", "audit-policy", "azure-cloud-provider",
		"calico-daemonset", "azure-npm-daemonset", "cluster-autoscaler", "aad-pod-identity", "azuredisk-csi-driver", "azurefile-csi-driver", "azure-arc-onboarding"} {
		if slices.ContainsFunc(k.Addons, func(a KubernetesAddon) bool { return a.Name == name }) {
			continue
		}
		containers, enabled := on[name]
		k.Addons = append(k.Addons, KubernetesAddon{Name: name, Enabled: &enabled, Containers: containers})
	}
}

// components are the static pods of the control plane.
func components(version string) []KubernetesComponent {
	yes := true
	var out []KubernetesComponent
	for _, name := range []string{"kube-scheduler", "kube-controller-manager", "cloud-controller-manager", "kube-apiserver", "kube-addon-manager"} {
		image := imageBase + "oss/v2/kubernetes/" + name + ":v" + version
		switch name {
		case "cloud-controller-manager":
			image = imageBase + "oss/v2/kubernetes/azure-" + name + ":v" + cloudManagerVersions[version]
		case "kube-addon-manager":
			image = imageBase + "oss/kubernetes/kube-addon-manager:v9.1.6"
		}
		out = append(out, KubernetesComponent{Name: name, Enabled: &yes, Containers: []KubernetesContainerSpec{{Name: name, Image: image}}})
	}
	return out
}
