package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// Change is a run that changes a cluster that exists: its ground, the cluster
// as it was, and what the steps learned.
type Change struct {
	Ground
	Cluster w.Cluster // as the record said when the draft was opened

	ModelKept int // version of the API model in custody
	Ready     int
	ViaHelper bool
	ARM       []string // deployments that the engine began
}

// BeginChange finds the cluster of a target.
func (e Engine) BeginChange(ctx context.Context, t w.Target) (Change, error) {
	g, err := e.Begin(ctx, t)
	if err != nil {
		return Change{}, err
	}
	c, err := e.Records.ClusterOfSite(ctx, g.SiteID)
	if errors.Is(err, w.ErrNotFound) {
		return Change{}, w.NoCluster(g.SiteName)
	}
	if err != nil {
		return Change{}, err
	}
	g.DNSPrefix, g.ResourceGroup = c.Name, c.ResourceGroup
	return Change{Ground: g, Cluster: c}, nil
}

// Call is the engine's command line up to what it is to do, without the secret.
func (c *Change) Call() aksengine.Deploy {
	return aksengine.Deploy{
		Binary: c.Binary(), OutputDir: Home(c.OutputDir()), ResourceGroup: c.ResourceGroup, Location: c.Stack.Region, Subscription: c.Stack.SubscriptionID,
		Identity: c.Stack.Metadata.Identity, Method: c.Stack.Credential.Method, ClientID: c.Stack.Credential.ClientID,
		ClientSecret: aksengine.Mask, Certificate: Home(c.CertFile()), PrivateKey: Home(c.KeyFile()),
	}
}

// Prepare makes sure that the engine will work with the cluster's own API
// model: the newest in custody. One that is missing on the helper VM is put
// back; another one is refused.
func (e Engine) Prepare(ctx context.Context, c *Change, verb string, log w.Log) error {
	x, err := e.Open(ctx, &c.Ground, log)
	if err != nil {
		return err
	}
	defer x.Close()
	if err := x.Hub.Login(ctx); err != nil {
		return err
	}
	log.Good("The service principal can log in to %s.", c.Stack.Name)
	if err := e.Settle(ctx, c, verb, x.Host, log); err != nil {
		return err
	}
	return e.WriteCertificate(ctx, &c.Ground, x)
}

// Settle is the part of Prepare that needs no Hub.
func (e Engine) Settle(ctx context.Context, c *Change, verb string, host Host, log w.Log) error {
	if err := e.NoOtherJob(ctx, &c.Ground, host); err != nil {
		return err
	}
	if err := e.MakeFolder(ctx, &c.Ground, host); err != nil {
		return err
	}
	if err := e.settleModel(ctx, c, host, log); err != nil {
		return err
	}
	if c.JobBase == "" {
		c.JobBase = verb + "-" + c.DNSPrefix + "-" + e.Clock().UTC().Format("20060102-150405")
	}
	return nil
}

// settleModel compares the model on the helper VM with the one in custody.
func (e Engine) settleModel(ctx context.Context, c *Change, host Host, log w.Log) error {
	kept, err := e.KeptModel(ctx, c)
	if err != nil {
		return err
	}
	for _, secret := range aksengine.Secrets(kept) {
		log.Mask(secret)
	}
	want := withoutAddon(kept)
	have, err := host.Download(ctx, c.OutputModel(), MaxModel)
	switch {
	case errors.Is(err, w.ErrNotFound):
		out, err := host.Run(ctx, "umask 077 && mkdir -p "+e.Quote(c.OutputDir()), nil)
		if err := RanWell(out, err, "The engine's output folder could not be made on the helper VM"); err != nil {
			return err
		}
		if err := Upload(ctx, host, c.OutputModel(), want); err != nil {
			return err
		}
		log.Warn("The API model was missing on the helper VM. The newest version in custody is put back.")
		return nil
	case err != nil:
		return err
	case digest(have) == digest(want):
		log.Good("The API model on the helper VM is version %d in custody.", c.ModelKept)
		return nil
	case digest(have) == digest(kept):
		log.Warn("%s is taken out of the API model: the engine refuses to work with it.", monitoringAddon)
		return Upload(ctx, host, c.OutputModel(), want)
	}
	return e.otherModel(c, have)
}

