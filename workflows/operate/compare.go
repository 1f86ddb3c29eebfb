package operate

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// Look is what the Hub and the cluster show, next to the cluster's record.
type Look struct {
	VMs   []w.VM
	Nodes []w.Node
}

// VMs asks the Hub for the VMs of the cluster's resource group.
func (e Engine) VMs(ctx context.Context, c *Change) ([]w.VM, error) {
	stack, err := e.Records.Stack(ctx, c.Stack.ID)
	if err != nil {
		return nil, err
	}
	hub, err := e.OpenHub(ctx, stack)
	if err != nil {
		return nil, err
	}
	return hub.VMs(ctx, c.ResourceGroup)
}

// Look asks the Hub for the VMs and the cluster for its nodes.
func (e Engine) Look(ctx context.Context, c *Change) (Look, error) {
	vms, err := e.VMs(ctx, c)
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
		if !n.Ready || cordoned(n) {
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
	vms, err := e.VMs(ctx, c)
	if err != nil {
		return err
	}
	var names []string
	for i := range now.MasterCount {
		names = append(names, aksengine.MasterName(now.NameSuffix, i))
	}
	for _, p := range now.Pools {
		names = append(names, Members(vms, now.NameSuffix, p.Name)...)
	}
	return e.WaitForNodes(ctx, &c.Ground, c.Cluster.Kubeconfig, names, log, func(ready int, via bool) { c.Ready, c.ViaHelper = ready, via })
}

const bringAlong = "Kubernetes allows that for a while. To bring them along, renew the OS image of all nodes: they are made of the control plane's version."

// settleLimit is how long the last differences may take to go away: a node
// outlives its VM for a while, and a VM its deletion.
const settleLimit = 5 * time.Minute

// Verify compares the world with the cluster's record after a change. When all
// nodes were made anew, none may be left cordoned by the engine, as happens;
// else pools may have kept another version than the control plane.
func (e Engine) Verify(ctx context.Context, c *Change, log w.Log, allNew bool) error {
	now, err := e.Records.ClusterOfSite(ctx, c.SiteID)
	if err != nil {
		return err
	}
	until := e.Clock().Add(settleLimit)
	for {
		look, err := e.Look(ctx, c)
		wrong, behind := look.Drift(now), []string(nil)
		if allNew {
			err = errors.Join(err, e.uncordon(ctx, c, look.Nodes, log))
		} else {
			wrong, behind = split(wrong)
		}
		switch {
		case err == nil && len(wrong) == 0:
			c.Ready = now.Nodes()
			log.Good("%s and %s are as the API model says: names, tags, count, version.", Plural(now.Nodes(), "VM"), Plural(len(look.Nodes), "node"))
			if len(behind) > 0 {
				log.Warn("Nodes of pools have another version than the control plane. " + bringAlong)
			}
			return nil
		case e.Clock().After(until) && err != nil:
			return err
		case e.Clock().After(until):
			return &w.Problem{
				Code: "cluster.drift", What: "The cluster is not what the API model says", Why: Capital(strings.Join(wrong, "; ")) + ".",
				Fix: "Look who changed it on the Hub and put it right there, then retry from this step.",
			}
		case err == nil:
			log.Progress(-1, "waiting, since "+wrong[0])
		}
		if err := e.Pause(ctx, e.Poll); err != nil {
			return err
		}
	}
}

// uncordon lets pods onto the nodes that the engine left closed to them.
func (e Engine) uncordon(ctx context.Context, c *Change, nodes []w.Node, log w.Log) error {
	for _, n := range nodes {
		if !cordoned(n) {
			continue
		}
		kubeconfig, err := e.Vault.Open(ctx, c.Cluster.Kubeconfig)
		if err != nil {
			return err
		}
		cluster, err := e.OpenKube(ctx, kubeconfig, c.Stack, c.Helper)
		if err != nil {
			return err
		}
		err = cluster.Uncordon(ctx, n.Name)
		_ = cluster.Close()
		if err != nil {
			return err
		}
		log.Warn("The engine left %s cordoned, as it does when it could not copy labels to it. It takes pods again.", n.Name)
	}
	return nil
}

func cordoned(n w.Node) bool { return strings.Contains(n.Status, "SchedulingDisabled") }

// split sets apart what only says that a pool has another version than the
// control plane, which Kubernetes allows.
func split(wrong []string) (other, behind []string) {
	for _, sentence := range wrong {
		if !strings.Contains(sentence, "k8s-master-") && (strings.Contains(sentence, "has the tag orchestrator=") || strings.Contains(sentence, "has Kubernetes ")) {
			behind = append(behind, sentence)
		} else {
			other = append(other, sentence)
		}
	}
	return other, behind
}
