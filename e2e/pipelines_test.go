package e2e

import (
	"cmp"
	"encoding/base64"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	authzv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"hubwright/internal/sandbox/devops"
	"hubwright/internal/sandbox/faults"
)

// TestPipelines connects Azure DevOps to a cluster, with an agent on the helper
// VM, again, and takes it all away, while the server is killed at seeded
// moments. What Azure DevOps holds is tried on the cluster itself.
func TestPipelines(t *testing.T) {
	t.Parallel()
	s := newStage(t, 200)
	seattle := s.sites()["Seattle"]
	s.finish(s.begin(s.walk("helper-vm", seattle, nil)))
	s.finish(s.begin(s.walk("cluster", seattle, url.Values{"masters": {"1"}, "pools.0.count": {"1"}})))
	s.checkConnection()
	answers := url.Values{"project": {"Ratings"}, "pool": {"Default"}, "share": {"Platform"}, "grant": {"yes"}}
	run := s.begin(s.walk("pipelines", seattle, answers))
	rnd := rand.New(rand.NewPCG(0, 11))
	s.killDuring(run, rnd, 14)
	s.finish(run)
	s.shows(run, "Pipelines of Ratings can deploy to Seattle", "shared with Platform", "seattle-agent", "azure-pipelines.yml")

	held := s.connected("Ratings Platform", "seattle-agent")
	pipeline := s.as(held[0].Parameters)
	if !may(t, pipeline, "create", "apps", "deployments", "ratings") || may(t, pipeline, "list", "", "nodes", "") || may(t, pipeline, "get", "", "secrets", "kube-system") {
		t.Error("the pipeline's account may not do what it should, or more")
	}

	again := s.begin(s.walk("pipelines", seattle, answers))
	s.finish(again)
	s.shows(again, "nothing was changed")
	if now := s.play.DevOps().Held(); len(now) != 1 || now[0].ID != held[0].ID || now[0].Parameters["apiToken"] != held[0].Parameters["apiToken"] {
		t.Errorf("the second run changed %+v", now)
	}
	for _, id := range []string{run, again} {
		token, _ := base64.StdEncoding.DecodeString(held[0].Parameters["apiToken"])
		if log := s.get("/runs/" + id + "/log.txt").body; strings.Contains(log, string(token)) || strings.Contains(log, s.play.Seed().DevOps.Token) {
			t.Error("the log tells a token")
		}
	}

	s.takeAway(seattle, rnd)
	// The API server remembers a token that it has seen for some seconds.
	eventually(t, time.Minute, "the token opens the cluster no more", func() bool {
		_, err := pipeline.CoreV1().Pods("ratings").List(t.Context(), metav1.ListOptions{})
		return apierrors.IsUnauthorized(err)
	})

	host := s.play.Seed().Stacks[1].Hosts[0]
	s.finish(s.begin(s.walk("pipelines", seattle, url.Values{"project": {"Platform"}, "where": {"host"}, "address": {host.Address}, "port": {strconv.Itoa(host.Port)},
		"user": {host.User}, "key": {host.PrivateKey}, "pool": {"Default"}, "agent": {"beside"}})))
	s.connected("Platform", "beside")
	s.takeAway(seattle, nil)
	s.agentsOnCluster(seattle, rnd)
	s.agentOnItsOwnVM(seattle, rnd)
	s.pipelinesCancelled(seattle, answers)
	s.monitorsThroughKills(seattle, killSeeds(t))
	s.monitoringCancelled(seattle)

	for seed := range killSeeds(t) - 1 {
		rnd := rand.New(rand.NewPCG(uint64(seed+1), 11))
		run := s.begin(s.walk("pipelines", seattle, answers))
		s.killDuring(run, rnd, 14)
		s.finish(run)
		s.connected("Ratings Platform", "seattle-agent")
		s.takeAway(seattle, rnd)
	}
}

// agentOnItsOwnVM has the agent on a VM that the run makes, while the server is
// killed, and takes both away.
func (s *stage) agentOnItsOwnVM(at site, rnd *rand.Rand) {
	s.t.Helper()
	const name = "alone-vm"
	run := s.begin(s.walk("pipelines", at, url.Values{"project": {"Platform"}, "where": {"own-vm"}, "pool": {"Default"}, "agent": {"alone"}, "vm": {name}, "group": {name}}))
	s.killDuring(run, rnd, 20)
	s.finish(run)
	s.connected("Platform", "alone")
	made := s.play.Resources("seattle", name)
	slices.Sort(made)
	want := []string{"Microsoft.Compute/disks alone-vm-osdisk", "Microsoft.Compute/virtualMachines alone-vm",
		"Microsoft.Network/networkInterfaces alone-vm-nic", "Microsoft.Network/networkSecurityGroups alone-vm-nsg", "Microsoft.Network/publicIPAddresses alone-vm-ip"}
	if !slices.Equal(made, want) {
		s.t.Errorf("the run made %v", made)
	}
	s.takeAway(at, nil)
	if left := s.play.Resources("seattle", name); len(left) > 0 {
		s.t.Errorf("the Hub still has %v", left)
	}
}