// otherModel says how the model on the helper VM differs from the cluster's.
func (e Engine) otherModel(c *Change, have []byte) error {
	why := "It is newer than the version in custody: a run was interrupted before it could keep it, or somebody changed it outside Hubwright."
	fix := "If a run on this cluster failed or was cancelled, retry that run: it brings the model into custody. "
	if o, err := aksengine.ReadOutput(have); err != nil {
		why, fix = "It cannot be read: "+err.Error()+".", ""
	} else if o.NameSuffix != c.Cluster.NameSuffix {
		why, fix = fmt.Sprintf("It is the model of another cluster: its name suffix is %s, not %s.", o.NameSuffix, c.Cluster.NameSuffix), ""
	}
	return &w.Problem{
		Code: "cluster.othermodel", What: "The API model on the helper VM is not the cluster's", Why: why,
		Fix: fix + "Otherwise compare ~/" + c.OutputModel() + " with the newest version on the cluster's page. \"Restore the API model\" there puts the version in custody back.",
	}
}

// KeptModel is the newest model in custody.
func (e Engine) KeptModel(ctx context.Context, c *Change) ([]byte, error) {
	models, err := e.Records.APIModels(ctx, c.Cluster.ID)
	if err != nil {
		return nil, err
	}
	if len(models) == 0 {
		return nil, &w.Problem{Code: "cluster.modellost", What: "There is no API model in custody", Why: "The deploy run has not fetched it.", Fix: "Retry the deploy run of this cluster: it fetches what is missing."}
	}
	c.ModelKept = models[0].Version
	return e.Vault.Open(ctx, models[0].Document)
}

// Model reads the newest API model in custody.
func (e Engine) Model(ctx context.Context, c *Change) (aksengine.Output, error) {
	kept, err := e.KeptModel(ctx, c)
	if err != nil {
		return aksengine.Output{}, err
	}
	model, err := aksengine.ReadOutput(kept)
	if err != nil {
		return model, &w.Problem{Code: "cluster.modelbroken", What: "The API model in custody cannot be read", Why: err.Error() + ".", Fix: "Look at the versions on the cluster's page."}
	}
	return model, nil
}

// Stoppable does the work of a step that starts a command. When the person
// cancels, it stops the command and says so only when it has ended.
func (e Engine) Stoppable(ctx context.Context, c *Change, log w.Log, work func() error) error {
	if ctx.Err() == nil {
		if err := work(); err == nil || ctx.Err() == nil {
			return err
		}
	}
	return e.Stop(ctx, &c.Ground, log, func(last context.Context) {
		log.Warn("What was done so far stays: the Hub may even go on with its last request. Retry this run to bring the cluster into order before anything else is done with it.")
		if vms, err := e.VMs(last, c); err == nil {
			if missing := (Look{VMs: vms}).MissingMasters(c.Cluster); len(missing) > 0 {
				log.Warn("The control plane lacks %s now: it was deleted and not made again.", strings.Join(missing, ", "))
			}
		}
	})
}

// Keep brings the API model home and writes the cluster's record from it.
func (e Engine) Keep(ctx context.Context, c *Change, log w.Log) error {
	host, err := e.OpenHost(ctx, c.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	doc, model, err := e.FetchModel(ctx, &c.Ground, host, log)
	if err != nil {
		return err
	}
	if model.NameSuffix != c.Cluster.NameSuffix {
		return e.otherModel(c, doc)
	}
	if c.ModelKept, err = e.KeepModel(ctx, &c.Ground, c.Cluster.ID, doc); err != nil {
		return err
	}
	now, err := e.Records.ClusterOfSite(ctx, c.SiteID)
	if err != nil {
		return err
	}
	now.Version, now.MasterCount, now.MasterSize, now.Pools, now.EngineVersion = model.Version, model.MasterCount, model.MasterSize, model.Pools, c.Helper.EngineVersion
	if err := e.Records.SaveCluster(ctx, &now); err != nil {
		return fmt.Errorf("saving the cluster's record: %w", err)
	}
	log.Good("The API model is in custody as version %d, sealed.", c.ModelKept)
	return nil
}
