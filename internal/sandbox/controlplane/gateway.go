package controlplane

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

const (
	fabric   = "gateway.nginx.org/nginx-gateway-controller"
	apiMinor = "v1.5." // of the Gateway API that the emulated controller was made for
)

// fabricImage is NGINX Gateway Fabric's own, not that of the NGINX which it starts.
var fabricImage = regexp.MustCompile(`nginx-gateway-fabric[:@]`)

// gateways plays the controller of NGINX Gateway Fabric while its pods are ready: it takes classes of its name, makes a
// Deployment and a Service for each Gateway, and says in statuses what became of them and of routes.
func (c *cloud) gateways(ctx context.Context, work workFunc) {
	version, uid := c.gatewayAPI.bundle()
	if uid == "" {
		return
	}
	live := c.gatewayAPI.live.Load()
	if live == nil {
		work(types.UID(uid), 0, "watching the Gateway API", func() error {
			err := c.gatewayAPI.start(ctx, c.changed)
			if apierrors.IsNotFound(err) {
				return fmt.Errorf("not served yet: %s", err.Error()) // a while after its definitions are there
			}
			return err
		})
		return
	}
	if !c.fabricRuns() {
		return
	}
	p := provider{c, ctx, live, work}
	classes := map[string]gatewayClass{}
	for _, k := range decoded[gatewayClass](live.classes) {
		if k.Spec.ControllerName == fabric {
			classes[k.Name] = k
			p.class(k, version)
		}
	}
	all := decoded[gateway](live.gateways)
	all = slices.DeleteFunc(all, func(g gateway) bool { _, ours := classes[g.Spec.GatewayClassName]; return !ours })
	routes := decoded[httpRoute](live.routes)
	for _, g := range all {
		if g.DeletionTimestamp == nil {
			p.gateway(g, classes[g.Spec.GatewayClassName], routes)
		}
	}
	for _, r := range routes {
		p.route(r, all)
	}
}

func (c *cloud) fabricRuns() bool {
	pods, _ := c.balancer.router.pods.List(labels.Everything())
	return slices.ContainsFunc(pods, func(p *corev1.Pod) bool { return isFabric(p) && podReady(p) })
}

// isFabric says whether something is a pod of the controller.
func isFabric(o any) bool {
	p, ok := o.(*corev1.Pod)
	return ok && slices.ContainsFunc(p.Spec.Containers, func(k corev1.Container) bool { return fabricImage.MatchString(k.Image) })
}

func podReady(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(k corev1.PodCondition) bool {
		return k.Type == corev1.PodReady && k.Status == corev1.ConditionTrue
	})
}

// provider is the controller at one look.
type provider struct {
	*cloud
	ctx  context.Context
	live *gatewayListers
	work workFunc
}

type conditions []metav1.Condition

func (l *conditions) add(generation int64, kind, reason string, ok bool, message string) {
	status := metav1.ConditionTrue
	if !ok {
		status = metav1.ConditionFalse
	}
	*l = append(*l, metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: generation, LastTransitionTime: metav1.Now()})
}

func (p provider) class(k gatewayClass, version string) {
	var list conditions
	list.add(k.Generation, "Accepted", "Accepted", true, "The GatewayClass is accepted")
	if strings.HasPrefix(version, apiMinor) {
		list.add(k.Generation, "SupportedVersion", "SupportedVersion", true, "The Gateway API CRD versions are supported")
	} else {
		list.add(k.Generation, "SupportedVersion", "UnsupportedVersion", false, "The Gateway API CRD versions are not recommended: "+version)
	}
	status := map[string]any{"conditions": list}
	if p.gatewayAPI.statusSame(p.live.classes, "", k.Name, status) {
		return
	}
	p.work(k.UID, statusDelay, "status of GatewayClass "+k.Name, func() error {
		return p.gatewayAPI.writeStatus(p.ctx, p.live.classes, classesGVR, "", k.Name, status)
	})
}

