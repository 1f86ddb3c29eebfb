package charts

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/kubernetes"

	"hubwright/workflows"
)

const missing = "not there"

// look sees how an object is. Kinds that have no state of their own are ready
// when they are there.
func (s *session) look(info *resource.Info) (seen, error) {
	o := seen{ReleaseObject: workflows.ReleaseObject{Kind: info.Mapping.GroupVersionKind.Kind, Namespace: info.Namespace, Name: info.Name}}
	eye := eye{s.client, s.ctx, &o}
	var err error
	switch o.Kind {
	case "Deployment":
		err = eye.deployment()
	case "StatefulSet":
		err = eye.statefulSet()
	case "DaemonSet":
		err = eye.daemonSet()
	case "Job":
		err = eye.job(info.Object)
	case "Pod":
		err = eye.pod()
	case "PersistentVolumeClaim":
		err = eye.claim()
	case "Service":
		err = eye.service()
	default:
		var live runtime.Object
		live, err = resource.NewHelper(info.Client, info.Mapping).Get(info.Namespace, info.Name)
		o.Ready = err == nil
		switch {
		case err != nil:
		case info.Mapping.GroupVersionKind.Group == gatewayGroup:
			err = eye.gatewayAPI(live)
		case o.Kind == "CustomResourceDefinition":
			err = eye.definition(live)
		}
	}
	if apierrors.IsNotFound(err) {
		o.Ready, o.Detail = false, missing
	}
	if o.trouble != nil && s.hooks {
		o.trouble.What = "The hook " + o.Name + " does not end well"
	}
	return o, unlessMissing(err)
}

func unlessMissing(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// eye fills in what it sees of one object.
type eye struct {
	client kubernetes.Interface
	ctx    context.Context
	*seen
}

func (e eye) count(ready, want int32, settled bool) {
	e.Ready = settled && ready >= want
	e.Detail = fmt.Sprintf("%d of %d ready", ready, want)
}

func (e eye) deployment() error {
	d, err := e.client.AppsV1().Deployments(e.Namespace).Get(e.ctx, e.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	want := wanted(d.Spec.Replicas)
	st := d.Status
	e.count(st.AvailableReplicas, want, st.ObservedGeneration >= d.Generation && st.UpdatedReplicas >= want && st.Replicas <= st.UpdatedReplicas)
	for _, c := range st.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			e.refused(c.Message)
		}
	}
	return e.pods(d.Spec.Selector)
}

func (e eye) statefulSet() error {
	st, err := e.client.AppsV1().StatefulSets(e.Namespace).Get(e.ctx, e.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	settled := st.Status.ObservedGeneration >= st.Generation && (st.Status.UpdateRevision == st.Status.CurrentRevision || st.Status.UpdatedReplicas >= wanted(st.Spec.Replicas))
	e.count(st.Status.ReadyReplicas, wanted(st.Spec.Replicas), settled)
	if e.Ready {
		return nil
	}
	if err := e.pods(st.Spec.Selector); err != nil || e.trouble != nil && e.trouble.Code != "pod.unschedulable" {
		return err
	}
	// A claim that is not bound shows at the pod as one that cannot be
	// scheduled; the claim itself says why.
	claims, err := e.client.CoreV1().PersistentVolumeClaims(e.Namespace).List(e.ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, t := range st.Spec.VolumeClaimTemplates {
		for i := range claims.Items {
			if strings.HasPrefix(claims.Items[i].Name, t.Name+"-"+st.Name+"-") && claims.Items[i].Status.Phase != corev1.ClaimBound {
				if err := e.unbound(&claims.Items[i]); err != nil || e.trouble != nil {
					return err
				}
			}
		}
	}
	return nil
}

func wanted(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

func (e eye) daemonSet() error {
	d, err := e.client.AppsV1().DaemonSets(e.Namespace).Get(e.ctx, e.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	st := d.Status
	e.count(st.NumberReady, st.DesiredNumberScheduled, st.ObservedGeneration >= d.Generation && st.UpdatedNumberScheduled >= st.DesiredNumberScheduled)
	return e.pods(d.Spec.Selector)
}

func (e eye) job(object runtime.Object) error {
	j, err := e.client.BatchV1().Jobs(e.Namespace).Get(e.ctx, e.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return e.swept(object, err)
	}
	if err != nil {
		return err
	}
	want := max(wanted(j.Spec.Completions), 1)
	e.Detail = fmt.Sprintf("%d of %d complete", j.Status.Succeeded, want)
	for _, c := range j.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete:
			e.Ready, e.Detail = true, "complete"
			return nil
		case batchv1.JobFailed:
			e.Detail, e.final = "failed: "+c.Message, true
			e.trouble = jobFailed(e.Namespace, e.Name, c.Message)
			return nil
		}
	}
	return e.pods(j.Spec.Selector)
}

func (e eye) pod() error {
	p, err := e.client.CoreV1().Pods(e.Namespace).Get(e.ctx, e.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	e.Detail = strings.ToLower(string(p.Status.Phase))
	e.Ready = p.Status.Phase == corev1.PodSucceeded || isReady(p)
	if p.Status.Phase == corev1.PodFailed {
		e.final = true
		e.trouble = &workflows.Problem{Code: "pod.failed", What: "The pod " + e.Name + " failed", Why: p.Status.Message, Fix: "Read its log, mend what it names, then retry from this step."}
		return nil
	}
	e.ail(p)
	return nil
}

func isReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// pods looks what keeps the pods of a workload that is not ready.
func (e eye) pods(selector *metav1.LabelSelector) error {
	if e.Ready || selector == nil {
		return nil
	}
	sel, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil || sel.Empty() || sel.String() == labels.Everything().String() {
		return err
	}
	list, err := e.client.CoreV1().Pods(e.Namespace).List(e.ctx, metav1.ListOptions{LabelSelector: sel.String()})
	if err != nil {
		return err
	}
	for i := range list.Items {
		if p := &list.Items[i]; !isReady(p) && p.DeletionTimestamp == nil && e.trouble == nil {
			e.ail(p)
		}
	}
	return nil
}
