package kube

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"hubwright/workflows"
)

// Disruption looks for what stands in the way of draining nodes. Kubernetes'
// own pods in kube-system are left out: they come back with the node.
func (c *Cluster) Disruption(ctx context.Context) (workflows.Disruption, error) {
	var d workflows.Disruption
	budgets, err := c.client.PolicyV1().PodDisruptionBudgets("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return d, explain("The disruption budgets cannot be listed", err)
	}
	for _, b := range budgets.Items {
		if b.Status.ExpectedPods > 0 && b.Status.DisruptionsAllowed == 0 {
			d.Blocked = append(d.Blocked, b.Namespace+"/"+b.Name)
		}
	}
	deployments, err := c.client.AppsV1().Deployments("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return d, explain("The deployments cannot be listed", err)
	}
	for _, w := range deployments.Items {
		if w.Namespace != metav1.NamespaceSystem && w.Spec.Replicas != nil && *w.Spec.Replicas == 1 {
			d.Single = append(d.Single, w.Namespace+"/"+w.Name)
		}
	}
	sets, err := c.client.AppsV1().StatefulSets("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return d, explain("The stateful sets cannot be listed", err)
	}
	for _, w := range sets.Items {
		if w.Namespace != metav1.NamespaceSystem && w.Spec.Replicas != nil && *w.Spec.Replicas == 1 {
			d.Single = append(d.Single, w.Namespace+"/"+w.Name)
		}
	}
	pods, err := c.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return d, explain("The pods cannot be listed", err)
	}
	for _, p := range pods.Items {
		if bare(p) {
			d.Bare = append(d.Bare, p.Namespace+"/"+p.Name)
		}
	}
	slices.Sort(d.Single)
	return d, nil
}

// Uncordon lets a node take new pods again.
func (c *Cluster) Uncordon(ctx context.Context, node string) error {
	_, err := c.client.CoreV1().Nodes().Patch(ctx, node, types.StrategicMergePatchType, []byte(`{"spec":{"unschedulable":null}}`), metav1.PatchOptions{})
	if err != nil {
		return explain("The node "+node+" cannot be uncordoned", err)
	}
	return nil
}

func bare(p corev1.Pod) bool {
	_, mirror := p.Annotations[corev1.MirrorPodAnnotationKey]
	done := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	return p.Namespace != metav1.NamespaceSystem && metav1.GetControllerOf(&p) == nil && !mirror && !done
}
