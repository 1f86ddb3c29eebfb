// Package upgrade is the workflow "Upgrade a cluster": AKS Engine replaces the
// nodes one by one with new ones of another Kubernetes version or OS image.
package upgrade

import (
	"context"
	"fmt"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

// ID is the workflow's id.
const ID = "upgrade"

// What is upgraded, and how far.
const (
	WhatVersion = "version" // to another Kubernetes version
	WhatImage   = "image"   // the same version on the engine's OS image

	ReachAll    = "all"
	ReachMaster = "masters" // the pools keep their version
)

// State is what the workflow knows. It holds no secrets, only references.
type State struct {
	operate.Change
	operate.Pair

	What         string
	Target       string // Kubernetes version, without v
	Reach        string
	DrainMinutes int  // for one node
	ReadyMinutes int  // for one new VM
	Rebuild      bool // a broken upgrade left a hole that only --force fills

	Progress aksengine.UpgradeProgress
}

type flow struct {
	operate.Engine
	needs Needs
}

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{operate.New(n.Engine), n}
	always := func(*State) bool { return true }
	return operate.Careful(f.Engine, w.Workflow[State]{
		ID:     ID,
		Title:  "Upgrade a cluster",
		Why:    "AKS Engine replaces the nodes one by one with new ones; the work moves on to those that are there.",
		Scope:  w.ScopeSite,
		Row:    10,
		Begin:  f.begin,
		Pages:  []w.Page[State]{f.targetPage(), f.patiencePage()},
		Checks: f.checks(),
		Plan:   f.plan,
		Steps: append([]w.Step[State]{
			{ID: "prepare", Title: "Make sure of the API model", Why: "The engine must work with this cluster's own.", Weight: 2, Timeout: 5 * time.Minute,
				Run: func(ctx context.Context, s *State, log w.Log) error { return f.Prepare(ctx, &s.Change, "upgrade", log) }},
			{ID: "upgrade", Title: "Upgrade with AKS Engine", Why: "Each node is drained, deleted and made anew, control plane first.", Weight: 80, Timeout: 6 * time.Hour, Run: f.upgrade},
		}, operate.Steps(f.Engine, change, func(s *State) bool { return s.Reach == ReachAll })...),
		LockKey: func(s *State) string { return "site:" + s.SiteID },
		Result:  result,
	}, change, pair, always).Erase()
}

func change(s *State) *operate.Change { return &s.Change }
func pair(s *State) *operate.Pair     { return &s.Pair }

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	c, err := f.BeginChange(ctx, t)
	if err != nil {
		return nil, err
	}
	s := &State{Change: c, What: WhatVersion, Reach: ReachAll}
	if len(s.targets()) == 0 {
		s.What = WhatImage
	}
	return s, nil
}

// targets are the versions that are one step away: the engine itself would
// skip minor versions, which Kubernetes does not support.
func (s *State) targets() []string {
	var out []string
	for _, v := range s.Helper.Kubernetes {
		if aksengine.OneStep(s.Cluster.Version, v.Version) {
			out = append(out, v.Version)
		}
	}
	return out
}

func (s *State) options() aksengine.Upgrade {
	return aksengine.Upgrade{
		Version: s.Target, Force: s.What == WhatImage || s.Rebuild, ControlPlaneOnly: s.Reach == ReachMaster,
		Drain: time.Duration(s.DrainMinutes) * time.Minute, Ready: time.Duration(s.ReadyMinutes) * time.Minute,
	}
}

// nodes is how many VMs are replaced.
func (s *State) nodes() int {
	if s.Reach == ReachMaster {
		return s.Cluster.MasterCount
	}
	return s.Cluster.Nodes()
}

// versions is what becomes of the Kubernetes version, in words.
func (s *State) versions() string {
	if s.What == WhatImage {
		return s.Target + ", as it is"
	}
	return s.Cluster.Version + " → " + s.Target
}

func result(s *State) w.Result {
	head := fmt.Sprintf("Cluster %s runs Kubernetes %s: %d nodes are Ready.", s.Cluster.Name, s.Target, s.Change.Ready)
	switch {
	case s.Reach == ReachMaster && s.What == WhatVersion:
		head = fmt.Sprintf("The control plane of %s runs Kubernetes %s, the pools what they had: %d nodes are Ready.", s.Cluster.Name, s.Target, s.Change.Ready)
	case s.What == WhatImage:
		head = fmt.Sprintf("The nodes of %s are made anew on the engine's image: %d are Ready.", s.Cluster.Name, s.Change.Ready)
	}
	return w.Result{
		Headline: head,
		Facts: []w.SummaryItem{
			{Label: "Kubernetes", Value: s.versions()},
			{Label: "Nodes replaced", Value: fmt.Sprint(s.nodes())},
			{Label: "AKS Engine", Value: s.Helper.EngineVersion},
			{Label: "API model in custody", Value: fmt.Sprintf("version %d", s.ModelKept)},
		},
		Next: &w.NextStep{Title: "Look at the cluster", Why: "Nodes, components and certificates as they are now.", Link: "/clusters/" + s.Cluster.ID},
	}
}
