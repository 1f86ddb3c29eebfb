// Package drill is the workflow "Failover drill": a Site leaves the rotation,
// or is broken by hand, and what users notice is measured at the Deployment's
// name.
package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	w "hubwright/workflows"
)

// ID is the workflow's id.
const ID = "drill"

// How the Site is lost.
const (
	TakeOut = "take-out" // by us, at Traffic Manager
	Outage  = "outage"   // by somebody, for real; we only watch
)

// Needs is what the workflow needs of the world.
type Needs struct {
	Records  Records
	Rotation w.Rotation
	// OpenFront opens the Deployment's name as users meet it.
	OpenFront func(ctx context.Context, deploymentID string) (Front, error)
	// Keep writes a file that is kept with the run: whole, or not at all.
	Keep func(ctx context.Context, runID, name string, fill func(io.Writer) error) (path string, size int64, err error)
	// Kept opens such a file. The error is ErrNotFound when there is none.
	Kept  func(runID, name string) (io.ReadCloser, error)
	Clock func() time.Time
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
	// Visit asks for the page by the name and answers the HTTP status.
	Visit(ctx context.Context) (status int, err error)
}

// State is what the workflow knows.
type State struct {
	DeploymentID string
	Own          bool     // behind an own load balancer
	SiteIDs      []string // in the order of Report.Sites
	SiteID       string
	Minutes      int           // how long an outage is watched at most
	Failover     time.Duration // until all users are led elsewhere, by the profile's settings
	LostAt       time.Duration // when the Site was lost, since Report.StartedAt
	BackAt       time.Duration // when it came back; 0 while it has not
	Out          bool          // we have taken it out
	Health       string        // as the Site was found last in an outage
	Report       w.DrillReport
	RunID        string
	Kept         bool
}

type flow struct{ Needs }

