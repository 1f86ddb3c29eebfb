package trafficmanager

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	w "hubwright/workflows"
)

func (f flow) plan(ctx context.Context, s *State) (w.Plan, error) {
	p := w.Plan{Title: "Join the Sites of " + s.DeploymentName, Disruption: "Users who come by other names notice nothing. Changed weights and methods reach users of the name as their resolvers forget old answers."}
	probe := s.Profile.Probe
	asked := strings.TrimSpace(fmt.Sprintf("%s on port %d %s", probe.Protocol, probe.Port, probe.Path))
	if !s.azure() {
		p.Duration = "less than a minute"
		p.Disruption = "Nothing is changed outside of Hubwright."
		p.Summary = []w.SummaryItem{
			{Label: "In front of the Sites", Value: "Your own load balancer", Page: "way"}, {Label: "Name", Value: s.Profile.FQDN, Page: "own"},
			{Label: "Looked at by", Value: asked, Page: "probe"},
		}
		p.Changes = []w.Change{{Verb: "none", What: "The load balancer", Note: "is only looked at"}}
		p.Commands = []w.Command{{Title: "What you would have typed", Text: "curl --fail " + s.link()}}
		return p, nil
	}
	var err error
	if p.Changes, err = f.planChanges(ctx, s); err != nil {
		return w.Plan{}, err
	}
	quick, all := failover(s.Profile)
	p.Duration = "about two minutes"
	p.Summary = []w.SummaryItem{
		{Label: "Connection", Value: s.ConnectionName, Page: "way"},
		{Label: "Name", Value: cmp.Or(s.Profile.FQDN, "that of the profile "+s.Profile.Name), Page: "profile"},
		{Label: "Profile", Value: s.Profile.Name + " in " + s.Profile.ResourceGroup, Page: "profile"},
		{Label: "Method", Value: string(s.Profile.Method) + ": " + s.shares(), Page: "routing"},
		{Label: "Time to live", Value: fmt.Sprintf("%d s", s.Profile.TTL), Page: "routing"},
		{Label: "Health", Value: fmt.Sprintf("%s each %d s, time-out %d s, %d failures tolerated", asked, probe.IntervalSeconds, probe.TimeoutSeconds, probe.ToleratedFailures), Page: "probe"},
		{Label: "When a Site is lost", Value: fmt.Sprintf("new users are led elsewhere after %d s at most, all users after %d s", quick, all)},
	}
	p.Commands = []w.Command{{Title: "What you would have typed", Text: commands(s)}}
	return p, nil
}

