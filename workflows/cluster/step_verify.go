package cluster

import (
	"context"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// expected is what the Hub and the cluster should show.
func (s *State) expected() operate.Expected {
	m := s.model()
	return operate.Expected{Suffix: aksengine.NameSuffix(s.DNSPrefix), Version: s.Version, Names: m.VMNames()}
}

func (f flow) waitForNodes(ctx context.Context, s *State, log w.Log) error {
	return f.WaitForNodes(ctx, &s.Ground, s.Kubeconfig, s.expected().Names, log, func(ready int, via bool) { s.Ready, s.ViaHelper = ready, via })
}

// verify compares the world with the model: what later upgrades trust are the
// VMs' names and tags.
func (f flow) verify(ctx context.Context, s *State, log w.Log) error {
	stack, err := f.Records.Stack(ctx, s.Stack.ID)
	if err != nil {
		return err
	}
	hub, err := f.OpenHub(ctx, stack)
	if err != nil {
		return err
	}
	vms, err := hub.VMs(ctx, s.ResourceGroup)
	if err != nil {
		return err
	}
	nodes, via, err := f.Nodes(ctx, &s.Ground, s.Kubeconfig)
	if err != nil {
		return err
	}
	s.ViaHelper = via
	if wrong := s.expected().Drift(vms, nodes); len(wrong) > 0 {
		return &w.Problem{
			Code: "cluster.drift", What: "The cluster is not what the API model says", Why: operate.Capital(strings.Join(wrong, "; ")) + ".",
			Fix: "Look who changed it on the Hub and put it right there, then retry from this step.",
		}
	}
	if err := f.confirm(ctx, s); err != nil {
		return err
	}
	log.Good("%d VMs and %d nodes are as the API model says: names, tags, count, Kubernetes %s.", len(s.expected().Names), len(nodes), s.Version)
	return nil
}

// confirm writes into the record what only now is known.
func (f flow) confirm(ctx context.Context, s *State) error {
	c, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	if err != nil {
		return err
	}
	s.Ready = len(s.expected().Names)
	if c.ViaHelper == s.ViaHelper {
		return nil
	}
	c.ViaHelper = s.ViaHelper
	return f.Records.SaveCluster(ctx, &c)
}
