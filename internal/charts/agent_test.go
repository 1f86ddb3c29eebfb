package charts

import (
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hubwright/workflows"
)

const agentValues = `{"image": "registry.test/agent:1", "url": "https://dev.azure.com/contoso", "pool": "Default", "existingSecret": "sea-credential", "replicas": 2, "pullSecrets": ["pull"]`

func agentChart(t *testing.T) workflows.Chart {
	t.Helper()
	c, err := BuiltIn("azure-agent")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAgentChart(t *testing.T) {
	version := &chartutil.KubeVersion{Version: "v1.33.10", Major: "1", Minor: "33"}
	values := map[string]any{"image": "r.test/a:1", "url": "https://o.test", "existingSecret": "s"}
	for _, m := range lint.AllWithKubeVersion("embedded/azure-agent", values, "apps", version).Messages {
		if m.Severity > support.InfoSev {
			t.Errorf("%s", m)
		}
	}
	objects := drawn(t, agentChart(t), agentValues+`, "auth": "SP", "client": "c", "tenant": "t", "bundle": true, "proxy": "http://p:1", "rollout": "r2"}`)
	if len(objects) != 4 || as[corev1.ServiceAccount](t, objects["ServiceAccount shop"]).AutomountServiceAccountToken == nil {
		t.Errorf("%d objects", len(objects))
	}
	set := as[appsv1.StatefulSet](t, objects["StatefulSet shop"])
	pod, box := set.Spec.Template.Spec, set.Spec.Template.Spec.Containers[0]
	if *set.Spec.Replicas != 2 || *pod.AutomountServiceAccountToken || !*pod.SecurityContext.RunAsNonRoot || *box.SecurityContext.AllowPrivilegeEscalation || *pod.TerminationGracePeriodSeconds < 600 ||
		box.Resources.Limits.Memory().IsZero() || box.Resources.Requests.Cpu().IsZero() || pod.ImagePullSecrets[0].Name != "pull" || pod.Volumes[0].Secret.SecretName != "sea-credential" ||
		set.Spec.Template.Annotations["hubwright/rollout"] != "r2" {
		t.Errorf("%+v", pod)
	}
	env := map[string]string{}
	for _, e := range box.Env {
		env[e.Name] = e.Value
	}
	for name, want := range map[string]string{"AZP_AUTH": "SP", "AZP_CLIENTID": "c", "AZP_TENANTID": "t", "VSTS_HTTP_PROXY": "http://p:1", "AZP_URL": "https://dev.azure.com/contoso", "AZP_POOL": "Default",
		"AZP_TOKEN_FILE": box.VolumeMounts[0].MountPath + "/token", "AZP_CA_FILE": box.VolumeMounts[0].MountPath + "/ca.pem"} {
		if env[name] != want {
			t.Errorf("%s is %q", name, env[name])
		}
	}
	if n := as[networkingv1.NetworkPolicy](t, objects["NetworkPolicy shop"]).Spec; len(n.Ingress) != 0 || len(n.PolicyTypes) != 2 || len(n.Egress) == 0 {
		t.Errorf("%+v", n)
	}
	if b := as[policyv1.PodDisruptionBudget](t, objects["PodDisruptionBudget shop"]).Spec; b.MaxUnavailable.IntValue() != 1 || b.MinAvailable != nil {
		t.Errorf("%+v", b)
	}
	for _, wrong := range []string{`, "replicas": 11}`, `, "auth": "NTLM"}`, `, "url": "http://o"}`} {
		if CheckValues(agentChart(t), agentValues+wrong) == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// On a real cluster: its agents get ready, the same again changes nothing, a
// crash is told with what the container said last, and nothing stays.
func TestAgentChartLives(t *testing.T) {
	t.Parallel()
	c, k, log := opened(t), direct(t), &told{}
	spec := workflows.ReleaseSpec{Name: "sea", Namespace: "azure-agents", Chart: agentChart(t), Values: agentValues + "}"}
	if got, err := c.Install(t.Context(), spec, log); err != nil || !got.Changed {
		t.Fatalf("%+v, %v\n%s", got, err, log)
	}
	if got, err := c.Install(t.Context(), spec, log); err != nil || got.Changed {
		t.Errorf("%+v, %v", got, err)
	}
	if p, err := c.Trouble(t.Context(), "azure-agents", "sea"); p != nil || err != nil {
		t.Errorf("%+v, %v", p, err)
	}
	crash := []byte(`{"status": {"conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [{"name": "agent", "image": "a", "imageID": "", "ready": false, "restartCount": 3,
		"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": "Connecting\nVS30063: no\n"}}}]}}`)
	if _, err := k.CoreV1().Pods("azure-agents").Patch(t.Context(), "sea-1", "application/strategic-merge-patch+json", crash, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		p, err := c.Trouble(t.Context(), "azure-agents", "sea")
		return err == nil && p != nil && p.Code == "pod.crash" && strings.HasSuffix(p.Why, "It said last: VS30063: no")
	})
	if err := c.Uninstall(t.Context(), "azure-agents", "sea", log); err != nil {
		t.Error(err)
	}
	pods, err := k.CoreV1().Pods("azure-agents").List(t.Context(), metav1.ListOptions{})
	if err != nil || slices.ContainsFunc(pods.Items, func(p corev1.Pod) bool { return strings.HasPrefix(p.Name, "sea-") }) {
		t.Errorf("left: %v, %v", pods.Items, err)
	}
}
