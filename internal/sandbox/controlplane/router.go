package controlplane

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
)

// router is the data plane in front of a cluster: it answers for Services of type LoadBalancer as their pods would. A
// Service whose pods are an ingress controller is routed by the cluster's live Ingress objects, one that was made for a
// Gateway by its live HTTPRoutes.
type router struct {
	services  corelisters.ServiceLister
	pods      corelisters.PodLister
	secrets   corelisters.SecretLister
	slices    discoverylisters.EndpointSliceLister
	ingresses networkinglisters.IngressLister
	classes   networkinglisters.IngressClassLister

	gatewayAPI *gatewayAPI

	load         *load
	turn, choice atomic.Uint64
}

func newRouter(f informers.SharedInformerFactory, l *load, g *gatewayAPI) *router {
	return &router{
		services: f.Core().V1().Services().Lister(), pods: f.Core().V1().Pods().Lister(), secrets: f.Core().V1().Secrets().Lister(),
		slices: f.Discovery().V1().EndpointSlices().Lister(), ingresses: f.Networking().V1().Ingresses().Lister(),
		classes: f.Networking().V1().IngressClasses().Lister(), load: l, gatewayAPI: g,
	}
}

// handler answers on one port of a Service.
func (r *router) handler(namespace, name string, port int32) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s, err := r.services.Services(namespace).Get(name)
		if err != nil || len(r.ready(s.Namespace, s.Name)) == 0 {
			panic(http.ErrAbortHandler) // nobody behind the load balancer takes the connection
		}
		if g, routes, ok := r.gatewayOf(s); ok {
			r.byRoutes(w, req, port, g, routes)
			return
		}
		if r.isController(s) {
			r.route(w, req, s)
			return
		}
		r.serve(w, req, s, port)
	})
}

