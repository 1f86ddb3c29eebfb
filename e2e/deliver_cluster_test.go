package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What client-go and Helm's own SDK see of a delivery, past our code.

// history is a release's revisions, oldest first.
func (c liveCluster) history(namespace, name string) []*release.Release {
	c.t.Helper()
	all, err := storage.Init(driver.NewSecrets(c.client.CoreV1().Secrets(namespace))).History(name)
	if err != nil {
		return nil
	}
	slices.SortFunc(all, func(a, b *release.Release) int { return a.Version - b.Version })
	return all
}

// releases is the newest revision of each release in one line.
func (c liveCluster) releases() []string {
	c.t.Helper()
	all, err := storage.Init(driver.NewSecrets(c.client.CoreV1().Secrets(""))).ListReleases()
	if err != nil {
		c.t.Fatal(err)
	}
	newest := map[string]*release.Release{}
	for _, r := range all {
		if old := newest[r.Namespace+"/"+r.Name]; old == nil || old.Version < r.Version {
			newest[r.Namespace+"/"+r.Name] = r
		}
	}
	var out []string
	for name, r := range newest {
		out = append(out, fmt.Sprintf("%s %s %s revision %d %s", name, r.Chart.Name(), r.Chart.Metadata.Version, r.Version, r.Info.Status))
	}
	slices.Sort(out)
	return out
}

func (c liveCluster) secret(namespace, name string) map[string]string {
	c.t.Helper()
	s, err := c.client.CoreV1().Secrets(namespace).Get(c.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	out := map[string]string{}
	for key, value := range s.Data {
		out[key] = string(value)
	}
	return out
}

// autoscaler is one in the columns of the page.
func (c liveCluster) autoscaler(name string) string {
	c.t.Helper()
	h, err := c.client.AutoscalingV2().HorizontalPodAutoscalers("ratingsapp").Get(c.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	now := "<unknown>"
	for _, m := range h.Status.CurrentMetrics {
		if m.Resource != nil && m.Resource.Current.AverageUtilization != nil {
			now = strconv.Itoa(int(*m.Resource.Current.AverageUtilization)) + "%"
		}
	}
	return fmt.Sprintf("%s/%s %s/%s cpu: %s/%d%% %d %d %d", h.Namespace, h.Name, h.Spec.ScaleTargetRef.Kind, h.Spec.ScaleTargetRef.Name,
		now, *h.Spec.Metrics[0].Resource.Target.AverageUtilization, *h.Spec.MinReplicas, h.Spec.MaxReplicas, h.Status.CurrentReplicas)
}

// scales asks for the autoscaler's own numbers.
func (c liveCluster) scales(name string) {
	c.t.Helper()
	h, err := c.client.AutoscalingV2().HorizontalPodAutoscalers("ratingsapp").Get(c.t.Context(), name, metav1.GetOptions{})
	if err != nil || h.Spec.MaxReplicas != 10 || len(h.Status.CurrentMetrics) != 1 || h.Status.CurrentMetrics[0].Resource == nil {
		c.t.Errorf("the autoscaler is %+v, %v", h.Status, err)
	}
}

var (
	releaseFact = regexp.MustCompile(`^(\S+) (\S+), revision (\d+)`)
	serviceFact = regexp.MustCompile(`^(\S+), ports ([\d, ]*), (\d+) endpoints(?:, external (\S+))?$`)
)

// bears compares what a run's page claims of workloads, Services and releases
// with the cluster. At least so many claims have to be there.
func (c liveCluster) bears(facts map[string]string, least int) {
	c.t.Helper()
	compared := 0
	for label, said := range facts {
		kind, name, _ := strings.Cut(label, " ")
		has := ""
		switch kind {
		case "Deployment", "StatefulSet", "DaemonSet":
			has = c.ready(kind, name)
		case "Service":
			m := serviceFact.FindStringSubmatch(said)
			if m == nil {
				c.t.Errorf("the page says of the Service %s: %s", name, said)
				continue
			}
			has = c.service(name)
		case "Release":
			m := releaseFact.FindStringSubmatch(said)
			if m == nil {
				continue // the monitoring's own words
			}
			said = fmt.Sprintf("%s %s revision %s deployed", m[1], m[2], m[3])
			for _, r := range c.releases() {
				if space, rest, _ := strings.Cut(r, " "); strings.HasSuffix(space, "/"+name) {
					has = rest
				}
			}
		default:
			continue
		}
		compared++
		if said != has {
			c.t.Errorf("the page says %s: %s; the cluster has %s", label, said, has)
		}
	}
	if compared < least {
		c.t.Errorf("the page claims too little to compare: %v", facts)
	}
}

func (c liveCluster) ready(kind, name string) string {
	c.t.Helper()
	ctx, field := c.t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + name}
	ready, want := int32(-1), int32(-1)
	switch kind {
	case "Deployment":
		if l, err := c.client.AppsV1().Deployments("").List(ctx, field); err == nil && len(l.Items) == 1 {
			ready, want = l.Items[0].Status.ReadyReplicas, *l.Items[0].Spec.Replicas
		}
	case "StatefulSet":
		if l, err := c.client.AppsV1().StatefulSets("").List(ctx, field); err == nil && len(l.Items) == 1 {
			ready, want = l.Items[0].Status.ReadyReplicas, *l.Items[0].Spec.Replicas
		}
	case "DaemonSet":
		if l, err := c.client.AppsV1().DaemonSets("").List(ctx, field); err == nil && len(l.Items) == 1 {
			ready, want = l.Items[0].Status.NumberReady, l.Items[0].Status.DesiredNumberScheduled
		}
	}
	return fmt.Sprintf("%d of %d ready", ready, want)
}

// service is a Service with the endpoints that are ready behind it.
func (c liveCluster) service(name string) string {
	c.t.Helper()
	ctx := c.t.Context()
	l, err := c.client.CoreV1().Services("").List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil || len(l.Items) != 1 {
		return fmt.Sprintf("%d Services, %v", len(l.Items), err)
	}
	s := l.Items[0]
	var ports []string
	for _, p := range s.Spec.Ports {
		ports = append(ports, strconv.Itoa(int(p.Port)))
	}
	out := fmt.Sprintf("%s, ports %s, %d endpoints", s.Spec.Type, strings.Join(ports, ", "), c.endpoints(s))
	if in := s.Status.LoadBalancer.Ingress; len(in) > 0 {
		out += ", external " + in[0].IP
	}
	return out
}

func (c liveCluster) endpoints(s corev1.Service) int {
	c.t.Helper()
	slices, err := c.client.DiscoveryV1().EndpointSlices(s.Namespace).List(c.t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=" + s.Name})
	if err != nil {
		c.t.Fatal(err)
	}
	n := 0
	for _, sl := range slices.Items {
		for _, e := range sl.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				n++
			}
		}
	}
	return n
}

