package controlplane

import (
	"encoding/json"
	"path/filepath"
	"strings"
)

// The ports of a cluster, all on its own address.
const (
	portEtcd              = "2379"
	portEtcdPeer          = "2380"
	portAPIServer         = "6443"
	portControllerManager = "10257"
	portScheduler         = "10259"
	portKwok              = "10247"
	portMetrics           = "4443"
)

func (s *Spec) at(port string) string { return s.IP + ":" + port }

// emulated is the version without its patch level, which --emulated-version wants.
func (s *Spec) emulated() string { return s.Version[:strings.LastIndexByte(s.Version, '.')] }

// layout names the files of a cluster.
type layout struct{ dir string }

func (l layout) pki(name string) string    { return filepath.Join(l.dir, "pki", name) }
func (l layout) config(name string) string { return filepath.Join(l.dir, "config", name) }
func (l layout) kubeconfig() string        { return l.config("kubeconfig.json") }
func (l layout) stages() string            { return filepath.Join(l.dir, "config", "stages") }

func etcdArgs(s *Spec, l layout) []string {
	peer := "http://" + s.at(portEtcdPeer)
	client := "https://" + s.at(portEtcd)
	return []string{
		"--name=master", "--data-dir=" + filepath.Join(l.dir, "etcd"),
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=master=" + peer,
		"--cert-file=" + l.pki("etcdserving.crt"), "--key-file=" + l.pki("etcdserving.key"),
		"--client-cert-auth", "--trusted-ca-file=" + l.pki("ca.crt"),
		// The data outlives a kill of the process, which is all that the sandbox promises; a sync of each write to a
		// busy disk costs more than the rest of the start.
		"--unsafe-no-fsync",
		"--enable-grpc-gateway=false", "--log-level=warn",
	}
}

func apiServerArgs(s *Spec, l layout) []string {
	return []string{
		"--etcd-servers=https://" + s.at(portEtcd), "--etcd-cafile=" + l.pki("ca.crt"),
		"--etcd-certfile=" + l.pki("etcdclient.crt"), "--etcd-keyfile=" + l.pki("etcdclient.key"),
		"--bind-address=" + s.IP, "--secure-port=" + portAPIServer, "--advertise-address=" + s.AdvertiseIP,
		"--tls-cert-file=" + l.pki("apiserver.crt"), "--tls-private-key-file=" + l.pki("apiserver.key"),
		"--client-ca-file=" + l.pki("ca.crt"), "--anonymous-auth=false", "--authorization-mode=Node,RBAC",
		"--enable-bootstrap-token-auth", "--allow-privileged",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + l.pki("apiserver.key"), "--service-account-signing-key-file=" + l.pki("apiserver.key"),
		"--service-cluster-ip-range=" + s.ServiceCIDR,
		"--emulated-version=" + s.emulated(),
		// A webhook is a dial to a Service, behind which nothing runs: all it could do here is refuse everything.
		"--disable-admission-plugins=ValidatingAdmissionWebhook,MutatingAdmissionWebhook",
		"--egress-selector-config-file=" + l.config("egress.json"),
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-client-certificate=" + l.pki("client.crt"), "--kubelet-client-key=" + l.pki("client.key"),
		"--requestheader-client-ca-file=" + l.pki("ca.crt"), "--requestheader-allowed-names=" + aggregatorName,
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + l.pki("aggregator.crt"), "--proxy-client-key-file=" + l.pki("aggregator.key"),
		"--profiling=false",
	}
}

func controllerManagerArgs(s *Spec, l layout) []string {
	return []string{
		"--kubeconfig=" + l.kubeconfig(), "--bind-address=" + s.IP, "--secure-port=" + portControllerManager,
		"--leader-elect=false", "--emulated-version=" + s.emulated(),
		// One identity and no throttle save 4 s at every start.
		"--use-service-account-credentials=false", "--kube-api-qps=500", "--kube-api-burst=1000",
		"--controllers=*,bootstrapsigner,tokencleaner",
		"--cluster-signing-cert-file=" + l.pki("ca.crt"), "--cluster-signing-key-file=" + l.pki("ca.key"),
		"--root-ca-file=" + l.pki("ca.crt"), "--service-account-private-key-file=" + l.pki("apiserver.key"),
		"--allocate-node-cidrs=true", "--cluster-cidr=" + s.PodCIDR, "--service-cluster-ip-range=" + s.ServiceCIDR,
		"--horizontal-pod-autoscaler-sync-period=5s", "--horizontal-pod-autoscaler-downscale-stabilization=20s",
		"--horizontal-pod-autoscaler-cpu-initialization-period=5s", "--horizontal-pod-autoscaler-initial-readiness-delay=5s",
		"--profiling=false",
	}
}

func schedulerArgs(s *Spec, l layout) []string {
	return []string{
		"--kubeconfig=" + l.kubeconfig(), "--bind-address=" + s.IP, "--secure-port=" + portScheduler,
		"--leader-elect=false", "--emulated-version=" + s.emulated(),
		"--kube-api-qps=500", "--kube-api-burst=1000", "--profiling=false",
	}
}

// kwokArgs takes the stage files by name: kwok reads files, not folders.
func kwokArgs(s *Spec, l layout, stages []string) []string {
	args := []string{
		"--kubeconfig=" + l.kubeconfig(), "--manage-all-nodes=true", "--cidr=" + s.PodCIDR,
		// The nodes say 10250, as kubelets do; the egress proxy knows where that really is.
		"--node-port=" + kubeletPort, "--server-address=" + s.at(portKwok),
		"--tls-cert-file=" + l.pki("apiserver.crt"), "--tls-private-key-file=" + l.pki("apiserver.key"),
		"--node-lease-duration-seconds=40", "--config=" + l.config("kwok-logs.json"),
	}
	for _, stage := range stages {
		args = append(args, "--config="+stage)
	}
	return args
}

// configFiles are the small files that the parts read, by name.
func configFiles(s *Spec, l layout, egressSocket string) map[string]any {
	type object = map[string]any
	through := object{"proxyProtocol": "HTTPConnect", "transport": object{"uds": object{"udsName": egressSocket}}}
	return map[string]any{
		"egress.json": object{
			"apiVersion": "apiserver.k8s.io/v1beta1", "kind": "EgressSelectorConfiguration",
			"egressSelections": []object{
				{"name": "cluster", "connection": through},
				{"name": "controlplane", "connection": through},
			},
		},
		"kubeconfig.json": object{
			"apiVersion": "v1", "kind": "Config", "current-context": "sandbox",
			"clusters": []object{{"name": "sandbox", "cluster": object{
				"server": "https://" + s.at(portAPIServer), "tls-server-name": s.FQDN, "certificate-authority": l.pki("ca.crt"),
			}}},
			"users": []object{{"name": "sandbox", "user": object{
				"client-certificate": l.pki("client.crt"), "client-key": l.pki("client.key"),
			}}},
			"contexts": []object{{"name": "sandbox", "context": object{"cluster": "sandbox", "user": "sandbox"}}},
		},
		"kwok-logs.json": object{
			"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterLogs", "metadata": object{"name": "all"},
			"spec": object{"logs": []object{{"logsFile": l.config("container.log")}}},
		},
	}
}

// containerLog is what every container of the sandbox logged, in the format that kubelets keep logs in.
const containerLog = "2026-01-01T00:00:00.000000000Z stdout F This container is simulated: the sandbox runs no images.\n"

func marshal(v any) []byte {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // only maps, slices and strings come here
	}
	return text
}