// ready are the pods that take a Service's connections.
func (r *router) ready(namespace, service string) []string {
	found, _ := r.slices.EndpointSlices(namespace).List(labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: service}))
	var out []string
	for _, slice := range found {
		for _, e := range slice.Endpoints {
			if e.TargetRef != nil && (e.Conditions.Ready == nil || *e.Conditions.Ready) {
				out = append(out, e.TargetRef.Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// isController says whether the pods of a Service are an ingress controller, which shows in their image's name.
func (r *router) isController(s *corev1.Service) bool {
	if len(s.Spec.Selector) == 0 {
		return false
	}
	pods, _ := r.pods.Pods(s.Namespace).List(labels.SelectorFromSet(s.Spec.Selector))
	return slices.ContainsFunc(pods, func(p *corev1.Pod) bool {
		return slices.ContainsFunc(p.Spec.Containers, func(c corev1.Container) bool { return strings.Contains(c.Image, "ingress") })
	})
}

const instanceLabel = "app.kubernetes.io/instance"

// class is the IngressClass that a controller's Service stands for; false when it stands for none.
func (r *router) class(s *corev1.Service) (*networkingv1.IngressClass, bool) {
	all, _ := r.classes.List(labels.Everything())
	for _, c := range all {
		if c.Labels[instanceLabel] == s.Labels[instanceLabel] {
			return c, true
		}
	}
	if len(all) == 1 && all[0].Labels[instanceLabel] == "" {
		return all[0], true
	}
	return nil, false
}

// mine are the Ingresses that a controller's Service serves, in a fixed order.
func (r *router) mine(s *corev1.Service) []*networkingv1.Ingress {
	class, ok := r.class(s)
	if !ok {
		return nil
	}
	standard := class.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true"
	all, _ := r.ingresses.List(labels.Everything())
	all = slices.DeleteFunc(slices.Clone(all), func(i *networkingv1.Ingress) bool {
		if i.Spec.IngressClassName == nil {
			return !standard && i.Annotations["kubernetes.io/ingress.class"] != class.Name
		}
		return *i.Spec.IngressClassName != class.Name
	})
	slices.SortFunc(all, func(a, b *networkingv1.Ingress) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// route is what an ingress controller does with a request.
func (r *router) route(w http.ResponseWriter, req *http.Request, s *corev1.Service) {
	host := req.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ingress, backend := match(r.mine(s), strings.ToLower(host), req.URL.Path)
	if ingress == nil {
		http.Error(w, "default backend - 404", http.StatusNotFound)
		return
	}
	if req.TLS == nil && secured(ingress, host) && !plainAllowed(ingress) {
		class, _ := r.class(s)
		code := http.StatusMovedPermanently
		if class != nil && class.Spec.Controller == "k8s.io/ingress-nginx" {
			code = http.StatusPermanentRedirect
		}
		http.Redirect(w, req, "https://"+req.Host+req.URL.RequestURI(), code)
		return
	}
	if backend == nil || backend.Service == nil {
		http.Error(w, "default backend - 404", http.StatusNotFound)
		return
	}
	to, err := r.services.Services(ingress.Namespace).Get(backend.Service.Name)
	if err != nil {
		http.Error(w, "503 Service Temporarily Unavailable", http.StatusServiceUnavailable)
		return
	}
	r.serve(w, req, to, backend.Service.Port.Number)
}

// match finds the rule for a request: the longest path of a rule for the host, else of a rule without one.
func match(all []*networkingv1.Ingress, host, path string) (*networkingv1.Ingress, *networkingv1.IngressBackend) {
	var best *networkingv1.Ingress
	var backend *networkingv1.IngressBackend
	length := -1
	for _, exact := range []bool{true, false} {
		for _, i := range all {
			for _, rule := range i.Spec.Rules {
				if exact != (rule.Host != "") || !hostFits(rule.Host, host) || rule.HTTP == nil {
					continue
				}
				for k := range rule.HTTP.Paths {
					p := &rule.HTTP.Paths[k]
					if pathFits(p, path) && len(p.Path) > length {
						best, backend, length = i, &p.Backend, len(p.Path)
					}
				}
			}
		}
		if best != nil {
			return best, backend
		}
	}
	for _, i := range all {
		if i.Spec.DefaultBackend != nil {
			return i, i.Spec.DefaultBackend
		}
	}
	return nil, nil
}

func hostFits(rule, host string) bool {
	if rest, ok := strings.CutPrefix(rule, "*."); ok {
		_, parent, _ := strings.Cut(host, ".")
		return strings.EqualFold(parent, rest)
	}
	return rule == "" || strings.EqualFold(rule, host)
}

func pathFits(p *networkingv1.HTTPIngressPath, path string) bool {
	if p.PathType != nil && *p.PathType == networkingv1.PathTypeExact {
		return path == p.Path
	}
	want := strings.TrimSuffix(p.Path, "/")
	return path == want || strings.HasPrefix(path, want+"/")
}

func secured(i *networkingv1.Ingress, host string) bool {
	return slices.ContainsFunc(i.Spec.TLS, func(t networkingv1.IngressTLS) bool {
		return slices.ContainsFunc(t.Hosts, func(h string) bool { return hostFits(h, host) })
	})
}

func plainAllowed(i *networkingv1.Ingress) bool {
	for _, key := range []string{"nginx.org/ssl-redirect", "ingress.kubernetes.io/ssl-redirect", "nginx.ingress.kubernetes.io/ssl-redirect"} {
		if i.Annotations[key] == "false" || i.Annotations[key] == "False" {
			return true
		}
	}
	return false
}

// serve answers as one of a Service's pods, in turn.
func (r *router) serve(w http.ResponseWriter, req *http.Request, s *corev1.Service, port int32) {
	ready := r.ready(s.Namespace, s.Name)
	if len(ready) == 0 {
		http.Error(w, "503 Service Temporarily Unavailable", http.StatusServiceUnavailable)
		return
	}
	r.load.count(s.Namespace, s.Name)
	pod := ready[r.turn.Add(1)%uint64(len(ready))]
	w.Header().Set("X-Served-By", pod)
	w.Header().Set("Cache-Control", "no-store")
	if strings.Contains(req.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"service": s.Namespace + "/" + s.Name, "port": port, "pod": pod, "pods": ready, "path": req.URL.Path})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><title>%[1]s</title><h1>%[1]s</h1><p>Answered by the simulated pod %[2]s, one of %[3]d behind this Service.</p>\n",
		html.EscapeString(s.Name), html.EscapeString(pod), len(ready))
}

// certificate is what a controller shows for a name: the Secret of the Ingress that names it, else the one of last resort.
// A Gateway has no such one.
func (r *router) certificate(namespace, name string, lastResort func() (*tls.Certificate, error)) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if s, err := r.services.Services(namespace).Get(name); err == nil {
			if g, _, ok := r.gatewayOf(s); ok {
				return r.gatewayCertificate(g, hello.ServerName)
			}
			for _, i := range r.mine(s) {
				for _, t := range i.Spec.TLS {
					secret, err := r.secrets.Secrets(i.Namespace).Get(t.SecretName)
					if err != nil || !slices.ContainsFunc(t.Hosts, func(h string) bool { return hostFits(h, hello.ServerName) }) {
						continue
					}
					if pair, err := tls.X509KeyPair(secret.Data["tls.crt"], secret.Data["tls.key"]); err == nil {
						return &pair, nil
					}
				}
			}
		}
		return lastResort()
	}
}
