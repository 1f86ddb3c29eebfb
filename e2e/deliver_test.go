package e2e

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ratingsName is the one name that users have for both Sites.
const ratingsName = "ratings-tmep.trafficmanager.net"

// TestDeliver goes by clicking from two connected clusters to both running the
// application with monitoring and autoscaling: Prometheus and an Ingress on one,
// Log Analytics and the Gateway API on the other. What the pages claim is compared with what client-go and Helm's
// own SDK find on the clusters.
func TestDeliver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "200")
	w.setUp()
	sites := w.sites()
	both := []string{"Seattle", "Orlando"}
	w.onBoth("helper-vm", nil)
	w.onBoth("cluster", url.Values{"masters": {"1"}, "pools.0.count": {"2"}})
	w.onBoth("connect", nil)
	clusters := map[string]liveCluster{"Seattle": w.live("ratings-seattle"), "Orlando": w.live("ratings-orlando")}
	b := w.browser()
	b.logIn()

	runs := b.onBoth(sites, "monitoring", map[string]answers{
		"Seattle": {"method": {"method": "prometheus"}, "chart": {"source": "repository"}}, "Orlando": {"method": {"method": "helm"}},
	})
	b.follow(runs["Seattle"])
	b.says("kube-prometheus-stack", "objects are ready")
	clusters["Seattle"].hasGrafana()
	b.follow(runs["Orlando"])
	b.says("Data of 3 nodes of", "Retired")
	clusters["Orlando"].bears(b.facts(), 1)

	byGateway := answers{"ingress": {"ingress": "gateway"}, "app": {"host": ratingsName, "tls": "self"}}
	runs = b.onBoth(sites, "app", map[string]answers{"Seattle": {"app": {"host": ratingsName, "web": "1"}}, "Orlando": byGateway})
	doing := b.watchDoing() // Orlando's page is open
	b.succeeded()
	if said := doing(); !objectWaited.MatchString(said) {
		t.Errorf("while Helm waited the step told of no object:\n%s", said)
	}
	for _, name := range both {
		b.follow(runs[name])
		b.says("answers on " + name + " with 200")
		clusters[name].bears(b.facts(), 10)
	}
	b.says("Gateway ratings class nginx, set up by gateway.nginx.org/", "HTTPS on port 443 for "+ratingsName+", 1 route")
	clusters["Seattle"].runsRatings(1)
	clusters["Orlando"].runsRatingsByGateway(1, ratingsName)

	scaling := b.order("autoscale", sites["Seattle"], answers{"load": {"test": "yes"}})
	seen := b.watchReplicas()
	b.succeeded()
	seen.went(t)
	b.says("scales from 1 to 10", "requests answered")
	b.order("autoscale", sites["Orlando"], nil)
	b.succeeded()
	for _, name := range both {
		b.cluster(name)
		b.showsReleases(clusters[name])
		b.showsAutoscaler(clusters[name], "ratings-web")
	}

	w.changesNothing(b, sites, byGateway)
	clusters["Seattle"].runsRatings(1)
	clusters["Orlando"].runsRatingsByGateway(1, ratingsName)
	for _, name := range both {
		clusters[name].scales("ratings-web")
	}
	w.deliverySecretsStayIn(clusters, append(w.runsOf("app"), append(w.runsOf("monitoring"), scaling)...))

	w.finish(w.begin(w.walk("monitoring", sites["Orlando"], url.Values{"method": {"remove"}})))
	b.cluster("Orlando")
	b.click(`form[action="/drafts"]:has(input[name="workflow"][value="app-remove"]) button`)
	b.goThrough(answers{"what": {"ingress": "yes"}})
	b.succeeded()
	b.says("The application is removed from Orlando.", "Autoscaler ratingsapp/ratings-web", "What stays")
	if left := clusters["Orlando"].releaseNames(); !slices.Equal(left, []string{"kube-system/azuredisk-csi-driver"}) {
		t.Errorf("Orlando still has the releases %v", left)
	}
	clusters["Orlando"].hasNoGateway()
	if left, err := clusters["Orlando"].client.AppsV1().DaemonSets("kube-system").List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=ama-logs"}); err != nil || len(left.Items) > 0 {
		t.Errorf("%d daemon sets, %v", len(left.Items), err)
	}
	b.open(w.url("/"))
	if board := b.text(); strings.Count(board, "Removed") != 3 || strings.Count(board, "with Deploy the application on") != 1 {
		t.Errorf("the board does not say that monitoring, application and autoscaler are removed, and once that there is a draft:\n%s", board)
	}
}

// changesNothing starts each workflow once more: none changes anything, and
// each says so.
func (w *world) changesNothing(b *tab, sites map[string]site, byGateway answers) {
	w.t.Helper()
	for _, again := range []struct {
		workflow, site string
		answers        answers
		says           []string
	}{
		{"app", "Seattle", answers{"app": {"host": ratingsName, "web": "1"}}, []string{"Release ratings", "nothing to change"}},
		{"app", "Orlando", byGateway, []string{"Release gateway", "nothing to change"}},
		{"autoscale", "Orlando", nil, []string{"It was so already: nothing to change"}},
		{"monitoring", "Orlando", answers{"method": {"method": "helm"}}, []string{"Nothing had to be changed"}},
	} {
		b.order(again.workflow, sites[again.site], again.answers)
		b.succeeded()
		b.says(again.says...)
	}
}

// deliverySecretsStayIn looks for what the charts and workspaces know as
// secrets in all that the runs show and all that the server keeps.
func (w *world) deliverySecretsStayIn(clusters map[string]liveCluster, runs []string) {
	w.t.Helper()
	secrets := map[string]string{}
	for name, c := range clusters {
		for key, value := range c.secret("ratingsapp", "ratings-mongodb") {
			secrets[name+"'s database "+key] = value
		}
	}
	secrets["the workspace's key"] = clusters["Orlando"].secret("kube-system", "ama-logs-secret")["KEY"]
	secrets["Grafana's password"] = clusters["Seattle"].secret("monitoring", "hubwright-grafana")["admin-password"]
	for name, value := range secrets {
		if len(value) < 12 {
			delete(secrets, name)
		}
	}
	if len(secrets) < 6 {
		w.t.Errorf("only %d secrets are looked for", len(secrets))
	}
	// The review of a change shows a diff against the release, which has them.
	draft := w.walk("app", w.sites()["Seattle"], url.Values{"host": {ratingsName}, "tls": {"self"}})
	w.settled(draft)
	pages := map[string]answer{}
	paths := []string{"/", "/drafts/" + draft + "/review", w.clusterPath("ratings-seattle"), w.clusterPath("ratings-orlando")}
	for _, run := range runs {
		paths = append(paths, "/runs/"+run, "/runs/"+run+"/log.txt", "/runs/"+run+"/dossier")
	}
	for _, path := range paths {
		pages[path] = w.get(path)
	}
	if diff := pages[paths[1]].body; !strings.Contains(diff, "(secret)") || !strings.Contains(diff, "kubernetes.io/tls") {
		w.t.Errorf("the review has no diff with a masked Secret: %s", text(w.parse(pages[paths[1]])))
	}
	w.checkNoLeaks(secrets, pages, "")
}
