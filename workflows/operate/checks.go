package operate

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
)

const (
	slow       = 60 * time.Second
	docUpgrade = "https://github.com/Azure/aks-engine-azurestack/blob/master/docs/topics/upgrade.md"
)

// Checks are what every change of a cluster looks at before it begins.
func Checks[S any](e Engine, change func(*S) *Change) []w.Check[S] {
	run := func(look func(context.Context, *Change) w.Finding) func(context.Context, *S) w.Finding {
		return func(ctx context.Context, s *S) w.Finding { return look(ctx, change(s)) }
	}
	block := w.SeverityBlock
	return []w.Check[S]{
		{ID: "engine", Title: "The helper VM answers and has the engine", Why: "The engine runs there.", Severity: block, Timeout: slow, Run: run(onGround(e.CheckEngine))},
		{ID: "idle", Title: "No other command works on the cluster", Why: "The engine has no lock: two commands at once break the cluster.", Severity: block, Timeout: slow, Run: run(e.checkIdle)},
		{ID: "principal", Title: "The service principal can log in and contribute", Why: "The change would stop at its first request.", Severity: block, Timeout: slow, Run: run(onGround(e.CheckPrincipal))},
		{ID: "api-model", Title: "The API model is this cluster's", Why: "With another one the engine makes a new certificate authority, and the nodes that exist are lost.", Severity: block, Timeout: slow, Run: run(e.checkModel)},
		{ID: "monitoring-addon", Title: "The monitoring addon is not in the API model", Why: "The engine refuses to work on a cluster whose model still has it.", Severity: w.SeverityWarn, Waivable: true, Timeout: slow, Run: run(e.checkAddon)},
		{ID: "drift", Title: "Hub and cluster are as the API model says", Why: "The engine trusts names, tags and counts; what was changed by hand is lost or makes it fail.", Severity: block, Waivable: true, Timeout: slow, Run: run(e.checkDrift)},
		{ID: "nodes-ready", Title: "All nodes are Ready", Why: "A change takes nodes away for a while: the others must carry the work.", Severity: block, Waivable: true, Timeout: slow, Run: run(e.checkReady)},
	}
}

func onGround(look func(context.Context, *Ground) w.Finding) func(context.Context, *Change) w.Finding {
	return func(ctx context.Context, c *Change) w.Finding { return look(ctx, &c.Ground) }
}

func (e Engine) checkIdle(ctx context.Context, c *Change) w.Finding {
	return e.WithHost(ctx, &c.Ground, func(host Host) w.Finding {
		if err := e.NoOtherJob(ctx, &c.Ground, host); err != nil {
			return problem.Finding(err)
		}
		return w.Passed("None is running in the cluster's folder.")
	})
}

// checkModel compares the model in custody with the record, with the CA that
// the API server is trusted by, and with the file on the helper VM.
func (e Engine) checkModel(ctx context.Context, c *Change) w.Finding {
	kept, err := e.KeptModel(ctx, c)
	if err != nil {
		return problem.Finding(err)
	}
	model, err := aksengine.ReadOutput(kept)
	if err != nil {
		return w.Fail("The API model in custody cannot be read: "+err.Error()+".", "Restore an older version from the cluster's page.")
	}
	if model.NameSuffix != c.Cluster.NameSuffix || model.DNSPrefix != c.Cluster.Name {
		return w.Fail(fmt.Sprintf("It is the model of %s (%s).", model.DNSPrefix, model.NameSuffix), "Find out how it came into custody; the cluster's own has the name suffix "+c.Cluster.NameSuffix+".")
	}
	kubeconfig, err := e.Vault.Open(ctx, c.Cluster.Kubeconfig)
	if err != nil {
		return problem.Finding(err)
	}
	if !trusts(kubeconfig, kept) {
		return w.Fail("Its certificate authority is not the one that the cluster's kubeconfig trusts.", "This is the model of another deployment of the same name. Don't change the cluster with it: bring the right apimodel.json.")
	}
	host, err := e.OpenHost(ctx, c.SiteID)
	if err != nil {
		return problem.Finding(err)
	}
	defer host.Close()
	have, err := host.Download(ctx, c.OutputModel(), MaxModel)
	switch {
	case errors.Is(err, w.ErrNotFound):
		return w.Warn("It is missing on the helper VM.", "The run puts version "+fmt.Sprint(c.ModelKept)+" from custody back.")
	case err != nil:
		return problem.Finding(err)
	case digest(have) != digest(kept) && digest(have) != digest(withoutAddon(kept)):
		return problem.Finding(e.otherModel(c, have))
	}
	return w.Passed(fmt.Sprintf("Version %d in custody, the file on the helper VM and the cluster's certificate authority agree.", c.ModelKept))
}

func (e Engine) checkAddon(ctx context.Context, c *Change) w.Finding {
	kept, err := e.KeptModel(ctx, c)
	if err != nil {
		return problem.Finding(err)
	}
	if aksengine.HasAddon(kept, monitoringAddon) {
		return w.Warn(monitoringAddon+" is in the API model.", "The run takes it out of there. What it started in the cluster (omsagent in kube-system) goes on until somebody deletes it.")
	}
	return w.Passed("It is not.")
}

