package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"hubwright/internal/sandbox/loopback"
	"hubwright/internal/sandbox/proxy"
)

// DialPublic connects to a public address of a cluster's Service, or to its
// public name on the Hub, as the Internet would.
func (w *World) DialPublic(ctx context.Context, host string, port int) (net.Conn, error) {
	if v := w.gate(host, port); v.Status != 0 || v.Drop {
		return nil, fmt.Errorf("%s cannot be reached", host)
	}
	ip := w.publicIP(host)
	if ip == "" {
		return nil, fmt.Errorf("%s: no such name", host)
	}
	at := w.clusters.Front(ip, port)
	if at == "" {
		return nil, fmt.Errorf("%s:%d: connection refused", host, port)
	}
	return loopback.Dial(ctx, "tcp", at)
}

// findPublic leads the door to a public address or name.
func (w *World) findPublic(host string, port int) proxy.Dialer {
	ip := w.publicIP(host)
	if ip == "" || w.clusters == nil || w.clusters.Front(ip, port) == "" {
		return nil
	}
	return func(ctx context.Context) (net.Conn, error) { return w.DialPublic(ctx, host, port) }
}

// publicIP is the address of a public name; an address is its own.
func (w *World) publicIP(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.String()
	}
	for _, s := range w.stamps {
		if label, ok := strings.CutSuffix(host, "."+s.region+".cloudapp."+Domain); ok {
			return s.hub.LabelAddress(label)
		}
	}
	return ""
}

// clusterOf is the Hub and the resource group of a cluster.
func (w *World) clusterOf(id string) (*stamp, string, error) {
	for _, s := range w.stamps {
		for _, m := range s.hub.Machines() {
			if m.IsNode() && clusterID(s, m.Tags["resourceNameSuffix"], m.Group) == id {
				return s, m.Group, nil
			}
		}
	}
	return nil, "", fmt.Errorf("no Hub has the cluster %s", id)
}

// serviceAddress gives a Service of type LoadBalancer its address: a public IP
// of the Hub, with the DNS label that the Service asks for.
func (w *World) serviceAddress(_ context.Context, id, namespace, service, label string) (string, error) {
	s, group, err := w.clusterOf(id)
	if err != nil {
		return "", err
	}
	return s.hub.ServiceAddress(group, id, namespace, service, label)
}

// serviceNews takes back the public IPs of Services that are gone.
func (w *World) serviceNews(id string, there []string) {
	s, group, err := w.clusterOf(id)
	if err != nil {
		return // it is being deleted, and its resources with it
	}
	s.hub.KeepServiceAddresses(group, id, func(service string) bool { return slices.Contains(there, service) })
}
