package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"

	"hubwright/workflows"
)

// Nodes are the nodes, sorted by name.
func (c *Cluster) Nodes(ctx context.Context) ([]workflows.Node, error) {
	list, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Reading the nodes", err)
	}
	var out []workflows.Node
	for _, n := range list.Items {
		out = append(out, node(n))
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

func node(n corev1.Node) workflows.Node {
	info := n.Status.NodeInfo
	out := workflows.Node{
		Name: n.Name, Status: "Unknown", Roles: roles(n.Labels), Version: info.KubeletVersion, OSImage: info.OSImage,
		Kernel: info.KernelVersion, ContainerRuntime: info.ContainerRuntimeVersion, Pool: n.Labels["agentpool"], CreatedAt: n.CreationTimestamp.Time,
	}
	for _, cond := range n.Status.Conditions {
		if cond.Type == corev1.NodeReady {
			out.Ready = cond.Status == corev1.ConditionTrue
			out.Status = "NotReady"
			if out.Ready {
				out.Status = "Ready"
			}
		}
	}
	if n.Spec.Unschedulable {
		out.Status += ",SchedulingDisabled"
	}
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			out.InternalIP = a.Address
		}
	}
	return out
}

// roles are as kubectl prints them.
func roles(labels map[string]string) string {
	set := map[string]bool{}
	for k, v := range labels {
		if r, ok := strings.CutPrefix(k, "node-role.kubernetes.io/"); ok && r != "" {
			set[r] = true
		} else if k == "kubernetes.io/role" && v != "" {
			set[v] = true
		}
	}
	if len(set) == 0 {
		return "<none>"
	}
	var out []string
	for r := range set {
		out = append(out, r)
	}
	sort.Strings(out)
	return strings.Join(out, ",")
}

// NodesTable is what kubectl get nodes would print.
func NodesTable(nodes []workflows.Node, now time.Time) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATUS\tROLES\tAGE\tVERSION")
	for _, n := range nodes {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", n.Name, n.Status, n.Roles, duration.HumanDuration(now.Sub(n.CreatedAt)), n.Version)
	}
	_ = w.Flush()
	return strings.TrimRight(b.String(), "\n")
}

// ServerVersion is the API server's version, such as v1.33.10.
func (c *Cluster) ServerVersion(ctx context.Context) (string, error) {
	raw, err := c.client.Discovery().RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return "", explain("Reading the API server's version", err)
	}
	var v version.Info
	if json.Unmarshal(raw, &v) != nil || v.GitVersion == "" {
		return "", &workflows.Problem{Code: "kube.stranger", What: "What answers at " + c.config.Host + " is not a Kubernetes API server",
			Why: "It did not tell a version of Kubernetes.", Fix: "Look what stands at that name: a proxy or load balancer may answer in its place."}
	}
	return v.GitVersion, nil
}

// Components are the API server's own checks and the control plane's pods.
func (c *Cluster) Components(ctx context.Context) ([]workflows.Component, error) {
	raw, err := c.client.Discovery().RESTClient().Get().AbsPath("/readyz").Param("verbose", "true").DoRaw(ctx)
	if err != nil && !strings.Contains(string(raw), "readyz check failed") {
		return nil, explain("Asking the API server whether it is ready", err)
	}
	out := readyz(string(raw))
	pods, err := c.client.CoreV1().Pods("kube-system").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Reading the control plane's pods", err)
	}
	for _, p := range pods.Items {
		if controlPlanePod(p.Name) {
			out = append(out, podHealth(p))
		}
	}
	return out, nil
}

// readyz keeps etcd and whatever is not well, and sums up the rest.
func readyz(text string) []workflows.Component {
	api := workflows.Component{Name: "kube-apiserver readyz", Healthy: true, Message: "ready"}
	var out []workflows.Component
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, _, _ := strings.Cut(strings.TrimLeft(line, "[+-]"), " ")
		switch {
		case strings.HasPrefix(line, "[+]etcd "):
			out = append(out, workflows.Component{Name: "etcd", Healthy: true, Message: "ok"})
		case strings.HasPrefix(line, "[-]"):
			api.Healthy, api.Message = false, "not ready"
			out = append(out, workflows.Component{Name: name, Message: line})
		}
	}
	return append([]workflows.Component{api}, out...)
}

