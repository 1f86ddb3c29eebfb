package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hubwright/workflows"
)

func TestStackRoundTrip(t *testing.T) {
	d, c := openWithClock(t)
	s := workflows.Stack{
		Name: "Seattle", ARMEndpoint: "https://management.seattle.azurestack.test", PortalURL: "https://portal", Region: "seattle",
		Metadata: workflows.HubMetadata{Identity: workflows.IdentityADFS, Audience: "a", TenantID: "adfs"},
		TenantID: "adfs", SubscriptionID: "sub", CABundle: "PEM", HTTPSProxy: "http://127.0.0.1:18080", AirGapped: true,
		Credential: workflows.Credential{Method: workflows.AuthSecret, ClientID: "id", Secret: "sec_1"}, CreatedBy: "ana",
	}
	ok(t, d.SaveStack(t.Context(), &s))
	if !strings.HasPrefix(s.ID, "stk_") || s.Version != 1 || !s.CreatedAt.Equal(c.Now()) {
		t.Fatalf("saved as %+v", s)
	}
	got(t, s)(d.Stack(t.Context(), s.ID))

	s.Name, s.AirGapped = "Seattle 2", false
	ok(t, d.SaveStack(t.Context(), &s))
	got(t, s)(d.Stack(t.Context(), s.ID))
	if s.Version != 2 {
		t.Fatalf("version %d", s.Version)
	}

	other := workflows.Stack{Name: "Orlando"}
	ok(t, d.SaveStack(t.Context(), &other))
	got(t, []workflows.Stack{other, s})(d.Stacks(t.Context()))
}

func TestStackRefusals(t *testing.T) {
	d := open(t)
	s := workflows.Stack{Name: "Seattle"}
	ok(t, d.SaveStack(t.Context(), &s))
	old := s
	ok(t, d.SaveStack(t.Context(), &s))

	for name, tc := range map[string]struct {
		save workflows.Stack
		want error
	}{
		"old version":  {old, workflows.ErrStale},
		"id is taken":  {workflows.Stack{ID: s.ID, Name: "x"}, workflows.ErrStale},
		"unknown id":   {workflows.Stack{ID: "stk_none", Name: "y", Version: 3}, workflows.ErrNotFound},
		"name is used": {workflows.Stack{Name: "SEATTLE"}, workflows.FieldError{Field: "name", Message: "There is a Stack named SEATTLE already. Choose another name."}},
	} {
		before := tc.save
		if err := d.SaveStack(t.Context(), &tc.save); !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", name, err, tc.want)
		}
		if tc.save != before {
			t.Errorf("%s: the value was changed", name)
		}
	}
	fails[workflows.Stack](t, workflows.ErrNotFound)(d.Stack(t.Context(), "stk_none"))
}

// site makes a Deployment with a Site.
func site(t testing.TB, d *DB) workflows.Site {
	t.Helper()
	k := workflows.Stack{Name: NewID("Stack")}
	ok(t, d.SaveStack(t.Context(), &k))
	p := workflows.Deployment{Name: NewID("Ratings"), CreatedBy: "ana"}
	ok(t, d.SaveDeployment(t.Context(), &p))
	s := workflows.Site{DeploymentID: p.ID, StackID: k.ID, Name: "Seattle", Position: 1}
	ok(t, d.SaveSite(t.Context(), &s))
	return s
}

