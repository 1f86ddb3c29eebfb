package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const agentRelease = "azmon-containers-release-1"

// monitorsThroughKills puts Azure Monitor's agent on the cluster and takes it
// away, once for each seed, while the server is killed at seeded moments. There
// is one workspace and one release, and then no release.
func (s *stage) monitorsThroughKills(at site, seeds int) {
	s.t.Helper()
	for seed := range seeds {
		rnd := rand.New(rand.NewPCG(uint64(seed), 13))
		run := s.begin(s.walk("monitoring", at, url.Values{"method": {"helm"}, "cluster": {fmt.Sprint("ratings-", seed)}}))
		s.killDuring(run, rnd, 16)
		s.finish(run)
		// A revision that was cut off stays in Helm's history of the one release.
		if got := slices.DeleteFunc(s.releases(agentRelease), func(state string) bool { return state == "failed" || state == "superseded" }); len(got) != 1 || got[0] != "deployed" {
			s.t.Errorf("the release's revisions: %v", s.releases(agentRelease))
		}
		if got := s.play.Analytics().Workspaces(); len(got) != 1 {
			s.t.Errorf("workspaces: %v", got)
		}
		run = s.begin(s.walk("monitoring", at, url.Values{"method": {"remove"}}))
		s.killDuring(run, rnd, 3)
		s.finish(run)
		s.noRelease()
	}
}

// releases are the states of a release's revisions, as Helm's own SDK reads them.
func (s *stage) releases(name string) []string {
	s.t.Helper()
	var out []string
	all, err := storage.Init(driver.NewSecrets(s.live("base-seattle").client.CoreV1().Secrets("kube-system"))).ListReleases()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range all {
		if r.Name == name {
			out = append(out, string(r.Info.Status))
		}
	}
	return out
}

func (s *stage) noRelease() {
	s.t.Helper()
	if got := s.releases(agentRelease); len(got) != 0 {
		s.t.Errorf("the release is there: %v", got)
	}
	sets, err := s.live("base-seattle").client.AppsV1().DaemonSets("kube-system").List(s.t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=ama-logs"})
	if err != nil || len(sets.Items) != 0 {
		s.t.Errorf("%d agents, %v", len(sets.Items), err)
	}
}

// cancelled starts a run and cancels it after one of its first lines. It
// answers what its page says that is left, by label; nil when the run was
// faster than the cancel.
func (s *stage) cancelled(workflow string, at site, answers url.Values, line int) (run string, left map[string]string) {
	s.t.Helper()
	run = s.begin(s.walk(workflow, at, answers))
	eventually(s.t, time.Minute, "the run has something to say", func() bool { return len(s.logLines(run)) > line || s.ended(run) })
	s.post("/runs/"+run+"/cancel", nil)
	eventually(s.t, 2*time.Minute, "the run ends", func() bool { return s.ended(run) })
	page := s.parse(s.get("/runs/" + run))
	switch state := page.Find("#run-panel").AttrOr("data-status", ""); state {
	case "cancelled":
	case "succeeded":
		s.t.Logf("it was over before the cancel after line %d", line)
		return run, nil
	default:
		s.t.Fatalf("the run is %s: %s", state, text(page))
	}
	left = map[string]string{}
	terms, values := page.Find(`section[aria-labelledby="left-title"] dt`), page.Find(`section[aria-labelledby="left-title"] dd`)
	for i := range terms.Nodes {
		left[strings.TrimSpace(terms.Eq(i).Text())] = strings.TrimSpace(values.Eq(i).Text())
	}
	s.t.Logf("cancelled after line %d: %v", line, left)
	return run, left
}

// undo presses the button that the page of a cancelled run offers, and follows
// the run that it leads to.
func (s *stage) undo(run, workflow string) {
	s.t.Helper()
	form := s.parse(s.get("/runs/" + run)).Find(`section[aria-labelledby="left-title"] form`)
	if form.Length() != 1 {
		s.t.Fatalf("the page of the cancelled run offers %d ways", form.Length())
	}
	a := s.post("/drafts", fields(form))
	if a.status != http.StatusOK {
		s.t.Fatalf("it leads to %d at %s", a.status, a.path)
	}
	s.finish(s.begin(s.onward(a, workflow, nil)))
}

// monitoringCancelled cancels at several moments, and compares what the page
// says with Log Analytics and the cluster.
func (s *stage) monitoringCancelled(at site) {
	s.t.Helper()
	cancelled := 0
	for _, line := range []int{0, 4, 8} {
		run, left := s.cancelled("monitoring", at, url.Values{"method": {"helm"}, "cluster": {fmt.Sprint("cancelled-", line)}}, line)
		if left == nil {
			s.finish(s.begin(s.walk("monitoring", at, url.Values{"method": {"remove"}})))
			continue
		}
		cancelled++
		if _, told := left["Workspace"]; told != (len(s.play.Analytics().Workspaces()) == 1) {
			s.t.Errorf("it says %v, and there are the workspaces %v", left, s.play.Analytics().Workspaces())
		}
		_, told := left["Helm release"]
		if there := len(s.releases(agentRelease)) > 0; told != there {
			s.t.Errorf("it says %v, and Helm has %v", left, s.releases(agentRelease))
		}
		if told {
			s.undo(run, "monitoring")
		}
		s.noRelease()
	}
	if cancelled < 2 {
		s.t.Errorf("%d runs were cancelled: the test proves little", cancelled)
	}
}

// pipelinesCancelled cancels at several moments, and compares what the page
// says with Azure DevOps and the cluster.
func (s *stage) pipelinesCancelled(at site, answers url.Values) {
	s.t.Helper()
	cancelled := 0
	for _, line := range []int{0, 3, 10} {
		run, left := s.cancelled("pipelines", at, answers, line)
		if left == nil {
			s.takeAway(at, nil)
			continue
		}
		cancelled++
		accounts, err := s.live("base-seattle").client.CoreV1().ServiceAccounts("ratings").List(s.t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=azure-pipelines"})
		if err != nil {
			s.t.Fatal(err)
		}
		there := map[string]bool{"Service connection": len(s.play.DevOps().Held()) > 0, "Agent": len(s.play.DevOps().Agents()) > 0, "Service account": len(accounts.Items) > 0}
		for label, is := range there {
			if value, told := left[label]; told != is && !strings.Contains(value, ", if ") {
				s.t.Errorf("it says %v, and there is: %v", left, there)
			}
		}
		if len(left) > 0 {
			s.undo(run, "pipelines")
		}
		if left := s.play.DevOps().Agents(); len(left) > 0 || len(s.play.DevOps().Held()) > 0 {
			s.t.Errorf("after what it offers: %v, %+v", left, s.play.DevOps().Held())
		}
	}
	if cancelled < 2 {
		s.t.Errorf("%d runs were cancelled: the test proves little", cancelled)
	}
}
