package pipelines

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
)

var answers = w.Answers{"project": "Ratings", "pool": "Default", "share": "Platform", "grant": "yes"}

func with(kv ...string) w.Answers {
	out := maps.Clone(answers)
	for i := 0; i < len(kv); i += 2 {
		out[kv[i]] = kv[i+1]
	}
	return out
}

func headline(x w.Execution) string { return x.Result().Headline }

// Each step runs twice, as after a crash, and there is one of everything.
func TestSetsUpOnce(t *testing.T) {
	b := newBed(t)
	b.unready = 2
	x := b.done(answers)
	if len(b.endpoints) != 1 || b.endpoints[0].Name != "kubernetes-seattle" || len(b.endpoints[0].Projects) != 2 || !b.granted || len(b.queues) != 1 {
		t.Errorf("%+v, granted %v, queues %v", b.endpoints, b.granted, b.queues)
	}
	if len(b.agents) != 1 || !b.agents[0].Online || b.jobs["azure-agent-seattle-agent-1"] != "running" || len(b.jobs) != 2 {
		t.Errorf("agents %+v, jobs %v", b.agents, b.jobs)
	}
	last := b.sent[len(b.sent)-1]
	if !strings.HasPrefix(last.Token, "jwt-") || string(last.CA) != "CA" || last.Kubeconfig != nil || last.Server != "https://ratings.seattle.test" || last.Project.ID != "p-1" {
		t.Errorf("sent %+v", last)
	}
	want := w.ServiceConnection{SiteID: "sit", ConnectionID: "con_1", EndpointID: "e-0", Name: "kubernetes-seattle", ProjectID: "p-1", Project: "Ratings", Shared: []string{"Platform"},
		Method: MethodAccount, Namespace: "ratings", Account: "azure-pipelines", Server: "https://ratings.seattle.test", ExpiresAt: b.row.ExpiresAt, Pool: "Default", PoolID: 1, Agent: "seattle-agent"}
	if diff := cmp.Diff(want, *b.row); diff != "" {
		t.Error(diff)
	}
	if d := b.row.ExpiresAt.Sub(today); d < 89*24*time.Hour || d > 91*24*time.Hour {
		t.Errorf("it ends in %s", d)
	}
	for _, script := range b.scripts {
		if strings.Contains(script, theToken) {
			t.Errorf("a script has the token: %s", script)
		}
	}
	if i := strings.Join(b.stdin, "|"); !strings.Contains(i, theToken+"\nROOTS") {
		t.Errorf("what config.sh got on standard input: %q", i)
	}
	if strings.Contains(b.log.text, theToken) || !strings.Contains(b.log.text, "runs without a service") {
		t.Errorf("the log:\n%s", b.log.text)
	}
	if headline(x) != "Pipelines of Ratings can deploy to Seattle." || len(x.Downloads()) != 1 {
		t.Errorf("%+v, %v", x.Result(), x.Downloads())
	}
	sample := string(b.kept[string(x.Downloads()[0].Ref)])
	for _, part := range []string{"HelmDeploy@1", "kubernetesServiceConnection: kubernetes-seattle", "name: Default", "namespace: ratings"} {
		if !strings.Contains(sample, part) {
			t.Errorf("no %q in\n%s", part, sample)
		}
	}
	if strings.Contains(sample, "vmImage") {
		t.Error("a pool of ours and a hosted machine exclude each other")
	}
}

func TestSecondRunChangesNothing(t *testing.T) {
	b := newBed(t)
	b.done(answers)
	sent, row, scripts := len(b.sent), *b.row, len(b.scripts)
	x := b.done(answers)
	if headline(x) != "Everything was as it should be: nothing was changed." {
		t.Errorf("%+v", x.Result())
	}
	if len(b.sent) != sent || len(b.endpoints) != 1 || len(b.queues) != 1 {
		t.Errorf("sent %d, endpoints %v", len(b.sent)-sent, b.endpoints)
	}
	if diff := cmp.Diff(row, *b.row); diff != "" {
		t.Error(diff)
	}
	for _, s := range b.scripts[scripts:] {
		if strings.Contains(s, "register.sh") || strings.Contains(s, "service.sh") {
			t.Errorf("it ran %s", s)
		}
	}
}

