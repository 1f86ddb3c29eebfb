// Package rotation is the workflow that takes a Site out of the answers of the
// Deployment's name, waits until clients have forgotten it, and puts it back.
package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	w "hubwright/workflows"
)

// ID is the workflow's id.
const ID = "rotation"

// What is done with the Site.
const (
	Out  = "out"
	Back = "back"
)

// Needs is what the workflow needs of the world.
type Needs struct {
	Records  Records
	Rotation w.Rotation
	// OpenFront opens the Deployment's name as users meet it.
	OpenFront func(ctx context.Context, deploymentID string) (Front, error)
	// Pause waits, or returns the context's error.
	Pause func(ctx context.Context, d time.Duration) error
}

// Records are our own.
type Records interface {
	Deployment(ctx context.Context, id string) (w.Deployment, error)
	Sites(ctx context.Context, deploymentID string) ([]w.Site, error)
	TrafficProfile(ctx context.Context, deploymentID string) (w.TrafficProfile, error)
}

// Front is the name as a user meets it.
type Front interface {
	// Where answers the Sites that the name leads to just now.
	Where(ctx context.Context) (siteIDs []string, err error)
}

// State is what the workflow knows.
type State struct {
	DeploymentID, DeploymentName string
	FQDN                         string
	TTL                          int
	Sites                        []Site
	SiteID                       string
	Do                           string
	Was                          bool // it was so already
}

// Site is a Site and what is wanted of it now.
type Site struct {
	ID, Name string
	In       bool
}

type flow struct{ Needs }

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{n}
	out := func(s *State) bool { return s.Do == Out && !s.Was }
	return w.Workflow[State]{
		ID: ID, Title: "Take a Site out of rotation, or put it back", Why: "Work on a Site disturbs nobody when users are led to the others.",
		Scope: w.ScopeDeployment, Begin: f.begin, Pages: []w.Page[State]{f.page()}, Checks: f.checks(), Plan: plan,
		Steps: []w.Step[State]{
			{ID: "change", Title: "Change the endpoint", Why: "From now on the name answers differently.", Timeout: time.Minute, Run: f.change},
			{ID: "drain", Title: "Wait until clients have forgotten", Why: "Who asked before keeps the answer for as long as its time to live says.", When: out, Weight: 5, Run: f.drain},
			{ID: "verify", Title: "Ask for the name", Why: "Its answers must say the same.", Timeout: 2 * time.Minute, Run: f.verify},
		},
		LockKey: func(s *State) string { return "traffic:" + s.DeploymentID }, Result: result,
	}.Erase()
}

