package upgrade

import (
	"context"
	"slices"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

const slow = 60 * time.Second

func (f flow) checks() []w.Check[State] {
	block, warn := w.SeverityBlock, w.SeverityWarn
	one := func(s *State) bool { return s.Cluster.MasterCount == 1 }
	pools := func(s *State) bool { return s.Reach == ReachAll }
	return slices.Concat(operate.Checks(f.Engine, change), f.advice(), []w.Check[State]{
		{ID: "base-image", Title: "The base image is on the stamp", Why: "The new nodes are made of exactly this version of it.", Page: "target", Severity: block, Timeout: slow, Run: func(ctx context.Context, s *State) w.Finding { return f.CheckImage(ctx, &s.Ground) }},
		{ID: "quota", Title: "There is room for one more VM", Why: "Each pool has one node more while it is upgraded.", Severity: block, Waivable: true, Timeout: slow, When: pools, Run: f.checkQuota},
		{ID: "budgets", Title: "Disruption budgets let pods go", Why: "A budget with no room holds up the drain until its time is over; then the node is deleted all the same.", Page: "patience", Severity: block, Waivable: true, Timeout: slow, When: pools, Run: func(ctx context.Context, s *State) w.Finding { return f.Budgets(ctx, &s.Change) }},
		{ID: "replicas", Title: "The work survives the loss of a pod", Why: "What runs once pauses while its node is replaced; what nobody makes again is lost.", Severity: warn, Waivable: true, Timeout: slow, When: pools, Run: f.checkReplicas},
		{ID: "single-master", Title: "More than one control plane node", Why: "While the only one is replaced, nothing can be changed, healed or scaled.", Severity: warn, Waivable: true, When: one,
			Run: func(context.Context, *State) w.Finding {
				return w.Warn("There is only one control plane node: the API is away while it is replaced.", "Tell the people who deploy to this cluster when it will happen.")
			}},
	})
}

// checkQuota looks at each pool: one VM more of one of them exists at a time.
func (f flow) checkQuota(ctx context.Context, s *State) w.Finding {
	finding := w.Skip("There are no pools.")
	for _, p := range s.Cluster.Pools {
		if finding = f.Room(ctx, &s.Change, 1, p.Size); finding.Status != w.CheckPassed {
			break
		}
	}
	return finding
}

func (f flow) checkReplicas(ctx context.Context, s *State) w.Finding {
	d, err := f.Disruption(ctx, &s.Change)
	if err != nil {
		return problem.Finding(err)
	}
	var found []string
	if len(d.Single) > 0 {
		found = append(found, "With one replica, so they pause: "+operate.Some(d.Single)+".")
	}
	if len(d.Bare) > 0 {
		found = append(found, "Pods that nobody makes again: "+operate.Some(d.Bare)+".")
	}
	if len(found) > 0 {
		return w.Warn(strings.Join(found, " "), "Give them more replicas or a controller first, or tell their owners.")
	}
	return w.Passed("Nothing runs only once.")
}