// planChanges compares with what is there.
func (f flow) planChanges(ctx context.Context, s *State) ([]w.Change, error) {
	c, err := f.cloud(ctx, s)
	if err != nil {
		return nil, err
	}
	now, _, err := c.TrafficProfile(ctx, s.Profile.ResourceGroup, s.Profile.Name)
	if errors.Is(err, w.ErrNotFound) {
		out := []w.Change{{Verb: "create", What: "Traffic Manager profile " + s.Profile.Name, Note: s.Profile.FQDN}}
		for _, e := range s.Profile.Endpoints {
			out = append(out, w.Change{Verb: "create", What: "Endpoint " + e.Name, Note: e.Target})
		}
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	s.Others = now.Others
	var out []w.Change
	for _, d := range differences(now, s.Profile) {
		out = append(out, w.Change{Verb: "change", What: "Profile " + s.Profile.Name, Note: d})
	}
	if len(out) == 0 {
		out = []w.Change{{Verb: "none", What: "Profile " + s.Profile.Name, Note: "is as planned already"}}
	}
	for _, e := range s.Others {
		out = append(out, w.Change{Verb: "none", What: "Endpoint " + e.Name, Note: "leads to " + e.Target + " and stays as it is"})
	}
	return out, nil
}

// differences says what of a profile is not as it should be.
func differences(now, want w.TrafficProfile) []string {
	var out []string
	differ := func(what string, a, b any) {
		if a != b {
			out = append(out, fmt.Sprintf("%s %v instead of %v", what, b, a))
		}
	}
	differ("method", now.Method, want.Method)
	differ("time to live", now.TTL, want.TTL)
	if want.Method == w.RouteMultiValue {
		differ("addresses in an answer", now.MaxReturn, want.MaxReturn)
	}
	a, b := now.Probe, want.Probe
	differ("protocol", a.Protocol, b.Protocol)
	differ("port", a.Port, b.Port)
	differ("path", cmp.Or(a.Path, "none"), cmp.Or(b.Path, "none"))
	differ("host", cmp.Or(a.Host, "none"), cmp.Or(b.Host, "none"))
	differ("interval", a.IntervalSeconds, b.IntervalSeconds)
	differ("time-out", a.TimeoutSeconds, b.TimeoutSeconds)
	differ("tolerated failures", a.ToleratedFailures, b.ToleratedFailures)
	have := map[string]w.TrafficEndpoint{}
	for _, e := range now.Endpoints {
		have[strings.ToLower(e.Name)] = e
	}
	for _, e := range want.Endpoints {
		old, ok := have[strings.ToLower(e.Name)]
		delete(have, strings.ToLower(e.Name))
		if !ok {
			out = append(out, "endpoint "+e.Name+" added")
			continue
		}
		out = append(out, endpointDifferences(want.Method, old, e)...)
	}
	for _, e := range now.Endpoints {
		if _, left := have[strings.ToLower(e.Name)]; left {
			out = append(out, "endpoint "+e.Name+" removed")
		}
	}
	return out
}

func endpointDifferences(m w.RoutingMethod, a, b w.TrafficEndpoint) []string {
	var out []string
	differ := func(what string, x, y any) {
		if x != y {
			out = append(out, fmt.Sprintf("%s of %s %v instead of %v", what, b.Name, y, x))
		}
	}
	differ("target", strings.ToLower(a.Target), strings.ToLower(b.Target))
	differ("in rotation", yes(a.Enabled), yes(b.Enabled))
	switch m {
	case w.RouteWeighted:
		differ("weight", a.Weight, b.Weight)
	case w.RoutePriority:
		differ("priority", a.Priority, b.Priority)
	case w.RoutePerformance:
		plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "")) }
		differ("region", plain(a.Location), plain(b.Location))
	case w.RouteGeographic:
		differ("regions", strings.Join(split(a.Geo), ","), strings.Join(split(b.Geo), ","))
	case w.RouteSubnet:
		differ("networks", cmp.Or(strings.Join(split(a.Subnets), ","), "none"), cmp.Or(strings.Join(split(b.Subnets), ","), "none"))
	}
	return out
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// commands are what a person would have typed.
func commands(s *State) string {
	p, q := s.Profile, s.Profile.Probe
	var lines []string
	if s.isNew() {
		lines = append(lines, fmt.Sprintf("az group create --name %s --location %s", p.ResourceGroup, s.Location))
	}
	line := fmt.Sprintf("az network traffic-manager profile create --resource-group %s --name %s", p.ResourceGroup, p.Name)
	if !s.isNew() {
		line = strings.Replace(line, "profile create", "profile update", 1)
	} else {
		line += " --unique-dns-name " + s.relative()
	}
	line += fmt.Sprintf(" --routing-method %s --ttl %d --protocol %s --port %d", p.Method, p.TTL, q.Protocol, q.Port)
	if q.Path != "" {
		line += " --path " + q.Path
	}
	lines = append(lines, line+fmt.Sprintf(" --interval %d --timeout %d --max-failures %d", q.IntervalSeconds, q.TimeoutSeconds, q.ToleratedFailures))
	for _, e := range p.Endpoints {
		line := fmt.Sprintf("az network traffic-manager endpoint create --resource-group %s --profile-name %s --type externalEndpoints --name %s --target %s", p.ResourceGroup, p.Name, e.Name, e.Target)
		switch p.Method {
		case w.RouteWeighted:
			line += fmt.Sprintf(" --weight %d", e.Weight)
		case w.RoutePriority:
			line += fmt.Sprintf(" --priority %d", e.Priority)
		case w.RoutePerformance:
			line += " --endpoint-location " + e.Location
		case w.RouteGeographic:
			line += " --geo-mapping " + strings.Join(split(e.Geo), " ")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
