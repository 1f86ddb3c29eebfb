package trafficmanager

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"hubwright/internal/sandbox/publicazure"
)

var (
	relativeName = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)
	hostName     = regexp.MustCompile(`^([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9]$`)
	methods      = []string{"Performance", "Priority", "Weighted", "Geographic", "MultiValue", "Subnet"}
)

const maxEndpoints = 200

// check says what Azure would refuse in a profile before it is completed; ""
// when nothing.
func (p *profile) check() string {
	d := p.Properties
	switch {
	case p.Location == "":
		return "The location property is required for this definition. It must be 'global'."
	case !strings.EqualFold(p.Location, "global"):
		return fmt.Sprintf("The location '%s' is not valid for a Traffic Manager profile. It must be 'global'.", p.Location)
	case !slices.Contains([]string{"", enabled, disabled}, d.ProfileStatus):
		return fmt.Sprintf("The profileStatus '%s' is not valid. It must be 'Enabled' or 'Disabled'.", d.ProfileStatus)
	case !slices.Contains(methods, d.TrafficRoutingMethod):
		return fmt.Sprintf("The trafficRoutingMethod '%s' is not valid. It must be one of: %s.", d.TrafficRoutingMethod, strings.Join(methods, ", "))
	case !relativeName.MatchString(d.DNSConfig.RelativeName):
		return fmt.Sprintf("The relative DNS name '%s' is not valid. It must have 1 to 63 letters, digits and hyphens, and begin and end with a letter or digit.", d.DNSConfig.RelativeName)
	case outside(d.DNSConfig.TTL, 0, 2147483647):
		return fmt.Sprintf("The dnsConfig ttl %d is out of range. It must be between 0 and 2147483647.", *d.DNSConfig.TTL)
	case d.MaxReturn != nil && outside(d.MaxReturn, 1, 8):
		return fmt.Sprintf("The maxReturn %d is out of range. It must be between 1 and 8.", *d.MaxReturn)
	case d.MaxReturn != nil && d.TrafficRoutingMethod != "MultiValue":
		return "maxReturn can only be set with the trafficRoutingMethod 'MultiValue'."
	case d.TrafficRoutingMethod == "MultiValue" && d.MaxReturn == nil:
		return "maxReturn is required with the trafficRoutingMethod 'MultiValue'."
	case len(d.Endpoints) > maxEndpoints:
		return fmt.Sprintf("A profile can have at most %d endpoints.", maxEndpoints)
	}
	if e := d.MonitorConfig.check(); e != "" {
		return e
	}
	return p.checkEndpoints()
}

func outside(v *int64, low, high int64) bool { return v != nil && (*v < low || *v > high) }

func (m monitor) check() string {
	interval := int64(30)
	if m.IntervalInSeconds != nil {
		interval = *m.IntervalInSeconds
	}
	longest := int64(10)
	if interval == 10 {
		longest = 9
	}
	path := ""
	if m.Path != nil {
		path = *m.Path
	}
	switch {
	case !slices.Contains([]string{"", "HTTP", "HTTPS", "TCP"}, m.Protocol):
		return fmt.Sprintf("The monitorConfig protocol '%s' is not valid. It must be HTTP, HTTPS or TCP.", m.Protocol)
	case outside(m.Port, 1, 65535):
		return fmt.Sprintf("The monitorConfig port %d is out of range. It must be between 1 and 65535.", *m.Port)
	case m.Protocol == "TCP" && path != "":
		return "The monitorConfig path must not be set with the protocol TCP."
	case m.Protocol != "TCP" && path == "":
		return "The monitorConfig path is required with the protocols HTTP and HTTPS."
	case m.Protocol != "TCP" && !strings.HasPrefix(path, "/"):
		return fmt.Sprintf("The monitorConfig path '%s' is not valid. It must begin with '/'.", path)
	case interval != 30 && interval != 10:
		return fmt.Sprintf("The monitorConfig intervalInSeconds %d is not valid. It must be 30 or 10.", interval)
	case outside(m.TimeoutInSeconds, 5, longest):
		return fmt.Sprintf("The monitorConfig timeoutInSeconds %d is out of range. With an interval of %d it must be between 5 and %d.", *m.TimeoutInSeconds, interval, longest)
	case outside(m.ToleratedNumberOfFailures, 0, 9):
		return fmt.Sprintf("The monitorConfig toleratedNumberOfFailures %d is out of range. It must be between 0 and 9.", *m.ToleratedNumberOfFailures)
	case len(m.CustomHeaders) > 8:
		return "The monitorConfig can have at most 8 customHeaders."
	case len(m.ExpectedStatusCodeRanges) > 8:
		return "The monitorConfig can have at most 8 expectedStatusCodeRanges."
	}
	for _, r := range m.ExpectedStatusCodeRanges {
		if r.Min < 100 || r.Max > 999 || r.Min > r.Max {
			return fmt.Sprintf("The expected status code range %d-%d is not valid.", r.Min, r.Max)
		}
	}
	return ""
}

