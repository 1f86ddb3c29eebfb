package connect

import (
	"context"
	"fmt"
	"time"

	w "hubwright/workflows"
)

// The ways to the API server.
const (
	WayDirect = "direct"
	WayHelper = "helper"
)

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	SiteID, SiteName string
	StackName        string
	Proxy            string
	Cluster          Facts

	Way       string
	Account   string // "yes" or "no"
	Namespace string
	Name      string
	Role      string
	Hours     int

	Found Found
}

// Facts is what pages and plan show of the cluster.
type Facts struct {
	ID, Name, FQDN, Version, Suffix, AdminUser string
	Masters, Nodes                             int
	HasKubeconfig                              bool
}

// Found is what the steps learned.
type Found struct {
	Server, Version string
	Ready           int
	AccountRef      w.SecretRef
	Expires         time.Time
}

func (s *State) viaHelper() bool    { return s.Way == WayHelper }
func (s *State) wantsAccount() bool { return s.Account == "yes" }

// Downloads offers the scoped account's kubeconfig.
func (s *State) Downloads() []w.Download {
	if s.Found.AccountRef == "" {
		return nil
	}
	return []w.Download{{
		Name: s.Name + ".kubeconfig", Ref: s.Found.AccountRef,
		Title: fmt.Sprintf("Kubeconfig of %s in %s (%s)", s.Name, s.Namespace, s.Role),
	}}
}

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	site, err := f.Records.Site(ctx, t.SiteID)
	if err != nil {
		return nil, err
	}
	stack, err := f.Records.Stack(ctx, site.StackID)
	if err != nil {
		return nil, err
	}
	c, err := f.Records.ClusterOfSite(ctx, site.ID)
	if err != nil {
		return nil, &w.Problem{Code: "connect.cluster", What: "There is no cluster on " + site.Name + " yet", Why: "the cluster has not been deployed", Fix: "Deploy the cluster first: it is step 3 of the guide."}
	}
	s := &State{
		SiteID: site.ID, SiteName: site.Name, StackName: stack.Name, Proxy: stack.HTTPSProxy, Way: WayDirect, Account: "no",
		Cluster: Facts{ID: c.ID, Name: c.Name, FQDN: c.FQDN, Version: c.Version, Suffix: c.NameSuffix, AdminUser: c.AdminUser, Masters: c.MasterCount, Nodes: c.Nodes(), HasKubeconfig: c.Kubeconfig != ""},
	}
	if c.ViaHelper {
		s.Way = WayHelper
	}
	return s, nil
}

// open reaches the cluster with the kubeconfig in custody.
func (f flow) open(ctx context.Context, s *State, viaHelper bool) (Kube, error) {
	c, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	if err != nil {
		return nil, err
	}
	site, err := f.Records.Site(ctx, s.SiteID)
	if err != nil {
		return nil, err
	}
	stack, err := f.Records.Stack(ctx, site.StackID)
	if err != nil {
		return nil, err
	}
	if c.Kubeconfig == "" {
		return nil, &w.Problem{Code: "connect.kubeconfig", What: "There is no kubeconfig in custody", Why: "the deploy run has not fetched it", Fix: "Retry the deploy run: it fetches what is missing."}
	}
	raw, err := f.Vault.Open(ctx, c.Kubeconfig)
	if err != nil {
		return nil, err
	}
	if err := f.Validate(raw); err != nil {
		return nil, err
	}
	return f.OpenKube(ctx, raw, stack, s.SiteID, viaHelper)
}