func TestDeploymentAndSites(t *testing.T) {
	d := open(t)
	s := site(t, d)
	p, err := d.Deployment(t.Context(), s.DeploymentID)
	ok(t, err)
	old := p
	p.Name = "Ratings of all"
	ok(t, d.SaveDeployment(t.Context(), &p))
	got(t, []workflows.Deployment{p})(d.Deployments(t.Context()))
	if err := d.SaveDeployment(t.Context(), &old); !errors.Is(err, workflows.ErrStale) {
		t.Errorf("stale save: %v", err)
	}

	first := workflows.Site{DeploymentID: p.ID, StackID: s.StackID, Name: "Orlando", Position: 0}
	ok(t, d.SaveSite(t.Context(), &first))
	got(t, []workflows.Site{first, s})(d.Sites(t.Context(), p.ID))
	first.Position = 5
	ok(t, d.SaveSite(t.Context(), &first))
	got(t, []workflows.Site{s, first})(d.Sites(t.Context(), p.ID))
	got(t, first)(d.Site(t.Context(), first.ID))

	var fe workflows.FieldError
	if err := d.SaveSite(t.Context(), &workflows.Site{DeploymentID: p.ID, StackID: s.StackID, Name: "orlando"}); !errors.As(err, &fe) || fe.Field != "name" {
		t.Errorf("a second Orlando: %v", err)
	}
	if err := d.SaveSite(t.Context(), &workflows.Site{DeploymentID: p.ID, StackID: "stk_none", Name: "x"}); err == nil {
		t.Error("a Site on a Stack that is not there was saved")
	}
}

func TestHelperVMIsOneASite(t *testing.T) {
	d, c := openWithClock(t)
	s := site(t, d)
	fails[workflows.HelperVM](t, workflows.ErrNotFound)(d.HelperVM(t.Context(), s.ID))
	h := workflows.HelperVM{SiteID: s.ID, Address: "127.0.0.5", Port: 22, User: "azureuser", PrivateKey: "sec_1", HostKey: "ssh-rsa A",
		ViaProxy: true, OS: "Ubuntu", EngineVersion: "v0.85.0", Kubernetes: []workflows.KubernetesVersion{{Version: "1.33.10", Default: true, Upgrades: []string{"1.34.4"}}}}
	ok(t, d.SaveHelperVM(t.Context(), &h))
	got(t, h)(d.HelperVM(t.Context(), s.ID))
	c.Add(time.Hour)
	next := workflows.HelperVM{SiteID: s.ID, Existing: true, Address: "127.0.0.6"}
	ok(t, d.SaveHelperVM(t.Context(), &next))
	if next.ID != h.ID || !next.UpdatedAt.Equal(c.Now()) {
		t.Errorf("second helper VM is %+v", next)
	}
	got(t, next)(d.HelperVM(t.Context(), s.ID))
}

func TestClusterSavedTwiceIsOne(t *testing.T) {
	d, clk := openWithClock(t)
	s := site(t, d)
	c := workflows.Cluster{SiteID: s.ID, Name: "ratings-sea", NameSuffix: "12345678", MasterCount: 3, CreatedBy: "ana",
		Pools: []workflows.NodePool{{Name: "linuxpool", Count: 3, Size: "Standard_D2_v2"}}, Kubeconfig: "sec_k", ViaHelper: true}
	ok(t, d.SaveCluster(t.Context(), &c))
	clk.Add(time.Minute)
	again := workflows.Cluster{SiteID: s.ID, Name: "ratings-sea", Version: "1.33.10", CreatedBy: "bob"}
	ok(t, d.SaveCluster(t.Context(), &again))
	if again.ID != c.ID || again.CreatedBy != "ana" || !again.CreatedAt.Equal(c.CreatedAt) {
		t.Errorf("saved again: %+v", again)
	}
	got(t, again)(d.Cluster(t.Context(), c.ID))
	newer := workflows.Cluster{SiteID: s.ID, Name: "ratings-sea2"}
	ok(t, d.SaveCluster(t.Context(), &newer))
	got(t, newer)(d.ClusterOfSite(t.Context(), s.ID))
	got(t, []workflows.Cluster{again, newer})(d.Clusters(t.Context()))
}

func TestAPIModelVersions(t *testing.T) {
	d := open(t)
	c := workflows.Cluster{SiteID: site(t, d).ID, Name: "c"}
	ok(t, d.SaveCluster(t.Context(), &c))
	save := func(sha, doc string) workflows.APIModel {
		m := workflows.APIModel{ClusterID: c.ID, SHA256: sha, Size: 10, Document: workflows.SecretRef(doc), RunID: "run_1"}
		ok(t, d.SaveAPIModel(t.Context(), &m))
		return m
	}
	one, same, two, back := save("a", "sec_1"), save("a", "sec_2"), save("b", "sec_3"), save("a", "sec_4")
	if one != same || one.Version != 1 || two.Version != 2 || back.Version != 3 {
		t.Errorf("versions %+v %+v %+v %+v", one, same, two, back)
	}
	got(t, []workflows.APIModel{back, two, one})(d.APIModels(t.Context(), c.ID))
	got(t, two)(d.APIModel(t.Context(), c.ID, 2))
	fails[workflows.APIModel](t, workflows.ErrNotFound)(d.APIModel(t.Context(), c.ID, 4))
}

