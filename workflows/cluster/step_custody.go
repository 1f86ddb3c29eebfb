package cluster

import (
	"context"
	"errors"
	"fmt"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// custody brings API model and kubeconfig home, sealed, and makes the
// cluster's record: from now on it exists for Hubwright.
func (f flow) custody(ctx context.Context, s *State, log w.Log) error {
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	doc, model, err := f.FetchModel(ctx, &s.Ground, host, log)
	if err != nil {
		return err
	}
	if p := s.differs(model); p != nil {
		return p
	}
	s.FQDN, s.CA = model.FQDN, model.CAFingerprint
	if s.FQDN == "" {
		s.FQDN = s.fqdn()
	}
	if s.Kubeconfig, err = f.KeepKubeconfig(ctx, &s.Ground, host, doc, log); err != nil {
		return err
	}
	if err := f.saveCluster(ctx, s, model); err != nil {
		return err
	}
	if s.ModelKept, err = f.KeepModel(ctx, &s.Ground, s.ClusterID, doc); err != nil {
		return err
	}
	log.Good("The API model is in custody as version %d, sealed; the kubeconfig too.", s.ModelKept)
	log.Info("The cluster's CA has the SHA-256 fingerprint %s.", s.CA)
	return nil
}

func (f flow) saveCluster(ctx context.Context, s *State, model aksengine.Output) error {
	c, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	if err != nil && !errors.Is(err, w.ErrNotFound) {
		return err
	}
	if err == nil && c.Name != s.DNSPrefix {
		return &w.Problem{Code: "cluster.exists", What: "The site has another cluster by now", Why: "It is called " + c.Name + ".", Fix: "Find out who made it. The API model of this one is on the helper VM at ~/" + s.OutputModel() + "."}
	}
	c.SiteID, c.Name, c.NameSuffix, c.ResourceGroup = s.SiteID, s.DNSPrefix, model.NameSuffix, s.ResourceGroup
	c.FQDN, c.Version, c.EngineVersion = s.FQDN, model.Version, s.Helper.EngineVersion
	c.MasterCount, c.MasterSize, c.Pools = model.MasterCount, model.MasterSize, model.Pools
	c.AdminUser, c.SSHKey, c.OutputDir, c.Kubeconfig = s.AdminUser, s.SSHKey, "~/"+s.OutputDir(), s.Kubeconfig
	c.ViaHelper = s.ViaHelper
	if c.CreatedAt.IsZero() {
		c.CreatedAt, c.CreatedBy = f.Clock(), w.OriginOf(ctx).Actor
	}
	if err := f.Records.SaveCluster(ctx, &c); err != nil {
		return fmt.Errorf("saving the cluster's record: %w", err)
	}
	s.ClusterID = c.ID
	return nil
}
