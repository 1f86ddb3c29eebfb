package controlplane

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// gatewayOf is the Gateway for which a Service was made, with the routes of the cluster.
func (r *router) gatewayOf(s *corev1.Service) (gateway, []httpRoute, bool) {
	name := s.Labels[gatewayLabel]
	live := r.gatewayAPI.live.Load()
	if name == "" || live == nil {
		return gateway{}, nil, false
	}
	all := decoded[gateway](live.gateways)
	i := slices.IndexFunc(all, func(g gateway) bool { return g.Namespace == s.Namespace && g.Name == name })
	if i < 0 {
		return gateway{}, nil, false
	}
	return all[i], decoded[httpRoute](live.routes), true
}

// listens is the listener of a Gateway for a port and a host: the most exact one, as browsers mean it.
func (g gateway) listens(port int32, host string) (listener, bool) {
	var best listener
	found := false
	for _, l := range g.Spec.Listeners {
		if l.Port == port && hostFits(l.Hostname, host) && (!found || exactness(l.Hostname) > exactness(best.Hostname)) {
			best, found = l, true
		}
	}
	return best, found
}

// exactness orders host names of rules: none, with a wildcard, whole.
func exactness(host string) int {
	switch {
	case host == "":
		return 0
	case strings.HasPrefix(host, "*."):
		return 1
	}
	return 2
}

// byRoutes is what the data plane of a Gateway does with a request.
func (r *router) byRoutes(w http.ResponseWriter, req *http.Request, port int32, g gateway, routes []httpRoute) {
	host := req.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	l, ok := g.listens(port, strings.ToLower(host))
	if !ok {
		http.Error(w, "404 Not Found", http.StatusNotFound)
		return
	}
	route, rule := ruleFor(g, l, routes, strings.ToLower(host), req.URL.Path)
	if rule == nil {
		http.Error(w, "404 Not Found", http.StatusNotFound)
		return
	}
	for _, f := range rule.Filters {
		if to := f.RequestRedirect; to != nil {
			scheme := cmp.Or(to.Scheme, map[bool]string{true: "https", false: "http"}[req.TLS != nil])
			at := cmp.Or(to.Hostname, host)
			if to.Port != 0 && to.Port != map[string]int{"http": 80, "https": 443}[scheme] {
				at = net.JoinHostPort(at, strconv.Itoa(to.Port))
			}
			http.Redirect(w, req, scheme+"://"+at+req.URL.RequestURI(), cmp.Or(to.StatusCode, http.StatusFound))
			return
		}
	}
	b, ok := r.turnOf(rule.BackendRefs)
	if !ok {
		http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
		return
	}
	to, err := r.services.Services(route.Namespace).Get(b.Name)
	if err != nil || b.Namespace != "" && b.Namespace != route.Namespace {
		http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
		return
	}
	r.serve(w, req, to, b.Port)
}

// turnOf chooses among backends by their weights.
func (r *router) turnOf(all []backendRef) (backendRef, bool) {
	var round []backendRef
	for _, b := range all {
		n := 1
		if b.Weight != nil {
			n = min(*b.Weight, 100)
		}
		for range n {
			round = append(round, b)
		}
	}
	if len(round) == 0 {
		return backendRef{}, false
	}
	return round[r.choice.Add(1)%uint64(len(round))], true
}

// ruleFor is the rule of the routes at a listener that fits best: by its host, then by its path.
func ruleFor(g gateway, l listener, routes []httpRoute, host, path string) (httpRoute, *routeRule) {
	var best httpRoute
	var chosen *routeRule
	score := [3]int{-1}
	for _, route := range routes {
		if !slices.ContainsFunc(route.Spec.ParentRefs, func(ref parentRef) bool {
			at, _, _ := attach(route, ref, g)
			return slices.ContainsFunc(at, func(o listener) bool { return o.Name == l.Name })
		}) {
			continue
		}
		exact := -1
		for _, h := range route.Spec.Hostnames {
			if hostFits(h, host) {
				exact = max(exact, exactness(h))
			}
		}
		if len(route.Spec.Hostnames) == 0 {
			exact = 0
		}
		for i := range route.Spec.Rules {
			rule := &route.Spec.Rules[i]
			whole, length := rule.fits(path)
			now := [3]int{exact, whole, length}
			if exact >= 0 && length >= 0 && slices.Compare(now[:], score[:]) > 0 {
				best, chosen, score = route, rule, now
			}
		}
	}
	return best, chosen
}

// fits says how well a rule fits a path: whether as a whole, and how much of it; -1 stands for not at all.
func (rule *routeRule) fits(path string) (whole, length int) {
	length = -1
	if len(rule.Matches) == 0 {
		return 0, 0
	}
	for _, m := range rule.Matches {
		value := cmp.Or(m.Path.Value, "/")
		prefix := strings.TrimSuffix(value, "/")
		switch {
		case m.Path.Type == "Exact":
			if path == value {
				return 1, len(value)
			}
		case path == prefix || strings.HasPrefix(path, prefix+"/"):
			length = max(length, len(value))
		}
	}
	return 0, length
}

// gatewayCertificate is what the data plane of a Gateway shows for a name. Whom no listener is for gets no handshake.
func (r *router) gatewayCertificate(g gateway, name string) (*tls.Certificate, error) {
	l, ok := g.listens(443, name)
	if !ok {
		return nil, fmt.Errorf("no listener is for %s", name)
	}
	return r.pair(g, l)
}