// trusts says whether the kubeconfig trusts the model's CA. One that names no
// CA cannot say otherwise.
func trusts(kubeconfig, model []byte) bool {
	var k struct {
		Clusters []struct {
			Cluster struct {
				CA string `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
	}
	var m struct {
		Properties struct {
			CertificateProfile struct {
				CACertificate string `json:"caCertificate"`
			} `json:"certificateProfile"`
		} `json:"properties"`
	}
	if json.Unmarshal(kubeconfig, &k) != nil || len(k.Clusters) == 0 || json.Unmarshal(model, &m) != nil {
		return true
	}
	ca, err := base64.StdEncoding.DecodeString(k.Clusters[0].Cluster.CA)
	return err != nil || len(ca) == 0 || bytes.Equal(bytes.TrimSpace(ca), bytes.TrimSpace([]byte(m.Properties.CertificateProfile.CACertificate)))
}

func (e Engine) checkDrift(ctx context.Context, c *Change) w.Finding {
	look, err := e.Look(ctx, c)
	if err != nil {
		return problem.Finding(err)
	}
	wrong, behind := split(look.Drift(c.Cluster))
	if len(wrong) > 0 {
		f := w.Fail(Capital(strings.Join(wrong, "; "))+".", "Put it right before the change. If an earlier run of the engine was interrupted, retry that run first.")
		f.Link = docUpgrade
		return f
	}
	if len(behind) > 0 {
		return w.Warn("Pools have another version than the control plane: "+Some(behind)+".", bringAlong)
	}
	return w.Passed(fmt.Sprintf("%s and %s: names, tags, counts and versions agree.", Plural(len(look.VMs), "VM"), Plural(len(look.Nodes), "node")))
}

func (e Engine) checkReady(ctx context.Context, c *Change) w.Finding {
	nodes, via, err := e.Nodes(ctx, &c.Ground, c.Cluster.Kubeconfig)
	if err != nil {
		return problem.Finding(err)
	}
	c.ViaHelper = via
	if ill := (Look{Nodes: nodes}).NotReady(); len(ill) > 0 {
		return w.Fail("Not Ready, or taking no new pods: "+strings.Join(ill, ", ")+".", "Bring them back first (kubectl describe node says what is wrong; kubectl uncordon lets pods in again).")
	}
	return w.Passed(fmt.Sprintf("All %d are.", len(nodes)))
}

// Steps are the last steps of every change: custody, nodes, comparison.
// allNew says that the change makes all nodes anew.
func Steps[S any](e Engine, change func(*S) *Change, allNew func(s *S) bool) []w.Step[S] {
	return []w.Step[S]{
		{ID: "custody", Title: "Keep the API model", Why: "The next change starts from it.", Weight: 3, Timeout: 5 * time.Minute,
			Run: func(ctx context.Context, s *S, log w.Log) error { return e.Keep(ctx, change(s), log) }},
		{ID: "nodes", Title: "Wait for the nodes", Why: "A VM that runs is not yet a node that takes work.", Weight: 10, Timeout: 20 * time.Minute,
			Run: func(ctx context.Context, s *S, log w.Log) error { return e.Wait(ctx, change(s), log) }},
		{ID: "verify", Title: "Compare the cluster with the API model", Why: "The engine's own word is not enough: it reports success after some interrupted runs that lost a node.", Weight: 5, Timeout: 10 * time.Minute,
			Run: func(ctx context.Context, s *S, log w.Log) error { return e.Verify(ctx, change(s), log, allNew(s)) }},
	}
}

// Room says whether the quota has room for so many VMs of a size.
func (e Engine) Room(ctx context.Context, c *Change, vms int, size string) w.Finding {
	hub, err := e.OpenHub(ctx, c.Stack)
	if err != nil {
		return problem.Finding(err)
	}
	sizes, err := hub.Sizes(ctx)
	if err != nil {
		return problem.Finding(err)
	}
	usages, err := hub.Usages(ctx)
	if err != nil {
		return problem.Finding(err)
	}
	i := slices.IndexFunc(sizes, func(v w.VMSize) bool { return strings.EqualFold(v.Name, size) })
	if i < 0 {
		return w.Fail("The stamp does not offer the VM size "+size+".", "Choose another size, or ask the stamp's operator for this one.")
	}
	cores := sizes[i].Cores
	needs := map[string]int64{"cores": int64(vms * cores), "virtualmachines": int64(vms), "networkinterfaces": int64(vms)}
	var missing []string
	for _, u := range usages {
		if need := needs[strings.ToLower(u.Name)]; need > 0 && u.Free() < need {
			missing = append(missing, fmt.Sprintf("%s: %d needed, %d free", u.Name, need, max(u.Free(), 0)))
		}
	}
	if len(missing) > 0 {
		return w.Fail("Not enough quota. "+strings.Join(missing, "; ")+".", "Ask the stamp's operator to raise the quota (it takes up to two hours to count), or delete what is not needed.")
	}
	return w.Passed(fmt.Sprintf("%s with %d cores fit.", Plural(vms, "VM"), vms*cores))
}

// Budgets says whether disruption budgets let pods go from nodes.
func (e Engine) Budgets(ctx context.Context, c *Change) w.Finding {
	d, err := e.Disruption(ctx, c)
	if err != nil {
		return problem.Finding(err)
	}
	if len(d.Blocked) > 0 {
		return w.Fail("These allow no disruption now: "+Some(d.Blocked)+".", "Start more replicas, or relax the budget for the time of the change (kubectl edit poddisruptionbudget).")
	}
	return w.Passed("None stands in the way.")
}

// Disruption asks the cluster what stands in the way of draining nodes.
func (e Engine) Disruption(ctx context.Context, c *Change) (w.Disruption, error) {
	kubeconfig, err := e.Vault.Open(ctx, c.Cluster.Kubeconfig)
	if err != nil {
		return w.Disruption{}, err
	}
	cluster, err := e.OpenKube(ctx, kubeconfig, c.Stack, c.Helper)
	if err != nil {
		return w.Disruption{}, err
	}
	defer cluster.Close()
	return cluster.Disruption(ctx)
}
