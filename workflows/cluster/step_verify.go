package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// nodesLimit is how long nodes may take after the Hub has made all VMs. The
// set-up script waits for a node itself, so this is long.
const nodesLimit = 60 * time.Minute

// expected are the names that VMs and nodes must have.
func (s *State) expected() []string { return s.model().VMNames() }

func (f flow) waitForNodes(ctx context.Context, s *State, log w.Log) error {
	names := s.expected()
	ready := map[string]bool{}
	until := f.Clock().Add(nodesLimit)
	troubled := ""
	for {
		nodes, err := f.nodes(ctx, s)
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
		s.Ready = len(names) - len(waiting)
		log.Progress(100*s.Ready/len(names), fmt.Sprintf("%d of %d nodes Ready", s.Ready, len(names)))
		if len(waiting) == 0 {
			log.Good("All %d nodes are Ready.", len(names))
			return nil
		}
		if f.Clock().After(until) {
			return notReady(waiting, err)
		}
		if err := f.Pause(ctx, f.Poll); err != nil {
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

func (f flow) nodes(ctx context.Context, s *State) ([]w.Node, error) {
	kubeconfig, err := f.Vault.Open(ctx, s.Kubeconfig)
	if err != nil {
		return nil, err
	}
	stack, err := f.Records.Stack(ctx, s.Stack.ID)
	if err != nil {
		return nil, err
	}
	helper, err := f.Records.HelperVM(ctx, s.SiteID)
	if err != nil {
		return nil, err
	}
	cluster, err := f.OpenKube(ctx, kubeconfig, stack, helper)
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	nodes, err := cluster.Nodes(ctx)
	if err == nil {
		s.ViaHelper = cluster.ViaHelper()
	}
	return nodes, err
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
	nodes, err := f.nodes(ctx, s)
	if err != nil {
		return err
	}
	if wrong := append(s.wrongVMs(vms), s.wrongNodes(nodes)...); len(wrong) > 0 {
		return &w.Problem{
			Code: "cluster.drift", What: "The cluster is not what the API model says", Why: capital(strings.Join(wrong, "; ")) + ".",
			Fix: "Look who changed it on the Hub and put it right there, then retry from this step.",
		}
	}
	if err := f.confirm(ctx, s); err != nil {
		return err
	}
	log.Good("%d VMs and %d nodes are as the API model says: names, tags, count, Kubernetes %s.", len(s.expected()), len(nodes), s.Version)
	return nil
}

func (s *State) wrongVMs(vms []w.VM) []string {
	suffix := aksengine.NameSuffix(s.DNSPrefix)
	names := s.expected()
	var wrong []string
	for _, name := range without(names, vms) {
		wrong = append(wrong, "the VM "+name+" is missing")
	}
	for _, vm := range vms {
		if !strings.Contains(vm.Name, suffix) {
			continue
		}
		if !slices.Contains(names, vm.Name) {
			wrong = append(wrong, "the VM "+vm.Name+" should not be there")
			continue
		}
		if want := "Kubernetes:" + s.Version; vm.Tags["orchestrator"] != want {
			wrong = append(wrong, fmt.Sprintf("the VM %s has the tag orchestrator=%q, not %q", vm.Name, vm.Tags["orchestrator"], want))
		}
		if vm.Tags["resourceNameSuffix"] != suffix {
			wrong = append(wrong, fmt.Sprintf("the VM %s has the tag resourceNameSuffix=%q, not %q", vm.Name, vm.Tags["resourceNameSuffix"], suffix))
		}
		if vm.ProvisioningState != "" && !strings.EqualFold(vm.ProvisioningState, "Succeeded") {
			wrong = append(wrong, fmt.Sprintf("the VM %s is in the state %s", vm.Name, vm.ProvisioningState))
		}
	}
	return wrong
}

func (s *State) wrongNodes(nodes []w.Node) []string {
	names := s.expected()
	var wrong []string
	for _, name := range names {
		i := slices.IndexFunc(nodes, func(n w.Node) bool { return n.Name == name })
		switch {
		case i < 0:
			wrong = append(wrong, "the node "+name+" is missing")
		case !nodes[i].Ready:
			wrong = append(wrong, "the node "+name+" is not Ready")
		case nodes[i].Version != "v"+s.Version:
			wrong = append(wrong, fmt.Sprintf("the node %s has Kubernetes %s", name, nodes[i].Version))
		}
	}
	for _, n := range nodes {
		if !slices.Contains(names, n.Name) {
			wrong = append(wrong, "the node "+n.Name+" should not be there")
		}
	}
	return wrong
}

// confirm writes into the record what only now is known.
func (f flow) confirm(ctx context.Context, s *State) error {
	c, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	if err != nil {
		return err
	}
	s.Ready = len(s.expected())
	if c.ViaHelper == s.ViaHelper {
		return nil
	}
	c.ViaHelper = s.ViaHelper
	return f.Records.SaveCluster(ctx, &c)
}
