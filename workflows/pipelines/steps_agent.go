package pipelines

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	w "hubwright/workflows"
)

//go:embed scripts/download.sh
var downloadScript string

//go:embed scripts/register.sh
var registerScript string

const (
	betweenLooks = 3 * time.Second
	mostLooks    = 80 // four minutes
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
		ctx, done := w.Settled(ctx)
		defer done()
		if err := o.AddQueue(ctx, s.Found.Project.ID, s.Found.Pool); err != nil {
			return err
		}
		log.Good("%s sees the pool %s", s.Project, s.Pool)
		s.Found.Queue = true
		s.did("pool " + s.Pool + " in " + s.Project)
		return nil
	})
}

func noPool(name string) *w.Problem {
	return &w.Problem{Code: "pipelines.pool", What: "There is no agent pool " + name, Why: "Azure DevOps does not list it", Fix: "Make it (Organization settings, Agent pools), or choose another one."}
}

// proof is how the agent proves itself when it registers. The secret travels on
// standard input alone.
type proof struct {
	auth           string // as config.sh spells it
	client, tenant string
	secret         string
	bundle         string // PEM of the organization's own roots
}

func (f flow) proof(ctx context.Context, s *State, log w.Log) (proof, error) {
	id := s.ConnectionID
	if s.removes() {
		id = s.Before.ConnectionID
	}
	c, err := f.Records.Connection(ctx, id)
	if err != nil {
		return proof{}, err
	}
	plain, err := f.Vault.Open(ctx, c.Credential.Secret)
	if err != nil {
		return proof{}, err
	}
	log.Mask(string(plain))
	p := proof{auth: "pat", client: c.Credential.ClientID, tenant: c.TenantID, secret: string(plain), bundle: c.CABundle}
	if c.Credential.Method == w.AuthSecret {
		p.auth = "SP"
	}
	return p, nil
}

// agent puts the agent on its host and registers it. One that is
// registered stays.
func (f flow) agent(ctx context.Context, s *State, log w.Log) error {
	host, err := f.openHost(ctx, s)
	if err != nil {
		return err
	}
	defer host.Close()
	return f.inOrganization(ctx, s, func(o Organization) error {
		known, err := o.Agent(ctx, s.Found.Pool.ID, s.Agent)
		if err != nil {
			return err
		}
		here, err := f.configured(ctx, s, host)
		if err != nil {
			return err
		}
		ours := known != nil && known.ID == here
		if known != nil && known.Online && !ours {
			return &w.Problem{Code: "pipelines.agent", What: "Another machine is the agent " + s.Agent, Why: "it is online in the pool " + s.Pool + ", and it is not on " + s.machine(), Fix: "Choose another name for this agent."}
		}
		if err := f.intend(ctx, s, func(b *w.ServiceConnection) {
			b.Pool, b.PoolID, b.Agent, b.AgentHost = s.Pool, s.Found.Pool.ID, s.Agent, s.Host
		}); err != nil {
			return err
		}
		if s.Found.Agent = unregistered; ours {
			s.Found.Agent = registered
			log.Info("The agent %s is on %s and in the pool already", s.Agent, s.machine())
			return nil
		}
		if err := f.unpacked(ctx, s, o, host, log); err != nil {
			return err
		}
		return f.enrol(ctx, s, o, host, log)
	})
}

// enrol registers the agent and sees it in its pool.
func (f flow) enrol(ctx context.Context, s *State, o Organization, host Host, log w.Log) error {
	if err := f.dependencies(ctx, s, host, log); err != nil {
		return err
	}
	ctx, done := w.Settled(ctx)
	defer done()
	s.Found.Agent = ""
	if err := f.register(ctx, s, host, log); err != nil {
		return err
	}
	known, err := o.Agent(ctx, s.Found.Pool.ID, s.Agent)
	if err != nil {
		return err
	}
	if known == nil {
		return &w.Problem{Code: "pipelines.register", What: "The agent is not in its pool", Why: "it said that it had registered, but " + s.Pool + " does not list it", Fix: "Retry from this step."}
	}
	s.Found.Agent = registered
	log.Good("The agent %s is registered in %s", s.Agent, s.Pool)
	s.did("agent " + s.Agent + " installed")
	return nil
}

func (f flow) run(ctx context.Context, host Host, script, stdin string, args ...string) (Output, error) {
	return host.Run(ctx, "set -- "+f.Quote(args...)+"\n"+script, strings.NewReader(stdin))
}

// configured is the ID under which the agent in the folder was registered, 0
// when none was. A registration that was cut off, or that another one
// replaced, has an ID that the pool does not know.
func (f flow) configured(ctx context.Context, s *State, host Host) (int, error) {
	out, err := f.run(ctx, host, `[ -f "$1/.agent" ] && sed -n 's/.*"agentId": *\([0-9][0-9]*\).*/\1/p' "$1/.agent"`, "", s.folder())
	if err != nil {
		return 0, err
	}
	id, _ := strconv.Atoi(strings.TrimSpace(out.Stdout))
	return id, nil
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
		log.Good("Agent %s is unpacked on %s", p.Version, s.machine())
		return nil
	}
	fix := "Open the way from " + s.machine() + " to " + p.URL + ", or set the agent's proxy, then retry from this step."
	why := fmt.Sprintf("curl or tar ended with exit code %d", code)
	if code == 90 {
		why, fix = "the archive's checksum is not the one that Azure DevOps names", "Something on the way changes downloads. Look at the proxy, then retry from this step."
	}
	return &w.Problem{Code: "pipelines.download", What: "The agent could not be put on " + s.machine(), Why: why, Fix: fix}
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
		log.Progress(-1, "waiting for the agent's host")
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

// dependencies installs the packages that the agent needs, where that is
// allowed.
func (f flow) dependencies(ctx context.Context, s *State, host Host, log w.Log) error {
	out, err := f.run(ctx, host, "if sudo -n true 2>/dev/null; then cd \"$1\" && sudo -n ./bin/installdependencies.sh 2>&1; else echo 'sudo asks for a password'; exit 1; fi", "", s.folder())
	if err == nil && out.ExitCode != 0 {
		log.Warn("The packages that the agent needs were not installed (%s). It goes on: most are there", lastLine(out.Stdout))
	}
	return err
}

func (f flow) register(ctx context.Context, s *State, host Host, log w.Log) error {
	p, err := f.proof(ctx, s, log)
	if err != nil {
		return err
	}
	log.Command("./config.sh --unattended --url " + s.Organization + " --auth " + p.auth + " --pool " + f.Quote(s.Pool) + " --agent " + s.Agent + " --replace --acceptTeeEula")
	out, err := f.run(ctx, host, registerScript, p.secret+"\n"+p.bundle, s.folder(), s.Organization, p.auth, s.Pool, s.Agent, s.AgentWay, p.client, p.tenant)
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