func TestDrafts(t *testing.T) {
	d, c := openWithClock(t)
	target := workflows.Target{DeploymentID: "dep_1", SiteID: "site_1", StackID: "stk_1"}
	f := workflows.Draft{WorkflowID: "cluster", Target: target, Answers: workflows.Answers{"pools.0.name": "ü\"x"}, CreatedBy: "ana", UpdatedBy: "ana"}
	ok(t, d.SaveDraft(t.Context(), &f))
	c.Add(time.Minute)
	other := workflows.Draft{WorkflowID: "helpervm", Target: workflows.Target{DeploymentID: "dep_1", SiteID: "site_2", StackID: "stk_2"}, Answers: workflows.Answers{}}
	ok(t, d.SaveDraft(t.Context(), &other))

	old := f
	f.Answers = workflows.Answers{"a": "b"}
	ok(t, d.SaveDraft(t.Context(), &f))
	if err := d.SaveDraft(t.Context(), &old); !errors.Is(err, workflows.ErrStale) {
		t.Errorf("stale save: %v", err)
	}
	got(t, f)(d.Draft(t.Context(), f.ID))
	got(t, []workflows.Draft{f})(d.Drafts(t.Context(), target))
	c.Add(time.Minute)
	ok(t, d.SaveDraft(t.Context(), &other))
	got(t, []workflows.Draft{other, f})(d.Drafts(t.Context(), workflows.Target{DeploymentID: "dep_1"}))

	ok(t, d.SaveCheckResult(t.Context(), other.ID, workflows.CheckResult{CheckID: "quota"}))
	ok(t, d.DeleteDraft(t.Context(), other.ID))
	got(t, []workflows.CheckResult(nil))(d.CheckResults(t.Context(), other.ID))
	if err := d.DeleteDraft(t.Context(), other.ID); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("deleting again: %v", err)
	}

	createRun(t, d, &workflows.Run{DraftID: f.ID})
	f.Version = 2
	for what, err := range map[string]error{"save": d.SaveDraft(t.Context(), &f), "delete": d.DeleteDraft(t.Context(), f.ID)} {
		if !errors.Is(err, workflows.ErrStale) {
			t.Errorf("%s of a draft that became a run: %v", what, err)
		}
	}
	got(t, []workflows.Draft(nil))(d.Drafts(t.Context(), workflows.Target{}))
}

func TestChecks(t *testing.T) {
	d, c := openWithClock(t)
	f := workflows.Draft{WorkflowID: "cluster"}
	ok(t, d.SaveDraft(t.Context(), &f))
	r := workflows.CheckResult{CheckID: "quota", Finding: workflows.Fail("3 cores free", "ask for more"), StartedAt: c.Now(), EndedAt: c.Now(), DraftVersion: 1}
	if err := d.WaiveCheck(t.Context(), f.ID, "quota", "ana", "known"); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("waiving what never ran: %v", err)
	}
	ok(t, d.SaveCheckResult(t.Context(), f.ID, r))
	ok(t, d.WaiveCheck(t.Context(), f.ID, "quota", "ana", "known"))
	waived := r
	waived.Status, waived.WaivedBy, waived.WaiverReason = workflows.CheckWaived, "ana", "known"
	got(t, []workflows.CheckResult{waived})(d.CheckResults(t.Context(), f.ID))

	r.Finding = workflows.Passed("enough")
	ok(t, d.SaveCheckResult(t.Context(), f.ID, r))
	got(t, []workflows.CheckResult{r})(d.CheckResults(t.Context(), f.ID))
	if err := d.WaiveCheck(t.Context(), f.ID, "quota", "ana", "known"); !errors.Is(err, workflows.ErrStale) {
		t.Errorf("waiving what passed: %v", err)
	}
}