func controlPlanePod(name string) bool {
	for _, p := range []string{"kube-apiserver-", "kube-controller-manager-", "kube-scheduler-", "kube-addon-manager-", "cloud-controller-manager-", "etcd-"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

func podHealth(p corev1.Pod) workflows.Component {
	c := workflows.Component{Name: p.Name, Healthy: p.Status.Phase == corev1.PodRunning, Message: string(p.Status.Phase)}
	for _, s := range p.Status.ContainerStatuses {
		if !s.Ready {
			c.Healthy = false
		}
		if s.State.Waiting != nil {
			c.Message = s.State.Waiting.Reason
		}
	}
	return c
}

// ClusterInfo is what kubectl cluster-info would print.
func (c *Cluster) ClusterInfo(ctx context.Context) (string, error) {
	list, err := c.client.CoreV1().Services("kube-system").List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/cluster-service=true"})
	if err != nil {
		return "", explain("Reading the cluster's services", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Kubernetes control plane is running at %s\n", c.config.Host)
	for _, s := range list.Items {
		name := s.Labels["kubernetes.io/name"]
		if name == "" {
			name = s.Name
		}
		fmt.Fprintf(&b, "%s is running at %s/api/v1/namespaces/%s/services/%s/proxy\n", name, c.config.Host, s.Namespace, proxyTarget(s))
	}
	b.WriteString("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.")
	return b.String(), nil
}

func proxyTarget(s corev1.Service) string {
	if len(s.Spec.Ports) == 0 {
		return s.Name
	}
	port := s.Spec.Ports[0]
	if port.Name == "https" || port.Port == 443 {
		return "https:" + s.Name + ":" + port.Name
	}
	if port.Name != "" {
		return s.Name + ":" + port.Name
	}
	return s.Name
}

var errNoCertificate = errors.New("the server showed no certificate")

// CertificateExpiry is when the API server's certificate ends. The handshake
// checks it against the kubeconfig's CA on the way.
func (c *Cluster) CertificateExpiry(ctx context.Context) (time.Time, error) {
	cert, err := c.serverCertificate(ctx)
	if err != nil {
		return time.Time{}, explain("Reading the API server's certificate", err)
	}
	return cert.NotAfter, nil
}

func (c *Cluster) serverCertificate(ctx context.Context) (*x509.Certificate, error) {
	if _, err := c.caData(); err != nil {
		return nil, err
	}
	var seen *x509.Certificate
	tlsConfig, err := rest.TLSConfigFor(c.config)
	if err != nil {
		return nil, err
	}
	tlsConfig.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) > 0 {
			seen = s.PeerCertificates[0]
		}
		return nil
	}
	t := &http.Transport{TLSClientConfig: tlsConfig, Proxy: c.config.Proxy, DialContext: c.config.Dial, DisableKeepAlives: true, OnProxyConnectResponse: proxyAnswer}
	u, err := url.JoinPath(c.config.Host, "/version")
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	res, err := (&http.Client{Transport: t, Timeout: c.config.Timeout}).Do(req)
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	if seen == nil {
		return nil, errNoCertificate
	}
	return seen, nil
}

// SystemPods are the pods of kube-system. One that has done its work is well.
func (c *Cluster) SystemPods(ctx context.Context) ([]workflows.Component, error) {
	pods, err := c.client.CoreV1().Pods("kube-system").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Reading the system's pods", err)
	}
	var out []workflows.Component
	for _, p := range pods.Items {
		if p.Status.Phase != corev1.PodSucceeded {
			out = append(out, podHealth(p))
		}
	}
	return out, nil
}
