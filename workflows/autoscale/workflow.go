// Package autoscale is the workflow that lets the number of an application's
// pods follow its load.
package autoscale

import (
	"context"
	"errors"
	"fmt"
	"strings"

	w "hubwright/workflows"
)

// ID is the workflow's id.
const ID = "autoscale"

// State is what the workflow knows.
type State struct {
	SiteID, SiteName, StackID string
	Usual                     string // the application's web Deployment, namespace/name
	Endpoint                  bool   // the Site's application answers somewhere

	Target    string // namespace/name
	Min, Max  int
	Percent   int
	LoadTest  bool
	PerSecond int

	Found Found
}

// Found is what the steps learned.
type Found struct {
	Changed         bool
	Now             w.Autoscaler
	Before, Most    int // replicas in the load test
	Answered, Fails int64
}

type flow struct{ Needs }

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{n}
	return w.Workflow[State]{
		ID: ID, Title: "Autoscale", Why: "More pods under load, fewer without: after metrics and CPU requests were checked.",
		Scope: w.ScopeSite, Row: 8, Begin: f.begin, Pages: f.pages(), Checks: f.checks(), Plan: plan, Steps: f.steps(),
		LockKey: func(s *State) string { return "site:" + s.SiteID }, Result: result,
	}.Erase()
}

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	at, err := w.FindSiteCluster(ctx, f.Records, t.SiteID)
	if err != nil {
		return nil, err
	}
	site := at.Site
	s := &State{SiteID: site.ID, SiteName: site.Name, StackID: site.StackID}
	releases, err := f.Records.Releases(ctx, site.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range releases {
		if r.Role == w.ReleaseApp {
			s.Usual = r.Namespace + "/" + webOf(r)
		}
	}
	_, err = f.Records.Endpoint(ctx, site.ID)
	s.Endpoint = err == nil
	if errors.Is(err, w.ErrNotFound) {
		err = nil
	}
	return s, err
}

// webOf is the name that our chart gives to its web tier.
func webOf(r w.Release) string {
	if strings.Contains(r.Name, r.Chart) {
		return r.Name + "-web"
	}
	return r.Name + "-" + r.Chart + "-web"
}

// split is the target's namespace and name.
func (s *State) split() (namespace, name string) {
	namespace, name, _ = strings.Cut(s.Target, "/")
	return namespace, name
}

func (s *State) autoscaler() w.Autoscaler {
	namespace, name := s.split()
	return w.Autoscaler{Namespace: namespace, Name: name, Kind: "Deployment", Target: name, Min: s.Min, Max: s.Max, Percent: s.Percent}
}

func (f flow) with(ctx context.Context, s *State, work func(Kube) error) error {
	c, err := f.Records.ClusterOfSite(ctx, s.SiteID)
	if err != nil {
		return err
	}
	k, err := f.Open(ctx, c)
	if err != nil {
		return err
	}
	defer k.Close()
	return work(k)
}

func plan(_ context.Context, s *State) (w.Plan, error) {
	namespace, name := s.split()
	p := w.Plan{
		Title: "Autoscale " + name + " on " + s.SiteName, Duration: "about 2 min", Disruption: "The Deployment's number of pods is no longer its own: the autoscaler sets it.",
		Summary: []w.SummaryItem{
			{Label: "Deployment", Value: s.Target, Page: "target"},
			{Label: "Replicas", Value: fmt.Sprintf("%d to %d", s.Min, s.Max), Page: "target"},
			{Label: "Aim", Value: fmt.Sprintf("%d %% of the CPU that the pods ask for", s.Percent), Page: "target"},
			{Label: "Load test", Value: "None", Page: "load"},
		},
		Changes: []w.Change{{Verb: "create", What: "HorizontalPodAutoscaler " + s.Target, Note: "or changed, where there is one"}},
		Commands: []w.Command{
			{Title: "What you would have typed", Text: fmt.Sprintf("kubectl -n %s autoscale deployment %s --cpu=%d%% --min=%d --max=%d", namespace, name, s.Percent, s.Min, s.Max)},
			{Title: "How it is", Text: "kubectl -n " + namespace + " get hpa --watch"},
		},
	}
	if s.LoadTest {
		p.Duration = "about 10 min, most of it waiting for the scale-in"
		p.Summary[3].Value = fmt.Sprintf("%d requests a second until it scales out, then none until it scales in", s.PerSecond)
		p.Disruption += " The load test sends real requests through the ingress: people may notice."
	}
	return p, nil
}

func result(s *State) w.Result {
	now := s.Found.Now
	r := w.Result{
		Headline: fmt.Sprintf("%s on %s scales from %d to %d.", s.Target, s.SiteName, s.Min, s.Max),
		Facts: []w.SummaryItem{
			{Label: "Targets", Value: Targets(now)}, {Label: "Replicas", Value: fmt.Sprint(now.Replicas)},
		},
		Next: &w.NextStep{Title: "Traffic Manager", Why: "One name in front of all Sites."},
	}
	if s.LoadTest {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "Load test", Value: fmt.Sprintf("%d to %d replicas and back; %d requests answered, %d failed", s.Found.Before, s.Found.Most, s.Found.Answered, s.Found.Fails)})
	}
	if !s.Found.Changed {
		r.Facts = append(r.Facts, w.SummaryItem{Label: "Autoscaler", Value: "It was so already: nothing to change"})
	}
	return r
}

// Targets is the column of that name of kubectl get hpa.
func Targets(a w.Autoscaler) string {
	if a.Current < 0 {
		return fmt.Sprintf("cpu: <unknown>/%d%%", a.Percent)
	}
	return fmt.Sprintf("cpu: %d%%/%d%%", a.Current, a.Percent)
}
