package operate

import (
	"context"
	"errors"
	"fmt"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// RestoreChecks are what is looked at before a version of the API model is put
// back; version is which.
func RestoreChecks[S any](e Engine, change func(*S) *Change, version func(*S) int) []w.Check[S] {
	all := Checks(e, change)
	return []w.Check[S]{all[0], all[1], {
		ID: "version", Title: "The version is this cluster's", Why: "With another one the engine makes a new certificate authority, and the nodes that exist are lost.", Page: "version", Severity: w.SeverityBlock, Timeout: slow,
		Run: func(ctx context.Context, s *S) w.Finding { return e.checkVersion(ctx, change(s), version(s)) },
	}}
}

func (e Engine) checkVersion(ctx context.Context, c *Change, version int) w.Finding {
	doc, err := e.modelVersion(ctx, c, version)
	if err != nil {
		return problem.Finding(err)
	}
	model, err := aksengine.ReadOutput(doc)
	if err != nil {
		return w.Fail("It cannot be read: "+err.Error()+".", "Choose another version.")
	}
	if model.NameSuffix != c.Cluster.NameSuffix || model.DNSPrefix != c.Cluster.Name {
		return w.Fail(fmt.Sprintf("It is the model of %s (%s).", model.DNSPrefix, model.NameSuffix), "Choose another version: the cluster's own has the name suffix "+c.Cluster.NameSuffix+".")
	}
	kubeconfig, err := e.Vault.Open(ctx, c.Cluster.Kubeconfig)
	if err != nil {
		return problem.Finding(err)
	}
	if !trusts(kubeconfig, doc) {
		return w.Fail("Its certificate authority is not the one that the cluster's kubeconfig trusts.", "It is from before the certificates were rotated, or of another deployment of the same name. Choose a newer version.")
	}
	return w.Passed(fmt.Sprintf("Version %d has the cluster's name suffix and certificate authority.", version))
}

// modelVersion opens one version in custody.
func (e Engine) modelVersion(ctx context.Context, c *Change, version int) ([]byte, error) {
	models, err := e.Records.APIModels(ctx, c.Cluster.ID)
	if err != nil {
		return nil, err
	}
	for _, m := range models {
		if m.Version == version {
			return e.Vault.Open(ctx, m.Document)
		}
	}
	return nil, &w.Problem{Code: "cluster.modellost", What: fmt.Sprintf("Version %d is not in custody", version), Why: "It is not among the versions of this cluster.", Fix: "Choose another version."}
}

// Restore puts a version in custody on the helper VM and reads it back. A file
// that says something else is moved aside; moved tells where to.
func (e Engine) Restore(ctx context.Context, c *Change, version int, log w.Log) (moved string, err error) {
	doc, err := e.modelVersion(ctx, c, version)
	if err != nil {
		return "", err
	}
	for _, secret := range aksengine.Secrets(doc) {
		log.Mask(secret)
	}
	host, err := e.OpenHost(ctx, c.SiteID)
	if err != nil {
		return "", err
	}
	defer host.Close()
	if err := e.NoOtherJob(ctx, &c.Ground, host); err != nil {
		return "", err
	}
	if err := e.MakeFolder(ctx, &c.Ground, host); err != nil {
		return "", err
	}
	out, err := host.Run(ctx, "umask 077 && mkdir -p "+e.Quote(c.OutputDir()), nil)
	if err := RanWell(out, err, "The engine's output folder could not be made on the helper VM"); err != nil {
		return "", err
	}
	have, err := host.Download(ctx, c.OutputModel(), MaxModel)
	switch {
	case err != nil && !errors.Is(err, w.ErrNotFound):
		return "", err
	case err == nil && digest(have) == digest(doc):
		log.Good("Version %d is on the helper VM already.", version)
		return "", nil
	case err == nil:
		for _, secret := range aksengine.Secrets(have) {
			log.Mask(secret)
		}
		moved = c.OutputModel() + "." + digest(have)[:12]
		if err := Upload(ctx, host, moved, have); err != nil {
			return "", err
		}
		log.Info("What lay there is kept as ~/%s.", moved)
	}
	if err := Upload(ctx, host, c.OutputModel(), doc); err != nil {
		return moved, err
	}
	back, err := host.Download(ctx, c.OutputModel(), MaxModel)
	if err == nil && digest(back) != digest(doc) {
		err = &w.Problem{Code: "cluster.restore", What: "The API model on the helper VM is not what was written", Why: "The file has another checksum.", Fix: "Look whether the helper VM's disk is full, then retry."}
	}
	if err != nil {
		return moved, err
	}
	log.Good("Version %d is on the helper VM as ~/%s.", version, c.OutputModel())
	return moved, nil
}
