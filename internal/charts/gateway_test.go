package charts

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"

	sandboxcharts "hubwright/internal/sandbox/charts"
	"hubwright/internal/sandbox/releases"
	"hubwright/workflows"
)

func parsed(t *testing.T, doc string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return u
}

// TestGatewayObjects: what is said of an object of the Gateway API comes from
// the conditions of its controller, which must be about its present form.
func TestGatewayObjects(t *testing.T) {
	condition := func(kind, status, reason string) string {
		return fmt.Sprintf("{type: %s, status: '%s', reason: %s, message: as the controller says it, observedGeneration: 2}", kind, status, reason)
	}
	good := condition("Accepted", "True", "Accepted") + ", " + condition("Programmed", "True", "Programmed")
	for name, c := range map[string]struct {
		kind, rest string
		ready      bool
		says, code string
	}{
		"class":             {"GatewayClass", "spec: {controllerName: a.test/b}\nstatus: {conditions: [" + good + "]}", true, "accepted by a.test/b", ""},
		"class, old CRDs":   {"GatewayClass", "spec: {controllerName: a.test/b}\nstatus: {conditions: [" + good + ", " + condition("SupportedVersion", "False", "UnsupportedVersion") + "]}", true, "as the controller says it", ""},
		"class, refused":    {"GatewayClass", "status: {conditions: [" + condition("Accepted", "False", "UnsupportedVersion") + "]}", false, "refused", "gateway.class"},
		"class, unheard":    {"GatewayClass", "", false, "waits for its controller", "gateway.silent"},
		"class, of before":  {"GatewayClass", "status: {conditions: [{type: Accepted, status: 'True', reason: Accepted, message: '', observedGeneration: 1}]}", false, "waits for its controller", "gateway.silent"},
		"class, undecided":  {"GatewayClass", "status: {conditions: [" + condition("Accepted", "Unknown", "Pending") + "]}", false, "waits for its controller", "gateway.silent"},
		"gateway":           {"Gateway", "status: {addresses: [{value: 20.1.2.3}], conditions: [" + good + "]}", true, "programmed, external address 20.1.2.3", ""},
		"gateway, unheard":  {"Gateway", "spec: {gatewayClassName: none}", false, "waits for its controller", "gateway.silent"},
		"gateway, waits":    {"Gateway", "status: {conditions: [" + good + "]}", false, "waits for its external address", "service.quota"},
		"gateway, pending":  {"Gateway", "status: {conditions: [" + condition("Accepted", "True", "Accepted") + ", " + condition("Programmed", "False", "Pending") + "]}", false, "waits for its external address", "service.quota"},
		"gateway, refused":  {"Gateway", "status: {conditions: [" + condition("Accepted", "False", "InvalidParameters") + "]}", false, "refused", "gateway.refused"},
		"gateway, no cert":  {"Gateway", "status: {addresses: [{value: 20.1.2.3}], conditions: [" + good + "], listeners: [{name: https, conditions: [" + condition("ResolvedRefs", "False", "InvalidCertificateRef") + "]}]}", false, "a listener is refused", "gateway.listener"},
		"route":             {"HTTPRoute", "spec: {parentRefs: [{name: shop}]}\nstatus: {parents: [{parentRef: {name: shop}, conditions: [" + good + "]}]}", true, "accepted by the Gateway shop", ""},
		"route, unheard":    {"HTTPRoute", "spec: {parentRefs: [{name: shop}, {name: other}]}\nstatus: {parents: [{parentRef: {name: shop}, conditions: [" + good + "]}]}", false, "waits for its controller", "gateway.silent"},
		"route, elsewhere":  {"HTTPRoute", "spec: {parentRefs: [{name: shop}]}\nstatus: {parents: [{parentRef: {name: shop}, conditions: [" + condition("Accepted", "False", "NoMatchingListenerHostname") + "]}]}", false, "refused", "gateway.route"},
		"route, no backend": {"HTTPRoute", "spec: {parentRefs: [{name: shop}]}\nstatus: {parents: [{parentRef: {name: shop}, conditions: [" + good + ", " + condition("ResolvedRefs", "False", "BackendNotFound") + "]}]}", false, "refused", "gateway.route"},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(
				&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "shop-nginx", Labels: map[string]string{gatewayGroup + "/gateway-name": "shop"}}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer}},
				&corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "e"}, Reason: "SyncLoadBalancerFailed", Message: "PublicIPCountLimitReached"})
			o := &seen{ReleaseObject: workflows.ReleaseObject{Kind: c.kind, Namespace: "n", Name: "shop", Ready: true}}
			if err := (eye{client, t.Context(), o}).gatewayAPI(parsed(t, "metadata: {name: shop, generation: 2}\n"+c.rest)); err != nil {
				t.Fatal(err)
			}
			code := ""
			if o.trouble != nil {
				if code = o.trouble.Code; o.trouble.What == "" || o.trouble.Why == "" || o.trouble.Fix == "" {
					t.Errorf("%+v", o.trouble)
				}
			}
			if o.Ready != c.ready || !strings.Contains(o.Detail, c.says) || code != c.code {
				t.Errorf("ready %t, %q, trouble %q", o.Ready, o.Detail, code)
			}
		})
	}
}

