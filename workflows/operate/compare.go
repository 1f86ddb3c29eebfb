package operate

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// Look is what the Hub and the cluster show, next to the cluster's record.
type Look struct {
	VMs   []w.VM
	Nodes []w.Node
}

// Look asks the Hub for the VMs and the cluster for its nodes.
func (e Engine) Look(ctx context.Context, c *Change) (Look, error) {
	stack, err := e.Records.Stack(ctx, c.Stack.ID)
	if err != nil {
		return Look{}, err
	}
	hub, err := e.OpenHub(ctx, stack)
	if err != nil {
		return Look{}, err
	}
	vms, err := hub.VMs(ctx, c.ResourceGroup)
	if err != nil {
		return Look{}, err
	}
	nodes, via, err := e.Nodes(ctx, &c.Ground, c.Cluster.Kubeconfig)
	if err != nil {
		return Look{VMs: vms}, err
	}
	c.ViaHelper = via
	return Look{vms, nodes}, nil
}

// Members are the names of the VMs that belong to a pool; the numbers at their
// ends may have gaps, since upgrades and scaling move them.
func Members(vms []w.VM, suffix, pool string) []string {
	name := regexp.MustCompile("^(?i)k8s-" + regexp.QuoteMeta(pool) + "-" + suffix + `-\d+$`)
	var found []string
	for _, vm := range vms {
		if name.MatchString(vm.Name) {
			found = append(found, vm.Name)
		}
	}
	slices.Sort(found)
	return found
}

// MissingMasters are the control plane VMs that should exist and don't.
func (l Look) MissingMasters(c w.Cluster) []string {
	var names []string
	for i := range c.MasterCount {
		names = append(names, aksengine.MasterName(c.NameSuffix, i))
	}
	return Without(names, l.VMs)
}

// Drift compares what is with the cluster's record. It returns sentences
// without a full stop.
func (l Look) Drift(c w.Cluster) []string {
	want := Expected{Suffix: c.NameSuffix, Version: c.Version}
	for i := range c.MasterCount {
		want.Names = append(want.Names, aksengine.MasterName(c.NameSuffix, i))
	}
	var wrong []string
	for _, p := range c.Pools {
		have := Members(l.VMs, c.NameSuffix, p.Name)
		want.Names = append(want.Names, have...)
		if len(have) != p.Count {
			wrong = append(wrong, fmt.Sprintf("the pool %s has %s on the Hub, but %d in the API model", p.Name, Plural(len(have), "VM"), p.Count))
		}
	}
	return append(wrong, want.Drift(l.VMs, l.Nodes)...)
}

// NotReady are the names of the nodes that are not Ready or take no work.
func (l Look) NotReady() []string {
	var names []string
	for _, n := range l.Nodes {
		if !n.Ready || strings.Contains(n.Status, "SchedulingDisabled") {
			names = append(names, n.Name)
		}
	}
	return names
}

// Wait waits until all VMs of the cluster are Ready nodes.
func (e Engine) Wait(ctx context.Context, c *Change, log w.Log) error {
	now, err := e.Records.ClusterOfSite(ctx, c.SiteID)
	if err != nil {
		return err
	}
	look, err := e.Look(ctx, c)
	if err != nil && look.VMs == nil {
		return err
	}
	var names []string
	for i := range now.MasterCount {
		names = append(names, aksengine.MasterName(now.NameSuffix, i))
	}
	for _, p := range now.Pools {
		names = append(names, Members(look.VMs, now.NameSuffix, p.Name)...)
	}
	return e.WaitForNodes(ctx, &c.Ground, c.Cluster.Kubeconfig, names, log, func(ready int, via bool) { c.Ready, c.ViaHelper = ready, via })
}

// Verify compares the world with the cluster's record after a change.
func (e Engine) Verify(ctx context.Context, c *Change, log w.Log, allowed func(sentence string) bool) error {
	now, err := e.Records.ClusterOfSite(ctx, c.SiteID)
	if err != nil {
		return err
	}
	look, err := e.Look(ctx, c)
	if err != nil {
		return err
	}
	wrong := look.Drift(now)
	if allowed != nil {
		wrong = slices.DeleteFunc(wrong, allowed)
	}
	if len(wrong) > 0 {
		return &w.Problem{
			Code: "cluster.drift", What: "The cluster is not what the API model says", Why: Capital(strings.Join(wrong, "; ")) + ".",
			Fix: "Look who changed it on the Hub and put it right there, then retry from this step.",
		}
	}
	c.Ready = now.Nodes()
	log.Good("%s and %s are as the API model says: names, tags, count, version.", Plural(now.Nodes(), "VM"), Plural(len(look.Nodes), "node"))
	return nil
}
