package autoscale

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

const patience = 45 * time.Second

func (f flow) checks() []w.Check[State] {
	return []w.Check[State]{
		{ID: "metrics", Title: "There are metrics", Why: "Without them the autoscaler shows <unknown> and never scales.", Severity: w.SeverityBlock, Timeout: patience, Run: f.checkMetrics},
		{ID: "requests", Title: "The pods ask for CPU", Why: "The aim is a share of what they ask for.", Page: "target", Severity: w.SeverityBlock, Timeout: patience, Run: f.checkRequests},
		{ID: "alone", Title: "Nothing else scales it", Why: "Two autoscalers of one Deployment fight.", Page: "target", Severity: w.SeverityBlock, Timeout: patience, Run: f.checkAlone},
	}
}

func (f flow) ask(ctx context.Context, s *State, look func(Kube) (w.Finding, error)) w.Finding {
	var found w.Finding
	err := f.with(ctx, s, func(k Kube) (err error) {
		found, err = look(k)
		return err
	})
	if err != nil {
		return problem.Finding(err)
	}
	return found
}

func (f flow) checkMetrics(ctx context.Context, s *State) w.Finding {
	return f.ask(ctx, s, func(k Kube) (w.Finding, error) {
		n, err := k.Metrics(ctx)
		return w.Passed(fmt.Sprintf("The metrics API has numbers of %d nodes.", n)), err
	})
}

func (f flow) checkRequests(ctx context.Context, s *State) w.Finding {
	return f.ask(ctx, s, func(k Kube) (w.Finding, error) {
		list, err := k.Scalables(ctx)
		if err != nil {
			return w.Finding{}, err
		}
		for _, d := range list {
			if d.Namespace+"/"+d.Name != s.Target {
				continue
			}
			if len(d.Unasked) > 0 {
				return w.Fail("These containers ask for no CPU: "+strings.Join(d.Unasked, ", ")+".", "Set resources.requests.cpu of every container in the chart's values."), nil
			}
			return w.Passed("Every container asks for CPU."), nil
		}
		return w.Fail("There is no Deployment "+s.Target+".", "Choose one that the cluster has."), nil
	})
}

func (f flow) checkAlone(ctx context.Context, s *State) w.Finding {
	namespace, name := s.split()
	return f.ask(ctx, s, func(k Kube) (w.Finding, error) {
		list, err := k.Autoscalers(ctx, namespace)
		if err != nil {
			return w.Finding{}, err
		}
		for _, a := range list {
			switch {
			case a.Target != name || a.Kind != "Deployment":
			case a.Name != name:
				return w.Fail("The autoscaler "+a.Name+" scales it already.", "Change that one, or remove it first."), nil
			default:
				return w.Passed(fmt.Sprintf("It has this autoscaler: %d to %d at %d %%. The run changes it.", a.Min, a.Max, a.Percent)), nil
			}
		}
		return w.Passed("Nothing does."), nil
	})
}
