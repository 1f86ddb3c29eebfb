package azure

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	tm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/trafficmanager/armtrafficmanager"

	w "hubwright/workflows"
)

// profileType is what the availability of a name is asked for.
const profileType = "Microsoft.Network/trafficManagerProfiles"

func (c *Cloud) profiles() (*tm.ProfilesClient, error) {
	return tm.NewProfilesClient(c.conn.SubscriptionID, c.cred, c.options)
}

func (c *Cloud) endpoints() (*tm.EndpointsClient, error) {
	return tm.NewEndpointsClient(c.conn.SubscriptionID, c.cred, c.options)
}

// NameAvailable says whether <relative>.trafficmanager.net is free, and what
// Azure says when it isn't.
func (c *Cloud) NameAvailable(ctx context.Context, relative string) (free bool, says string, err error) {
	err = c.call(ctx, "Asking for the name "+relative, func(ctx context.Context) error {
		client, err := c.profiles()
		if err != nil {
			return err
		}
		kind := profileType
		got, err := client.CheckTrafficManagerRelativeDNSNameAvailability(ctx, tm.CheckTrafficManagerRelativeDNSNameAvailabilityParameters{Name: &relative, Type: &kind}, nil)
		if err == nil {
			free, says = val(got.NameAvailable), val(got.Message)
		}
		return err
	})
	return free, says, err
}

// TrafficProfiles are the subscription's profiles. Site ids are not known
// here, and empty.
func (c *Cloud) TrafficProfiles(ctx context.Context) ([]w.TrafficProfile, error) {
	var out []w.TrafficProfile
	err := c.call(ctx, "Listing the Traffic Manager profiles", func(ctx context.Context) error {
		client, err := c.profiles()
		if err != nil {
			return err
		}
		for pager := client.NewListBySubscriptionPager(nil); pager.More(); {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, p := range page.Value {
				one, _ := fromProfile(*p)
				out = append(out, one)
			}
		}
		return nil
	})
	return out, err
}

// TrafficProfile is one profile with what its monitor says. A profile that is
// not there is ErrNotFound.
func (c *Cloud) TrafficProfile(ctx context.Context, group, name string) (p w.TrafficProfile, h w.TrafficHealth, err error) {
	absent := false
	err = c.call(ctx, "Reading the profile "+name, func(ctx context.Context) error {
		client, err := c.profiles()
		if err != nil {
			return err
		}
		got, err := client.Get(ctx, group, name, nil)
		if notFound(err) {
			absent = true
			return nil
		}
		p, h = fromProfile(got.Profile)
		return err
	})
	if absent {
		return p, h, w.ErrNotFound
	}
	return p, h, err
}

// SaveTrafficProfile makes the profile, or changes its settings. The external
// endpoints are made to be exactly those of p. What p does not speak of stays:
// endpoints of other kinds, and settings that Hubwright doesn't have.
func (c *Cloud) SaveTrafficProfile(ctx context.Context, p w.TrafficProfile) error {
	return c.call(ctx, "Saving the profile "+p.Name, func(ctx context.Context) error {
		client, err := c.profiles()
		if err != nil {
			return err
		}
		wish := toProfile(p)
		got, err := client.Get(ctx, p.ResourceGroup, p.Name, nil)
		switch {
		case notFound(err):
		case err != nil:
			return err
		default:
			keepRest(&wish, got.Profile)
		}
		_, err = client.CreateOrUpdate(ctx, p.ResourceGroup, p.Name, wish, nil)
		return err
	})
}

// SaveTrafficEndpoint changes one endpoint's settings.
func (c *Cloud) SaveTrafficEndpoint(ctx context.Context, p w.TrafficProfile, e w.TrafficEndpoint) error {
	return c.call(ctx, "Saving the endpoint "+e.Name, func(ctx context.Context) error {
		client, err := c.endpoints()
		if err != nil {
			return err
		}
		_, err = client.CreateOrUpdate(ctx, p.ResourceGroup, p.Name, tm.EndpointTypeExternalEndpoints, e.Name, *toEndpoint(p.Method, e), nil)
		return err
	})
}

// EnableTrafficEndpoint puts an endpoint into the answers or takes it out, and
// changes nothing else.
func (c *Cloud) EnableTrafficEndpoint(ctx context.Context, group, profile, endpoint string, enabled bool) error {
	return c.call(ctx, "Changing the endpoint "+endpoint, func(ctx context.Context) error {
		client, err := c.endpoints()
		if err != nil {
			return err
		}
		status := tm.EndpointStatusDisabled
		if enabled {
			status = tm.EndpointStatusEnabled
		}
		_, err = client.Update(ctx, group, profile, tm.EndpointTypeExternalEndpoints, endpoint, tm.Endpoint{Properties: &tm.EndpointProperties{EndpointStatus: &status}}, nil)
		return err
	})
}

