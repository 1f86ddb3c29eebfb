package operate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// nodesLimit is how long nodes may take after the Hub has made all VMs. The
// set-up script waits for a node itself, so this is long.
const nodesLimit = 60 * time.Minute

// Nodes asks the cluster for its nodes and tells whether the way led through
// the helper VM.
func (e Engine) Nodes(ctx context.Context, g *Ground, kubeconfig w.SecretRef) (nodes []w.Node, viaHelper bool, err error) {
	raw, err := e.Vault.Open(ctx, kubeconfig)
	if err != nil {
		return nil, false, err
	}
	stack, err := e.Records.Stack(ctx, g.Stack.ID)
	if err != nil {
		return nil, false, err
	}
	helper, err := e.Records.HelperVM(ctx, g.SiteID)
	if err != nil {
		return nil, false, err
	}
	cluster, err := e.OpenKube(ctx, raw, stack, helper)
	if err != nil {
		return nil, false, err
	}
	defer cluster.Close()
	nodes, err = cluster.Nodes(ctx)
	return nodes, cluster.ViaHelper(), err
}

// WaitForNodes waits until the named nodes are Ready, and calls seen with how
// many are, each time that it looked.
func (e Engine) WaitForNodes(ctx context.Context, g *Ground, kubeconfig w.SecretRef, names []string, log w.Log, seen func(ready int, viaHelper bool)) error {
	ready := map[string]bool{}
	until := e.Clock().Add(nodesLimit)
	troubled := ""
	for {
		nodes, via, err := e.Nodes(ctx, g, kubeconfig)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if text := problem.From(err).Error(); text != troubled {
				troubled = text
				log.Info("The API server does not answer yet: %s.", strings.TrimRight(text, "."))
			}
		default:
			troubled = ""
			tellReady(nodes, ready, log)
		}
		waiting := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return ready[n] })
		if err == nil {
			seen(len(names)-len(waiting), via)
		}
		log.Progress(100*(len(names)-len(waiting))/len(names), fmt.Sprintf("%d of %d nodes Ready", len(names)-len(waiting), len(names)))
		if len(waiting) == 0 {
			log.Good("All %d nodes are Ready.", len(names))
			return nil
		}
		if e.Clock().After(until) {
			return notReady(waiting, err)
		}
		if err := e.Pause(ctx, e.Poll); err != nil {
			return err
		}
	}
}

// apiLimit is how long an API server may be away before a command begins that
// needs it. After a restart of the control plane's VMs it is, for a while.
const apiLimit = 5 * time.Minute

// AwaitAPI waits until the cluster's API server answers: the engine does not,
// and some of its commands delete a node first.
func (e Engine) AwaitAPI(ctx context.Context, c *Change, log w.Log) error {
	until, told := e.Clock().Add(apiLimit), false
	for {
		_, via, err := e.Nodes(ctx, &c.Ground, c.Cluster.Kubeconfig)
		if err == nil {
			c.ViaHelper = via
			return nil
		}
		if e.Clock().After(until) {
			return problem.Wrap(err, "The cluster's API server does not answer")
		}
		if !told {
			told = true
			log.Info("The API server does not answer yet: %s. The command waits for it.", strings.TrimRight(problem.From(err).Error(), "."))
		}
		if err := e.Pause(ctx, e.Poll); err != nil {
			return err
		}
	}
}

// tellReady logs each node whose state changed.
func tellReady(nodes []w.Node, ready map[string]bool, log w.Log) {
	for _, n := range nodes {
		was, seen := ready[n.Name]
		switch {
		case n.Ready && !was:
			log.Good("%s is Ready (%s).", n.Name, n.Version)
		case !n.Ready && !seen:
			log.Info("%s has joined; it is not Ready yet.", n.Name)
		case !n.Ready && was:
			log.Warn("%s is not Ready any more.", n.Name)
		}
		ready[n.Name] = n.Ready
	}
}

func notReady(waiting []string, err error) *w.Problem {
	if err != nil {
		p := problem.Wrap(err, "The cluster's API server does not answer")
		p.Fix += " Then retry from this step: the cluster itself is kept."
		return p
	}
	return &w.Problem{
		Code: "cluster.notready", What: "Not all nodes became Ready", Why: strings.Join(waiting, ", ") + " did not within " + nodesLimit.String() + ".",
		Fix: "Log in to such a node over SSH and read /var/log/azure/cluster-provision.log and the kubelet's journal; then retry from this step.",
	}
}

// Expected is what the Hub and the cluster should show.
type Expected struct {
	Suffix  string   // of the cluster's names
	Version string   // Kubernetes, without v
	Names   []string // of VMs and nodes
}

// Drift compares the world with what is expected: what later operations trust
// are the VMs' names and tags. It returns sentences without a full stop.
func (x Expected) Drift(vms []w.VM, nodes []w.Node) []string {
	return append(x.wrongVMs(vms), x.wrongNodes(nodes)...)
}

func (x Expected) wrongVMs(vms []w.VM) []string {
	var wrong []string
	for _, name := range Without(x.Names, vms) {
		wrong = append(wrong, "the VM "+name+" is missing")
	}
	for _, vm := range vms {
		if !strings.Contains(vm.Name, x.Suffix) {
			continue
		}
		if !slices.Contains(x.Names, vm.Name) {
			wrong = append(wrong, "the VM "+vm.Name+" should not be there")
			continue
		}
		if want := "Kubernetes:" + x.Version; vm.Tags["orchestrator"] != want {
			wrong = append(wrong, fmt.Sprintf("the VM %s has the tag orchestrator=%q, not %q", vm.Name, vm.Tags["orchestrator"], want))
		}
		if vm.Tags["resourceNameSuffix"] != x.Suffix {
			wrong = append(wrong, fmt.Sprintf("the VM %s has the tag resourceNameSuffix=%q, not %q", vm.Name, vm.Tags["resourceNameSuffix"], x.Suffix))
		}
		if vm.ProvisioningState != "" && !strings.EqualFold(vm.ProvisioningState, "Succeeded") {
			wrong = append(wrong, fmt.Sprintf("the VM %s is in the state %s", vm.Name, vm.ProvisioningState))
		}
	}
	return wrong
}

func (x Expected) wrongNodes(nodes []w.Node) []string {
	var wrong []string
	for _, name := range x.Names {
		i := slices.IndexFunc(nodes, func(n w.Node) bool { return n.Name == name })
		switch {
		case i < 0:
			wrong = append(wrong, "the node "+name+" is missing")
		case !nodes[i].Ready:
			wrong = append(wrong, "the node "+name+" is not Ready")
		case nodes[i].Version != "v"+x.Version:
			wrong = append(wrong, fmt.Sprintf("the node %s has Kubernetes %s", name, nodes[i].Version))
		}
	}
	for _, n := range nodes {
		if !slices.Contains(x.Names, n.Name) {
			wrong = append(wrong, "the node "+n.Name+" should not be there")
		}
	}
	return wrong
}

// Without are the names that no VM has.
func Without(names []string, vms []w.VM) []string {
	var lacking []string
	for _, name := range names {
		if !slices.ContainsFunc(vms, func(vm w.VM) bool { return strings.EqualFold(vm.Name, name) }) {
			lacking = append(lacking, name)
		}
	}
	return lacking
}