// hasGrafana: Prometheus' chart is there with a password that a Secret has.
func (c liveCluster) hasGrafana() {
	c.t.Helper()
	grafana, err := c.client.AppsV1().Deployments("monitoring").Get(c.t.Context(), "monitoring-grafana", metav1.GetOptions{})
	if err != nil || grafana.Status.AvailableReplicas != 1 || grafana.Spec.Template.Spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Name != "hubwright-grafana" {
		c.t.Errorf("%+v, %v", grafana, err)
	}
}

// runsRatings asks the cluster whether the application is as it should be, with
// an address in its Ingress.
func (c liveCluster) runsRatings(mostRevisions int) {
	c.t.Helper()
	c.runsTiers(mostRevisions, "ingress", 3)
	ingresses, err := c.client.NetworkingV1().Ingresses("ratingsapp").List(c.t.Context(), metav1.ListOptions{})
	if err != nil || len(ingresses.Items) != 1 || len(ingresses.Items[0].Status.LoadBalancer.Ingress) != 1 || !strings.HasPrefix(ingresses.Items[0].Status.LoadBalancer.Ingress[0].IP, "127.") {
		c.t.Errorf("ingresses %+v, %v", ingresses.Items, err)
	}
}

// runsTiers wants one release of each kind, pods that are ready, endpoints
// behind every Service, and a disk.
func (c liveCluster) runsTiers(mostRevisions int, controller string, exposures int) {
	c.t.Helper()
	ctx := c.t.Context()
	for namespace, name := range map[string]string{"ratingsapp": "ratings", "ingress": controller, "kube-system": "azuredisk-csi-driver"} {
		all := c.history(namespace, name)
		if len(all) == 0 || len(all) > mostRevisions || all[len(all)-1].Info.Status != release.StatusDeployed {
			c.t.Errorf("release %s has %d revisions: %v", name, len(all), c.releases())
		}
	}
	for _, tier := range []string{"Deployment ratings-web", "Deployment ratings-api", "StatefulSet ratings-mongodb"} {
		kind, name, _ := strings.Cut(tier, " ")
		if ready, want, _ := strings.Cut(c.ready(kind, name), " of "); ready == "0" || !strings.HasPrefix(want, ready+" ") {
			c.t.Errorf("%s: %s of %s", tier, ready, want)
		}
	}
	services, err := c.client.CoreV1().Services("ratingsapp").List(ctx, metav1.ListOptions{})
	if err != nil || len(services.Items) != exposures {
		c.t.Errorf("%d services, %v", len(services.Items), err)
	}
	for _, s := range services.Items {
		if c.endpoints(s) == 0 {
			c.t.Errorf("nobody is behind the Service %s", s.Name)
		}
	}
	claims, err := c.client.CoreV1().PersistentVolumeClaims("ratingsapp").List(ctx, metav1.ListOptions{})
	if err != nil || len(claims.Items) != 1 || claims.Items[0].Status.Phase != "Bound" {
		c.t.Errorf("claims %+v, %v", claims.Items, err)
	}
}
