package monitoring

import (
	"context"
	"errors"

	w "hubwright/workflows"
)

type stepRun = func(ctx context.Context, s *State, log w.Log) error

// afresh reads the recorded releases before a step: when the server died in
// the middle of one, they know more than the state that was stored before it.
func (f flow) afresh(run stepRun) stepRun {
	return func(ctx context.Context, s *State, log w.Log) error {
		all, err := f.Records.Releases(context.WithoutCancel(ctx), s.Target.SiteID)
		if err != nil {
			return err
		}
		s.take(all)
		return run(ctx, s, log)
	}
}

// take keeps those of the releases that are for monitoring.
func (s *State) take(all []w.Release) {
	s.Releases = nil
	for _, r := range all {
		if r.Role == w.ReleaseMonitoring {
			s.Releases = append(s.Releases, r)
		}
	}
}

// unmade forgets a release of which the cluster knows nothing after a failure.
func (f flow) unmade(ctx context.Context, s *State, k Cluster) error {
	ctx, done := w.Settled(ctx)
	defer done()
	if _, err := k.Status(ctx, s.Release.Namespace, s.Release.Name); !errors.Is(err, w.ErrNotFound) {
		return nil
	}
	if err := f.Records.DeleteRelease(ctx, s.Target.SiteID, s.Release.Namespace, s.Release.Name); err != nil {
		return err
	}
	all, err := f.Records.Releases(ctx, s.Target.SiteID)
	if err == nil {
		s.take(all)
	}
	return err
}

// What is known of Grafana's password.
const (
	asked = "asked"
	there = "there"
)

// Left is what the releases' records and the steps say.
func (s *State) Left() w.Left {
	var out w.Left
	add := func(label, value string) { out.Items = append(out.Items, w.SummaryItem{Label: label, Value: value}) }
	name := s.Release
	if s.Method == MethodRemove {
		name = s.Remove
	}
	for _, r := range s.Releases {
		if r.Name != name.Name || r.Namespace != name.Namespace {
			continue
		}
		add("Helm release", r.Name+" in "+r.Namespace+", as far as it came")
		if s.chart() {
			out.Undo = &w.NextStep{Title: "Take the release away", Why: "The same workflow does it. To go on instead, retry.", WorkflowID: ID, Answers: w.Answers{"method": MethodRemove, "release": key(r)}}
		}
	}
	if s.Found.Password != "" {
		doubt := ""
		if s.Found.Password == asked {
			doubt = ", if the cluster has made it: the run ended before it said so"
		}
		add("Secret", grafanaSecret+" in "+s.Release.Namespace+" with Grafana's password"+doubt+". It stays: a next Grafana on the same disk needs it")
	}
	if s.New && s.Found.Asked {
		doubt := ""
		if s.Found.Workspace.ID == "" {
			doubt = ", if Azure has made it: the run ended before it said so"
		}
		add("Workspace", s.Wanted.Name+" in the resource group "+s.Wanted.Group+doubt+". It stays, with what it has collected; delete it in Azure when no Site uses it")
	}
	if s.Found.Solution {
		add("Solution", "ContainerInsights("+s.Found.Workspace.Name+"), a part of the workspace")
	}
	return out
}