// killSeeds is how many disturbed runs HUBWRIGHT_KILL_SEEDS asks for, one when
// it is silent.
func killSeeds(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("HUBWRIGHT_KILL_SEEDS"), "1"))
	if err != nil || n < 1 {
		t.Fatalf("HUBWRIGHT_KILL_SEEDS: %d, %v", n, err)
	}
	return n
}

// killDuring kills the server a moment after one of the run's first lines, and
// starts it again.
func (w *world) killDuring(run string, rnd *rand.Rand, lines int) {
	w.t.Helper()
	at, more := rnd.IntN(lines), time.Duration(rnd.IntN(300))*time.Millisecond
	eventually(w.t, time.Minute, "the run has something to say", func() bool { return len(w.logLines(run)) > at || w.ended(run) })
	time.Sleep(more) // the seeded moment itself
	w.t.Logf("killed %s after line %d", more, at)
	w.server.end(os.Kill)
	w.startServer()
}

// connected sees one service connection and one agent.
func (s *stage) connected(projects, agent string) []devops.Held {
	s.t.Helper()
	held := s.play.DevOps().Held()
	if len(held) != 1 || held[0].Name != "kubernetes-seattle" || strings.Join(held[0].Projects, " ") != projects {
		s.t.Fatalf("Azure DevOps holds %+v", held)
	}
	if on := s.play.DevOps().Online(); len(on) != 1 || on[0] != agent {
		s.t.Errorf("online: %v", on)
	}
	return held
}

// checkConnection tests the Connection, with its token expired and then well.
func (s *stage) checkConnection() {
	s.t.Helper()
	path := s.parse(s.get("/connections")).Find(`main a[href^="/connections/con_"]:contains("DevOps")`).AttrOr("href", "")
	rule, _ := faults.Preset("pat-expired", "")
	id, err := s.play.Faults().Add(rule)
	if err != nil {
		s.t.Fatal(err)
	}
	if page := text(s.parse(s.post(path+"/test", nil))); !strings.Contains(page, "login page") || !strings.Contains(page, "Make a new personal access token") {
		s.t.Errorf("with an expired token the test says: %s", page)
	}
	s.play.Faults().Lift(id)
	if page := text(s.parse(s.post(path+"/test", nil))); !strings.Contains(page, "It sees these projects: Ratings, Platform.") {
		s.t.Errorf("the test says: %s", page)
	}
}

// takeAway undoes what the runs made, and looks whether it is gone. With rnd the
// server is killed meanwhile.
func (s *stage) takeAway(at site, rnd *rand.Rand) {
	s.t.Helper()
	run := s.begin(s.walk("pipelines", at, url.Values{"task": {"remove"}}))
	if rnd != nil {
		s.killDuring(run, rnd, 4)
	}
	s.finish(run)
	if board := text(s.parse(s.get("/deployments/" + at.deployment))); !strings.Contains(board, "Removed") {
		s.t.Errorf("the guide does not say that it was taken away: %s", board)
	}
	if left, agents := s.play.DevOps().Held(), s.play.DevOps().Agents(); len(left) != 0 || len(agents) != 0 {
		s.t.Errorf("left: %+v, agents %v", left, agents)
	}
}

// as is the cluster with what a service connection holds.
func (s *stage) as(parameters map[string]string) *kubernetes.Clientset {
	s.t.Helper()
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(s.kubeconfig("base-seattle")))
	if err != nil {
		s.t.Fatal(err)
	}
	token, err := base64.StdEncoding.DecodeString(parameters["apiToken"])
	if err != nil {
		s.t.Fatal(err)
	}
	ca, err := base64.StdEncoding.DecodeString(parameters["serviceAccountCertificate"])
	if err != nil {
		s.t.Fatal(err)
	}
	mine := &rest.Config{Host: cfg.Host, Proxy: cfg.Proxy, BearerToken: string(token), TLSClientConfig: rest.TLSClientConfig{CAData: ca}, Timeout: 20 * time.Second}
	client, err := kubernetes.NewForConfig(mine)
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

func may(t *testing.T, c *kubernetes.Clientset, verb, group, resource, namespace string) bool {
	t.Helper()
	review, err := c.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authzv1.SelfSubjectAccessReview{
		Spec: authzv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authzv1.ResourceAttributes{Verb: verb, Group: group, Resource: resource, Namespace: namespace}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}
