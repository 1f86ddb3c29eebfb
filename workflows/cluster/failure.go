package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// tailOfOutput is how much of the end of a failed command's output is read for
// its cause: an ARM answer with its body, and the usage text behind it.
const tailOfOutput = 256 << 10

// vague are codes that say only that something failed.
var vague = []string{"arm.unknown", "arm.DeploymentFailed", "arm.ResourceDeploymentFailure", "arm.Conflict", "arm.BadRequest", "arm.InvalidTemplateDeployment"}

// explain puts a failed deploy command into words. The Hub's own operations
// know best which resource failed; then the engine's output; then its code.
func (f flow) explain(ctx context.Context, s *State, x *world, l *follower, code int) *w.Problem {
	said := aksengine.FromOutput(f.lastLines(ctx, s, x.host), code)
	if fromHub := l.failure(); fromHub != nil && (strings.HasPrefix(said.Code, "arm.") || strings.HasPrefix(said.Code, "cse.")) {
		return fromHub
	}
	if said.Code == "engine.login" {
		// The engine swallows the token service's answer: ask for it ourselves.
		if err := x.hub.Login(ctx); err != nil {
			return problem.Wrap(err, said.What)
		}
	}
	if !slices.Contains(vague, said.Code) || s.ARM == "" {
		return said
	}
	// The operations may have failed between the last look and the end.
	deployments, err := x.hub.Deployments(ctx, s.ResourceGroup)
	if err != nil {
		return said
	}
	for _, d := range deployments {
		if d.Name == s.ARM && d.Error != "" {
			if p := problem.FromARMJSON(d.Error); !slices.Contains(vague, p.Code) {
				return p
			}
		}
	}
	return said
}

// failure is the most telling failure of the deployment's operations, nil
// when none failed.
func (l *follower) failure() *w.Problem {
	var first *w.Problem
	for _, o := range l.ops {
		if !strings.EqualFold(o.State, "failed") {
			continue
		}
		p := problemOf(o)
		if !slices.Contains(vague, p.Code) {
			if !strings.HasPrefix(p.Code, "cse.") {
				p.What = fmt.Sprintf("%s (%s %s)", p.What, strings.ToLower(kindOf(o.ResourceType)), lastPart(o.ResourceName))
			}
			return p
		}
		if first == nil {
			first = p
		}
	}
	return first
}

func (f flow) lastLines(ctx context.Context, s *State, host Host) []string {
	id := s.jobID()
	_, _, size, err := host.JobState(ctx, id)
	if err != nil {
		return nil
	}
	out, err := host.ReadJob(ctx, id, max(size-tailOfOutput, 0), tailOfOutput)
	if err != nil {
		return nil
	}
	return strings.Split(strings.ReplaceAll(string(out), "\r\n", "\n"), "\n")
}

// How long a cancel is patient.
const (
	stopTimeout = 5 * time.Minute  // until the command has ended for sure
	stopGrace   = 30 * time.Second // after SIGTERM, before SIGKILL
)

// stop ends the remote command after a cancel, and says so only when it has
// ended. When the server stops, the command goes on: the next start follows it.
func (f flow) stop(ctx context.Context, s *State, log w.Log) error {
	if errors.Is(context.Cause(ctx), w.ErrStopping) {
		return ctx.Err()
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	log.Phase("Stopping the deploy command on the helper VM")
	state, err := f.end(last, s, log)
	switch {
	case err != nil:
		log.Error("It cannot be said whether the deploy command on the helper VM has ended: %s.", strings.TrimRight(problem.From(err).Error(), "."))
		log.Warn("A new run refuses to begin while it goes on there.")
		return ctx.Err()
	case state == jobAbsent:
		log.Info("The deploy command had not been started.")
		return ctx.Err()
	}
	log.Good("The deploy command on the helper VM has ended.")
	f.tellLeft(last, s, log)
	s.JobsEnded++
	return ctx.Err()
}

var errStillRuns = errors.New("the command still runs")

// end signals until the job has ended, through whatever breaks. It tells the
// state in which the job was found at last.
func (f flow) end(ctx context.Context, s *State, log w.Log) (string, error) {
	var signalled time.Time
	var lastErr error
	killed := false
	until := f.Clock().Add(stopTimeout)
	for {
		state, err := f.endOnce(ctx, s, func(host Host) error {
			switch {
			case signalled.IsZero():
				log.Info("Sending SIGTERM.")
				signalled = f.Clock()
				return host.SignalJob(ctx, s.jobID(), "TERM")
			case !killed && f.Clock().Sub(signalled) > stopGrace:
				log.Warn("It has not ended after %s. Sending SIGKILL.", stopGrace)
				killed = true
				return host.SignalJob(ctx, s.jobID(), "KILL")
			}
			return nil
		})
		if err == nil && state != jobRunning {
			return state, nil
		}
		if err != nil {
			lastErr = err
		}
		if perr := f.Pause(ctx, f.Poll); perr != nil || f.Clock().After(until) {
			return "", cmp.Or(lastErr, perr, errStillRuns)
		}
	}
}

func (f flow) endOnce(ctx context.Context, s *State, signal func(Host) error) (string, error) {
	host, err := f.OpenHost(ctx, s.SiteID)
	if err != nil {
		return "", err
	}
	defer host.Close()
	state, _, _, err := host.JobState(ctx, s.jobID())
	if err != nil || state != jobRunning {
		return state, err
	}
	return state, signal(host)
}

// tellLeft says what goes on in the Hub without the engine.
func (f flow) tellLeft(ctx context.Context, s *State, log w.Log) {
	name := s.ARM
	if host, err := f.OpenHost(ctx, s.SiteID); err == nil {
		var p aksengine.DeployProgress
		for _, line := range f.lastLines(ctx, s, host) {
			p.Read(line)
		}
		_ = host.Close()
		if p.Deployment != "" {
			name = p.Deployment
		}
	}
	if name == "" {
		log.Info("Nothing was sent to the Hub: at most the resource group %s exists.", s.ResourceGroup)
		return
	}
	s.ARM = name
	log.Warn("The Hub may go on with the deployment %s: cancelling does not stop it there. Retry this run to go on with what it makes, or delete the resource group %s to take it all away.", name, s.ResourceGroup)
}
