package trafficmanager

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	w "hubwright/workflows"
)

// Suffix is what Traffic Manager adds to a relative name.
const Suffix = ".trafficmanager.net"

// ProfileNew is the answer that asks for a new profile.
const ProfileNew = "new"

// State is what the workflow knows.
type State struct {
	DeploymentID   string
	DeploymentName string
	Sites          []Site
	Connections    []w.Option // of public Azure
	ConnectionName string
	Known          bool   // the Deployment has a name already
	Choice         string // ProfileNew, or group/name of a profile that exists
	Location       string // of a new resource group
	Profile        w.TrafficProfile
	// Others are the profile's endpoints that lead to something in Azure. They
	// stay as they are.
	Others []w.TrafficEndpoint

	Found Found
}

// Site is a Site with what is known of its application's endpoint.
type Site struct {
	ID, Name string
	Endpoint w.Endpoint // zero while the application is not there
	Proxy    string     // of its Stack
	CA       string
}

// Found is what the run found and did.
type Found struct {
	Changes  []string // what had to be changed; none: all was as it should be
	Answers  map[string]int
	Status   int // of the page behind the name
	Verified bool
}

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	d, err := f.Records.Deployment(ctx, t.DeploymentID)
	if err != nil {
		return nil, err
	}
	s := &State{DeploymentID: d.ID, DeploymentName: d.Name, Choice: ProfileNew, Location: "eastus"}
	if err := f.readSites(ctx, s); err != nil {
		return nil, err
	}
	conns, err := f.Records.Connections(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range conns {
		if c.Kind == w.ConnectionAzure {
			s.Connections = append(s.Connections, w.Option{Value: c.ID, Label: c.Name, Note: "Subscription " + c.SubscriptionID})
		}
	}
	p, err := f.Records.TrafficProfile(ctx, d.ID)
	switch {
	case err == nil:
		s.Profile, s.Known = p, true
		if p.Kind == w.TrafficAzure {
			s.Choice = p.ResourceGroup + "/" + p.Name
		}
	case errors.Is(err, w.ErrNotFound):
		s.Profile = usual(s)
	default:
		return nil, err
	}
	return s, nil
}

func (f flow) readSites(ctx context.Context, s *State) error {
	sites, err := f.Records.Sites(ctx, s.DeploymentID)
	if err != nil {
		return err
	}
	if len(sites) == 0 {
		return &w.Problem{Code: "traffic.sites", What: "The Deployment has no Site", Why: "There is nothing to lead users to.", Fix: "Add Sites on the guide's board first."}
	}
	for _, site := range sites {
		one := Site{ID: site.ID, Name: site.Name}
		st, err := f.Records.Stack(ctx, site.StackID)
		if err != nil {
			return err
		}
		one.Proxy, one.CA = st.HTTPSProxy, st.CABundle
		one.Endpoint, err = f.Records.Endpoint(ctx, site.ID)
		if err != nil && !errors.Is(err, w.ErrNotFound) {
			return err
		}
		s.Sites = append(s.Sites, one)
	}
	return nil
}

// usual is what a Deployment without a name begins with: the guide's settings,
// and of the endpoints what the applications' own have in common.
func usual(s *State) w.TrafficProfile {
	p := w.TrafficProfile{
		DeploymentID: s.DeploymentID, Kind: w.TrafficAzure, ResourceGroup: "k8s-azure-infra-rg", Method: w.RouteWeighted, TTL: 100, MaxReturn: min(max(len(s.Sites), 1), 8),
		Probe: w.TrafficProbe{Protocol: "HTTP", Port: 80, Path: "/", IntervalSeconds: 30, TimeoutSeconds: 9, ToleratedFailures: 3},
	}
	for _, site := range s.Sites {
		e := site.Endpoint
		if e.Port == 0 {
			continue
		}
		p.Probe.Port, p.Probe.Path, p.Probe.Host = e.Port, cmp.Or(e.Path, "/"), e.Host
		if e.TLS {
			p.Probe.Protocol = "HTTPS"
		}
		break
	}
	for i, site := range s.Sites {
		p.Endpoints = append(p.Endpoints, w.TrafficEndpoint{
			SiteID: site.ID, Name: "akse-" + label(site.Name), Target: cmp.Or(site.Endpoint.DNSName, site.Endpoint.Address),
			Enabled: true, Weight: 1, Priority: i + 1, Location: "eastus",
		})
	}
	p.Endpoints[0].Geo = "WORLD"
	return p
}

// label makes a part of a DNS name of any text.
func label(s string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	return cmp.Or(strings.Trim(out, "-"), "site")
}

func (s *State) relative() string {
	name, _, _ := strings.Cut(s.Profile.FQDN, ".")
	return name
}

func (s *State) isNew() bool { return s.Choice == ProfileNew }

func (s *State) azure() bool { return s.Profile.Kind == w.TrafficAzure }

func (s *State) site(id string) (Site, bool) {
	for _, site := range s.Sites {
		if site.ID == id {
			return site, true
		}
	}
	return Site{}, false
}

// link is the address that users ask for.
func (s *State) link() string {
	p := s.Profile.Probe
	scheme, port := "http", 80
	if p.Protocol == "HTTPS" {
		scheme, port = "https", 443
	}
	host := s.Profile.FQDN
	if p.Port != port {
		host = fmt.Sprintf("%s:%d", host, p.Port)
	}
	return scheme + "://" + host + cmp.Or(p.Path, "/")
}
