package trafficmanager

import (
	"fmt"
	"net/netip"
	"strings"
)

// deepest is how many profiles may stand below each other.
const deepest = 10

// refusal is why a profile is not taken; the zero one takes it. Its code is
// BadRequest where it is empty.
type refusal struct{ code, text string }

func notEmulated(format string, args ...any) refusal {
	return refusal{"NotEmulated", "The sandbox does not play this: " + fmt.Sprintf(format, args...)}
}

// examine finds what the profile's endpoints lead to, and says what Azure would
// refuse in it.
func (s *Service) examine(p *profile) refusal {
	for _, e := range p.Properties.Endpoints {
		if e == nil {
			return refusal{text: "Each endpoint needs a name."}
		}
		if r := s.find(p, e); r.text != "" {
			return r
		}
	}
	if text := p.check(); text != "" {
		return refusal{text: text}
	}
	return refusal{text: s.checkNesting(p)}
}

// find fills in the target of an endpoint that leads to something in Azure.
func (s *Service) find(p *profile, e *endpoint) refusal {
	d := &e.Properties
	switch {
	case e.kind() == "":
		return refusal{text: fmt.Sprintf("The type '%s' of the endpoint '%s' is not valid.", e.Type, e.Name)}
	case d.MinChildEndpointsIPv4 != nil || d.MinChildEndpointsIPv6 != nil:
		return notEmulated("minChildEndpointsIPv4 and minChildEndpointsIPv6 of the endpoint '%s'.", e.Name)
	case e.kind() == external:
		return refusal{}
	case d.TargetResourceID == "":
		return refusal{text: fmt.Sprintf("The targetResourceId of the endpoint '%s' is required.", e.Name)}
	case e.kind() == nested:
		return s.findProfile(p, e)
	}
	return s.findAddress(p, e)
}

func (s *Service) findProfile(p *profile, e *endpoint) refusal {
	d := &e.Properties
	if !strings.Contains(strings.ToLower(d.TargetResourceID), "/providers/"+strings.ToLower(profileType)+"/") {
		return refusal{text: fmt.Sprintf("The targetResourceId of the nested endpoint '%s' is not a Traffic Manager profile.", e.Name)}
	}
	if strings.EqualFold(d.TargetResourceID, p.ID) {
		return refusal{text: loop(e.Name)}
	}
	child := s.load(d.TargetResourceID)
	if child == nil {
		return refusal{text: fmt.Sprintf("The resource '%s' of the endpoint '%s' was not found.", d.TargetResourceID, e.Name)}
	}
	d.Target = child.Properties.DNSConfig.FQDN
	return refusal{}
}

func (s *Service) findAddress(p *profile, e *endpoint) refusal {
	d := &e.Properties
	if !strings.Contains(strings.ToLower(d.TargetResourceID), "/providers/microsoft.network/publicipaddresses/") || s.cfg.PublicIP == nil {
		return notEmulated("Azure endpoints that lead to anything but a public IP address, such as '%s'.", d.TargetResourceID)
	}
	fqdn, address, region, ok := s.cfg.PublicIP(d.TargetResourceID)
	switch {
	case !ok:
		return refusal{text: fmt.Sprintf("The resource '%s' of the endpoint '%s' was not found.", d.TargetResourceID, e.Name)}
	case fqdn == "":
		return refusal{text: fmt.Sprintf("The public IP address of the endpoint '%s' has no DNS name. It needs one to be an Azure endpoint.", e.Name)}
	}
	for _, other := range p.Properties.Endpoints {
		if other != nil && other.kind() == external && other.Properties.Target == address {
			return refusal{text: fmt.Sprintf("The endpoint target '%s' is used more than once, as an Azure and as an external endpoint.", address)}
		}
	}
	d.Target, d.EndpointLocation = fqdn, region
	return refusal{}
}

func loop(endpoint string) string {
	return fmt.Sprintf("The nested endpoint '%s' makes a loop: a profile cannot be below itself.", endpoint)
}

// checkNesting says what is wrong with how the profiles hang together with p.
func (s *Service) checkNesting(p *profile) string {
	all := map[string]*profile{}
	for _, other := range s.profiles("") {
		all[strings.ToLower(other.ID)] = other
	}
	me := strings.ToLower(p.ID)
	all[me] = p
	for _, e := range p.Properties.Endpoints {
		if e.kind() == nested && below(all, strings.ToLower(e.Properties.TargetResourceID), me, 0) {
			return loop(e.Name)
		}
	}
	for id := range all {
		if depth(all, id, 0) > deepest {
			return fmt.Sprintf("Profiles cannot be nested more than %d levels deep.", deepest)
		}
	}
	return ""
}

// below says whether a profile is id or stands below it.
func below(all map[string]*profile, id, what string, level int) bool {
	if id == what {
		return true
	}
	for _, child := range children(all[id], level) {
		if below(all, child, what, level+1) {
			return true
		}
	}
	return false
}

// depth is how many profiles stand below each other from id on.
func depth(all map[string]*profile, id string, level int) int {
	most := 0
	for _, child := range children(all[id], level) {
		most = max(most, depth(all, child, level+1))
	}
	return most + 1
}

// children are the ids of the profiles right below p. Beyond what can be they
// are not asked for.
func children(p *profile, level int) (out []string) {
	if p == nil || level > deepest {
		return nil
	}
	for _, e := range p.Properties.Endpoints {
		if e.kind() == nested {
			out = append(out, strings.ToLower(e.Properties.TargetResourceID))
		}
	}
	return out
}

// parent is a profile that has id below it, nil when none has.
func (s *Service) parent(id string) *profile {
	for _, p := range s.profiles("") {
		for _, child := range children(p, 0) {
			if child == strings.ToLower(id) {
				return p
			}
		}
	}
	return nil
}

// nestedStatus is the health of an endpoint that leads to a profile: enough of
// its endpoints have to be well.
func (s *Service) nestedStatus(e *endpoint) string {
	child := s.load(e.Properties.TargetResourceID)
	if child == nil {
		return inactive
	}
	s.show(child)
	well, unknown, there := int64(0), int64(0), false
	for _, c := range child.Properties.Endpoints {
		switch c.Properties.EndpointMonitorStatus {
		case online, unmonitored:
			well++
		case checking:
			unknown++
		case degraded:
		default:
			continue
		}
		there = true
	}
	switch needed := *e.Properties.MinChildEndpoints; {
	case !there:
		return inactive
	case well >= needed:
		return online
	case well+unknown >= needed:
		return checking
	}
	return degraded
}

// targets are what a profile answers to a client. Behind a nested endpoint the
// profile there chooses.
func (s *Service) targets(p *profile, client netip.Addr) (out []string) {
	s.show(p)
	for _, e := range p.choose(client) {
		if e.kind() != nested {
			out = append(out, e.Properties.Target)
		} else if child := s.load(e.Properties.TargetResourceID); child != nil {
			out = append(out, s.targets(child, client)...)
		}
	}
	return out
}
