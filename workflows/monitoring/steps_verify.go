package monitoring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	w "hubwright/workflows"
)

const (
	longestPace = 15 * time.Second
	settlesIn   = 8 * time.Minute // within the step's own time
	daemonSet   = "ama-logs"
	clusterWide = "ama-logs-rs"
)

// pace is how long to wait after a look: first it is short.
func pace(look int) time.Duration { return min(time.Duration(look+1)*2*time.Second, longestPace) }

// awaitArc shows what the person types and waits for the agent that the
// extension brings.
func (f flow) awaitArc(ctx context.Context, s *State, log w.Log) error {
	k, err := f.open(ctx, s)
	if err != nil {
		return err
	}
	defer k.Close()
	commands := arcCommands(s, s.Found.Workspace.ID)
	told, until := false, f.Clock().Add(time.Duration(s.Wait)*time.Minute)
	for look := 0; ; look++ {
		all, err := k.Agents(ctx)
		if err != nil {
			return err
		}
		if _, there := named(all, daemonSet); there {
			log.Good("The agent is on the cluster.")
			return nil
		}
		if !told {
			told = true
			log.Phase("Type these where you have az and the kubeconfig from the cluster's page. The run waits.")
			for _, c := range commands {
				log.Command(c)
			}
		}
		if f.Clock().After(until) {
			return &w.Problem{
				Code: "monitoring.arc", What: "The agent of Azure Arc has not come", Why: fmt.Sprintf("For %d minutes there was no DaemonSet %s.", s.Wait, daemonSet),
				Fix:    "Connect the cluster with the commands in the log, then retry from this step. Azure's own answer: az k8s-extension show --name azuremonitor-containers --cluster-type connectedClusters --cluster-name " + s.Agent.ClusterName + " --resource-group " + s.Wanted.Group,
				Detail: strings.Join(commands, "\n"),
			}
		}
		log.Progress(-1, "waiting until you have connected the cluster to Arc")
		if err := f.Pause(ctx, pace(look)); err != nil {
			return err
		}
	}
}

func named(all []Workload, name string) (Workload, bool) {
	for _, a := range all {
		if a.Name == name && a.Namespace == systemNamespace {
			return a, true
		}
	}
	return Workload{}, false
}

// verify is the postcondition: the two workloads of the agent are there, and
// ready.
func (f flow) verify(ctx context.Context, s *State, log w.Log) error {
	k, err := f.open(ctx, s)
	if err != nil {
		return err
	}
	defer k.Close()
	until := f.Clock().Add(settlesIn)
	for look := 0; ; look++ {
		all, err := k.Agents(ctx)
		if err != nil {
			return err
		}
		s.Found.Workloads = nil
		var missing, waiting []string
		for _, name := range []string{daemonSet, clusterWide} {
			a, there := named(all, name)
			switch {
			case !there:
				missing = append(missing, name)
				continue
			case !a.Settled || a.Ready < a.Want || a.Want == 0:
				waiting = append(waiting, fmt.Sprintf("%s %d of %d", name, a.Ready, a.Want))
			}
			s.Found.Workloads = append(s.Found.Workloads, a)
		}
		if len(missing) > 0 && s.Method == MethodHelm {
			return &w.Problem{
				Code: "monitoring.noagent", What: "The release is there, but not the agent", Why: "The chart rendered no " + strings.Join(missing, " and no ") + ": it leaves them out when it was not given workspace, key and cluster name under the names that it reads.",
				Fix: "Take the chart " + agentChart + " in a version from 3.1 on, look at your own values, then start again.",
			}
		}
		if len(missing)+len(waiting) == 0 {
			for _, a := range s.Found.Workloads {
				log.Good("%s %s: %d of %d ready.", a.Kind, a.Name, a.Ready, a.Want)
			}
			return nil
		}
		log.Progress(-1, "waiting for "+strings.Join(append(missing, waiting...), ", "))
		if f.Clock().After(until) {
			return &w.Problem{
				Code: "monitoring.notready", What: "The agent does not get ready", Why: fmt.Sprintf("After %g minutes: ", settlesIn.Minutes()) + strings.Join(append(missing, waiting...), ", ") + ".",
				Fix: "Look at its pods: kubectl -n kube-system describe pods -l dsName=ama-logs-ds. On a cluster of one node the Deployment finds no place: it wants a worker. Then retry from this step.",
			}
		}
		if err := f.Pause(ctx, pace(look)); err != nil {
			return err
		}
	}
}

// data asks the workspace until the cluster's nodes are in it.
func (f flow) data(ctx context.Context, s *State, log w.Log) error {
	az, err := f.login(ctx, s)
	if err != nil {
		return err
	}
	query := arrivedQuery(s.Agent.ClusterName)
	log.Command(query)
	until := f.Clock().Add(time.Duration(s.Wait) * time.Minute)
	said := ""
	for look := 0; ; look++ {
		rows, err := az.Query(ctx, s.Found.Workspace.CustomerID, query)
		state := "the workspace has no data of this cluster yet"
		switch {
		case errors.Is(err, w.ErrNotFound):
			state = "nothing has ever arrived in the workspace"
		case err != nil:
			return err
		case len(rows) > 0 && rows[0]["Nodes"] != "" && rows[0]["Nodes"] != "0":
			s.Found.Nodes = rows[0]["Nodes"]
			s.Found.Last, _ = time.Parse(time.RFC3339Nano, rows[0]["Last"])
			log.Good("Data of %s nodes arrives; the newest is of %s.", s.Found.Nodes, s.Found.Last.UTC().Format("15:04:05 UTC"))
			return nil
		}
		if state != said {
			said = state
			log.Info("%s.", strings.ToUpper(state[:1])+state[1:])
		}
		if err := f.keyStill(ctx, s, az, log); err != nil {
			return err
		}
		if f.Clock().After(until) {
			return &w.Problem{
				Code: "monitoring.nodata", What: "No data arrives in the workspace " + s.Found.Workspace.Name, Why: fmt.Sprintf("After %d minutes %s, though the agent runs and its key is the workspace's.", s.Wait, state),
				Fix: "Look what the agent says: kubectl -n kube-system logs daemonset/ama-logs. Most often a firewall is in the way: nodes need port 443 to " + egress + ", or a proxy, which this workflow gives to the agent when you start it again. A daily cap that is reached also ends it. Then retry from this step.",
			}
		}
		log.Progress(-1, "waiting, since "+state)
		if err := f.Pause(ctx, pace(look)); err != nil {
			return err
		}
	}
}

// keyStill says when the key that the agent has is not the workspace's any
// more.
func (f flow) keyStill(ctx context.Context, s *State, az Azure, log w.Log) error {
	if s.Method != MethodHelm {
		return nil
	}
	now, err := az.WorkspaceKey(ctx, s.Found.Workspace)
	if err != nil {
		return err
	}
	log.Mask(now)
	had, err := f.Vault.Open(ctx, s.Found.Key)
	if err != nil || string(had) == now {
		return err
	}
	return &w.Problem{
		Code: "monitoring.rotated", What: "The workspace's key was replaced while this ran", Why: "The agent logs in with the old one, and Azure does not take its data.",
		Fix: "Start this workflow again with the same answers: it reads the new key and gives it to the agent.",
	}
}
