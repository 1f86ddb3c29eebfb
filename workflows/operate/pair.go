package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hubwright/internal/problem"
	w "hubwright/workflows"
)

// Healths of a Neighbour, as the monitor found it last.
const (
	HealthUp       = "up"
	HealthDegraded = "degraded"
	HealthDown     = "down"
	HealthUnknown  = "" // never asked, or too long ago
)

// Neighbour is another Site of the Deployment that has a cluster.
type Neighbour struct {
	SiteID, Name string
	Health       string
	Why          string    // why it is not up, "" if nobody said
	At           time.Time // when it was asked last, zero for never
	Runs         []w.Run   // that have not ended there
}

// Pairing is what an operation has to know of the Deployment around it.
type Pairing struct {
	// Neighbours are the other Sites with a cluster, in their order.
	Neighbours func(ctx context.Context, siteID string) ([]Neighbour, error)
	// Waived are the checks that somebody waived for the run.
	Waived func(ctx context.Context, runID string) ([]string, error)
	// Rotation may be nil: then no Deployment has a name.
	Rotation w.Rotation
}

// Pair is what a run that disturbs a Site knows of the others. A state that
// goes through Careful holds one.
type Pair struct {
	TakeOut bool // asked for: lead clients away first, and back afterwards
	WasIn   bool // the Site was in rotation when the run began
	Out     bool // the run has taken it out and not put it back yet
}

// disturbing are the workflows that must not go on at two Sites at once.
var disturbing = []string{"upgrade", "scale", "rotate-certs", "drill"}

// The checks of Careful.
const (
	checkHealth   = "pair-health"
	checkRotation = "pair-rotation"
	checkIdle     = "pair-idle"
)

// Careful makes a workflow mind the other Sites of its Deployment: it refuses
// to begin while one is ill, out of rotation or being disturbed, and on demand
// leads clients away from its own Site first and back at the end, whatever
// happens in between. disturbs says whether these answers disturb the Site.
func Careful[S any](e Engine, wf w.Workflow[S], change func(*S) *Change, pair func(*S) *Pair, disturbs func(*S) bool) w.Workflow[S] {
	c := careful[S]{e, change, pair, disturbs}
	steps := wf.Steps
	wf.Pages = append(slices.Clone(wf.Pages), c.page())
	wf.Checks = append(slices.Clone(wf.Checks), c.checks()...)
	wf.Plan = c.plan(wf.Plan)
	wf.Steps = []w.Step[S]{
		{ID: "neighbours", Title: "Look at the other sites", Why: "Two sites that are disturbed at once are no high availability.", Timeout: time.Minute, When: disturbs,
			Run: func(ctx context.Context, s *S, log w.Log) error { return e.mind(ctx, change(s), pair(s), log) }},
		{ID: "take-out", Title: "Lead clients to the other sites", Why: "Those who asked for the name before know this site until their answer is too old.", Timeout: 30 * time.Minute, When: c.leads,
			Run: func(ctx context.Context, s *S, log w.Log) error { return e.takeOut(ctx, change(s), pair(s), log) }},
	}
	for _, st := range steps {
		wf.Steps = append(wf.Steps, c.keptOut(st))
	}
	wf.Steps = append(wf.Steps, w.Step[S]{
		ID: "put-back", Title: "Lead clients back to this site", Why: "Also after a failure or a cancel: what is left out carries no load when the other site fails.", Timeout: 5 * time.Minute, When: c.leads, Always: true,
		Run: func(ctx context.Context, s *S, log w.Log) error { return e.putBack(ctx, change(s), pair(s), log) },
	})
	return wf
}

type careful[S any] struct {
	Engine
	change   func(*S) *Change
	pair     func(*S) *Pair
	disturbs func(*S) bool
}

// leads says that the run has to take the Site out. Before the first step has
// looked, nobody knows whether it is in rotation at all.
func (c careful[S]) leads(s *S) bool { return c.disturbs(s) && c.pair(s).TakeOut && c.pair(s).WasIn }

