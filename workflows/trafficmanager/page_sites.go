package trafficmanager

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	w "hubwright/workflows"
)

const maxSites = 20

var geoCode = regexp.MustCompile(`^[A-Z]{2,5}(-[A-Z0-9]{2,3})?$`)

func (f flow) sitesPage() w.Page[State] {
	method := func(m ...w.RoutingMethod) func(*State) bool {
		return func(s *State) bool { return s.azure() && slices.Contains(m, s.Profile.Method) }
	}
	return w.Page[State]{
		ID: "sites", Title: "Sites behind the name", Why: "One endpoint a Site: where its ingress answers.",
		Repeat: &w.Repeat[State]{Name: "sites", Item: "Site", Min: 1, Max: maxSites, Defaults: siteDefaults},
		Fields: []w.Field[State]{
			{Name: "site", Label: "Site", Kind: w.FieldSelect, Options: func(_ context.Context, s *State) ([]w.Option, error) {
				var out []w.Option
				for _, site := range s.Sites {
					out = append(out, w.Option{Value: site.ID, Label: site.Name})
				}
				return out, nil
			}},
			{Name: "target", Label: "Target", Kind: w.FieldText, Help: "Public name or address of the Site's ingress, as the application's run found it.", Observed: observedTargets},
			{Name: "weight", Label: "Weight", Kind: w.FieldNumber, When: method(w.RouteWeighted), Help: "1 to 1000. A Site's share is its weight among those of the Sites that are well.", Default: func(*State) string { return "1" }},
			{Name: "priority", Label: "Priority", Kind: w.FieldNumber, When: method(w.RoutePriority), Help: "1 to 1000, 1 is first. Each Site has its own.", Default: func(*State) string { return "1" }},
			{Name: "location", Label: "Nearest Azure region", Kind: w.FieldSelect, When: method(w.RoutePerformance), Options: f.locations, Default: func(*State) string { return "eastus" }},
			{Name: "geo", Label: "Regions of its users", Kind: w.FieldText, When: method(w.RouteGeographic), Help: "Codes by comma: WORLD, GEO-EU, DE, US-FL. Each region has one Site.", Default: func(*State) string { return "" }},
			{Name: "subnets", Label: "Networks of its users", Kind: w.FieldText, Optional: true, When: method(w.RouteSubnet), Help: "By comma: 192.0.2.0/24. One Site has none: it gets all others.", Default: func(*State) string { return "" }},
		},
		Bind: bindSites,
	}
}

func observedTargets(_ context.Context, s *State) string {
	var found []string
	for _, site := range s.Sites {
		e := site.Endpoint
		switch {
		case e.DNSName != "":
			found = append(found, site.Name+" "+e.DNSName+" ("+e.Address+")")
		case e.Address != "":
			found = append(found, site.Name+" "+e.Address)
		default:
			found = append(found, site.Name+" has no application yet")
		}
	}
	return strings.Join(found, "; ")
}

// siteDefaults are the endpoints that the Deployment has or would begin with,
// and one for each Site that was added since.
func siteDefaults(s *State) []w.Answers {
	var out []w.Answers
	endpoints := slices.Clone(s.Profile.Endpoints)
	for _, e := range usual(s).Endpoints {
		if _, ok := s.Profile.Endpoint(e.SiteID); !ok {
			e.Geo = ""
			endpoints = append(endpoints, e)
		}
	}
	for _, e := range endpoints {
		if _, ok := s.site(e.SiteID); !ok {
			continue
		}
		out = append(out, w.Answers{
			"site": e.SiteID, "target": e.Target, "weight": strconv.Itoa(max(e.Weight, 1)), "priority": strconv.Itoa(max(e.Priority, 1)),
			"location": e.Location, "geo": e.Geo, "subnets": e.Subnets,
		})
	}
	return out
}

