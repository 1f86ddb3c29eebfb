package trafficmanager

import (
	"math"
	"net/netip"
	"slices"
	"strings"

	"hubwright/internal/sandbox/publicazure"
)

// area is a node of the geographic hierarchy.
type area struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	Regions []area `json:"regions,omitempty"`
}

func world() area {
	leaf := func(code, name string) area { return area{Code: code, Name: name} }
	return area{"WORLD", "World", []area{
		{"GEO-NA", "North America / Central America / Caribbean", []area{
			{"US", "United States", []area{leaf("US-WA", "Washington"), leaf("US-FL", "Florida"), leaf("US-NY", "New York"), leaf("US-CA", "California")}},
			leaf("CA", "Canada"), leaf("MX", "Mexico")}},
		{"GEO-SA", "South America", []area{leaf("BR", "Brazil"), leaf("AR", "Argentina"), leaf("CL", "Chile")}},
		{"GEO-EU", "Europe", []area{leaf("DE", "Germany"), leaf("FR", "France"), leaf("GB", "United Kingdom"), leaf("IE", "Ireland"), leaf("NL", "Netherlands"), leaf("PL", "Poland")}},
		{"GEO-AF", "Africa", []area{leaf("ZA", "South Africa"), leaf("EG", "Egypt")}},
		{"GEO-ME", "Middle East", []area{leaf("AE", "United Arab Emirates"), leaf("IL", "Israel")}},
		{"GEO-AS", "Asia", []area{leaf("SG", "Singapore"), leaf("JP", "Japan"), leaf("IN", "India")}},
		{"GEO-AP", "Australia / Pacific", []area{leaf("AU", "Australia"), leaf("NZ", "New Zealand")}},
	}}
}

func hierarchy() map[string]any {
	return map[string]any{
		"id": "/providers/Microsoft.Network/trafficManagerGeographicHierarchies/default", "name": "default",
		"type":       "Microsoft.Network/trafficManagerGeographicHierarchies",
		"properties": map[string]any{"geographicHierarchy": world()},
	}
}

func knownCode(code string) bool {
	var in func(a area) bool
	in = func(a area) bool { return strings.EqualFold(a.Code, code) || slices.ContainsFunc(a.Regions, in) }
	return in(world())
}

// place is where a client seems to be.
type place struct {
	codes    []string // the narrowest region first
	lat, lon float64
}

// placeOf says where an address is. The emulated Internet is small: a few
// networks are somewhere, all others, loopback too, are in Washington.
func placeOf(client netip.Addr) place {
	for _, n := range []struct {
		net string
		place
	}{
		{"5.0.0.0/8", place{[]string{"DE", "GEO-EU", "WORLD"}, 50.1, 8.7}},
		{"17.0.0.0/8", place{[]string{"US-FL", "US", "GEO-NA", "WORLD"}, 28.5, -81.4}},
		{"43.0.0.0/8", place{[]string{"JP", "GEO-AS", "WORLD"}, 35.7, 139.8}},
		{"177.0.0.0/8", place{[]string{"BR", "GEO-SA", "WORLD"}, -23.5, -46.6}},
	} {
		if netip.MustParsePrefix(n.net).Contains(client) {
			return n.place
		}
	}
	return place{[]string{"US-WA", "US", "GEO-NA", "WORLD"}, 47.6, -122.3}
}

// nearest is the endpoint whose region is nearest to the client.
func nearest(from []*endpoint, client netip.Addr) *endpoint {
	here := placeOf(client)
	distance := func(e *endpoint) float64 {
		r, _ := publicazure.RegionNamed(e.Properties.EndpointLocation)
		a, b := here.lat*math.Pi/180, r.Lat*math.Pi/180
		return math.Acos(min(1, math.Sin(a)*math.Sin(b)+math.Cos(a)*math.Cos(b)*math.Cos((here.lon-r.Lon)*math.Pi/180)))
	}
	return slices.MinFunc(from, func(a, b *endpoint) int {
		switch d := distance(a) - distance(b); {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
}
