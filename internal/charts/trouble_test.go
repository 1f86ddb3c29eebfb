package charts

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"hubwright/workflows"
)

const job = `apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: a, image: b, command: ["false"]}]}}}
`

const claim = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: CLASS, resources: {requests: {storage: 1Gi}}}
`

// TestTroubleIsTold: each of what can go wrong on a cluster ends the wait long
// before it would time out, in words, and heals with a better chart.
func TestTroubleIsTold(t *testing.T) {
	t.Parallel()
	c := opened(t)
	for name, x := range map[string]struct {
		files map[string]string
		code  string
		says  string
	}{
		"an image that cannot be pulled": {map[string]string{"values.yaml": "replicas: 1\nimage: registry.invalid/web:1\n", "templates/a.yaml": deployment}, "pod.image", "registry.invalid/web:1"},
		"a hook that fails":              {map[string]string{"templates/a.yaml": job}, "job.failed", "hook migrate"},
		"no driver":                      {map[string]string{"templates/a.yaml": strings.Replace(claim, "CLASS", "managed-premium", 1)}, "claim.driver", "disk.csi.azure.com"},
		"no storage class":               {map[string]string{"templates/a.yaml": strings.Replace(claim, "CLASS", "none", 1)}, "claim.pending", "no storage class none"},
		"no room":                        {map[string]string{"values.yaml": "replicas: 1\nimage: a\n", "templates/a.yaml": strings.Replace(deployment, "cpu: 10m", "cpu: 900", 1)}, "pod.unschedulable", "nsufficient cpu"},
		"another kind":                   {map[string]string{"templates/a.yaml": "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n"}, "helm.kind", "extensions/v1beta1"},
		"a template that fails":          {map[string]string{"templates/a.yaml": "{{ fail \"give a colour\" }}"}, "helm.template", "give a colour"},
		"a chart that is too large":      {map[string]string{"files/large": incompressible(2 << 20), "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"}, "helm.size", "1048576 bytes"},
		"values against the schema":      {map[string]string{"values.schema.json": `{"required": ["colour"]}`, "templates/a.yaml": job}, "helm.values", "colour"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := "trouble-" + strings.ReplaceAll(name, " ", "-")
			spec := workflows.ReleaseSpec{Name: "sick", Namespace: ns, Chart: chartOf(t, x.files)}
			began, log := time.Now(), &told{}
			_, err := c.Install(t.Context(), spec, log)
			var p *workflows.Problem
			if !errors.As(err, &p) || p.Code != x.code || !strings.Contains(p.What+" "+p.Why, x.says) || p.Fix == "" {
				t.Fatalf("%+v\n%s", err, log)
			}
			if d := time.Since(began); d > 45*time.Second {
				t.Errorf("only after %s", d)
			}
			spec.Chart, spec.Values = small(t), ""
			if state, err := c.Install(t.Context(), spec, log); err != nil || !state.Deployed() {
				t.Errorf("with a good chart: %+v, %v", state, err)
			}
		})
	}
}

// incompressible is a text of that length that no archive makes much smaller.
func incompressible(n int) string {
	rnd, out := rand.New(rand.NewPCG(1, 2)), make([]byte, n)
	for i := range out {
		out[i] = byte(' ' + rnd.IntN(95))
	}
	return string(out)
}

// TestStatefulSetHeals: good values heal a StatefulSet whose pod could not start
// with bad ones, which Kubernetes alone does not.
func TestStatefulSetHeals(t *testing.T) {
	c := opened(t)
	files := map[string]string{"values.yaml": "image: registry.invalid/db:1\n", "templates/a.yaml": `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: {{ .Values.image }}}]}
`}
	spec := workflows.ReleaseSpec{Name: "db", Namespace: "heals", Chart: chartOf(t, files)}
	var p *workflows.Problem
	if _, err := c.Install(t.Context(), spec, &told{}); !errors.As(err, &p) || p.Code != "pod.image" {
		t.Fatalf("with the bad image: %v", err)
	}
	spec.Values = "image: example.test/db:1"
	if state, log := install(t, c, spec); !state.Deployed() || !log.has("it is made again") {
		t.Errorf("%+v\n%s", state, log)
	}
}

// TestServiceWithoutAddress: the cloud controller's words about an address
// that the Hub does not give.
func TestServiceWithoutAddress(t *testing.T) {
	meta := metav1.ObjectMeta{Namespace: "ingress", Name: "front"}
	service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer}}
	for message, code := range map[string]string{
		"Error syncing load balancer: Code=\"PublicIPCountLimitReached\" Message=\"Cannot create more than 5 public IP addresses\"": "service.quota",
		"Error syncing load balancer: the subnet is gone": "service.address",
		"": "",
	} {
		client := fake.NewClientset(service)
		if message != "" {
			client = fake.NewClientset(service, &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "e"}, Reason: "SyncLoadBalancerFailed", Message: message,
				InvolvedObject: corev1.ObjectReference{Kind: "Service", Name: "front"}})
		}
		o := &seen{ReleaseObject: workflows.ReleaseObject{Kind: "Service", Namespace: "ingress", Name: "front"}}
		if err := (eye{client, t.Context(), o}).service(); err != nil {
			t.Fatal(err)
		}
		got := ""
		if o.trouble != nil {
			got = o.trouble.Code
		}
		if got != code || o.Ready {
			t.Errorf("%q: %q, %+v", message, got, o)
		}
	}
}

// TestNodeStillPrepares: a pull that does not end is told of, after a longer
// while than what is surely broken; a volume that cannot be mounted at once.
func TestNodeStillPrepares(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "p"}, Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{
		{Image: "example.test/large:1", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}},
	}}}
	for reason, want := range map[string]struct {
		code string
		slow bool
	}{"Pulling": {"pod.pulling", true}, "FailedMount": {"pod.prepare", false}, "Scheduled": {}} {
		client := fake.NewClientset(pod)
		client.PrependReactor("list", "events", func(a clienttesting.Action) (bool, runtime.Object, error) { // the fake knows no field selectors
			list := &corev1.EventList{}
			if asked, _ := a.(clienttesting.ListAction).GetListRestrictions().Fields.RequiresExactMatch("reason"); asked == reason {
				list.Items = []corev1.Event{{Reason: reason, Message: "as the kubelet says it"}}
			}
			return true, list, nil
		})
		o := &seen{ReleaseObject: workflows.ReleaseObject{Kind: "Pod", Namespace: "n", Name: "p"}}
		if err := (eye{client, t.Context(), o}).pod(); err != nil {
			t.Fatal(err)
		}
		if want.code == "" && o.trouble == nil {
			continue
		}
		if o.trouble == nil || o.trouble.Code != want.code || o.slow != want.slow || !strings.Contains(o.trouble.Why, "as the kubelet says it") {
			t.Errorf("%s: %+v, slow %t", reason, o.trouble, o.slow)
		}
	}
	v := &vigil{sick: map[string]time.Time{}, illness: map[string]string{}}
	now := time.Unix(0, 0)
	s := &session{cluster: &Cluster{Clock: func() time.Time { return now }, stubborn: stubborn}}
	pulling := seen{slow: true, trouble: &workflows.Problem{Code: "pod.pulling"}}
	for _, at := range []time.Duration{0, stubborn + time.Second, sluggish, sluggish + time.Second} {
		now = time.Unix(0, 0).Add(at)
		if err := s.diagnose("Pod p", pulling, v); (err != nil) != (at > sluggish) {
			t.Errorf("after %s: %v", at, err)
		}
	}
}