func (f flow) begin(ctx context.Context, t w.Target) (*State, error) {
	d, err := f.Records.Deployment(ctx, t.DeploymentID)
	if err != nil {
		return nil, err
	}
	p, err := f.Records.TrafficProfile(ctx, d.ID)
	if errors.Is(err, w.ErrNotFound) {
		return nil, &w.Problem{Code: "rotation.none", What: d.Name + " has no name yet", Why: "There is no rotation to take a Site out of.", Fix: "Do step 9 of the guide first: Traffic Manager."}
	}
	if err != nil {
		return nil, err
	}
	s := &State{DeploymentID: d.ID, DeploymentName: d.Name, FQDN: p.FQDN, TTL: p.TTL}
	sites, err := f.Records.Sites(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	for _, site := range sites {
		if e, ok := p.Endpoint(site.ID); ok {
			s.Sites = append(s.Sites, Site{ID: site.ID, Name: site.Name, In: e.Enabled})
		}
	}
	return s, nil
}

// proposed is the Site and the act that come first to mind: back with what is
// out.
func (s *State) proposed() (siteID, do string) {
	for _, site := range s.Sites {
		if !site.In {
			return site.ID, Back
		}
	}
	if len(s.Sites) == 0 {
		return "", Out
	}
	return s.Sites[0].ID, Out
}

func (s *State) site() Site {
	i := slices.IndexFunc(s.Sites, func(x Site) bool { return x.ID == s.SiteID })
	if i < 0 {
		return Site{}
	}
	return s.Sites[i]
}

func (f flow) page() w.Page[State] {
	return w.Page[State]{
		ID: "site", Title: "Which Site, and what", Why: "Weights, methods and probes are changed in step 9 of the guide, which can be run again at any time.",
		Fields: []w.Field[State]{
			{Name: "site", Label: "Site", Kind: w.FieldRadio, Default: func(s *State) string { id, _ := s.proposed(); return id }, Options: f.sites},
			{Name: "do", Label: "What to do", Kind: w.FieldRadio, Default: func(s *State) string { _, do := s.proposed(); return do }, Options: func(_ context.Context, s *State) ([]w.Option, error) {
				return []w.Option{
					{Value: Out, Label: "Take it out of rotation", Note: fmt.Sprintf("New users get the other Sites at once, those that asked before within %d s. The run waits for that.", s.TTL)},
					{Value: Back, Label: "Put it back", Note: "It gets users again as soon as it is found well."},
				}, nil
			}},
		},
		Bind: func(a w.Answers, s *State) []w.FieldError {
			var errs []w.FieldError
			s.SiteID, s.Do = a.Get("site"), a.Get("do")
			if s.site().ID == "" {
				errs = append(errs, w.FieldError{Field: "site", Message: "Choose a Site that is behind the name."})
			}
			if s.Do != Out && s.Do != Back {
				errs = append(errs, w.FieldError{Field: "do", Message: "Choose what to do with the Site."})
			}
			return errs
		},
	}
}

// sites are the choices, each with how it stands.
func (f flow) sites(ctx context.Context, s *State) ([]w.Option, error) {
	now, err := f.Rotation.State(ctx, s.DeploymentID)
	notes := map[string]string{}
	for _, r := range now {
		notes[r.SiteID] = words(r)
	}
	var out []w.Option
	for _, site := range s.Sites {
		out = append(out, w.Option{Value: site.ID, Label: site.Name, Note: notes[site.ID]})
	}
	if err != nil && len(out) > 0 {
		out[0].Note = "How it stands could not be found out: " + err.Error()
	}
	return out, nil
}

func words(r w.SiteRotation) string {
	if !r.InRotation {
		return "Out of rotation."
	}
	return "In rotation, " + r.Health + "."
}

func (f flow) checks() []w.Check[State] {
	return []w.Check[State]{{
		ID: "others", Title: "Another Site serves the users", Why: "The last one is never taken out.", Page: "site", Severity: w.SeverityBlock,
		When: func(s *State) bool { return s.Do == Out }, Run: f.checkOthers,
	}}
}

func (f flow) checkOthers(ctx context.Context, s *State) w.Finding {
	now, err := f.Rotation.State(ctx, s.DeploymentID)
	if err != nil {
		return w.Fail("How the Sites stand could not be found out: "+err.Error(), "Look at the Connection, then check again.")
	}
	var good []string
	for _, r := range now {
		if r.SiteID != s.SiteID && r.InRotation && r.Health != w.SiteDegraded {
			i := slices.IndexFunc(s.Sites, func(x Site) bool { return x.ID == r.SiteID })
			if i >= 0 {
				good = append(good, s.Sites[i].Name+" is "+r.Health)
			}
		}
	}
	if len(good) == 0 {
		return w.Fail("No other Site is in rotation and well.", "Bring another Site back first.")
	}
	return w.Passed(strings.Join(good, ", ") + ".")
}

func plan(_ context.Context, s *State) (w.Plan, error) {
	name := s.site().Name
	p := w.Plan{
		Title: "Put " + name + " back into rotation", Duration: "less than a minute", Disruption: "None: users get one Site more.",
		Summary:  []w.SummaryItem{{Label: "Name", Value: s.FQDN}, {Label: "Site", Value: name, Page: "site"}},
		Changes:  []w.Change{{Verb: "change", What: "Endpoint of " + name, Note: "enabled"}},
		Commands: []w.Command{{Title: "What you would have typed", Text: "az network traffic-manager endpoint update --type externalEndpoints --name akse-" + strings.ToLower(name) + " --endpoint-status Enabled"}},
	}
	if s.Do == Out {
		p.Title, p.Duration = "Take "+name+" out of rotation", fmt.Sprintf("about %d s", s.TTL)
		p.Disruption = "None, while the other Sites can carry all users."
		p.Changes[0].Note = "disabled"
		p.Commands[0].Text = strings.Replace(p.Commands[0].Text, "Enabled", "Disabled", 1)
	}
	return p, nil
}

func (f flow) change(ctx context.Context, s *State, log w.Log) error {
	now, err := f.Rotation.State(ctx, s.DeploymentID)
	if err != nil {
		return err
	}
	want := s.Do == Back
	// What the plan found counts too: after a crash in this step the endpoint is
	// as wanted, but its clients may not have forgotten yet.
	for _, r := range now {
		if r.SiteID == s.SiteID && r.InRotation == want && s.site().In == want {
			s.Was = true
		}
	}
	if want {
		err = f.Rotation.PutBack(ctx, s.SiteID)
	} else {
		var wait time.Duration
		wait, err = f.Rotation.TakeOut(ctx, s.SiteID)
		s.TTL = int(wait.Seconds())
	}
	if err != nil {
		return err
	}
	if s.Was {
		log.Info("%s is so already: nothing is changed", s.site().Name)
		return nil
	}
	log.Good("The endpoint of %s is changed", s.site().Name)
	return nil
}

func (f flow) drain(ctx context.Context, s *State, log w.Log) error {
	for gone := range s.TTL {
		log.Progress(100*gone/s.TTL, fmt.Sprintf("%d s left", s.TTL-gone))
		if err := f.Pause(ctx, time.Second); err != nil {
			return err
		}
	}
	log.Good("Answers from before have run out after %d s", s.TTL)
	return nil
}

const (
	looks     = 20
	tries     = 20
	lookPause = 3 * time.Second
)

// verify asks for the name: a Site that is out must not be in any answer. One
// that is back may be seldom in the answers, so only that is said.
func (f flow) verify(ctx context.Context, s *State, log w.Log) error {
	front, err := f.OpenFront(ctx, s.DeploymentID)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		seen := 0
		for range looks {
			sites, err := front.Where(ctx)
			if err != nil {
				return err
			}
			if slices.Contains(sites, s.SiteID) {
				seen++
			}
		}
		log.Info("%s leads to %s in %d of %d answers", s.FQDN, s.site().Name, seen, looks)
		if s.Do == Back || seen == 0 {
			log.Good("The name answers as it should")
			return nil
		}
		if try >= tries {
			return &w.Problem{Code: "rotation.remembered", What: s.FQDN + " still leads to " + s.site().Name, Why: "The name server that is asked remembers an old answer.", Fix: "Wait a little and retry from this step before you work on the Site."}
		}
		if err := f.Pause(ctx, lookPause); err != nil {
			return err
		}
	}
}

func result(s *State) w.Result {
	name := s.site().Name
	r := w.Result{Headline: name + " is in rotation again."}
	if s.Do == Out {
		r.Headline = name + " is out of rotation: users are led to the other Sites."
		r.Next = &w.NextStep{Title: "Put it back when the work is done", Why: "Until then the Deployment is not highly available.", WorkflowID: ID}
	}
	if s.Was {
		r.Headline = "Nothing had to be changed. " + r.Headline
	}
	return r
}
