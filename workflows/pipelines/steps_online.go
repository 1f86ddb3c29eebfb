package pipelines

import (
	"context"
	_ "embed"
	"fmt"

	w "hubwright/workflows"
)

//go:embed scripts/service.sh
var serviceScript string

// online starts the agent and waits until Azure DevOps sees it.
func (f flow) online(ctx context.Context, s *State, log w.Log) error {
	return f.inOrganization(ctx, s, func(o Organization) error {
		a, err := o.Agent(ctx, s.Found.Pool.ID, s.Agent)
		if err != nil {
			return err
		}
		if a == nil || !a.Online {
			if err := f.startAgent(ctx, s, log); err != nil {
				return err
			}
		}
		for try := 0; ; try++ {
			if a, err = o.Agent(ctx, s.Found.Pool.ID, s.Agent); err != nil {
				return err
			}
			if a != nil && a.Online {
				break
			}
			if try >= mostLooks {
				return &w.Problem{Code: "pipelines.offline", What: "The agent does not come online", Why: "Azure DevOps has not heard from " + s.Agent + " for four minutes",
					Fix: "Look at its log on " + s.machine() + " (" + s.folder() + "/_diag), and whether that reaches " + s.Organization + " on port 443. Then retry from this step."}
			}
			log.Progress(-1, "the agent is offline still")
			if err := f.Pause(ctx, betweenLooks); err != nil {
				return err
			}
		}
		s.Found.Version = a.Version
		if !a.Enabled {
			log.Warn("The agent is disabled in the pool: it gets no jobs until somebody enables it there")
		}
		log.Good("The agent %s %s is online in %s", s.Agent, a.Version, s.Pool)
		return nil
	})
}

func (s *State) agentJob(n int) Job {
	return Job{ID: fmt.Sprintf("azure-agent-%s-%d", s.Agent, n), Argv: []string{"./run.sh"}, Dir: s.folder()}
}

func (f flow) startAgent(ctx context.Context, s *State, log w.Log) error {
	host, err := f.openHost(ctx, s)
	if err != nil {
		return err
	}
	defer host.Close()
	out, err := f.run(ctx, host, serviceScript, "", s.folder())
	if err != nil {
		return err
	}
	if out.ExitCode == 0 {
		log.Good("The agent is a service of %s: it comes back after a restart", s.machine())
		s.did("agent started")
		return nil
	}
	why := "there is no service manager that answers"
	if out.ExitCode == 92 {
		why = "sudo asks for a password there"
	}
	log.Warn("It runs without a service (%s): after a restart of %s run this again", why, s.machine())
	if _, err := f.start(ctx, host, s.agentJob); err != nil {
		return err
	}
	s.did("agent started")
	return nil
}
