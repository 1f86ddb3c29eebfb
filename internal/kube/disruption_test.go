package kube

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"hubwright/workflows"
)

// TestDisruption has what stands in the way of a drain, and what looks like it
// and does not.
func TestDisruption(t *testing.T) {
	named := func(namespace, name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name}
	}
	budget := func(name string, pods, allowed int32) *policyv1.PodDisruptionBudget {
		return &policyv1.PodDisruptionBudget{ObjectMeta: named("shop", name), Status: policyv1.PodDisruptionBudgetStatus{ExpectedPods: pods, DisruptionsAllowed: allowed}}
	}
	deployment := func(namespace, name string, replicas *int32) *appsv1.Deployment {
		return &appsv1.Deployment{ObjectMeta: named(namespace, name), Spec: appsv1.DeploymentSpec{Replicas: replicas}}
	}
	set := func(name string, replicas int32) *appsv1.StatefulSet {
		return &appsv1.StatefulSet{ObjectMeta: named("shop", name), Spec: appsv1.StatefulSetSpec{Replicas: &replicas}}
	}
	pod := func(namespace, name string, change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: named(namespace, name), Status: corev1.PodStatus{Phase: corev1.PodRunning}}
		change(p)
		return p
	}
	none, one, two, yes := int32(0), int32(1), int32(2), true
	objects := []runtime.Object{
		budget("tight", 2, 0), budget("roomy", 2, 1), budget("empty", 0, 0),
		deployment("shop", "web", &two), deployment("shop", "lonely", &one), deployment("shop", "off", &none), deployment("shop", "unsaid", nil), deployment("kube-system", "coredns", &one),
		set("database", 1), set("queue", 3),
		pod("shop", "debug", func(*corev1.Pod) {}),
		pod("shop", "done", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }),
		pod("shop", "broken", func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }),
		pod("shop", "static", func(p *corev1.Pod) { p.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"} }),
		pod("shop", "web-1", func(p *corev1.Pod) { p.OwnerReferences = []metav1.OwnerReference{{Name: "web", Controller: &yes}} }),
		pod("kube-system", "etcd", func(*corev1.Pod) {}),
	}
	got, err := (&Cluster{client: fake.NewClientset(objects...)}).Disruption(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := workflows.Disruption{Blocked: []string{"shop/tight"}, Single: []string{"shop/database", "shop/lonely"}, Bare: []string{"shop/debug"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	for _, resource := range []string{"poddisruptionbudgets", "deployments", "statefulsets", "pods"} {
		client := fake.NewClientset()
		client.PrependReactor("list", resource, func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no") })
		_, err := (&Cluster{client: client}).Disruption(t.Context())
		var p *workflows.Problem
		if !errors.As(err, &p) || p.What == "" || p.Fix == "" {
			t.Errorf("%s cannot be listed: %v", resource, err)
		}
	}
}
