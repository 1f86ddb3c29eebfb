package connect

import (
	"context"
	"fmt"
	"time"

	w "hubwright/workflows"
)

// The ways to the API server.
const (
	WayAuto   = "auto" // directly where that leads there, else through the helper VM
	WayDirect = "direct"
	WayHelper = "helper"
)

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	SiteID, SiteName string
	StackName        string
	Proxy            string
	Cluster          Facts

	Way       string // as chosen
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
	Way             string // the one that led there; never WayAuto
	Ready           int
	AccountRef      w.SecretRef
	Expires         time.Time
}

func (s *State) viaHelper() bool    { return s.Found.Way == WayHelper }
func (s *State) wantsAccount() bool { return s.Account == "yes" }

// way is the way to take: the one that was found, once there is one.
func (s *State) way() string {
	if s.Found.Way != "" {
		return s.Found.Way
	}
	return s.Way
}

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
	at, err := w.FindSiteCluster(ctx, f.Records, t.SiteID)
	if err != nil {
		return nil, err
	}
	c := at.Cluster
	return &State{
		SiteID: at.Site.ID, SiteName: at.Site.Name, StackName: at.Stack.Name, Proxy: at.Stack.HTTPSProxy, Way: WayAuto, Account: "no",
		Cluster: Facts{ID: c.ID, Name: c.Name, FQDN: c.FQDN, Version: c.Version, Suffix: c.NameSuffix, AdminUser: c.AdminUser, Masters: c.MasterCount, Nodes: c.Nodes(), HasKubeconfig: c.Kubeconfig != ""},
	}, nil
}

// open reaches the cluster with the kubeconfig in custody.
func (f flow) open(ctx context.Context, s *State, way string) (Kube, error) {
	at, err := w.FindSiteCluster(ctx, f.Records, s.SiteID)
	if err != nil {
		return nil, err
	}
	if at.Cluster.Kubeconfig == "" {
		return nil, &w.Problem{Code: "connect.kubeconfig", What: "There is no kubeconfig in custody", Why: "the deploy run has not fetched it", Fix: "Retry the deploy run: it fetches what is missing."}
	}
	raw, err := f.Vault.Open(ctx, at.Cluster.Kubeconfig)
	if err != nil {
		return nil, err
	}
	if err := f.Validate(raw); err != nil {
		return nil, err
	}
	return f.OpenKube(ctx, raw, at.Stack, s.SiteID, way)
}

// with works on the cluster. When that fails the way is forgotten, so that a
// retry looks for it anew.
func (f flow) with(ctx context.Context, s *State, work func(Kube) error) error {
	k, err := f.open(ctx, s, s.way())
	if err == nil {
		defer k.Close()
		err = work(k)
	}
	if err != nil {
		s.Found.Way = ""
		return err
	}
	s.Found.Way = WayDirect
	if k.ViaHelper() {
		s.Found.Way = WayHelper
	}
	return nil
}
