package operate

import (
	"context"
	"slices"
	"strings"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// Task is a command of the engine.
type Task struct {
	// Before looks at the world once more just before the command starts, and
	// says whether it is needed at all. May be nil.
	Before func(ctx context.Context, x *World) (needed bool, err error)
	// Command makes the words from the call with its secret in it.
	Command func(call aksengine.Deploy) aksengine.Command
	// Read is given each line of the output once, after a restart from the first on.
	Read func(line string)
}

// Work starts the command, unless it was started, and follows it to its end. A
// nonzero exit code becomes a problem in words. The connection that started the
// command is not kept: hours may pass.
func (e Engine) Work(ctx context.Context, c *Change, log w.Log, t Task) error {
	started, err := e.ensure(ctx, c, log, t)
	if err != nil || !started {
		return err
	}
	code, err := e.follow(ctx, c, log, t)
	if err != nil || code == 0 {
		return err
	}
	p := e.explain(ctx, c, log, code)
	c.JobsEnded++
	return p
}

// ensure sees to it that the command was started. It says no when there is
// nothing for it to do.
func (e Engine) ensure(ctx context.Context, c *Change, log w.Log, t Task) (started bool, err error) {
	x, err := e.Open(ctx, &c.Ground, log)
	if err != nil {
		return false, err
	}
	defer x.Close()
	kept, err := e.KeptModel(ctx, c)
	if err != nil {
		return false, err
	}
	for _, secret := range aksengine.Secrets(kept) {
		log.Mask(secret)
	}
	state, err := e.standing(ctx, c, x.Host, log, t)
	if err != nil {
		return false, err
	}
	if state == JobAbsent {
		return e.begin(ctx, c, x, log, t)
	}
	log.Info("The command was started before; following it from where the log ends.")
	e.readAgain(ctx, c, x.Host, log, t)
	return true, nil
}

// standing is where the run's command stands. Of one that was lost the rest of
// its lines is fetched; then the next one takes its place.
func (e Engine) standing(ctx context.Context, c *Change, host Host, log w.Log, t Task) (string, error) {
	for {
		state, _, _, err := host.JobState(ctx, c.JobID())
		if err != nil || state != JobLost {
			return state, err
		}
		e.readAgain(ctx, c, host, log, t)
		ended := c.JobsEnded
		if _, err := e.follow(ctx, c, log, t); c.JobsEnded == ended {
			return state, err
		}
		log.Warn("The command that was started before is gone and left no exit code: the helper VM was restarted, or ran out of memory. It is started again and goes on with what is missing.")
	}
}

// Unmoved refuses to start what was planned for a cluster that has become
// another one since: a run may be retried long after it failed. same compares
// the cluster's record of now with what the plan is for.
func (e Engine) Unmoved(ctx context.Context, c *Change, same func(now w.Cluster) bool) error {
	now, err := e.Records.ClusterOfSite(ctx, c.SiteID)
	if err != nil {
		return err
	}
	if now.ID == c.Cluster.ID && same(now) {
		return nil
	}
	return &w.Problem{
		Code: "cluster.moved", What: "The cluster has changed since this run was planned", Why: "Another run worked on it in the meantime, and this one's plan was approved for what was before.",
		Fix: "Begin a new run from the cluster's page: it starts from the cluster as it is now.",
	}
}

func (e Engine) follow(ctx context.Context, c *Change, log w.Log, t Task) (int, error) {
	return e.Follow(ctx, &c.Ground, log, func(lines []w.OutputLine) {
		for _, line := range lines {
			t.Read(line.Text)
			c.note(line.Text)
		}
	})
}

func (e Engine) begin(ctx context.Context, c *Change, x *World, log w.Log, t Task) (bool, error) {
	if t.Before != nil {
		if needed, err := t.Before(ctx, x); err != nil || !needed {
			return false, err
		}
	}
	c.ARM = nil // a failure is to be explained by this command's own deployments
	call := c.Call()
	shown := t.Command(call).Display()
	call.ClientSecret = string(x.Credential)
	return true, e.Start(ctx, &c.Ground, x.Host, t.Command(call), shown, log)
}

// maxOutput is how much of a command's output is read again after a restart.
const maxOutput = 4 << 20

// readAgain reads the lines that are in the log already, for what they told.
func (e Engine) readAgain(ctx context.Context, c *Change, host Host, log w.Log, t Task) {
	cur, err := log.Cursor(ctx, c.JobID())
	if err != nil || cur.Offset() == 0 {
		return
	}
	out, err := host.ReadJob(ctx, c.JobID(), 0, int(min(cur.Offset(), maxOutput)))
	if err != nil {
		return
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\r\n")
		t.Read(line)
		c.note(line)
	}
}

func (c *Change) note(line string) {
	if name := aksengine.StartedDeployment(line); name != "" && !slices.Contains(c.ARM, name) {
		c.ARM = append(c.ARM, name)
	}
}

// explain puts a failed command into words: the engine's output first, and
// where that is vague, the operations of its last deployment.
func (e Engine) explain(ctx context.Context, c *Change, log w.Log, code int) *w.Problem {
	x, err := e.Open(ctx, &c.Ground, log)
	if err != nil {
		return aksengine.FromOutput(nil, code)
	}
	defer x.Close()
	said := aksengine.FromOutput(e.LastLines(ctx, &c.Ground, x.Host), code)
	if said.Code == "engine.login" {
		// The engine swallows the token service's answer: ask for it ourselves.
		if err := x.Hub.Login(ctx); err != nil {
			return problem.Wrap(err, said.What)
		}
	}
	if len(c.ARM) == 0 || !strings.HasPrefix(said.Code, "arm.") {
		return said
	}
	ops, err := x.Hub.DeploymentOperations(ctx, c.ResourceGroup, c.ARM[len(c.ARM)-1])
	if err != nil {
		return said
	}
	for _, o := range ops {
		if strings.EqualFold(o.State, "failed") && o.Message != "" {
			return ProblemOf(o)
		}
	}
	return said
}
