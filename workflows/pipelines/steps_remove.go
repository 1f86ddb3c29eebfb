package pipelines

import (
	"context"
	_ "embed"
	"slices"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

//go:embed scripts/remove.sh
var removeScript string

// removeAgent stops the agent on its host and takes it out of its pool. A
// host that is gone does not keep the pool from being tidied.
func (f flow) removeAgent(ctx context.Context, s *State, log w.Log) error {
	s.Agent, s.Where, s.Host = s.Before.Agent, WhereVM, s.Before.AgentHost
	if s.Host.Address != "" {
		s.Where = WhereHost
	}
	if err := f.offHost(ctx, s, log); err != nil {
		if ctx.Err() != nil {
			return err
		}
		log.Warn("Left as it is: %s (%s)", s.machine(), problem.From(err).Error())
	}
	return f.inOrganization(ctx, s, func(o Organization) error {
		a, err := o.Agent(ctx, s.Before.PoolID, s.Before.Agent)
		if err != nil {
			return err
		}
		if a != nil {
			if err := o.RemoveAgent(ctx, s.Before.PoolID, a.ID); err != nil {
				return err
			}
		}
		log.Good("The pool %s has no agent %s any more", s.Before.Pool, s.Before.Agent)
		return nil
	})
}

func (f flow) offHost(ctx context.Context, s *State, log w.Log) error {
	host, err := f.openHost(ctx, s)
	if err != nil {
		return err
	}
	defer host.Close()
	for n := 1; ; n++ {
		state, _, _, err := host.JobState(ctx, s.agentJob(n).ID)
		if err != nil {
			return err
		}
		if state == "absent" {
			break
		}
		if state == "running" {
			if err := host.SignalJob(ctx, s.agentJob(n).ID, "TERM"); err != nil {
				return err
			}
		}
	}
	p, err := f.proof(ctx, s, log)
	if err != nil {
		return err
	}
	out, err := f.run(ctx, host, removeScript, p.secret+"\n", s.folder(), p.auth, p.client, p.tenant)
	if err != nil {
		return err
	}
	if out.ExitCode != 0 {
		return &w.Problem{What: "The agent's folder could not be removed", Why: lastLine(out.Stdout + out.Stderr)}
	}
	log.Good("The agent is off %s", s.machine())
	return nil
}

// removeConnection deletes the service connection from every project that sees
// it.
func (f flow) removeConnection(ctx context.Context, s *State, log w.Log) error {
	b := s.Before
	return f.inOrganization(ctx, s, func(o Organization) error {
		e, err := o.Endpoint(ctx, b.ProjectID, b.EndpointID)
		if err != nil {
			return err
		}
		if e == nil {
			log.Info("The service connection %s is gone already", b.Name)
			return nil
		}
		from := e.Projects
		if !slices.Contains(from, b.ProjectID) {
			from = append(from, b.ProjectID)
		}
		if err := o.DeleteEndpoint(ctx, e.ID, from); err != nil {
			return err
		}
		if e, err = o.Endpoint(ctx, b.ProjectID, b.EndpointID); err != nil {
			return err
		}
		if e != nil {
			return &w.Problem{Code: "pipelines.undeleted", What: "The service connection " + b.Name + " is there still", Why: "Azure DevOps did not delete it from every project", Fix: "Delete it in Azure DevOps, as an administrator of all projects that see it, then retry from this step."}
		}
		log.Good("The service connection %s is gone from %s", b.Name, lines(append([]string{b.Project}, b.Shared...)))
		return nil
	})
}

func (f flow) removeAccount(ctx context.Context, s *State, log w.Log) error {
	return f.onCluster(ctx, s, func(k Kube) error {
		if err := k.DeleteAccount(ctx, s.Before.Namespace, s.Before.Account); err != nil {
			return err
		}
		log.Good("The service account %s is gone from %s: its tokens open nothing any more", s.Before.Account, s.Before.Namespace)
		return nil
	})
}

func (f flow) forget(ctx context.Context, s *State, log w.Log) error {
	log.Info("What the cluster's namespace holds was left as it is")
	return f.Records.DeleteServiceConnection(ctx, s.SiteID)
}
