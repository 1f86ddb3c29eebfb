// Package pipelines is the workflow that lets Azure Pipelines deploy to a
// cluster: who runs the jobs, with what they log in to the cluster, and how
// both are renewed and taken away.
package pipelines

import (
	"slices"
	"time"

	w "hubwright/workflows"
)

// ID is the workflow's id.
const ID = "pipelines"

type flow struct{ Needs }

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{n}
	return w.Workflow[State]{
		ID: ID, Title: "Connect Azure Pipelines", Why: "Pipelines deploy to the cluster with an account that can do just that.",
		Scope: w.ScopeSite, Row: 5, Begin: f.begin, Pages: f.pages(), Validate: validate, Checks: f.checks(), Plan: f.plan, Steps: f.steps(),
		LockKey: func(s *State) string { return "pipelines:" + s.SiteID }, Result: f.result,
	}.Erase()
}

func (f flow) steps() []w.Step[State] {
	setUp := func(s *State) bool { return s.setsUp() }
	remove := func(s *State) bool { return s.removes() }
	steps := []w.Step[State]{
		{ID: "observe", Title: "See what is there", Why: "What a former run left is kept or renewed, never doubled.", When: setUp, Timeout: time.Minute, Run: f.observe},
		{ID: "account", Title: "Make the service account", Why: "Pipelines get what a deployment into one namespace needs, and no more.", When: func(s *State) bool { return s.renews() && s.usesAccount() }, Timeout: time.Minute, Run: f.account},
		{ID: "credential", Title: "Verify the credential", Why: "A connection that cannot deploy is found now, not in a pipeline at night.", When: func(s *State) bool { return s.renews() }, Timeout: time.Minute, Run: f.credential},
		{ID: "connection", Title: "Make or renew the service connection", Why: "Azure DevOps keeps the credential, and gives it to jobs only.", When: func(s *State) bool { return s.renews() }, Timeout: 2 * time.Minute, Weight: 2, Run: f.connection},
		{ID: "share", Title: "Share it with other projects", Why: "One connection to renew rather than one a project.", When: func(s *State) bool { return s.setsUp() && len(s.Share) > 0 }, Timeout: time.Minute, Run: f.share},
		{ID: "grant", Title: "Let every pipeline use it", Why: "Without it each pipeline asks for permission once.", When: func(s *State) bool { return s.setsUp() && s.Grant }, Timeout: time.Minute, Run: f.grant},
		{ID: "queue", Title: "Let the project use the agent pool", Why: "A pipeline can only name pools that its project sees.", When: func(s *State) bool { return s.selfHosted() }, Timeout: time.Minute, Run: f.queue},
		{ID: "agent", Title: "Install the agent", Why: "Jobs run where the Hub can be reached.", When: func(s *State) bool { return s.installs() }, Timeout: 10 * time.Minute, Weight: 4, Run: f.agent},
		{ID: "online", Title: "Start the agent", Why: "It has to be seen online by Azure DevOps.", When: func(s *State) bool { return s.installs() }, Timeout: 5 * time.Minute, Weight: 2, Run: f.online},
		{ID: "agent-pods", Title: "Run the agents on the cluster", Why: "Jobs run beside what they deploy.", When: onPods, Timeout: 5 * time.Minute, Weight: 4, Run: f.agentPods},
		{ID: "pods-online", Title: "See the agents online", Why: "A pod that runs and is not heard of by Azure DevOps gets no jobs.", When: onPods, Timeout: 5 * time.Minute, Weight: 2, Run: f.podsOnline},
		{ID: "sample", Title: "Write a sample pipeline", Why: "It names this connection and this pool, with the tasks of today.", When: setUp, Run: f.sample},
		{ID: "remove-agent", Title: "Take the agent away", Why: "A pool must not offer an agent that is gone.", When: func(s *State) bool { return s.removes() && s.Before.Agent != "" && s.Before.AgentPods.Namespace == "" }, Timeout: 2 * time.Minute, Run: f.removeAgent},
		{ID: "remove-vm", Title: "Delete the agent's VM", Why: "With everything that was made with it, and nothing else.", When: func(s *State) bool { return s.removes() && s.Before.AgentHost.VM != nil }, Timeout: 15 * time.Minute, Weight: 4, Run: f.removeVM},
		{ID: "remove-agent-pods", Title: "Take the agents off the cluster", Why: "Each ends the job that it has, and leaves its pool.", When: func(s *State) bool { return s.removes() && s.Before.AgentPods.Namespace != "" }, Timeout: 2 * time.Minute, Run: f.removeAgentPods},
		{ID: "remove-connection", Title: "Delete the service connection", Why: "From every project that sees it.", When: func(s *State) bool { return s.removes() && s.known() }, Timeout: time.Minute, Run: f.removeConnection},
		{ID: "remove-account", Title: "Delete the service account", Why: "Its tokens end with it.", When: func(s *State) bool { return s.removes() && s.Before.Account != "" }, Timeout: time.Minute, Run: f.removeAccount},
		{ID: "forget", Title: "Forget it", Why: "The guide shows what is.", When: remove, Run: f.forget},
	}
	at := slices.IndexFunc(steps, func(x w.Step[State]) bool { return x.ID == "agent" })
	steps = slices.Insert(steps, at, f.vmSteps()...)
	for i := range steps {
		steps[i].Run = f.afresh(steps[i].Run)
	}
	return steps
}
