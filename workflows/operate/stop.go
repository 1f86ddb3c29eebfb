package operate

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// How long a cancel is patient.
const (
	stopTimeout = 5 * time.Minute  // until the command has ended for sure
	stopGrace   = 30 * time.Second // after SIGTERM, before SIGKILL
)

// Stop ends the remote command after a cancel, and says so only when it has
// ended; left then tells what goes on without it. When the server stops, the
// command goes on: the next start follows it. It returns the context's error.
func (e Engine) Stop(ctx context.Context, g *Ground, log w.Log, left func(ctx context.Context)) error {
	if errors.Is(context.Cause(ctx), w.ErrStopping) {
		return ctx.Err()
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	log.Phase("Stopping the command on the helper VM")
	state, err := e.end(last, g, log)
	switch {
	case err != nil:
		log.Error("It cannot be said whether the command on the helper VM has ended: %s.", strings.TrimRight(problem.From(err).Error(), "."))
		log.Warn("A new run refuses to begin while it goes on there.")
		return ctx.Err()
	case state == JobAbsent:
		log.Info("The command had not been started, and will not be.")
		g.JobsEnded++ // its name is taken now
		return ctx.Err()
	}
	log.Good("The command on the helper VM has ended.")
	left(last)
	g.JobsEnded++
	return ctx.Err()
}

var errStillRuns = errors.New("the command still runs")

// end signals until the job has ended, through whatever breaks. It tells the
// state in which the job was found at last.
func (e Engine) end(ctx context.Context, g *Ground, log w.Log) (string, error) {
	var signalled time.Time
	var lastErr error
	killed := false
	until := e.Clock().Add(stopTimeout)
	for {
		state, err := e.endOnce(ctx, g, func(host Host) error {
			switch {
			case signalled.IsZero():
				log.Info("Sending SIGTERM.")
				signalled = e.Clock()
				return host.SignalJob(ctx, g.JobID(), "TERM")
			case !killed && e.Clock().Sub(signalled) > stopGrace:
				log.Warn("It has not ended after %s. Sending SIGKILL.", stopGrace)
				killed = true
				return host.SignalJob(ctx, g.JobID(), "KILL")
			}
			return nil
		})
		if err == nil && state != JobRunning {
			return state, nil
		}
		if err != nil {
			lastErr = err
		}
		if perr := e.Pause(ctx, e.Poll); perr != nil || e.Clock().After(until) {
			return "", cmp.Or(lastErr, perr, errStillRuns)
		}
	}
}

func (e Engine) endOnce(ctx context.Context, g *Ground, signal func(Host) error) (string, error) {
	host, err := e.OpenHost(ctx, g.SiteID)
	if err != nil {
		return "", err
	}
	defer host.Close()
	state, _, _, err := host.JobState(ctx, g.JobID())
	switch {
	case err != nil:
		return "", err
	case state == JobAbsent:
		// Its start may be on the way still: a signal keeps it from beginning,
		// or hits it.
		err = host.SignalJob(ctx, g.JobID(), "TERM")
		if errors.Is(err, w.ErrNotFound) {
			return state, nil
		}
		return JobRunning, err
	case state == JobRunning:
		err = signal(host)
	}
	return state, err
}