// TestRatingsByGateway: with the Gateway API the chart has a Gateway and routes
// in the place of the Ingress, and nothing keeps the data plane from the pods.
func TestRatingsByGateway(t *testing.T) {
	objects := rendered(t, "ingress: {kind: Gateway, className: nginx, host: ratings.contoso.test, tls: {enabled: true}, annotations: {a/b: c}}")
	if objects["Ingress shop-ratings"] != "" {
		t.Error("there is an Ingress, too")
	}
	g := parsed(t, objects["Gateway shop-ratings"])
	listeners, _, _ := unstructured.NestedSlice(g.Object, "spec", "listeners")
	if text := fmt.Sprint(listeners); len(listeners) != 2 || !strings.Contains(text, "certificateRefs:[map[group: kind:Secret name:shop-ratings-tls]]") || !strings.Contains(text, "hostname:ratings.contoso.test") {
		t.Errorf("listeners %s", text)
	}
	if a, _, _ := unstructured.NestedString(g.Object, "spec", "infrastructure", "annotations", "a/b"); a != "c" || objects["Secret shop-ratings-tls"] == "" {
		t.Errorf("annotations %q, or no certificate", a)
	}
	if r := objects["HTTPRoute shop-ratings"]; !strings.Contains(r, "sectionName: https") || !strings.Contains(r, "name: shop-ratings-web, port: 80") {
		t.Errorf("the route:\n%s", r)
	}
	if r := objects["HTTPRoute shop-ratings-redirect"]; !strings.Contains(r, "sectionName: http}") || !strings.Contains(r, "scheme: https") {
		t.Errorf("the redirect:\n%s", r)
	}
	if n := as[networkingv1.NetworkPolicy](t, objects["NetworkPolicy shop-ratings-web"]); len(n.Spec.Ingress) != 1 || len(n.Spec.Ingress[0].From) != 0 {
		t.Errorf("the data plane does not reach the pods: %+v", n.Spec)
	}
	plain := rendered(t, "ingress: {kind: Gateway}")
	if plain["HTTPRoute shop-ratings-redirect"] != "" || strings.Contains(plain["HTTPRoute shop-ratings"], "hostnames") || strings.Contains(plain["Gateway shop-ratings"], "443") {
		t.Errorf("without TLS:\n%s", plain["Gateway shop-ratings"])
	}
	var p *workflows.Problem
	if err := CheckValues(ratings(t), "ingress: {kind: Route}"); !errors.As(err, &p) {
		t.Errorf("%v", err)
	}
}

