package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestAgents(t *testing.T) {
	meta := func(name, release string) metav1.ObjectMeta {
		m := metav1.ObjectMeta{Namespace: "kube-system", Name: name, Generation: 2}
		if release != "" {
			m.Annotations = map[string]string{"meta.helm.sh/release-name": release}
		}
		return m
	}
	two := int32(2)
	c := &Cluster{client: fake.NewClientset(
		&appsv1.DaemonSet{ObjectMeta: meta("omsagent", ""), Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 3, NumberReady: 2, ObservedGeneration: 1, UpdatedNumberScheduled: 3}},
		&appsv1.DaemonSet{ObjectMeta: meta("ama-logs", "azmon"), Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 3, NumberReady: 3, ObservedGeneration: 2, UpdatedNumberScheduled: 3}},
		&appsv1.DaemonSet{ObjectMeta: meta("kube-proxy", "")},
		&appsv1.Deployment{ObjectMeta: meta("ama-logs-rs", "azmon"), Spec: appsv1.DeploymentSpec{Replicas: &two}, Status: appsv1.DeploymentStatus{ObservedGeneration: 2, ReadyReplicas: 1, UpdatedReplicas: 1}},
		&appsv1.Deployment{ObjectMeta: meta("coredns", "")},
	)}
	got, err := c.Agents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Agent{
		{"DaemonSet", "kube-system", "ama-logs", 3, 3, true, "azmon"},
		{"DaemonSet", "kube-system", "omsagent", 2, 3, false, ""},
		{"Deployment", "kube-system", "ama-logs-rs", 1, 2, false, "azmon"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestEnsureSecretKeepsWhatIsThere(t *testing.T) {
	client := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "there"}}, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "there", Name: "s"}, StringData: map[string]string{"p": "old"}})
	c := &Cluster{client: client}
	for _, tt := range []struct {
		namespace string
		made      bool
		has       string
	}{{"there", false, "old"}, {"new", true, "fresh"}, {"new", false, "fresh"}} {
		made, err := c.EnsureSecret(t.Context(), tt.namespace, "s", map[string]string{"p": "fresh"})
		if err != nil || made != tt.made {
			t.Errorf("%s: %t, %v", tt.namespace, made, err)
		}
		if s, err := client.CoreV1().Secrets(tt.namespace).Get(t.Context(), "s", metav1.GetOptions{}); err != nil || s.StringData["p"] != tt.has {
			t.Errorf("%s: %v, %v", tt.namespace, s, err)
		}
	}
}

// A Secret of ours follows what it shall hold; one of somebody else is neither
// changed nor deleted.
func TestPutSecret(t *testing.T) {
	client := fake.NewClientset(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "theirs"}, Data: map[string][]byte{"a": []byte("b")}})
	c := &Cluster{client: client}
	for i, tt := range []struct {
		token   string
		changed bool
	}{{"one", true}, {"one", false}, {"two", true}} {
		changed, err := c.PutSecret(t.Context(), "n", "ours", map[string]string{"token": tt.token})
		if err != nil || changed != tt.changed {
			t.Errorf("%d: %t, %v", i, changed, err)
		}
		if s, err := client.CoreV1().Secrets("n").Get(t.Context(), "ours", metav1.GetOptions{}); err != nil || string(s.Data["token"]) != tt.token {
			t.Errorf("%d: %v, %v", i, s, err)
		}
	}
	if _, err := c.PutSecret(t.Context(), "n", "theirs", map[string]string{"token": "x"}); err == nil {
		t.Error("somebody else's Secret is overwritten")
	}
	for name, stays := range map[string]bool{"ours": false, "theirs": true, "none": false} {
		if err := c.DeleteSecret(t.Context(), "n", name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if there, err := c.HasSecret(t.Context(), "n", name); err != nil || there != stays {
			t.Errorf("%s stays: %t, %v", name, there, err)
		}
	}
}
