package kube_test

import (
	"testing"

	"hubwright/internal/aksengine"
)

// A real API server shows an object in the version that it was not written in,
// and keeps how it was.
func TestAPIUsesOfARealCluster(t *testing.T) {
	kubectl(t, "create", "namespace", "uses")
	t.Cleanup(func() { kubectl(t, "delete", "namespace", "uses", "--wait=false") })
	kubectl(t, "create", "--namespace=uses", "deployment", "web", "--image=x", "--replicas=0")
	kubectl(t, "autoscale", "--namespace=uses", "deployment", "web", "--max=3")
	kubectl(t, "annotate", "--namespace=uses", "hpa", "web", `kubectl.kubernetes.io/last-applied-configuration={"apiVersion":"autoscaling/v2beta2","kind":"HorizontalPodAutoscaler"}`)
	got, err := opened(t).APIUses(t.Context(), aksengine.RemovedAPIs())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Object != "HorizontalPodAutoscaler uses/web" || got[0].GoneIn != 26 {
		t.Errorf("%+v", got)
	}
	s, err := opened(t).Survey(t.Context())
	if err != nil || len(s.InTree) > 0 {
		t.Errorf("%+v, %v", s, err)
	}
}