// keptOut makes a step find the Site out of rotation, also one with which a
// retry goes on after clients were led back.
func (c careful[S]) keptOut(st w.Step[S]) w.Step[S] {
	if st.Always {
		return st
	}
	run := st.Run
	st.Run = func(ctx context.Context, s *S, log w.Log) error {
		if c.leads(s) && !c.pair(s).Out {
			if err := c.mind(ctx, c.change(s), nil, log); err != nil {
				return err
			}
			if err := c.takeOut(ctx, c.change(s), c.pair(s), log); err != nil {
				return err
			}
		}
		return run(ctx, s, log)
	}
	return st
}

func (c careful[S]) page() w.Page[S] {
	const stay, out = "stay", "out"
	return w.Page[S]{
		ID: "clients", Title: "Clients", Why: "While this site is disturbed, the others can carry the load alone.", When: c.disturbs,
		Fields: []w.Field[S]{{
			Name: "clients", Label: "What happens to clients meanwhile", Kind: w.FieldRadio, Default: func(*S) string { return stay },
			Options: func(ctx context.Context, s *S) ([]w.Option, error) {
				lead := w.Option{Value: out, Label: "Take this site out of Traffic Manager first and put it back afterwards", Note: "It waits until the answers that clients have are too old. The site is put back even when the run fails or is cancelled."}
				if _, err := c.rotation(ctx, c.change(s)); errors.Is(err, w.ErrNotFound) {
					lead.Disabled, lead.Note = true, "The Deployment has no name of its own yet: there is nothing to take the site out of."
				}
				return []w.Option{{Value: stay, Label: "They stay as they are", Note: "The name leads to this site, too, as long as it answers."}, lead}, nil
			},
		}},
		Bind: func(a w.Answers, s *S) []w.FieldError {
			c.pair(s).TakeOut = a.Get("clients") == out
			if v := a.Get("clients"); v != stay && v != out {
				return []w.FieldError{{Field: "clients", Message: "Choose one of the two."}}
			}
			return nil
		},
	}
}

func (c careful[S]) plan(inner func(context.Context, *S) (w.Plan, error)) func(context.Context, *S) (w.Plan, error) {
	return func(ctx context.Context, s *S) (w.Plan, error) {
		p, err := inner(ctx, s)
		if err != nil || !c.disturbs(s) {
			return p, err
		}
		value := "stay as they are"
		if c.pair(s).TakeOut {
			value = "are led to the other sites first, and back at the end"
			p.Changes = append([]w.Change{{Verb: "change", What: c.change(s).SiteName + " in the Deployment's traffic", Note: "taken out first, put back at the end, also after a failure or a cancel"}}, p.Changes...)
		}
		p.Summary = append(p.Summary, w.SummaryItem{Label: "Clients", Value: value, Page: "clients"})
		return p, nil
	}
}

func (c careful[S]) checks() []w.Check[S] {
	run := func(look func(context.Context, *Change) w.Finding) func(context.Context, *S) w.Finding {
		return func(ctx context.Context, s *S) w.Finding { return look(ctx, c.change(s)) }
	}
	block := w.SeverityBlock
	return []w.Check[S]{
		{ID: checkHealth, Title: "The other sites are healthy", Why: "While this one is disturbed, they carry the load alone.", Severity: block, Waivable: true, Timeout: slow, When: c.disturbs, Run: run(c.checkNeighbours)},
		{ID: checkRotation, Title: "Clients are led to the other sites", Why: "A site that is out of rotation carries nothing.", Severity: block, Waivable: true, Timeout: slow, When: c.disturbs, Run: run(c.checkRotation)},
		{ID: checkIdle, Title: "No other site is being disturbed", Why: "Two sites must not go down together.", Severity: block, Timeout: slow, When: c.disturbs, Run: run(c.checkOthersIdle)},
	}
}

func (e Engine) neighbours(ctx context.Context, c *Change) ([]Neighbour, error) {
	if e.Pairing.Neighbours == nil {
		return nil, nil
	}
	return e.Pairing.Neighbours(ctx, c.SiteID)
}

