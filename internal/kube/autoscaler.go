package kube

import (
	"context"
	"encoding/json"
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"hubwright/workflows"
)

// Autoscalers are the autoscalers of a namespace with their events; "" stands
// for all namespaces, then without events.
func (c *Cluster) Autoscalers(ctx context.Context, namespace string) ([]workflows.Autoscaler, error) {
	list, err := c.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Listing the autoscalers", err)
	}
	var out []workflows.Autoscaler
	for i := range list.Items {
		a := autoscalerOf(&list.Items[i])
		if namespace != "" {
			if a.Events, err = c.happened(ctx, a); err != nil {
				return nil, err
			}
		}
		out = append(out, a)
	}
	return out, nil
}

func autoscalerOf(h *autoscalingv2.HorizontalPodAutoscaler) workflows.Autoscaler {
	a := workflows.Autoscaler{
		Namespace: h.Namespace, Name: h.Name, Kind: h.Spec.ScaleTargetRef.Kind, Target: h.Spec.ScaleTargetRef.Name,
		Min: count(h.Spec.MinReplicas), Max: int(h.Spec.MaxReplicas), Current: -1,
		Replicas: int(h.Status.CurrentReplicas), Wanted: int(h.Status.DesiredReplicas), Ours: labels.SelectorFromSet(ours()).Matches(labels.Set(h.Labels)),
	}
	for _, m := range h.Spec.Metrics {
		if r := m.Resource; r != nil && r.Name == corev1.ResourceCPU && r.Target.AverageUtilization != nil {
			a.Percent = int(*r.Target.AverageUtilization)
		}
	}
	for _, m := range h.Status.CurrentMetrics {
		if r := m.Resource; r != nil && r.Name == corev1.ResourceCPU && r.Current.AverageUtilization != nil {
			a.Current = int(*r.Current.AverageUtilization)
		}
	}
	for _, cond := range h.Status.Conditions {
		if cond.Type == autoscalingv2.ScalingActive {
			a.Active, a.Reason, a.Message = cond.Status == corev1.ConditionTrue, cond.Reason, cond.Message
		}
	}
	return a
}

// happened are the events of an autoscaler, newest last.
func (c *Cluster) happened(ctx context.Context, a workflows.Autoscaler) ([]string, error) {
	list, err := c.client.CoreV1().Events(a.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.kind=HorizontalPodAutoscaler,involvedObject.name=" + a.Name})
	if err != nil {
		return nil, explain("Reading the autoscaler's events", err)
	}
	slices.SortStableFunc(list.Items, func(x, y corev1.Event) int { return x.LastTimestamp.Compare(y.LastTimestamp.Time) })
	var out []string
	for _, e := range list.Items {
		out = append(out, e.Reason+": "+e.Message)
	}
	return out, nil
}

// EnsureAutoscaler makes the autoscaler be as asked and says whether it
// changed something.
func (c *Cluster) EnsureAutoscaler(ctx context.Context, a workflows.Autoscaler) (bool, error) {
	hpas := c.client.AutoscalingV2().HorizontalPodAutoscalers(a.Namespace)
	least, percent := int32(a.Min), int32(a.Percent)
	spec := autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: a.Target}, MinReplicas: &least, MaxReplicas: int32(a.Max),
		Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
		}}},
	}
	have, err := hpas.Get(ctx, a.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = hpas.Create(ctx, &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: a.Name, Labels: ours()}, Spec: spec}, metav1.CreateOptions{})
		return true, explain("Making the autoscaler", err)
	}
	if err != nil {
		return false, explain("Reading the autoscaler", err)
	}
	now := autoscalerOf(have)
	if now.Target == a.Target && now.Min == a.Min && now.Max == a.Max && now.Percent == a.Percent && len(have.Spec.Metrics) == 1 {
		return false, nil
	}
	spec.Behavior = have.Spec.Behavior
	have.Spec = spec
	_, err = hpas.Update(ctx, have, metav1.UpdateOptions{})
	return true, explain("Changing the autoscaler", err)
}

// DeleteAutoscaler removes an autoscaler. One that is not there is no error.
func (c *Cluster) DeleteAutoscaler(ctx context.Context, namespace, name string) error {
	err := c.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		err = nil
	}
	return explain("Removing the autoscaler", err)
}

// Scalables are the Deployments outside of Kubernetes' own namespaces.
func (c *Cluster) Scalables(ctx context.Context) ([]workflows.Scalable, error) {
	list, err := c.client.AppsV1().Deployments("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, explain("Listing the deployments", err)
	}
	var out []workflows.Scalable
	for _, d := range list.Items {
		if d.Namespace == metav1.NamespaceSystem {
			continue
		}
		s := workflows.Scalable{Namespace: d.Namespace, Name: d.Name, Replicas: count(d.Spec.Replicas)}
		for _, container := range d.Spec.Template.Spec.Containers {
			if container.Resources.Requests.Cpu().IsZero() {
				s.Unasked = append(s.Unasked, container.Name)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// Metrics says how many nodes the metrics API has numbers of.
func (c *Cluster) Metrics(ctx context.Context) (int, error) {
	list, err := c.client.Discovery().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/nodes").DoRaw(ctx)
	if apierrors.IsNotFound(err) || apierrors.IsServiceUnavailable(err) {
		why := "the cluster has no metrics API"
		if !apierrors.IsNotFound(err) {
			why = "the metrics API is registered, but nobody answers for it"
		}
		return 0, &workflows.Problem{
			Code: "kube.metrics", What: "There are no metrics", Why: why, Detail: err.Error(),
			Fix: "Look at the Deployment metrics-server in kube-system: AKS Engine installs it as an addon. Without it nothing can be scaled by load.",
		}
	}
	if err != nil {
		return 0, explain("Asking for metrics", err)
	}
	return countItems(list)
}

func countItems(raw []byte) (int, error) {
	var list struct{ Items []struct{} }
	err := json.Unmarshal(raw, &list)
	return len(list.Items), err
}
