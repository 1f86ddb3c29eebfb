package connect

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
)

var scoped = w.Answers{"account": "yes", "namespace": "ratings", "name": "robot", "role": "view", "hours": "8"}

func TestConnects(t *testing.T) {
	b := newBed(t)
	x := b.all(b.start(nil))
	b.logged("info Directly to https://ratings-sea.seattle.test", "good The API server answers as v1.33.10", "good etcd: ok", "command kubectl get nodes", "5 rows",
		"command kubectl cluster-info", "control plane is running at", "good 5 of 5 nodes are Ready", "info The way is recorded already: directly")
	if diff := cmp.Diff([]string{WayAuto, WayDirect, WayDirect}, b.ways); diff != "" {
		t.Errorf("ways (-want +got):\n%s", diff)
	}
	if b.saves != 0 || len(b.sealed) != 0 || len(x.Downloads()) != 0 {
		t.Errorf("%d saves, %d secrets, %d downloads by a run that only looks", b.saves, len(b.sealed), len(x.Downloads()))
	}
	r := x.Result()
	facts := ""
	for _, f := range r.Facts {
		facts += f.Label + ": " + f.Value + "\n"
	}
	for _, want := range []string{
		"API server: https://ratings-sea.seattle.test, reached directly\n", "cluster-admin", "audit",
		"node 0: ssh -p 22 azureuser@ratings-sea.seattle.test\n", "node 1: ssh -p 2201 azureuser@", "node 2: ssh -p 2202 azureuser@", "Jump box: Don't",
	} {
		if !strings.Contains(facts, want) {
			t.Errorf("the result does not say %q:\n%s", want, facts)
		}
	}
	if !strings.Contains(r.Headline, "all 5 nodes are Ready") || r.Next == nil || r.Next.Link != "/clusters/clu" {
		t.Errorf("%+v", r)
	}
}

func TestTunnelsWhereItMust(t *testing.T) {
	b := newBed(t)
	b.direct = distant
	x := b.all(b.start(nil))
	b.logged("warn Not directly: There was no answer", "info Through the helper VM's SSH to https://", "good From now on the cluster is reached through the helper VM's SSH")
	if !b.cluster.ViaHelper || b.saves != 1 {
		t.Errorf("the way was not remembered: %+v", b.cluster)
	}
	if diff := cmp.Diff([]string{WayAuto, WayHelper, WayHelper}, b.ways); diff != "" {
		t.Errorf("ways (-want +got):\n%s", diff)
	}
	if got := x.Result().Facts[0].Value; !strings.Contains(got, "through the helper VM's SSH") {
		t.Errorf("%q", got)
	}

	// Again: it says that nothing is new. And when the direct way is back, that
	// is remembered.
	b.log.text = ""
	b.all(b.start(nil))
	b.logged("info The way is recorded already: through the helper VM's SSH")
	if b.saves != 1 {
		t.Errorf("saved %d times", b.saves)
	}
	b.direct = nil
	b.all(b.start(nil))
	if b.cluster.ViaHelper || b.saves != 2 {
		t.Errorf("the direct way was not remembered: %+v", b.cluster)
	}
}

