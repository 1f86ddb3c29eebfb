package trafficmanager

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	w "hubwright/workflows"
)

var (
	hostName     = regexp.MustCompile(`^([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9]$`)
	relativeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	groupName    = regexp.MustCompile(`^[-\w._()]{0,89}[-\w_()]$`)
)

func (f flow) pages() []w.Page[State] {
	return []w.Page[State]{f.wayPage(), f.profilePage(), f.ownPage(), routingPage(), probePage(), f.sitesPage()}
}

func fixed(o ...w.Option) func(context.Context, *State) ([]w.Option, error) {
	return func(context.Context, *State) ([]w.Option, error) { return o, nil }
}

func azureOnly(s *State) bool { return s.azure() }

func (f flow) wayPage() w.Page[State] {
	return w.Page[State]{
		ID: "way", Title: "What leads users to the Sites", Why: "Users know one name. Something has to lead it to a Site that is well.",
		Fields: []w.Field[State]{
			{
				Name: "kind", Label: "In front of the Sites", Kind: w.FieldRadio, Reloads: true, Default: func(s *State) string { return string(s.Profile.Kind) },
				Options: fixed(
					w.Option{Value: string(w.TrafficAzure), Label: "Azure Traffic Manager", Note: "By DNS, in public Azure. It probes the Sites from the Internet, so their addresses must be public."},
					w.Option{Value: string(w.TrafficOwn), Label: "Your own load balancer", Note: "For Sites that only your network reaches, or when you have one already. Its name is recorded and looked at; nothing of it is changed."},
				),
			},
			{
				Name: "connection", Label: "Connection to Azure", Kind: w.FieldSelect, When: azureOnly, Reloads: true,
				Help:    "Its principal needs the role Traffic Manager Contributor, or Contributor, on the resource group.",
				Default: firstConnection,
				Options: func(_ context.Context, s *State) ([]w.Option, error) { return s.Connections, nil },
			},
		},
		Bind: f.bindWay,
	}
}

func firstConnection(s *State) string {
	if s.Profile.ConnectionID != "" || len(s.Connections) == 0 {
		return s.Profile.ConnectionID
	}
	return s.Connections[0].Value
}

func (f flow) bindWay(a w.Answers, s *State) []w.FieldError {
	s.Profile.Kind = w.TrafficKind(a.Get("kind"))
	switch s.Profile.Kind {
	case w.TrafficOwn:
		s.Profile.ConnectionID = ""
		return nil
	case w.TrafficAzure:
	default:
		return []w.FieldError{{Field: "kind", Message: "Choose what stands in front of the Sites."}}
	}
	s.Profile.ConnectionID = a.Get("connection")
	for _, c := range s.Connections {
		if c.Value == s.Profile.ConnectionID {
			s.ConnectionName = c.Label
			return nil
		}
	}
	if len(s.Connections) == 0 {
		return []w.FieldError{{Field: "connection", Message: "There is no Connection to public Azure yet. Add one under Connections, or choose your own load balancer."}}
	}
	return []w.FieldError{{Field: "connection", Message: "Choose a Connection to public Azure."}}
}

func (f flow) profilePage() w.Page[State] {
	fresh := func(s *State) bool { return s.isNew() }
	return w.Page[State]{
		ID: "profile", Title: "Profile and name", Why: "A profile is one name with its endpoints. The name is unique in the world and cannot be changed later.", When: azureOnly,
		Fields: []w.Field[State]{
			{Name: "profile", Label: "Profile", Kind: w.FieldSelect, Reloads: true, Default: func(s *State) string { return s.Choice }, Options: f.profileChoices,
				Help: "A profile that exists gets the settings and endpoints that you choose here."},
			{Name: "relative", Label: "Name", Unit: Suffix, Kind: w.FieldText, When: fresh, Lookup: f.lookName,
				Help: "1 to 63 small letters, digits and hyphens. Azure is asked whether it is free while you type.", Default: func(s *State) string { return label(s.DeploymentName) + "-tmep" }},
			{Name: "group", Label: "Resource group", Kind: w.FieldText, When: fresh, Help: "In public Azure. It is made when it is not there.", Default: func(s *State) string { return s.Profile.ResourceGroup }, Observed: f.groups},
			{Name: "location", Label: "Region of a new resource group", Kind: w.FieldSelect, When: fresh, Help: "Traffic Manager itself is everywhere. Only the group's own record has a region.", Default: func(s *State) string { return s.Location }, Options: f.locations},
		},
		Bind: bindProfile,
	}
}

