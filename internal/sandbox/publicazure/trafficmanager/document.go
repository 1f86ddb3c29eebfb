package trafficmanager

import (
	"bytes"
	"encoding/json"
	"strings"
)

// profile is a profile as ARM writes it.
type profile struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Location   string            `json:"location"`
	Tags       map[string]string `json:"tags,omitempty"`
	Properties properties        `json:"properties"`
}

type properties struct {
	ProfileStatus               string      `json:"profileStatus"`
	TrafficRoutingMethod        string      `json:"trafficRoutingMethod"`
	DNSConfig                   dnsConfig   `json:"dnsConfig"`
	MonitorConfig               monitor     `json:"monitorConfig"`
	Endpoints                   []*endpoint `json:"endpoints"`
	MaxReturn                   *int64      `json:"maxReturn,omitempty"`
	TrafficViewEnrollmentStatus string      `json:"trafficViewEnrollmentStatus"`
	AllowedEndpointRecordTypes  []string    `json:"allowedEndpointRecordTypes,omitempty"`
}

type dnsConfig struct {
	RelativeName string `json:"relativeName"`
	FQDN         string `json:"fqdn"`
	TTL          *int64 `json:"ttl"`
}

type monitor struct {
	ProfileMonitorStatus      string   `json:"profileMonitorStatus"`
	Protocol                  string   `json:"protocol"`
	Port                      *int64   `json:"port"`
	Path                      *string  `json:"path,omitempty"`
	IntervalInSeconds         *int64   `json:"intervalInSeconds"`
	TimeoutInSeconds          *int64   `json:"timeoutInSeconds"`
	ToleratedNumberOfFailures *int64   `json:"toleratedNumberOfFailures"`
	CustomHeaders             []header `json:"customHeaders,omitempty"`
	ExpectedStatusCodeRanges  []span   `json:"expectedStatusCodeRanges,omitempty"`
}

type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type span struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

type endpoint struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Type       string    `json:"type"`
	Properties endpointP `json:"properties"`
}

type endpointP struct {
	EndpointStatus        string   `json:"endpointStatus"`
	EndpointMonitorStatus string   `json:"endpointMonitorStatus"`
	TargetResourceID      string   `json:"targetResourceId,omitempty"`
	Target                string   `json:"target,omitempty"`
	Weight                *int64   `json:"weight"`
	Priority              *int64   `json:"priority"`
	EndpointLocation      string   `json:"endpointLocation,omitempty"`
	MinChildEndpoints     *int64   `json:"minChildEndpoints,omitempty"`
	MinChildEndpointsIPv4 *int64   `json:"minChildEndpointsIPv4,omitempty"`
	MinChildEndpointsIPv6 *int64   `json:"minChildEndpointsIPv6,omitempty"`
	GeoMapping            []string `json:"geoMapping,omitempty"`
	Subnets               []subnet `json:"subnets,omitempty"`
	CustomHeaders         []header `json:"customHeaders,omitempty"`
	AlwaysServe           string   `json:"alwaysServe,omitempty"`
}

type subnet struct {
	First string `json:"first"`
	Last  string `json:"last,omitempty"`
	Scope *int   `json:"scope,omitempty"`
}

// The words that documents use.
const (
	enabled  = "Enabled"
	disabled = "Disabled"

	online      = "Online"
	degraded    = "Degraded"
	checking    = "CheckingEndpoint"
	inactive    = "Inactive"
	unmonitored = "Unmonitored"

	profileType = "Microsoft.Network/trafficManagerProfiles"
	suffix      = ".trafficmanager.net"

	// The kinds of endpoints, as paths and types name them.
	external = "externalEndpoints"
	nested   = "nestedEndpoints"
	inAzure  = "azureEndpoints"
)

// kindNamed is the kind of that name, in any case; "" when there is none.
func kindNamed(name string) string {
	for _, k := range []string{external, nested, inAzure} {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	return ""
}

// kind is what the endpoint leads to; "" when its type is none. One without a
// type is external.
func (e *endpoint) kind() string {
	if e.Type == "" {
		return external
	}
	owner, name, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(e.Type), strings.ToLower(profileType)), "/")
	if owner != "" {
		return ""
	}
	return kindNamed(name)
}

func pointer[T any](v T) *T { return &v }

func or[T any](p **T, usual T) {
	if *p == nil {
		*p = &usual
	}
}

func orText(s *string, usual string) {
	if *s == "" {
		*s = usual
	}
}

// complete fills in what Azure makes up.
func (p *profile) complete() {
	d := &p.Properties
	p.Type = profileType
	orText(&d.ProfileStatus, enabled)
	orText(&d.TrafficViewEnrollmentStatus, disabled)
	or(&d.DNSConfig.TTL, 60)
	d.DNSConfig.FQDN = d.DNSConfig.RelativeName + suffix
	m := &d.MonitorConfig
	orText(&m.Protocol, "HTTP")
	or(&m.Port, 80)
	or(&m.IntervalInSeconds, 30)
	if *m.IntervalInSeconds == 10 {
		or(&m.TimeoutInSeconds, 9)
	} else {
		or(&m.TimeoutInSeconds, 10)
	}
	or(&m.ToleratedNumberOfFailures, 3)
	if d.Endpoints == nil {
		d.Endpoints = []*endpoint{}
	}
	next := int64(1)
	for _, e := range d.Endpoints {
		if e.Properties.Priority != nil {
			next = max(next, *e.Properties.Priority+1)
		}
	}
	for _, e := range d.Endpoints {
		kind := e.kind()
		e.ID, e.Type = p.ID+"/"+kind+"/"+e.Name, profileType+"/"+kind
		orText(&e.Properties.EndpointStatus, enabled)
		or(&e.Properties.Weight, 1)
		if e.Properties.Priority == nil {
			e.Properties.Priority = pointer(next)
			next++
		}
	}
}

func (p *profile) clone() *profile {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err) // plain data
	}
	var out profile
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return &out
}

// clearLists empties the lists that a PATCH speaks of: they are replaced, not
// merged item by item.
func (p *profile) clearLists(body []byte) {
	d := &p.Properties
	if names(body, "endpoints") {
		d.Endpoints = nil
	}
	if names(body, "customHeaders") {
		d.MonitorConfig.CustomHeaders = nil
	}
	if names(body, "expectedStatusCodeRanges") {
		d.MonitorConfig.ExpectedStatusCodeRanges = nil
	}
}

func (e *endpoint) clearLists(body []byte) {
	if names(body, "subnets") {
		e.Properties.Subnets = nil
	}
	if names(body, "customHeaders") {
		e.Properties.CustomHeaders = nil
	}
}

// names says whether a document has a member of that name anywhere.
func names(body []byte, member string) bool { return bytes.Contains(body, []byte(`"`+member+`"`)) }
