package kube

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hubwright/workflows"
)

const (
	inTreeDisk = "kubernetes.io/azure-disk"
	diskDriver = "disk.csi.azure.com"
	listPage   = 500
)

// engineStatic are the static pods that AKS Engine puts on every control plane
// node itself.
var engineStatic = regexp.MustCompile(`^kube-system/(kube-apiserver|kube-controller-manager|kube-scheduler|kube-addon-manager|cloud-controller-manager|etcd)-`)

var driverImage = regexp.MustCompile(`/azuredisk-csi:v?(\d+\.\d+\.\d+)`)

// Survey looks for what suffers when nodes are made anew.
func (c *Cluster) Survey(ctx context.Context) (workflows.Survey, error) {
	var s workflows.Survey
	if err := c.surveyPods(ctx, &s); err != nil {
		return s, err
	}
	volumes, err := c.client.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return s, explain("The volumes cannot be listed", err)
	}
	for _, v := range volumes.Items {
		if v.Spec.AzureDisk != nil {
			s.InTree = append(s.InTree, "volume "+v.Name)
		}
	}
	classes, err := c.client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return s, explain("The storage classes cannot be listed", err)
	}
	for _, k := range classes.Items {
		if k.Provisioner == inTreeDisk {
			s.InTree = append(s.InTree, "class "+k.Name)
		}
	}
	return s, nil
}

func (c *Cluster) surveyPods(ctx context.Context, s *workflows.Survey) error {
	opts := metav1.ListOptions{Limit: listPage}
	for {
		pods, err := c.client.CoreV1().Pods("").List(ctx, opts)
		if err != nil {
			return explain("The pods cannot be listed", err)
		}
		for _, p := range pods.Items {
			surveyPod(p, s)
		}
		if opts.Continue = pods.Continue; opts.Continue == "" {
			slices.Sort(s.Static)
			return nil
		}
	}
}

func surveyPod(p corev1.Pod, s *workflows.Survey) {
	name := p.Namespace + "/" + p.Name
	if _, mirror := p.Annotations[corev1.MirrorPodAnnotationKey]; mirror && !engineStatic.MatchString(name) {
		s.Static = append(s.Static, name)
	}
	for _, k := range p.Spec.Containers {
		if m := driverImage.FindStringSubmatch(k.Image); m != nil {
			s.DiskDriver = m[1]
		}
	}
	done := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	owner := metav1.GetControllerOf(&p)
	stays := owner != nil && (owner.Kind == "DaemonSet" || owner.Kind == "Node") // a drain leaves it alone
	if grace := p.Spec.TerminationGracePeriodSeconds; grace != nil && !done && !stays {
		if d := time.Duration(*grace) * time.Second; d > s.SlowFor {
			s.Slow, s.SlowFor = name, d
		}
	}
}

// object is what something is called: "Ingress shop/web".
func object(kind, namespace, name string) string {
	return kind + " " + strings.TrimPrefix(namespace+"/"+name, "/")
}
