package azure

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	w "hubwright/workflows"
)

// Front is the one name of a Deployment as a user meets it.
type Front struct {
	visitor *Visitor
	profile w.TrafficProfile
	targets map[string]string // Site by address and by name
}

// Front opens the name of a Deployment. ErrNotFound says that it has none.
func (r *Rotation) Front(ctx context.Context, deploymentID string) (*Front, error) {
	p, err := r.records.TrafficProfile(ctx, deploymentID)
	if err != nil {
		return nil, err
	}
	v, err := r.visitor(ctx, p)
	if err != nil {
		return nil, err
	}
	f := &Front{visitor: v, profile: p, targets: map[string]string{}}
	for _, e := range p.Endpoints {
		f.targets[strings.ToLower(e.Target)] = e.SiteID
		if _, err := netip.ParseAddr(e.Target); err == nil {
			continue
		}
		addresses, _, err := v.Lookup(ctx, e.Target)
		if err != nil && p.Kind == w.TrafficAzure {
			return nil, err
		}
		for _, a := range addresses {
			f.targets[a] = e.SiteID
		}
	}
	return f, nil
}

// visitor travels as the Connection says; with an own load balancer as the
// first Site's Stack does.
func (r *Rotation) visitor(ctx context.Context, p w.TrafficProfile) (*Visitor, error) {
	if p.Kind == w.TrafficAzure {
		c, err := r.records.Connection(ctx, p.ConnectionID)
		if err != nil {
			return nil, err
		}
		return NewVisitor(c.CABundle, c.HTTPSProxy, c.DNSServer)
	}
	sites, err := r.records.Sites(ctx, p.DeploymentID)
	if err != nil || len(sites) == 0 {
		return nil, cmp.Or(err, w.ErrNotFound)
	}
	st, err := r.records.Stack(ctx, sites[0].StackID)
	if err != nil {
		return nil, err
	}
	return NewVisitor(st.CABundle, st.HTTPSProxy, "")
}

// Where asks for the name once and answers the Sites that it leads to. No Site
// with a nil error: it leads to something that is no Site, such as an own load
// balancer.
func (f *Front) Where(ctx context.Context) (siteIDs []string, err error) {
	addresses, alias, err := f.visitor.Lookup(ctx, f.profile.FQDN)
	if err != nil {
		return nil, err
	}
	if site, ok := f.targets[alias]; ok {
		return []string{site}, nil
	}
	for _, a := range addresses {
		if site, ok := f.targets[a]; ok && !slices.Contains(siteIDs, site) {
			siteIDs = append(siteIDs, site)
		}
	}
	return siteIDs, nil
}

// Visit asks for the application's page once by the name, as a user would, and
// answers the HTTP status.
func (f *Front) Visit(ctx context.Context) (status int, err error) {
	return f.visitor.Get(ctx, linkTo(f.profile.FQDN, f.profile.Probe), f.profile.Probe.Host)
}

func linkTo(host string, p w.TrafficProbe) string {
	scheme, usual := "http", 80
	if p.Protocol == "HTTPS" {
		scheme, usual = "https", 443
	}
	if p.Port != usual {
		host = fmt.Sprintf("%s:%d", host, p.Port)
	}
	return scheme + "://" + host + cmp.Or(p.Path, "/")
}
