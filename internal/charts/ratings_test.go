package charts

import (
	"errors"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"hubwright/workflows"
)

func ratings(t *testing.T) workflows.Chart {
	t.Helper()
	c, err := BuiltIn(Ratings)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rendered(t *testing.T, values string) map[string]string {
	t.Helper()
	return drawn(t, ratings(t), values)
}

// drawn is a chart without a cluster, objects by "Kind name".
func drawn(t *testing.T, c workflows.Chart, values string) map[string]string {
	t.Helper()
	ch, v, err := spread(workflows.ReleaseSpec{Chart: c, Values: values})
	if err != nil {
		t.Fatal(err)
	}
	dry := action.NewInstall(&action.Configuration{Log: func(string, ...any) {}})
	dry.ClientOnly, dry.DryRun, dry.ReleaseName, dry.Namespace = true, true, "shop", "apps"
	dry.KubeVersion = &chartutil.KubeVersion{Version: "v1.33.10", Major: "1", Minor: "33"}
	rel, err := dry.Run(ch, v)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for key, doc := range objectsOf(rel.Manifest) {
		out[key] = doc
	}
	return out
}

func TestRatingsLints(t *testing.T) {
	for _, m := range lint.AllWithKubeVersion("embedded/ratings", map[string]any{}, "apps", &chartutil.KubeVersion{Version: "v1.33.10", Major: "1", Minor: "33"}).Messages {
		if m.Severity > support.InfoSev {
			t.Errorf("%s", m)
		}
	}
	if a, b := ratings(t), ratings(t); a.Digest != b.Digest || !a.HasSchema {
		t.Errorf("digests %s and %s", a.Digest, b.Digest)
	}
}

func as[T any](t *testing.T, doc string) T {
	t.Helper()
	var v T
	if err := yaml.UnmarshalStrict([]byte(doc), &v); err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return v
}

// podsOf are the pod templates of the workloads by name.
func podsOf(t *testing.T, objects map[string]string) map[string]corev1.PodTemplateSpec {
	out := map[string]corev1.PodTemplateSpec{}
	for key, doc := range objects {
		kind, name, _ := strings.Cut(key, " ")
		switch kind {
		case "Deployment":
			out[name] = as[appsv1.Deployment](t, doc).Spec.Template
		case "StatefulSet":
			out[name] = as[appsv1.StatefulSet](t, doc).Spec.Template
		case "Job":
			out[name] = as[batchv1.Job](t, doc).Spec.Template
		}
	}
	return out
}

// TestRatingsHasNoneOfTheFaults goes through what was wrong with the sample
// chart of the guide.
func TestRatingsHasNoneOfTheFaults(t *testing.T) {
	objects := rendered(t, "ingress: {host: ratings.contoso.test, tls: {enabled: true}}\nmongodb: {replicas: 3, storage: {className: managed-premium}}\n")
	pods := podsOf(t, objects)
	if len(pods) != 4 {
		t.Fatalf("%d workloads", len(pods))
	}
	for key, doc := range objects {
		kind, name, _ := strings.Cut(key, " ")
		if !strings.HasPrefix(name, "shop-ratings") {
			t.Errorf("%s: a name that two releases would share", key)
		}
		if kind == "Service" {
			s := as[corev1.Service](t, doc)
			selected := 0
			for _, p := range pods {
				if labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(p.Labels)) {
					selected++
				}
			}
			if selected != 1 {
				t.Errorf("%s selects the pods of %d workloads", key, selected)
			}
		}
	}
	for name, p := range pods {
		checkPod(t, name, p)
	}
	db := as[appsv1.StatefulSet](t, objects["StatefulSet shop-ratings-mongodb"])
	if c := db.Spec.VolumeClaimTemplates; len(c) != 1 || *c[0].Spec.StorageClassName != "managed-premium" || *db.Spec.Replicas != 3 {
		t.Errorf("the database's disks: %+v", c)
	}
	in := as[networkingv1.Ingress](t, objects["Ingress shop-ratings"])
	if in.Spec.Rules[0].Host != "ratings.contoso.test" || len(in.Spec.TLS) != 1 || in.Spec.IngressClassName == nil || in.Spec.DefaultBackend != nil {
		t.Errorf("the ingress: %+v", in.Spec)
	}
	for _, want := range []string{"NetworkPolicy shop-ratings-mongodb", "PodDisruptionBudget shop-ratings-web", "ServiceAccount shop-ratings", "Secret shop-ratings-tls"} {
		if objects[want] == "" {
			t.Errorf("there is no %s", want)
		}
	}
	secret := as[corev1.Secret](t, objects["Secret shop-ratings-mongodb"])
	for key, doc := range objects {
		for name, value := range secret.Data {
			if !strings.HasPrefix(key, "Secret") && strings.Contains(doc, string(value)) {
				t.Errorf("%s holds the value of %s", key, name)
			}
		}
	}
	other := as[corev1.Secret](t, rendered(t, "")["Secret shop-ratings-mongodb"])
	if string(other.Data["password"]) == string(secret.Data["password"]) || len(secret.Data["password"]) < 32 {
		t.Error("the password is not generated")
	}
}

