package adopt

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// patience is for two ways to the API server, the second with an SSH login.
const patience = 60 * time.Second

func (f flow) checks() []w.Check[State] {
	byModel := func(s *State) bool { return s.byModel() }
	return []w.Check[State]{
		{ID: "site-free", Title: "The site has no cluster yet", Why: "Hubwright keeps one cluster a site.", Severity: w.SeverityBlock, Run: func(ctx context.Context, s *State) w.Finding { return f.CheckSiteFree(ctx, &s.Ground) }},
		{ID: "opens", Title: "The key opens the cluster", Why: "A cluster that Hubwright cannot ask it cannot care for.", Page: "key", Severity: w.SeverityBlock, Timeout: patience, Run: f.checkOpens},
		{ID: "nodes-ready", Title: "All nodes are Ready", Why: "What is ill before is not healed by being adopted.", Severity: w.SeverityWarn, Timeout: patience, Run: f.checkReady},
		{ID: "as-modelled", Title: "Hub and cluster are as the API model says", Why: "An older or another cluster's model would destroy this one at the next change.", Page: "key", Severity: w.SeverityBlock, Waivable: true, Timeout: patience, When: byModel, Run: f.checkModel},
	}
}

func (f flow) checkOpens(ctx context.Context, s *State) w.Finding {
	x, err := f.find(ctx, s)
	if err != nil {
		return problem.Finding(err)
	}
	return w.Passed(fmt.Sprintf("%s answers: Kubernetes %s, %s.", x.cluster.FQDN, x.cluster.Version, operate.Plural(len(x.nodes), "node")))
}

func (f flow) checkReady(ctx context.Context, s *State) w.Finding {
	x, err := f.find(ctx, s)
	if err != nil {
		return w.Skip("The cluster did not answer.")
	}
	if ill := (operate.Look{Nodes: x.nodes}).NotReady(); len(ill) > 0 {
		return w.Warn("Not Ready, or taking no new pods: "+operate.Some(ill)+".", "Look at them before anything is changed (kubectl describe node says what is wrong).")
	}
	return w.Passed(fmt.Sprintf("All %d are.", len(x.nodes)))
}

func (f flow) checkModel(ctx context.Context, s *State) w.Finding {
	x, err := f.find(ctx, s)
	if err != nil {
		return w.Skip("The cluster did not answer.")
	}
	if wrong := (operate.Look{VMs: x.vms, Nodes: x.nodes}).Drift(x.cluster); len(wrong) > 0 {
		return w.Fail(operate.Capital(strings.Join(wrong, "; "))+".",
			"Look whether this is the newest API model of this cluster, and whether the resource group is the right one. Waive it only when you know where the difference comes from.")
	}
	return w.Passed(fmt.Sprintf("%s and %s: names, tags, counts and versions agree.", operate.Plural(len(x.vms), "VM"), operate.Plural(len(x.nodes), "node")))
}
