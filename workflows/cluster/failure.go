package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hubwright/internal/aksengine"
	"hubwright/internal/problem"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// vague are codes that say only that something failed.
var vague = []string{"arm.unknown", "arm.DeploymentFailed", "arm.ResourceDeploymentFailure", "arm.Conflict", "arm.BadRequest", "arm.InvalidTemplateDeployment"}

// explain puts a failed deploy command into words. The Hub's own operations
// know best which resource failed; then the engine's output; then its code.
func (f flow) explain(ctx context.Context, s *State, x *operate.World, l *follower, code int) *w.Problem {
	said := aksengine.FromOutput(f.LastLines(ctx, &s.Ground, x.Host), code)
	if fromHub := l.failure(); fromHub != nil && (strings.HasPrefix(said.Code, "arm.") || strings.HasPrefix(said.Code, "cse.")) {
		return fromHub
	}
	if said.Code == "engine.login" {
		// The engine swallows the token service's answer: ask for it ourselves.
		if err := x.Hub.Login(ctx); err != nil {
			return problem.Wrap(err, said.What)
		}
	}
	if !slices.Contains(vague, said.Code) || s.ARM == "" {
		return said
	}
	// The operations may have failed between the last look and the end.
	deployments, err := x.Hub.Deployments(ctx, s.ResourceGroup)
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
		p := operate.ProblemOf(o)
		if !slices.Contains(vague, p.Code) {
			if !strings.HasPrefix(p.Code, "cse.") {
				p.What = fmt.Sprintf("%s (%s %s)", p.What, strings.ToLower(kindOf(o.ResourceType)), operate.VMOf(o.ResourceName))
			}
			return p
		}
		if first == nil {
			first = p
		}
	}
	return first
}

// stop ends the deploy command after a cancel.
func (f flow) stop(ctx context.Context, s *State, log w.Log) error {
	return f.Stop(ctx, &s.Ground, log, func(ctx context.Context) { f.tellLeft(ctx, s, log) })
}

// tellLeft says what goes on in the Hub without the engine.
func (f flow) tellLeft(ctx context.Context, s *State, log w.Log) {
	name := s.ARM
	if host, err := f.OpenHost(ctx, s.SiteID); err == nil {
		var p aksengine.DeployProgress
		for _, line := range f.LastLines(ctx, &s.Ground, host) {
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
