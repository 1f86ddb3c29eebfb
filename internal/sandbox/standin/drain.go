package standin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	policyv1beta1 "k8s.io/api/policy/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	drainLimit    = time.Hour
	evictionPause = 5 * time.Second // after an eviction that a budget forbids
	gonePause     = time.Second
)

// drain takes a node out of service and moves its pods away. Budgets are kept.
func (p *process) drain(ctx context.Context, k *kube, name string, limit time.Duration) error {
	if err := k.update(ctx, name, func(n *corev1.Node) { n.Spec.Unschedulable = true }); err != nil {
		return err
	}
	p.say.info("Node %s has been marked unschedulable.", name)
	pods, err := k.movable(ctx, name)
	if err != nil {
		return err
	}
	if len(pods) == 0 {
		p.say.info("Node %s has no scheduled pods", name)
		return nil
	}
	p.say.line("info", fmt.Sprintf("%d pods will be deleted", len(pods)), "node="+name, "prefix=drain")
	for _, path := range []string{"/api", "/apis", "/api/v1"} {
		if err := k.do(ctx, http.MethodGet, path, nil, nil); err != nil {
			return err
		}
	}
	limited, cancel := context.WithTimeoutCause(ctx, limit/p.hasten, fmt.Errorf("Drain did not complete within %s", limit))
	defer cancel()
	var group errgroup.Group
	for _, pod := range pods {
		group.Go(func() error { return p.evict(limited, k, pod) })
	}
	err = group.Wait()
	if err == nil {
		return nil
	}
	if limited.Err() != nil {
		err = context.Cause(limited)
	}
	p.say.error("There are pending pods when an error occurred: %v\n", err)
	if left, problem := k.movable(ctx, name); problem == nil {
		for _, pod := range left {
			p.say.error("pod/%s\n", pod.Name)
		}
	}
	return err
}

// movable are the pods of a node but those that belong to it: mirror pods and those of daemon sets.
func (k *kube) movable(ctx context.Context, node string) (pods []corev1.Pod, err error) {
	var list corev1.PodList
	if err := k.do(ctx, http.MethodGet, "/api/v1/pods?fieldSelector="+url.QueryEscape("spec.nodeName="+node), nil, &list); err != nil {
		return nil, err
	}
	for _, pod := range list.Items {
		_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
		if owner := metav1.GetControllerOf(&pod); !mirror && (owner == nil || owner.Kind != "DaemonSet") {
			pods = append(pods, pod)
		}
	}
	return pods, nil
}

// evict asks until a pod may go, and waits until it is gone.
func (p *process) evict(ctx context.Context, k *kube, pod corev1.Pod) error {
	path := "/api/v1/namespaces/" + pod.Namespace + "/pods/" + pod.Name
	for {
		err := k.do(ctx, http.MethodPost, path+"/eviction", &policyv1beta1.Eviction{
			TypeMeta: metav1.TypeMeta{APIVersion: "policy/v1beta1", Kind: "Eviction"}, ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}}, nil)
		if err == nil || refused(err, http.StatusNotFound) {
			break
		}
		var e *kubeError
		if !errors.As(err, &e) || e.code != http.StatusTooManyRequests {
			return err
		}
		if err := p.pause(ctx, e.wait+evictionPause); err != nil {
			return err
		}
	}
	for {
		var now corev1.Pod
		err := k.do(ctx, http.MethodGet, path, nil, &now)
		if refused(err, http.StatusNotFound) || err == nil && now.UID != pod.UID {
			p.say.info("%s pod successfully evicted", pod.Name)
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.pause(ctx, gonePause); err != nil {
			return err
		}
	}
}
