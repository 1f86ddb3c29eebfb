package upgrade

import (
	"context"
	"slices"
	"time"

	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// Needs is what an upgrade needs of the world besides what every change needs.
type Needs struct {
	Engine operate.Needs
	// Survey asks a cluster what suffers when its nodes are made anew.
	Survey func(ctx context.Context, kubeconfig []byte, s w.Stack, helper w.HelperVM) (w.Survey, error)
	// APIUses asks a cluster what was written with one of the removed APIs.
	APIUses func(ctx context.Context, kubeconfig []byte, s w.Stack, helper w.HelperVM, removed []w.RemovedAPI) ([]w.APIUse, error)
	// NodeTimes are how long the newest nodes took that runs of the workflow
	// made anew, at most a hundred; siteID "" is every Site.
	NodeTimes func(ctx context.Context, workflowID, siteID string) ([]time.Duration, error)
}

func (f flow) survey(ctx context.Context, s *State) (w.Survey, error) {
	kubeconfig, err := f.Vault.Open(ctx, s.Cluster.Kubeconfig)
	if err != nil {
		return w.Survey{}, err
	}
	return f.needs.Survey(ctx, kubeconfig, s.Stack, s.Helper)
}

func (f flow) apiUses(ctx context.Context, s *State, removed []w.RemovedAPI) ([]w.APIUse, error) {
	kubeconfig, err := f.Vault.Open(ctx, s.Cluster.Kubeconfig)
	if err != nil {
		return nil, err
	}
	return f.needs.APIUses(ctx, kubeconfig, s.Stack, s.Helper, removed)
}

// enoughNodes is how many of our own nodes make an estimate.
const enoughNodes = 3

// aNode is how long a node took in our own past runs: the median of those on
// the Site or, when these are too few, on all. nodes is how many that were, 0
// for too few.
func (f flow) aNode(ctx context.Context, siteID string) (median time.Duration, nodes int, err error) {
	for _, site := range []string{siteID, ""} {
		took, err := f.needs.NodeTimes(ctx, ID, site)
		if err != nil {
			return 0, 0, err
		}
		if len(took) >= enoughNodes {
			slices.Sort(took)
			return took[len(took)/2], len(took), nil
		}
	}
	return 0, 0, nil
}
