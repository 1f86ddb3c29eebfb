package kube

import (
	"context"
	"strconv"
	"strings"

	authzv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hubwright/workflows"
)

// StorageClasses are the cluster's storage classes, each with whether its
// driver is there.
func (c *Cluster) StorageClasses(ctx context.Context) ([]workflows.StorageClass, error) {
	classes, err := c.client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Listing the storage classes", err)
	}
	drivers, err := c.client.StorageV1().CSIDrivers().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Listing the storage drivers", err)
	}
	there := map[string]bool{}
	for _, d := range drivers.Items {
		there[d.Name] = true
	}
	var out []workflows.StorageClass
	for _, s := range classes.Items {
		out = append(out, workflows.StorageClass{
			Name: s.Name, Provisioner: s.Provisioner, Driver: there[s.Provisioner] || !strings.Contains(s.Provisioner, ".csi."),
			// AKS Engine marks its default class with the older of the two.
			Default: s.Annotations["storageclass.kubernetes.io/is-default-class"] == "true" || s.Annotations["storageclass.beta.kubernetes.io/is-default-class"] == "true",
		})
	}
	return out, nil
}

// IngressClasses are the ingress controllers that the cluster knows.
func (c *Cluster) IngressClasses(ctx context.Context) ([]workflows.IngressClass, error) {
	list, err := c.client.NetworkingV1().IngressClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Listing the ingress classes", err)
	}
	var out []workflows.IngressClass
	for _, i := range list.Items {
		out = append(out, workflows.IngressClass{Name: i.Name, Controller: i.Spec.Controller, Default: i.Annotations["ingressclass.kubernetes.io/is-default-class"] == "true"})
	}
	return out, nil
}

// Workloads are the workloads of a namespace; "" stands for all.
func (c *Cluster) Workloads(ctx context.Context, namespace string) ([]workflows.Workload, error) {
	var out []workflows.Workload
	deployments, err := c.client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Listing the deployments", err)
	}
	for _, d := range deployments.Items {
		out = append(out, workflows.Workload{Kind: "Deployment", Namespace: d.Namespace, Name: d.Name, Ready: int(d.Status.ReadyReplicas), Want: count(d.Spec.Replicas)})
	}
	sets, err := c.client.AppsV1().StatefulSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Listing the stateful sets", err)
	}
	for _, s := range sets.Items {
		out = append(out, workflows.Workload{Kind: "StatefulSet", Namespace: s.Namespace, Name: s.Name, Ready: int(s.Status.ReadyReplicas), Want: count(s.Spec.Replicas)})
	}
	daemons, err := c.client.AppsV1().DaemonSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Listing the daemon sets", err)
	}
	for _, d := range daemons.Items {
		out = append(out, workflows.Workload{Kind: "DaemonSet", Namespace: d.Namespace, Name: d.Name, Ready: int(d.Status.NumberReady), Want: int(d.Status.DesiredNumberScheduled)})
	}
	return out, nil
}

func count(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// Exposures are the Services of a namespace with how many endpoints of each
// are ready; "" stands for all namespaces.
func (c *Cluster) Exposures(ctx context.Context, namespace string) ([]workflows.Exposure, error) {
	services, err := c.client.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Listing the services", err)
	}
	slices, err := c.client.DiscoveryV1().EndpointSlices(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Listing the endpoints", err)
	}
	ready := map[string]int{}
	for _, s := range slices.Items {
		for _, e := range s.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				ready[s.Namespace+"/"+s.Labels[discoveryv1.LabelServiceName]]++
			}
		}
	}
	var out []workflows.Exposure
	for i := range services.Items {
		s := &services.Items[i]
		out = append(out, workflows.Exposure{
			Namespace: s.Namespace, Name: s.Name, Type: string(s.Spec.Type), Headless: s.Spec.ClusterIP == corev1.ClusterIPNone, External: external(s),
			DNSLabel: s.Annotations[DNSLabel], Ports: ports(s), Endpoints: ready[s.Namespace+"/"+s.Name], Selects: len(s.Spec.Selector) > 0,
			Gateway: s.Labels[gatewayLabel],
		})
	}
	return out, nil
}

// DNSLabel is the annotation with which a Service asks the Hub for a public
// name.
const DNSLabel = "service.beta.kubernetes.io/azure-dns-label-name"

func external(s *corev1.Service) string {
	for _, in := range s.Status.LoadBalancer.Ingress {
		if in.IP != "" {
			return in.IP
		}
		return in.Hostname
	}
	return ""
}

func ports(s *corev1.Service) string {
	var out []string
	for _, p := range s.Spec.Ports {
		out = append(out, strconv.Itoa(int(p.Port)))
	}
	return strings.Join(out, ", ")
}

// May asks whether the kubeconfig's account may do something; namespace ""
// stands for the whole cluster.
func (c *Cluster) May(ctx context.Context, verb, group, resource, namespace string) (bool, error) {
	review, err := c.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authzv1.SelfSubjectAccessReview{
		Spec: authzv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authzv1.ResourceAttributes{Verb: verb, Group: group, Resource: resource, Namespace: namespace}},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, explain("Asking for rights", err)
	}
	return review.Status.Allowed, nil
}
