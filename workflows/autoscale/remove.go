package autoscale

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	w "hubwright/workflows"
)

// RemoveID is the id of the workflow that takes an autoscaler away.
const RemoveID = "autoscale-remove"

// Removal is what that workflow knows.
type Removal struct {
	SiteID, SiteName string
	Usual            string // the application's, namespace/name
	Target           string // the autoscaler, namespace/name

	Removed  bool // it was there
	Replicas int  // that the Deployment keeps
}

// NewRemoval makes the workflow that undoes what New's did.
func NewRemoval(n Needs) w.Definition {
	f := flow{n}
	return w.Workflow[Removal]{
		ID: RemoveID, Title: "Remove the autoscaler", Why: "The Deployment's number of pods becomes its own again.",
		Scope: w.ScopeSite, Begin: f.beginRemoval, Pages: f.removalPages(), Plan: removalPlan, LockKey: func(s *Removal) string { return "site:" + s.SiteID },
		Checks: []w.Check[Removal]{{ID: "cluster", Title: "The cluster is reachable", Why: "The autoscaler is an object on it.", Severity: w.SeverityBlock, Timeout: patience, Run: func(ctx context.Context, s *Removal) w.Finding {
			return f.ask(ctx, s.place(), func(k Kube) (w.Finding, error) {
				v, err := k.ServerVersion(ctx)
				return w.Passed("It answers as " + v + "."), err
			})
		}}},
		Steps: []w.Step[Removal]{{ID: "remove", Title: "Remove the autoscaler", Why: "It is one object beside the Deployment.", Timeout: time.Minute, Run: f.remove}},
		Result: func(s *Removal) w.Result {
			r := w.Result{Headline: fmt.Sprintf("Nothing scales %s on %s any more.", s.Target, s.SiteName), Facts: []w.SummaryItem{{Label: "Autoscaler " + s.Target, Value: "removed"}}}
			if !s.Removed {
				r.Facts[0].Value = "It was not there: nothing to change"
			} else {
				r.Facts = append(r.Facts, w.SummaryItem{Label: "Replicas", Value: fmt.Sprintf("stay at %d", s.Replicas)})
			}
			return r
		},
	}.Erase()
}

func (f flow) beginRemoval(ctx context.Context, t w.Target) (*Removal, error) {
	s, err := f.begin(ctx, t)
	if err != nil {
		return nil, err
	}
	return &Removal{SiteID: s.SiteID, SiteName: s.SiteName, Usual: s.Usual}, nil
}

func (s *Removal) place() *State { return &State{SiteID: s.SiteID, Target: s.Target} }

func (f flow) removalPages() []w.Page[Removal] {
	return []w.Page[Removal]{{
		ID: "what", Title: "What goes", Why: "The pods stay as many as they are.",
		Fields: []w.Field[Removal]{{Name: "autoscaler", Label: "Autoscaler", Kind: w.FieldSelect, Default: func(s *Removal) string { return s.Usual }, Options: f.autoscalers}},
		Bind: func(a w.Answers, s *Removal) []w.FieldError {
			s.Target = a.Get("autoscaler")
			if namespace, name, ok := strings.Cut(s.Target, "/"); !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
				return []w.FieldError{{Field: "autoscaler", Message: "Choose an autoscaler, as namespace/name."}}
			}
			return nil
		},
	}}
}

// autoscalers are what could go.
func (f flow) autoscalers(ctx context.Context, s *Removal) ([]w.Option, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	var out []w.Option
	err := f.with(ctx, s.place(), func(k Kube) error {
		list, err := k.Autoscalers(ctx, "")
		for _, a := range list {
			name := a.Namespace + "/" + a.Name
			out = append(out, w.Option{Value: name, Label: name, Note: fmt.Sprintf("%s/%s, %d to %d at %d %%", a.Kind, a.Target, a.Min, a.Max, a.Percent)})
		}
		return err
	})
	return out, err
}

func removalPlan(_ context.Context, s *Removal) (w.Plan, error) {
	namespace, name, _ := strings.Cut(s.Target, "/")
	return w.Plan{
		Title: "Remove the autoscaler " + name + " from " + s.SiteName, Duration: "less than 1 min", Disruption: "The Deployment keeps the pods that it has, and no more come under load.",
		Summary:  []w.SummaryItem{{Label: "Autoscaler", Value: s.Target, Page: "what"}},
		Changes:  []w.Change{{Verb: "delete", What: "HorizontalPodAutoscaler " + s.Target}, {Verb: "none", What: "The Deployment and its pods", Note: "stay as they are"}},
		Commands: []w.Command{{Title: "What you would have typed", Text: "kubectl -n " + namespace + " delete hpa " + name}},
	}, nil
}

func (f flow) remove(ctx context.Context, s *Removal, log w.Log) error {
	at := s.place()
	return f.with(ctx, at, func(k Kube) error {
		now, err := f.find(ctx, at, k)
		var p *w.Problem
		switch {
		case errors.As(err, &p) && p.Code == goneCode:
			log.Good("There is no autoscaler %s: nothing to change", s.Target)
			return nil
		case err != nil:
			return err
		}
		s.Replicas = now.Replicas
		if err := k.DeleteAutoscaler(ctx, now.Namespace, now.Name); err != nil {
			return err
		}
		if _, err := f.find(ctx, at, k); !errors.As(err, &p) || p.Code != goneCode {
			return &w.Problem{Code: "autoscale.left", What: "The autoscaler " + s.Target + " is still there", Why: "the API server took the request and kept the object: it may have a finalizer", Fix: "Look at the object, then retry from this step."}
		}
		s.Removed = true
		log.Good("The autoscaler %s is gone; the Deployment keeps %d replicas", s.Target, s.Replicas)
		return nil
	})
}

// Left is what a run that did not succeed has set.
func (s *State) Left() w.Left {
	now := s.Found.Now
	if now.Name == "" {
		return w.Left{}
	}
	value := fmt.Sprintf("%d to %d at %d %%, %d replicas", now.Min, now.Max, now.Percent, now.Replicas)
	if !s.Found.Changed {
		value += "; it was there before"
	}
	return w.Left{
		Items: []w.SummaryItem{{Label: "HorizontalPodAutoscaler " + s.Target, Value: value}},
		Undo:  &w.NextStep{Title: "Remove the autoscaler", Why: "The Deployment keeps its pods. A retry goes on from here instead.", WorkflowID: RemoveID},
	}
}
