package trafficmanager

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	w "hubwright/workflows"
)

func (f flow) checks() []w.Check[State] {
	azure := func(s *State) bool { return s.azure() }
	return []w.Check[State]{
		{ID: "login", Title: "Azure lets the principal in", Why: "Nothing can be made in Azure without it.", Page: "way", Severity: w.SeverityBlock, When: azure, Run: f.checkLogin},
		{ID: "name", Title: "The name is free", Why: "Names of Traffic Manager are unique in the world.", Page: "profile", Severity: w.SeverityBlock, When: azure, Run: f.checkName},
		{ID: "strangers", Title: "The profile has no endpoints of others", Why: "Its external endpoints become exactly those of the plan, and users get to the others as well.", Page: "profile", Severity: w.SeverityWarn, Waivable: true, When: func(s *State) bool { return s.azure() && !s.isNew() }, Run: f.checkStrangers},
		{ID: "targets", Title: "The targets lead to public addresses", Why: "Traffic Manager probes from the Internet. What it cannot reach stays Degraded, and Azure refuses private addresses.", Page: "sites", Severity: w.SeverityBlock, Waivable: true, When: azure, Run: f.checkTargets},
		{ID: "answers", Title: "Each Site answers as the probe expects", Why: "A Site that doesn't is left out of the answers.", Page: "probe", Severity: w.SeverityWarn, Waivable: true, When: func(s *State) bool { return s.Profile.Probe.Protocol != "TCP" }, Run: f.checkAnswers},
		{ID: "sites", Title: "Every Site is behind the name", Why: "A Site that is not gets no users.", Page: "sites", Severity: w.SeverityWarn, Waivable: true, Run: checkSites},
	}
}

// failed is a check's answer to a failure of the way or of Azure.
func failed(err error) w.Finding {
	var p *w.Problem
	if errors.As(err, &p) {
		return w.Fail(strings.TrimSuffix(p.Error(), ".")+".", p.Fix)
	}
	return w.Fail(err.Error(), "Look at the Connection's settings, then check again.")
}

func (f flow) checkLogin(ctx context.Context, s *State) w.Finding {
	c, err := f.cloud(ctx, s)
	if err == nil {
		err = c.Login(ctx)
	}
	if err != nil {
		return failed(err)
	}
	return w.Passed("The principal of " + s.ConnectionName + " reads the subscription.")
}

func (f flow) checkName(ctx context.Context, s *State) w.Finding {
	found, err := f.lookName(ctx, s)
	if err != nil {
		return failed(err)
	}
	return found
}

// lookName finds out whether the profile can have its name.
func (f flow) lookName(ctx context.Context, s *State) (w.Finding, error) {
	c, err := f.cloud(ctx, s)
	if err != nil {
		return w.Finding{}, err
	}
	_, _, err = c.TrafficProfile(ctx, s.Profile.ResourceGroup, s.Profile.Name)
	switch {
	case err == nil:
		return w.Passed("The profile " + s.Profile.Name + " in " + s.Profile.ResourceGroup + " is there and will be used."), nil
	case !errors.Is(err, w.ErrNotFound):
		return w.Finding{}, err
	case !s.isNew():
		return w.Fail("The profile "+s.Profile.Name+" is not in "+s.Profile.ResourceGroup+" any more.", "Choose another profile, or a new one."), nil
	}
	free, says, err := c.NameAvailable(ctx, s.relative())
	switch {
	case err != nil:
		return w.Finding{}, err
	case !free:
		return w.Fail(s.Profile.FQDN+" is taken: "+says, "Choose another name."), nil
	}
	return w.Passed(s.Profile.FQDN + " is free."), nil
}

