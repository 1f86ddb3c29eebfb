package upgrade

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hubwright/internal/aksengine"
	w "hubwright/workflows"
)

const (
	defaultDrain = 60 // minutes, as the engine on Azure Stack Hub
	defaultReady = 20
	mostMinutes  = 24 * 60
)

func (f flow) targetPage() w.Page[State] {
	return w.Page[State]{
		ID: "target", Title: "What to upgrade", Why: "The engine on the helper VM decides which versions can be reached.",
		Fields: []w.Field[State]{
			{
				Name: "what", Label: "What shall change", Kind: w.FieldRadio, Reloads: true, Default: func(s *State) string { return s.What },
				Options: func(_ context.Context, s *State) ([]w.Option, error) {
					version := w.Option{Value: WhatVersion, Label: "The Kubernetes version", Note: "One minor version at a time, as Kubernetes supports it."}
					if len(s.targets()) == 0 {
						version.Disabled, version.Note = true, s.nowhere()
					}
					image := w.Option{Value: WhatImage, Label: "Only the nodes' OS image", Note: "The same Kubernetes version on the image that belongs to the engine: security fixes of the operating system."}
					if !s.offered() {
						image.Disabled, image.Note = true, s.noImage()
					}
					return []w.Option{version, image}, nil
				},
			},
			{
				Name: "kubernetes", Label: "Kubernetes version", Kind: w.FieldSelect, When: func(s *State) bool { return s.What == WhatVersion },
				Default: func(s *State) string { return last(s.targets()) },
				Options: func(_ context.Context, s *State) ([]w.Option, error) {
					var out []w.Option
					for _, v := range s.targets() {
						out = append(out, w.Option{Value: v, Label: v})
					}
					return out, nil
				},
				Observed: func(_ context.Context, s *State) string {
					return fmt.Sprintf("The cluster runs %s; the helper VM has AKS Engine %s.", s.Cluster.Version, s.Helper.EngineVersion)
				},
			},
			{
				Name: "reach", Label: "Which nodes", Kind: w.FieldRadio, Default: func(s *State) string { return s.Reach },
				Options: func(context.Context, *State) ([]w.Option, error) {
					return []w.Option{
						{Value: ReachAll, Label: "All of them", Note: "Control plane first, then each pool with one node more than it has, so that the work has room."},
						{Value: ReachMaster, Label: "The control plane only", Note: "The pools keep their version: add new pools and move the work. On stamps that are cut off, kube-proxy stops working until the pools follow."},
					}, nil
				},
			},
		},
		Bind: bindTarget,
	}
}

func bindTarget(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	s.What, s.Reach, s.Target = a.Get("what"), a.Get("reach"), a.Get("kubernetes")
	switch s.What {
	case WhatImage:
		s.Target = s.Cluster.Version
		if !s.offered() {
			errs = append(errs, w.FieldError{Field: "what", Message: s.noImage()})
		}
	case WhatVersion:
		if targets := s.targets(); !slices.Contains(targets, s.Target) {
			field, msg := "kubernetes", fmt.Sprintf("From %s it goes to %s.", s.Cluster.Version, strings.Join(targets, " or "))
			if len(targets) == 0 {
				field, msg = "what", s.nowhere()
			}
			errs = append(errs, w.FieldError{Field: field, Message: msg})
		}
	default:
		errs = append(errs, w.FieldError{Field: "what", Message: "Choose what shall change."})
	}
	if s.Reach != ReachAll && s.Reach != ReachMaster {
		errs = append(errs, w.FieldError{Field: "reach", Message: "Choose which nodes."})
	}
	return errs
}

// offered says whether the engine makes nodes of the cluster's own version.
func (s *State) offered() bool {
	return slices.ContainsFunc(s.Helper.Kubernetes, func(v w.KubernetesVersion) bool { return v.Version == s.Cluster.Version })
}

func (s *State) noImage() string {
	return fmt.Sprintf("The image of AKS Engine %s has no Kubernetes %s: upgrade the version instead.", s.Helper.EngineVersion, s.Cluster.Version)
}

// nowhere says why no newer version can be reached, and what leads on.
func (s *State) nowhere() string {
	text := fmt.Sprintf("AKS Engine %s on the helper VM has no version that is one step above %s.", s.Helper.EngineVersion, s.Cluster.Version)
	hops, broken := aksengine.Ladder(s.Cluster.Version)
	switch {
	case len(hops) > 0:
		return fmt.Sprintf("%s AKS Engine %s leads to %s: prepare the helper VM with it first.", text, hops[0].Engine, hops[0].To)
	case broken != "":
		return text + " " + broken
	}
	return text + " There is nothing newer that we know."
}

func (f flow) patiencePage() w.Page[State] {
	def := func(n int) func(*State) string { return func(*State) string { return strconv.Itoa(n) } }
	return w.Page[State]{
		ID: "patience", Title: "Patience", Why: "How long the engine waits decides what happens to work that does not move.",
		Fields: []w.Field[State]{
			{Name: "drain", Label: "Time to drain a node", Kind: w.FieldNumber, Unit: "minutes", Default: def(defaultDrain),
				Help: "After it the node is deleted, with whatever still runs on it. Disruption budgets are kept until then."},
			{Name: "ready", Label: "Time for a new node to become Ready", Kind: w.FieldNumber, Unit: "minutes", Default: def(defaultReady),
				Help: "After it the upgrade stops; a retry goes on where it stopped."},
		},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			var errs []w.FieldError
			read := func(field string, into *int) {
				n, err := strconv.Atoi(a.Get(field))
				if err != nil || n < 1 || n > mostMinutes {
					errs = append(errs, w.FieldError{Field: field, Message: "Give a whole number of minutes, from 1 to 1,440."})
					return
				}
				*into = n
			}
			read("drain", &s.DrainMinutes)
			read("ready", &s.ReadyMinutes)
			return errs
		},
	}
}

func last(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}