func bindSites(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	was := s.Profile
	s.Profile.Endpoints = nil
	taken := map[string]string{} // what must be unique, with the Site that has it
	for i, item := range a.Items("sites") {
		prefix := "sites." + strconv.Itoa(i) + "."
		bad := func(field, message string) {
			errs = append(errs, w.FieldError{Field: prefix + field, Message: message})
		}
		once := func(field, value string, format string) {
			if other, ok := taken[field+" "+value]; ok {
				bad(field, fmt.Sprintf(format, other))
			}
			taken[field+" "+value] = "Site " + strconv.Itoa(i+1)
		}
		site, ok := s.site(item.Get("site"))
		if !ok {
			bad("site", "Choose a Site of this Deployment.")
		}
		once("site", site.ID, "%s has this Site already. Each Site has one endpoint.")
		e := w.TrafficEndpoint{SiteID: site.ID, Name: "akse-" + label(site.Name), Target: strings.ToLower(item.Get("target")), Enabled: true, Location: item.Get("location")}
		if old, ok := was.Endpoint(site.ID); ok {
			e.Name, e.Enabled = old.Name, old.Enabled
		}
		if s.azure() {
			if text := targetError(e.Target, string(s.Profile.Method)); text != "" {
				bad("target", text)
			}
		} else if e.Target == "" {
			bad("target", "Give the name or address on which the Site answers.")
		}
		once("target", e.Target, "%s has this target already. Azure refuses one target twice.")
		bindMethod(s.Profile.Method, item, &e, bad, once)
		s.Profile.Endpoints = append(s.Profile.Endpoints, e)
	}
	return append(errs, acrossSites(s)...)
}

// bindMethod reads what the routing method asks of an endpoint.
func bindMethod(m w.RoutingMethod, item w.Answers, e *w.TrafficEndpoint, bad func(field, message string), once func(field, value, format string)) {
	number := func(field string) int {
		n, err := strconv.Atoi(item.Get(field))
		if err != nil || n < 1 || n > 1000 {
			bad(field, "Give a whole number from 1 to 1000.")
		}
		return n
	}
	switch m {
	case w.RouteWeighted:
		e.Weight = number("weight")
	case w.RoutePriority:
		e.Priority = number("priority")
		once("priority", strconv.Itoa(e.Priority), "%s has this priority already. Each Site has its own.")
	case w.RoutePerformance:
		if e.Location == "" {
			bad("location", "Name the Azure region that is nearest to the Site: the way is measured from there.")
		}
	case w.RouteGeographic:
		e.Geo = strings.ToUpper(item.Get("geo"))
		codes := split(e.Geo)
		if len(codes) == 0 {
			bad("geo", "Name at least one region, such as WORLD or GEO-NA: with this method each Site needs one.")
		}
		for _, code := range codes {
			if !geoCode.MatchString(code) {
				bad("geo", code+" is not the code of a region: WORLD, GEO-EU, DE, US-FL.")
			}
			once("geo", code, "%s has one of these regions already. Each region has one Site.")
		}
	case w.RouteSubnet:
		e.Subnets = item.Get("subnets")
		for _, net := range split(e.Subnets) {
			if _, err := netip.ParsePrefix(net); err != nil {
				bad("subnets", net+" is not a network: 192.0.2.0/24.")
			}
			once("subnets", net, "%s has one of these networks already.")
		}
	}
}

func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
}

// acrossSites are the rules over all endpoints.
func acrossSites(s *State) []w.FieldError {
	var errs []w.FieldError
	if !s.azure() {
		return nil
	}
	addresses := 0
	for _, e := range s.Profile.Endpoints {
		if isAddress(e.Target) {
			addresses++
		}
	}
	for i, e := range s.Profile.Endpoints {
		if addresses > 0 && addresses < len(s.Profile.Endpoints) && !isAddress(e.Target) {
			errs = append(errs, w.FieldError{Field: fmt.Sprintf("sites.%d.target", i), Message: "The targets of one profile are all names or all addresses: Azure refuses a mixture. Give this Site's address, or names for the others."})
		}
	}
	return errs
}
