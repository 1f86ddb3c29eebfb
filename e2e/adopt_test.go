package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestAdopt takes clusters in that Hubwright did not deploy: one by the API
// model that AKS Engine left, which is then connected to and scaled from
// another machine; one by a kubeconfig alone, which can be connected to.
func TestAdopt(t *testing.T) {
	t.Parallel()
	s := newStage(t, 400)
	seattle := s.sites()["Seattle"]
	s.finish(s.begin(s.walk("helper-vm", seattle, nil)))
	s.finish(s.begin(s.walk("cluster", seattle, url.Values{"masters": {"1"}, "pools.0.count": {"1"}})))
	files, err := filepath.Glob(filepath.Join(s.dir, "sandbox", "machines", "*", "home", "*", ".hubwright", "clusters", "*", "output", "apimodel.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	model, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}

	again := s.newSite("Again", seattle)
	if board := text(s.parse(s.get("/deployments/" + again.deployment))); !strings.Contains(board, "It exists already") {
		t.Errorf("the board does not offer to adopt: %s", board)
	}
	run := s.begin(s.walk("adopt", again, url.Values{"by": {"model"}, "model": {string(model)}}))
	s.finish(run)
	s.shows(run, "base-seattle on Seattle is in Hubwright's care", "version 1 in custody")
	if strings.Contains(s.get("/runs/"+run+"/log.txt").body, "PRIVATE KEY") {
		t.Error("the log tells a key")
	}
	host := s.play.Seed().Stacks[1].Hosts[0]
	s.finish(s.begin(s.walk("helper-vm", again, url.Values{"kind": {"existing"}, "address": {host.Address}, "port": {strconv.Itoa(host.Port)}, "user": {host.User}, "key": {host.PrivateKey}})))
	s.finish(s.begin(s.walk("connect", again, nil)))
	s.finish(s.begin(s.walk("scale", again, url.Values{"count": {"2"}})))
	s.live("base-seattle").has("1.33.10", 1, 2, 0)

	bare := s.newSite("Bare", seattle)
	run = s.begin(s.walk("adopt", bare, url.Values{"by": {"kubeconfig"}, "kubeconfig": {s.kubeconfig("base-seattle")}, "name": {"bare"}}))
	s.finish(run)
	s.shows(run, "bare on Seattle is in Hubwright's care", "cannot upgrade")
	s.finish(s.begin(s.walk("connect", bare, nil)))
	if board := text(s.parse(s.get("/deployments/" + bare.deployment))); !strings.Contains(board, "Needs an API model") {
		t.Errorf("the board says: %s", board)
	}
}
