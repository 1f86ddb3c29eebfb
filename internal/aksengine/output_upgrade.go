package aksengine

import (
	"regexp"
	"slices"
	"strings"
	"time"
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
	Name   string
	Phase  NodePhase
	New    bool      // it was not among the nodes to upgrade
	Gone   bool      // it is not made again: another one has its place
	Before bool      // an earlier command had done it
	Began  time.Time // when its turn came, by the helper VM's clock
	Ended  time.Time // when it was done
}

// UpgradeProgress follows the lines of an upgrade command.
type UpgradeProgress struct {
	Nodes    []NodeProgress // in the order in which the engine named them
	Current  string         // the node that is worked on
	Finished bool
	At       time.Time // of the newest line that told its time

	ControlPlaneOnly bool // the agents that the engine lists are left alone
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
	lineTime      = regexp.MustCompile(`^time="([^"]*)"`)
	skipped       = regexp.MustCompile(`^Skipping creation of VM `)
	upgradedNow   = regexp.MustCompile(`\(Upgraded(?:Master|Agent)VMs\)$`)
	deploymentOn  = regexp.MustCompile(`^Starting ARM Deployment k8s-upgrade-`)
	upgradedWhole = regexp.MustCompile(`^(?:Cluster|Control plane) upgraded successfully to Kubernetes version`)
)

// Read takes the next line. A node that became Ready stays so: the engine says
// some things late, and again.
func (p *UpgradeProgress) Read(line string) {
	_, text := message(line)
	if m := lineTime.FindStringSubmatch(Plain(line)); m != nil {
		if at, err := time.Parse(time.RFC3339, m[1]); err == nil {
			p.At = at
		}
	}
	switch {
	case upgradedWhole.MatchString(text):
		p.Finished, p.Current = true, ""
		return
	case deploymentOn.MatchString(text) && p.Current != "":
		p.set(p.Current, NodeCreating)
		return
	}
	if p.ControlPlaneOnly && strings.HasPrefix(text, "Adding Agent VM: ") {
		return
	}
	for _, l := range upgradeLines {
		if m := l.pattern.FindStringSubmatch(text); m != nil {
			n := p.set(strings.TrimRight(m[1], ",."), l.phase)
			n.Gone = n.Gone || skipped.MatchString(text)
			n.Before = n.Before || upgradedNow.MatchString(text)
			return
		}
	}
}

func (p *UpgradeProgress) set(name string, phase NodePhase) *NodeProgress {
	i := slices.IndexFunc(p.Nodes, func(n NodeProgress) bool { return n.Name == name })
	if i < 0 {
		p.Nodes = append(p.Nodes, NodeProgress{Name: name, New: phase > NodeWaiting && phase < NodeDone})
		i = len(p.Nodes) - 1
	}
	n := &p.Nodes[i]
	if n.Phase == NodeDone {
		return n
	}
	n.Phase = max(n.Phase, phase)
	switch {
	case phase == NodeWaiting:
	case n.Phase == NodeDone:
		n.Ended = p.At
		if p.Current == name {
			p.Current = ""
		}
	default:
		p.Current = name
		if n.Began.IsZero() {
			n.Began = p.At
		}
	}
	return n
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
