package controlplane

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (r *running) node(ctx context.Context, name string) (*corev1.Node, error) {
	return r.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
}

// staticPod makes the mirror that a kubelet keeps of one static pod, and waits until kwok has it running.
func (r *running) staticPod(ctx context.Context, node *corev1.Node, component, image string) error {
	pods := r.client.CoreV1().Pods("kube-system")
	want := mirrorPod(node, component, image)
	now := int64(0)
	for {
		old, err := pods.Get(ctx, want.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			_, err = pods.Create(ctx, want, metav1.CreateOptions{})
		case err == nil && (old.Spec.Containers[0].Image != image || old.DeletionTimestamp != nil):
			err = pods.Delete(ctx, want.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		case err == nil && old.Status.Phase == corev1.PodRunning:
			return nil
		}
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsAlreadyExists(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func mirrorPod(node *corev1.Node, component, image string) *corev1.Pod {
	isController := true
	hash := stableID(component, node.Name, image)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: component + "-" + node.Name, Namespace: "kube-system",
			Labels: map[string]string{"tier": "control-plane", "component": component},
			Annotations: map[string]string{
				corev1.MirrorPodAnnotationKey: hash, "kubernetes.io/config.hash": hash, "kubernetes.io/config.source": "file",
			},
			OwnerReferences: []metav1.OwnerReference{
				{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID, Controller: &isController},
			},
		},
		Spec: corev1.PodSpec{
			NodeName: node.Name, HostNetwork: true,
			Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers:  []corev1.Container{{Name: component, Image: image}},
		},
	}
}
