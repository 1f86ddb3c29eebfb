package aksengine

import (
	"regexp"
	"slices"
	"strings"
)

// NodePhase is where an upgrade stands with one node.
type NodePhase int

// The phases of a node, in their order.
const (
	NodeWaiting  NodePhase = iota // its turn has not come
	NodeDraining                  // pods are moved away
	NodeDeleting                  // the VM, its interface and its disk go
	NodeCreating                  // Resource Manager makes the VM
	NodeJoining                   // the VM is there; the node is not Ready yet
	NodeDone                      // the node is Ready, or was replaced by another one
)

// Doing is the phase in words.
func (p NodePhase) Doing() string {
	return [...]string{"waiting", "draining", "deleting", "creating", "joining", "done"}[p]
}

// NodeProgress is one node of an upgrade.
type NodeProgress struct {
	Name  string
	Phase NodePhase
}

// UpgradeProgress follows the lines of an upgrade command.
type UpgradeProgress struct {
	Nodes    []NodeProgress // in the order in which the engine named them
	Current  string         // the node that is worked on
	Finished bool
}

// What the engine says, by the phase of the node that the line names.
var upgradeLines = []struct {
	pattern *regexp.Regexp
	phase   NodePhase
}{
	{regexp.MustCompile(`^Master VM name: (\S+), orchestrator: .* \(MasterVMs\)`), NodeWaiting},
	{regexp.MustCompile(`^Adding Agent VM: (\S+), orchestrator: .* \(AgentVMs\)`), NodeWaiting},
	{regexp.MustCompile(`^Master VM name: (\S+), orchestrator: .* \(UpgradedMasterVMs\)`), NodeDone},
	{regexp.MustCompile(`^Adding Agent VM: (\S+), orchestrator: .* \(UpgradedAgentVMs\)`), NodeDone},
	{regexp.MustCompile(`^Node (\S+) has been marked unschedulable`), NodeDraining},
	{regexp.MustCompile(`^deleting VM (\S+) in resource group`), NodeDeleting},
	{regexp.MustCompile(`^Creating new agent node (\S+)`), NodeCreating},
	{regexp.MustCompile(`^(?:Master|Agent) node: (\S+) (?:not ready yet|status error)`), NodeJoining},
	{regexp.MustCompile(`^(?:Master|Agent) node: (\S+) is ready`), NodeDone},
	{regexp.MustCompile(`^Skipping creation of VM (\S+)`), NodeDone},
}

var (
	deploymentOn  = regexp.MustCompile(`^Starting ARM Deployment k8s-upgrade-`)
	upgradedWhole = regexp.MustCompile(`^(?:Cluster|Control plane) upgraded successfully to Kubernetes version`)
)

// Read takes the next line. A node that became Ready stays so: the engine says
// some things late, and again.
func (p *UpgradeProgress) Read(line string) {
	_, text := message(line)
	switch {
	case upgradedWhole.MatchString(text):
		p.Finished, p.Current = true, ""
		return
	case deploymentOn.MatchString(text) && p.Current != "":
		p.set(p.Current, NodeCreating)
		return
	}
	for _, l := range upgradeLines {
		if m := l.pattern.FindStringSubmatch(text); m != nil {
			p.set(strings.TrimRight(m[1], ",."), l.phase)
			return
		}
	}
}

func (p *UpgradeProgress) set(name string, phase NodePhase) {
	i := slices.IndexFunc(p.Nodes, func(n NodeProgress) bool { return n.Name == name })
	if i < 0 {
		p.Nodes = append(p.Nodes, NodeProgress{Name: name})
		i = len(p.Nodes) - 1
	}
	if p.Nodes[i].Phase == NodeDone {
		return
	}
	p.Nodes[i].Phase = max(p.Nodes[i].Phase, phase)
	switch {
	case phase == NodeWaiting:
	case p.Nodes[i].Phase == NodeDone && p.Current == name:
		p.Current = ""
	case p.Nodes[i].Phase != NodeDone:
		p.Current = name
	}
}

// Percent is how much of the work is done: each node counts the same.
func (p *UpgradeProgress) Percent() int {
	if p.Finished {
		return 100
	}
	if len(p.Nodes) == 0 {
		return 0
	}
	sum := 0
	for _, n := range p.Nodes {
		sum += int(n.Phase)
	}
	return 100 * sum / (int(NodeDone) * len(p.Nodes))
}

// Done is how many nodes have been replaced.
func (p *UpgradeProgress) Done() int {
	n := 0
	for _, node := range p.Nodes {
		if node.Phase == NodeDone {
			n++
		}
	}
	return n
}