// New makes the workflow.
func New(n Needs) w.Definition {
	f := flow{n}
	return w.Workflow[State]{
		ID: ID, Title: "Failover drill", Why: "Know what users notice when a Site is lost, before it happens.",
		Scope: w.ScopeDeployment, Begin: f.begin, Pages: []w.Page[State]{f.page()}, Checks: f.checks(), Plan: plan,
		Steps: []w.Step[State]{
			{ID: "before", Title: "Measure while all is well", Why: "What fails before the drill is not the drill's.", Timeout: 2 * time.Minute, Weight: 2, Run: f.before},
			{ID: "lose", Title: "Lose the Site and measure", Why: "This is what users notice.", Weight: 6, Run: f.lose},
			{ID: "back", Title: "Put the Site back", Why: "Whatever happened, the drill leaves no Site out.", Always: true, Timeout: 2 * time.Minute, Run: f.back},
			{ID: "after", Title: "Measure until the Site has users again", Why: "The return must not hurt either.", Weight: 3, Run: f.after},
			{ID: "report", Title: "Write the report", Why: "It is kept with this run.", Always: true, Timeout: time.Minute, Run: f.report},
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
		return nil, &w.Problem{Code: "drill.none", What: d.Name + " has no name yet", Why: "A drill measures at the name that users have.", Fix: "Do step 9 of the guide first: Traffic Manager."}
	}
	if err != nil {
		return nil, err
	}
	sites, err := f.Records.Sites(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	q := p.Probe
	s := &State{
		DeploymentID: d.ID, Own: p.Kind == w.TrafficOwn,
		Failover: time.Duration((q.ToleratedFailures+1)*q.IntervalSeconds+q.TimeoutSeconds+p.TTL) * time.Second,
		Report:   w.DrillReport{Deployment: d.Name, FQDN: p.FQDN, TTL: p.TTL, Interval: 2 * time.Second},
	}
	for _, site := range sites {
		if _, ok := p.Endpoint(site.ID); ok {
			s.SiteIDs, s.Report.Sites = append(s.SiteIDs, site.ID), append(s.Report.Sites, site.Name)
		}
	}
	return s, nil
}

func (f flow) page() w.Page[State] {
	return w.Page[State]{
		ID: "drill", Title: "What is tried", Why: "Choose a quiet hour for the first drill: until you have seen one, you don't know.",
		Fields: []w.Field[State]{
			{Name: "site", Label: "Site that is lost", Kind: w.FieldRadio, Default: func(s *State) string { return slices.Concat(s.SiteIDs, []string{""})[0] }, Options: func(_ context.Context, s *State) ([]w.Option, error) {
				var out []w.Option
				for i, id := range s.SiteIDs {
					out = append(out, w.Option{Value: id, Label: s.Report.Sites[i]})
				}
				return out, nil
			}},
			{Name: "how", Label: "How it is lost", Kind: w.FieldRadio, Reloads: true, Default: func(s *State) string {
				if s.Own {
					return Outage
				}
				return TakeOut
			}, Options: func(_ context.Context, s *State) ([]w.Option, error) {
				out := []w.Option{
					{Value: TakeOut, Label: "It is taken out of rotation", Note: "By this run, at Traffic Manager. Users should notice nothing: the Site goes on to answer those that know it."},
					{Value: Outage, Label: "It is broken for real", Note: "By you, when the run says so: stop the ingress, cut the network. The run only watches, and it is you who repairs it."},
				}
				if s.Own {
					out[0].Disabled, out[0].Note = true, "Your own load balancer has to do that."
				}
				return out, nil
			}},
			{Name: "interval", Label: "A look each", Unit: "seconds", Kind: w.FieldNumber, Default: func(s *State) string { return strconv.Itoa(int(s.Report.Interval.Seconds())) }, Help: "1 to 30. Each look asks for the name and visits the page once."},
			{Name: "minutes", Label: "Watch for at most", Unit: "minutes", Kind: w.FieldNumber, When: func(s *State) bool { return s.Report.Outage },
				Default: func(s *State) string { return strconv.Itoa(int(2*s.Failover.Minutes()) + 5) }, Help: "1 to 60: until the outage was noticed, and until it is over."},
		},
		Bind: bind,
	}
}

func bind(a w.Answers, s *State) []w.FieldError {
	var errs []w.FieldError
	bad := func(field, message string) { errs = append(errs, w.FieldError{Field: field, Message: message}) }
	i := slices.Index(s.SiteIDs, a.Get("site"))
	if i < 0 {
		bad("site", "Choose a Site that is behind the name.")
	} else {
		s.SiteID, s.Report.Site = s.SiteIDs[i], s.Report.Sites[i]
	}
	how := a.Get("how")
	s.Report.Outage = how == Outage
	if how != TakeOut && how != Outage || how == TakeOut && s.Own {
		bad("how", "Choose how the Site is lost.")
	}
	n, err := strconv.Atoi(a.Get("interval"))
	if err != nil || n < 1 || n > 30 {
		bad("interval", "Give a whole number of seconds, from 1 to 30.")
	}
	s.Report.Interval = time.Duration(n) * time.Second
	if s.Report.Outage {
		if s.Minutes, err = strconv.Atoi(a.Get("minutes")); err != nil || s.Minutes < 1 || s.Minutes > 60 {
			bad("minutes", "Give a whole number of minutes, from 1 to 60.")
		}
	}
	return errs
}

func (f flow) checks() []w.Check[State] {
	return []w.Check[State]{{
		ID: "pair", Title: "Every Site is in rotation and well", Why: "A drill with a Site that is missing already would be an outage.", Page: "drill", Severity: w.SeverityBlock,
		Run: func(ctx context.Context, s *State) w.Finding {
			if err := f.pair(ctx, s); err != nil {
				var p *w.Problem
				if errors.As(err, &p) {
					return w.Fail(p.Why, p.Fix)
				}
				return w.Fail(err.Error(), "Look at the Connection, then check again.")
			}
			return w.Passed(fmt.Sprintf("%d Sites serve users.", len(s.SiteIDs)))
		},
	}}
}

// pair refuses a drill that would hurt.
func (f flow) pair(ctx context.Context, s *State) error {
	now, err := f.Rotation.State(ctx, s.DeploymentID)
	if err != nil {
		return err
	}
	well := 0
	for _, r := range now {
		i := slices.Index(s.SiteIDs, r.SiteID)
		if i < 0 {
			continue
		}
		if !r.InRotation || r.Health == w.SiteDegraded {
			how := "out of rotation"
			if r.InRotation {
				how = r.Health
			}
			return &w.Problem{Code: "drill.pair", What: "The drill would be an outage", Why: s.Report.Sites[i] + " is " + how + ".", Fix: "Bring it back first, then start the drill again."}
		}
		well++
	}
	if well < 2 {
		return &w.Problem{Code: "drill.pair", What: "The drill would be an outage", Why: "There is only one Site behind the name.", Fix: "Add a second Site first."}
	}
	return nil
}

func plan(_ context.Context, s *State) (w.Plan, error) {
	p := w.Plan{
		Title: "Failover drill with " + s.Report.Site, Duration: fmt.Sprintf("about %d minutes", (2*s.Report.TTL+60)/60+1),
		Disruption: "Users are led to the other Sites. Answers that clients keep lead to " + s.Report.Site + " for up to " + strconv.Itoa(s.Report.TTL) + " s; it goes on to answer them.",
		Summary: []w.SummaryItem{
			{Label: "Name", Value: s.Report.FQDN}, {Label: "Site", Value: s.Report.Site, Page: "drill"},
			{Label: "How it is lost", Value: "Taken out of rotation by the run", Page: "drill"}, {Label: "A look each", Value: fmt.Sprintf("%d s", int(s.Report.Interval.Seconds())), Page: "drill"},
		},
		Changes: []w.Change{
			{Verb: "change", What: "Endpoint of " + s.Report.Site, Note: "disabled for the drill, enabled again at its end whatever happens"},
			{Verb: "create", What: "Report of the drill", Note: "kept with the run"},
		},
		Commands: []w.Command{{Title: "What is measured, again and again", Text: "nslookup " + s.Report.FQDN + "\ncurl --fail http://" + s.Report.FQDN + "/"}},
	}
	if s.Report.Outage {
		p.Summary[2].Value = "Broken for real, by you"
		p.Duration = fmt.Sprintf("up to %d minutes", s.Minutes)
		p.Disruption = fmt.Sprintf("Users of %s fail until the outage is noticed and old answers are forgotten: by the profile's settings up to %d s.", s.Report.Site, int(s.Failover.Seconds()))
		p.Changes = p.Changes[1:]
	}
	return p, nil
}

// report keeps what was measured, also of a drill that was cancelled.
func (f flow) report(ctx context.Context, s *State, log w.Log) error {
	if len(s.Report.Samples) == 0 {
		log.Info("Nothing was measured, so there is no report")
		return nil
	}
	s.RunID = w.OriginOf(ctx).RunID
	path, size, err := f.save(ctx, s, false)
	if err != nil {
		return err
	}
	s.Kept = true
	log.Good("%d of %d requests failed. The report is kept at %s (%d bytes)", s.Report.Failed, s.Report.Requests, path, size)
	return nil
}

func result(s *State) w.Result {
	n := s.Report.DrillNumbers
	r := w.Result{
		Headline: fmt.Sprintf("%d of %d requests failed while %s was lost.", n.Failed, n.Requests, s.Report.Site),
		Next:     &w.NextStep{Title: "Open the report", Why: "The timeline of every look, and what it means.", Link: "/runs/" + s.RunID + "/drill"},
	}
	if n.Failed == 0 {
		r.Headline = fmt.Sprintf("Users noticed nothing: none of %d requests failed while %s was lost.", n.Requests, s.Report.Site)
	}
	secs := func(d time.Duration, never string) string {
		if d < 0 {
			return never
		}
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	r.Facts = []w.SummaryItem{
		{Label: "Longest time without an answer", Value: secs(n.Longest, "")},
		{Label: "Left the answers after", Value: secs(n.LeftAfter, "it never left")},
		{Label: "Back in the answers after", Value: secs(n.BackAfter, "not seen while the run measured")},
	}
	return r
}