func val[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func toProfile(p w.TrafficProfile) tm.Profile {
	location, status := "global", tm.ProfileStatusEnabled
	method, protocol := tm.TrafficRoutingMethod(p.Method), tm.MonitorProtocol(p.Probe.Protocol)
	relative, _, _ := strings.Cut(p.FQDN, ".")
	m := &tm.MonitorConfig{
		Protocol: &protocol, Port: new(int64(p.Probe.Port)), IntervalInSeconds: new(int64(p.Probe.IntervalSeconds)),
		TimeoutInSeconds: new(int64(p.Probe.TimeoutSeconds)), ToleratedNumberOfFailures: new(int64(p.Probe.ToleratedFailures)),
	}
	if p.Probe.Path != "" {
		m.Path = &p.Probe.Path
	}
	if p.Probe.Host != "" {
		m.CustomHeaders = []*tm.MonitorConfigCustomHeadersItem{{Name: new("Host"), Value: &p.Probe.Host}}
	}
	out := tm.Profile{Location: &location, Tags: map[string]*string{"environment": new("Production")}, Properties: &tm.ProfileProperties{
		ProfileStatus: &status, TrafficRoutingMethod: &method, MonitorConfig: m, Endpoints: []*tm.Endpoint{},
		DNSConfig: &tm.DNSConfig{RelativeName: &relative, TTL: new(int64(p.TTL))},
	}}
	if p.Method == w.RouteMultiValue {
		out.Properties.MaxReturn = new(int64(p.MaxReturn))
	}
	for _, e := range p.Endpoints {
		out.Properties.Endpoints = append(out.Properties.Endpoints, toEndpoint(p.Method, e))
	}
	return out
}

// keepRest takes over from the profile that is there what we do not set.
func keepRest(wish *tm.Profile, now tm.Profile) {
	if now.Tags != nil {
		wish.Tags = now.Tags
	}
	d := now.Properties
	if d == nil {
		return
	}
	p := wish.Properties
	p.AllowedEndpointRecordTypes, p.TrafficViewEnrollmentStatus = d.AllowedEndpointRecordTypes, d.TrafficViewEnrollmentStatus
	if m := d.MonitorConfig; m != nil {
		p.MonitorConfig.ExpectedStatusCodeRanges = m.ExpectedStatusCodeRanges
		for _, h := range m.CustomHeaders {
			if !strings.EqualFold(val(h.Name), "Host") {
				p.MonitorConfig.CustomHeaders = append(p.MonitorConfig.CustomHeaders, h)
			}
		}
	}
	for _, e := range d.Endpoints {
		if !isExternal(*e) {
			e.Properties.EndpointMonitorStatus = nil
			p.Endpoints = append(p.Endpoints, e)
			continue
		}
		i := slices.IndexFunc(p.Endpoints, func(o *tm.Endpoint) bool { return strings.EqualFold(val(o.Name), val(e.Name)) })
		if i < 0 || e.Properties == nil {
			continue
		}
		ours := p.Endpoints[i].Properties
		ours.AlwaysServe, ours.CustomHeaders = e.Properties.AlwaysServe, e.Properties.CustomHeaders
		if ours.Priority == nil {
			ours.Priority = e.Properties.Priority
		}
	}
	fillPriorities(p.Endpoints)
}

// fillPriorities gives one to those that have none: Azure wants them of all
// endpoints, or of none.
func fillPriorities(endpoints []*tm.Endpoint) {
	last := int64(0)
	for _, e := range endpoints {
		last = max(last, val(e.Properties.Priority))
	}
	if last == 0 {
		return
	}
	for _, e := range endpoints {
		if e.Properties.Priority == nil {
			last++
			e.Properties.Priority = new(last)
		}
	}
}

// isExternal says whether an endpoint leads to a name or an address, rather
// than to something in Azure.
func isExternal(e tm.Endpoint) bool {
	kind := val(e.Type)
	return e.Properties == nil || strings.EqualFold(kind[strings.LastIndex(kind, "/")+1:], string(tm.EndpointTypeExternalEndpoints))
}

func toEndpoint(method w.RoutingMethod, e w.TrafficEndpoint) *tm.Endpoint {
	status := tm.EndpointStatusDisabled
	if e.Enabled {
		status = tm.EndpointStatusEnabled
	}
	p := &tm.EndpointProperties{Target: &e.Target, EndpointStatus: &status}
	if e.Weight > 0 {
		p.Weight = new(int64(e.Weight))
	}
	if e.Priority > 0 {
		p.Priority = new(int64(e.Priority))
	}
	if e.Location != "" {
		p.EndpointLocation = &e.Location
	}
	if method == w.RouteGeographic {
		for code := range strings.FieldsFuncSeq(e.Geo, separator) {
			p.GeoMapping = append(p.GeoMapping, &code)
		}
	}
	if method == w.RouteSubnet {
		for s := range strings.FieldsFuncSeq(e.Subnets, separator) {
			if n, err := netip.ParsePrefix(s); err == nil {
				p.Subnets = append(p.Subnets, &tm.EndpointPropertiesSubnetsItem{First: new(n.Masked().Addr().String()), Scope: new(int32(n.Bits()))})
			}
		}
	}
	return &tm.Endpoint{Name: &e.Name, Type: new(profileType + "/externalEndpoints"), Properties: p}
}

func separator(r rune) bool { return r == ',' || r == ' ' || r == ';' }

func fromProfile(in tm.Profile) (w.TrafficProfile, w.TrafficHealth) {
	p := w.TrafficProfile{Kind: w.TrafficAzure, Name: val(in.Name), ResourceGroup: groupOf(val(in.ID))}
	h := w.TrafficHealth{Endpoints: map[string]string{}}
	d := in.Properties
	if d == nil {
		return p, h
	}
	p.Method, p.MaxReturn = w.RoutingMethod(val(d.TrafficRoutingMethod)), int(val(d.MaxReturn))
	if d.DNSConfig != nil {
		p.FQDN, p.TTL = val(d.DNSConfig.Fqdn), int(val(d.DNSConfig.TTL))
	}
	if m := d.MonitorConfig; m != nil {
		h.Profile = string(val(m.ProfileMonitorStatus))
		p.Probe = w.TrafficProbe{
			Protocol: string(val(m.Protocol)), Port: int(val(m.Port)), Path: val(m.Path), IntervalSeconds: int(val(m.IntervalInSeconds)),
			TimeoutSeconds: int(val(m.TimeoutInSeconds)), ToleratedFailures: int(val(m.ToleratedNumberOfFailures)),
		}
		for _, x := range m.CustomHeaders {
			if strings.EqualFold(val(x.Name), "Host") {
				p.Probe.Host = val(x.Value)
			}
		}
	}
	for _, e := range d.Endpoints {
		one := fromEndpoint(*e)
		if isExternal(*e) {
			p.Endpoints = append(p.Endpoints, one)
		} else {
			one.Target = inAzure(*e)
			p.Others = append(p.Others, one)
		}
		if e.Properties != nil {
			h.Endpoints[one.Name] = string(val(e.Properties.EndpointMonitorStatus))
		}
	}
	return p, h
}

func fromEndpoint(in tm.Endpoint) w.TrafficEndpoint {
	e := w.TrafficEndpoint{Name: val(in.Name)}
	p := in.Properties
	if p == nil {
		return e
	}
	e.Target, e.Enabled = val(p.Target), val(p.EndpointStatus) == tm.EndpointStatusEnabled
	e.Weight, e.Priority, e.Location = int(val(p.Weight)), int(val(p.Priority)), val(p.EndpointLocation)
	var geo, nets []string
	for _, g := range p.GeoMapping {
		geo = append(geo, val(g))
	}
	for _, s := range p.Subnets {
		if a, err := netip.ParseAddr(val(s.First)); err == nil && s.Scope != nil {
			nets = append(nets, netip.PrefixFrom(a, int(*s.Scope)).String())
		}
	}
	e.Geo, e.Subnets = strings.Join(geo, ", "), strings.Join(nets, ", ")
	return e
}

// inAzure says in words what an endpoint leads to: "the profile inner in rg".
func inAzure(e tm.Endpoint) string {
	id := val(e.Properties.TargetResourceID)
	kind, name := "the resource ", id[strings.LastIndex(id, "/")+1:]
	if strings.Contains(strings.ToLower(id), "/trafficmanagerprofiles/") {
		kind = "the profile "
	} else if strings.Contains(strings.ToLower(id), "/publicipaddresses/") {
		kind = "the public IP address "
	}
	if group := groupOf(id); group != "" {
		name += " in " + group
	}
	return kind + name
}

func groupOf(id string) string {
	seg := strings.Split(id, "/")
	for i, s := range seg {
		if strings.EqualFold(s, "resourceGroups") && i+1 < len(seg) {
			return seg[i+1]
		}
	}
	return ""
}
