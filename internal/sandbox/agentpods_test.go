package sandbox_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"hubwright/internal/sandbox"
)

// agentsInPods sees that a pod that is told of an organization is an agent of
// it while it runs, with what its Secret has, and crashes when that is not good.
func agentsInPods(t *testing.T, w *sandbox.World, client *kubernetes.Clientset) {
	t.Helper()
	seed := w.Seed()
	pods, secrets := client.CoreV1().Pods("default"), client.CoreV1().Secrets("default")
	token := func(text string) {
		t.Helper()
		_ = secrets.Delete(t.Context(), "agent", metav1.DeleteOptions{})
		_, err := secrets.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "agent"}, StringData: map[string]string{"token": text, "ca.pem": seed.PublicCA, "tenant": seed.Azure.TenantID}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, more ...corev1.EnvVar) {
		t.Helper()
		_, err := pods.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{
			Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers: []corev1.Container{{Name: "agent", Image: "registry.test/agent:1", VolumeMounts: []corev1.VolumeMount{{Name: "s", MountPath: "/run/secrets"}}, Env: append([]corev1.EnvVar{
				{Name: "AZP_URL", Value: seed.DevOps.Organization}, {Name: "AZP_POOL", Value: "Default"}, {Name: "AZP_TOKEN_FILE", Value: "/run/secrets/token"}, {Name: "AZP_CA_FILE", Value: "/run/secrets/ca.pem"},
				{Name: "AZP_AGENT_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
			}, more...)}},
			Volumes: []corev1.Volume{{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "agent"}}}},
		}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	online := func(name string) bool { return slices.Contains(w.DevOps().Online(), name) }

	token("wrong")
	run("agent-0")
	until(t, "the crash of an agent with a wrong token", func() bool {
		p, err := pods.Get(t.Context(), "agent-0", metav1.GetOptions{})
		if err != nil || len(p.Status.ContainerStatuses) != 1 {
			return false
		}
		st := p.Status.ContainerStatuses[0]
		return st.State.Waiting != nil && st.State.Waiting.Reason == "CrashLoopBackOff" && st.RestartCount > 0 && !st.Ready &&
			st.LastTerminationState.Terminated != nil && st.LastTerminationState.Terminated.Message == "VS30063: You are not authorized to access "+seed.DevOps.Organization+".\n"
	})
	if got := w.DevOps().Agents(); len(got) != 0 {
		t.Errorf("with a wrong token these registered: %v", got)
	}
	token(seed.DevOps.Token) // it is read when the container starts again
	until(t, "the agent with a good token", func() bool {
		p, err := pods.Get(t.Context(), "agent-0", metav1.GetOptions{})
		return err == nil && online("agent-0") && len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].Ready
	})
	token(seed.Azure.ClientSecret)
	run("agent-1", corev1.EnvVar{Name: "AZP_AUTH", Value: "SP"}, corev1.EnvVar{Name: "AZP_CLIENTID", Value: seed.Azure.ClientID},
		corev1.EnvVar{Name: "AZP_TENANTID", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "agent"}, Key: "tenant"}}})
	until(t, "the agent of a principal", func() bool { return online("agent-1") })
	for _, name := range []string{"agent-0", "agent-1"} {
		if err := pods.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the end of the agents with their pods", func() bool { return len(w.DevOps().Agents()) == 0 })
}
