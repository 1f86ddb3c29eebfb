package pipelines

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	w "hubwright/workflows"
)

const theImage = "registry.contoso.test/azure-agent:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func onCluster(kv ...string) w.Answers {
	return with(append([]string{"where", WhereCluster, "image", theImage}, kv...)...)
}

func (b *bed) names() string {
	var out []string
	for _, a := range b.agents {
		out = append(out, a.Name)
	}
	return strings.Join(out, " ")
}

// Agents on the cluster: once, again without a change, more and fewer of them,
// with another token, and away.
func TestAgentsOnTheCluster(t *testing.T) {
	b := newBed(t)
	x := b.done(onCluster())
	want := w.AgentPods{Namespace: "azure-agents", Image: theImage, Replicas: 2}
	if diff := cmp.Diff(want, b.row.AgentPods); diff != "" || b.row.Agent != "seattle-agent" || b.row.Pool != "Default" {
		t.Errorf("%s, record %+v", diff, b.row)
	}
	if b.names() != "seattle-agent-0 seattle-agent-1" || len(b.jobs) != 0 {
		t.Errorf("agents %v, jobs %v", b.agents, b.jobs)
	}
	if got := b.pods.secrets["azure-agents/seattle-agent-credential"]; got["token"] != theToken || got["ca.pem"] != "ROOTS" {
		t.Errorf("the Secret has %v", got)
	}
	first := b.pods.spec.Values
	for _, part := range []string{`"url": "https://dev.azure.com/contoso"`, `"replicas": 2`, `"proxy": "http://127.0.0.1:3128"`, `"auth": "PAT"`, `"bundle": true`} {
		if !strings.Contains(first, part) {
			t.Errorf("no %s in %s", part, first)
		}
	}
	if r := x.Result(); !strings.Contains(r.Facts[1].Value, "as pods on the cluster itself") {
		t.Errorf("%+v", r)
	}

	puts := b.pods.puts
	if x := b.done(onCluster()); headline(x) != "Everything was as it should be: nothing was changed." || b.pods.puts != puts {
		t.Errorf("%+v, %d changes", x.Result(), b.pods.puts-puts)
	}

	b.done(onCluster("replicas", "3"))
	if b.names() != "seattle-agent-0 seattle-agent-1 seattle-agent-2" || b.row.AgentPods.Replicas != 3 {
		t.Errorf("agents %v, record %+v", b.agents, b.row.AgentPods)
	}
	b.pods.works = true
	b.done(onCluster("replicas", "1"))
	if b.row.AgentPods.Replicas != 3 || !strings.Contains(b.log.text, "seattle-agent-1 works still") {
		t.Errorf("an agent that works is not named any more: %+v\n%s", b.row.AgentPods, b.log.text)
	}
	for i := range b.agents {
		b.agents[i].Online = b.agents[i].Name == "seattle-agent-0"
	}
	b.done(onCluster("replicas", "1"))
	if b.names() != "seattle-agent-0" || b.row.AgentPods.Replicas != 1 {
		t.Errorf("agents %v, record %+v", b.agents, b.row.AgentPods)
	}

	b.kept["own"] = []byte("another-token")
	b.done(onCluster("replicas", "1", "token", "own"))
	if got := b.pods.secrets["azure-agents/seattle-agent-credential"]["token"]; got != "another-token" || strings.Contains(b.pods.spec.Values, got) || b.pods.spec.Values == first {
		t.Errorf("with another token: %s, %s", got, b.pods.spec.Values)
	}
	b.done(remove)
	b.none()
}

func TestWhatGoesWrongOnTheClusterIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		break_ func(b *bed)
		code   string
	}{
		"agent of others": {func(b *bed) { b.agents = []Agent{{ID: 3, Name: "seattle-agent-1", Online: true}} }, "pipelines.agent"},
		"image not there": {func(b *bed) { b.fails["install"] = &w.Problem{Code: "pod.image", What: "x"} }, "pod.image"},
		"token refused":   {func(b *bed) { b.fails["install"] = &w.Problem{Code: "pod.crash", Why: "It said last: VS30063: no"} }, "pipelines.register"},
		"pool gone": {func(b *bed) {
			b.fails["install"] = &w.Problem{Code: "pod.crash", Why: "Agent pool not found: 'Default'"}
		}, "pipelines.pool"},
		"never heard of":    {func(b *bed) { b.deaf = true }, "pipelines.offline"},
		"crashes":           {func(b *bed) { b.deaf, b.pods.sick = true, &w.Problem{Code: "pod.crash", What: "x"} }, "pod.crash"},
		"token not allowed": {func(b *bed) { b.deaf, b.pods.sick = true, &w.Problem{Code: "pod.crash", Why: "VS30063: no"} }, "pipelines.register"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			c.break_(b)
			x, err := b.all(b.start(onCluster()))
			var p *w.Problem
			if !errors.As(err, &p) || p.Code != c.code {
				t.Fatalf("got %v", err)
			}
			if left := x.Left(); name != "agent of others" && !strings.Contains(left.Items[len(left.Items)-1].Value, "azure-agents, in the pool Default, as far as they came") {
				t.Errorf("left %+v", left)
			}
		})
	}
}

