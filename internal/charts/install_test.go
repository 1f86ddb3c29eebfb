package charts

import (
	"context"
	"errors"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/release"
	helmtime "helm.sh/helm/v3/pkg/time"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hubwright/workflows"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-web}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers: [{name: web, image: {{ .Values.image }}, resources: {requests: {cpu: 10m, memory: 10Mi}}}]
`

func small(t *testing.T) workflows.Chart {
	return chartOf(t, map[string]string{
		"values.yaml": "replicas: 1\nimage: example.test/web:1\n", "templates/web.yaml": deployment,
		"templates/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Release.Name }}}\nstringData: {password: hunter22hunter22}\n",
	})
}

func install(t *testing.T, c *Cluster, spec workflows.ReleaseSpec) (workflows.ReleaseState, *told) {
	t.Helper()
	log := &told{}
	state, err := c.Install(t.Context(), spec, log)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	return state, log
}

func TestInstallTwiceUpgradeUninstall(t *testing.T) {
	c := opened(t)
	spec := workflows.ReleaseSpec{Name: "one", Namespace: "first", Chart: small(t)}
	state, log := install(t, c, spec)
	if !state.Deployed() || state.Revision != 1 || !state.Changed || state.Digest != spec.Chart.Digest {
		t.Errorf("state %+v", state)
	}
	if !log.has("Deployment one-web: 1 of 1 ready") {
		t.Errorf("no progress by object:\n%s", log)
	}
	if strings.Contains(log.String(), "hunter22") {
		t.Errorf("a secret is told:\n%s", log)
	}
	again, log := install(t, c, spec)
	if again.Changed || again.Revision != 1 || !log.has("nothing to change") {
		t.Errorf("the second time: %+v\n%s", again, log)
	}
	spec.Values = "replicas: 2"
	preview, err := c.Preview(t.Context(), spec)
	if err != nil || preview.Changed != 1 || !strings.Contains(preview.Diff, "+     replicas: 2") || strings.Contains(preview.Diff, "hunter22") {
		t.Errorf("preview %+v, %v", preview, err)
	}
	if up, _ := install(t, c, spec); up.Revision != 2 || !up.Changed {
		t.Errorf("upgrade %+v", up)
	}
	revisions, err := c.History(t.Context(), "first", "one")
	if err != nil || len(revisions) != 2 || revisions[0].Status != "superseded" {
		t.Errorf("history %+v, %v", revisions, err)
	}
	all, err := c.List(t.Context())
	if err != nil || len(all) == 0 {
		t.Errorf("list %+v, %v", all, err)
	}
	if err := c.Uninstall(t.Context(), "first", "one", log); err != nil {
		t.Fatal(err)
	}
	if err := c.Uninstall(t.Context(), "first", "one", log); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if _, err := c.Status(t.Context(), "first", "one"); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("status of what is gone: %v", err)
	}
}

// TestObjectGone: a release that Helm calls deployed is mended when an object
// is missing.
func TestObjectGone(t *testing.T) {
	c, k := opened(t), direct(t)
	spec := workflows.ReleaseSpec{Name: "gone", Namespace: "mend", Chart: small(t)}
	install(t, c, spec)
	if err := k.AppsV1().Deployments("mend").Delete(t.Context(), "gone-web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if state, log := install(t, c, spec); !state.Changed || state.Revision != 2 {
		t.Errorf("it is not mended: %+v\n%s", state, log)
	}
}

// TestTakesOverWhatAKillLeft: each of Helm's unfinished states becomes one
// release, and somebody else's fresh work is respected.
func TestTakesOverWhatAKillLeft(t *testing.T) {
	c := opened(t)
	spec := workflows.ReleaseSpec{Name: "left", Namespace: "killed", Chart: small(t)}
	ctx := workflows.WithOrigin(t.Context(), workflows.Origin{RunID: "run_1"})
	for _, status := range []release.Status{release.StatusPendingInstall, release.StatusPendingUpgrade} {
		if _, err := c.Install(ctx, spec, &told{}); err != nil {
			t.Fatal(err)
		}
		s, helm, err := c.open(ctx, "killed")
		if err != nil {
			t.Fatal(err)
		}
		last, err := s.last(helm, "left")
		if err != nil {
			t.Fatal(err)
		}
		last.SetStatus(status, "killed")
		if err := helm.Releases.Update(last); err != nil {
			t.Fatal(err)
		}
		var p *workflows.Problem
		if _, err := c.Install(t.Context(), spec, &told{}); !errors.As(err, &p) || p.Code != "helm.busy" {
			t.Errorf("somebody else's %s: %v", status, err)
		}
		state, err := c.Install(ctx, spec, &told{})
		if err != nil || !state.Deployed() {
			t.Errorf("after %s: %+v, %v", status, state, err)
		}
		list := action.NewList(helm)
		list.All = true
		if all, err := list.Run(); err != nil || len(all) != 1 {
			t.Errorf("%d releases after %s, %v", len(all), status, err)
		}
	}
}

// TestTakesOverAKilledRemoval: the run that was removing a release goes on,
// another one waits until that is old.
func TestTakesOverAKilledRemoval(t *testing.T) {
	c := opened(t)
	spec := workflows.ReleaseSpec{Name: "going", Namespace: "killed", Chart: small(t)}
	installer := workflows.WithOrigin(t.Context(), workflows.Origin{RunID: "run_1"})
	if _, err := c.Install(installer, spec, &told{}); err != nil {
		t.Fatal(err)
	}
	remover := workflows.WithOrigin(t.Context(), workflows.Origin{RunID: "run_2"})
	s, helm, err := c.open(remover, "killed")
	if err != nil {
		t.Fatal(err)
	}
	last, err := s.last(helm, "going")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.claim(helm, last); err != nil {
		t.Fatal(err)
	}
	last.SetStatus(release.StatusUninstalling, "killed")
	last.Info.Deleted = helmtime.Now()
	if err := helm.Releases.Update(last); err != nil {
		t.Fatal(err)
	}
	var p *workflows.Problem
	if err := c.Uninstall(installer, "killed", "going", &told{}); !errors.As(err, &p) || p.Code != "helm.busy" {
		t.Errorf("another run: %v", err)
	}
	if err := c.Uninstall(remover, "killed", "going", &told{}); err != nil {
		t.Errorf("the same run: %v", err)
	}
	if _, err := c.Status(t.Context(), "killed", "going"); !errors.Is(err, workflows.ErrNotFound) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	c := opened(t)
	ctx, cancel := context.WithCancel(t.Context())
	log := &told{}
	spec := workflows.ReleaseSpec{Name: "stop", Namespace: "stopped", Chart: chartOf(t, map[string]string{
		"templates/claim.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: never}\nspec: {type: ClusterIP, ports: [{port: 80}]}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: never}\nspec: {nodeSelector: {no: such}, containers: [{name: a, image: b}]}\n",
	})}
	c.stubborn = c.stubborn * 1000
	done := make(chan error)
	go func() { _, err := c.Install(ctx, spec, log); done <- err }()
	eventually(t, func() bool { return log.has("Pod never: ") })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	state, err := c.Status(t.Context(), "stopped", "stop")
	if err != nil || state.Status != "failed" {
		t.Errorf("it is left as %+v, %v", state, err)
	}
	if err := c.Uninstall(t.Context(), "stopped", "stop", log); err != nil {
		t.Error(err)
	}
}
