package pipelines

import (
	"context"
	"errors"

	"strings"

	w "hubwright/workflows"
)

type stepRun = func(ctx context.Context, s *State, log w.Log) error

// afresh reads the record before a step: when the server died in the middle of
// one, the record knows more than the state that was stored before it.
func (f flow) afresh(run stepRun) stepRun {
	return func(ctx context.Context, s *State, log w.Log) error {
		b, err := f.Records.ServiceConnection(context.WithoutCancel(ctx), s.SiteID)
		if err != nil && !errors.Is(err, w.ErrNotFound) {
			return err
		}
		if s.Before = b; s.removes() && !s.recorded() {
			log.Info("Nothing is recorded any more: another run took it away")
			return nil
		}
		return run(ctx, s, log)
	}
}

// intend records what is about to be made. Nobody may live to see it made, and
// what is not recorded is never taken away.
func (f flow) intend(ctx context.Context, s *State, what func(b *w.ServiceConnection)) error {
	b := s.Before
	if !s.recorded() {
		b.SiteID, b.ConnectionID, b.ProjectID, b.Project, b.Server = s.SiteID, s.ConnectionID, s.Found.Project.ID, s.Found.Project.Name, s.Found.Server
	}
	what(&b)
	if err := f.Records.SaveServiceConnection(ctx, &b); err != nil {
		return err
	}
	s.Before = b
	return nil
}

// How far an agent came, as far as is known.
const (
	unregistered = "unregistered"
	registered   = "registered"
)

// Left is what the record says, with what it cannot know.
func (s *State) Left() w.Left {
	var out w.Left
	add := func(label, value, doubt string) {
		out.Items = append(out.Items, w.SummaryItem{Label: label, Value: value + doubt})
	}
	b := s.Before
	if b.Account != "" {
		doubt := ""
		if b.EndpointID == "" && s.Found.Credential == "" {
			doubt = ", if the cluster has made it: the run ended before it said so"
		}
		add("Service account", b.Account+" in the namespace "+b.Namespace, doubt)
	}
	if b.Name != "" {
		value, doubt := b.Name+" in "+b.Project, ""
		for _, p := range b.Shared {
			value += ", shared with " + p
		}
		if b.EndpointID == "" {
			doubt = ", if Azure DevOps has made it: the run ended before it said so"
		}
		add("Service connection", value, doubt)
	}
	if s.Found.Queue {
		add("Agent pool", s.Pool+" can be used by "+s.Project, ". That stays, and harms nothing")
	}
	s.vmLeft(add)
	if b.Agent != "" {
		doubt := ""
		switch {
		case b.AgentPods.Namespace != "":
			value := strings.Join(agentNames(b.Agent, b.AgentPods.Replicas), ", ") + " as pods in the namespace " + b.AgentPods.Namespace + ", in the pool " + b.Pool
			if s.Found.Agent != registered && !s.removes() {
				doubt = ", as far as they came: the run ended before all were online"
			}
			add("Agent", value, doubt)
		case s.removes(), s.Found.Agent == registered:
			add("Agent", b.Agent+" on "+hostOf(b)+", in the pool "+b.Pool, "")
		case s.Found.Agent == unregistered:
			add("Agent's files", s.folder()+" on "+hostOf(b), ", as far as they came. No pool lists the agent")
		default:
			add("Agent", b.Agent+" on "+hostOf(b)+", in the pool "+b.Pool, ", if it has registered: the run ended before the pool listed it")
		}
	}
	if s.setsUp() && s.recorded() {
		out.Undo = &w.NextStep{Title: "Take it away", Why: "The same workflow does it. To go on instead, retry.", WorkflowID: ID, Answers: w.Answers{"task": TaskRemove}}
	}
	return out
}

func hostOf(b w.ServiceConnection) string {
	if b.AgentHost.VM != nil {
		return "the VM " + b.AgentHost.VM.Name
	}
	if b.AgentHost.Address != "" {
		return "the host " + b.AgentHost.Address
	}
	return "the helper VM"
}
