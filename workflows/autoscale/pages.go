package autoscale

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	w "hubwright/workflows"
)

// lookTime is how long a page waits for the cluster.
const lookTime = 8 * time.Second

func text(v string) func(*State) string { return func(*State) string { return v } }

func (f flow) pages() []w.Page[State] {
	return []w.Page[State]{
		{
			ID: "target", Title: "What scales", Why: "The autoscaler compares what the pods use with what they ask for, and sets their number.",
			Fields: []w.Field[State]{
				{Name: "deployment", Label: "Deployment", Kind: w.FieldSelect, Default: func(s *State) string { return s.Usual }, Options: f.deployments},
				{Name: "least", Label: "At least", Unit: "replicas", Kind: w.FieldNumber, Default: text("1")},
				{Name: "most", Label: "At most", Unit: "replicas", Kind: w.FieldNumber, Default: text("10")},
				{Name: "percent", Label: "CPU to aim at", Unit: "% of the request", Kind: w.FieldNumber, Default: text("80")},
			},
			Bind: bindTarget,
		},
		{
			ID: "load", Title: "Load test", Why: "Whether it really scales shows under load alone.",
			Fields: []w.Field[State]{
				{Name: "test", Label: "Load test", Kind: w.FieldRadio, Default: text("no"), Reloads: true, Options: func(_ context.Context, s *State) ([]w.Option, error) {
					yes := w.Option{Value: "yes", Label: "Send requests until it scales out, then watch it scale in", Note: "They go through the ingress, to pods that people use too."}
					if !s.Endpoint {
						yes.Disabled, yes.Note = true, "The Site's application answers nowhere yet: deploy it first."
					}
					return []w.Option{{Value: "no", Label: "None"}, yes}, nil
				}},
				{Name: "rate", Label: "Requests a second", Kind: w.FieldNumber, Default: text("20"), When: func(s *State) bool { return s.LoadTest }},
			},
			Bind: bindLoad,
		},
	}
}

func bindTarget(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, message string) { errs = append(errs, w.FieldError{Field: field, Message: message}) }
	s.Target = a.Get("deployment")
	if ns, name := s.split(); ns == "" || name == "" || strings.Count(s.Target, "/") != 1 {
		bad("deployment", "Choose a Deployment, as namespace/name.")
	}
	number := func(field string, least, most int, to *int) {
		n, err := strconv.Atoi(a.Get(field))
		if err != nil || n < least || n > most {
			bad(field, fmt.Sprintf("Give a whole number from %d to %d.", least, most))
		}
		*to = n
	}
	number("least", 1, 1000, &s.Min)
	number("most", 1, 1000, &s.Max)
	number("percent", 1, 1000, &s.Percent)
	if len(errs) == 0 && s.Max < s.Min {
		bad("most", "It cannot be less than the least.")
	}
	return errs
}

func bindLoad(a w.Answers, s *State) []w.FieldError {
	s.LoadTest = a.Get("test") == "yes"
	if !s.LoadTest {
		return nil
	}
	n, err := strconv.Atoi(a.Get("rate"))
	if err != nil || n < 1 || n > 500 {
		return []w.FieldError{{Field: "rate", Message: "Give a whole number from 1 to 500."}}
	}
	s.PerSecond = n
	if !s.Endpoint {
		return []w.FieldError{{Field: "test", Message: "Deploy the application first: there is nothing to send requests to."}}
	}
	return nil
}

// deployments are what could scale.
func (f flow) deployments(ctx context.Context, s *State) ([]w.Option, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	var out []w.Option
	err := f.with(ctx, s, func(k Kube) error {
		list, err := k.Scalables(ctx)
		for _, d := range list {
			o := w.Option{Value: d.Namespace + "/" + d.Name, Label: d.Namespace + "/" + d.Name, Note: fmt.Sprintf("%d replicas", d.Replicas)}
			if len(d.Unasked) > 0 {
				o.Note += ", asks for no CPU in " + strings.Join(d.Unasked, ", ")
			}
			out = append(out, o)
		}
		return err
	})
	return out, err
}
