package kube_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"hubwright/workflows"
)

// TestDisruption puts into the shared cluster what stands in the way of a
// drain, and what looks like it and does not.
func TestDisruption(t *testing.T) {
	ctx := t.Context()
	cfg, err := clientcmd.RESTConfigFromKubeConfig(real(t).KubeconfigForKubectl())
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	k := opened(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const ns = "drain"
	_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{})
	must(err)
	t.Cleanup(func() {
		_ = client.CoreV1().Namespaces().Delete(context.Background(), ns, metav1.DeleteOptions{})
	})
	template := func(app string) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}
	}
	selector := func(app string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
	}
	deploy := func(app string, replicas int32) {
		_, err := client.AppsV1().Deployments(ns).Create(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: app}, Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: selector(app), Template: template(app)}}, metav1.CreateOptions{})
		must(err)
	}
	deploy("web", 2)
	deploy("lonely", 1)
	one := int32(1)
	_, err = client.AppsV1().StatefulSets(ns).Create(ctx, &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "database"}, Spec: appsv1.StatefulSetSpec{Replicas: &one, Selector: selector("database"), Template: template("database")}}, metav1.CreateOptions{})
	must(err)
	_, err = client.CoreV1().Pods(ns).Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "debug"}, Spec: template("debug").Spec}, metav1.CreateOptions{})
	must(err)
	done, err := client.CoreV1().Pods(ns).Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "done"}, Spec: template("done").Spec}, metav1.CreateOptions{})
	must(err)
	done.Status.Phase = corev1.PodSucceeded
	_, err = client.CoreV1().Pods(ns).UpdateStatus(ctx, done, metav1.UpdateOptions{})
	must(err)
	for name, min := range map[string]int{"roomy": 1, "tight": 2} {
		least := intstr.FromInt(min)
		_, err := client.PolicyV1().PodDisruptionBudgets(ns).Create(ctx, &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: &least, Selector: selector("web")}}, metav1.CreateOptions{})
		must(err)
	}
	nobody := intstr.FromInt(1)
	_, err = client.PolicyV1().PodDisruptionBudgets(ns).Create(ctx, &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "empty"}, Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: &nobody, Selector: selector("nobody")}}, metav1.CreateOptions{})
	must(err)

	want := workflows.Disruption{Blocked: []string{"drain/tight"}, Single: []string{"drain/database", "drain/lonely"}, Bare: []string{"drain/debug"}}
	eventually(t, "what is in the way", func() string {
		got, err := k.Disruption(ctx)
		must(err)
		return cmp.Diff(want, within(got, ns))
	})
}

// within leaves out what other tests have in the cluster.
func within(d workflows.Disruption, ns string) workflows.Disruption {
	only := func(all []string) []string {
		var out []string
		for _, name := range all {
			if strings.HasPrefix(name, ns+"/") {
				out = append(out, name)
			}
		}
		return out
	}
	return workflows.Disruption{Blocked: only(d.Blocked), Single: only(d.Single), Bare: only(d.Bare)}
}

func TestUncordon(t *testing.T) {
	k := opened(t)
	kubectl(t, "cordon", agent0)
	for range 2 { // one that takes pods stays so
		if err := k.Uncordon(t.Context(), agent0); err != nil {
			t.Fatal(err)
		}
		if got := kubectl(t, "get", "node", agent0, "-o", "jsonpath={.spec.unschedulable}"); got != "" {
			t.Errorf("unschedulable is %q", got)
		}
	}
	if p := asProblem(t, k.Uncordon(t.Context(), "nobody")); !strings.Contains(p.What, "nobody") {
		t.Errorf("%+v", p)
	}
}