func (f flow) checkStrangers(ctx context.Context, s *State) w.Finding {
	c, err := f.cloud(ctx, s)
	if err != nil {
		return failed(err)
	}
	now, _, err := c.TrafficProfile(ctx, s.Profile.ResourceGroup, s.Profile.Name)
	if err != nil {
		return failed(err)
	}
	var strangers []string
	for _, e := range now.Endpoints {
		if !slices.ContainsFunc(s.Profile.Endpoints, func(o w.TrafficEndpoint) bool { return strings.EqualFold(o.Name, e.Name) }) {
			strangers = append(strangers, e.Name+" ("+e.Target+")")
		}
	}
	if len(strangers) > 0 {
		return w.Warn("The profile has endpoints that are not in the plan: "+strings.Join(strangers, ", ")+"."+kept(now.Others), "They will be removed. Choose another profile if somebody needs them.")
	}
	if len(now.Others) > 0 {
		return w.Warn(strings.TrimSpace(kept(now.Others)), "Users of the name get to it by the method that you choose. Choose another profile if the name is to lead to the Sites alone.")
	}
	return w.Passed("All its endpoints are in the plan.")
}

// kept says which endpoints stay as they are, as a sentence after others.
func kept(others []w.TrafficEndpoint) string {
	if len(others) == 0 {
		return ""
	}
	var names []string
	for _, e := range others {
		names = append(names, e.Name+" ("+e.Target+")")
	}
	return " What leads to something in Azure stays as it is: " + strings.Join(names, ", ") + "."
}

// checkTargets resolves the targets that are names.
func (f flow) checkTargets(ctx context.Context, s *State) w.Finding {
	v, err := f.visitor(ctx, s)
	if err != nil {
		return failed(err)
	}
	var found []string
	for _, e := range s.Profile.Endpoints {
		if isAddress(e.Target) {
			found = append(found, e.Target)
			continue
		}
		addresses, _, err := v.Lookup(ctx, e.Target)
		if err != nil {
			return w.Fail(e.Target+" is not a name that public name servers know.", "Correct the target, or publish the name. "+otherWay)
		}
		for _, a := range addresses {
			if what := notPublic(a); what != "" {
				return w.Fail(fmt.Sprintf("%s leads to %s, which is %s.", e.Target, a, what), otherWay)
			}
		}
		found = append(found, e.Target+" is "+strings.Join(addresses, ", "))
	}
	return w.Passed(strings.Join(found, "; ") + ".")
}

// checkAnswers asks each Site once, as a probe would.
func (f flow) checkAnswers(ctx context.Context, s *State) w.Finding {
	v, err := f.visitor(ctx, s)
	if err != nil {
		return failed(err)
	}
	var good, bad []string
	for _, e := range s.Profile.Endpoints {
		p := s.Profile.Probe
		link := strings.ToLower(p.Protocol) + "://" + net.JoinHostPort(e.Target, strconv.Itoa(p.Port)) + p.Path
		status, err := v.Get(ctx, link, p.Host)
		switch {
		case err != nil:
			bad = append(bad, e.Target+" does not answer from here: "+strings.TrimSuffix(err.Error(), "."))
		case status >= 300 && status < 400:
			bad = append(bad, fmt.Sprintf("%s redirects (%d): a probe follows no redirect and takes it for a failure", e.Target, status))
		case status != 200:
			bad = append(bad, fmt.Sprintf("%s answers %d", e.Target, status))
		default:
			good = append(good, e.Target+" answers 200")
		}
	}
	if len(bad) > 0 {
		return w.Warn(strings.Join(append(bad, good...), "; ")+".", "Choose a path that answers 200, give the Host that the ingress listens for, or probe the port with TLS. Azure's probes come from elsewhere and may see more than this server.")
	}
	return w.Passed(strings.Join(good, "; ") + ".")
}

func checkSites(_ context.Context, s *State) w.Finding {
	var missing []string
	for _, site := range s.Sites {
		if _, ok := s.Profile.Endpoint(site.ID); !ok {
			missing = append(missing, site.Name)
		}
	}
	switch {
	case len(missing) > 0:
		return w.Warn("No endpoint for "+strings.Join(missing, ", ")+".", "Add it on the page Sites behind the name, or leave it out on purpose.")
	case len(s.Profile.Endpoints) < 2:
		return w.Warn("There is one Site: when it is lost, all is.", "Add a second Site to the Deployment.")
	}
	return w.Passed(fmt.Sprintf("All %d Sites have an endpoint.", len(s.Sites)))
}
