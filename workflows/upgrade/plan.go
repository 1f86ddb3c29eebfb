package upgrade

import (
	"context"
	"fmt"
	"time"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
	"hubwright/workflows/operate"
)

const (
	minutesPerNode = 14 // on a real stamp, as the release notes estimate
	minutesAround  = 5
)

func (f flow) plan(ctx context.Context, s *State) (w.Plan, error) {
	duration, err := f.duration(ctx, s)
	if err != nil {
		return w.Plan{}, err
	}
	title := fmt.Sprintf("Upgrade %s to Kubernetes %s", s.Cluster.Name, s.Target)
	if s.What == WhatImage {
		title = "Renew the OS image of " + s.Cluster.Name
	}
	return w.Plan{
		Title: title,
		Summary: []w.SummaryItem{
			{Label: "Kubernetes", Value: s.versions(), Page: "target"},
			{Label: "Nodes", Value: s.reachWords(), Page: "target"},
			{Label: "AKS Engine", Value: s.Helper.EngineVersion, Page: "target"},
			{Label: "Drain", Value: operate.Plural(s.DrainMinutes, "minute") + " a node at most", Page: "patience"},
			{Label: "New node Ready", Value: operate.Plural(s.ReadyMinutes, "minute") + " at most", Page: "patience"},
		},
		Changes:    s.changes(),
		Commands:   []w.Command{{Title: "On the helper VM", Text: s.Call().Upgrade(s.options()).Display()}},
		Duration:   duration,
		Disruption: s.disruption(),
	}, nil
}

// duration is how long it will take: from our own past, else as the release
// notes estimate.
func (f flow) duration(ctx context.Context, s *State) (string, error) {
	node, nodes, err := f.aNode(ctx, s.SiteID)
	if err != nil {
		return "", err
	}
	if nodes == 0 {
		return fmt.Sprintf("about %d min on a real stamp", minutesAround+minutesPerNode*s.made()), nil
	}
	whole := minutesAround*time.Minute + node*time.Duration(s.made())
	return fmt.Sprintf("about %s: a node took %s, the middle of the last %d", minutes(whole), minutes(node), nodes), nil
}

// made is how many VMs the engine makes: each pool gets one more for the time.
func (s *State) made() int {
	if s.Reach == ReachMaster {
		return s.nodes()
	}
	return s.nodes() + len(s.Cluster.Pools)
}

func (s *State) reachWords() string {
	if s.Reach == ReachMaster {
		return operate.Plural(s.Cluster.MasterCount, "control plane node")
	}
	return fmt.Sprintf("%s and %s", operate.Plural(s.Cluster.MasterCount, "control plane node"), operate.Plural(s.Cluster.Nodes()-s.Cluster.MasterCount, "worker"))
}

func (s *State) changes() []w.Change {
	var out []w.Change
	for i := range s.Cluster.MasterCount {
		out = append(out, w.Change{Verb: "change", What: "VM " + aksengine.MasterName(s.Cluster.NameSuffix, i), Note: "deleted and made anew; its etcd disk stays"})
	}
	if s.Reach == ReachMaster {
		return out
	}
	for _, p := range s.Cluster.Pools {
		out = append(out,
			w.Change{Verb: "create", What: "One more VM in the pool " + p.Name, Note: "so that the work has room; the pool ends with as many as before"},
			w.Change{Verb: "change", What: fmt.Sprintf("%s of the pool %s", operate.Plural(p.Count, "VM"), p.Name), Note: "each drained, deleted and made anew; numbers in names move on by one"})
	}
	return out
}

func (s *State) disruption() string {
	text := "The API server stays: one control plane node at a time is away."
	if s.Cluster.MasterCount == 1 {
		text = "The API server is away while the only control plane node is replaced."
	}
	if s.Reach == ReachAll {
		text += " Pods move when their node is drained. What lies on a node's own disk is lost."
	}
	return text
}
