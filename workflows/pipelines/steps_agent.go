package pipelines

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"

	w "hubwright/workflows"
)

//go:embed scripts/download.sh
var downloadScript string

//go:embed scripts/register.sh
var registerScript string

//go:embed scripts/service.sh
var serviceScript string

const (
	betweenLooks = 3 * time.Second
	mostLooks    = 100 // five minutes
)

func (s *State) folder() string { return "azure-agent/" + s.Agent }

// queue finds the pool and lets the project see it.
func (f flow) queue(ctx context.Context, s *State, log w.Log) error {
	return f.inOrganization(ctx, s, func(o Organization) error {
		pools, err := o.Pools(ctx)
		if err != nil {
			return err
		}
		s.Found.Pool = Pool{}
		for _, p := range pools {
			if strings.EqualFold(p.Name, s.Pool) {
				s.Found.Pool = p
			}
		}
		if s.Found.Pool.ID == 0 {
			return noPool(s.Pool)
		}
		has, err := o.HasQueue(ctx, s.Found.Project.ID, s.Found.Pool)
		if err != nil {
			return err
		}
		if has {
			log.Info("%s sees the pool %s already", s.Project, s.Pool)
			return nil
		}
		if err := o.AddQueue(ctx, s.Found.Project.ID, s.Found.Pool); err != nil {
			return err
		}
		log.Good("%s sees the pool %s", s.Project, s.Pool)
		s.did("pool " + s.Pool + " in " + s.Project)
		return nil
	})
}

func noPool(name string) *w.Problem {
	return &w.Problem{Code: "pipelines.pool", What: "There is no agent pool " + name, Why: "Azure DevOps does not list it", Fix: "Make it (Organization settings, Agent pools), or choose another one."}
}

// login is how the agent proves itself when it registers. The secret travels on
// standard input alone.
func (f flow) login(ctx context.Context, s *State, log w.Log) (auth, client, tenant, secret, bundle string, err error) {
	id := s.ConnectionID
	if s.removes() {
		id = s.Before.ConnectionID
	}
	c, err := f.Records.Connection(ctx, id)
	if err != nil {
		return "", "", "", "", "", err
	}
	plain, err := f.Vault.Open(ctx, c.Credential.Secret)
	if err != nil {
		return "", "", "", "", "", err
	}
	log.Mask(string(plain))
	auth = "pat"
	if c.Credential.Method == w.AuthSecret {
		auth = "SP"
	}
	return auth, c.Credential.ClientID, c.TenantID, string(plain), c.CABundle, nil
}

// agent puts the agent on the helper VM and registers it. One that is
// registered stays.
func (f flow) agent(ctx context.Context, s *State, log w.Log) error {
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	return f.inOrganization(ctx, s, func(o Organization) error {
		known, err := o.Agent(ctx, s.Found.Pool.ID, s.Agent)
		if err != nil {
			return err
		}
		configured, err := f.configured(ctx, s, host)
		if err != nil {
			return err
		}
		switch {
		case known != nil && configured:
			log.Info("The agent %s is on the helper VM and in the pool already", s.Agent)
			return nil
		case known != nil && known.Online:
			return &w.Problem{Code: "pipelines.agent", What: "Another machine is the agent " + s.Agent, Why: "it is online in the pool " + s.Pool + ", and it is not this helper VM", Fix: "Choose another name for this agent."}
		}
		if err := f.unpacked(ctx, s, o, host, log); err != nil {
			return err
		}
		if err := f.register(ctx, s, host, log); err != nil {
			return err
		}
		if known, err = o.Agent(ctx, s.Found.Pool.ID, s.Agent); err != nil {
			return err
		}
		if known == nil {
			return &w.Problem{Code: "pipelines.register", What: "The agent is not in its pool", Why: "it said that it had registered, but " + s.Pool + " does not list it", Fix: "Retry from this step."}
		}
		log.Good("The agent %s is registered in %s", s.Agent, s.Pool)
		s.did("agent " + s.Agent + " installed")
		s.Before.Pool, s.Before.PoolID, s.Before.Agent = s.Pool, s.Found.Pool.ID, s.Agent
		return f.Records.SaveServiceConnection(ctx, &s.Before)
	})
}

func (f flow) run(ctx context.Context, host Host, script, stdin string, args ...string) (Output, error) {
	return host.Run(ctx, "set -- "+f.Quote(args...)+"\n"+script, strings.NewReader(stdin))
}

// configured says whether the folder holds an agent that was registered.
func (f flow) configured(ctx context.Context, s *State, host Host) (bool, error) {
	out, err := f.run(ctx, host, `[ -f "$1/.agent" ]`, "", s.folder())
	return out.ExitCode == 0, err
}

