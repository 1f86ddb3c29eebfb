package monitoring

import (
	"context"
	"errors"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// The ways to monitor a cluster.
const (
	MethodArc        = "arc"
	MethodHelm       = "helm"
	MethodPrometheus = "prometheus"
	MethodAddon      = "addon" // always refused
	MethodRemove     = "remove"
)

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	Target     w.Target
	Deployment string
	SiteName   string
	Stack      w.Stack
	Cluster    Facts
	Releases   []w.Release // for monitoring, that runs put there
	Addon      bool        // the engine's addon is on in the API model in custody

	Method  string
	Account Account
	Wanted  Workspace // Group, Name, Location, Retention, DailyCapGB; of an existing one also its ID
	New     bool      // the workspace is to be made
	Agent   Agent
	Chart   w.ChartSource
	Release Name
	Values  string // YAML, what the person adds
	Remove  Name   // with MethodRemove
	Wait    int    // minutes for data, or for the agent of Arc

	Found Found
}

// Facts is what pages and plan show of the cluster.
type Facts struct {
	ID, Name, FQDN, Version string
	Nodes                   int
}

// Account is the Connection to public Azure.
type Account struct{ ID, Name, Subscription string }

// Agent is how the agent introduces itself.
type Agent struct {
	ClusterName string
	Proxy       w.SecretRef // of the nodes, for the agent; "" for none
}

// Name is a Helm release's.
type Name struct{ Name, Namespace string }

// Found is what the steps learned.
type Found struct {
	Workspace Workspace
	Asked     bool // Azure was asked for the workspace
	Made      Outcome
	Solution  bool   // made by this run
	Password  string // of Grafana: asked for, or there
	Key       w.SecretRef
	Chart     w.Chart // without its archive
	Revision  int
	Changed   bool // the release was installed or changed
	Grafana   bool // the chart brings it
	Workloads []Workload
	Objects   int
	Nodes     string // how many nodes the workspace knows
	Last      time.Time
}

func (s *State) azure() bool { return s.Method == MethodArc || s.Method == MethodHelm }
func (s *State) chart() bool { return s.Method == MethodHelm || s.Method == MethodPrometheus }
func (s *State) is(methods ...string) bool {
	for _, m := range methods {
		if s.Method == m {
			return true
		}
	}
	return false
}

// ours says whether a Helm release was put there by a run.
func (s *State) ours(release string) bool {
	for _, r := range s.Releases {
		if r.Name == release {
			return true
		}
	}
	return false
}

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	at, err := w.FindSiteCluster(ctx, f.Records, t.SiteID)
	if err != nil {
		return nil, err
	}
	site, stack, c := at.Site, at.Stack, at.Cluster
	if c.Kubeconfig == "" {
		return nil, w.NoCluster(site.Name)
	}
	deployment, err := f.Records.Deployment(ctx, site.DeploymentID)
	if err != nil {
		return nil, err
	}
	all, err := f.Records.Releases(ctx, site.ID)
	if err != nil {
		return nil, err
	}
	s := &State{
		Target: t, Deployment: deployment.Name, SiteName: site.Name, Stack: stack,
		Cluster: Facts{ID: c.ID, Name: c.Name, FQDN: c.FQDN, Version: c.Version, Nodes: c.Nodes()},
	}
	s.take(all)
	s.Method = MethodArc
	if stack.AirGapped {
		s.Method = MethodPrometheus
	}
	s.Addon, err = f.engine.HasMonitoringAddon(ctx, c.ID)
	return s, err
}

// open reaches the cluster as its record is now, and reads the Stack anew.
func (f flow) open(ctx context.Context, s *State) (Cluster, error) {
	var err error
	if s.Stack, err = f.Records.Stack(ctx, s.Stack.ID); err != nil {
		return nil, err
	}
	c, err := f.Records.ClusterOfSite(ctx, s.Target.SiteID)
	if err != nil {
		return nil, err
	}
	return f.OpenCluster(ctx, c)
}

// login is public Azure with the Connection as it is now.
func (f flow) login(ctx context.Context, s *State) (Azure, error) {
	c, err := f.Records.Connection(ctx, s.Account.ID)
	if errors.Is(err, w.ErrNotFound) {
		return nil, &w.Problem{Code: "monitoring.connection", What: "The Connection to Azure is gone", Why: "Somebody deleted it.", Fix: "Choose another one, then start again."}
	}
	if err != nil {
		return nil, err
	}
	return f.OpenAzure(ctx, c)
}

type flow struct {
	Needs
	engine operate.Engine
}