func (p *profile) checkEndpoints() string {
	names, targets, priorities, geo := map[string]bool{}, map[string]bool{}, map[int64]bool{}, map[string]string{}
	given := 0
	addresses, hosts := 0, 0
	for _, e := range p.Properties.Endpoints {
		if e == nil || e.Name == "" {
			return "Each endpoint needs a name."
		}
		if text := e.check(p.Properties.TrafficRoutingMethod); text != "" {
			return text
		}
		name, target := strings.ToLower(e.Name), strings.ToLower(e.Properties.Target)
		switch {
		case names[name]:
			return fmt.Sprintf("The endpoint name '%s' is used more than once. Endpoint names must be unique in a profile.", e.Name)
		case targets[target]:
			return fmt.Sprintf("The endpoint target '%s' is used more than once. Targets must be unique in a profile.", e.Properties.Target)
		}
		names[name], targets[target] = true, true
		if n := e.Properties.Priority; n != nil {
			given++
			if priorities[*n] {
				return fmt.Sprintf("The priority %d is used by more than one endpoint. Priorities must be unique in a profile.", *n)
			}
			priorities[*n] = true
		}
		for _, code := range e.Properties.GeoMapping {
			if other, ok := geo[code]; ok {
				return fmt.Sprintf("The geographic region '%s' is mapped to the endpoints '%s' and '%s'. It can be mapped to one endpoint only.", code, other, e.Name)
			}
			geo[code] = e.Name
		}
		switch _, err := netip.ParseAddr(target); {
		case err == nil:
			addresses++
		case e.kind() != nested:
			hosts++
		}
	}
	switch {
	case given > 0 && given < len(p.Properties.Endpoints):
		return "The priority must be given for all endpoints of the profile, or for none."
	case addresses > 0 && hosts > 0:
		return "Endpoints with an IP address as target and endpoints with a domain name cannot be in one profile."
	}
	return ""
}

