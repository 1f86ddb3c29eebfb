package app

import (
	"context"

	w "hubwright/workflows"
)

// The choices of an ingress controller.
const (
	IngressF5              = "f5"        // NGINX's own, maintained
	IngressCommunity       = "community" // the retired one
	IngressExisting        = "existing"  // what the cluster has
	IngressGateway         = "gateway"   // the Gateway API, with NGINX Gateway Fabric
	IngressGatewayExisting = "gateway-existing"
)

// The choices of an application.
const (
	AppRatings = "ratings"
	AppOwn     = "own"
)

// The choices of TLS.
const (
	TLSNone   = "none"
	TLSSelf   = "self"
	TLSSecret = "secret"
)

// State is what the workflow knows. It holds no secrets.
type State struct {
	SiteID, SiteName, StackID string
	Cluster                   Facts
	Installed                 []w.Release // by earlier runs

	Ingress Ingress
	Storage Storage
	App     App

	Found Found
}

// Facts is what pages and plan show of the cluster.
type Facts struct {
	Name, Version, Domain string
	Masters               int
}

// Ingress is the chosen ingress controller, or the controller of Gateways.
type Ingress struct {
	Kind      string
	Source    w.ChartSource
	Namespace string
	Class     string
	DNSLabel  string
	Service   string // namespace/name of an existing controller's Service
	// Definitions of the Gateway API to install where they are missing; without
	// a kind they stay as they are.
	Definitions w.ChartSource
}

// Storage is what is done about disks.
type Storage struct {
	Install bool
	Source  w.ChartSource
	Class   string
	Size    int // GiB of the database's disk
}

// App is the chosen application.
type App struct {
	Kind            string
	Source          w.ChartSource
	Name, Namespace string
	Host            string
	TLS             string
	TLSSecret       string
	Path            string
	Web, Database   int // replicas
	Registry        string
	Values          string // of an own chart
}

// Found is what checks and steps learned.
type Found struct {
	Driver  Placed
	Ingress Placed
	App     Placed
	Address string
	DNSName string
	// Certificate is the Secret that the run made or found, namespace/name.
	Certificate string
	// With the Gateway API:
	Definitions string // that the run began to install, by their release
	Gateway     w.Gateway
	Controller  string // that set it up
	Status      int    // of the last probe
	Millis      int64  // that it took
	Served      string // who answered
	Objects     []w.ReleaseObject
	Exposed     []w.Exposure
	Works       []w.Workload
}

// Placed is a release that a step put there.
type Placed struct {
	Name, Chart, Version string
	Revision             int
	Changed              bool
	// Of one that did not get ready:
	Namespace, Status string
	There             []string // its objects that the cluster has: "Deployment ratings-web"
}

func (s *State) ownIngress() bool {
	return s.Ingress.Kind != IngressExisting && s.Ingress.Kind != IngressGatewayExisting
}

func (s *State) ratings() bool { return s.App.Kind == AppRatings }

// ownCertificate says whether the run makes the certificate: the built-in
// application's chart makes its own.
func (s *State) ownCertificate() bool { return !s.ratings() && s.App.TLS == TLSSelf }

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	at, err := w.FindSiteCluster(ctx, f.Records, t.SiteID)
	if err != nil {
		return nil, err
	}
	site, c := at.Site, at.Cluster
	s := &State{SiteID: site.ID, SiteName: site.Name, StackID: site.StackID, Cluster: Facts{Name: c.Name, Version: c.Version, Domain: at.Stack.CloudAppDomain(), Masters: c.MasterCount}}
	s.Installed, err = f.Records.Releases(ctx, site.ID)
	return s, err
}

// open reaches the Site's cluster.
func (f flow) open(ctx context.Context, s *State) (Kube, error) {
	c, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	if err != nil {
		return nil, err
	}
	return f.Open(ctx, c)
}

// with works on the cluster.
func (f flow) with(ctx context.Context, s *State, work func(Kube) error) error {
	k, err := f.open(ctx, s)
	if err != nil {
		return err
	}
	defer k.Close()
	return work(k)
}

func (f flow) chart(ctx context.Context, s *State, src w.ChartSource) (w.Chart, error) {
	stack, err := f.Records.Stack(ctx, s.StackID)
	if err != nil {
		return w.Chart{}, err
	}
	return f.Chart(ctx, src, stack)
}