func (e Engine) rotation(ctx context.Context, c *Change) ([]w.SiteRotation, error) {
	if e.Pairing.Rotation == nil {
		return nil, w.ErrNotFound
	}
	return e.Pairing.Rotation.State(ctx, c.DeploymentID)
}

func (e Engine) checkNeighbours(ctx context.Context, c *Change) w.Finding {
	all, err := e.neighbours(ctx, c)
	if err != nil {
		return problem.Finding(err)
	}
	if len(all) == 0 {
		return w.Skip("No other site of the Deployment has a cluster.")
	}
	var ill, unknown []string
	for _, n := range all {
		switch n.Health {
		case HealthUp:
		case HealthUnknown:
			unknown = append(unknown, n.Name+" ("+askedWords(n)+")")
		default:
			ill = append(ill, n.sick())
		}
	}
	switch {
	case len(ill) > 0:
		return w.Fail(Capital(strings.Join(ill, "; "))+".", "Bring it into order first. Waive this only when clients can do without the application for a while.")
	case len(unknown) > 0:
		return w.Warn("How these are now is not known: "+strings.Join(unknown, ", ")+".", "Look at the status page, and at the sites themselves.")
	}
	return w.Passed(names(all) + " healthy.")
}

func askedWords(n Neighbour) string {
	if n.At.IsZero() {
		return "never asked"
	}
	return "asked last at " + n.At.UTC().Format("15:04:05 UTC on 2 Jan")
}

func (n Neighbour) sick() string {
	text := n.Name + " is " + n.Health
	if n.Why != "" {
		text += " (" + strings.TrimSuffix(n.Why, ".") + ")"
	}
	return text
}

func names(all []Neighbour) string {
	var out []string
	for _, n := range all {
		out = append(out, n.Name)
	}
	verb := " is"
	if len(out) > 1 {
		verb = " are"
	}
	return strings.Join(out, ", ") + verb
}

func (e Engine) checkRotation(ctx context.Context, c *Change) w.Finding {
	wrong, err := e.outOfRotation(ctx, c)
	switch {
	case errors.Is(err, w.ErrNotFound):
		return w.Skip("The Deployment has no name of its own yet.")
	case err != nil:
		return w.Warn("It could not be found out: "+strings.TrimSuffix(problem.From(err).Error(), ".")+".", "Look at the Deployment's Traffic Manager profile.")
	case len(wrong) > 0:
		return w.Fail(Capital(strings.Join(wrong, "; "))+".", "Put it back into rotation first, and wait until it is online there.")
	}
	return w.Passed("The name leads to every other site, and each answers.")
}