func TestChosenWaysAreKept(t *testing.T) {
	b := newBed(t)
	b.all(b.start(w.Answers{"way": WayHelper}))
	if !b.cluster.ViaHelper || b.ways[0] != WayHelper {
		t.Errorf("ways %q", b.ways)
	}
	b.direct, b.ways = distant, nil
	x := b.start(w.Answers{"way": WayDirect})
	if err := x.Run(t.Context(), "reach", &b.log); !errors.Is(err, distant) {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff([]string{WayDirect}, b.ways); diff != "" {
		t.Errorf("ways (-want +got):\n%s", diff)
	}
}

// TestRetryLooksForTheWayAnew: the way broke after it was found.
func TestRetryLooksForTheWayAnew(t *testing.T) {
	b := newBed(t)
	x := b.start(nil)
	if err := x.Run(t.Context(), "reach", &b.log); err != nil {
		t.Fatal(err)
	}
	b.nodes = func() ([]w.Node, error) { return nil, distant }
	if err := x.Run(t.Context(), "nodes", &b.log); !errors.Is(err, distant) {
		t.Fatalf("%v", err)
	}
	b.direct, b.ways = distant, nil
	b.nodes = func() ([]w.Node, error) { return b.ready(5), nil }
	x = b.resume(b.state(x))
	for _, step := range []string{"nodes", "record"} {
		if err := x.Run(t.Context(), step, &b.log); err != nil {
			t.Fatal(err)
		}
	}
	if b.ways[0] != WayAuto || !b.cluster.ViaHelper {
		t.Errorf("ways %q, %+v", b.ways, b.cluster)
	}
}

func TestAccount(t *testing.T) {
	b := newBed(t)
	x := b.all(b.start(scoped))
	want := []Account{{Namespace: "ratings", Name: "robot", Role: "view", TTL: 8 * time.Hour}}
	if diff := cmp.Diff(want, b.accounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	b.logged("good Service account robot in namespace ratings with role view, good until 23 November 2026 20:00 UTC")
	if diff := cmp.Diff([]w.Download{{Name: "robot.kubeconfig", Title: "Kubeconfig of robot in ratings (view)", Ref: "sec_1"}}, x.Downloads()); diff != "" {
		t.Errorf("downloads (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"kubeconfig.scoped: the-accounts-token"}, b.sealed); diff != "" {
		t.Errorf("sealed (-want +got):\n%s", diff)
	}
	for where, text := range map[string]string{"state": string(b.state(x)), "log": b.log.text} {
		if strings.Contains(text, "the-accounts-token") || strings.Contains(text, "the-admins-kubeconfig") {
			t.Errorf("a secret is in the %s", where)
		}
	}
	facts := x.Result().Facts
	if last := facts[len(facts)-1].Value; !strings.Contains(last, "until 23 November 2026 20:00 UTC") {
		t.Errorf("the result does not tell the end: %q", last)
	}

	// The step again, as after a crash before its end was stored and as after.
	if err := x.Run(t.Context(), "account", &b.log); err != nil {
		t.Fatal(err)
	}
	b.logged("info The account's kubeconfig is in custody already")
	if len(b.accounts) != 1 || len(b.sealed) != 1 {
		t.Errorf("made twice: %v, %v", b.accounts, b.sealed)
	}
	b.existed, b.life = true, time.Hour
	b.all(b.start(scoped))
	b.logged("info The account was there already", "warn The API server gives tokens a shorter life than the 8 hours")
}

func TestNodesAreWaitedFor(t *testing.T) {
	b := newBed(t)
	b.nodes = func() ([]w.Node, error) { return b.ready(min(3+b.pauses, 5)), nil }
	b.all(b.start(nil))
	b.logged("doing 60 3 of 5 nodes Ready", "doing 80 4 of 5", "doing 100 5 of 5")
	if b.pauses != 2 {
		t.Errorf("%d pauses", b.pauses)
	}
	b.nodes = func() ([]w.Node, error) { return b.ready(4), nil }
	wantProblem(t, b.start(nil).Run(t.Context(), "nodes", &b.log), "connect.nodes", "4 of 5")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.start(nil).Run(ctx, "nodes", &b.log); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancel ends with %v", err)
	}
}

func TestSickControlPlane(t *testing.T) {
	b := newBed(t)
	b.components = append(b.components, w.Component{Name: "kube-scheduler-m0", Message: "CrashLoopBackOff"})
	wantProblem(t, b.start(nil).Run(t.Context(), "components", &b.log), "connect.components", "1 of 2")
	b.logged("good etcd: ok", "error kube-scheduler-m0: CrashLoopBackOff")
}

func TestBegin(t *testing.T) {
	b := newBed(t)
	b.missing = true
	_, err := b.definition().Open(t.Context(), w.Target{SiteID: "sit"}, nil)
	wantProblem(t, err, "cluster.none", "no cluster on Seattle yet")
	b.missing, b.cluster.Kubeconfig = false, ""
	wantProblem(t, b.start(nil).Run(t.Context(), "reach", &b.log), "connect.kubeconfig", "no kubeconfig in custody")
}

func wantProblem(t *testing.T, err error, code, says string) {
	t.Helper()
	var p *w.Problem
	if !errors.As(err, &p) || p.Code != code || p.Fix == "" || !strings.Contains(p.Error(), says) {
		t.Fatalf("error %v, want the problem %s that says %q", err, code, says)
	}
}

func TestAnswers(t *testing.T) {
	with := func(field, value string) w.Answers {
		a := maps.Clone(scoped)
		a[field] = value
		return a
	}
	if errs := newBed(t).session(scoped).Errors(); len(errs) > 0 {
		t.Fatalf("good answers are refused: %v", errs)
	}
	for _, c := range []struct{ field, value, says string }{
		{"way", "pigeon", "one of the three"}, {"way", "", "one of the three"},
		{"account", "maybe", "whether you want"},
		{"namespace", "Ratings", "small letters"}, {"namespace", "", "small letters"}, {"namespace", "-a", "small letters"},
		{"namespace", strings.Repeat("a", 64), "at most 63"}, {"namespace", "kube-system", "belongs to Kubernetes"},
		{"name", "robot;rm", "small letters"}, {"name", "röbot", "small letters"},
		{"role", "cluster-admin", "what the account may do"}, {"role", "", "what the account may do"},
		{"hours", "0", "from 1 to 8,760"}, {"hours", "8761", "from 1 to 8,760"}, {"hours", "1.5", "whole number"}, {"hours", "soon", "whole number"},
	} {
		t.Run(c.field+" "+c.value, func(t *testing.T) {
			errs := newBed(t).session(with(c.field, c.value)).Errors()
			if len(errs) != 1 || errs[0].Field != c.field || !strings.Contains(errs[0].Message, c.says) {
				t.Errorf("%+v", errs)
			}
		})
	}
}

func TestChecks(t *testing.T) {
	refused := &w.Problem{Code: "kube.unauthorized", What: "Reading the nodes", Why: "the API server does not accept the credentials"}
	for _, c := range []struct {
		name, check string
		change      func(*bed)
		answers     w.Answers
		status      w.CheckStatus
		says        string
	}{
		{"all well", "kubeconfig", nil, nil, w.CheckPassed, "ratings-sea.seattle.test"},
		{"no kubeconfig", "kubeconfig", func(b *bed) { b.cluster.Kubeconfig = "" }, nil, w.CheckFailed, "There is none"},
		{"direct", "reachable", nil, nil, w.CheckPassed, "answers directly as v1.33.10"},
		{"tunnel", "reachable", func(b *bed) { b.direct = distant }, nil, w.CheckPassed, "Through the helper VM's SSH it answers as v1.33.10. Not directly: There was no answer"},
		{"only direct", "reachable", func(b *bed) { b.direct = distant }, w.Answers{"way": WayDirect}, w.CheckFailed, "but through the helper VM it answers"},
		{"neither", "reachable", func(b *bed) { b.direct, b.helper = distant, errors.New("no SSH") }, nil, w.CheckFailed, "no SSH"},
		{"good certificate", "certificate", nil, nil, w.CheckPassed, "until 23 November 2056"},
		{"old certificate", "certificate", func(b *bed) { b.ends = today.AddDate(0, 0, 29) }, nil, w.CheckWarning, "ends on 22 December 2026"},
		{"wrong certificate", "certificate", func(b *bed) { b.certificate = refused }, nil, w.CheckFailed, "does not accept"},
		{"certificate unseen", "certificate", func(b *bed) { b.direct, b.helper = distant, distant }, nil, w.CheckSkipped, "not reachable"},
		{"nodes", "nodes", nil, nil, w.CheckPassed, "5 of 5"},
		{"a node is away", "nodes", func(b *bed) { b.nodes = func() ([]w.Node, error) { return b.ready(4), nil } }, nil, w.CheckWarning, "4 of 5"},
		{"no nodes", "nodes", func(b *bed) { b.nodes = func() ([]w.Node, error) { return nil, refused } }, nil, w.CheckFailed, "does not accept"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			if c.change != nil {
				c.change(b)
			}
			f := b.session(c.answers).RunCheck(t.Context(), c.check)
			if f.Status != c.status || !strings.Contains(f.Found, c.says) {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	p, err := newBed(t).session(nil).Plan(t.Context())
	if err != nil || p.Changes[0].Verb != "none" || len(p.Commands) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	if way := p.Summary[2].Value; !strings.HasPrefix(way, "Directly if that leads there") || !strings.Contains(way, "http://127.0.0.1:3128") {
		t.Errorf("way %q", way)
	}
	if p, err = newBed(t).session(scoped).Plan(t.Context()); err != nil || len(p.Changes) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	want := "kubectl create namespace ratings\nkubectl -n ratings create serviceaccount robot\n" +
		"kubectl -n ratings create rolebinding robot-view --clusterrole=view --serviceaccount=ratings:robot\nkubectl -n ratings create token robot --duration=8h"
	if diff := cmp.Diff(want, p.Commands[1].Text); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	deployer := maps.Clone(scoped)
	deployer["role"] = "deployer"
	if p, err = newBed(t).session(deployer).Plan(t.Context()); err != nil || len(p.Documents) != 1 || p.Documents[0].Body != "the role in ratings" {
		t.Fatalf("%+v, %v", p.Documents, err)
	}
	if text := p.Commands[1].Text; !strings.Contains(text, "kubectl apply -f "+p.Documents[0].Name+"\n") || !strings.Contains(text, " --role=hubwright-deployer ") {
		t.Errorf("commands %q", text)
	}
}
