package e2e

import (
	"net/url"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestMonitoring: a cluster gets Azure Monitor's agent by Helm, data arrives,
// a second time nothing changes, and it goes again; then Prometheus comes.
// What is on the cluster is looked at past our own code.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "100")
	w.setUp()
	seattle := w.sites()["Seattle"]
	w.finish(w.begin(w.walk("helper-vm", seattle, nil)))
	w.finish(w.begin(w.walk("cluster", seattle, url.Values{"masters": {"1"}, "pools.0.count": {"2"}})))
	cluster := w.live("ratings-seattle")

	helm := url.Values{"method": {"helm"}}
	run := w.begin(w.walk("monitoring", seattle, helm))
	w.finish(run)
	w.shows(run, "Data of 3 nodes of", "DaemonSet ama-logs", "3 of 3 ready", "Retired")
	set, err := cluster.client.AppsV1().DaemonSets("kube-system").Get(t.Context(), "ama-logs", metav1.GetOptions{})
	if err != nil || set.Status.NumberReady != 3 {
		t.Fatalf("%+v, %v", set.Status, err)
	}
	secret, err := cluster.client.CoreV1().Secrets("kube-system").Get(t.Context(), "ama-logs-secret", metav1.GetOptions{})
	if err != nil || len(secret.Data["KEY"]) < 80 {
		t.Fatalf("%v, %v", secret, err)
	}
	if page := w.get("/").body + w.get("/runs/"+run).body; strings.Contains(page, string(secret.Data["KEY"])) || w.printed(run, string(secret.Data["KEY"])) {
		t.Error("the workspace's key is on a page or in the log")
	}

	again := w.begin(w.walk("monitoring", seattle, helm))
	w.finish(again)
	w.shows(again, "Nothing had to be changed")
	w.finish(w.begin(w.walk("monitoring", seattle, url.Values{"method": {"remove"}})))
	if left, err := cluster.client.AppsV1().DaemonSets("kube-system").List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=ama-logs"}); err != nil || len(left.Items) > 0 {
		t.Errorf("%d daemon sets, %v", len(left.Items), err)
	}

	run = w.begin(w.walk("monitoring", seattle, url.Values{"method": {"prometheus"}, "source": {"repository"}}))
	w.finish(run)
	w.shows(run, "kube-prometheus-stack", "objects are ready")
	grafana, err := cluster.client.AppsV1().Deployments("monitoring").Get(t.Context(), "monitoring-grafana", metav1.GetOptions{})
	if err != nil || grafana.Status.AvailableReplicas != 1 || grafana.Spec.Template.Spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Name != "hubwright-grafana" {
		t.Errorf("%+v, %v", grafana, err)
	}
}
