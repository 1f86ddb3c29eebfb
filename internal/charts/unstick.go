package charts

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// unstick replaces pods of a StatefulSet that were made from earlier values and
// cannot start. Kubernetes waits for such a pod to get ready before it gives it
// the new values, which is for ever: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
func (s *session) unstick(namespace, name string) error {
	st, err := s.client.AppsV1().StatefulSets(namespace).Get(s.ctx, name, metav1.GetOptions{})
	if err != nil || st.Status.ObservedGeneration < st.Generation || st.Status.UpdateRevision == "" {
		return unlessMissing(err)
	}
	selector, err := metav1.LabelSelectorAsSelector(st.Spec.Selector)
	if err != nil {
		return err
	}
	pods, err := s.client.CoreV1().Pods(namespace).List(s.ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return err
	}
	for i := range pods.Items {
		p := &pods.Items[i]
		if p.Labels[appsv1.ControllerRevisionHashLabelKey] == st.Status.UpdateRevision || p.DeletionTimestamp != nil || isReady(p) || !cannotStart(p) {
			continue
		}
		err := s.client.CoreV1().Pods(namespace).Delete(s.ctx, p.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(p.UID))})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return err
		}
		s.log.Warn("The pod %s was made from earlier values and cannot start: it is made again from the new ones", p.Name)
	}
	return nil
}

// cannotStart says whether a container of the pod waits for what will not come.
func cannotStart(p *corev1.Pod) bool {
	for _, st := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
		if w := st.State.Waiting; w != nil {
			switch w.Reason {
			case "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff":
				return true
			}
		}
	}
	return false
}
