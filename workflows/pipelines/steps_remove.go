package pipelines

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

//go:embed scripts/remove.sh
var removeScript string

// removeAgent stops the agent on its host and takes it out of its pool. A
// host that is gone does not keep the pool from being tidied.
func (f flow) removeAgent(ctx context.Context, s *State, log w.Log) error {
	if s.Before.Agent == "" {
		return nil // the server died after it was gone
	}
	s.Agent, s.Where, s.Host = s.Before.Agent, WhereVM, s.Before.AgentHost
	switch {
	case s.Host.VM != nil:
		s.Where, s.VM = WhereOwn, *s.Host.VM
	case s.Host.Address != "":
		s.Where = WhereHost
	}
	if err := f.offHost(ctx, s, log); err != nil {
		if ctx.Err() != nil {
			return err
		}
		log.Warn("Left as it is: %s (%s)", s.machine(), problem.From(err).Error())
	}
	return f.inOrganization(ctx, s, func(o Organization) error {
		if err := f.outOfPool(ctx, o, s.Before.PoolID, s.Before.Agent); err != nil {
			return err
		}
		log.Good("The pool %s has no agent %s any more", s.Before.Pool, s.Before.Agent)
		s.Before.Pool, s.Before.PoolID, s.Before.Agent = "", 0, ""
		if s.Host.VM == nil { // else its removal needs it
			s.Before.AgentHost = w.HostLogin{}
		}
		return f.Records.SaveServiceConnection(context.WithoutCancel(ctx), &s.Before)
	})
}

// outOfPool takes an agent out of its pool, and sees it gone.
func (f flow) outOfPool(ctx context.Context, o Organization, pool int, name string) error {
	a, err := o.Agent(ctx, pool, name)
	if err != nil || a == nil {
		return err
	}
	if err := o.RemoveAgent(ctx, pool, a.ID); err != nil {
		return err
	}
	if a, err = o.Agent(ctx, pool, name); err != nil || a == nil {
		return err
	}
	return &w.Problem{Code: "pipelines.undeleted", What: "The agent " + a.Name + " is in its pool still", Why: "it was taken out and is listed again", Fix: "Look which machine registers it, and end that. Then retry from this step."}
}

func (f flow) offHost(ctx context.Context, s *State, log w.Log) error {
	host, err := f.openHost(ctx, s)
	if err != nil {
		return err
	}
	defer host.Close()
	if err := f.stopJobs(ctx, s, host); err != nil {
		return err
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

// stopJobs ends the agent where it runs without a service, and sees it end:
// one that runs on would ask for work in the name of the next.
func (f flow) stopJobs(ctx context.Context, s *State, host Host) error {
	for n, looks := 1, 0; ; {
		id := s.agentJob(n).ID
		state, _, _, err := host.JobState(ctx, id)
		switch {
		case err != nil || state == "absent":
			return err
		case state != "running":
			n, looks = n+1, 0
			continue
		}
		signal := "TERM"
		if looks++; looks > 10 {
			signal = "KILL"
		}
		if err := host.SignalJob(ctx, id, signal); err != nil {
			return err
		}
		if err := f.Pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// recordedEndpoint is the one that a run made. Of one whose making nobody saw
// the record has no more than the name.
func (f flow) recordedEndpoint(ctx context.Context, o Organization, b w.ServiceConnection) (*Endpoint, error) {
	if b.EndpointID != "" {
		return o.Endpoint(ctx, b.ProjectID, b.EndpointID)
	}
	e, err := o.EndpointByName(ctx, b.ProjectID, b.Name)
	if err != nil || e == nil || !strings.EqualFold(e.Type, "kubernetes") || !sameServer(e.URL, b.Server) {
		return nil, err
	}
	return e, nil
}

// removeConnection deletes the service connection from every project that sees
// it.
func (f flow) removeConnection(ctx context.Context, s *State, log w.Log) error {
	b := s.Before
	return f.inOrganization(ctx, s, func(o Organization) error {
		e, err := f.recordedEndpoint(ctx, o, b)
		if err != nil {
			return err
		}
		if e == nil {
			log.Info("The service connection %s is gone already", b.Name)
			return f.endpointGone(ctx, s)
		}
		from := e.Projects
		if !slices.Contains(from, b.ProjectID) {
			from = append(from, b.ProjectID)
		}
		if err := o.DeleteEndpoint(ctx, e.ID, from); err != nil {
			return err
		}
		if e, err = o.Endpoint(ctx, b.ProjectID, e.ID); err != nil {
			return err
		}
		if e != nil {
			return &w.Problem{Code: "pipelines.undeleted", What: "The service connection " + b.Name + " is there still", Why: "Azure DevOps did not delete it from every project", Fix: "Delete it in Azure DevOps, as an administrator of all projects that see it, then retry from this step."}
		}
		log.Good("The service connection %s is gone from %s", b.Name, strings.Join(append([]string{b.Project}, b.Shared...), ", "))
		return f.endpointGone(ctx, s)
	})
}

func (f flow) endpointGone(ctx context.Context, s *State) error {
	b := &s.Before
	b.EndpointID, b.Name, b.Shared, b.Method, b.ExpiresAt = "", "", nil, "", time.Time{}
	return f.Records.SaveServiceConnection(context.WithoutCancel(ctx), b)
}

func (f flow) removeAccount(ctx context.Context, s *State, log w.Log) error {
	return f.onCluster(ctx, s, func(k Kube) error {
		if err := k.DeleteAccount(ctx, s.Before.Namespace, s.Before.Account); err != nil {
			return err
		}
		log.Good("The service account %s is gone from %s: its tokens open nothing any more", s.Before.Account, s.Before.Namespace)
		s.Before.Account, s.Before.Namespace = "", ""
		return f.Records.SaveServiceConnection(context.WithoutCancel(ctx), &s.Before)
	})
}

func (f flow) forget(ctx context.Context, s *State, log w.Log) error {
	log.Info("What the cluster's namespace holds was left as it is")
	if err := f.Records.DeleteServiceConnection(ctx, s.SiteID); err != nil {
		return err
	}
	s.Before = w.ServiceConnection{}
	return nil
}