// gateway provides for one Gateway.
func (p provider) gateway(g gateway, k gatewayClass, routes []httpRoute) {
	name := g.Name + "-" + k.Name
	settings := p.settings(k)
	s, err := p.services.Services(g.Namespace).Get(name)
	want := dataPlaneService(g, name, settings)
	if err != nil || !maps.Equal(s.Annotations, want.Annotations) || !reflect.DeepEqual(portsOf(s), portsOf(want)) {
		p.work(g.UID, statusDelay, "data plane of Gateway "+g.Namespace+"/"+g.Name, func() error { return p.provide(want, dataPlane(g, name, settings)) })
		return
	}
	status := map[string]any{}
	var list conditions
	list.add(g.Generation, "Accepted", "Accepted", true, "The Gateway is accepted")
	list.add(g.Generation, "Programmed", "Programmed", true, "The Gateway is programmed")
	listeners, bad := []any{}, 0
	for _, l := range g.Spec.Listeners {
		one := p.listener(g, l, routes)
		listeners = append(listeners, one)
		if !one["conditions"].(conditions).ok() {
			bad++
		}
	}
	if bad > 0 {
		list[0].Reason, list[0].Message = "ListenersNotValid", "The Gateway has at least one listener that is not valid"
	}
	if bad == len(listeners) {
		list = nil
		list.add(g.Generation, "Accepted", "ListenersNotValid", false, "The Gateway has no valid listeners")
		list.add(g.Generation, "Programmed", "Invalid", false, "The Gateway has no valid listeners")
	}
	status["conditions"], status["listeners"] = list, listeners
	if in := s.Status.LoadBalancer.Ingress; len(in) > 0 {
		status["addresses"] = []any{map[string]string{"type": "IPAddress", "value": in[0].IP}}
	}
	if !p.gatewayAPI.statusSame(p.live.gateways, g.Namespace, g.Name, status) {
		p.work(g.UID+"/status", statusDelay, "status of Gateway "+g.Namespace+"/"+g.Name, func() error {
			return p.gatewayAPI.writeStatus(p.ctx, p.live.gateways, gatewaysGVR, g.Namespace, g.Name, status)
		})
	}
}

func (l conditions) ok() bool {
	return !slices.ContainsFunc(l, func(k metav1.Condition) bool { return k.Type != "Conflicted" && k.Status == metav1.ConditionFalse })
}

func (p provider) listener(g gateway, l listener, routes []httpRoute) map[string]any {
	attached := 0
	for _, r := range routes {
		if slices.ContainsFunc(r.Spec.ParentRefs, func(ref parentRef) bool {
			found, _, _ := attach(r, ref, g)
			return slices.ContainsFunc(found, func(o listener) bool { return o.Name == l.Name })
		}) {
			attached++
		}
	}
	var list conditions
	if _, err := p.balancer.router.pair(g, l); l.Protocol == "HTTPS" && err != nil {
		list.add(g.Generation, "Accepted", "InvalidCertificateRef", false, err.Error())
		list.add(g.Generation, "ResolvedRefs", "InvalidCertificateRef", false, err.Error())
		list.add(g.Generation, "Programmed", "Invalid", false, err.Error())
	} else {
		list.add(g.Generation, "Accepted", "Accepted", true, "The Listener is accepted")
		list.add(g.Generation, "ResolvedRefs", "ResolvedRefs", true, "All references are resolved")
		list.add(g.Generation, "Programmed", "Programmed", true, "The Listener is programmed")
	}
	list.add(g.Generation, "Conflicted", "NoConflicts", false, "No conflicts")
	return map[string]any{"name": l.Name, "attachedRoutes": attached, "supportedKinds": []any{map[string]string{"group": gatewayGroup, "kind": "HTTPRoute"}}, "conditions": list}
}

