package e2e

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ratingsName is the one name that users have for both Sites.
const ratingsName = "ratings-tmep.trafficmanager.net"

// TestDeliver puts the application on both Sites, once with the server killed
// in the middle, lets it scale, joins the Sites under one name, upgrades one of
// them unseen, and takes the application away again. After each the
// clusters are asked by client-go and by Helm's own SDK, not by our code.
func TestDeliver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "200")
	w.setUp()
	sites := w.sites()
	for _, name := range []string{"Seattle", "Orlando"} {
		w.finish(w.begin(w.walk("helper-vm", sites[name], nil)))
		w.finish(w.begin(w.walk("cluster", sites[name], url.Values{"masters": {"1"}, "pools.0.count": {"2"}})))
	}
	answers := url.Values{"host": {ratingsName}}
	run := w.begin(w.walk("app", sites["Seattle"], answers))
	w.finish(run)
	w.shows(run, "answers on Seattle with 200", "Deployment ratings-web", "Service ratings-mongodb", "external 127.")
	seattle := w.live("ratings-seattle")
	seattle.runsRatings(1)

	again := w.begin(w.walk("app", sites["Seattle"], answers))
	w.finish(again)
	if !w.printed(again, "nothing to change") {
		t.Error("the second run does not say that nothing changes")
	}
	seattle.runsRatings(1)

	run = w.begin(w.walk("app", sites["Orlando"], answers))
	eventually(t, time.Minute, "Helm is at work", func() bool { return w.printed(run, "Installing chart ratings") })
	w.server.end(os.Kill)
	w.startServer()
	w.finish(run)
	w.live("ratings-orlando").runsRatings(2)

	run = w.begin(w.walk("autoscale", sites["Seattle"], url.Values{"test": {"yes"}}))
	w.finish(run)
	w.shows(run, "scales from 1 to 10", "requests answered")
	if !w.printed(run, "event SuccessfulRescale: New size:") || !w.printed(run, "It scaled in to 1 replicas") {
		t.Error("the log does not show how it scaled")
	}
	seattle.scales("ratings-web")
	w.finish(w.begin(w.walk("autoscale", sites["Orlando"], nil)))

	again = w.begin(w.walk("app", sites["Seattle"], answers))
	w.finish(again)
	seattle.scales("ratings-web")

	w.upgradesBehindOneName(sites)

	w.finish(w.begin(w.walk("app-remove", sites["Seattle"], url.Values{"ingress": {"yes"}})))
	seattle.holdsNothing()
}

// upgradesBehindOneName upgrades Seattle while a user outside asks for the
// application by its name all the time: no request fails.
func (w *world) upgradesBehindOneName(sites map[string]site) {
	w.t.Helper()
	w.finish(w.begin(w.walk("traffic-manager", site{deployment: sites["Seattle"].deployment}, url.Values{"ttl": {"2"}})))
	eventually(w.t, time.Minute, "the name leads to both Sites", func() bool { return len(w.leads(ratingsName, 20)) == 2 })
	u := w.visitor("http://" + ratingsName + "/")
	run := w.begin(w.walk("upgrade", sites["Seattle"], url.Values{"kubernetes": {"1.34.4"}, "clients": {"out"}}))
	w.finish(run)
	eventually(w.t, time.Minute, "the name leads to both Sites again", func() bool { return len(w.leads(ratingsName, 20)) == 2 })
	u.end()
	if u.failed > 0 || u.requests < 50 {
		w.t.Errorf("%d of %d requests failed while a Site was upgraded, from %s to %s", u.failed, u.requests, u.firstBad, u.lastBad)
	}
	if !w.printed(run, "Seattle is out of rotation.") {
		w.t.Error("the Site was not taken out")
	}
	w.live("ratings-seattle").has("1.34.4", 1, 2, 0)
}

// scales asks for the autoscaler's own numbers.
func (c liveCluster) scales(name string) {
	c.t.Helper()
	h, err := c.client.AutoscalingV2().HorizontalPodAutoscalers("ratingsapp").Get(c.t.Context(), name, metav1.GetOptions{})
	if err != nil || h.Spec.MaxReplicas != 10 || len(h.Status.CurrentMetrics) != 1 || h.Status.CurrentMetrics[0].Resource == nil {
		c.t.Errorf("the autoscaler is %+v, %v", h.Status, err)
	}
}

// holdsNothing: what is left of the application is its disk and the key to it.
func (c liveCluster) holdsNothing() {
	c.t.Helper()
	ctx := c.t.Context()
	for _, namespace := range []string{"ratingsapp", "ingress"} {
		pods, err := c.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil || len(pods.Items) > 0 {
			c.t.Errorf("%d pods in %s, %v", len(pods.Items), namespace, err)
		}
		secrets, err := c.client.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{LabelSelector: "owner=helm"})
		if err != nil || len(secrets.Items) > 0 {
			c.t.Errorf("%d records of Helm in %s, %v", len(secrets.Items), namespace, err)
		}
	}
	if _, err := c.client.CoreV1().Secrets("ratingsapp").Get(ctx, "ratings-mongodb", metav1.GetOptions{}); err != nil {
		c.t.Errorf("the key to the disk: %v", err)
	}
}

// runsRatings asks the cluster whether it is as the pages say: one release of
// each kind, pods that are ready, and endpoints behind every Service.
func (c liveCluster) runsRatings(mostRevisions int) {
	c.t.Helper()
	ctx := c.t.Context()
	for namespace, name := range map[string]string{"ratingsapp": "ratings", "ingress": "ingress", "kube-system": "azuredisk-csi-driver"} {
		all, err := storage.Init(driver.NewSecrets(c.client.CoreV1().Secrets(namespace))).History(name)
		if err != nil || len(all) == 0 || len(all) > mostRevisions || string(all[len(all)-1].Info.Status) != "deployed" {
			c.t.Errorf("release %s: %d revisions, %v", name, len(all), err)
		}
	}
	pods, err := c.client.CoreV1().Pods("ratingsapp").List(ctx, metav1.ListOptions{})
	if err != nil || len(pods.Items) < 5 {
		c.t.Errorf("%d pods, %v", len(pods.Items), err)
	}
	slices, err := c.client.DiscoveryV1().EndpointSlices("ratingsapp").List(ctx, metav1.ListOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	behind := map[string]int{}
	for _, s := range slices.Items {
		behind[s.Labels["kubernetes.io/service-name"]] += len(s.Endpoints)
	}
	services, err := c.client.CoreV1().Services("ratingsapp").List(ctx, metav1.ListOptions{})
	if err != nil || len(services.Items) != 3 {
		c.t.Errorf("%d services, %v", len(services.Items), err)
	}
	for _, s := range services.Items {
		if behind[s.Name] == 0 {
			c.t.Errorf("nobody is behind the Service %s", s.Name)
		}
	}
	claims, err := c.client.CoreV1().PersistentVolumeClaims("ratingsapp").List(ctx, metav1.ListOptions{})
	if err != nil || len(claims.Items) != 1 || claims.Items[0].Status.Phase != "Bound" {
		c.t.Errorf("claims %+v, %v", claims.Items, err)
	}
	ingresses, err := c.client.NetworkingV1().Ingresses("ratingsapp").List(ctx, metav1.ListOptions{})
	if err != nil || len(ingresses.Items) != 1 || len(ingresses.Items[0].Status.LoadBalancer.Ingress) != 1 || !strings.HasPrefix(ingresses.Items[0].Status.LoadBalancer.Ingress[0].IP, "127.") {
		c.t.Errorf("ingresses %+v, %v", ingresses.Items, err)
	}
}