// unpacked fetches the archive as a job, unless the agent lies there.
func (f flow) unpacked(ctx context.Context, s *State, o Organization, host Host, log w.Log) error {
	out, err := f.run(ctx, host, `[ -x "$1/config.sh" ]`, "", s.folder())
	if err != nil || out.ExitCode == 0 {
		return err
	}
	p, err := o.AgentPackage(ctx)
	if err != nil {
		return err
	}
	log.Command("curl -fsSL -o agent.tar.gz " + f.Quote(p.URL))
	job := func(n int) Job {
		return Job{ID: fmt.Sprintf("azure-agent-download-%s-%s-%d", s.Agent, p.Version, n),
			Argv: []string{"/bin/sh", "-c", downloadScript, "download", s.folder(), p.URL, p.SHA256, s.AgentWay}}
	}
	code, err := f.finish(ctx, host, job, log)
	switch {
	case err != nil:
		return err
	case code == 0:
		log.Good("Agent %s is unpacked on the helper VM", p.Version)
		return nil
	}
	fix := "Open the way from the helper VM to " + p.URL + ", or set the agent's proxy, then retry from this step."
	why := fmt.Sprintf("curl or tar ended with exit code %d", code)
	if code == 90 {
		why, fix = "the archive's checksum is not the one that Azure DevOps names", "Something on the way changes downloads. Look at the proxy, then retry from this step."
	}
	return &w.Problem{Code: "pipelines.download", What: "The agent could not be put on the helper VM", Why: why, Fix: fix}
}

// finish runs the job once more than it ran before, or waits for the one that
// runs, and tells how it ended.
func (f flow) finish(ctx context.Context, host Host, job func(n int) Job, log w.Log) (int, error) {
	n, err := f.start(ctx, host, job)
	if err != nil {
		return 0, err
	}
	for {
		state, code, _, err := host.JobState(ctx, job(n).ID)
		if err != nil || state == "exited" {
			return code, err
		}
		if state == "lost" {
			return 1, nil
		}
		log.Progress(-1, "waiting for the helper VM")
		if err := f.Pause(ctx, time.Second); err != nil {
			return 0, err
		}
	}
}

// start makes sure that one job of the row runs, and answers its number.
func (f flow) start(ctx context.Context, host Host, job func(n int) Job) (int, error) {
	for n := 1; ; n++ {
		state, _, _, err := host.JobState(ctx, job(n).ID)
		if err != nil {
			return n, err
		}
		if state == "absent" {
			_, err := host.StartJob(ctx, job(n))
			return n, err
		}
		if state == "running" {
			return n, nil
		}
	}
}

func (f flow) register(ctx context.Context, s *State, host Host, log w.Log) error {
	auth, client, tenant, secret, bundle, err := f.login(ctx, s, log)
	if err != nil {
		return err
	}
	out, err := f.run(ctx, host, "if sudo -n true 2>/dev/null; then cd \"$1\" && sudo -n ./bin/installdependencies.sh 2>&1; else echo 'sudo asks for a password'; exit 1; fi", "", s.folder())
	if err != nil {
		return err
	}
	if out.ExitCode != 0 {
		log.Warn("The packages that the agent needs were not installed (%s). It goes on: most are there", lastLine(out.Stdout))
	}
	log.Command("./config.sh --unattended --url " + s.Organization + " --auth " + auth + " --pool " + f.Quote(s.Pool) + " --agent " + s.Agent + " --replace --acceptTeeEula")
	out, err = f.run(ctx, host, registerScript, secret+"\n"+bundle, s.folder(), s.Organization, auth, s.Pool, s.Agent, s.AgentWay, client, tenant)
	if err != nil {
		return err
	}
	for line := range strings.Lines(out.Stdout) {
		log.Info("%s", strings.TrimRight(line, "\r\n"))
	}
	if out.ExitCode == 0 {
		return nil
	}
	return refusal(s, out)
}

// refusal puts what config.sh said into words.
func refusal(s *State, out Output) *w.Problem {
	text := out.Stdout + out.Stderr
	p := &w.Problem{Code: "pipelines.register", What: "The agent could not register", Why: lastLine(text), Detail: text, Fix: "Read what it said in the log, then retry from this step."}
	switch {
	case strings.Contains(text, "VS30063"), strings.Contains(text, "TF400813"):
		p.Why = "Azure DevOps does not let the credential register agents in the pool " + s.Pool
		p.Fix = "Give the token the scope Agent Pools (read and manage) and its owner the role Administrator on the pool, then retry from this step."
	case strings.Contains(text, "Agent pool not found"):
		return noPool(s.Pool)
	}
	return p
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndex(text, "\n")+1:]
}

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
				return &w.Problem{Code: "pipelines.offline", What: "The agent does not come online", Why: "Azure DevOps has not heard from " + s.Agent + " for five minutes",
					Fix: "Look at its log on the helper VM (" + s.folder() + "/_diag), and whether the VM reaches " + s.Organization + " on port 443. Then retry from this step."}
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
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return err
	}
	defer host.Close()
	out, err := host.Run(ctx, "set -- "+f.Quote(s.folder())+"\n"+serviceScript, io.LimitReader(strings.NewReader(""), 0))
	if err != nil {
		return err
	}
	if out.ExitCode == 0 {
		log.Good("The agent is a service of the helper VM: it comes back after a restart")
		s.did("agent started")
		return nil
	}
	why := "the helper VM has no service manager that answers"
	if out.ExitCode == 92 {
		why = "sudo asks for a password there"
	}
	log.Warn("It runs without a service (%s): after a restart of the helper VM run this again", why)
	if _, err := f.start(ctx, host, s.agentJob); err != nil {
		return err
	}
	s.did("agent started")
	return nil
}