func bindProfile(a w.Answers, s *State) []w.FieldError {
	s.Choice = a.Get("profile")
	if !s.isNew() {
		group, name, ok := strings.Cut(s.Choice, "/")
		if !ok {
			return []w.FieldError{{Field: "profile", Message: "Choose a profile, or a new one."}}
		}
		// The name comes from the profile itself, when the run reads it.
		if s.Profile.ResourceGroup != group || s.Profile.Name != name {
			s.Profile.ResourceGroup, s.Profile.Name, s.Profile.FQDN = group, name, ""
		}
		return nil
	}
	var errs []w.FieldError
	relative := strings.ToLower(strings.TrimSuffix(a.Get("relative"), Suffix))
	if !relativeName.MatchString(relative) {
		errs = append(errs, w.FieldError{Field: "relative", Message: "The name has 1 to 63 small letters, digits and hyphens, and begins and ends with a letter or digit."})
	}
	s.Profile.Name, s.Profile.FQDN = relative, relative+Suffix
	s.Profile.ResourceGroup, s.Location = a.Get("group"), a.Get("location")
	if !groupName.MatchString(s.Profile.ResourceGroup) {
		errs = append(errs, w.FieldError{Field: "group", Message: "A resource group's name has 1 to 90 letters, digits, hyphens, points, underlines and parentheses, and does not end with a point."})
	}
	if s.Location == "" {
		errs = append(errs, w.FieldError{Field: "location", Message: "Choose a region of Azure, such as eastus."})
	}
	return errs
}

func (f flow) ownPage() w.Page[State] {
	return w.Page[State]{
		ID: "own", Title: "Your load balancer", Why: "Hubwright records its name and looks at it, so that the status page and drills work the same.", When: func(s *State) bool { return !s.azure() },
		Fields: []w.Field[State]{
			{Name: "own_name", Label: "Name that users type", Kind: w.FieldText, Placeholder: "ratings.example.com", Default: func(s *State) string { return s.Profile.FQDN }},
			{Name: "own_ttl", Label: "How long clients remember an answer", Unit: "seconds", Kind: w.FieldNumber, Default: func(s *State) string { return strconv.Itoa(s.Profile.TTL) },
				Help: "The TTL of its DNS record, or how long it lets open connections end. Work on a Site waits as long after you have taken it out."},
		},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			var errs []w.FieldError
			s.Profile.FQDN = strings.ToLower(a.Get("own_name"))
			s.Profile.Name, s.Profile.ResourceGroup, s.Profile.Method = s.Profile.FQDN, "", ""
			if !hostName.MatchString(s.Profile.FQDN) {
				errs = append(errs, w.FieldError{Field: "own_name", Message: "Give the full name, such as ratings.example.com."})
			}
			return append(errs, whole(a, "own_ttl", 0, 86400, &s.Profile.TTL)...)
		},
	}
}

func routingPage() w.Page[State] {
	return w.Page[State]{
		ID: "routing", Title: "How a Site is chosen", Why: "Among the Sites that are well, the method decides which one a user gets.", When: azureOnly,
		Fields: []w.Field[State]{
			{Name: "method", Label: "Routing method", Kind: w.FieldRadio, Reloads: true, Default: func(s *State) string { return string(s.Profile.Method) }, Options: fixed(
				w.Option{Value: string(w.RouteWeighted), Label: "Weighted", Note: "Both stamps serve; each gets its share of new users. The guide's choice, with weights 1 and 2."},
				w.Option{Value: string(w.RoutePriority), Label: "Priority", Note: "One stamp serves, the other waits until the first is not well. For data that has one home."},
				w.Option{Value: string(w.RoutePerformance), Label: "Performance", Note: "Each user gets the stamp with the shortest way, measured from the Azure region that you name for it."},
				w.Option{Value: string(w.RouteGeographic), Label: "Geographic", Note: "Users of a region always get its stamp. When that stamp is not well, they do not get the other one."},
				w.Option{Value: string(w.RouteMultiValue), Label: "MultiValue", Note: "The answer has the addresses of both stamps, and the client tries one after the other. Only with IP addresses."},
				w.Option{Value: string(w.RouteSubnet), Label: "Subnet", Note: "Users of networks that you name get a stamp, all others the one without networks."},
			)},
			{Name: "ttl", Label: "Time to live", Unit: "seconds", Kind: w.FieldNumber, Default: func(s *State) string { return strconv.Itoa(s.Profile.TTL) },
				Help: "How long resolvers keep an answer: users of a lost stamp fail for as long. Shorter costs more DNS queries. 0 to 2,147,483,647; the guide has 100."},
			{Name: "max_return", Label: "Addresses in one answer", Kind: w.FieldNumber, When: func(s *State) bool { return s.Profile.Method == w.RouteMultiValue }, Default: func(s *State) string { return strconv.Itoa(max(s.Profile.MaxReturn, 1)) }, Help: "1 to 8."},
		},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			s.Profile.Method = w.RoutingMethod(a.Get("method"))
			var errs []w.FieldError
			switch s.Profile.Method {
			case w.RouteWeighted, w.RoutePriority, w.RoutePerformance, w.RouteGeographic, w.RouteSubnet:
			case w.RouteMultiValue:
				errs = whole(a, "max_return", 1, 8, &s.Profile.MaxReturn)
			default:
				errs = append(errs, w.FieldError{Field: "method", Message: "Choose how a Site is chosen."})
			}
			return append(errs, whole(a, "ttl", 0, 2147483647, &s.Profile.TTL)...)
		},
	}
}

// whole reads a whole number between two limits.
func whole(a w.Answers, field string, low, high int, into *int) []w.FieldError {
	n, err := strconv.Atoi(a.Get(field))
	if err != nil || n < low || n > high {
		return []w.FieldError{{Field: field, Message: fmt.Sprintf("Give a whole number from %d to %d.", low, high)}}
	}
	*into = n
	return nil
}