func TestSecretsSettingsArchives(t *testing.T) {
	d, c := openWithClock(t)
	fails[[]byte](t, workflows.ErrNotFound)(d.GetSecret(t.Context(), "sec_1"))
	ok(t, d.PutSecret(t.Context(), "sec_1", "ssh", []byte{0, 1, 255}))
	got(t, []byte{0, 1, 255})(d.GetSecret(t.Context(), "sec_1"))
	ok(t, d.DeleteSecret(t.Context(), "sec_1"))
	fails[[]byte](t, workflows.ErrNotFound)(d.GetSecret(t.Context(), "sec_1"))

	fails[string](t, workflows.ErrNotFound)(d.Setting(t.Context(), "k"))
	ok(t, d.SetSetting(t.Context(), "k", "1"))
	ok(t, d.SetSetting(t.Context(), "k", "2"))
	got(t, "2")(d.Setting(t.Context(), "k"))

	a := Archive{Version: "v0.85.0", FileName: "e.tar.gz", SHA256: "ab", Size: 7, Path: "archives/x", AddedBy: "ana"}
	ok(t, d.SaveArchive(t.Context(), &a))
	c.Add(time.Second)
	b := Archive{Version: "v0.85.0", FileName: "e2.tar.gz"}
	ok(t, d.SaveArchive(t.Context(), &b))
	if b.ID != a.ID {
		t.Errorf("second archive of the version has id %s, the first %s", b.ID, a.ID)
	}
	got(t, []Archive{b})(d.Archives(t.Context()))
	got(t, b)(d.Archive(t.Context(), "v0.85.0"))
	fails[Archive](t, workflows.ErrNotFound)(d.Archive(t.Context(), "v0.1.0"))
	for range 2 {
		ok(t, d.DeleteArchive(t.Context(), "v0.85.0"))
	}
	fails[Archive](t, workflows.ErrNotFound)(d.Archive(t.Context(), "v0.85.0"))
}

func TestUsersAndSessions(t *testing.T) {
	d, c := openWithClock(t)
	got(t, 0)(d.UserCount(t.Context()))
	ana, bob := User{Name: "ana", Role: "admin", PasswordHash: "h"}, User{Name: "bob", Role: "viewer"}
	ok(t, d.SaveUser(t.Context(), &bob))
	ok(t, d.SaveUser(t.Context(), &ana))
	ana.Disabled = true
	ok(t, d.SaveUser(t.Context(), &ana))
	got(t, []User{ana, bob})(d.Users(t.Context()))
	got(t, ana)(d.User(t.Context(), "ana"))
	got(t, 2)(d.UserCount(t.Context()))
	fails[User](t, workflows.ErrNotFound)(d.User(t.Context(), "eve"))

	ends := c.Now().Add(time.Hour)
	for _, h := range []string{"h1", "h2"} {
		ok(t, d.PutSession(t.Context(), []byte(h), "ana", ends))
	}
	ok(t, d.PutSession(t.Context(), []byte("h3"), "bob", ends))
	ok(t, d.PutSession(t.Context(), []byte("h3"), "bob", ends.Add(time.Hour)))
	user, expires, err := d.Session(t.Context(), []byte("h3"))
	if err != nil || user != "bob" || !expires.Equal(ends.Add(time.Hour)) {
		t.Errorf("session of %s until %v: %v", user, expires, err)
	}
	gone := func(h string) {
		t.Helper()
		if _, _, err := d.Session(t.Context(), []byte(h)); !errors.Is(err, workflows.ErrNotFound) {
			t.Errorf("session %s: %v", h, err)
		}
	}
	ok(t, d.DeleteSession(t.Context(), []byte("h1")))
	gone("h1")
	ok(t, d.DeleteSessionsOf(t.Context(), "ana"))
	gone("h2")
	ok(t, d.DeleteExpiredSessions(t.Context(), ends.Add(time.Hour)))
	gone("h3")
}
