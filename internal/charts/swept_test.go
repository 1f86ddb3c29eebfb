package charts

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"

	"hubwright/workflows"
)

// TestHookThatGoesAtOnce: a Job that is swept away the moment that it ends has
// ended well all the same.
func TestHookThatGoesAtOnce(t *testing.T) {
	c := opened(t)
	c.between = 2 * time.Second // so that it is gone before the first look, or the second
	ch := chartOf(t, map[string]string{"templates/hook.yaml": `apiVersion: batch/v1
kind: Job
metadata: {name: quick, annotations: {helm.sh/hook: pre-install}}
spec:
  ttlSecondsAfterFinished: 0
  template: {spec: {restartPolicy: Never, containers: [{name: quick, image: example.test/quick:1}]}}
`, "templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: after}\n"})
	spec := workflows.ReleaseSpec{Name: "quick", Namespace: "quick", Chart: ch, Patience: 20 * time.Second}
	state, log := install(t, c, spec)
	if !state.Deployed() {
		t.Errorf("%+v\n%s", state, log)
	}
}

func TestSweptJobs(t *testing.T) {
	for _, tt := range []struct {
		name, uid, reason string
		ttl               bool
		ready, failed     bool
	}{
		{name: "ended well", uid: "u1", reason: "Completed", ttl: true, ready: true},
		{name: "ended badly", uid: "u1", reason: "BackoffLimitExceeded", ttl: true, failed: true},
		{name: "nobody said how", uid: "u1", reason: "SuccessfulCreate", ttl: true},
		{name: "another of that name ended well", uid: "u2", reason: "Completed", ttl: true},
		{name: "it would have stayed", uid: "u1", reason: "Completed"},
		{name: "of an earlier day", ttl: true, ready: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := fake.NewClientset()
			if tt.uid == "u1" { // the fake knows no field selectors: only the real API server tells the two apart
				client = fake.NewClientset(&corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "e"}, InvolvedObject: corev1.ObjectReference{UID: "u1"}, Reason: tt.reason})
			}
			o := &seen{ReleaseObject: workflows.ReleaseObject{Kind: "Job", Namespace: "n", Name: "quick"}}
			spec := map[string]any{}
			if tt.ttl {
				spec["ttlSecondsAfterFinished"] = int64(0)
			}
			job := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"uid": tt.uid}, "spec": spec}}
			gone := apierrors.NewNotFound(schema.GroupResource{Resource: "jobs"}, "quick")
			err := eye{client, t.Context(), o}.swept(job, gone)
			if o.Ready != tt.ready || o.final != tt.failed || (o.trouble != nil) != tt.failed {
				t.Errorf("ready %t, final %t, trouble %+v", o.Ready, o.final, o.trouble)
			}
			if apierrors.IsNotFound(err) == (tt.ready || tt.failed) {
				t.Errorf("error %v", err)
			}
		})
	}
}