func TestAnswersForPodsAreRead(t *testing.T) {
	for _, c := range [][2]string{
		{"image", "azure-agent:1"}, {"image", "registry.test/Azure:1"}, {"image", "registry.test/azure"}, {"image", "registry.test:5000/azure"}, {"image", "registry.test/a:1@sha256:12"},
		{"replicas", "0"}, {"replicas", "11"}, {"pods_namespace", "kube-system"}, {"pods_namespace", "A"}, {"pull_secret", "-"}, {"agent", "Seattle.1"}, {"namespace", "azure-agents"},
	} {
		errs := newBed(t).session(onCluster(c[0], c[1])).Errors()
		if len(errs) != 1 || errs[0].Field != c[0] || errs[0].Page == "" {
			t.Errorf("%s %q: %v", c[0], c[1], errs)
		}
	}
	for _, image := range []string{"localhost:5000/a:1", "10.0.0.4:5000/team/azure_agent:4.261.0", "r.test/a@sha256:" + strings.Repeat("0", 64)} {
		if errs := newBed(t).session(onCluster("image", image)).Errors(); len(errs) != 0 {
			t.Errorf("%s: %v", image, errs)
		}
	}
	b := newBed(t)
	b.con.Credential.Method = w.AuthCertificate
	b.kept["own"] = []byte("another-token")
	if errs := b.session(onCluster()).Errors(); len(errs) != 1 || errs[0].Field != "token" {
		t.Errorf("agents with a certificate: %v", errs)
	}
	if errs := b.session(onCluster("token", "own")).Errors(); len(errs) != 0 {
		t.Errorf("agents with a token of their own: %v", errs)
	}
	b = newBed(t)
	b.pools = append(b.pools, Pool{ID: 2, Name: "Other"})
	b.done(onCluster())
	for name, c := range map[string]struct {
		a     w.Answers
		field string
	}{
		"another pool": {onCluster("pool", "Other"), "pool"}, "another name": {onCluster("agent", "other"), "where"}, "another namespace": {onCluster("pods_namespace", "elsewhere"), "where"},
		"the helper VM": {with("where", WhereVM), "where"}, "a VM of its own": {ownVM, "where"},
	} {
		if errs := b.session(c.a).Errors(); !hasField(errs, c.field) {
			t.Errorf("to %s: %v", name, errs)
		}
	}
	b = newBed(t)
	b.done(ownVM)
	if errs := b.session(onCluster()).Errors(); !hasField(errs, "where") {
		t.Errorf("from a VM of its own: %v", errs)
	}
}

func hasField(errs []w.FieldError, field string) bool {
	for _, e := range errs {
		if e.Field == field {
			return true
		}
	}
	return false
}

func TestChecksOfPods(t *testing.T) {
	b := newBed(t)
	b.kept["own"] = []byte("another-token")
	for _, c := range []struct {
		check string
		a     w.Answers
		deny  string
		want  w.CheckStatus
	}{
		{"pods-rights", onCluster(), "", w.CheckPassed}, {"pods-rights", onCluster(), "networkpolicies", w.CheckFailed}, {"pods-rights", onCluster("pull_secret", "pull"), "", w.CheckFailed},
		{"pods-image", onCluster(), "", w.CheckPassed}, {"pods-image", onCluster("image", "r.test/a:1"), "", w.CheckWarning},
		{"pods-token", onCluster(), "", w.CheckWarning}, {"pods-token", onCluster("token", "own"), "", w.CheckPassed},
	} {
		if b.denied = c.deny; b.session(c.a).RunCheck(t.Context(), c.check).Status != c.want {
			t.Errorf("%s of %v without %q: not %s", c.check, c.a, c.deny, c.want)
		}
	}
	p, err := b.session(onCluster()).Plan(t.Context())
	if err != nil || len(p.Documents) != 2 || !strings.Contains(p.Documents[1].Body, theImage) || strings.Contains(p.Documents[1].Body, "rollout") {
		t.Errorf("%v, %+v", err, p.Documents)
	}
}

// The page offers all that an image takes, with the archive's address and sum
// when the organization tells them.
func TestImageFiles(t *testing.T) {
	b := newBed(t)
	view, _ := b.session(onCluster()).Page(t.Context(), "pods")
	if len(view.Documents) != 2 || !strings.Contains(view.Documents[0].Body, "AGENT_URL=https://download.test/agent.tar.gz\nARG AGENT_SHA256=ab\n") {
		t.Fatalf("%+v", view.Documents)
	}
	b.fails["package"] = errors.New("no answer")
	if view, _ = b.session(onCluster()).Page(t.Context(), "pods"); len(view.Documents) != 2 || !strings.Contains(view.Documents[0].Body, "AGENT_URL=\n") {
		t.Errorf("%+v", view.Documents)
	}
}
