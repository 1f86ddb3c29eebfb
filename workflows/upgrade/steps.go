package upgrade

import (
	"context"
	"fmt"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// upgrade starts the command, unless it was started, and follows it. The
// engine says success after some interrupted runs that left the control plane
// with a node less: its word is compared with the Hub.
func (f flow) upgrade(ctx context.Context, s *State, log w.Log) error {
	return f.Stoppable(ctx, &s.Change, log, func() error { return f.upgradeOnce(ctx, s, log) })
}

func (f flow) upgradeOnce(ctx context.Context, s *State, log w.Log) error {
	s.Progress = aksengine.UpgradeProgress{ControlPlaneOnly: s.Reach == ReachMaster}
	told, percent := "", 0
	err := f.Work(ctx, &s.Change, log, operate.Task{
		Before: func(ctx context.Context, x *operate.World) (bool, error) {
			// With --force the engine would even go back to an older version.
			same := func(now w.Cluster) bool { return now.Version == s.Cluster.Version || now.Version == s.Target }
			if err := f.Unmoved(ctx, &s.Change, same); err != nil {
				return false, err
			}
			missing, err := s.mind(ctx, x.Hub, log)
			if err != nil || len(missing) == s.Cluster.MasterCount { // then nothing could answer
				return true, err
			}
			return true, f.AwaitAPI(ctx, &s.Change, log)
		},
		Command: func(call aksengine.Deploy) aksengine.Command { return call.Upgrade(s.options()) },
		Read: func(line string) {
			s.Progress.Read(line)
			if doing := s.doing(); doing != told {
				told, percent = doing, max(percent, s.Progress.Percent()) // a pool's extra node makes more work of it
				log.Progress(percent, doing)
			}
		},
	})
	if err != nil {
		return err
	}
	return f.whole(ctx, s, log)
}

// doing is the progress in words: "2 of 7 nodes: draining k8s-linuxpool-1".
func (s *State) doing() string {
	p := s.Progress
	if len(p.Nodes) == 0 {
		return "reading the API model and looking at the VMs"
	}
	text := fmt.Sprintf("%d of %d nodes", p.Done(), len(p.Nodes))
	for _, n := range p.Nodes {
		if n.Name == p.Current {
			text += ": " + n.Phase.Doing() + " " + n.Name
		}
	}
	return text
}

// mind looks for a hole in the control plane before the command starts. The
// engine fills it by itself only when no node was upgraded before; else it
// has to be told to build everything anew.
func (s *State) mind(ctx context.Context, hub operate.Hub, log w.Log) (missing []string, err error) {
	vms, err := hub.VMs(ctx, s.ResourceGroup)
	if err != nil {
		return nil, err
	}
	missing = operate.Look{VMs: vms}.MissingMasters(s.Cluster)
	if len(missing) > 0 && !s.Rebuild {
		s.Rebuild = true
		log.Warn("The control plane lacks %s: an interrupted upgrade deleted it. The engine is told to build the nodes anew (--force), which is the only way that brings it back.", strings.Join(missing, ", "))
	}
	return missing, nil
}

// whole is the command's postcondition.
func (f flow) whole(ctx context.Context, s *State, log w.Log) error {
	vms, err := f.VMs(ctx, &s.Change)
	if err != nil {
		return err
	}
	if missing := (operate.Look{VMs: vms}).MissingMasters(s.Cluster); len(missing) > 0 {
		s.JobsEnded++
		return &w.Problem{
			Code: "upgrade.hole", What: "The engine reports success, but the control plane lacks a node", Why: strings.Join(missing, ", ") + " does not exist on the Hub: an earlier, interrupted upgrade deleted it.",
			Fix: "Retry from this step: the engine is then told to build the nodes anew, which brings it back.",
		}
	}
	log.Good("The engine has finished, and every control plane VM exists.")
	return nil
}

// NodeRows are the nodes in the order of the work: the control plane first.
func (s *State) NodeRows() []w.NodeRow {
	var masters, rest []w.NodeRow
	for _, n := range s.Progress.Nodes {
		row := s.row(n)
		if strings.HasPrefix(n.Name, "k8s-master-") {
			masters = append(masters, row)
		} else {
			rest = append(rest, row)
		}
	}
	return append(masters, rest...)
}

func (s *State) row(n aksengine.NodeProgress) w.NodeRow {
	row := w.NodeRow{Name: n.Name, From: s.Cluster.Version, To: s.Target, Doing: n.Phase.Doing(), Status: w.StepRunning, StartedAt: n.Began, EndedAt: n.Ended}
	switch {
	case n.Phase == aksengine.NodeWaiting:
		row.Status = w.StepPending
	case n.Gone:
		row.Status, row.To, row.Doing = w.StepSucceeded, "", "gone"
	case n.Phase == aksengine.NodeDone:
		row.Status, row.Doing = w.StepSucceeded, "Ready"
	}
	if n.New {
		row.From = ""
	}
	if n.Before {
		row.Doing = "Ready since before"
	}
	return row
}