// outOfRotation are the other Sites to which clients are not led, in sentences.
func (e Engine) outOfRotation(ctx context.Context, c *Change) ([]string, error) {
	state, err := e.rotation(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := e.neighbours(ctx, c)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, r := range state {
		i := slices.IndexFunc(all, func(n Neighbour) bool { return n.SiteID == r.SiteID })
		switch {
		case i < 0:
		case !r.InRotation:
			wrong = append(wrong, all[i].Name+" is out of rotation")
		case r.Health == w.SiteDegraded:
			wrong = append(wrong, all[i].Name+" is in rotation, but its endpoint does not answer")
		}
	}
	return wrong, nil
}

func (e Engine) checkOthersIdle(ctx context.Context, c *Change) w.Finding {
	all, err := e.neighbours(ctx, c)
	if err != nil {
		return problem.Finding(err)
	}
	if busy := disturbed(all); len(busy) > 0 {
		return w.Fail(strings.Join(busy, "; ")+".", "Wait until it has ended.")
	}
	return w.Passed("No run disturbs another site.")
}

// disturbed are the runs that disturb another Site now, in sentences. One that
// waits at its gate looks for itself when it begins.
func disturbed(all []Neighbour) []string {
	var busy []string
	for _, n := range all {
		for _, r := range n.Runs {
			if slices.Contains(disturbing, r.WorkflowID) && !r.Status.Ended() && r.Status != w.RunWaiting {
				busy = append(busy, fmt.Sprintf("Run %d (%s) goes on at %s", r.Number, r.Title, n.Name))
			}
		}
	}
	return busy
}

// mind looks at the other Sites when the run really begins, which may be days
// after its checks. What was waived then is waived now. With p it notes how
// the Site itself stands.
func (e Engine) mind(ctx context.Context, c *Change, p *Pair, log w.Log) error {
	var waived []string
	var err error
	if e.Pairing.Waived != nil {
		if waived, err = e.Pairing.Waived(ctx, w.OriginOf(ctx).RunID); err != nil {
			return err
		}
	}
	for _, look := range []struct {
		check string
		find  func(context.Context, *Change) w.Finding
	}{{checkHealth, e.checkNeighbours}, {checkRotation, e.checkRotation}, {checkIdle, e.checkOthersIdle}} {
		switch f := look.find(ctx, c); {
		case f.Status == w.CheckFailed && slices.Contains(waived, look.check):
			log.Warn("%s It was waived for this run.", f.Found)
		case f.Status == w.CheckFailed:
			return &w.Problem{Code: "pair." + strings.TrimPrefix(look.check, "pair-"), What: "Another site needs this one now", Why: f.Found, Fix: f.Remedy + " Then retry: nothing was changed yet."}
		case f.Status == w.CheckWarning:
			log.Warn("%s", f.Found)
		case f.Status == w.CheckPassed:
			log.Good("%s", f.Found)
		}
	}
	if p == nil || !p.TakeOut {
		return nil
	}
	return e.noteRotation(ctx, c, p, log)
}

// noteRotation notes whether the Site is in rotation before anything is done
// about it: one that somebody else took out is not put back.
func (e Engine) noteRotation(ctx context.Context, c *Change, p *Pair, log w.Log) error {
	state, err := e.rotation(ctx, c)
	if errors.Is(err, w.ErrNotFound) {
		return &w.Problem{Code: "pair.noname", What: "The site cannot be taken out of rotation", Why: "The Deployment has no name of its own any more.", Fix: "Begin a new run and leave clients as they are."}
	}
	if err != nil {
		return err
	}
	p.WasIn = slices.ContainsFunc(state, func(r w.SiteRotation) bool { return r.SiteID == c.SiteID && r.InRotation })
	if !p.WasIn {
		log.Warn("%s is out of rotation already: somebody took it out before. It stays out afterwards.", c.SiteName)
	}
	return nil
}

func (e Engine) takeOut(ctx context.Context, c *Change, p *Pair, log w.Log) error {
	wait, err := e.Pairing.Rotation.TakeOut(ctx, c.SiteID)
	if err != nil {
		return err
	}
	log.Info("New clients are led to the other sites. Those who asked before know %s for up to %s.", c.SiteName, wait)
	for until := e.Clock().Add(wait); e.Clock().Before(until); {
		left := until.Sub(e.Clock())
		log.Progress(int(100*(wait-left)/wait), "waiting "+left.Round(time.Second).String()+" until clients have new answers")
		if err := e.Pause(ctx, min(e.Poll, left)); err != nil {
			return err
		}
	}
	p.Out = true
	log.Good("%s is out of rotation.", c.SiteName)
	return nil
}

// putBackTries is how often a traffic manager that does not answer is asked
// before the run gives up and says so.
const putBackTries = 5

func (e Engine) putBack(ctx context.Context, c *Change, p *Pair, log w.Log) error {
	for try := 1; ; try++ {
		err := e.Pairing.Rotation.PutBack(ctx, c.SiteID)
		if err == nil {
			p.Out = false
			log.Good("%s is in rotation again.", c.SiteName)
			return nil
		}
		if try == putBackTries {
			said := problem.Wrap(err, c.SiteName+" is still out of rotation")
			said.Fix = "Retry: it goes on with this. Or enable the site's endpoint in the Traffic Manager profile yourself. " + said.Fix
			return said
		}
		log.Warn("It could not be put back yet: %s.", strings.TrimSuffix(problem.From(err).Error(), "."))
		if err := e.Pause(ctx, e.Poll<<try); err != nil {
			return err
		}
	}
}
