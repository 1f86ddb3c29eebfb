package pipelines

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/vm"
)

// What the workflow does.
const (
	TaskSetUp  = "set-up"
	TaskRemove = "remove"
)

// How the service connection proves itself to the cluster.
const (
	MethodAccount    = "service-account"
	MethodKubeconfig = "kubeconfig"
)

// Where agents run.
const (
	WhereHosted  = "hosted" // Microsoft's
	WhereVM      = "helper-vm"
	WhereHost    = "host"    // another Linux host
	WhereOwn     = "own-vm"  // a VM that the run makes
	WhereCluster = "cluster" // pods on the Site's own cluster
	WherePool    = "pool"    // agents that are there already
)

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	SiteID, SiteName string
	Proxy            string // of the Stack
	Cluster          string
	HasKubeconfig    bool
	Deployment       string
	Stack, Region    string
	Domain           string // of public names on the Stack
	HelperSubnet     string // resource ID; "" when the helper VM is not ours
	HasHelper        bool
	Offered          []Offer
	Before           w.ServiceConnection // what a former run left; zero when none did

	Task                     string
	ConnectionID             string
	Connection, Organization string // its name and address
	Login                    w.AuthMethod

	Project   string
	ARM, API  string // "yes" and "no": reachable from the Internet
	Where     string
	Pool      string
	Agent     string
	AgentWay  string      // proxy
	Host      w.HostLogin // with WhereHost and WhereOwn
	VM        w.OwnVM     // with WhereOwn
	Net       string      // in which network it stands
	Pods      w.AgentPods // with WhereCluster
	Print     string      // the fingerprint that is expected of it, "" for any
	Name      string
	Method    string
	Namespace string
	Account   string
	Days      int
	Share     []string
	Grant     bool

	Found Found
}

// Offer is a Connection that can be chosen.
type Offer struct {
	ID, Name, Endpoint string
	Method             w.AuthMethod
}

// Found is what the steps learned.
type Found struct {
	Project    Project
	EndpointID string
	Keep       bool // the service connection stays as it is
	Credential w.SecretRef
	Expires    time.Time
	Server     string
	Pool       Pool
	Queue      bool   // this run let the project see the pool
	Agent      string // how far it came; "" is not known
	VM         bool   // the Hub said that the VM is made
	Version    string
	Sample     w.SecretRef
	Did        []string
}

func (s *State) setsUp() bool      { return s.Task == TaskSetUp }
func (s *State) removes() bool     { return s.Task == TaskRemove }
func (s *State) usesAccount() bool { return s.Method == MethodAccount }
func (s *State) installs() bool {
	return s.setsUp() && (s.Where == WhereVM || s.Where == WhereHost || s.Where == WhereOwn)
}
func (s *State) selfHosted() bool { return s.setsUp() && s.Where != WhereHosted }
func (s *State) hostedCan() bool  { return s.ARM == "yes" && s.API == "yes" }
func (s *State) recorded() bool   { return s.Before.SiteID != "" }
func (s *State) known() bool      { return s.Before.Name != "" }
func (s *State) renews() bool     { return s.setsUp() && !s.Found.Keep }
func (s *State) did(what string)  { s.Found.Did = append(s.Found.Did, what) }
func (s *State) description() string {
	return "Kubernetes on " + s.SiteName + ". Made by Hubwright, which renews it."
}

// Downloads offers the sample pipeline.
func (s *State) Downloads() []w.Download {
	if s.Found.Sample == "" {
		return nil
	}
	return []w.Download{{Name: "azure-pipelines.yml", Ref: s.Found.Sample, Title: "A pipeline that deploys a Helm chart to " + s.SiteName}}
}

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	at, err := w.FindSiteCluster(ctx, f.Records, t.SiteID)
	if err != nil {
		return nil, err
	}
	site, c := at.Site, at.Cluster
	s := &State{SiteID: site.ID, SiteName: site.Name, Proxy: at.Stack.HTTPSProxy, Cluster: c.Name, HasKubeconfig: c.Kubeconfig != "", Task: TaskSetUp}
	deployment, err := f.Records.Deployment(ctx, site.DeploymentID)
	if err != nil {
		return nil, err
	}
	s.Deployment, s.Stack, s.Region, s.Domain = deployment.Name, at.Stack.Name, at.Stack.Region, at.Stack.CloudAppDomain()
	all, err := f.Records.Connections(ctx)
	if err != nil {
		return nil, err
	}
	for _, con := range all {
		if con.Kind == w.ConnectionDevOps {
			s.Offered = append(s.Offered, Offer{ID: con.ID, Name: con.Name, Endpoint: con.Endpoint, Method: con.Credential.Method})
		}
	}
	helper, err := f.Records.HelperVM(ctx, site.ID)
	if s.HasHelper = err == nil && helper.HostKey != ""; s.HasHelper && helper.VMName != "" {
		s.HelperSubnet = vm.SubnetOf(at.Stack.SubscriptionID, helper.ResourceGroup, helper.VMName)
	}
	s.Before, err = f.Records.ServiceConnection(ctx, site.ID)
	if err != nil && !errors.Is(err, w.ErrNotFound) {
		return nil, err
	}
	return s, nil
}

// organization opens the chosen organization.
func (f flow) organization(ctx context.Context, s *State) (Organization, error) {
	id := s.ConnectionID
	if s.removes() {
		id = s.Before.ConnectionID
	}
	if id == "" {
		return nil, &w.Problem{Code: "pipelines.connection", What: "No Connection was chosen", Why: "the first page is not answered", Fix: "Choose the Connection to Azure DevOps on the first page."}
	}
	c, err := f.Records.Connection(ctx, id)
	if err != nil {
		return nil, err
	}
	return f.OpenDevOps(ctx, c)
}

func (f flow) inOrganization(ctx context.Context, s *State, work func(Organization) error) error {
	o, err := f.organization(ctx, s)
	if err != nil {
		return err
	}
	defer o.Close()
	return work(o)
}

// admin is the cluster-admin kubeconfig, with the Stack on which it is used.
func (f flow) admin(ctx context.Context, s *State) ([]byte, w.Stack, error) {
	site, err := f.Records.Site(ctx, s.SiteID)
	if err != nil {
		return nil, w.Stack{}, err
	}
	stack, err := f.Records.Stack(ctx, site.StackID)
	if err != nil {
		return nil, stack, err
	}
	c, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	if err != nil {
		return nil, stack, err
	}
	if c.Kubeconfig == "" {
		return nil, stack, &w.Problem{Code: "pipelines.kubeconfig", What: "There is no kubeconfig in custody", Why: "the deploy run has not fetched it", Fix: "Retry the deploy run: it fetches what is missing."}
	}
	raw, err := f.Vault.Open(ctx, c.Kubeconfig)
	return raw, stack, err
}

// onCluster works with the cluster as its administrator.
func (f flow) onCluster(ctx context.Context, s *State, work func(Kube) error) error {
	raw, stack, err := f.admin(ctx, s)
	if err != nil {
		return err
	}
	k, err := f.OpenKube(ctx, raw, stack, s.SiteID)
	if err != nil {
		return err
	}
	defer k.Close()
	return work(k)
}

// machine is what the agent's host is called.
func (s *State) machine() string {
	switch s.Where {
	case WhereHost:
		return "the host " + s.Host.Address
	case WhereOwn:
		return "the VM " + s.VM.Name
	}
	return "the helper VM"
}

// names are the words of a text, one a line or between commas.
func names(text string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ',' || r == '\r' }) {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(out, part) {
			out = append(out, part)
		}
	}
	return out
}