// define puts definitions on the cluster. Of other objects in the file none is
// made.
func define(t *testing.T, d dynamic.Interface, text []byte) {
	t.Helper()
	crds := d.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	for _, doc := range bytes.Split(text, []byte("\n---\n")) {
		u := parsed(t, string(doc))
		if u.GetKind() != "CustomResourceDefinition" {
			continue
		}
		if _, err := crds.Create(t.Context(), u, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	served := func(u *unstructured.Unstructured) bool {
		o := &seen{}
		err := eye{direct(t), t.Context(), o}.definition(u)
		return err == nil && o.Ready
	}
	eventually(t, func() bool {
		all, err := crds.List(t.Context(), metav1.ListOptions{})
		return err == nil && !slices.ContainsFunc(all.Items, func(u unstructured.Unstructured) bool { return !served(&u) })
	})
}

// detail is how an object of a release is.
func detail(state workflows.ReleaseState, object string) string {
	for _, o := range state.Objects {
		if o.Kind+" "+o.Name == object {
			return o.Detail
		}
	}
	return "nothing"
}

// TestGatewayOnACluster: the controller's chart, and then the application with
// its Gateway, are waited for until they are accepted and have an address; a
// second time nothing changes; a route that leads nowhere is told.
func TestGatewayOnACluster(t *testing.T) {
	c, k := opened(t), direct(t)
	withDisks(t, k)
	d, err := dynamic.NewForConfig(settings(t))
	if err != nil {
		t.Fatal(err)
	}
	define(t, d, releases.GatewayAPI)
	library, err := sandboxcharts.Open()
	if err != nil {
		t.Fatal(err)
	}
	archive, file, _ := library.Archive("nginx-gateway-fabric")
	fabric, err := Read(archive, workflows.ChartSource{Kind: workflows.ChartUploaded, Name: file})
	if err != nil {
		t.Fatal(err)
	}
	state, log := install(t, c, workflows.ReleaseSpec{Name: "gateway", Namespace: "gateways", Chart: fabric, Values: "nginx: {replicas: 2, service: {externalTrafficPolicy: Cluster}}"})
	if said := detail(state, "GatewayClass nginx"); said != "accepted by gateway.nginx.org/nginx-gateway-controller" {
		t.Errorf("of the class it says %q:\n%s", said, log)
	}
	spec := workflows.ReleaseSpec{Name: "fruit", Namespace: "fruits", Chart: ratings(t), Values: "{ingress: {kind: Gateway, host: fruit.contoso.test, tls: {enabled: true}, annotations: {a/b: c}}, mongodb: {storage: {className: managed-premium}}}"}
	state, log = install(t, c, spec)
	for object, want := range map[string]string{"Gateway fruit-ratings": "programmed, external address 127.", "HTTPRoute fruit-ratings": "accepted by the Gateway fruit-ratings", "HTTPRoute fruit-ratings-redirect": "accepted by"} {
		if said := detail(state, object); !strings.HasPrefix(said, want) {
			t.Errorf("of %s it says %q:\n%s", object, said, log)
		}
	}
	if again, log := install(t, c, spec); again.Changed {
		t.Errorf("a second time it changed something:\n%s", log)
	}
	s, err := k.CoreV1().Services("fruits").Get(t.Context(), "fruit-ratings-nginx", metav1.GetOptions{})
	if err != nil || s.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyCluster || s.Annotations["a/b"] != "c" {
		t.Errorf("the entrance: %+v, %v", s, err)
	}
	lost := chartOf(t, map[string]string{"templates/route.yaml": "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: lost}\nspec: {parentRefs: [{name: fruit-ratings}], hostnames: [fruit.contoso.test], rules: [{backendRefs: [{name: none, port: 80}]}]}\n"})
	var p *workflows.Problem
	if _, err := c.Install(t.Context(), workflows.ReleaseSpec{Name: "lost", Namespace: "fruits", Chart: lost}, &told{}); !errors.As(err, &p) || p.Code != "gateway.route" || !strings.Contains(p.Why, "BackendNotFound") {
		t.Errorf("a route to nowhere: %v", err)
	}
}