// A token that ends soon is replaced in the same service connection.
func TestRenewsInPlace(t *testing.T) {
	for name, c := range map[string]struct {
		later  time.Duration
		change func(b *bed) w.Answers
		renews bool
	}{
		"fresh":             {0, nil, false},
		"before the margin": {75 * 24 * time.Hour, nil, false},
		"ends soon":         {77 * 24 * time.Hour, nil, true},
		"has ended":         {100 * 24 * time.Hour, nil, true},
		"other account":     {0, func(*bed) w.Answers { return with("account", "deployer") }, true},
		"not ready":         {0, func(b *bed) w.Answers { b.endpoints[0].Ready = false; return answers }, true},
		"the kubeconfig":    {0, func(*bed) w.Answers { return with("method", MethodKubeconfig) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.done(answers)
			id, sent := b.endpoints[0].ID, len(b.sent)
			b.now = b.now.Add(c.later)
			a := answers
			if c.change != nil {
				a = c.change(b)
			}
			b.done(a)
			if len(b.endpoints) != 1 || b.endpoints[0].ID != id || b.row.EndpointID != id {
				t.Fatalf("%+v", b.endpoints)
			}
			if got := len(b.sent) > sent; got != c.renews {
				t.Errorf("renewed: %v", got)
			}
			if name == "the kubeconfig" && (!b.row.ExpiresAt.IsZero() || string(b.sent[len(b.sent)-1].Kubeconfig) == "" || b.sent[len(b.sent)-1].Token != "") {
				t.Errorf("sent %+v, ends %v", b.sent[len(b.sent)-1], b.row.ExpiresAt)
			}
		})
	}
}

func TestTakesItAllAway(t *testing.T) {
	b := newBed(t)
	b.done(answers)
	x := b.done(w.Answers{"task": TaskRemove})
	if len(b.endpoints) != 0 || len(b.agents) != 0 || b.row != nil || len(b.files) != 0 || b.jobs["azure-agent-seattle-agent-1"] != "exited" {
		t.Errorf("left: %v, %v, %v, %v, %v", b.endpoints, b.agents, b.row, b.files, b.jobs)
	}
	if b.deleted[0] != "ratings/azure-pipelines" || !strings.Contains(headline(x), "no way to Seattle") {
		t.Errorf("%v, %s", b.deleted, headline(x))
	}
}

