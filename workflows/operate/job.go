package operate

import (
	"context"
	"errors"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

// tailOfOutput is how much of the end of a failed command's output is read for
// its cause: an ARM answer with its body, and the usage text behind it.
const tailOfOutput = 256 << 10

// Start starts the run's job. Its name is noted first, so that a later run
// finds it. display is the command without its secrets.
func (e Engine) Start(ctx context.Context, g *Ground, host Host, argv []string, display string, log w.Log) error {
	if err := e.NoOtherJob(ctx, g, host); err != nil {
		return err
	}
	id := g.JobID()
	list := e.Quote(g.jobList())
	out, err := host.Run(ctx, "umask 077 && { grep -qxF "+e.Quote(id)+" "+list+" 2>/dev/null || printf '%s\\n' "+e.Quote(id)+" >> "+list+"; }", nil)
	if err := RanWell(out, err, "The command could not be noted on the helper VM"); err != nil {
		return err
	}
	log.Command(display)
	_, err = host.StartJob(ctx, Job{ID: id, Argv: argv, Env: g.Env()})
	return err
}

// NoOtherJob refuses to go on while a command of a former run still works on
// the same folder: the engine itself has no lock.
func (e Engine) NoOtherJob(ctx context.Context, g *Ground, host Host) error {
	list, err := host.Download(ctx, g.jobList(), 1<<20)
	if errors.Is(err, w.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for id := range strings.Lines(string(list)) {
		id = strings.TrimSpace(id)
		if id == "" || (g.JobBase != "" && id == g.JobID()) {
			continue
		}
		state, _, _, err := host.JobState(ctx, id)
		if err != nil {
			return err
		}
		if state == JobRunning {
			return &w.Problem{
				Code: "cluster.busy", What: "A former command still runs on the helper VM", Why: "It is the job " + id + ", and it works on the same folder.",
				Fix: "Wait until it has ended, or stop it there, then retry.",
			}
		}
	}
	return nil
}

// Follow follows the run's job until it has ended and tells its exit code.
// Lines that are new reach onLines after they are stored.
func (e Engine) Follow(ctx context.Context, g *Ground, log w.Log, onLines func([]w.OutputLine)) (int, error) {
	cur, err := log.Cursor(ctx, g.JobID())
	if err != nil {
		return 0, err
	}
	open := func(ctx context.Context) (Host, error) { return e.OpenHost(ctx, g.SiteID) }
	code, err := e.Watch(ctx, open, g.JobID(), cur, aksengine.Classify, onLines, func(text string) { log.Warn("%s", text) })
	if err != nil {
		var p *w.Problem
		if errors.As(err, &p) && strings.HasPrefix(p.Code, "job.") {
			g.JobsEnded++ // nothing more comes of it: a retry starts another one
		}
	}
	return code, err
}

// LastLines are the end of what the job printed, nil when it cannot be read.
func (e Engine) LastLines(ctx context.Context, g *Ground, host Host) []string {
	_, _, size, err := host.JobState(ctx, g.JobID())
	if err != nil {
		return nil
	}
	out, err := host.ReadJob(ctx, g.JobID(), max(size-tailOfOutput, 0), tailOfOutput)
	if err != nil {
		return nil
	}
	return strings.Split(strings.ReplaceAll(string(out), "\r\n", "\n"), "\n")
}
