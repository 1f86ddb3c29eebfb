package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// agentsOnCluster runs agents as pods of the Site's own cluster while the server
// is killed, runs it again, and takes it all away. What there is is asked of the
// cluster itself and of Azure DevOps by REST.
func (s *stage) agentsOnCluster(at site, rnd *rand.Rand) {
	s.t.Helper()
	const namespace, name = "azure-agents", "inside"
	cluster, ctx := s.live("base-seattle").client, s.t.Context()
	answers := url.Values{"project": {"Platform"}, "where": {"cluster"}, "pool": {"Default"}, "agent": {name}, "image": {"registry.contoso.test/azure-agent:1"}}
	draft := s.walk("pipelines", at, answers)
	s.parse(s.get("/drafts/" + draft + "/pages/pods")).Find("a[download]").Each(func(i int, a *goquery.Selection) {
		if file := s.get(a.AttrOr("href", "")).body; !strings.Contains(file, []string{"FROM ", "./config.sh"}[i]) {
			s.t.Errorf("file %d to build the image from: %s", i, file)
		}
	})
	run := s.begin(draft)
	s.killDuring(run, rnd, 20)
	s.finish(run)
	if on := s.agents(); !slices.Equal(on, []string{"inside-0 online", "inside-1 online"}) {
		s.t.Errorf("Azure DevOps has %v", on)
	}
	set, err := cluster.AppsV1().StatefulSets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil || set.Status.ReadyReplicas != 2 || set.Spec.Template.Spec.Containers[0].Image != "registry.contoso.test/azure-agent:1" {
		s.t.Fatalf("%+v, %v", set, err)
	}
	secret, err := cluster.CoreV1().Secrets(namespace).Get(ctx, name+"-credential", metav1.GetOptions{})
	if err != nil || string(secret.Data["token"]) != s.play.Seed().DevOps.Token {
		s.t.Errorf("the Secret: %v, %v", secret, err)
	}
	account, err := cluster.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil || account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
		s.t.Errorf("the service account: %+v, %v", account, err)
	}
	if _, err := cluster.NetworkingV1().NetworkPolicies(namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
		s.t.Error(err)
	}
	if b, err := cluster.PolicyV1().PodDisruptionBudgets(namespace).Get(ctx, name, metav1.GetOptions{}); err != nil || b.Status.DisruptionsAllowed != 1 {
		s.t.Errorf("the budget: %+v, %v", b, err)
	}

	again := s.begin(s.walk("pipelines", at, answers))
	s.finish(again)
	s.shows(again, "nothing was changed")
	if now, err := cluster.AppsV1().StatefulSets(namespace).Get(ctx, name, metav1.GetOptions{}); err != nil || now.Generation != set.Generation {
		s.t.Errorf("the second run changed the agents: %v", err)
	}
	for _, id := range []string{run, again} {
		if strings.Contains(s.get("/runs/"+id+"/log.txt").body, s.play.Seed().DevOps.Token) {
			s.t.Error("the log tells the token")
		}
	}

	s.takeAway(at, nil)
	if left := s.agents(); len(left) != 0 {
		s.t.Errorf("Azure DevOps has %v", left)
	}
	_, err = cluster.AppsV1().StatefulSets(namespace).Get(ctx, name, metav1.GetOptions{})
	secrets, lerr := cluster.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{})
	pods, perr := cluster.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if !apierrors.IsNotFound(err) || lerr != nil || perr != nil || len(secrets.Items) != 0 || slices.ContainsFunc(pods.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp == nil }) {
		s.t.Errorf("left: %v, %+v, %+v", err, secrets, pods)
	}
}

// agents are the agents of the pool Default and how they are, as the REST of
// Azure DevOps tells of them.
func (s *stage) agents() []string {
	s.t.Helper()
	seed := s.play.Seed()
	proxy, err := url.Parse(seed.Proxy)
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(seed.PublicCA))
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, seed.DevOps.Organization+"/_apis/distributedtask/pools/1/agents", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth("", seed.DevOps.Token)
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct {
		Value []struct{ Name, Status string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s, %v", resp.Status, err)
	}
	var out []string
	for _, a := range got.Value {
		out = append(out, a.Name+" "+a.Status)
	}
	slices.Sort(out)
	return out
}