func checkPod(t *testing.T, name string, p corev1.PodTemplateSpec) {
	t.Helper()
	s := p.Spec
	if sc := s.SecurityContext; sc == nil || sc.RunAsNonRoot == nil || !*sc.RunAsNonRoot || *sc.RunAsUser == 0 || *s.AutomountServiceAccountToken {
		t.Errorf("%s may be root or has a token", name)
	}
	for _, c := range s.Containers {
		if len(c.Resources.Requests) < 2 || len(c.Resources.Limits) == 0 {
			t.Errorf("%s: resources %+v", name, c.Resources)
		}
		if strings.HasSuffix(c.Image, ":latest") || !strings.Contains(c.Image, ":") || c.ImagePullPolicy == corev1.PullAlways {
			t.Errorf("%s: image %s, %s", name, c.Image, c.ImagePullPolicy)
		}
		if !strings.Contains(name, "setup") && (c.ReadinessProbe == nil || c.LivenessProbe == nil || c.StartupProbe == nil || len(c.Ports) == 0) {
			t.Errorf("%s: probes or ports are missing", name)
		}
		for _, e := range c.Env {
			if strings.Contains(e.Name, "PASSWORD") && (e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil) {
				t.Errorf("%s: %s is not from a Secret", name, e.Name)
			}
		}
	}
}

func TestRatingsRefusesWrongValues(t *testing.T) {
	for values, part := range map[string]string{
		"mongodb: {replicas: 2}":                      "replicas",
		"web: {replicas: none}":                       "replicas",
		"ingress: {host: 'Not A Host'}":               "host",
		"images: {web: {repository: a, tag: latest}}": "tag",
		"colour: red":                                 "colour",
		"web: [1":                                     "YAML",
	} {
		var p *workflows.Problem
		if err := CheckValues(ratings(t), values); !errors.As(err, &p) || p.Code != "helm.values" || !strings.Contains(p.Why, part) {
			t.Errorf("%s: %v", values, err)
		}
	}
	if err := CheckValues(ratings(t), "ingress: {host: a.b.c}"); err != nil {
		t.Error(err)
	}
}

// TestRatingsOnACluster: the password outlives an upgrade and a removal, and a
// replica count that an autoscaler set outlives an upgrade.
func TestRatingsOnACluster(t *testing.T) {
	c, k := opened(t), direct(t)
	withDisks(t, k)
	spec := workflows.ReleaseSpec{Name: "ratings", Namespace: "apps", Chart: ratings(t), Values: "mongodb: {storage: {className: managed-premium}}"}
	_, log := install(t, c, spec)
	for _, want := range []string{"StatefulSet ratings-mongodb: 1 of 1 ready", "Deployment ratings-web: 2 of 2 ready", "complete"} {
		if !log.has(want) {
			t.Errorf("it does not say %q:\n%s", want, log)
		}
	}
	was := password(t, k)
	spec.Values += "\nweb: {replicas: 3}"
	install(t, c, spec)
	if password(t, k) != was {
		t.Error("the upgrade changed the password")
	}
	if err := c.Uninstall(t.Context(), "apps", "ratings", log); err != nil {
		t.Fatal(err)
	}
	install(t, c, spec)
	if password(t, k) != was {
		t.Error("the password of the disks that stayed is lost")
	}
}