// route says what became of a route at each of its parents that are ours.
func (p provider) route(r httpRoute, all []gateway) {
	parents := []any{}
	for _, ref := range r.Spec.ParentRefs {
		i := slices.IndexFunc(all, func(g gateway) bool { return ref.isOf(r, g) })
		if i < 0 {
			continue
		}
		var list conditions
		_, reason, message := attach(r, ref, all[i])
		list.add(r.Generation, "Accepted", reason, reason == "Accepted", message)
		if missing := p.missing(r); missing == "" {
			list.add(r.Generation, "ResolvedRefs", "ResolvedRefs", true, "All references are resolved")
		} else {
			list.add(r.Generation, "ResolvedRefs", "BackendNotFound", false, missing)
		}
		parents = append(parents, map[string]any{"parentRef": ref, "controllerName": fabric, "conditions": list})
	}
	status := map[string]any{"parents": parents}
	if len(parents) == 0 || p.gatewayAPI.statusSame(p.live.routes, r.Namespace, r.Name, status) {
		return
	}
	p.work(r.UID, statusDelay, "status of HTTPRoute "+r.Namespace+"/"+r.Name, func() error {
		return p.gatewayAPI.writeStatus(p.ctx, p.live.routes, routesGVR, r.Namespace, r.Name, status)
	})
}

// missing is the first backend of a route that is not there.
func (p provider) missing(r httpRoute) string {
	for _, rule := range r.Spec.Rules {
		for _, b := range rule.BackendRefs {
			s, err := p.services.Services(r.Namespace).Get(b.Name)
			if err != nil || b.Namespace != "" && b.Namespace != r.Namespace {
				return fmt.Sprintf("spec.rules[0].backendRefs[0].name: Not found: %q", b.Name)
			}
			if !slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == b.Port }) {
				return fmt.Sprintf("no matching port for Service %s and port %d", b.Name, b.Port)
			}
		}
	}
	return ""
}

// settings of the data plane, as the chart writes them into the NginxProxy of its class.
type settings struct {
	Replicas *int32
	Policy   corev1.ServiceExternalTrafficPolicy
	Image    string
}

func (p provider) settings(k gatewayClass) settings {
	out := settings{Policy: corev1.ServiceExternalTrafficPolicyLocal, Image: "ghcr.io/nginx/nginx-gateway-fabric/nginx:2.6.7"}
	ref := k.Spec.ParametersRef
	if ref == nil {
		return out
	}
	u, err := p.gatewayAPI.client.Resource(proxiesGVR).Namespace(ref.Namespace).Get(p.ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		return out
	}
	if n, ok, _ := unstructured.NestedInt64(u.Object, "spec", "kubernetes", "deployment", "replicas"); ok {
		few := int32(n)
		out.Replicas = &few
	}
	if policy, ok, _ := unstructured.NestedString(u.Object, "spec", "kubernetes", "service", "externalTrafficPolicy"); ok {
		out.Policy = corev1.ServiceExternalTrafficPolicy(policy)
	}
	return out
}

func (p provider) provide(s *corev1.Service, d *appsv1.Deployment) error {
	if _, err := p.client.AppsV1().Deployments(d.Namespace).Create(p.ctx, d, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	have, err := p.client.CoreV1().Services(s.Namespace).Get(p.ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = p.client.CoreV1().Services(s.Namespace).Create(p.ctx, s, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	have.Annotations, have.Spec.Ports, have.Spec.ExternalTrafficPolicy = s.Annotations, s.Spec.Ports, s.Spec.ExternalTrafficPolicy
	_, err = p.client.CoreV1().Services(s.Namespace).Update(p.ctx, have, metav1.UpdateOptions{})
	return err
}

func dataPlaneMeta(g gateway, name string) (metav1.ObjectMeta, map[string]string) {
	selector := map[string]string{"app.kubernetes.io/name": name, gatewayLabel: g.Name, "app.kubernetes.io/managed-by": "nginx-gateway-fabric-nginx"}
	all := maps.Clone(selector)
	maps.Copy(all, g.Spec.Infrastructure.Labels)
	yes := true
	return metav1.ObjectMeta{
		Namespace: g.Namespace, Name: name, Labels: all, Annotations: maps.Clone(g.Spec.Infrastructure.Annotations),
		OwnerReferences: []metav1.OwnerReference{{APIVersion: gatewayGroup + "/v1", Kind: "Gateway", Name: g.Name, UID: g.UID, Controller: &yes, BlockOwnerDeletion: &yes}},
	}, selector
}

func dataPlaneService(g gateway, name string, with settings) *corev1.Service {
	meta, selector := dataPlaneMeta(g, name)
	s := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Selector: selector, ExternalTrafficPolicy: with.Policy}}
	for _, l := range g.Spec.Listeners {
		port := corev1.ServicePort{Name: fmt.Sprintf("port-%d", l.Port), Port: l.Port, Protocol: corev1.ProtocolTCP}
		if !slices.ContainsFunc(s.Spec.Ports, func(o corev1.ServicePort) bool { return o.Port == port.Port }) {
			s.Spec.Ports = append(s.Spec.Ports, port)
		}
	}
	return s
}

func portsOf(s *corev1.Service) []int32 {
	var out []int32
	for _, p := range s.Spec.Ports {
		out = append(out, p.Port)
	}
	return out
}

func dataPlane(g gateway, name string, with settings) *appsv1.Deployment {
	meta, selector := dataPlaneMeta(g, name)
	return &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
		Replicas: with.Replicas, Selector: &metav1.LabelSelector{MatchLabels: selector},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: meta.Labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "nginx", Image: with.Image}}},
		},
	}}
}