func TestWhatGoesWrongIsSaid(t *testing.T) {
	problem := func(code string) error { return &w.Problem{Code: code, What: "x"} }
	for name, c := range map[string]struct {
		break_ func(b *bed)
		a      w.Answers
		code   string
	}{
		"token refused":         {func(b *bed) { b.fails["project"] = problem("devops.login") }, answers, "devops.login"},
		"project missing":       {func(b *bed) { b.projects = b.projects[1:] }, with("share", ""), "devops.project"},
		"other project missing": {func(b *bed) { b.projects = b.projects[:1] }, answers, "devops.project"},
		"name taken unseen":     {func(b *bed) { b.fails["create"] = problem("devops.duplicate") }, answers, "devops.duplicate"},
		"name taken by another kind": {func(b *bed) {
			b.endpoints = []Endpoint{{ID: "x", Name: "kubernetes-seattle", Type: "azurerm", Projects: []string{"p-1"}}}
		}, answers, "pipelines.taken"},
		"name taken by another cluster": {func(b *bed) {
			b.endpoints = []Endpoint{{ID: "x", Name: "kubernetes-seattle", Type: "kubernetes", URL: "https://other.test", Projects: []string{"p-1"}}}
		}, answers, "pipelines.taken"},
		"cannot deploy":   {func(b *bed) { b.denied = "secrets" }, answers, "pipelines.rights"},
		"never ready":     {func(b *bed) { b.unready = 1000 }, answers, "pipelines.notready"},
		"pool missing":    {func(b *bed) { b.pools = b.pools[1:] }, answers, "pipelines.pool"},
		"agent offline":   {func(b *bed) { b.deaf = true }, answers, "pipelines.offline"},
		"agent of others": {func(b *bed) { b.agents = []Agent{{ID: 3, Name: "seattle-agent", Online: true}} }, answers, "pipelines.agent"},
		"no package":      {func(b *bed) { b.fails["package"] = problem("devops.refused") }, answers, "devops.refused"},
		"may not register": {func(b *bed) {
			b.config = Output{ExitCode: 1, Stdout: "VS30063: You are not authorized to access https://dev.azure.com.\n"}
		}, answers, "pipelines.register"},
		"pool gone": {func(b *bed) { b.config = Output{ExitCode: 1, Stdout: "Agent pool not found: 'Default'\n"} }, answers, "pipelines.pool"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.con.Credential.Secret = "pat"
			c.break_(b)
			_, err := b.all(b.start(c.a))
			var p *w.Problem
			if !errors.As(err, &p) || p.Code != c.code {
				t.Fatalf("got %v", err)
			}
			if strings.HasPrefix(p.Code, "pipelines.") && (p.Why == "" || p.Fix == "") {
				t.Errorf("it does not say why and what to do: %+v", p)
			}
		})
	}
}

// An endpoint of that name to this very cluster, which another tool made, is
// taken over rather than doubled.
func TestTakesOver(t *testing.T) {
	b := newBed(t)
	b.endpoints = []Endpoint{{ID: "x", Name: "kubernetes-seattle", Type: "kubernetes", URL: "https://ratings.seattle.test:443/", Ready: true, Projects: []string{"p-1"}}}
	b.done(answers)
	if len(b.endpoints) != 1 || b.row.EndpointID != "x" || len(b.sent) == 0 {
		t.Errorf("%+v, %+v", b.endpoints, b.row)
	}
}

func TestServiceManagerIsUsed(t *testing.T) {
	b := newBed(t)
	b.systemd = true
	b.done(answers)
	if len(b.jobs) != 1 || !strings.Contains(b.log.text, "is a service of the helper VM") {
		t.Errorf("jobs %v\n%s", b.jobs, b.log.text)
	}
}

// An agent on another host: its key is pinned at the first contact, held to the
// fingerprint, and kept for the removal.
func TestAgentOnAnotherHost(t *testing.T) {
	b := newBed(t)
	b.kept["login"] = []byte("a private key")
	a := with("where", WhereHost, "address", "build01.test", "port", "2222", "user", "ci", "key", "login", "fingerprint", "SHA256:abc")
	b.done(a)
	want := w.HostLogin{Address: "build01.test", Port: 2222, User: "ci", PrivateKey: "login", HostKey: "ssh-ed25519 AAAA"}
	if diff := cmp.Diff(want, b.row.AgentHost); diff != "" || len(b.agents) != 1 {
		t.Errorf("%s, agents %v", diff, b.agents)
	}
	b.done(w.Answers{"task": TaskRemove})
	last := b.dialled[len(b.dialled)-1]
	if diff := cmp.Diff(Target{Host: "build01.test", Port: 2222, User: "ci", PrivateKey: []byte("a private key"), HostKey: "ssh-ed25519 AAAA"}, last); diff != "" || len(b.agents) != 0 {
		t.Errorf("%s, agents %v", diff, b.agents)
	}
	a["fingerprint"] = "SHA256:other"
	var p *w.Problem
	if _, err := b.all(b.start(a)); !errors.As(err, &p) || p.Code != "ssh.hostkey" {
		t.Errorf("another key than expected: %v", err)
	}
	for field, bad := range map[string]string{"address": "a b", "port": "0", "user": "", "key": "", "fingerprint": "md5"} {
		wrong := maps.Clone(a)
		wrong[field] = bad
		if errs := b.session(wrong).Errors(); len(errs) == 0 || errs[0].Field != field {
			t.Errorf("%s %q: %v", field, bad, errs)
		}
	}
}

