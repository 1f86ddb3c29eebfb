package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// Percentages of the deploy step.
const (
	percentModel        = 2
	percentCertificates = 5
	percentDeploying    = 10
	percentFinished     = 98
)

// maxOutput is how much of a command's output is read again: far more than a
// deploy command prints.
const maxOutput = 1 << 20

// follower follows the engine's output and, beside it, what the Hub does:
// between "Starting" and "Finished" the engine says nothing for many minutes.
type follower struct {
	f       flow
	s       *State
	x       *operate.World
	log     w.Log
	resumed bool // what happened before is in the log already

	mu       sync.Mutex
	progress aksengine.DeployProgress

	// of the polling alone
	states   map[string]string // by operation id
	ops      []w.DeploymentOperation
	polled   bool
	troubled string // the last failure to ask, so that it is told once
}

func (f flow) follower(s *State, x *operate.World, log w.Log, resumed bool) *follower {
	return &follower{f: f, s: s, x: x, log: log, resumed: resumed, states: map[string]string{}}
}

// run follows until the job has ended and tells its exit code.
func (l *follower) run(ctx context.Context) (int, error) {
	id := l.s.JobID()
	if l.resumed {
		if out, err := l.x.Host.ReadJob(ctx, id, 0, maxOutput); err == nil {
			for line := range strings.Lines(string(out)) {
				l.read(strings.TrimRight(line, "\r\n"))
			}
		}
	}
	l.tell(l.read(""))
	pctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.poll(pctx)
	}()
	code, err := l.f.Follow(ctx, &l.s.Ground, l.log, l.lines)
	stop()
	<-done
	if err == nil {
		l.look(ctx) // the last states
	}
	return code, err
}

func (l *follower) deployment() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.progress.Deployment
}

func (l *follower) read(line string) aksengine.DeployProgress {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress.Read(line)
	return l.progress
}

func (l *follower) lines(lines []w.OutputLine) {
	before := l.read("")
	after := before
	for _, line := range lines {
		after = l.read(line.Text)
	}
	if after.Phase != before.Phase {
		l.tell(after)
	}
}

func (l *follower) tell(p aksengine.DeployProgress) {
	percent := 0
	switch p.Phase {
	case aksengine.PhaseModel:
		percent = percentModel
	case aksengine.PhaseCertificates:
		percent = percentCertificates
	case aksengine.PhaseDeploying:
		percent = percentDeploying
	case aksengine.PhaseFinished:
		percent = percentFinished
	case aksengine.PhaseFailed:
		percent = -1
	}
	l.log.Progress(percent, p.Phase.Doing())
}

// poll asks the Hub for the deployment's operations until ctx ends.
func (l *follower) poll(ctx context.Context) {
	for {
		l.look(ctx)
		if l.f.Pause(ctx, l.f.Poll) != nil {
			return
		}
	}
}

// look asks once and tells what changed.
func (l *follower) look(ctx context.Context) {
	name := l.deployment()
	if name == "" {
		return
	}
	ops, err := l.x.Hub.DeploymentOperations(ctx, l.s.ResourceGroup, name)
	if err != nil {
		if text := err.Error(); ctx.Err() == nil && text != l.troubled && !notThere(err) {
			l.troubled = text
			l.log.Warn("The Hub does not tell how far it is: %s. The deployment goes on.", strings.TrimRight(text, "."))
		}
		return
	}
	l.troubled = ""
	ops = slices.DeleteFunc(slices.Clone(ops), func(o w.DeploymentOperation) bool {
		return strings.EqualFold(o.ResourceType, "Microsoft.Resources/deployments") || o.ResourceType == ""
	})
	slices.SortFunc(ops, func(a, b w.DeploymentOperation) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.ResourceType+a.ResourceName, b.ResourceType+b.ResourceName)
	})
	l.ops = ops
	// After a restart, what happened before was told before.
	quiet := l.resumed && !l.polled
	l.polled = true
	for _, o := range ops {
		if l.states[o.ID] != o.State {
			l.states[o.ID] = o.State
			if !quiet {
				l.changed(o)
			}
		}
	}
	l.show()
}

// notThere says that the Hub has not taken the deployment yet.
func notThere(err error) bool {
	switch problem.From(err).Code {
	case "arm.DeploymentNotFound", "arm.ResourceNotFound", "arm.ResourceGroupNotFound", "arm.NotFound", "arm.404":
		return true
	}
	return false
}

func (l *follower) changed(o w.DeploymentOperation) {
	what := fmt.Sprintf("%s %s", kindOf(o.ResourceType), operate.VMOf(o.ResourceName))
	switch strings.ToLower(o.State) {
	case "succeeded":
		l.log.Good("%s is made.", what)
	case "failed", "canceled":
		p := operate.ProblemOf(o)
		l.log.Error("%s: %s.", what, strings.TrimRight(p.Error(), "."))
	default:
		l.log.Info("%s is being made.", what)
	}
}

// show sets the progress: "14 of 29 resources: k8s-master-12345678-1 creating".
func (l *follower) show() {
	expected := 0
	for _, r := range l.s.model().Resources() {
		if r.Type != "Microsoft.Compute/disks" { // they come with their VMs
			expected += r.Count
		}
	}
	total, done, current := max(len(l.ops), expected), 0, ""
	for _, o := range l.ops {
		switch strings.ToLower(o.State) {
		case "succeeded":
			done++
		case "failed", "canceled":
		default:
			current = operate.VMOf(o.ResourceName)
		}
	}
	if l.read("").Phase > aksengine.PhaseDeploying || total == 0 {
		return
	}
	doing := fmt.Sprintf("%d of %d resources", done, total)
	if current != "" {
		doing += ": " + current + " creating"
	}
	l.log.Progress(percentDeploying+(percentFinished-percentDeploying)*done/total, doing)
}

var kinds = map[string]string{
	"microsoft.network/networkinterfaces":          "Network interface",
	"microsoft.network/virtualnetworks":            "Virtual network",
	"microsoft.network/networksecuritygroups":      "Network security group",
	"microsoft.network/routetables":                "Route table",
	"microsoft.network/publicipaddresses":          "Public IP address",
	"microsoft.network/loadbalancers":              "Load balancer",
	"microsoft.compute/availabilitysets":           "Availability set",
	"microsoft.compute/virtualmachines":            "Virtual machine",
	"microsoft.compute/virtualmachines/extensions": "Node set-up",
}

func kindOf(resourceType string) string {
	if k, ok := kinds[strings.ToLower(resourceType)]; ok {
		return k
	}
	return resourceType
}
