package adopt

import (
	"context"
	"errors"
	"fmt"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

func (f flow) look(ctx context.Context, s *State, log w.Log) error {
	x, err := f.find(ctx, s)
	if err != nil {
		return err
	}
	for _, secret := range aksengine.Secrets(x.model) {
		log.Mask(secret)
	}
	if x.cluster.Kubeconfig = s.Cluster.Kubeconfig; x.cluster.Kubeconfig == "" {
		if x.cluster.Kubeconfig, err = f.Vault.Seal(ctx, "kubeconfig of "+x.cluster.Name, x.kubeconfig); err != nil {
			return err
		}
	}
	s.Cluster, s.DNSPrefix = x.cluster, x.cluster.Name
	for _, n := range x.nodes {
		log.Info("%s: %s, %s", n.Name, n.Status, n.Version)
	}
	log.Good("%s answers: Kubernetes %s, %d nodes.", s.Cluster.FQDN, s.Cluster.Version, len(x.nodes))
	return nil
}

func (f flow) record(ctx context.Context, s *State, log w.Log) error {
	c, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	switch {
	case err == nil && c.Name != s.Cluster.Name:
		return &w.Problem{Code: "cluster.exists", What: "The site has another cluster by now", Why: "It is called " + c.Name + ".", Fix: "Make a site of its own for this one."}
	case err != nil && !errors.Is(err, w.ErrNotFound):
		return err
	case err != nil:
		s.Cluster.CreatedAt, s.Cluster.CreatedBy = f.Clock(), w.OriginOf(ctx).Actor
	default:
		s.Cluster.ID, s.Cluster.CreatedAt, s.Cluster.CreatedBy = c.ID, c.CreatedAt, c.CreatedBy
	}
	if s.byModel() {
		s.Cluster.OutputDir = "~/" + s.OutputDir()
	}
	if err := f.Records.SaveCluster(ctx, &s.Cluster); err != nil {
		return fmt.Errorf("saving the cluster's record: %w", err)
	}
	log.Good("%s is in Hubwright's records; its kubeconfig is in custody, sealed.", s.Cluster.Name)
	return nil
}

func (f flow) custody(ctx context.Context, s *State, log w.Log) error {
	doc, err := f.Vault.Open(ctx, s.Model)
	if err != nil {
		return err
	}
	if s.Kept, err = f.KeepModel(ctx, &s.Ground, s.Cluster.ID, doc); err != nil {
		return err
	}
	log.Good("The API model is in custody as version %d, sealed.", s.Kept)
	return nil
}
