package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	w "hubwright/workflows"
)

// gone is the detail of an object that a release names and the cluster lacks.
const gone = "not there"

// leave notes what the cluster has of a part whose install did not come to its
// end. The step's own context may be over.
func (f flow) leave(ctx context.Context, s *State, p part, found *Placed, log w.Log) {
	ctx, done := w.Settled(ctx)
	defer done()
	err := f.with(ctx, s, func(k Kube) error {
		state, err := k.Status(ctx, p.namespace, p.name)
		if errors.Is(err, w.ErrNotFound) {
			*found = Placed{}
			return nil
		}
		if err != nil {
			return err
		}
		*found = placed(state)
		found.Status = state.Status
		for _, o := range state.Objects {
			if o.Detail != gone {
				found.There = append(found.There, o.Kind+" "+o.Name)
			}
		}
		return f.remember(ctx, s, p, state, state.Digest)
	})
	if err != nil {
		log.Warn("What is left of the release %s could not be looked at: %v", p.name, err)
	}
}

// Left is what a run that did not succeed has put on the cluster.
func (s *State) Left() w.Left {
	var l w.Left
	removable := false
	for _, p := range []Placed{s.Found.Driver, s.Found.Ingress, s.Found.App} {
		if p.Name == "" {
			continue
		}
		removable = removable || p.Name != driverRelease
		value := fmt.Sprintf("in namespace %s, deployed as revision %d", p.Namespace, p.Revision)
		if p.Status != "" {
			value = fmt.Sprintf("in namespace %s, %s at revision %d", p.Namespace, p.Status, p.Revision)
			if len(p.There) > 0 {
				value += ". The cluster has of it: " + strings.Join(p.There, ", ")
			}
		}
		l.Items = append(l.Items, w.SummaryItem{Label: "Release " + p.Name, Value: value})
	}
	if s.Found.Certificate != "" {
		removable = true
		l.Items = append(l.Items, w.SummaryItem{Label: "Secret " + s.Found.Certificate, Value: "a certificate that signs itself"})
	}
	if s.Found.Definitions != "" {
		l.Items = append(l.Items, w.SummaryItem{Label: "Definitions of the Gateway API", Value: s.Found.Definitions + ", perhaps in part: they do nothing by themselves, and stay"})
	}
	if s.Found.Address != "" {
		holder := "the ingress controller"
		if s.gateway() {
			holder = "the application's Gateway"
		}
		l.Items = append(l.Items, w.SummaryItem{Label: "External address", Value: s.Found.Address + ", as long as " + holder + " is there"})
	}
	if removable {
		l.Undo = &w.NextStep{Title: "Remove the application", Why: "It takes these releases away, but for the disk driver. A retry goes on from here instead.", WorkflowID: RemoveID}
	}
	return l
}
