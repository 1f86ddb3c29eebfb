package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
	doc, err := host.Download(ctx, s.outputModel(), maxModel)
	if err != nil {
		return err
	}
	for _, secret := range aksengine.Secrets(doc) {
		log.Mask(secret)
	}
	model, err := aksengine.ReadOutput(doc)
	if err != nil {
		return &w.Problem{Code: "cluster.modelbroken", What: "The engine's API model cannot be read", Why: err.Error() + ".", Fix: "Look at ~/" + s.outputModel() + " on the helper VM."}
	}
	if p := s.differs(model); p != nil {
		return p
	}
	s.FQDN, s.CA = model.FQDN, model.CAFingerprint
	if s.FQDN == "" {
		s.FQDN = s.fqdn()
	}
	if err := f.keepKubeconfig(ctx, s, host, doc, log); err != nil {
		return err
	}
	if err := f.saveCluster(ctx, s, model); err != nil {
		return err
	}
	if err := f.keepModel(ctx, s, doc); err != nil {
		return err
	}
	log.Good("The API model is in custody as version %d, sealed; the kubeconfig too.", s.ModelKept)
	log.Info("The cluster's CA has the SHA-256 fingerprint %s.", s.CA)
	return nil
}

func (f flow) keepKubeconfig(ctx context.Context, s *State, host Host, model []byte, log w.Log) error {
	path := s.outputDir() + "/" + aksengine.KubeconfigPath + s.Stack.Region + ".json"
	doc, err := host.Download(ctx, path, maxModel)
	if errors.Is(err, w.ErrNotFound) {
		// The engine writes it only in the run that made the certificates.
		doc, err = aksengine.Kubeconfig(model)
	}
	if err != nil {
		return &w.Problem{Code: "cluster.kubeconfig", What: "There is no kubeconfig", Why: err.Error() + ".", Fix: "Look at ~/" + s.outputDir() + " on the helper VM, then retry."}
	}
	var kube struct {
		Users []struct {
			User struct {
				Key string `json:"client-key-data"`
			} `json:"user"`
		} `json:"users"`
	}
	if json.Unmarshal(doc, &kube) == nil {
		for _, u := range kube.Users {
			log.Mask(u.User.Key)
		}
	}
	s.Kubeconfig, err = f.Vault.Seal(ctx, "kubeconfig of "+s.DNSPrefix, doc)
	return err
}

func (f flow) saveCluster(ctx context.Context, s *State, model aksengine.Output) error {
	c, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	if err != nil && !errors.Is(err, w.ErrNotFound) {
		return err
	}
	if err == nil && c.Name != s.DNSPrefix {
		return &w.Problem{Code: "cluster.exists", What: "The site has another cluster by now", Why: "It is called " + c.Name + ".", Fix: "Find out who made it. The API model of this one is on the helper VM at ~/" + s.outputModel() + "."}
	}
	c.SiteID, c.Name, c.NameSuffix, c.ResourceGroup = s.SiteID, s.DNSPrefix, model.NameSuffix, s.ResourceGroup
	c.FQDN, c.Version, c.EngineVersion = s.FQDN, model.Version, s.Helper.EngineVersion
	c.MasterCount, c.MasterSize, c.Pools = model.MasterCount, model.MasterSize, model.Pools
	c.AdminUser, c.SSHKey, c.OutputDir, c.Kubeconfig = s.AdminUser, s.SSHKey, "~/"+s.outputDir(), s.Kubeconfig
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

// keepModel seals the model as the cluster's newest version, unless it is that
// already.
func (f flow) keepModel(ctx context.Context, s *State, doc []byte) error {
	sum := sha256.Sum256(doc)
	digest := hex.EncodeToString(sum[:])
	kept, err := f.Records.APIModels(ctx, s.ClusterID)
	if err != nil {
		return err
	}
	if len(kept) > 0 && kept[0].SHA256 == digest {
		s.ModelKept = kept[0].Version
		return nil
	}
	ref, err := f.Vault.Seal(ctx, "API model of "+s.DNSPrefix, doc)
	if err != nil {
		return err
	}
	m := w.APIModel{ClusterID: s.ClusterID, SHA256: digest, Size: len(doc), Document: ref, RunID: w.OriginOf(ctx).RunID, At: f.Clock()}
	if err := f.Records.SaveAPIModel(ctx, &m); err != nil {
		return fmt.Errorf("keeping the API model: %w", err)
	}
	s.ModelKept = m.Version
	return nil
}
