package workflows

import (
	"context"
	"errors"
)

// SiteRecords reads where a workflow on a Site's cluster works.
type SiteRecords interface {
	Site(ctx context.Context, id string) (Site, error)
	Stack(ctx context.Context, id string) (Stack, error)
	ClusterOfSite(ctx context.Context, siteID string) (Cluster, error)
}

// SiteCluster is where a workflow on a Site's cluster works.
type SiteCluster struct {
	Site    Site
	Stack   Stack
	Cluster Cluster
}

// FindSiteCluster reads where a workflow on the Site's cluster works. A Site
// without a cluster is a *Problem, NoCluster.
func FindSiteCluster(ctx context.Context, records SiteRecords, siteID string) (at SiteCluster, err error) {
	if at.Site, err = records.Site(ctx, siteID); err != nil {
		return at, err
	}
	if at.Stack, err = records.Stack(ctx, at.Site.StackID); err != nil {
		return at, err
	}
	at.Cluster, err = records.ClusterOfSite(ctx, siteID)
	if errors.Is(err, ErrNotFound) {
		err = NoCluster(at.Site.Name)
	}
	return at, err
}

// NoCluster says that the Site's cluster has not been deployed.
func NoCluster(site string) *Problem {
	return &Problem{Code: "cluster.none", What: "There is no cluster on " + site + " yet", Why: "It has not been deployed.", Fix: "Deploy the cluster first: it is step 3 of the guide."}
}