func (e *endpoint) check(method string) string {
	d := e.Properties
	if e.kind() == external {
		if text := checkTarget(d.Target); text != "" {
			return text
		}
	}
	_, err := netip.ParseAddr(d.Target)
	isAddress := err == nil
	switch {
	case !slices.Contains([]string{"", enabled, disabled}, d.EndpointStatus):
		return fmt.Sprintf("The endpointStatus '%s' is not valid. It must be 'Enabled' or 'Disabled'.", d.EndpointStatus)
	case !slices.Contains([]string{"", enabled, disabled}, d.AlwaysServe):
		return fmt.Sprintf("The alwaysServe '%s' is not valid. It must be 'Enabled' or 'Disabled'.", d.AlwaysServe)
	case e.kind() == nested && d.MinChildEndpoints == nil:
		return fmt.Sprintf("The minChildEndpoints of the nested endpoint '%s' is required.", e.Name)
	case e.kind() == nested && *d.MinChildEndpoints < 1:
		return fmt.Sprintf("The minChildEndpoints %d of the nested endpoint '%s' is out of range. It must be at least 1.", *d.MinChildEndpoints, e.Name)
	case e.kind() != nested && d.MinChildEndpoints != nil:
		return fmt.Sprintf("The minChildEndpoints of the endpoint '%s' can only be set on nested endpoints.", e.Name)
	case outside(d.Weight, 1, 1000):
		return fmt.Sprintf("The weight %d of the endpoint '%s' is out of range. It must be between 1 and 1000.", *d.Weight, e.Name)
	case outside(d.Priority, 1, 1000):
		return fmt.Sprintf("The priority %d of the endpoint '%s' is out of range. It must be between 1 and 1000.", *d.Priority, e.Name)
	case method == "Performance" && d.EndpointLocation == "":
		return fmt.Sprintf("The endpointLocation of the endpoint '%s' is required with the trafficRoutingMethod 'Performance'.", e.Name)
	case d.EndpointLocation != "" && !publicazure.KnownRegion(d.EndpointLocation):
		return fmt.Sprintf("The endpointLocation '%s' of the endpoint '%s' is not an Azure region.", d.EndpointLocation, e.Name)
	case method == "Geographic" && len(d.GeoMapping) == 0:
		return fmt.Sprintf("The geoMapping of the endpoint '%s' is required with the trafficRoutingMethod 'Geographic'.", e.Name)
	case method == "MultiValue" && !isAddress:
		return fmt.Sprintf("The target '%s' of the endpoint '%s' is not an IP address. With the trafficRoutingMethod 'MultiValue' it must be one.", d.Target, e.Name)
	case len(d.CustomHeaders) > 8:
		return fmt.Sprintf("The endpoint '%s' can have at most 8 customHeaders.", e.Name)
	}
	for _, code := range d.GeoMapping {
		if !knownCode(code) {
			return fmt.Sprintf("The geographic region code '%s' of the endpoint '%s' is not known.", code, e.Name)
		}
	}
	for _, s := range d.Subnets {
		if _, _, err := s.bounds(); err != nil {
			return fmt.Sprintf("The subnet of the endpoint '%s' that begins with '%s' is not valid: %v.", e.Name, s.First, err)
		}
	}
	return ""
}

// reserved are networks that are not part of the public Internet.
var reserved = networks("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/128", "::1/128", "64:ff9b::/96", "100::/64", "2001::/23", "2001:db8::/32", "fc00::/7", "fe80::/10", "ff00::/8")

func networks(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// Public says whether an address is one that the Internet leads to.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsValid() && !slices.ContainsFunc(reserved, func(n netip.Prefix) bool { return n.Contains(a) })
}

func checkTarget(target string) string {
	a, err := netip.ParseAddr(target)
	switch {
	case target == "":
		return "The target of an external endpoint is required."
	case err == nil && !Public(a):
		return fmt.Sprintf("The endpoint target '%s' is a private or reserved IP address. Only public IP addresses can be targets of external endpoints.", target)
	case err == nil:
		return ""
	case !hostName.MatchString(target):
		return fmt.Sprintf("The endpoint target '%s' is not valid. It must be a fully qualified domain name or an IP address, without scheme and port.", target)
	case strings.HasSuffix(strings.ToLower(target), suffix):
		return fmt.Sprintf("The endpoint target '%s' is a Traffic Manager name. Use a nested endpoint.", target)
	}
	return ""
}

// bounds are the first and last address of a subnet.
func (s subnet) bounds() (first, last netip.Addr, err error) {
	if first, err = netip.ParseAddr(s.First); err != nil {
		return first, last, fmt.Errorf("first is not an IP address")
	}
	switch {
	case s.Last != "" && s.Scope != nil:
		return first, last, fmt.Errorf("it has last and scope")
	case s.Last != "":
		if last, err = netip.ParseAddr(s.Last); err != nil || last.Less(first) {
			return first, last, fmt.Errorf("last is not an IP address behind first")
		}
		return first, last, nil
	case s.Scope != nil:
		net, err := first.Prefix(*s.Scope)
		if err != nil {
			return first, last, fmt.Errorf("scope is not a length of this network")
		}
		return net.Masked().Addr(), lastOf(net), nil
	}
	return first, first, nil
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
