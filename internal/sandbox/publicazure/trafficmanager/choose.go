package trafficmanager

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
)

// Choice is what the name servers say for a name.
type Choice struct {
	Targets []string // addresses or one host name; none: the name exists and leads nowhere
	TTL     uint32   // seconds
}

// Resolve answers for <name>.trafficmanager.net, asked by somebody at an
// address. ok is false when there is no such name, or its profile is disabled.
func (s *Service) Resolve(fqdn string, client netip.Addr) (c Choice, ok bool) {
	name, ours := strings.CutSuffix(strings.ToLower(strings.TrimSuffix(fqdn, ".")), suffix)
	if !ours {
		return Choice{}, false
	}
	p := s.named(name)
	if p == nil || p.Properties.ProfileStatus == disabled {
		return Choice{}, false
	}
	c.TTL = uint32(*p.Properties.DNSConfig.TTL)
	c.Targets = s.targets(p, client)
	return c, true
}

// candidates are the endpoints that may be answered: healthy ones, or all that
// are enabled when none is.
func (p *profile) candidates() []*endpoint {
	var healthy, all []*endpoint
	for _, e := range p.Properties.Endpoints {
		switch e.Properties.EndpointMonitorStatus {
		case online, checking, unmonitored:
			healthy = append(healthy, e)
			all = append(all, e)
		case degraded:
			all = append(all, e)
		}
	}
	if len(healthy) > 0 {
		return healthy
	}
	return all
}

func (p *profile) choose(client netip.Addr) []*endpoint {
	from := p.candidates()
	if len(from) == 0 {
		return nil
	}
	switch p.Properties.TrafficRoutingMethod {
	case "MultiValue":
		rand.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
		return from[:min(len(from), int(*p.Properties.MaxReturn))]
	case "Geographic":
		return mapped(p.Properties.Endpoints, from, client)
	case "Subnet":
		return inSubnet(from, client)
	case "Priority":
		return []*endpoint{slices.MinFunc(from, func(a, b *endpoint) int { return int(*a.Properties.Priority - *b.Properties.Priority) })}
	case "Performance":
		return []*endpoint{nearest(from, client)}
	}
	return []*endpoint{weighted(from)}
}

func weighted(from []*endpoint) *endpoint {
	sum := int64(0)
	for _, e := range from {
		sum += *e.Properties.Weight
	}
	n := rand.Int64N(sum)
	for _, e := range from {
		if n -= *e.Properties.Weight; n < 0 {
			return e
		}
	}
	return from[len(from)-1]
}

// mapped is the endpoint to which the client's region is mapped, the narrowest
// first. A region belongs to one endpoint, healthy or not.
func mapped(all, from []*endpoint, client netip.Addr) []*endpoint {
	for _, code := range placeOf(client).codes {
		for _, e := range all {
			if !slices.Contains(e.Properties.GeoMapping, code) {
				continue
			}
			if slices.Contains(from, e) || e.Properties.EndpointMonitorStatus == degraded {
				return []*endpoint{e}
			}
		}
	}
	return nil
}

// inSubnet is the endpoint that has the client's network, or the one without
// networks.
func inSubnet(from []*endpoint, client netip.Addr) []*endpoint {
	var rest []*endpoint
	for _, e := range from {
		if len(e.Properties.Subnets) == 0 {
			rest = []*endpoint{e}
		}
		for _, s := range e.Properties.Subnets {
			first, last, err := s.bounds()
			if err == nil && !client.Less(first) && !last.Less(client) {
				return []*endpoint{e}
			}
		}
	}
	return rest
}
