package operate

import (
	"context"
	"errors"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// monitoringAddon is what the engine refuses in API models of old clusters.
const monitoringAddon = "container-monitoring"

// HasMonitoringAddon says whether the API model in custody still has the
// engine's monitoring addon switched on, which blocks upgrade and scale.
func (e Engine) HasMonitoringAddon(ctx context.Context, clusterID string) (bool, error) {
	models, err := e.Records.APIModels(ctx, clusterID)
	if err != nil || len(models) == 0 {
		return false, err
	}
	kept, err := e.Vault.Open(ctx, models[0].Document)
	if err != nil {
		return false, err
	}
	return aksengine.HasAddon(kept, monitoringAddon), nil
}

// DropMonitoringAddon takes the engine's monitoring addon out of the API model:
// on the helper VM, and in custody as a new version. Nothing else in the model
// changes, and a model without it stays as it is.
func (e Engine) DropMonitoringAddon(ctx context.Context, t w.Target, log w.Log) error {
	c, err := e.BeginChange(ctx, t)
	if err != nil {
		return err
	}
	host, err := e.OpenHost(ctx, c.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	if err := e.NoOtherJob(ctx, &c.Ground, host); err != nil {
		return err
	}
	if err := e.settleModel(ctx, &c, host, log); err != nil {
		return err
	}
	doc, err := host.Download(ctx, c.OutputModel(), MaxModel)
	if err != nil {
		return err
	}
	if aksengine.HasAddon(doc, monitoringAddon) {
		return errors.New("the addon is still in the model on the helper VM") // settleModel has just taken it out
	}
	before := c.ModelKept
	if c.ModelKept, err = e.KeepModel(ctx, &c.Ground, c.Cluster.ID, doc); err != nil {
		return err
	}
	if c.ModelKept == before {
		log.Good("The API model has no %s: nothing to change.", monitoringAddon)
		return nil
	}
	log.Good("The API model without %s is in custody as version %d.", monitoringAddon, c.ModelKept)
	return nil
}

func withoutAddon(model []byte) []byte {
	without, _, err := aksengine.WithoutAddon(model, monitoringAddon)
	if err != nil {
		return model
	}
	return without
}