// The three questions, and why the answer is what it is.
func TestWhereJobsRun(t *testing.T) {
	for name, c := range map[string]struct {
		a      w.Answers
		helper bool
		where  string // "" is refused
		reason string
	}{
		"not from the internet":    {with(), true, WhereVM, "because the Hub cannot be managed from the Internet"},
		"the Hub only":             {with("arm", "yes"), true, WhereVM, "because the cluster's API cannot be reached from the Internet"},
		"both":                     {with("arm", "yes", "api", "yes"), true, WhereHosted, "because the Hub and the cluster's API are reachable"},
		"both, but own":            {with("arm", "yes", "api", "yes", "where", WherePool), true, WherePool, "Microsoft's machines could reach both"},
		"hosted where it can't":    {with("where", WhereHosted), true, "", ""},
		"no helper VM":             {with(), false, WherePool, "because the Hub cannot be managed"},
		"on a helper VM not there": {with("where", WhereVM), false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.helper = c.helper
			s := b.session(c.a)
			if errs := s.Errors(); (len(errs) > 0) != (c.where == "") {
				t.Fatalf("%v", errs)
			}
			if c.where == "" {
				return
			}
			p, err := s.Plan(t.Context())
			if err != nil || !strings.Contains(p.Summary[2].Value, c.reason) {
				t.Errorf("%v, %v", p.Summary, err)
			}
			x := b.done(c.a)
			if has := len(b.agents) > 0; has != (c.where == WhereVM) {
				t.Errorf("agents %v", b.agents)
			}
			sample := string(b.kept[string(x.Downloads()[0].Ref)])
			if strings.Contains(sample, "vmImage") != (c.where == WhereHosted) {
				t.Errorf("the sample:\n%s", sample)
			}
		})
	}
}

func TestAnswersAreRead(t *testing.T) {
	for field, bad := range map[string]string{
		"project": "", "connection": "con_0", "name": "-x", "namespace": "kube-system", "account": "Azure Pipelines", "days": "366", "share": "Ratings",
		"pool": "", "agent": "a b", "proxy": "proxy:8080", "method": "magic", "task": TaskRemove, "where": "moon",
	} {
		errs := newBed(t).session(with(field, bad)).Errors()
		if len(errs) == 0 || errs[0].Field != field {
			t.Errorf("%s %q: %v", field, bad, errs)
		}
	}
	b := newBed(t)
	b.done(answers)
	if errs := b.session(with("name", "another")).Errors(); len(errs) != 1 || errs[0].Field != "name" {
		t.Errorf("a second service connection: %v", errs)
	}
	b.con.Credential.Method = w.AuthCertificate
	if errs := b.session(answers).Errors(); len(errs) != 1 || errs[0].Field != "where" {
		t.Errorf("an agent with a certificate: %v", errs)
	}
}

func TestChecksLook(t *testing.T) {
	b := newBed(t)
	status := func(id string) w.CheckStatus { return b.session(answers).RunCheck(t.Context(), id).Status }
	want := func(id string, st w.CheckStatus) {
		t.Helper()
		if got := status(id); got != st {
			t.Errorf("%s: %s", id, got)
		}
	}
	for _, id := range []string{"organization", "name", "share", "cluster", "pool", "outbound", "admin"} {
		want(id, w.CheckPassed)
	}
	want("secret", w.CheckSkipped)
	b.con.ExpiresAt = today.Add(24 * time.Hour)
	want("secret", w.CheckWarning)
	b.endpoints = []Endpoint{{ID: "x", Name: "kubernetes-seattle", Type: "azurerm", Projects: []string{"p-1"}}}
	want("name", w.CheckFailed)
	b.projects, b.pools = b.projects[:1], nil
	want("share", w.CheckFailed)
	want("pool", w.CheckFailed)
}