// isOf says whether a route names a Gateway as its parent.
func (ref parentRef) isOf(r httpRoute, g gateway) bool {
	namespace := ref.Namespace
	if namespace == "" {
		namespace = r.Namespace
	}
	return (ref.Kind == "" || ref.Kind == "Gateway") && namespace == g.Namespace && ref.Name == g.Name
}

// attach finds the listeners of a Gateway that take a route by one of its references, or says why none does.
func attach(r httpRoute, ref parentRef, g gateway) (found []listener, reason, message string) {
	if !ref.isOf(r, g) {
		return nil, "", ""
	}
	reason, message = "NoMatchingParent", "The listener is not found for this parent ref"
	for _, l := range g.Spec.Listeners {
		if ref.SectionName != "" && ref.SectionName != l.Name || ref.Port != 0 && ref.Port != l.Port {
			continue
		}
		switch {
		case r.Namespace != g.Namespace && l.AllowedRoutes.Namespaces.From != "All":
			if len(found) == 0 {
				reason, message = "NotAllowedByListeners", "The Route is not allowed by any listener"
			}
		case l.Hostname != "" && len(r.Spec.Hostnames) > 0 && !slices.ContainsFunc(r.Spec.Hostnames, func(h string) bool { return hostFits(l.Hostname, h) || hostFits(h, l.Hostname) }):
			if len(found) == 0 {
				reason, message = "NoMatchingListenerHostname", "The Listener hostname does not match the Route hostnames"
			}
		default:
			found = append(found, l)
			reason, message = "Accepted", "The Route is accepted"
		}
	}
	return found, reason, message
}

// pair is the certificate of a listener.
func (r *router) pair(g gateway, l listener) (*tls.Certificate, error) {
	for _, ref := range l.TLS.CertificateRefs {
		if ref.Namespace != "" && ref.Namespace != g.Namespace {
			return nil, fmt.Errorf("the Secret %s/%s is in another namespace, and no ReferenceGrant permits it", ref.Namespace, ref.Name)
		}
		secret, err := r.secrets.Secrets(g.Namespace).Get(ref.Name)
		if err != nil {
			return nil, fmt.Errorf("tls.certificateRefs[0]: Not found: \"%s/%s\"", g.Namespace, ref.Name)
		}
		pair, err := tls.X509KeyPair(secret.Data["tls.crt"], secret.Data["tls.key"])
		if err != nil {
			return nil, fmt.Errorf("the Secret %s/%s holds no certificate with its key", g.Namespace, ref.Name)
		}
		return &pair, nil
	}
	return nil, fmt.Errorf("tls.certificateRefs: the listener %s has none", l.Name)
}

// changes is what tells the cloud that something is new, and nothing more.
func changes(tell func()) cache.ResourceEventHandlerFuncs {
	return cache.ResourceEventHandlerFuncs{AddFunc: func(any) { tell() }, UpdateFunc: func(any, any) { tell() }, DeleteFunc: func(any) { tell() }}
}
