package workflows

import "time"

// TrafficKind says what leads users to the Sites.
type TrafficKind string

// The kinds.
const (
	TrafficAzure TrafficKind = "traffic_manager" // Traffic Manager in public Azure
	TrafficOwn   TrafficKind = "own"             // the team's own load balancer, which we only probe
)

// RoutingMethod is how Traffic Manager chooses among healthy endpoints.
type RoutingMethod string

// The routing methods, as Azure writes them.
const (
	RouteWeighted    RoutingMethod = "Weighted"
	RoutePriority    RoutingMethod = "Priority"
	RoutePerformance RoutingMethod = "Performance"
	RouteGeographic  RoutingMethod = "Geographic"
	RouteMultiValue  RoutingMethod = "MultiValue"
	RouteSubnet      RoutingMethod = "Subnet"
)

// TrafficProfile is the one name of a Deployment and how it leads users to the
// Sites. There is at most one a Deployment.
type TrafficProfile struct {
	DeploymentID  string
	Kind          TrafficKind
	ConnectionID  string // of public Azure; "" with TrafficOwn
	ResourceGroup string // of the profile in public Azure
	Name          string // of the profile
	FQDN          string // what users type
	Method        RoutingMethod
	TTL           int // seconds that resolvers keep an answer
	MaxReturn     int // addresses in one answer, with RouteMultiValue
	Probe         TrafficProbe
	Endpoints     []TrafficEndpoint // one a Site, in the Sites' order
	// Others are endpoints that lead to something in Azure, a profile or a
	// resource, as they were found there. Hubwright makes none of that kind, keeps
	// them as they are, and does not record them.
	Others    []TrafficEndpoint
	RunID     string // that changed it last
	UpdatedAt time.Time
}

// TrafficProbe is how an endpoint's health is asked for.
type TrafficProbe struct {
	Protocol          string // HTTP, HTTPS, TCP
	Port              int
	Path              string // "" with TCP
	Host              string // sent as Host header; "" is the target's own name
	IntervalSeconds   int    // 30, or 10
	TimeoutSeconds    int    // 5 to 10, to 9 with the short interval
	ToleratedFailures int    // failures in a row that still count as healthy, 0 to 9
}

// TrafficEndpoint is a Site behind the name.
type TrafficEndpoint struct {
	SiteID   string
	Name     string // of the endpoint in the profile
	Target   string // host name or public address; of Others what they lead to: "the profile inner in rg"
	Enabled  bool   // as we set it last
	Weight   int    // 1 to 1000
	Priority int    // 1 to 1000, 1 is first
	Location string // Azure region nearest to the Site, with RoutePerformance
	Geo      string // codes of regions, by comma, with RouteGeographic
	Subnets  string // client networks, by comma, with RouteSubnet
}

// Endpoint is the endpoint of a Site, and whether there is one.
func (p TrafficProfile) Endpoint(siteID string) (TrafficEndpoint, bool) {
	for _, e := range p.Endpoints {
		if e.SiteID == siteID {
			return e, true
		}
	}
	return TrafficEndpoint{}, false
}

// TrafficHealth is what Traffic Manager's monitor says, in its own words.
type TrafficHealth struct {
	Profile   string            // Online, Degraded, Disabled, Inactive, CheckingEndpoints
	Endpoints map[string]string // by endpoint name: Online, Degraded, Disabled, Inactive, Stopped, CheckingEndpoint, Unmonitored
}
