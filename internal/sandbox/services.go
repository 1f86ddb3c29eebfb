package sandbox

import (
	"context"
	"fmt"
	"slices"
)

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
